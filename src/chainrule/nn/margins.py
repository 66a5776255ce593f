"""Losses that ask for a margin, and distances, as modules."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.nn.functional import margins
from chainrule.nn.loss import _Loss, _WeightedLoss
from chainrule.nn.module import Module
from chainrule.ops.similarity import cosine_similarity, pairwise_distance
from chainrule.tensor import Tensor

__all__ = [
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "PairwiseDistance",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class HingeEmbeddingLoss(_Loss):
    """x where the target is 1 and max(0, margin − x) where it is −1.

    Args:
        margin: the margin.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> cr.nn.HingeEmbeddingLoss()(cr.tensor([0.2]), cr.tensor([-1.0]))
    tensor(0.8000)
    """

    margin: float

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return margins.hinge_embedding_loss(input, target, self.margin, None, None, self.reduction)


class MarginRankingLoss(_Loss):
    """max(0, margin − t (x₁ − x₂)).

    Args:
        margin: the margin.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> loss = cr.nn.MarginRankingLoss()
    >>> loss(cr.tensor([1.0]), cr.tensor([3.0]), cr.tensor([1.0]))
    tensor(2.)
    """

    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return margins.margin_ranking_loss(
            input1, input2, target, self.margin, None, None, self.reduction
        )


class CosineEmbeddingLoss(_Loss):
    """1 − cos where the target is 1 and max(0, cos − margin) where it is −1.

    Args:
        margin: the margin.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> loss = cr.nn.CosineEmbeddingLoss()
    >>> loss(cr.tensor([1.0, 0.0]), cr.tensor([1.0, 1.0]), cr.tensor(1.0))
    tensor(0.2929)
    """

    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return margins.cosine_embedding_loss(
            input1, input2, target, self.margin, None, None, self.reduction
        )


class SoftMarginLoss(_Loss):
    """log(1 + exp(−t x)), without overflow.

    Args:
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> cr.nn.SoftMarginLoss()(cr.tensor([0.0]), cr.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return margins.soft_margin_loss(input, target, None, None, self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Hinge loss of sets of labels.

    Args:
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> x, labels = cr.tensor([[0.1, 0.2, 0.4, 0.8]]), cr.tensor([[3, 0, -1, 1]])
    >>> cr.nn.MultiLabelMarginLoss()(x, labels)
    tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return margins.multilabel_margin_loss(input, target, None, None, self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross-entropies of the labels' logits, averaged over the labels.

    Args:
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> loss = cr.nn.MultiLabelSoftMarginLoss()
    >>> loss(cr.tensor([[0.0, 0.0]]), cr.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return margins.multilabel_soft_margin_loss(
            input, target, self.weight, None, None, self.reduction
        )


class MultiMarginLoss(_WeightedLoss):
    """Hinge loss of many classes: Σ max(0, margin − x_t + x_j)^p / C over j ≠ t.

    Args:
        p: the exponent, 1 or 2.
        margin: the margin.
        weight: a factor per class.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> cr.nn.MultiMarginLoss()(cr.tensor([[0.1, 0.2, 0.4]]), cr.tensor([2]))
    tensor(0.5000)
    """

    p: int
    margin: float

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, got p={p} (MultiMarginLoss)")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return margins.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, None, None, self.reduction
        )


class TripletMarginLoss(_Loss):
    """max(0, d(anchor, positive) − d(anchor, negative) + margin).

    Args:
        margin: the margin.
        p: the exponent of the norm.
        eps: what is added to each difference.
        swap: take the distance of positive and negative if it is smaller.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> a, b, c = cr.tensor([[0.0]]), cr.tensor([[1.0]]), cr.tensor([[1.5]])
    >>> cr.nn.TripletMarginLoss()(a, b, c)
    tensor(0.5000)
    """

    margin: float
    p: float
    eps: float
    swap: bool

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(
                f"TripletMarginLoss: expected margin to be greater than 0, got {margin}"
            )
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss."""
        return margins.triplet_margin_loss(
            anchor,
            positive,
            negative,
            self.margin,
            self.p,
            self.eps,
            self.swap,
            None,
            None,
            self.reduction,
        )


class CosineSimilarity(Module):
    """Cosines of the angles between vectors.

    Args:
        dim: the dimension of the vectors.
        eps: the smallest norm to divide by.

    >>> import chainrule as cr
    >>> cr.nn.CosineSimilarity(dim=0)(cr.tensor([1.0, 0.0]), cr.tensor([1.0, 1.0]))
    tensor(0.7071)
    """

    dim: int
    eps: float

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the cosines."""
        return cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """Norms of the differences of rows.

    Args:
        p: the exponent of the norm.
        eps: what is added to each difference.
        keepdim: keep the last dimension with size 1.

    >>> import chainrule as cr
    >>> cr.nn.PairwiseDistance()(cr.tensor([[0.0, 0.0]]), cr.tensor([[3.0, 4.0]]))
    tensor([5.0000])
    """

    norm: float
    eps: float
    keepdim: bool

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the distances."""
        return pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class TripletMarginWithDistanceLoss(_Loss):
    """max(0, d(anchor, positive) − d(anchor, negative) + margin) with a distance of choice.

    Args:
        distance_function: the distance; `PairwiseDistance` if None.
        margin: the margin.
        swap: take the distance of positive and negative if it is smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> a, b, c = cr.tensor([[0.0]]), cr.tensor([[1.0]]), cr.tensor([[1.5]])
    >>> cr.nn.TripletMarginWithDistanceLoss()(a, b, c)
    tensor(0.5000)
    """

    distance_function: Callable[[Tensor, Tensor], Tensor]
    margin: float
    swap: bool

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(
                f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin}"
            )
        self.distance_function = (
            PairwiseDistance() if distance_function is None else distance_function
        )
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss."""
        return margins.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
