"""Losses as modules."""

from __future__ import annotations

from chainrule.nn.functional.loss import binary_cross_entropy, cross_entropy
from chainrule.nn.module import Module
from chainrule.tensor import Tensor


class BCELoss(Module):
    """Binary cross-entropy of probabilities."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return binary_cross_entropy(input, target, self.reduction)


class CrossEntropyLoss(Module):
    """Cross-entropy of the softmax of logits."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return cross_entropy(input, target, self.reduction)
