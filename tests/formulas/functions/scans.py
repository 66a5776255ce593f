"""The functions of reductions, scans and distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Dims = tuple[int, ...] | None


def _from_the_end(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a scan that begins at the other end of the dimension."""

    def reversed_scan(*xs: Any, dims: tuple[int]) -> Any:
        return np.flip(function(*(np.flip(x, dims) for x in xs), dims=dims), dims)

    return reversed_scan


def _shift(x: Any, by: float, fill: float, dims: tuple[int]) -> Any:
    out = np.full(np.shape(x), float(fill))
    for at in np.ndindex(np.shape(x)):
        to = list(at)
        to[dims[0]] += int(by)
        if 0 <= to[dims[0]] < np.shape(x)[dims[0]]:
            out[tuple(to)] = x[at]
    return out


def _recurrence(b: Any, a: Any, dims: tuple[int]) -> Any:
    y = np.moveaxis(np.array(b, float), dims[0], 0)
    for k, factor in enumerate(np.moveaxis(np.asarray(a), dims[0], 0)):
        if k:
            y[k] = y[k] + factor * y[k - 1]
    return np.moveaxis(y, 0, dims[0])


def _product_gradient(v: Any, x: Any, dims: tuple[int]) -> Any:
    """Return for each k the sum over i ≥ k of v at i times the product of the others up to i."""
    weights, factors = (np.moveaxis(np.asarray(a, float), dims[0], 0) for a in (v, x))
    out = np.zeros_like(factors)
    for k in range(len(factors)):
        others = factors.copy()
        others[k] = 1
        for i in range(k, len(factors)):
            out[k] += weights[i] * np.prod(others[: i + 1], axis=0)
    return np.moveaxis(out, 0, dims[0])


def _product_of_others(x: Any, dims: Dims) -> Any:
    x = np.asarray(x, float)
    out = np.empty_like(x)
    for at in np.ndindex(x.shape):
        others = x.copy()
        others[at] = 1
        row = others
        if dims is not None:
            row = others[tuple(slice(None) if d in dims else i for d, i in enumerate(at))]
        out[at] = np.prod(row)
    return out


def _pick(x: Any, index: Any, dims: tuple[int]) -> Any:
    return np.squeeze(np.take_along_axis(np.asarray(x), index, dims[0]), dims[0])


def _place(x: Any, index: Any, shape: Any, dims: tuple[int]) -> Any:
    out = np.zeros(shape)
    np.put_along_axis(out, index, np.reshape(x, np.shape(index)), dims[0])
    return out


def _distances(a: Any, b: Any) -> Any:
    return np.sqrt(np.sum((a[..., :, None, :] - b[..., None, :, :]) ** 2, axis=-1))


def _median(x: Any, dims: Dims = None) -> Any:
    """Return the lower of the two elements in the middle."""
    return np.sort(x, axis=None)[(np.size(x) - 1) // 2]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "distances": _distances,
    "largest_difference": lambda x: np.max(np.abs(x), axis=-1, initial=0),
}
ALONG: dict[str, Callable[..., Any]] = {
    "prod": lambda x, dims: np.prod(x, axis=dims),
    "Prod": lambda x, dims: np.prod(x, axis=dims, keepdims=True),
    "prod_of_others": _product_of_others,
    "cumsum": lambda x, dims: np.cumsum(x, axis=dims[0]),
    "cumprod": lambda x, dims: np.cumprod(x, axis=dims[0]),
    "cumprod_gradient": _product_gradient,
    "recurrence": _recurrence,
    "shift": _shift,
    "logcumsumexp": lambda x, dims: np.log(np.cumsum(np.exp(x), axis=dims[0])),
    "median": _median,
    "pick": _pick,
    "Pick": lambda x, index, dims: np.take_along_axis(np.asarray(x), index, dims[0]),
    "place": _place,
    "nanmedian": _median,
}
ALONG |= {
    f"rev{name}": _from_the_end(ALONG[name])
    for name in ("cumsum", "cumprod", "cumprod_gradient", "recurrence")
}
