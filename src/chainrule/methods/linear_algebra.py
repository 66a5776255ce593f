"""Products and decompositions as methods of tensors."""

from __future__ import annotations

from chainrule.ops import linear_algebra


class LinearAlgebra:
    """Products and decompositions."""

    __slots__ = ()

    matmul = linear_algebra.matmul
    mm = linear_algebra.mm
    dot = linear_algebra.dot
