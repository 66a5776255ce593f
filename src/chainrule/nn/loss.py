"""Losses as modules."""

from __future__ import annotations

from chainrule.nn.functional.checks import reduction_of
from chainrule.nn.functional.classes import cross_entropy, nll_loss
from chainrule.nn.functional.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    mse_loss,
)
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "MSELoss",
    "NLLLoss",
]


class _Loss(Module):
    """A loss with a reduction."""

    reduction: str

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = reduction_of(size_average, reduce, reduction)


class _WeightedLoss(_Loss):
    """A loss with a reduction and a weight, which is a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """Squared error (x − t)², its mean by default.

    Args:
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Shapes: input and target of one shape → () or, with ``"none"``, that shape.

    >>> import chainrule as cr
    >>> cr.nn.MSELoss()(cr.tensor([1.0, 2.0]), cr.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return mse_loss(input, target, None, None, self.reduction)


class BCELoss(_WeightedLoss):
    """Binary cross-entropy −t log p − (1 − t) log(1 − p) of probabilities, its mean by default.

    Args:
        weight: factors of the terms, broadcast to the input's shape.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Shapes: input and target of one shape → () or, with ``"none"``, that shape.

    >>> import chainrule as cr
    >>> cr.nn.BCELoss()(cr.tensor([0.5]), cr.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss; both arguments are probabilities."""
        return binary_cross_entropy(input, target, self.weight, None, None, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross-entropy of sigmoid(z), without overflow; its mean by default.

    Args:
        weight: factors of the terms, broadcast to the input's shape.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: factor of the term t log σ(z), broadcast.

    Shapes: input and target of one shape → () or, with ``"none"``, that shape.

    >>> import chainrule as cr
    >>> cr.nn.BCEWithLogitsLoss()(cr.tensor([0.0]), cr.tensor([1.0]))
    tensor(0.6931)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits and probabilities."""
        return binary_cross_entropy_with_logits(
            input, target, self.weight, None, None, self.reduction, self.pos_weight
        )


class NLLLoss(_WeightedLoss):
    """Negative log-likelihood of the target classes, its mean by default.

    Args:
        weight: a factor per class.
        size_average: old form of ``reduction``.
        ignore_index: the index of targets that count nothing.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Shapes: log-probabilities (N, C), (C) or (N, C, d₁, …) and class indices (N), () or
    (N, d₁, …).

    >>> import chainrule as cr
    >>> logs = cr.nn.LogSoftmax(dim=1)(cr.zeros(1, 2))
    >>> cr.nn.NLLLoss()(logs, cr.tensor([0]))
    tensor(0.6931)
    """

    ignore_index: int

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of log-probabilities and class indices."""
        return nll_loss(input, target, self.weight, None, self.ignore_index, None, self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """Cross-entropy between softmax(input) and the target, its mean by default.

    Args:
        weight: a factor per class.
        size_average: old form of ``reduction``.
        ignore_index: the index of targets that count nothing.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: how much of the target's probability is spread over all classes.

    Shapes: logits (N, C), (C) or (N, C, d₁, …) and class indices (N), () or (N, d₁, …), or
    probabilities in the shape of the logits.

    >>> import chainrule as cr
    >>> loss = cr.nn.CrossEntropyLoss()
    >>> loss(cr.tensor([[2.0, 0.0], [0.0, 0.0]]), cr.tensor([0, 1]))
    tensor(0.4100)
    """

    ignore_index: int
    label_smoothing: float

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits and classes."""
        return cross_entropy(
            input,
            target,
            self.weight,
            None,
            self.ignore_index,
            None,
            self.reduction,
            self.label_smoothing,
        )
