"""Losses as functions.

The plain cases are one primitive each (`chainrule.ops.losses`); weights, ignored targets and label
smoothing are composed of operations.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from chainrule.nn.functional.checks import (
    check_reduction,
    reduction_of,
    torch_name,
    within_unit_interval,
)
from chainrule.ops.losses import (
    binary_cross_entropy_of_logit,
    binary_cross_entropy_of_probability,
    squared_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.tensor import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
]


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum of a loss, or the loss as it is."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def by_primitive(
    primitive: Callable[[Tensor, Tensor, float], Tensor],
    input: Tensor,
    target: Tensor,
    count: int,
    reduction: str,
) -> Tensor:
    """Run a loss primitive; ``count`` terms make up its mean, which is NaN where there is none."""
    if reduction == "mean" and count:
        return primitive(input, target, count)
    if reduction == "sum":
        return primitive(input, target, 1)
    check_reduction(reduction)
    return reduced(primitive(input, target, 0), reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the squared error (x − t)², its mean by default.

    Args:
        input: predictions x, any shape.
        target: values t of the same shape; another shape is broadcast, with a warning.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: factors of the terms, of the input's shape; the mean is then divided by their sum.

    >>> import chainrule as cr
    >>> cr.nn.functional.mse_loss(cr.tensor([1.0, 2.0]), cr.tensor([1.0, 4.0]))
    tensor(2.)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    x, t = input._array, target._array
    if x.dtype.kind != "f" and t.dtype.kind != "f":
        raise NotImplementedError(
            f"\"mse_cpu\" not implemented for '{torch_name(x.dtype)}': mse_loss needs floats, got "
            f"input of dtype {x.dtype} and target of dtype {t.dtype}; convert them with .float()"
        )
    count = x.size
    if x.shape != t.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size, for example with target.reshape(input.shape).",
            stacklevel=2,
        )
        if weight is None:
            terms = squared_error(input, target, 0)
            check_reduction(reduction)
            return reduced(terms, reduction)
    if weight is not None:
        return _weighted_squared_error(input, target, weight, reduction)
    return by_primitive(squared_error, input, target, count, reduction)


def _weighted_squared_error(
    input: Tensor, target: Tensor, weight: Tensor, reduction: str
) -> Tensor:
    check_reduction(reduction)
    if weight.shape != input.shape:
        raise ValueError(
            f"Weights and input must have the same size: mse_loss got weight of shape "
            f"{list(weight.shape)} and input of shape {list(input.shape)}"
        )
    terms = squared_error(input, target, 0)
    if reduction == "mean":
        return (terms * weight).sum() / weight.expand(terms.shape).sum()
    return reduced(terms * weight, reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the binary cross-entropy −t log p − (1 − t) log(1 − p), its mean by default.

    Each logarithm is limited to −100 from below, so that a certain error costs a finite amount.

    Args:
        input: probabilities p, any shape.
        target: probabilities t (0 and 1 for classes), of the same shape.
        weight: factors of the terms, broadcast to the input's shape.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if the shapes differ.
        RuntimeError: if the dtypes differ, or an input or target is outside [0, 1].

    >>> import chainrule as cr
    >>> cr.nn.functional.binary_cross_entropy(cr.tensor([0.5]), cr.tensor([1.0]))
    tensor(0.6931)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    p, t = input._array, target._array
    if p.shape != t.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size, for example "
            "with target.reshape(input.shape)."
        )
    if p.dtype is not t.dtype:
        raise RuntimeError(
            f"Found dtype {torch_name(t.dtype)} but expected {torch_name(p.dtype)}: the target of "
            f"binary_cross_entropy has dtype {t.dtype}, its input {p.dtype}; convert the target "
            f"with .to(cr.{p.dtype})"
        )
    if p.dtype.kind != "f":
        raise NotImplementedError(
            f"\"binary_cross_entropy\" not implemented for '{torch_name(p.dtype)}': probabilities "
            f"are floats, got dtype {p.dtype}; convert both arguments with .float()"
        )
    if not within_unit_interval(t):
        raise RuntimeError(
            "all elements of target should be between 0 and 1: binary_cross_entropy got targets "
            f"from {t.min()} to {t.max()}"
        )
    if weight is None:
        loss = by_primitive(binary_cross_entropy_of_probability, input, target, p.size, reduction)
    else:
        check_reduction(reduction)
        terms = binary_cross_entropy_of_probability(input, target, 0)
        loss = reduced(terms * _expanded(weight, input), reduction)
    # Outside [0, 1] one of the logarithms is NaN, and so is the loss: a look at it is enough.
    value = loss._array
    if (math.isnan(value) if value.ndim == 0 else np.isnan(value).any()) and not (
        within_unit_interval(p)
    ):
        raise RuntimeError(
            "all elements of input should be between 0 and 1: binary_cross_entropy takes "
            f"probabilities, got values from {p.min()} to {p.max()}. Apply a sigmoid first, or use "
            "binary_cross_entropy_with_logits on its input"
        )
    return loss


def _expanded(weight: Tensor, input: Tensor) -> Tensor:
    try:
        return weight.expand(input.shape)
    except RuntimeError:
        raise RuntimeError(
            f"weight of shape {list(weight.shape)} should be broadcastable to the input's shape "
            f"{list(input.shape)}: give a weight per element, or sizes of 1 where it is the same"
        ) from None


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return the binary cross-entropy of sigmoid(z), without overflow; its mean by default.

    Args:
        input: logits z, any shape.
        target: probabilities t (0 and 1 for classes), of the same shape.
        weight: factors of the terms, broadcast to the input's shape.
        size_average: old form of ``reduction``.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: factor of the term t log σ(z), broadcast: more than 1 favours recall.

    Raises:
        ValueError: if the shapes differ.
        RuntimeError: if input or target is not a float.

    >>> import chainrule as cr
    >>> F = cr.nn.functional
    >>> F.binary_cross_entropy_with_logits(cr.tensor([0.0, 100.0]), cr.tensor([1.0, 1.0]))
    tensor(0.3466)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    z, t = input._array, target._array
    if z.shape != t.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size ({input.shape}): for "
            "example with target.reshape(input.shape)"
        )
    if z.dtype.kind != "f" or t.dtype.kind != "f":
        found = z.dtype if z.dtype.kind != "f" else t.dtype
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {torch_name(found)}: "
            f"binary_cross_entropy_with_logits needs floats, got input of dtype {z.dtype} and "
            f"target of dtype {t.dtype}; convert with .float()"
        )
    if weight is None and pos_weight is None:
        return by_primitive(binary_cross_entropy_of_logit, input, target, z.size, reduction)
    check_reduction(reduction)
    if pos_weight is None:
        terms = binary_cross_entropy_of_logit(input, target, 0)
    else:
        # −log σ(z) is the loss of the target 1.
        surprise = binary_cross_entropy_of_logit(input, input.new_ones(input.shape), 0)
        terms = (1 - target) * input + (1 + (pos_weight - 1) * target) * surprise
    return reduced(terms if weight is None else terms * weight, reduction)
