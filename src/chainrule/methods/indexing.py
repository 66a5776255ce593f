"""Selecting and replacing elements, as methods of tensors."""

from __future__ import annotations

from chainrule.ops import indexing, picking


class Indexing:
    """Selecting and replacing elements."""

    __slots__ = ()

    gather = picking.gather
    index_select = picking.index_select
    take = picking.take
    take_along_dim = picking.take_along_dim
    masked_select = picking.masked_select
    nonzero = indexing.nonzero
    argwhere = indexing.argwhere
