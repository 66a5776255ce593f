"""The functions that rearrange, cut, assemble and place elements."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

Dims = tuple[int, ...]


def _split(x: Any, bounds: tuple[int, ...], dims: Dims) -> tuple[Any, ...]:
    return tuple(np.take(x, range(a, b), dims[0]) for a, b in pairwise(bounds))


def _block_diag(*xs: Any) -> Any:
    out = np.zeros((0, 0))
    for x in xs:
        right = np.zeros((out.shape[0], x.shape[1]))
        below = np.zeros((x.shape[0], out.shape[1]))
        out = np.block([[out, right], [below, x]])
    return out


def _diagonals(x: Any, offset: int, dims: Dims) -> Any:
    rows = np.moveaxis(x, dims, (-2, -1))
    n, m = rows.shape[-2:]
    places = [(k, k + offset) for k in range(n) if 0 <= k + offset < m]
    lines = [rows[..., i, j] for i, j in places]
    return np.stack(lines, -1) if lines else np.zeros((*rows.shape[:-2], 0))


def _on_diagonals(x: Any, offset: int, shape: tuple[int, ...], dims: Dims) -> Any:
    out = np.zeros(shape)
    rows = np.moveaxis(out, dims, (-2, -1))
    for k in range(x.shape[-1]):
        rows[..., k - min(offset, 0), k + max(offset, 0)] = x[..., k]
    return out


def _triangle(x: Any, keeps: Callable[[Any], Any]) -> Any:
    i, j = np.indices(np.shape(x)[-2:])
    return np.where(keeps(j - i), x, 0.0)


def _windows(x: Any, size: int, step: int, dims: Dims) -> Any:
    starts = range(0, x.shape[dims[0]] - size + 1, step)
    return np.stack(
        [np.moveaxis(np.take(x, range(a, a + size), dims[0]), dims[0], -1) for a in starts], dims[0]
    )


def _overlap_add(x: Any, step: int, shape: tuple[int, ...], dims: Dims) -> Any:
    out = np.zeros(shape)
    ahead = np.moveaxis(out, dims[0], -1)
    for k in range(x.shape[dims[0]]):
        ahead[..., k * step : k * step + x.shape[-1]] += np.take(x, k, dims[0])
    return out


def _strided(x: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Any:
    out = np.empty(size)
    for at in np.ndindex(size):
        out[at] = np.ravel(x)[offset + sum(i * n for i, n in zip(at, stride, strict=True))]
    return out


def _add_strided(
    x: Any,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    offset: float,
    shape: tuple[int, ...],
) -> Any:
    out = np.zeros(int(np.prod(shape)))
    for at in np.ndindex(size):
        out[int(offset) + sum(i * n for i, n in zip(at, stride, strict=True))] += x[at]
    return out.reshape(shape)


def _put_along(x: Any, value: Any, index: Any, dims: Dims) -> Any:
    out = np.array(x, float)
    for at in np.ndindex(index.shape):
        to = (*at[: dims[0]], index[at], *at[dims[0] + 1 :])
        out[to] = np.broadcast_to(value, index.shape)[at]
    return out


def _combined_along(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def function(x: Any, value: Any, index: Any, dims: Dims) -> Any:
        out = np.array(x, float)
        for at in np.ndindex(index.shape):
            to = (*at[: dims[0]], index[at], *at[dims[0] + 1 :])
            out[to] = combine(out[to], value[at])
        return out

    return function


def _product_along(value: Any, index: Any, shape: tuple[int, ...], dims: Dims) -> Any:
    return _combined_along(lambda a, b: a * b)(np.ones(shape), value, index, dims)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "block_diag": _block_diag,
    "tril": lambda x, k: _triangle(x, lambda above: above <= k),
    "triu": lambda x, k: _triangle(x, lambda above: above >= k),
    "repeat": lambda x, counts: np.tile(x, counts),
    "add_strided": _add_strided,
    "as_strided": lambda x, size, stride, offset: _strided(x, size, stride, int(offset)),
}
ALONG: dict[str, Callable[..., Any]] = {
    "diagonal": lambda x, offset, dims: _diagonals(x, int(offset), dims),
    "diag": lambda x, offset, shape, dims: _on_diagonals(x, int(offset), shape, dims),
    "flip": lambda x, dims: np.flip(x, dims),
    "roll": lambda x, shifts, dims: np.roll(x, shifts, dims),
    "repeat_interleave": lambda x, n, dims: np.repeat(x, int(n), dims[0]),
    "unfold": lambda x, size, step, dims: _windows(x, int(size), int(step), dims),
    "overlap_add": lambda x, step, shape, dims: _overlap_add(x, int(step), shape, dims),
    "put": _put_along,
    "scatter_amax": _combined_along(max),
    "scatter_amin": _combined_along(min),
    "scatter_prod": _product_along,
    "split": _split,
    "unbind": lambda x, count, dims: tuple(np.moveaxis(x, dims[0], 0)),
}
