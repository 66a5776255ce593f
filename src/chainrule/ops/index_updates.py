"""Updates at indices: a copy of a tensor with slices, or any elements, replaced or added to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ops.arithmetic import add, mul
from chainrule.ops.dimensions import broadcast_tensors
from chainrule.ops.indexing import normal_index, put_at, set_at
from chainrule.ops.inplace import fitted_value
from chainrule.ops.picking import check_bounds, flat_positions, put_flat, put_flat_into_zeros
from chainrule.ops.scatter import number_of, reduced_at
from chainrule.ops.shape import broadcast_to, normal_dim, reshaped
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_reduce",
    "masked_scatter",
    "put",
]

# --- Slices of a dimension ------------------------------------------------------------------------


def at_slices(
    name: str, input: Tensor, dim: Any, index: Tensor, error: type[Exception] = IndexError
) -> tuple[int, Any]:
    """Return a dimension, and an index of its slices at positions, both checked and copied."""
    positions, shape = index._array, input._array.shape
    if positions.dtype.kind != "i" or positions.dtype.itemsize < 4:
        raise IndexError(
            f"{name}(): Expected dtype int32/int64 for index, got {positions.dtype}; convert with "
            ".long()"
        )
    if positions.ndim > 1:
        raise IndexError(f"{name}(): Index should have dimension 1 or 0 (got {positions.ndim})")
    d = normal_dim(name, dim, len(shape))
    check_bounds(name, positions, d, shape[d] if shape else 1, error)
    return d, np.array(positions, np.int64, ndmin=1)


def slices_at(d: int, positions: Any) -> Any:
    """Return the index of the slices of a dimension at positions."""
    return (*(slice(None),) * d, positions) if d else positions


def fitting_slices(
    name: str,
    input: Tensor,
    d: int,
    count: int,
    source: Tensor,
    wrong_count: type[Exception] = RuntimeError,
) -> None:
    """Raise unless a source has a slice for each position, of the input's dtype and shape."""
    x, s = input._array, source._array
    if s.dtype is not x.dtype:
        raise RuntimeError(
            f"{name}(): self ({x.dtype}) and source ({s.dtype}) must have the same scalar type; "
            "convert the source with .to(...)"
        )
    if s.ndim != x.ndim or (
        s.ndim and (*s.shape[:d], *s.shape[d + 1 :]) != (*x.shape[:d], *x.shape[d + 1 :])
    ):
        kind = IndexError if s.ndim != x.ndim and wrong_count is IndexError else RuntimeError
        raise kind(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(x.shape)} source.shape = {list(s.shape)} in {name}"
        )
    if s.ndim and s.shape[d] != count:
        raise wrong_count(
            f"{name}(): Number of indices ({count}) should be equal to source.size(dim): "
            f"({s.shape[d]}), for dim: {d}"
        )


@numpy_names
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """Return a copy with ``alpha`` times the slices of a source added at positions of a dimension.

    >>> import chainrule as cr
    >>> cr.index_add(cr.zeros(3), 0, cr.tensor([2, 2]), cr.tensor([1.0, 4.0]))
    tensor([0., 0., 5.])
    """
    shape = input._array.shape
    d, positions = at_slices("index_add", input, dim, index, RuntimeError)
    if not shape:
        fitting_slices("index_add", input, d, 1, source)
        return add(input, scaled(input, source, alpha))
    fitting_slices("index_add", input, d, positions.size, source)
    added = put_at(scaled(input, source, alpha), slices_at(d, positions), shape)
    return add(input, added)


def scaled(input: Tensor, source: Tensor, alpha: Any) -> Tensor:
    """Return alpha times a source, in the dtype of the input."""
    if alpha == 1:
        return source
    number = {"f": float, "b": bool}.get(input._array.dtype.kind, int)
    return mul(source, number(alpha))


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return a copy with slices of a dimension replaced by those of a source.

    >>> import chainrule as cr
    >>> cr.index_copy(cr.zeros(3), 0, cr.tensor([2, 0]), cr.tensor([1.0, 4.0]))
    tensor([4., 0., 1.])
    """
    at, source = copied_at("index_copy", input, dim, index, source)
    return set_at(input, source, at)


def copied_at(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Any, Any]:
    """Return the index and the value of the assignment that `index_copy` is."""
    if index._array.dtype != np.int64:
        raise RuntimeError(
            f"{name}(): Expected a long tensor for index, but got {index._array.dtype}; convert "
            "with .long()"
        )
    d, positions = at_slices(name, input, dim, index)
    if not input._array.ndim:
        return (), reshaped(source, ())
    fitting_slices(name, input, d, positions.size, source, IndexError)
    return slices_at(d, positions), source


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Return a copy with slices of a dimension set to a number (or a 0-d tensor).

    >>> import chainrule as cr
    >>> cr.index_fill(cr.zeros(3), 0, cr.tensor([2, 0]), 7.0)
    tensor([7., 0., 7.])
    """
    at, value = filled_at("index_fill", input, dim, index, value)
    return set_at(input, value, at)


