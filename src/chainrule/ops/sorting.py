"""Sorting, and the largest, smallest and k-th elements: the work is in the indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.ops.extrema import pick_and_tell
from chainrule.ops.indexing import taken_along
from chainrule.ops.shape import normal_dim
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "argsort",
    "kthvalue",
    "msort",
    "sort",
    "topk",
]


def _stable_order(x: Any, dim: int) -> Any:
    if x.dtype.kind != "f" or x.dtype.itemsize < 4 or x.shape[dim] <= 16:
        return np.argsort(x, axis=dim, kind="stable")
    # NumPy's unstable sort is several times faster, and floats are rarely equal: put those that are
    # back into their order.
    order = np.argsort(x, axis=dim)
    ordered = np.moveaxis(np.asarray(taken_along(x, order, dim)), dim, -1)
    same = ordered[..., 1:] == ordered[..., :-1]
    if np.isnan(ordered[..., -1]).any():
        same |= np.isnan(ordered[..., :-1])
    ties = np.count_nonzero(same)
    if not ties:
        return order
    if ties * 4 > x.size:
        return np.argsort(x, axis=dim, kind="stable")
    rows = np.array(np.moveaxis(order, dim, -1), order="C")
    follows, leads = np.zeros((2, *rows.shape), bool)
    follows[..., 1:] = leads[..., :-1] = same
    places = np.flatnonzero(follows | leads)
    tied = rows.reshape(-1)[places]
    runs = np.cumsum(~follows.reshape(-1)[places])
    rows.reshape(-1)[places] = tied[np.lexsort((tied, runs))]
    return np.moveaxis(rows, -1, dim)


def order_along(x: Any, dim: int, descending: bool = False) -> Any:
    """Return the indices that sort an array: equal elements in their order, NaN as the largest."""
    if not descending:
        return _stable_order(x, dim)
    backwards = (*(slice(None),) * dim, slice(None, None, -1))
    return x.shape[dim] - 1 - _stable_order(x[backwards], dim)[backwards]


@numpy_names
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> return_types.sort:
    """Return the elements in order along a dimension, and the indices they had.

    NaN counts as the largest. Equal elements keep their order, ``stable`` or not.

    >>> import chainrule as cr
    >>> cr.sort(cr.tensor([3.0, 1.0, 2.0])).indices
    tensor([1, 2, 0])
    """
    x = input._array
    d = normal_dim("sort", dim, x.ndim)
    if x.ndim == 0:
        return return_types.sort(input.clone(), attach(np.zeros((), np.int64), None))
    order = order_along(x, d, descending)
    return return_types.sort(taken_along(input, order, d), attach(order.copy(), None))


@numpy_names
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """Return the indices that sort along a dimension.

    >>> import chainrule as cr
    >>> cr.argsort(cr.tensor([3.0, 1.0, 2.0]), descending=True)
    tensor([0, 2, 1])
    """
    x = input._array
    d = normal_dim("argsort", dim, x.ndim)
    if x.ndim == 0:
        return attach(np.zeros((), np.int64), None)
    return attach(order_along(x, d, descending), None)


def msort(input: Tensor) -> Tensor:
    """Return the elements in order along the first dimension.

    >>> import chainrule as cr
    >>> cr.msort(cr.tensor([[3.0, 1.0], [2.0, 4.0]]))
    tensor([[2., 1.],
            [3., 4.]])
    """
    return sort(input, 0).values


@numpy_names
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> return_types.topk:
    """Return the k largest elements along a dimension, or the smallest, and their indices.

    They come in order, ``sorted`` or not; NaN counts as the largest.

    >>> import chainrule as cr
    >>> cr.topk(cr.tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    x = input._array
    d = normal_dim("topk", dim, x.ndim)
    size = x.shape[d] if x.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(
            f"selected index k out of range: topk of the {size} elements along dimension {d} got "
            f"k={k}"
        )
    if x.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes; convert with .int()")
    if x.ndim == 0:
        return return_types.topk(input.clone(), attach(np.zeros((), np.int64), None))
    if 0 < k < size and size > 64:
        # Those that qualify first, so that only they need sorting.
        split = size - k if largest else k - 1
        part = (slice(None),) * d + ((slice(split, None) if largest else slice(k)),)
        chosen = np.argpartition(x, split, axis=d)[part]
        order = order_along(taken_along(x, chosen, d), d, largest)
        indices = np.asarray(taken_along(chosen, order, d))
    else:
        indices = order_along(x, d, largest)[(slice(None),) * d + (slice(k),)]
    return return_types.topk(taken_along(input, indices, d), attach(indices.copy(), None))


def refuse_empty_dim(name: str, shape: tuple[int, ...], dim: int) -> None:
    """Raise if there is nothing along a dimension to choose from."""
    if shape and shape[dim] == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim {dim} to have non-zero size; the input has shape "
            f"{list(shape)}"
        )


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> return_types.kthvalue:
    """Return the k-th smallest element along a dimension, and its index; k counts from 1.

    >>> import chainrule as cr
    >>> cr.kthvalue(cr.tensor([3.0, 1.0, 2.0]), 2).values
    tensor(2.)
    """
    x = input._array
    d = normal_dim("kthvalue", dim, x.ndim)
    refuse_empty_dim("kthvalue", x.shape, d)
    size = x.shape[d] if x.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(
            f"kthvalue(): selected number k out of range for dimension {d}: it has {size} elements "
            f"and k is {k}"
        )
    if x.ndim == 0:
        return return_types.kthvalue(input.clone(), attach(np.zeros((), np.int64), None))
    indices = np.argpartition(x, k - 1, axis=d)[(slice(None),) * d + (slice(k - 1, k),)]
    return return_types.kthvalue(*pick_and_tell(input, indices, d, keepdim))
