"""Distinct elements, and the places of values in sorted sequences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.indexing import advanced_item
from chainrule.ops.shape import normal_dim, reshaped
from chainrule.ops.sorting import order_along
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "bucketize",
    "searchsorted",
    "unique",
    "unique_consecutive",
]

# --- Distinct elements ----------------------------------------------------------------------------


def _lined_up(name: str, input: Tensor, dim: Any) -> tuple[Tensor, Any, int]:
    """Return the tensor to pick from, its elements or slices as rows of numbers, and along what."""
    x = input._array
    if dim is None:
        return reshaped(input, (x.size,)), x.reshape(-1, 1), 0
    if x.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions ({name})")
    d = normal_dim(name, dim, x.ndim)
    if 0 in (*x.shape[:d], *x.shape[d + 1 :]):
        raise RuntimeError(
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied: "
            f"{name} along dimension {d} of shape {list(x.shape)}"
        )
    width = math.prod(x.shape[:d] + x.shape[d + 1 :])
    return input, np.moveaxis(x, d, 0).reshape(x.shape[d], width), d


def _results(
    source: Tensor,
    rows: Any,
    order: Any,
    dim: int,
    shape: tuple[int, ...],
    inverse: bool,
    counts: bool,
) -> Any:
    """Return the first of each run of equal rows in an order, and what else was asked for."""
    ordered = rows[order]
    begins = np.ones(len(rows), bool)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(1)
    found = advanced_item(source, (*(slice(None),) * dim, order[begins]))
    results = [found]
    if inverse:
        labels = np.empty(len(rows), np.int64)
        labels[order] = np.cumsum(begins) - 1
        results.append(attach(labels.reshape(shape), None))
    if counts:
        starts = np.flatnonzero(begins)
        results.append(attach(np.diff(starts, append=len(rows)), None))
    return results[0] if len(results) == 1 else tuple(results)


@numpy_names
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Any = None,
) -> Any:
    """Return the distinct elements, or with ``dim`` the distinct slices along it.

    They come sorted, whether ``sorted`` or not. NaNs count as distinct. The gradient goes to the
    first of several equal elements.

    Args:
        input: any shape.
        sorted: accepted for PyTorch's sake.
        return_inverse: also return for each element where it is among the distinct ones.
        return_counts: also return how often each occurs.
        dim: the dimension along which slices are compared; None to compare all elements.

    >>> import chainrule as cr
    >>> cr.unique(cr.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    source, rows, d = _lined_up("unique", input, dim)
    if rows.shape[1] == 1:
        order = order_along(rows[:, 0], 0)
    else:
        order = np.lexsort(rows.T[::-1])
    shape = input._array.shape if dim is None else (len(rows),)
    return _results(source, rows, order, d, shape, return_inverse, return_counts)


@numpy_names
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    """Return the first of each run of equal elements, or with ``dim`` of equal slices along it.

    >>> import chainrule as cr
    >>> cr.unique_consecutive(cr.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    source, rows, d = _lined_up("unique_consecutive", input, dim)
    shape = input._array.shape if dim is None else (len(rows),)
    order = np.arange(len(rows))
    return _results(source, rows, order, d, shape, return_inverse, return_counts)


# --- Places in sorted sequences -------------------------------------------------------------------


def _bisected(sequence: Any, values: Any, right: bool) -> Any:
    """Return where values belong in rows of their own, all halved at the same time."""
    n = sequence.shape[-1]
    low = np.zeros(values.shape, np.int64)
    high = np.full(values.shape, n, np.int64)
    for _ in range(n.bit_length()):
        middle = (low + high) >> 1
        at = np.take_along_axis(sequence, np.minimum(middle, n - 1), -1)
        # Said so that a NaN is beyond everything.
        beyond = ~(at > values) if right else ~(at >= values)
        beyond &= low < high
        low = np.where(beyond, middle + 1, low)
        high = np.where(beyond, high, middle)
    return low


def _places(sequence: Any, values: Any, right: bool) -> Any:
    if sequence.shape[-1] == 0:
        return np.zeros(values.shape, np.int64)
    kinds = (sequence.dtype.kind, values.dtype.kind)
    if sequence.ndim == 1:
        if "f" not in kinds or not (np.isnan(sequence).any() or np.isnan(values).any()):
            return np.asarray(np.searchsorted(sequence, values, "right" if right else "left"))
        return _bisected(sequence, values.reshape(-1), right).reshape(values.shape)
    return _bisected(sequence, values, right)


def _side(right: bool, side: str | None) -> bool:
    if side is None:
        return right
    if side not in ("left", "right"):
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if right and side == "left":
        raise RuntimeError(
            "searchsorted(): side and right can't be set to opposites, got side of left while "
            "right was True"
        )
    return side == "right"


def _sorted_by(sequence: Any, sorter: Any) -> Any:
    if sorter is None:
        return sequence
    order = sorter._array
    if order.shape != sequence.shape:
        raise RuntimeError(
            "searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(sequence.shape)} and got sorter tensor {list(order.shape)}"
        )
    if order.dtype != np.int64:
        raise RuntimeError(
            f"searchsorted(): sorter must be a tensor of long dtype but got dtype {order.dtype}"
        )
    if order.size and (order.min() < 0 or order.max() >= sequence.shape[-1]):
        raise RuntimeError(
            f"searchsorted(): sorter index out of range: there are {sequence.shape[-1]} elements"
        )
    return np.take_along_axis(sequence, order, -1)


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Return where values are to be inserted into a sorted sequence so that it stays sorted.

    Args:
        sorted_sequence: one sequence, or one in each row along the last dimension.
        input: the values: any shape, or a number, for one sequence; else all its dimensions but the
            last are those of ``sorted_sequence``.
        out_int32: return int32 rather than int64.
        right: go behind equal elements, not before them.
        side: ``"right"`` or ``"left"``, the same said as in NumPy.
        sorter: the indices that sort ``sorted_sequence``, if it is not sorted.

    >>> import chainrule as cr
    >>> cr.searchsorted(cr.tensor([1.0, 3.0, 5.0]), cr.tensor([3.0, 9.0]))
    tensor([1, 3])
    """
    sequence = sorted_sequence._array
    if isinstance(input, int | float):
        values = np.asarray(input)
    elif hasattr(input, "_array"):
        values = input._array
    else:
        raise TypeError(
            f"searchsorted(): input must be a tensor or a number, not {type(input).__name__}"
        )
    if sequence.ndim == 0:
        raise RuntimeError(
            "searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if sequence.ndim > 1 and values.ndim == 0:
        raise RuntimeError(
            "searchsorted(): input value can be a scalar only when boundaries tensor dimension is "
            f"1, but we got boundaries tensor dim({sequence.ndim}) and a scalar"
        )
    if sequence.ndim > 1 and sequence.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
            "of boundaries tensor and input value tensor must match, but we got boundaries tensor "
            f"{list(sequence.shape)} and input value tensor {list(values.shape)}"
        )
    ordered = _sorted_by(sequence, sorter)
    found = _places(ordered, values, _side(right, side))
    return attach(found.astype(dtypes.int32 if out_int32 else dtypes.int64, copy=False), None)


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """Return between which boundaries values lie: 0 below all of them.

    Args:
        input: the values, any shape, or a number.
        boundaries: sorted, of one dimension.
        out_int32: return int32 rather than int64.
        right: a value on a boundary belongs above it, not below.

    >>> import chainrule as cr
    >>> cr.bucketize(cr.tensor([0.5, 2.0, 9.0]), cr.tensor([1.0, 3.0]))
    tensor([0, 1, 2])
    """
    if boundaries._array.ndim != 1:
        raise RuntimeError(
            f"boundaries tensor must be 1 dimension, but got dim({boundaries._array.ndim})"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