def filled_at(name: str, input: Tensor, dim: int, index: Tensor, value: Any) -> tuple[Any, Any]:
    """Return the index and the value of the assignment that `index_fill` is."""
    shape, positions = input._array.shape, index._array
    d = normal_dim(name, dim, len(shape))
    if positions.dtype != np.int64:
        raise IndexError(
            f"{name}_(): Expected dtype int64 for index, got {positions.dtype}; convert with "
            ".long()"
        )
    if positions.ndim > 1:
        raise IndexError(f"{name}_(): Index is supposed to be a vector")
    size = shape[d] if shape else 1
    for bad in positions.reshape(-1).tolist():
        if not -size <= bad < size:
            raise IndexError(
                f"index {bad} is out of bounds for dimension {d} with size {size} ({name})"
            )
    if hasattr(value, "_array"):
        if value._array.ndim:
            raise RuntimeError(
                f"{name}_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s)."
            )
        value = value.to(input._array.dtype)
    else:
        value = attach(number_of(name, value, input._array.dtype), None)
    if not shape:
        return (), value
    # Each slice once, so that the gradient of the value counts it once.
    return slices_at(d, np.unique(positions % size if size else positions)), value


# --- At any index ---------------------------------------------------------------------------------


def index_put(
    input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False
) -> Tensor:
    """Return a copy with ``out[indices] = values``, or ``+=`` with repeated indices accumulated.

    >>> import chainrule as cr
    >>> at = (cr.tensor([1, 1]),)
    >>> cr.index_put(cr.zeros(2), at, cr.tensor([3.0, 4.0]), accumulate=True)
    tensor([0., 7.])
    """
    index = index_of("index_put", input, indices, values)
    values = fitted_value(input._array, index, values)
    if not accumulate:
        return set_at(input, values, index)
    wanted = np.broadcast_to(np.empty((), bool), input._array.shape)[index].shape
    added = put_at(broadcast_to(values, wanted), index, input._array.shape)
    return add(input, added)


def index_of(name: str, input: Tensor, indices: Any, values: Tensor) -> tuple[Any, ...]:
    """Return the index that a tuple of tensors is, in NumPy's terms."""
    if hasattr(indices, "_array"):
        raise TypeError(
            f"{name}(): argument 'indices' (position 2) must be tuple of Tensors, not Tensor"
        )
    for k, part in enumerate(indices):
        if not hasattr(part, "_array"):
            raise TypeError(
                f"expected Tensor as element {k} in argument 1, but got {type(part).__name__}"
            )
    if values._array.dtype is not input._array.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{input._array.dtype} for the destination and {values._array.dtype} for the source."
        )
    index: tuple[Any, ...] = normal_index(tuple(indices), input._array.shape)
    return index


@numpy_names
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """Return a copy with slices of a dimension reduced with those of a source.

    Args:
        input: what is copied.
        dim: the dimension.
        index: a vector of positions.
        source: a slice for each position.
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the input's own slice takes part where the index names it.

    >>> import chainrule as cr
    >>> x = cr.tensor([1.0, 2.0])
    >>> cr.index_reduce(x, 0, cr.tensor([0, 0]), cr.tensor([5.0, 3.0]), "prod")
    tensor([15.,  2.])
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    d, positions = at_slices("index_reduce", input, dim, index)
    shape = input._array.shape
    fitting_slices("index_reduce", input, d, positions.size, source)
    if not shape:
        vector = reshaped(input, (1,)), reshaped(source, (1,))
        return reshaped(reduced_at(vector[0], 0, positions, vector[1], reduce, include_self), ())
    if source._array.size == 0:
        return input.clone()
    lines = positions.reshape(-1, *(1,) * (len(shape) - d - 1))
    everywhere = np.array(np.broadcast_to(lines, source._array.shape))
    return reduced_at(input, d, everywhere, source, reduce, include_self)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return a copy with the elements where a mask holds replaced by those of a source, in order.

    >>> import chainrule as cr
    >>> x = cr.zeros(3)
    >>> cr.masked_scatter(x, cr.tensor([True, False, True]), cr.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    if mask._array.shape != input._array.shape:
        input, mask = broadcast_tensors(input, mask)
    where, values = masked_values(input, mask, source)
    return set_at(input, values, where)


def masked_values(input: Tensor, mask: Tensor, source: Tensor) -> tuple[Any, Tensor]:
    """Return a mask of the input's shape and as many elements of a source as it has places."""
    if mask._array.dtype != np.bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{mask._array.dtype}; convert with .bool()"
        )
    if source._array.dtype is not input._array.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{input._array.dtype} and {source._array.dtype}"
        )
    where = np.array(np.broadcast_to(mask._array, input._array.shape))
    count = int(np.count_nonzero(where))
    if count > source._array.size:
        raise RuntimeError(
            "Number of elements of source < number of ones in mask: masked_scatter got "
            f"{source._array.size} for {count} places"
        )
    values = reshaped(source, (source._array.size,))
    return where, values[:count]


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Return a copy with elements at positions of the flattened tensor replaced, or added to.

    >>> import chainrule as cr
    >>> cr.put(cr.zeros(2, 2), cr.tensor([0, -1]), cr.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    if source._array.size != index._array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._array.size}, index.numel() = {index._array.size}"
        )
    if source._array.dtype is not input._array.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input._array.dtype} and source.dtype = {source._array.dtype}"
        )
    positions = flat_positions("put_", input, index).reshape(-1)
    values = reshaped(source, (source._array.size,))
    if accumulate:
        return add(input, put_flat_into_zeros(values, positions, input._array.shape))
    return put_flat(input, values, positions)
