"""Rows of a table picked by their numbers: embeddings, bags of them, and one-hot rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.graph import mutations
from chainrule.operation import Operation, define
from chainrule.ops.indexing import advanced_item, put_at
from chainrule.primitive import attach
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainrule.tensor import Tensor

__all__ = [
    "embedding",
]

Array = ndarray[Any, Any]


def _write_rows(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    index = style.parameter(o["index"])
    brackets = f"[{index}]" if style.which == "text" else rf"\left[{index}\right]"
    return f"{o['weight']:atom}{brackets}", LEVELS["atom"]


rows_with_factors: Operation = define(
    "embedding",
    lambda weight, index, factors: weight.take(index, 0),
    params=("index", "factors"),
    weight=lambda g, weight_shape, index, factors: put_at(g * factors, index, weight_shape),
    notation=Notation(custom=_write_rows),
    doc="Rows of a table whose gradients are multiplied by factors on their way into it.",
)


def check_table(name: str, weight: Tensor, index: Array, sparse: bool) -> None:
    """Refuse what is no table of rows, or no index of one."""
    if sparse:
        raise NotImplementedError(
            f"{name}: sparse gradients are not available; leave out sparse=True (gradients of "
            "repeated rows add up at the speed of memory without it)"
        )
    if weight._array.ndim != 2:
        raise RuntimeError(
            f"'weight' must be 2-D: {name} got a weight of shape {list(weight.shape)}; rows are "
            "embeddings"
        )
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got {index.dtype} instead ({name}); convert with .long()"
        )
    if index.size and (index.min() < 0 or index.max() >= len(weight._array)):
        raise IndexError(
            f"index out of range in self: {name} got indices from {index.min()} to {index.max()} "
            f"for a table of {len(weight._array)} rows"
        )


def picked_rows(weight: Tensor, index: Array, padding: int | None, by_frequency: bool) -> Tensor:
    """Return the rows at an index; those of the padding index get no gradient."""
    index = np.array(index, np.int64)  # the graph keeps it, and the caller may change what it gave
    if padding is None and not by_frequency:
        return advanced_item(weight, index)
    factors = np.ones(index.shape, weight._array.dtype)
    if by_frequency and index.size:
        factors /= np.bincount(index.reshape(-1))[index]
    if padding is not None:
        factors[index == padding] = 0
    return rows_with_factors(weight, index, factors[..., None])


def limit_rows(weight: Tensor, index: Array, max_norm: float, norm_type: float) -> None:
    """Scale the rows at an index down to a norm, in place and without a graph."""
    table = weight._array
    rows = np.unique(index)
    norms = np.linalg.norm(table[rows].astype(np.float64), norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        table[rows[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(table.dtype)
        mutations.mark(table)


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of a table at integer positions; repeated rows accumulate their gradients.

    Args:
        weight: the table, of shape (n, D).
        indices: positions from 0 to n − 1 (int64 or int32), of any shape.
        padding_idx: the row that gets no gradient; negative for none.
        scale_grad_by_freq: divide the gradients by how often their row is picked.
        sparse: not supported.

    Shapes: (n, D) and (*) → (*, D).

    Raises:
        IndexError: for a position outside the table.
        RuntimeError: for a table that is no matrix, and for indices that are no integers.

    >>> import chainrule as cr
    >>> table = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.embedding(table, cr.tensor([1, 1, 0]))
    tensor([[3., 4.],
            [3., 4.],
            [1., 2.]])
    """
    check_table("embedding", weight, indices._array, sparse)
    padding = padding_idx if padding_idx >= 0 else None
    return picked_rows(weight, indices._array, padding, scale_grad_by_freq)


def bags_summed(rows: Tensor, bags: Array, count: int) -> Tensor:
    """Return ``count`` rows, each the sum of those of a bag."""
    return put_at(rows, bags, (count, rows._array.shape[1]))


def bags_of_largest(rows: Tensor, bags: Array, count: int) -> Tensor:
    """Return ``count`` rows of the largest values in each bag, 0 for an empty one; first of ties.

    Args:
        rows: of shape (n, D).
        bags: the bag of each row, in rising order.
        count: how many bags there are.
    """
    x = rows._array
    width = x.shape[1]
    filled, starts = np.unique(bags, return_index=True)
    if not len(filled):
        return bags_summed(rows, bags, count)
    peaks = np.maximum.reduceat(x, starts, axis=0)
    sizes = np.diff(np.append(starts, len(x)))
    is_peak = (x == np.repeat(peaks, sizes, axis=0)) | np.isnan(x)
    place = np.where(is_peak, np.arange(len(x))[:, None], len(x))
    first = np.minimum.reduceat(place, starts, axis=0)
    columns = np.broadcast_to(np.arange(width), first.shape)
    return put_at(advanced_item(rows, (first, columns)), filled, (count, width))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return rows with a 1 in the column of each class and 0 elsewhere (int64).

    Args:
        tensor: class indices (int64), of any shape.
        num_classes: how many columns; one more than the largest class if −1.

    Shapes: (*) → (*, num_classes).

    Raises:
        RuntimeError: for classes that are negative, too large or no integers.

    >>> import chainrule as cr
    >>> cr.nn.functional.one_hot(cr.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    index = tensor._array
    if index.dtype != np.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, got {index.dtype}; "
            "convert with .long()"
        )
    if not index.size and num_classes <= 0:
        raise RuntimeError(
            "Can not infer total number of classes from empty tensor: give one_hot num_classes"
        )
    if index.size and index.min() < 0:
        raise RuntimeError(f"Class values must be non-negative: one_hot got {index.min()}")
    if num_classes == -1:
        num_classes = int(index.max()) + 1
    elif num_classes < 1:
        raise RuntimeError(f"num_classes should be positive: one_hot got {num_classes}")
    elif index.size and index.max() >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes: one_hot got {index.max()} for "
            f"{num_classes} classes"
        )
    return attach((index[..., None] == np.arange(num_classes)).astype(np.int64), None)
