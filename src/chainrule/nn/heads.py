"""Classifying heads as modules: linear layers with the loss of their logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from chainrule.nn.container import ModuleList, Sequential
from chainrule.nn.functional.activation import log_softmax
from chainrule.nn.functional.heads import linear_cross_entropy
from chainrule.nn.linear import Linear
from chainrule.nn.module import Module
from chainrule.ops.assembly import cat
from chainrule.ops.picking import gather, index_select
from chainrule.ops.shape import reshape, squeeze, unsqueeze
from chainrule.tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss"]


class LinearCrossEntropyLoss(Module):
    """A linear layer and the cross-entropy of its logits.

    Args:
        in_features: the size of the inputs.
        num_classes: how many classes.
        out_features: the shape of the targets of one sample.
        bias: whether the layer has a bias.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: a factor per class.
        ignore_index: the index of targets that count nothing.
        label_smoothing: how much of the target's probability is spread over all classes.
        options: refused; in PyTorch they divide the work into chunks.

    Shapes: input (N, in_features), target (N, *out_features).

    >>> import chainrule as cr
    >>> loss = cr.nn.LinearCrossEntropyLoss(3, 4)
    >>> loss(cr.zeros(2, 3), cr.tensor([0, 3]))
    tensor(1.3863, grad_fn=<...>)
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: Any = None,
    ) -> None:
        super().__init__()
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(
                f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}"
            )
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(
                f"expected label_smoothing to be in range [0, 1], got {label_smoothing}"
            )
        if options is not None:
            raise TypeError("LinearCrossEntropyLoss: options are not available; leave them out")
        self.register_buffer("weight", weight)
        self.num_classes = num_classes
        self.out_features = tuple(out_features)
        self.reduction = reduction
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        width = math.prod(self.out_features, start=num_classes)
        self.linear = Linear(in_features, width, bias=bias, device=device, dtype=dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of inputs and classes."""
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return linear_cross_entropy(
            input,
            reshape(self.linear.weight, (*shape, self.linear.in_features)),
            target,
            linear_bias=None if bias is None else reshape(bias, shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )

    def extra_repr(self) -> str:
        """Return the sizes and options."""
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options=None"
        )


class _Loss(NamedTuple):
    """The log-probabilities of the targets, and their negative mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax over very many classes, frequent ones first: rare ones are scored in clusters.

    Source: Grave et al., "Efficient softmax approximation for GPUs", 2017.

    Args:
        in_features: the size of the inputs.
        n_classes: how many classes.
        cutoffs: where the clusters begin; classes below the first are scored by the head.
        div_value: each cluster's inner size is the previous one's divided by it.
        head_bias: whether the head has a bias.
        device: only ``"cpu"``.
        dtype: the parameters' dtype.

    Shapes: input (N, in_features) or (in_features), target (N) or () → output (N) or ().

    >>> import chainrule as cr
    >>> softmax = cr.nn.AdaptiveLogSoftmaxWithLoss(16, 10, cutoffs=[2, 5])
    >>> softmax.log_prob(cr.zeros(3, 16)).shape
    chainrule.Size([3, 10])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            given != sorted(set(given))
            or given[0] <= 0
            or given[-1] > n_classes - 1
            or not all(isinstance(c, int) for c in given)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                f"order, where each value is between 1 and n_classes-1; got {given}"
            )
        place = {"device": device, "dtype": dtype}
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*given, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = given[0]
        self.n_clusters = len(given)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **place)
        self.tail = ModuleList()
        for k in range(self.n_clusters):
            inner = int(in_features // (div_value ** (k + 1)))
            width = self.cutoffs[k + 1] - self.cutoffs[k]
            self.tail.append(
                Sequential(
                    Linear(in_features, inner, bias=False, **place),
                    Linear(inner, width, bias=False, **place),
                )
            )

    def reset_parameters(self) -> None:
        """Draw fresh parameters."""
        self.head.reset_parameters()
        for part in self.tail.modules():
            if isinstance(part, Linear):
                part.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> Any:
        """Return the targets' log-probabilities (``output``), and the mean loss (``loss``)."""
        batched = target_.ndim > 0
        expected = 2 if batched else 1
        if target_.ndim > 1:
            raise RuntimeError(
                "0D or 1D target tensor expected, multi-target not supported; got "
                f"{target_.ndim} dimensions"
            )
        if batched and input_.shape[0] != target_.shape[0]:
            raise RuntimeError(
                "Input and target should have the same size in the batch dimension. Got "
                f"{input_.shape[0]} and {target_.shape[0]}"
            )
        if input_.ndim != expected:
            raise RuntimeError(
                f"{expected - 1}D target tensor expects {expected}D input tensors, but found "
                f"inputs with size {tuple(input_.shape)}"
            )
        input = input_ if batched else unsqueeze(input_, 0)
        target = target_ if batched else unsqueeze(target_, 0)
        if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{int(target.min())}, {int(target.max())}] were found. "
            )
        head = log_softmax(self.head(input), dim=1)
        # A class of a cluster: the log-probability of the cluster, then of the class within it.
        in_head = target.clone()
        rows: list[Tensor] = []
        parts: list[Tensor] = []
        for k in range(self.n_clusters):
            low, high = self.cutoffs[k], self.cutoffs[k + 1]
            members = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if members.numel() == 0:
                continue
            in_head[members] = self.shortlist_size + k
            scores = log_softmax(self.tail[k](index_select(input, 0, members)), dim=1)
            place = unsqueeze(index_select(target, 0, members) - low, 1)
            rows.append(members)
            parts.append(squeeze(gather(scores, 1, place), 1))
        output = squeeze(gather(head, 1, unsqueeze(in_head, 1)), 1)
        if rows:
            output = output.index_add(0, cat(rows), cat(parts))
        loss = (-output).mean()
        return _Loss(output if batched else squeeze(output, 0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the log-probabilities of all classes, (N, n_classes)."""
        head = log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for k in range(self.n_clusters):
            within = log_softmax(self.tail[k](input), dim=1)
            parts.append(within + unsqueeze(head[:, self.shortlist_size + k], 1))
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """Return the likeliest class of each row."""
        likeliest: Tensor = self.log_prob(input).argmax(1)
        return likeliest
