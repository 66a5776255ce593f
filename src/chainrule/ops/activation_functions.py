"""Activations that PyTorch offers as functions of tensors, beside those of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operands import representable
from chainrule.ops import inplace
from chainrule.ops.activations import (
    SELU_ALPHA,
    SELU_SCALE,
    elu,
    leaky_relu,
    prelu_by,
)
from chainrule.ops.arithmetic import times
from chainrule.ops.comparison import filled_where
from chainrule.ops.exponential import relu
from chainrule.ops.shape import reshaped
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.ops.random import Generator
    from chainrule.tensor import Tensor

__all__ = [
    "celu",
    "celu_",
    "hardshrink",
    "prelu",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "threshold",
    "threshold_",
]


def relu_(input: Tensor) -> Tensor:
    """Overwrite the input with max(x, 0) and return it."""
    return inplace.change("relu_", relu, input)


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x above 0 and α (exp(x/α) − 1) below: an exponential linear unit without a kink.

    Raises:
        RuntimeError: if ``alpha`` is 0.

    Source: Barron, "Continuously differentiable exponential linear units", 2017.

    >>> import chainrule as cr
    >>> cr.celu(cr.tensor([-2.0, 1.0]), alpha=2.0)
    tensor([-1.2642,  1.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU; use relu")
    return elu(input, alpha, 1.0, 1.0 / alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Overwrite the input with `celu` of it and return it."""
    return inplace.change("celu_", celu, input, alpha)


def selu(input: Tensor) -> Tensor:
    """Return the scaled exponential linear unit, which keeps mean 0 and variance 1.

    Source: Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> import chainrule as cr
    >>> cr.selu(cr.tensor([-1.0, 1.0]))
    tensor([-1.1113,  1.0507])
    """
    return elu(input, SELU_ALPHA, SELU_SCALE, 1.0)


def selu_(input: Tensor) -> Tensor:
    """Overwrite the input with `selu` of it and return it."""
    return inplace.change("selu_", selu, input)


def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """Return x where it exceeds the threshold and ``value`` elsewhere.

    >>> import chainrule as cr
    >>> cr.threshold(cr.tensor([0.5, 2.0]), 1.0, -1.0)
    tensor([-1.,  2.])
    """
    kind = input._array.dtype.kind
    if kind == "b":
        raise NotImplementedError("threshold is not implemented for bool: convert with .float()")
    if kind != "f":
        threshold = int(threshold)
        value = representable("threshold", int(value), input._array.dtype)
    return filled_where(input, input <= threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """Overwrite the input with `threshold` of it and return it."""
    operation = globals()["threshold"]
    return inplace.change("threshold_", operation, input, threshold, value)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x where it is outside [−λ, λ] and 0 inside.

    >>> import chainrule as cr
    >>> cr.hardshrink(cr.tensor([-1.0, 0.2, 0.7]))
    tensor([-1.0000,  0.0000,  0.7000])
    """
    if input._array.dtype.kind != "f":
        raise NotImplementedError(
            f"hardshrink is not implemented for {input._array.dtype}: convert with .float()"
        )
    return filled_where(input, (input >= -lambd) & (input <= lambd), 0.0)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x above 0 and the weight times x below, with a weight a channel or a single one.

    Args:
        input: (N, C, …) or (C) for a single weight.
        weight: (C), (1) or ().

    Raises:
        RuntimeError: if the number of weights is neither 1 nor that of the channels, or dtypes
            differ.

    Source: He et al., "Delving deep into rectifiers", 2015.

    >>> import chainrule as cr
    >>> cr.prelu(cr.tensor([-1.0, 2.0]), cr.tensor(0.1))
    tensor([-0.1000,  2.0000])
    """
    x, w = input._array, weight._array
    if x.dtype is not w.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {x.dtype} and {w.dtype}; convert one with "
            ".to()"
        )
    if w.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {w.ndim}; "
            "flatten it"
        )
    if w.size != 1:
        channels = x.shape[1] if x.ndim > 1 else 1
        if not x.ndim:
            raise RuntimeError("Not allow zero-dim input tensor with several weights (prelu)")
        if w.size != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{w.size} and channel size = {channels}: prelu takes one weight, or one for each "
                "index of dimension 1"
            )
        if x.ndim > 2:
            weight = reshaped(weight, (channels, *[1] * (x.ndim - 2)))
    elif w.ndim and x.ndim == 0:
        weight = reshaped(weight, ())
    return prelu_by(input, weight)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Return x above 0 and a random slope times x below; the mean slope outside training.

    Args:
        input: any shape.
        lower: the smallest slope.
        upper: the largest slope.
        training: draw a slope for each element.
        generator: where the slopes come from.

    Source: Xu et al., "Empirical evaluation of rectified activations in convolutional network",
    2015.

    >>> import chainrule as cr
    >>> cr.rrelu(cr.tensor([-1.0, 2.0]), lower=0.1, upper=0.3)
    tensor([-0.2000,  2.0000])
    """
    if lower > upper:
        raise RuntimeError(
            "Lower bound should be less than or equal to the upper bound: rrelu got "
            f"lower={lower} and upper={upper}"
        )
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    from chainrule.ops.random import rand

    x = input._array
    slopes = np.ones_like(x)
    below = x <= 0
    drawn = rand(int(np.count_nonzero(below)), generator=generator, dtype=np.dtype("f8"))._array
    slopes[below] = drawn * (upper - lower) + lower
    return times(input, attach(slopes, None))


def rrelu_(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Overwrite the input with `rrelu` of it and return it."""

    def operation(x: Tensor) -> Any:
        return rrelu(x, lower, upper, training, generator)

    return inplace.change("rrelu_", operation, input)
