"""What padding and columns of windows mean, element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def _pad(x: Any, *widths: tuple[int, int], value: float = 0) -> Any:
    shape = [n + before + after for n, (before, after) in zip(x.shape, widths)]
    y = np.full(shape, float(value))
    for at in np.ndindex(*shape):
        place = tuple(a - before for a, (before, _) in zip(at, widths))
        if all(0 <= q < n for q, n in zip(place, x.shape)):
            y[at] = x[place]
    return y


def _reflected(k: int, n: int) -> int:
    return -k if k < 0 else 2 * (n - 1) - k if k >= n else k


_SOURCES: dict[str, Callable[[int, int], int]] = {
    "reflection": _reflected,
    "replication": lambda k, n: min(max(k, 0), n - 1),
    "circular": lambda k, n: k % n,
}


def _sources(shape: Any, widths: Any, mode: str) -> Iterator[tuple[Any, Any]]:
    """Yield each place of the padded array with the one it is a copy of."""
    padded = [n + before + after for n, (before, after) in zip(shape, widths)]
    for at in np.ndindex(*padded):
        yield (
            at,
            tuple(_SOURCES[mode](a - before, n) for a, n, (before, _) in zip(at, shape, widths)),
        )


def _pad_with_copies(mode: str) -> Callable[..., Any]:
    def surround(x: Any, *widths: Any) -> Any:
        return np.array([x[q] for _, q in _sources(x.shape, widths, mode)]).reshape(
            [n + before + after for n, (before, after) in zip(x.shape, widths)]
        )

    return surround


def _fold_copies(mode: str) -> Callable[..., Any]:
    def fold(y: Any, *widths: Any) -> Any:
        x = np.zeros([n - before - after for n, (before, after) in zip(y.shape, widths)])
        for at, q in _sources(x.shape, widths, mode):
            x[q] += y[at]
        return x

    return fold


def _places(
    size: Any, kernel: Any, dilation: Any = (1, 1), padding: Any = (0, 0), stride: Any = (1, 1)
) -> Iterator[tuple[int, int, Any]]:
    """Yield the row of a window's element, the column of the window, and the place in the image."""
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, dilation, padding, stride)
    ]
    for column, at in enumerate(np.ndindex(*out)):
        for row, k in enumerate(np.ndindex(*kernel)):
            place = tuple(
                a * s + j * d - p for a, j, s, d, p in zip(at, k, stride, dilation, padding)
            )
            yield row, column, place if all(0 <= q < n for q, n in zip(place, size)) else None


def _im2col(x: Any, kernel: Any, **options: Any) -> Any:
    places = list(_places(x.shape[2:], kernel, **options))
    y = np.zeros((*x.shape[:2], *(1 + max(p[k] for p in places) for k in (0, 1))))
    for row, column, place in places:
        if place is not None:
            y[:, :, row, column] = x[(slice(None), slice(None), *place)]
    return y.reshape(len(x), y.shape[1] * y.shape[2], y.shape[3])


def _col2im(y: Any, size: Any, kernel: Any, **options: Any) -> Any:
    window = int(np.prod(kernel))
    columns = y.reshape(len(y), y.shape[1] // window, window, y.shape[-1])
    x = np.zeros((*columns.shape[:2], *size))
    for row, column, place in _places(size, kernel, **options):
        if place is not None:
            x[(slice(None), slice(None), *place)] += columns[:, :, row, column]
    return x


FUNCTIONS: dict[str, Callable[..., Any]] = {"pad": _pad, "im2col": _im2col, "col2im": _col2im}
for _mode in _SOURCES:
    FUNCTIONS[f"{_mode}_pad"] = _pad_with_copies(_mode)
    FUNCTIONS[f"{_mode}_fold"] = _fold_copies(_mode)
