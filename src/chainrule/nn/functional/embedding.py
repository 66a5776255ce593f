"""Embeddings and bags of them as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.ops.embeddings import (
    bags_of_largest,
    bags_summed,
    check_table,
    limit_rows,
    picked_rows,
)
from chainrule.ops.embeddings import one_hot as one_hot
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "embedding",
    "embedding_bag",
    "one_hot",
]


def _checked_padding(name: str, padding_idx: int | None, weight: Tensor) -> int | None:
    if padding_idx is None:
        return None
    n = len(weight._array)
    if not -n <= padding_idx < n:
        raise AssertionError(
            f"Padding_idx must be within num_embeddings: {name} got {padding_idx} for a table of "
            f"{n} rows"
        )
    return padding_idx % n


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of a table at integer positions.

    Args:
        input: positions (int64 or int32), of any shape.
        weight: the table, of shape (n, D).
        padding_idx: the row that gets no gradient.
        max_norm: scale the picked rows of the table down to this norm, in place, first.
        norm_type: the exponent of that norm.
        scale_grad_by_freq: divide the gradients by how often their row is picked.
        sparse: not supported.

    Shapes: (*) → (*, D).

    Raises:
        IndexError: for a position outside the table.
        RuntimeError: for a table that is no matrix, and for positions that are no integers.

    >>> import chainrule as cr
    >>> table = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.nn.functional.embedding(cr.tensor([1, 0]), table)
    tensor([[3., 4.],
            [1., 2.]])
    """
    padding = _checked_padding("embedding", padding_idx, weight)
    check_table("embedding", weight, input._array, sparse)
    if max_norm is not None:
        limit_rows(weight, input._array, max_norm, norm_type)
    return picked_rows(weight, input._array, padding, scale_grad_by_freq)


def _bags(
    index: ndarray[Any, Any], offsets: Tensor | None, include_last_offset: bool
) -> tuple[Any, int]:
    """Return the bag of each position, and how many bags there are."""
    if index.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch "
                f"of fixed length sequences. However, found offsets of shape {list(offsets.shape)}"
            )
        return np.repeat(np.arange(len(index)), index.shape[1]), len(index)
    if index.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {index.ndim}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None: give where each bag starts")
    starts = offsets._array
    if starts.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if include_last_offset and not starts.size:
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if starts.size and starts[0] != 0:
        raise RuntimeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            f"position 0. However, got {starts[0]}"
        )
    if starts.size and starts[-1] > len(index):
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {len(index)} but got offsets[-1] "
            f"of {starts[-1]}"
        )
    ends = starts[1:] if include_last_offset else np.append(starts[1:], len(index))
    count = len(ends)
    sizes = ends - starts[:count]
    return np.repeat(np.arange(count), sizes), count


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, the mean or the largest values of bags of embeddings; 0 for an empty bag.

    Args:
        input: positions (int64 or int32): (B, n), a bag a row, or (N), bags one after another.
        weight: the table, of shape (n, D).
        offsets: where the bags of a one-dimensional input start.
        max_norm: scale the picked rows of the table down to this norm, in place, first.
        norm_type: the exponent of that norm.
        scale_grad_by_freq: divide the gradients by how often their row is picked.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: not supported.
        per_sample_weights: factors of the embeddings, of the input's shape, for ``"sum"``.
        include_last_offset: the last offset is the end of the last bag.
        padding_idx: positions of this row belong to no bag.

    Shapes: → (B, D).

    Raises:
        ValueError: for shapes, offsets or a mode that do not fit.

    >>> import chainrule as cr
    >>> table = cr.tensor([[1.0], [2.0], [4.0]])
    >>> cr.nn.functional.embedding_bag(cr.tensor([0, 2, 1]), table, cr.tensor([0, 2]), mode="sum")
    tensor([[5.],
            [2.]])
    """
    index = input._array
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            "embedding_bag: If per_sample_weights is not None, then it must have the same shape as "
            f"the input ({list(input.shape)}), got {list(per_sample_weights.shape)}"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and (scale_grad_by_freq or sparse):
        what = "scaling the gradient by the frequency" if scale_grad_by_freq else "sparse weights"
        raise ValueError(f"max mode does not support {what}")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode={mode!r})"
        )
    bags, count = _bags(index, offsets, include_last_offset)
    check_table("embedding_bag", weight, index, sparse)
    padding = _checked_padding("embedding_bag", padding_idx, weight)
    if max_norm is not None:
        limit_rows(weight, index, max_norm, norm_type)
    flat = index.reshape(-1)[: len(bags)]
    kept = slice(None) if padding is None else np.flatnonzero(flat != padding)
    flat, bags = flat[kept], bags[kept]
    rows = picked_rows(weight, flat, None, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1)[kept].unsqueeze(1)
    if mode == "max":
        return bags_of_largest(rows, bags, count)
    sums = bags_summed(rows, bags, count)
    if mode == "sum":
        return sums
    sizes = np.maximum(np.bincount(bags, minlength=count), 1).astype(sums._array.dtype)
    return sums / attach(sizes[:, None], None)
