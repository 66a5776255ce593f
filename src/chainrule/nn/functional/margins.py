"""Losses that ask for a margin: of scores, labels, distances and angles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.nn.functional.checks import check_reduction, reduction_of
from chainrule.nn.functional.loss import reduced
from chainrule.ops.activations import logsigmoid
from chainrule.ops.arithmetic import clamp_min, minimum
from chainrule.ops.comparison import filled_where, select_where
from chainrule.ops.exponential import relu, sqrt
from chainrule.ops.indexing import taken_along
from chainrule.ops.similarity import pairwise_distance
from chainrule.primitive import attach

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def _reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    check_reduction(reduction)
    return reduction


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return x where the target is 1 and max(0, margin − x) where it is −1; the mean by default.

    Args:
        input: distances x, any shape.
        target: 1 for pairs that are alike, −1 for others; broadcast.
        margin: how far unlike pairs should be.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> F = cr.nn.functional
    >>> F.hinge_embedding_loss(cr.tensor([0.5, 0.2]), cr.tensor([1.0, -1.0]), reduction="none")
    tensor([0.5000, 0.8000])
    """
    reduction = _reduction(size_average, reduce, reduction)
    apart = filled_where(clamp_min(margin - input, 0.0), target == 1, 0.0)
    alike = filled_where(*_broadcast(input, target == -1), 0.0)
    return reduced(apart + alike, reduction)


def _broadcast(input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    shape = np.broadcast_shapes(input._array.shape, condition._array.shape)
    return input.expand(shape), condition.expand(shape)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, margin − t (x₁ − x₂)), its mean by default.

    Args:
        input1: scores x₁.
        input2: scores x₂.
        target: t: 1 where the first should be the larger, −1 where the second should.
        margin: by how much.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: if the numbers of dimensions differ.

    >>> import chainrule as cr
    >>> one, two, t = cr.tensor([1.0]), cr.tensor([3.0]), cr.tensor([1.0])
    >>> cr.nn.functional.margin_ranking_loss(one, two, t)
    tensor(2.)
    """
    reduction = _reduction(size_average, reduce, reduction)
    if not input1._array.ndim == input2._array.ndim == target._array.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()}; reshape "
            "them alike"
        )
    return reduced(clamp_min(-target * (input1 - input2) + margin, 0.0), reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return log(1 + exp(−t x)), without overflow; its mean by default.

    Args:
        input: scores x, any shape.
        target: t, 1 or −1; broadcast.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> cr.nn.functional.soft_margin_loss(cr.tensor([0.0, 5.0]), cr.tensor([1.0, -1.0]))
    tensor(2.8499)
    """
    reduction = _reduction(size_average, reduce, reduction)
    return reduced(-logsigmoid(target * input), reduction)


