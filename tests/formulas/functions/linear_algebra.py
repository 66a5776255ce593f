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


def _diag(x: Any, shape: tuple[int, ...]) -> Any:
    y = np.zeros(shape)
    for k in range(np.shape(x)[-1]):
        y[..., k, k] = x[..., k]
    return y


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "einsum": np.einsum,
    "dot": np.dot,
    "outer": np.outer,
    "tril": lambda x, k=0: np.tril(x, int(k)),
    "triu": lambda x, k=0: np.triu(x, int(k)),
    "diagonal": lambda x: np.diagonal(x, axis1=-2, axis2=-1),
    "diag": _diag,
}
ALONG: dict[str, Callable[..., Any]] = {
    "cross": lambda a, b, dims: np.cross(a, b, axis=dims[0]),
    "norm": lambda x, order, dims: _norm(x, order, dims, False),
    "Norm": lambda x, order, dims: _norm(x, order, dims, True),
}
