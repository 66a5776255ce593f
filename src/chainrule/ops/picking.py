"""Picking elements: along a dimension, at flat positions, where a mask holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.operation import Operation, define
from chainrule.ops.accumulation import summed_at, wrapped
from chainrule.ops.cast import clone
from chainrule.ops.dimensions import broadcast_tensors
from chainrule.ops.indexing import advanced_item, taken_along
from chainrule.ops.shape import broadcast_to, normal_dim, reshaped
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "gather",
    "index_select",
    "masked_select",
    "take",
    "take_along_dim",
]

# --- The table ------------------------------------------------------------------------------------


def _take_flat(x: Any, positions: Any) -> Any:
    return x.reshape(-1)[positions]


def _put_flat(x: Any, value: Any, positions: Any) -> Any:
    out = np.array(x, order="C")
    out.reshape(-1)[positions] = value
    return out


put_flat_into_zeros: Operation = define(
    "put_into_zeros",
    lambda x, positions, shape: summed_at(x, positions, shape),
    params=("positions", "shape"),
    x=lambda g, positions: take_flat(g, positions),
    doc="Zeros of a shape with values added at flat positions.",
)
take_flat: Operation = define(
    "take",
    _take_flat,
    params=("positions",),
    x=lambda g, x_shape, positions: put_flat_into_zeros(g, positions, x_shape),
    doc="The elements at flat positions.",
)
put_flat: Operation = define(
    "put",
    _put_flat,
    params=("positions",),
    x=lambda g, positions: put_flat(g, 0.0, positions),
    value=lambda g, positions: take_flat(g, positions),
    doc="A copy with the elements at flat positions replaced.",
)


# --- PyTorch's signatures -------------------------------------------------------------------------


def along(
    name: str, input: Tensor, dim: Any, index: Any, out_of: str = "input"
) -> tuple[int, ndarray[Any, Any]]:
    """Return a dimension as a number from 0 and a copy of an index along it, both checked."""
    x, positions = input._array, index._array
    if positions.dtype.kind != "i" or positions.dtype.itemsize < 4:
        raise RuntimeError(
            f"{name}(): Expected dtype int32/int64 for index, got {positions.dtype}; convert with "
            ".long()"
        )
    d = normal_dim(name, dim, x.ndim)
    if positions.size == 0:
        return d, positions
    if positions.ndim != x.ndim:
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {out_of} tensor: {name} got "
            f"shapes {list(positions.shape)} and {list(x.shape)}"
        )
    sizes = zip(positions.shape, x.shape, strict=True) if positions.shape != x.shape else ()
    for k, (n, m) in enumerate(sizes):
        if k != d and n > m:
            raise RuntimeError(
                f"Size does not match at dimension {k} expected index {list(positions.shape)} to "
                f"be no larger than self {list(x.shape)} apart from dimension {d} ({name})"
            )
    check_bounds(name, positions, d, x.shape[d])
    # A copy: the graph keeps the index, and the caller may change what was passed.
    return d, positions.copy()


def same_for_all(index: Any, dim: int, shape: tuple[int, ...]) -> Any:
    """Return the positions along ``dim`` that an expanded index repeats for whole slices.

    None if it is no such index: then each place has a position of its own.
    """
    for k, (n, stride) in enumerate(zip(index.shape, index.strides, strict=True)):
        if k != dim and (n != shape[k] or (stride != 0 and n != 1)):
            return None
    return index[tuple(slice(None) if k == dim else 0 for k in range(index.ndim))]


def check_bounds(
    name: str, positions: Any, dim: int, size: int, error: type[Exception] = RuntimeError
) -> None:
    """Raise PyTorch's error if a position along a dimension lies outside."""
    if positions.size == 0:
        return
    # Read as unsigned, a negative number is larger than any size: one pass finds both.
    unsigned = positions.view(f"u{positions.dtype.itemsize}")
    if np.maximum.reduce(unsigned, axis=None) >= size:
        bad = positions[(positions < 0) | (positions >= size)].flat[0]
        raise error(f"index {bad} is out of bounds for dimension {dim} with size {size} ({name})")


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Pick elements along a dimension: ``out[i, j] = input[index[i, j], j]`` for ``dim=0``.

    Repeated indices accumulate their gradients.

    Args:
        input: the tensor to pick from.
        dim: the dimension that is indexed.
        index: integers, of as many dimensions as the input and, apart from ``dim``, no larger.
        sparse_grad: for PyTorch programs; gradients are dense.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.gather(x, 1, cr.tensor([[0, 0], [1, 0]]))
    tensor([[1., 1.],
            [4., 3.]])
    """
    if input._array.ndim == 0 or index._array.ndim == 0:
        return _gathered_scalars(input, dim, index)
    d, positions = along("gather", input, dim, index)
    if positions.size == 0:
        return take_flat(input, np.zeros(positions.shape, np.int64))
    line = same_for_all(index._array, d, input._array.shape)
    if line is not None:
        return advanced_item(input, rows_at(d, line))
    return taken_along(input, positions, d)


def _gathered_scalars(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Gather where the input or the index has no dimensions: they count as vectors of one."""
    normal_dim("gather", dim, input._array.ndim)
    vector = input if input._array.ndim else reshaped(input, (1,))
    flat = gather(vector, 0, index if index._array.ndim else index.reshape(1))
    return reshaped(flat, index._array.shape)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the slices of a dimension at the positions of an index; a copy.

    Repeated positions accumulate their gradients.

    >>> import chainrule as cr
    >>> cr.index_select(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, cr.tensor([1, 1, 0]))
    tensor([[2., 2., 1.],
            [4., 4., 3.]])
    """
    x, positions = input._array, index._array
    if positions.dtype.kind != "i" or positions.dtype.itemsize < 4:
        raise RuntimeError(
            f"index_select(): Expected dtype int32 or int64 for index, got {positions.dtype}; "
            "convert with .long()"
        )
    if positions.ndim > 1:
        raise IndexError(
            f"index_select(): Index is supposed to be a vector, got shape {list(positions.shape)}"
        )
    d = normal_dim("index_select", dim, x.ndim)
    if x.ndim == 0:
        if positions.size != 1:
            raise RuntimeError(
                "index_select(): Index to scalar can have only 1 value, got "
                f"{positions.size} value(s)"
            )
        check_bounds("index_select", positions, 0, 1)
        return clone(input)
    check_bounds("index_select", positions, d, x.shape[d], IndexError)
    return advanced_item(input, rows_at(d, positions))


def rows_at(dim: int, positions: Any) -> Any:
    """Return the index of the slices of a dimension at positions, which are copied."""
    kept = np.array(positions, np.int64, ndmin=1)
    return (*(slice(None),) * dim, kept) if dim else kept


def take(input: Tensor, index: Tensor) -> Tensor:
    """Return the elements at positions of the flattened input, in the index's shape.

    >>> import chainrule as cr
    >>> cr.take(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), cr.tensor([0, 3]))
    tensor([1., 4.])
    """
    return take_flat(input, flat_positions("take", input, index))


def flat_positions(name: str, input: Tensor, index: Tensor) -> ndarray[Any, Any]:
    """Return positions in the flattened input, counted from 0 and checked."""
    positions, size = index._array, input._array.size
    if positions.dtype != np.int64:
        raise RuntimeError(
            f"{name}(): Expected a long tensor for index, but got {positions.dtype}; convert with "
            ".long()"
        )
    if positions.size:
        if size == 0:
            raise IndexError(f"{name}(): tried to {name} from an empty tensor")
        for bad in (positions.min(), positions.max()):
            if not -size <= bad < size:
                raise IndexError(
                    f"out of range: tried to access index {bad} on a tensor of {size} elements "
                    f"({name})"
                )
    return wrapped(positions.copy(), size)


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Pick elements along a dimension at indices that broadcast with the other dimensions.

    What `argmax` and `argsort` return picks the maxima and sorts. Without a dimension, both are
    flattened.

    >>> import chainrule as cr
    >>> x = cr.tensor([[3.0, 1.0], [2.0, 4.0]])
    >>> cr.take_along_dim(x, cr.argmax(x, dim=1, keepdim=True), dim=1)
    tensor([[3.],
            [4.]])
    """
    x, positions = input._array, indices._array
    if positions.dtype != np.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {positions.dtype}"
        )
    if dim is None:
        return gather(reshaped(input, (x.size,)), 0, attach(positions.reshape(-1), None))
    if x.ndim != positions.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {x.ndim} dimensions for input, and {positions.ndim} dimensions for indices"
        )
    d = normal_dim("take_along_dim", dim, x.ndim)
    if x.ndim == 0:
        return gather(input, 0, indices)
    others = tuple(1 if k == d else n for k, n in enumerate(x.shape))
    places = tuple(1 if k == d else n for k, n in enumerate(positions.shape))
    try:
        common = np.broadcast_shapes(others, places)
    except ValueError:
        raise RuntimeError(
            f"The size of tensor a {list(x.shape)} must match the size of tensor b "
            f"{list(positions.shape)} at non-singleton dimensions other than {d} (take_along_dim)"
        ) from None
    wide = broadcast_to(input, (*common[:d], x.shape[d], *common[d + 1 :]))
    full = np.broadcast_to(positions, (*common[:d], positions.shape[d], *common[d + 1 :]))
    check_bounds("take_along_dim", full + x.shape[d] * (full < 0), d, x.shape[d])
    return taken_along(wide, wrapped(np.array(full), x.shape[d]), d)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements where a mask holds as a vector; the two broadcast.

    >>> import chainrule as cr
    >>> x = cr.tensor([1.0, 2.0, 3.0])
    >>> cr.masked_select(x, x > 1)
    tensor([2., 3.])
    """
    if mask._array.dtype != np.bool_:
        raise RuntimeError(
            f"masked_select: expected BoolTensor for mask, got {mask._array.dtype}; convert with "
            ".bool()"
        )
    values, where = broadcast_tensors(input, mask)
    return advanced_item(values, np.array(where._array))
