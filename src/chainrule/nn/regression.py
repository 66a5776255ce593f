"""Losses of regression and of distributions, as modules."""

from __future__ import annotations

from typing import Any

from chainrule.nn.functional import ctc, regression
from chainrule.nn.loss import _Loss
from chainrule.tensor import Tensor

__all__ = [
    "CTCLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
]


class L1Loss(_Loss):
    """Absolute error |x − t|, its mean by default.

    Args:
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> cr.nn.L1Loss()(cr.tensor([1.0, 2.0]), cr.tensor([1.5, 4.0]))
    tensor(1.2500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return regression.l1_loss(input, target, None, None, self.reduction)


class SmoothL1Loss(_Loss):
    """Absolute error with a parabola near 0: z²/(2β) for |z| < β, else |z| − β/2.

    Args:
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        beta: where the parabola ends.

    >>> import chainrule as cr
    >>> cr.nn.SmoothL1Loss()(cr.tensor([1.0, 2.0]), cr.tensor([1.5, 4.0]))
    tensor(0.8125)
    """

    beta: float

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return regression.smooth_l1_loss(input, target, None, None, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Huber's loss: z²/2 for |z| ≤ δ, else δ (|z| − δ/2).

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: where the parabola ends.

    >>> import chainrule as cr
    >>> cr.nn.HuberLoss()(cr.tensor([1.0, 2.0]), cr.tensor([1.5, 4.0]))
    tensor(0.8125)
    """

    delta: float

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return regression.huber_loss(input, target, self.reduction, self.delta)


class KLDivLoss(_Loss):
    """Terms t (log t − x) of the Kullback-Leibler divergence.

    Args:
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        log_target: the targets are logarithms.

    >>> import chainrule as cr
    >>> cr.nn.KLDivLoss(reduction="sum")(cr.tensor([-1.0]), cr.tensor([1.0]))
    tensor(1.)
    """

    log_target: bool

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return regression.kl_div(input, target, None, None, self.reduction, self.log_target)


class PoissonNLLLoss(_Loss):
    """Negative log-likelihood of counts under Poisson distributions.

    Args:
        log_input: the input is the logarithm of the expected counts.
        full: add Stirling's approximation.
        size_average: old form of ``reduction``.
        eps: what is added inside a logarithm.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> cr.nn.PoissonNLLLoss()(cr.tensor([0.0]), cr.tensor([2.0]))
    tensor(1.)
    """

    log_input: bool
    full: bool
    eps: float

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return regression.poisson_nll_loss(
            log_input,
            target,
            self.log_input,
            self.full,
            None,
            self.eps,
            None,
            self.reduction,
        )


class GaussianNLLLoss(_Loss):
    """Negative log-likelihood under normal distributions, ½ (log v + (x − t)²/v).

    Args:
        full: add ½ log 2π.
        eps: the smallest variance.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> loss = cr.nn.GaussianNLLLoss()
    >>> loss(cr.tensor([1.0]), cr.tensor([3.0]), cr.tensor([4.0]))
    tensor(1.1931)
    """

    full: bool
    eps: float

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Any) -> Tensor:
        """Return the loss."""
        return regression.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class CTCLoss(_Loss):
    """Minus log of the probability of labels whose places in time are not known.

    Args:
        blank: the class that stands for no label.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        zero_infinity: count impossible targets as 0.

    >>> import chainrule as cr
    >>> x = cr.log_softmax(cr.zeros(2, 1, 2), 2)
    >>> cr.nn.CTCLoss()(x, cr.tensor([[1]]), cr.tensor([2]), cr.tensor([1]))
    tensor(0.2877)
    """

    blank: int
    zero_infinity: bool

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        """Return the loss."""
        return ctc.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )
