"""Repetition: copies of a tensor, grids, and every combination of elements."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.arithmetic import mul
from chainrule.ops.assembly import stack
from chainrule.ops.dimensions import several
from chainrule.ops.indexing import advanced_item
from chainrule.ops.picking import rows_at
from chainrule.ops.reductions import total
from chainrule.ops.shape import (
    broadcast,
    given_shape,
    normal_dim,
    reshaped,
)
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "cartesian_prod",
    "combinations",
    "kron",
    "meshgrid",
    "repeat_interleave",
    "tile",
]

# --- The table ------------------------------------------------------------------------------------


def _split_up(shape: Sequence[int], counts: Sequence[int]) -> tuple[int, ...]:
    """Return a repeated shape with each dimension as two: which copy, and where in it."""
    return tuple(n for pair in zip(counts, shape, strict=True) for n in pair)


def _repeat(x: Any, counts: tuple[int, ...]) -> Any:
    if all(n == 1 for n in counts):
        return np.array(x)
    apart = x.reshape(_split_up(x.shape, (1,) * x.ndim))
    full = np.broadcast_to(apart, _split_up(x.shape, counts))
    return full.reshape(tuple(n * m for n, m in zip(x.shape, counts, strict=True)))


repeated: Operation = define(
    "repeat",
    _repeat,
    params=("counts",),
    x=lambda g, x_shape, counts: total(
        reshaped(g, _split_up(x_shape, counts)), tuple(range(0, 2 * len(counts), 2)), False
    ),
    doc="Copies of the whole, side by side along each dimension.",
)
interleaved: Operation = define(
    "repeat_interleave",
    lambda x, repeats, dim: x.repeat(repeats, dim),
    params=("repeats", "dim"),
    x=lambda g, x_shape, repeats, dim: total(
        reshaped(g, (*x_shape[: dim + 1], repeats, *x_shape[dim + 1 :])), (dim + 1,), False
    ),
    notation=notation.along("repeat_interleave"),
    doc="Each slice along a dimension a number of times in succession.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def repeat(input: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """Return copies of a tensor side by side, a number of them along each dimension.

    >>> import chainrule as cr
    >>> cr.tensor([1.0, 2.0]).repeat(2, 2)
    tensor([[1., 2., 1., 2.],
            [1., 2., 1., 2.]])
    """
    if not sizes and repeats is None:
        raise TypeError('repeat() missing 1 required positional arguments: "repeats"')
    counts = given_shape(sizes, repeats)
    shape = input._array.shape
    missing = len(counts) - len(shape)
    if missing < 0:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: got {list(counts)} for shape {list(shape)}; tile() does not mind"
        )
    if any(n < 0 for n in counts):
        raise RuntimeError(
            f"Trying to create tensor with negative dimension: repeat got {list(counts)}"
        )
    if missing:
        input = reshaped(input, (1,) * missing + shape)
    return repeated(input, counts)


def tile(input: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """Return copies of a tensor side by side; numbers left out in front are 1.

    >>> import chainrule as cr
    >>> cr.tile(cr.tensor([[1.0], [2.0]]), (2,))
    tensor([[1., 1.],
            [2., 2.]])
    """
    counts = given_shape(sizes, dims)
    return repeat(input, (1,) * (input._array.ndim - len(counts)) + counts)


@numpy_names
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Repeat each slice along a dimension (each element, if None) in succession.

    Args:
        input: the tensor; alone, a vector of counts: the result then names each position as often
            as its count says.
        repeats: how often, a number or one for every slice.
        dim: the dimension; the flattened tensor is repeated if None.
        output_size: the size of the result along the dimension, where it is known; checked.

    >>> import chainrule as cr
    >>> cr.repeat_interleave(cr.tensor([1.0, 2.0]), 2)
    tensor([1., 1., 2., 2.])
    >>> cr.repeat_interleave(cr.tensor([1.0, 2.0]), cr.tensor([1, 2]))
    tensor([1., 2., 2.])
    """
    if repeats is None:
        return attach(_places(input, output_size), None)
    if dim is None:
        input, dim = reshaped(input, (input._array.size,)), 0
    shape = input._array.shape
    d = normal_dim("repeat_interleave", dim, len(shape))
    if not shape:
        return repeat_interleave(reshaped(input, (1,)), repeats, 0, output_size=output_size)
    if not hasattr(repeats, "_array"):
        try:
            count = operator.index(repeats)
        except TypeError:
            raise TypeError(
                "repeat_interleave(): repeats must be an int or a tensor of ints, not "
                f"{type(repeats).__name__}; write cr.tensor({repeats!r})"
            ) from None
    else:
        if repeats._array.ndim > 1:
            raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
        if repeats._array.size != 1:
            if repeats._array.size != shape[d]:
                raise RuntimeError(
                    "repeats must have the same size as input along dim, but got repeats.size(0) = "
                    f"{repeats._array.size} and input.size({d}) = {shape[d]}"
                )
            return advanced_item(input, rows_at(d, _places(repeats, output_size)))
        count = int(_counts(repeats)[0])
    if count < 0:
        raise RuntimeError("Repeats must be non-negative")
    if output_size is not None and output_size != count * shape[d]:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {count * shape[d]} but got "
            f"{output_size}"
        )
    return interleaved(input, count, d)


