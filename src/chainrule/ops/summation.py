"""Sums of many terms that lose no digits on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

# Straight to the ufunc: `np.sum` spends longer on its arguments than on a small array.
_add_up: Any = np.add.reduce
# What a running sum, or one of squares, of a dtype is kept in, as in PyTorch: it does not lose what
# a long row of small terms adds.
WIDER: dict[Any, Any] = {
    np.dtype("float32"): np.dtype("float64"),
    np.dtype("float16"): np.dtype("float32"),
}
# How many terms are added one after the other before their sums are added in turn.
_BLOCK = 16


def add_up(x: Any, axis: tuple[int, ...] | None, keepdims: bool) -> Any:
    """Return the sum of an array over dimensions.

    NumPy adds pairwise along the last dimension, but one term after the other along those before
    it, which costs float32 a digit for every hundred terms. Sums over leading dimensions are
    therefore made in rounds, in which each block of terms becomes one: their rounding errors grow
    with the logarithm of the number of terms (Higham, "The accuracy of floating point summation",
    1993).
    """
    if x.size < 4096 or axis is None or axis[-1] == x.ndim - 1:
        if x.size >= 4096 and axis == (1,) and x.ndim == 2 and x.flags.f_contiguous:
            y = _over_first(x.T)
            return y[:, None] if keepdims else y
        return _add_up(x, axis=axis, keepdims=keepdims)
    if len(axis) != axis[-1] + 1 or not x.flags.c_contiguous:
        return _add_up(x, axis=axis, keepdims=keepdims)
    rest = x.shape[len(axis) :]
    y = _over_first(x.reshape(-1, *rest))
    return y.reshape((1,) * len(axis) + rest) if keepdims else y


def _over_first(x: Any) -> Any:
    n = len(x)
    while n > 4 * _BLOCK:
        whole = n // _BLOCK
        y = _add_up(x[: whole * _BLOCK].reshape(_BLOCK, whole, *x.shape[1:]), axis=0)
        if n % _BLOCK:
            y[0] += _add_up(x[whole * _BLOCK :], axis=0)
        x, n = y, whole
    return _add_up(x, axis=0)
