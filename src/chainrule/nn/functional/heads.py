"""Classifying heads: a linear layer and the loss of its logits in one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chainrule.nn.functional.classes import cross_entropy
from chainrule.ops.linear_algebra import linear
from chainrule.ops.shape import reshape

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["linear_cross_entropy"]


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Return the cross-entropy between the classes and softmax(input Wᵀ + b).

    Args:
        input: (N, in) or (in).
        linear_weight: (C, in), or (C, d₁, …, in) for several targets a sample.
        target: class indices (N, d₁, …), or probabilities in the shape of the logits.
        linear_bias: (C, d₁, …).
        weight: a factor per class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        ignore_index: the index of targets that count nothing; −100 if None.
        label_smoothing: how much of the target's probability is spread over all classes.
        options: refused; in PyTorch they divide the work into chunks.

    >>> import chainrule as cr
    >>> W = cr.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> cr.nn.functional.linear_cross_entropy(cr.tensor([[2.0, 0.0]]), W, cr.tensor([0]))
    tensor(0.1269)
    """
    if options is not None:
        raise TypeError("linear_cross_entropy: options are not available; leave them out")
    classes, *rest, features = linear_weight.shape
    width = math.prod(rest, start=classes)
    flat = reshape(linear_weight, (width, features))
    bias = None if linear_bias is None else reshape(linear_bias, (width,))
    logits = reshape(linear(input, flat, bias), (*input.shape[:-1], classes, *rest))
    return cross_entropy(
        logits,
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
