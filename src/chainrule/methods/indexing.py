"""Selecting and replacing elements, as methods of tensors."""

from __future__ import annotations

from chainrule.ops import indexing


class Indexing:
    """Selecting and replacing elements."""

    __slots__ = ()

    gather = indexing.gather
    nonzero = indexing.nonzero
