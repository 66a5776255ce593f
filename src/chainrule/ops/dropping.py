"""Dropout of channels, and dropout that keeps mean and variance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ops import inplace
from chainrule.ops.arithmetic import plus, times
from chainrule.ops.fills import bernoulli_
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "alpha_dropout_",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
]

# What SELU tends to far below 0, the value dropped elements take: −scale·alpha.
_SATURATION = 1.7580993408473766


def _factors_and_shift(x: Any, p: float, features: bool, alpha: bool) -> tuple[Any, Any]:
    """Return what to multiply the input by and what to add, None for nothing to add."""
    if features and x.ndim < 2:
        raise RuntimeError(
            f"Feature dropout requires at least 2 dimensions in the input, got {x.ndim}: the "
            "second is that of the channels"
        )
    shape = (*x.shape[:2], *[1] * (x.ndim - 2)) if features else x.shape
    kept = bernoulli_(attach(np.empty(shape, x.dtype), None), 1 - p)._array
    if not alpha:
        return kept / x.dtype.type(1 - p), None
    a = 1 / math.sqrt((_SATURATION**2 * p + 1) * (1 - p))
    shift = (kept - 1) * x.dtype.type(_SATURATION * a) + x.dtype.type(_SATURATION * a * p)
    return kept * x.dtype.type(a), shift


def _dropped(input: Tensor, p: float, train: bool, features: bool, alpha: bool) -> Tensor:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
    x = input._array
    if not train or p == 0 or not x.size:
        return input
    if x.dtype.kind != "f":
        raise RuntimeError(f"dropout needs floats, got dtype {x.dtype}; convert with .float()")
    if p == 1:
        return times(input, attach(np.zeros((), x.dtype), None))
    factors, shift = _factors_and_shift(x, p, features, alpha)
    y = times(input, attach(factors, None))
    return y if shift is None else plus(y, attach(shift, None))


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set elements to SELU's negative limit with probability ``p``; keep mean 0 and variance 1.

    Args:
        input: any shape.
        p: the probability that an element is dropped.
        train: False returns the input as it is.

    Source: Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> import chainrule as cr
    >>> cr.alpha_dropout(cr.ones(3), 0.5, train=False)
    tensor([1., 1., 1.])
    """
    return _dropped(input, p, train, False, True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set whole channels to 0 with probability ``p`` and divide the others by 1 − p.

    Args:
        input: (N, C, …).
        p: the probability that a channel of a sample is dropped.
        train: False returns the input as it is.

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.

    >>> import chainrule as cr
    >>> cr.feature_dropout(cr.ones(1, 2), 1.0, train=True)
    tensor([[0., 0.]])
    """
    return _dropped(input, p, train, True, False)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Do what `alpha_dropout` does, with whole channels.

    >>> import chainrule as cr
    >>> cr.feature_alpha_dropout(cr.ones(1, 2), 0.0, train=True)
    tensor([[1., 1.]])
    """
    return _dropped(input, p, train, True, True)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Overwrite the input with `alpha_dropout` of it and return it."""
    return inplace.change("alpha_dropout_", alpha_dropout, input, p, train)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Overwrite the input with `feature_dropout` of it and return it."""
    return inplace.change("feature_dropout_", feature_dropout, input, p, train)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Overwrite the input with `feature_alpha_dropout` of it and return it."""
    return inplace.change("feature_alpha_dropout_", feature_alpha_dropout, input, p, train)
