"""Reductions, scans and sorting as methods of tensors."""

from __future__ import annotations

from chainrule.ops import extrema, reductions


class Reductions:
    """Reductions, scans and sorting."""

    __slots__ = ()

    sum = reductions.sum
    mean = reductions.mean
    var = reductions.var
    std = reductions.std
    max = extrema.max
    min = extrema.min
    amax = extrema.amax
    amin = extrema.amin
    argmax = extrema.argmax
    argmin = extrema.argmin
    all = reductions.all
    any = reductions.any
