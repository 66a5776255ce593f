"""Losses of regression, from their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _smooth_l1(x: Any, t: Any, beta: float) -> Any:
    z = np.abs(x - t)
    return np.where(z < beta, z * z / (2 * beta), z - beta / 2)


def _huber(x: Any, t: Any, delta: float) -> Any:
    z = np.abs(x - t)
    return np.where(z < delta, z * z / 2, delta * (z - delta / 2))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "l1": lambda x, t: np.abs(x - t),
    "smooth_l1": _smooth_l1,
    "huber": _huber,
}
