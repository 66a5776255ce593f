"""Updates at indices in place. Where nothing is recorded, only the elements at the indices move.

Each function changes its first argument and returns it; they are the methods of tensors whose
names end in an underscore. `scatter` and `index_updates` say what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.ops import index_updates, scatter
from chainrule.ops.accumulation import add_rows, places_along
from chainrule.ops.inplace import change, change_directly, setitem
from chainrule.ops.picking import along
from chainrule.ops.scatter import number_of

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """Add the slices of a source at positions of a dimension, in place; see `index_add`."""
    d, positions = index_updates.at_slices("index_add_", self, dim, index, RuntimeError)
    index_updates.fitting_slices("index_add_", self, d, positions.size, source)

    def directly(array: ndarray[Any, Any]) -> None:
        values = index_updates.scaled(self, source, alpha)._array
        if array.ndim == 0:
            array += values
        elif d == 0 and array.flags.c_contiguous and values.size:
            add_rows(array.reshape(len(array), -1), values.reshape(positions.size, -1), positions)
        else:
            np.add.at(array, index_updates.slices_at(d, positions), values)

    def recorded(target: Tensor, added: Tensor) -> Tensor:
        return index_updates.index_add(target, dim, index, added, alpha=alpha)

    return change_directly("index_add_", recorded, directly, self, source)


def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Add the elements of a source along a dimension, in place; see `scatter_add`."""

    def directly(array: ndarray[Any, Any]) -> None:
        if array.ndim == 0 or not array.flags.c_contiguous or index._array.ndim == 0:
            array[...] = scatter.scatter_add(self.detach(), dim, index, src)._array
            return
        d, positions, part = scatter.source_of("scatter_add_", self, dim, index, src)
        if positions.size:
            at = places_along(positions, d, array.shape).reshape(-1)
            np.add.at(array.reshape(-1), at, part._array.reshape(-1))

    def recorded(target: Tensor, added: Tensor) -> Tensor:
        return scatter.scatter_add(target, dim, index, added)

    return change_directly("scatter_add_", recorded, directly, self, src)


def scatter_(
    self: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Tensor:
    """Replace elements along a dimension, in place; see `scatter`."""
    given = value if src is None else src
    plain = reduce is None and self._array.ndim and index._array.ndim
    if plain and not hasattr(given, "_array") and given is not None:
        d, positions = along("scatter_", self, dim, index, "self")
        if positions.size:
            setitem(
                self,
                _everywhere(positions, d),
                number_of("scatter_", given, self._array.dtype).item(),
                "scatter_",
            )
        return self

    def recorded(target: Tensor, put: Any) -> Tensor:
        return scatter.scatter(target, dim, index, put, reduce=reduce)

    return change("scatter_", recorded, self, given)


def _everywhere(positions: ndarray[Any, Any], d: int) -> tuple[Any, ...]:
    """Return the index of NumPy's that stands for an index along a dimension."""
    where: list[Any] = list(np.ogrid[tuple(slice(n) for n in positions.shape)])
    where[d] = positions
    return tuple(where)


def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Replace slices of a dimension, in place; see `index_copy`."""
    at, value = index_updates.copied_at("index_copy_", self, dim, index, source)
    setitem(self, at, value, "index_copy_")
    return self


def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Set slices of a dimension to a number, in place; see `index_fill`."""
    at, filled = index_updates.filled_at("index_fill", self, dim, index, value)
    setitem(self, at, filled, "index_fill_")
    return self


def index_put_(
    self: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False
) -> Tensor:
    """Replace the elements at an index, or add to them, in place; see `index_put`."""
    if not accumulate:
        setitem(
            self, index_updates.index_of("index_put_", self, indices, values), values, "index_put_"
        )
        return self

    def recorded(target: Tensor, put: Tensor) -> Tensor:
        return index_updates.index_put(target, indices, put, True)

    return change("index_put_", recorded, self, values)


def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Replace the elements where a mask holds, in place; see `masked_scatter`."""
    where, values = index_updates.masked_values(self, mask, source)
    setitem(self, where, values, "masked_scatter_")
    return self


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Set the main diagonal to a number, in place.

    Args:
        self: a matrix; or more dimensions, all of one size.
        fill_value: the number.
        wrap: in a matrix with more rows than columns, begin again after a row without.

    >>> import chainrule as cr
    >>> cr.zeros(2, 2).fill_diagonal_(3)
    tensor([[3., 0.],
            [0., 3.]])
    """
    shape = self._array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1 (fill_diagonal_)")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(
            f"all dimensions of input must be of equal length (fill_diagonal_ got {list(shape)})"
        )
    columns = shape[1]
    if wrap and len(shape) == 2 and shape[0] > columns:
        at = np.arange(0, shape[0] * columns, columns + 1)
        index = tuple(np.unravel_index(at, shape))
    else:
        index = (np.arange(min(shape)),) * len(shape)
    value = number_of("fill_diagonal_", fill_value, self._array.dtype).item()
    setitem(self, index, value, "fill_diagonal_")
    return self