def _as_rows(name: str, input: Tensor, target: Tensor, labels: bool) -> tuple[Tensor, Any]:
    """Return scores as a matrix and targets as an array to match, or refuse their shapes."""
    x, t = input._array, target._array
    if x.ndim > 2 or not x.ndim or 0 in x.shape[1:] or (x.ndim == 1 and not x.size):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(x.shape)} ({name})"
        )
    expected = x.shape if labels else x.shape[:-1]
    if t.shape != expected and not (not labels and x.ndim == 1 and t.size == 1):
        raise RuntimeError(
            f"inconsistent target size, expected {list(expected)} but got {list(t.shape)} ({name} "
            f"of an input of shape {list(x.shape)})"
        )
    if t.dtype != np.int64:
        raise RuntimeError(
            f"expected scalar type Long but found {t.dtype}: the target of {name} holds class "
            "indices; convert it with .long()"
        )
    rows = input.reshape(1, -1) if x.ndim == 1 else input
    return rows, t.reshape(rows._array.shape if labels else len(rows._array))


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the hinge loss of many classes: Σ max(0, margin − x_t + x_j)^p / C over j ≠ t.

    Args:
        input: scores x of shape (N, C) or (C).
        target: class indices t (int64) of shape (N) or ().
        p: 1 or 2.
        margin: by how much the right class should win.
        weight: a factor per class, of shape (C).
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: for shapes that do not fit, or a class that does not exist.
        ValueError: for another p.

    Source: Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based
    vector machines", 2001.

    >>> import chainrule as cr
    >>> cr.nn.functional.multi_margin_loss(cr.tensor([[0.1, 0.2, 0.4]]), cr.tensor([2]))
    tensor(0.5000)
    """
    reduction = _reduction(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got p={p} (multi_margin_loss)")
    rows, index = _as_rows("multi_margin_loss", input, target, labels=False)
    n, classes = rows._array.shape
    if weight is not None and weight._array.size != classes:
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(weight.shape)} "
            "(multi_margin_loss takes a weight per class)"
        )
    if index.size and (index.min() < 0 or index.max() >= classes):
        raise RuntimeError(
            f"target out of range: multi_margin_loss got scores of {classes} classes, so class "
            f"indices go from 0 to {classes - 1}"
        )
    right = np.zeros(rows._array.shape, np.bool_)
    right[np.arange(n), index] = True
    terms = relu(margin - taken_along(rows, index[:, None], 1) + rows)
    if p == 2:
        terms = terms * terms
    if weight is not None:
        terms = terms * weight[index].reshape(n, 1)
    each = filled_where(terms, attach(right, None), 0.0).sum(1) / classes
    return reduced(each if input._array.ndim == 2 else each.reshape(target.shape), reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the hinge loss of sets of labels: Σ max(0, 1 − x_j + x_i) / C, j in the set, i not.

    Args:
        input: scores x of shape (N, C) or (C).
        target: the labels of each sample (int64), in the shape of the input; −1 ends a set.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: for shapes that do not fit, or a label that does not exist.

    >>> import chainrule as cr
    >>> x, labels = cr.tensor([[0.1, 0.2, 0.4, 0.8]]), cr.tensor([[3, 0, -1, 1]])
    >>> cr.nn.functional.multilabel_margin_loss(x, labels)
    tensor(0.8500)
    """
    reduction = _reduction(size_average, reduce, reduction)
    rows, labels = _as_rows("multilabel_margin_loss", input, target, labels=True)
    n, classes = rows._array.shape
    if labels.size and (labels.min() < -1 or labels.max() >= classes):
        raise RuntimeError(
            f"target {'min' if labels.min() < -1 else 'max'} value is out of range: "
            f"multilabel_margin_loss got scores of {classes} classes, so labels go from 0 to "
            f"{classes - 1}, and -1 ends a set"
        )
    given = np.logical_and.accumulate(labels >= 0, axis=1)
    index = np.where(given, labels, 0)
    inside = np.zeros(labels.shape, np.bool_)
    samples = np.broadcast_to(np.arange(n)[:, None], labels.shape)
    inside[samples[given], index[given]] = True
    # A plane a sample: a row for each of its labels, a column for each class.
    margins = relu(1 - taken_along(rows, index, 1).unsqueeze(2) + rows.unsqueeze(1))
    counted = given[:, :, None] & ~inside[:, None, :]
    each = filled_where(margins, attach(~counted, None), 0.0).sum((1, 2)) / classes
    return reduced(each if input._array.ndim == 2 else each.reshape(()), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the binary cross-entropies of the labels' logits, averaged over the labels.

    Args:
        input: logits of shape (…, C).
        target: 0 or 1 for each label, of the same shape.
        weight: factors of the terms, broadcast.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> F = cr.nn.functional
    >>> F.multilabel_soft_margin_loss(cr.tensor([[0.0, 0.0]]), cr.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    reduction = _reduction(size_average, reduce, reduction)
    terms = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        terms = terms * weight
    return reduced(terms.sum(-1) / input._array.shape[-1], reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return 1 − cos where the target is 1 and max(0, cos − margin) where it is −1.

    Args:
        input1: vectors of shape (N, D) or (D).
        input2: vectors of the same shape.
        target: 1 for pairs that are alike, −1 for others, of shape (N) or ().
        margin: the cosine up to which unlike pairs cost nothing.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: if the numbers of dimensions do not fit.

    >>> import chainrule as cr
    >>> a, b = cr.tensor([1.0, 0.0]), cr.tensor([1.0, 1.0])
    >>> cr.nn.functional.cosine_embedding_loss(a, b, cr.tensor(1.0))
    tensor(0.2929)
    """
    reduction = _reduction(size_average, reduce, reduction)
    dims = target._array.ndim
    if dims > 1:
        raise RuntimeError(
            f"0D or 1D target tensor expected, multi-target not supported: cosine_embedding_loss "
            f"got a target of shape {list(target.shape)}"
        )
    if not input1._array.ndim == input2._array.ndim == dims + 1:
        raise RuntimeError(
            f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    product = (input1 * input2).sum(dims)
    first, second = ((x * x).sum(dims) + 1e-12 for x in (input1, input2))
    cosine = product / sqrt(first * second)
    alike = select_where(target == 1, 1 - cosine, 0.0)
    apart = select_where(target == -1, clamp_min(cosine - margin, 0.0), 0.0)
    return reduced(alike + apart, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, d(anchor, positive) − d(anchor, negative) + margin), its mean by default.

    Args:
        anchor: vectors of shape (N, D) or (D).
        positive: vectors that should be near.
        negative: vectors that should be farther by the margin.
        margin: by how much.
        p: the exponent of the norm.
        eps: what is added to each difference.
        swap: take the distance of positive and negative if that is smaller than the anchor's.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: unless the margin is positive.

    Source: Balntas et al., "Learning local feature descriptors with triplets and shallow
    convolutional neural networks", 2016.

    >>> import chainrule as cr
    >>> a, b, c = cr.tensor([[0.0]]), cr.tensor([[1.0]]), cr.tensor([[1.5]])
    >>> cr.nn.functional.triplet_margin_loss(a, b, c)
    tensor(0.5000)
    """
    reduction = _reduction(size_average, reduce, reduction)

    def distance(x1: Tensor, x2: Tensor) -> Tensor:
        return pairwise_distance(x1, x2, p, eps)

    return _triplets(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, d(anchor, positive) − d(anchor, negative) + margin) with a distance of choice.

    Args:
        anchor: what the others are compared with.
        positive: what should be near.
        negative: what should be farther by the margin.
        distance_function: d; `pairwise_distance` if None.
        margin: by how much.
        swap: take the distance of positive and negative if that is smaller than the anchor's.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: unless the margin is positive.
        RuntimeError: if the numbers of dimensions differ.

    >>> import chainrule as cr
    >>> a, b, c = cr.tensor([[0.0]]), cr.tensor([[1.0]]), cr.tensor([[1.5]])
    >>> distance = lambda x, y: (x - y).abs().sum(1)
    >>> F = cr.nn.functional
    >>> F.triplet_margin_with_distance_loss(a, b, c, distance_function=distance)
    tensor(0.5000)
    """
    check_reduction(reduction)
    distance = pairwise_distance if distance_function is None else distance_function
    return _triplets(anchor, positive, negative, distance, margin, swap, reduction)


def _triplets(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin} (triplet margin loss)")
    a, p, n = anchor._array.ndim, positive._array.ndim, negative._array.ndim
    if not a == p == n:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {a}D, positive {p}D, and negative {n}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(clamp_min(margin + near - far, 0.0), reduction)