def _counts(repeats: Tensor) -> Any:
    counts = repeats._array.reshape(-1)
    if counts.dtype not in (np.int64, np.int32):
        raise NotImplementedError(
            f'"repeat_interleave_cpu" not implemented for {counts.dtype}: repeats must be cr.int64 '
            "or cr.int32; convert with .long()"
        )
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return counts


def _places(repeats: Tensor, output_size: int | None) -> Any:
    """Return each position as often as its count says."""
    if repeats._array.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    counts = _counts(repeats)
    places = np.arange(counts.size).repeat(counts)
    if output_size is not None and output_size != places.size:
        raise RuntimeError(
            "allocated size does not match required size: repeat_interleave got output_size="
            f"{output_size}, the repeats sum to {places.size}"
        )
    return places


# --- Grids ----------------------------------------------------------------------------------------


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Return the coordinates of a grid, a tensor for each vector; views.

    Args:
        *tensors: vectors (or 0-d tensors) of one dtype.
        indexing: ``"ij"``: the k-th vector runs along dimension k; ``"xy"``: the first two are
            swapped, as coordinates of a picture.

    >>> import chainrule as cr
    >>> x, y = cr.meshgrid(cr.tensor([1, 2]), cr.tensor([3, 4, 5]), indexing="ij")
    >>> x
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    given = several(tensors)
    if not given:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for x in given:
        if x._array.ndim > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got shape "
                f"{list(x._array.shape)}"
            )
    if len({x._array.dtype for x in given}) > 1:
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing is None:
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    swapped = indexing == "xy" and len(given) > 1
    if swapped:
        given = (given[1], given[0], *given[2:])
    n = len(given)
    shape = tuple(x._array.size for x in given)
    grids = [
        broadcast(reshaped(x, (*(1,) * k, shape[k], *(1,) * (n - k - 1))), shape)
        for k, x in enumerate(given)
    ]
    if swapped:
        grids[:2] = grids[1::-1]
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """Return every choice of one element of each vector, as rows.

    >>> import chainrule as cr
    >>> cr.cartesian_prod(cr.tensor([1, 2]), cr.tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    given = several(tensors)
    for x in given:
        if x._array.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x._array.shape)}")
    if len(given) == 1:
        only: Tensor = given[0]
        return only
    size = math.prod(x._array.size for x in given)
    return stack([reshaped(grid, (size,)) for grid in meshgrid(*given, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return every choice of ``r`` elements of a vector, as rows, in the order of `itertools`.

    >>> import chainrule as cr
    >>> cr.combinations(cr.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    x = input._array
    if x.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return attach(np.empty(0, x.dtype), None)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(x.size), r)), np.int64).reshape(-1, r)
    return advanced_item(input, rows)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Return the Kronecker product: ``other`` in place of every element of ``input``, scaled by it.

    Missing leading dimensions count as 1.

    >>> import chainrule as cr
    >>> cr.kron(cr.eye(2), cr.tensor([[1.0, 2.0]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    a, b = input._array.shape, other._array.shape
    n = max(len(a), len(b))
    a, b = (1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b
    outer = reshaped(input, tuple(size for k in a for size in (k, 1)))
    inner = reshaped(other, tuple(size for k in b for size in (1, k)))
    return reshaped(mul(outer, inner), tuple(k * m for k, m in zip(a, b, strict=True)))
