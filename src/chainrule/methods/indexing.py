"""Selecting and replacing elements, as methods of tensors."""

from __future__ import annotations

from chainrule.methods.binding import in_place, on_demand
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

    scatter = on_demand("scatter", "scatter")
    scatter_add = on_demand("scatter", "scatter_add")
    scatter_reduce = on_demand("scatter", "scatter_reduce")
    index_add = on_demand("index_updates", "index_add")
    index_copy = on_demand("index_updates", "index_copy")
    index_fill = on_demand("index_updates", "index_fill")
    index_put = on_demand("index_updates", "index_put")
    index_reduce = on_demand("index_updates", "index_reduce")
    masked_scatter = on_demand("index_updates", "masked_scatter")
    put = on_demand("index_updates", "put")
    diagonal_scatter = on_demand("diagonals", "diagonal_scatter")
    select_scatter = on_demand("diagonals", "select_scatter")
    slice_scatter = on_demand("diagonals", "slice_scatter")

    # --- In place

    scatter_ = on_demand("scatter_in_place", "scatter_")
    scatter_add_ = on_demand("scatter_in_place", "scatter_add_")
    scatter_reduce_ = in_place("scatter_reduce_", scatter_reduce)
    index_add_ = on_demand("scatter_in_place", "index_add_")
    index_copy_ = on_demand("scatter_in_place", "index_copy_")
    index_fill_ = on_demand("scatter_in_place", "index_fill_")
    index_put_ = on_demand("scatter_in_place", "index_put_")
    index_reduce_ = in_place("index_reduce_", index_reduce)
    masked_scatter_ = on_demand("scatter_in_place", "masked_scatter_")
    put_ = in_place("put_", put)
    fill_diagonal_ = on_demand("scatter_in_place", "fill_diagonal_")
    tril_ = in_place("tril_", on_demand("diagonals", "tril"))
    triu_ = in_place("triu_", on_demand("diagonals", "triu"))
