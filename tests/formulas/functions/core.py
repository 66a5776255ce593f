"""The functions of the operations that every program uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Dims = tuple[int, ...] | None


class OneHot:
    """Rows with a 1 in the column of each class; how many columns, the other operand tells."""

    def __init__(self, classes: Any) -> None:
        self.classes = np.asarray(classes)

    def beside(self, other: Any) -> Any:
        return (self.classes[:, None] == np.arange(np.shape(other)[1])).astype(float)


class Shape(tuple):
    """The shape of a value."""


def _whole(value: Any) -> Any:
    """Return a number as an integer; numbers are read as floats."""
    return int(value) if isinstance(value, float) else value


def _sigma(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(x / 2))


def _mean(x: Any, dims: Dims, keep: bool) -> Any:
    return np.mean(x, axis=dims, keepdims=keep)


def _variance(x: Any, dims: Dims, keep: bool, correction: float = 1) -> Any:
    return np.var(x, axis=dims, keepdims=keep, ddof=correction)


def _log_sum_exp(x: Any, dims: Dims, keep: bool) -> Any:
    return np.logaddexp.reduce(x, axis=dims, keepdims=keep)


def _softmax(x: Any, dims: Dims) -> Any:
    return np.exp(x - np.logaddexp.reduce(x, axis=dims, keepdims=True))


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    x = np.asarray(x)
    while x.ndim > len(shape):
        x = x.sum(0)
    for d, n in enumerate(shape):
        if n == 1 and x.shape[d] != 1:
            x = x.sum(d, keepdims=True)
    return x


def _scatter(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape)
    np.add.at(out, index, x)
    return out


def _scatter_along(x: Any, dim: int, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape)
    for at in np.ndindex(index.shape):
        to = (*at[:dim], index[at], *at[dim + 1 :])
        out[to] += x[at]
    return out


def _gather(x: Any, dim: int, index: Any) -> Any:
    out = np.empty(index.shape)
    for at in np.ndindex(index.shape):
        out[at] = x[(*at[:dim], index[at], *at[dim + 1 :])]
    return out


def _put(x: Any, value: Any, positions: Any) -> Any:
    flat = np.array(x, float).reshape(-1)
    flat[positions] = value
    return flat.reshape(np.shape(x))


def _put_into_zeros(x: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    flat = np.zeros(int(np.prod(shape)))
    np.add.at(flat, positions, x)
    return flat.reshape(shape)


def _binary_cross_entropy(p: Any, t: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log(1 - p), -100))


def _binary_cross_entropy_with_logits(z: Any, t: Any) -> Any:
    return np.logaddexp(0, z) - z * t


def _cross_entropy(logits: Any, classes: Any) -> Any:
    return np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(classes)), classes]


def _reductions() -> dict[str, Callable[..., Any]]:
    """Return the functions that take dimensions: small letters drop them, capitals keep them."""
    table: dict[str, Callable[..., Any]] = {}
    kinds: dict[tuple[str, str], Callable[..., Any]] = {
        ("sum", "Σ"): lambda x, d, keep: np.sum(x, axis=d, keepdims=keep),
        ("mean", "Mean"): _mean,
        ("var", "Var"): _variance,
        ("std", "Std"): lambda x, d, keep, **c: np.sqrt(_variance(x, d, keep, **c)),
        ("logsumexp", "LogSumExp"): _log_sum_exp,
    }
    for (dropping, keeping), function in kinds.items():
        table[dropping] = lambda x, dims, f=function, **c: f(x, dims, False, **c)
        table[keeping] = lambda x, dims, f=function, **c: f(x, dims, True, **c)
    for name, reduce, both in [("max", np.max, np.maximum), ("min", np.min, np.minimum)]:
        table[name] = lambda *xs, dims, r=reduce, b=both: (
            b(*xs) if len(xs) == 2 else r(*xs, axis=dims)
        )
        table[name.capitalize()] = lambda x, dims, r=reduce: r(x, axis=dims, keepdims=True)
    return table


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "σ": _sigma,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "sign": np.sign,
    "trunc": np.trunc,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "bitwise_and": lambda a, b: np.bitwise_and(_whole(a), _whole(b)),
    "bitwise_or": lambda a, b: np.bitwise_or(_whole(a), _whole(b)),
    "bitwise_xor": lambda a, b: np.bitwise_xor(_whole(a), _whole(b)),
    "bitwise_not": np.bitwise_not,
    "where": lambda c, a, b: np.where(np.asarray(c, bool), a, b),
    "shape": lambda x: Shape(np.shape(x)),
    "broadcast": np.broadcast_to,
    "reshape": np.reshape,
    "sum_to": _sum_to,
    "scatter": _scatter,
    "put": _put,
    "take": lambda x, positions: np.reshape(x, -1)[positions],
    "put_into_zeros": _put_into_zeros,
    "onehot": OneHot,
    "bce": _binary_cross_entropy,
    "bce_with_logits": _binary_cross_entropy_with_logits,
    "cross_entropy": _cross_entropy,
}
ALONG: dict[str, Callable[..., Any]] = {
    **_reductions(),
    "softmax": _softmax,
    "log_softmax": lambda x, dims: x - np.logaddexp.reduce(x, axis=dims, keepdims=True),
    "unsqueeze": lambda x, dims: np.expand_dims(x, dims),
    "squeeze": lambda x, dims: np.squeeze(x, dims),
    "permute": lambda x, dims: np.transpose(x, dims),
    "transpose": lambda x, dims: np.swapaxes(x, *dims),
    "cat": lambda *xs, dims: np.concatenate(xs, axis=dims[0]),
    "stack": lambda *xs, dims: np.stack(xs, axis=dims[0]),
    "gather": lambda x, index, dims: _gather(x, dims[0], index),
    "scatter": lambda x, index, shape, dims: _scatter_along(x, dims[0], index, shape),
}
