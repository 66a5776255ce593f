"""Rearranging: reversed, rolled round, rotated; windows that overlap; memory read by strides."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import stride_tricks

from chainrule.graph import memory_owner
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.accumulation import summed_at
from chainrule.ops.cast import clone
from chainrule.ops.shape import (
    distinct_dims,
    given_shape,
    normal_dim,
    permuted,
    reshaped,
    transposed,
)

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "as_strided",
    "flip",
    "fliplr",
    "flipud",
    "roll",
    "rot90",
]

# --- The table ------------------------------------------------------------------------------------


def _flip(x: Any, dims: tuple[int, ...]) -> Any:
    backwards = slice(None, None, -1)
    return x[tuple(backwards if d in dims else slice(None) for d in range(x.ndim))].copy()


def _roll(x: Any, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Any:
    for shift, d in zip(shifts, dims, strict=True):
        size = x.shape[d]
        cut = -shift % size if size else 0
        before = (slice(None),) * d
        x = np.concatenate((x[(*before, slice(cut, None))], x[(*before, slice(cut))]), d)
    return x


def _view_of(x: Any, shape: Sequence[int], strides: Sequence[int]) -> Any:
    """Return a view that begins where ``x`` does; the caller knows that it stays inside.

    What `numpy.lib.stride_tricks.as_strided` does, but the result's ``base`` leads to the owner of
    the memory, by which the engine knows what changes in place.
    """
    owner = memory_owner(x)
    memory = owner if owner.flags.c_contiguous else owner.T
    if not memory.flags.c_contiguous:
        return stride_tricks.as_strided(x, shape, strides).copy()
    start = x.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    return np.ndarray(shape, x.dtype, memory, start, strides)


def _sliding(x: Any, dim: int, size: int, step: int) -> Any:
    count = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    stride = x.strides[dim]
    strides = (*x.strides[:dim], stride * step, *x.strides[dim + 1 :], stride)
    return _view_of(x, shape, strides)


def _overlapped(x: Any, dim: int, step: int, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, x.dtype)
    before = (slice(None),) * dim
    count, size = x.shape[dim], x.shape[-1]
    if size <= count:
        # Element k of every window at once: within one k, no place comes twice.
        for k in range(size):
            out[(*before, slice(k, k + step * (count - 1) + 1, step))] += x[..., k]
    else:
        windows = np.moveaxis(x, -1, dim + 1)
        for k in range(count):
            out[(*before, slice(k * step, k * step + size))] += windows[(*before, k)]
    return out


flipped: Operation = define(
    "flip",
    _flip,
    params=("dims",),
    x=lambda g, dims: flipped(g, dims),
    notation=notation.along("flip", dims=("dims",)),
    doc="The order along dimensions reversed.",
)
rolled: Operation = define(
    "roll",
    _roll,
    params=("shifts", "dims"),
    x=lambda g, shifts, dims: rolled(g, tuple(-n for n in shifts), dims),
    notation=notation.along("roll", dims=("dims",)),
    doc="Shifted along dimensions; what leaves at one end comes back at the other.",
)
sliding: Operation = define(
    "unfold",
    _sliding,
    params=("dim", "size", "step"),
    x=lambda g, x_shape, dim, step: overlapped(g, dim, step, x_shape),
    view=True,
    notation=notation.along("unfold"),
    doc="Windows that slide along a dimension, as a last dimension.",
)
overlapped: Operation = define(
    "overlap_add",
    _overlapped,
    params=("dim", "step", "shape"),
    x=lambda g, x_shape, dim, step: sliding(g, dim, x_shape[-1], step),
    notation=notation.along("overlap_add"),
    doc="Windows added up where they came from: the adjoint of unfold.",
)


def _read_by_strides(x: Any, size: Sequence[int], stride: Sequence[int], offset: int) -> Any:
    x = np.ascontiguousarray(x)
    return _view_of(x.reshape(-1)[offset:], size, tuple(n * x.itemsize for n in stride))


def _places(size: Sequence[int], stride: Sequence[int], offset: int) -> Any:
    at = np.full(size, offset)
    for d, (n, step) in enumerate(zip(size, stride, strict=True)):
        at += (np.arange(n) * step).reshape(-1, *(1,) * (len(size) - d - 1))
    return at


strided: Operation = define(
    "as_strided",
    _read_by_strides,
    params=("size", "stride", "offset"),
    x=lambda g, x_shape, size, stride, offset: added_by_strides(g, size, stride, offset, x_shape),
    view=True,
    doc="The elements in C order, read with other sizes and strides.",
)
added_by_strides: Operation = define(
    "add_strided",
    lambda x, size, stride, offset, shape: summed_at(x, _places(size, stride, offset), shape),
    params=("size", "stride", "offset", "shape"),
    x=lambda g, size, stride, offset: strided(g, size, stride, offset),
    doc="Zeros of a shape with values added by strides: the adjoint of as_strided.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def flip(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """Reverse the order of the elements along dimensions; a copy.

    >>> import chainrule as cr
    >>> cr.flip(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), (1,))
    tensor([[2., 1.],
            [4., 3.]])
    """
    along = tuple(distinct_dims("flip", given_shape(order, dims), input._array.ndim))
    return flipped(input, along) if along else clone(input)


def fliplr(input: Tensor) -> Tensor:
    """Reverse the order of the columns: flip along dimension 1.

    >>> import chainrule as cr
    >>> cr.fliplr(cr.tensor([[1.0, 2.0]]))
    tensor([[2., 1.]])
    """
    if input._array.ndim < 2:
        raise RuntimeError(f"Input must be >= 2-d. (fliplr got {input._array.ndim}-d)")
    return flipped(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """Reverse the order of the rows: flip along dimension 0.

    >>> import chainrule as cr
    >>> cr.flipud(cr.tensor([1.0, 2.0]))
    tensor([2., 1.])
    """
    if input._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d. (flipud got 0-d)")
    return flipped(input, (0,))


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Shift the elements along dimensions; what leaves at one end comes back at the other.

    Args:
        input: any shape.
        shifts: by how many places, one number for each dimension.
        dims: the dimensions; the flattened tensor is rolled if None.

    >>> import chainrule as cr
    >>> cr.roll(cr.tensor([1.0, 2.0, 3.0]), 1)
    tensor([3., 1., 2.])
    """
    by = given_shape((shifts,))
    along = () if dims is None else given_shape((dims,))
    if not by:
        raise RuntimeError("`shifts` required: roll got none")
    if not along and len(by) == 1:
        flat = rolled(reshaped(input, (input._array.size,)), by, (0,))
        return reshaped(flat, input._array.shape)
    if len(by) != len(along):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)} in roll"
        )
    n = input._array.ndim
    if n == 0:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    return rolled(input, by, tuple(normal_dim("roll", d, n) for d in along))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Rotate by 90 degrees ``k`` times in the plane of two dimensions, the first to the second.

    >>> import chainrule as cr
    >>> cr.rot90(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 4.],
            [1., 3.]])
    """
    n = input._array.ndim
    given = given_shape((dims,))
    if len(given) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(given)}")
    if n < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {n}")
    a, b = (normal_dim("rot90", d, n) for d in given)
    if a == b:
        raise RuntimeError(
            "expected rotation dims to be different, but got dim0 = "
            f"{given[0]} and dim1 = {given[1]}"
        )
    turns = k % 4
    if turns == 0:
        return clone(input)
    if turns == 2:
        return flipped(input, (a, b))
    return transposed(flipped(input, (b if turns == 1 else a,)), a, b)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return windows of a size that slide along a dimension, as a last dimension; a view.

    Where windows overlap, their gradients add up.

    >>> import chainrule as cr
    >>> cr.arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    shape = input._array.shape
    d = normal_dim("unfold", dimension, len(shape))
    length = shape[d] if shape else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0 (unfold)")
    if size > length:
        raise RuntimeError(
            f"maximum size for tensor at dimension {d} is {length} but size is {size} (unfold)"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0 (unfold)")
    if not shape:
        return reshaped(input, (1,)) if size else reshaped(input, (1,))[:0]
    return sliding(input, d, operator.index(size), operator.index(step))


def storage_offset(input: Tensor) -> int:
    """Return how many elements after its base, the tensor it is a view of, a tensor begins."""
    return _distance(input, input if input._base is None else input._base)


def _distance(a: Tensor, b: Tensor) -> int:
    starts = [t._array.__array_interface__["data"][0] for t in (a, b)]
    return (starts[0] - starts[1]) // a._array.itemsize  # type: ignore[no-any-return]


def _in_memory_order(input: Tensor) -> Tensor | None:
    """Return a tensor with its dimensions as they lie in memory; None if there are gaps."""
    x = input._array
    if x.flags.c_contiguous:
        return input
    order = tuple(sorted(range(x.ndim), key=lambda d: -x.strides[d]))
    return permuted(input, order) if x.transpose(order).flags.c_contiguous else None


def as_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """Return the memory behind a tensor, read with other sizes and strides; a view.

    Memory is that of the tensor or, for what lies outside of it, of the tensor that it is a view
    of; what lies beyond is never touched. Elements that are read several times accumulate their
    gradients.

    Args:
        input: the tensor whose memory is read.
        size: the shape of the result.
        stride: for each dimension, how many elements apart neighbours lie; not negative.
        storage_offset: where the first element lies; where that of ``input`` does if None.

    >>> import chainrule as cr
    >>> cr.as_strided(cr.arange(5), (3, 3), (1, 1))
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    shape, steps = given_shape((size,)), given_shape((stride,))
    if len(shape) != len(steps):
        raise RuntimeError(
            f"mismatch in length of strides and shape: as_strided got {list(shape)} and "
            f"{list(steps)}"
        )
    if any(n < 0 for n in steps):
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(steps)}"
        )
    if any(n < 0 for n in shape):
        raise RuntimeError(f"as_strided: sizes must not be negative, got {list(shape)}")
    base = input if input._base is None else input._base
    begins = _distance(input, base)
    first = begins if storage_offset is None else operator.index(storage_offset)
    if first < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {first} (as_strided)")
    if 0 in shape:
        return strided(input, shape, steps, 0)
    last = first + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    itself = _in_memory_order(input)
    if itself is not None and begins <= first and last < begins + itself._array.size:
        return strided(itself, shape, steps, first - begins)
    whole = _in_memory_order(base)
    if whole is None:
        raise RuntimeError(
            "as_strided: the elements of this tensor do not lie in memory without gaps; call "
            ".contiguous() first"
        )
    if last >= whole._array.size:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(steps)}, storage offset {first}, and "
            f"itemsize {base._array.itemsize} requiring a storage size of "
            f"{(last + 1) * base._array.itemsize} are out of bounds for storage of size "
            f"{whole._array.nbytes}"
        )
    return strided(whole, shape, steps, first)
