"""The activations, from their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _celu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return np.where(beta * x > threshold, x, np.logaddexp(0, beta * x) / beta)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "gelu": lambda x: x / 2 * special.erfc(-x / np.sqrt(2)),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "softplus": _softplus,
    "logsigmoid": lambda x: -np.logaddexp(0, -x),
    "elu": _elu,
    "celu": _celu,
    "selu": lambda x: _SELU_SCALE * _elu(x, _SELU_ALPHA),
    "hardtanh": lambda x, lower, upper: np.clip(x, lower, upper),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "prelu": lambda x, weight: np.where(x > 0, x, weight * x),
}
