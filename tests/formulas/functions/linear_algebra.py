"""The functions of linear algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Dims = tuple[int, ...] | None


def _norm(x: Any, order: float, dims: Dims, keep: bool) -> Any:
    sizes = np.abs(x)
    if order == np.inf:
        return np.max(sizes, axis=dims, keepdims=keep)
    if order == -np.inf:
        return np.min(sizes, axis=dims, keepdims=keep)
    if order == 0:
        return np.sum(sizes != 0, axis=dims, keepdims=keep)
    return np.sum(sizes**order, axis=dims, keepdims=keep) ** (1 / order)


FUNCTIONS: dict[str, Callable[..., Any]] = {}
ALONG: dict[str, Callable[..., Any]] = {
    "norm": lambda x, order, dims: _norm(x, order, dims, False),
    "Norm": lambda x, order, dims: _norm(x, order, dims, True),
}
