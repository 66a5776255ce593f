"""Losses of regression, and of distributions over counts, numbers and classes."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from chainrule.nn.functional.checks import check_reduction, reduction_of
from chainrule.nn.functional.loss import by_primitive, reduced
from chainrule.ops.comparison import filled_where
from chainrule.ops.exponential import exp, log
from chainrule.ops.losses import absolute_error, huber_error, smooth_absolute_error
from chainrule.ops.similarity import at_least

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.tensor import Tensor

__all__ = [
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


def _warn_of_sizes(input: Tensor, target: Tensor) -> None:
    if input._array.shape != target._array.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size, for example with target.reshape(input.shape).",
            stacklevel=3,
        )


def _of_errors(
    primitive: Callable[[Tensor, Tensor, float], Tensor],
    input: Tensor,
    target: Tensor,
    reduction: str,
    weight: Tensor | None,
    weighted_mean: bool,
) -> Tensor:
    if weight is None:
        if input._array.shape == target._array.shape:
            return by_primitive(primitive, input, target, input._array.size, reduction)
        check_reduction(reduction)
        return reduced(primitive(input, target, 0), reduction)
    if weight.shape != input.shape:
        raise ValueError(
            f"Weights and input must have the same size: got a weight of shape "
            f"{list(weight.shape)} and an input of shape {list(input.shape)}"
        )
    check_reduction(reduction)
    terms = primitive(input, target, 0) * weight
    if reduction == "mean" and weighted_mean:
        return terms.sum() / weight.sum()
    return reduced(terms, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the absolute error |x − t|, its mean by default.

    Args:
        input: predictions x, any shape.
        target: values t of the same shape; another shape is broadcast, with a warning.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: factors of the terms, of the input's shape; the mean is then divided by their sum.

    >>> import chainrule as cr
    >>> cr.nn.functional.l1_loss(cr.tensor([1.0, 2.0]), cr.tensor([1.0, 4.0]))
    tensor(1.)
    """
    _warn_of_sizes(input, target)
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    return _of_errors(absolute_error, input, target, reduction, weight, True)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return the absolute error with a parabola near 0: z²/(2β) for |z| < β, else |z| − β/2.

    Args:
        input: predictions, any shape.
        target: values of the same shape; another shape is broadcast, with a warning.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        beta: where the parabola ends; 0 for the absolute error.

    Raises:
        RuntimeError: for a negative ``beta``.

    Source: Girshick, "Fast R-CNN", 2015.

    >>> import chainrule as cr
    >>> cr.nn.functional.smooth_l1_loss(cr.tensor([1.0, 2.0]), cr.tensor([1.5, 4.0]))
    tensor(0.8125)
    """
    _warn_of_sizes(input, target)
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    if beta == 0:
        return _of_errors(absolute_error, input, target, reduction, None, False)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")

    def primitive(x: Tensor, t: Tensor, divisor: float) -> Tensor:
        return smooth_absolute_error(x, t, float(beta), divisor)

    return _of_errors(primitive, input, target, reduction, None, False)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Return Huber's loss: z²/2 for |z| ≤ δ, else δ (|z| − δ/2).

    Args:
        input: predictions, any shape.
        target: values of the same shape; another shape is broadcast, with a warning.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: where the parabola ends.
        weight: factors of the terms, of the input's shape.

    Raises:
        RuntimeError: unless ``delta`` is positive.

    Source: Huber, "Robust estimation of a location parameter", 1964.

    >>> import chainrule as cr
    >>> cr.nn.functional.huber_loss(cr.tensor([1.0, 2.0]), cr.tensor([1.5, 4.0]))
    tensor(0.8125)
    """
    _warn_of_sizes(input, target)
    if delta <= 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta, got {delta}"
        )

    def primitive(x: Tensor, t: Tensor, divisor: float) -> Tensor:
        return huber_error(x, t, float(delta), divisor)

    return _of_errors(primitive, input, target, reduction, weight, False)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of counts under Poisson distributions.

    Args:
        input: expected counts λ, or their logarithms.
        target: the counts t, broadcast with the input.
        log_input: the input is log λ: exp(x) − t x; else λ − t log(λ + ε).
        full: add Stirling's approximation of log t! for t > 1.
        size_average: old form of ``reduction``.
        eps: ε.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import chainrule as cr
    >>> cr.nn.functional.poisson_nll_loss(cr.tensor([0.0]), cr.tensor([2.0]))
    tensor(1.)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    check_reduction(reduction)
    terms = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        stirling = target * log(target) - target + 0.5 * log(2 * math.pi * target)
        terms = terms + filled_where(stirling, target <= 1, 0.0)
    return reduced(terms, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood under normal distributions, ½ (log v + (x − t)²/v).

    Args:
        input: means x, of shape (N, *) or (*).
        target: values t, broadcast with the input.
        var: variances v of the input's shape, of that shape without its last dimension or with a
            size of 1 in it; or a number.
        full: add ½ log 2π.
        eps: the smallest variance to divide by; its gradient is passed on nevertheless.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: for a negative variance, or a shape that does not fit.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability
    distribution", 1994.

    >>> import chainrule as cr
    >>> F = cr.nn.functional
    >>> F.gaussian_nll_loss(cr.tensor([1.0]), cr.tensor([3.0]), cr.tensor([4.0]))
    tensor(1.1931)
    """
    if isinstance(var, float):
        negative = var < 0
        var = var * input.new_ones(input.shape)
    else:
        negative = bool((var._array < 0).any())
    if negative:
        raise ValueError("var has negative entry/entries: gaussian_nll_loss takes variances")
    given, wanted = var._array.shape, input._array.shape
    if given != wanted:
        if given == wanted[:-1]:
            var = var.unsqueeze(-1)
        elif len(given) != len(wanted) or (
            sum(b for a, b in zip(wanted, given, strict=True) if a != b) != 1
        ):
            raise ValueError(
                f"var is of incorrect size: gaussian_nll_loss got var of shape {list(given)} for "
                f"an input of shape {list(wanted)}"
            )
    check_reduction(reduction)
    var = at_least(var, eps)
    terms = 0.5 * (log(var) + (input - target) ** 2 / var)
    if full:
        terms = terms + 0.5 * math.log(2 * math.pi)
    return reduced(terms, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Return the terms t (log t − x) of the Kullback-Leibler divergence, or their sum or mean.

    Args:
        input: log-probabilities x.
        target: probabilities t, or their logarithms; broadcast with the input.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"batchmean"`` for the divergence (the sum divided by the first size),
            ``"mean"``, ``"sum"`` or ``"none"``.
        log_target: the target is log t.

    Source: Kullback and Leibler, "On information and sufficiency", 1951.

    >>> import chainrule as cr
    >>> x = cr.log_softmax(cr.tensor([[0.0, 0.0]]), 1)
    >>> cr.nn.functional.kl_div(x, cr.tensor([[1.0, 0.0]]), reduction="batchmean")
    tensor(0.6931)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition.",
            stacklevel=2,
        )
    from chainrule.ops.special.entropy import xlogy

    if reduction != "batchmean":
        check_reduction(reduction)
    if log_target:
        terms = exp(target) * (target - input)
    else:
        terms = xlogy(target, target) - target * input
    if reduction == "batchmean":
        total = terms.sum()
        return total / input._array.shape[0] if input._array.ndim else total
    return reduced(terms, reduction)
