"""What resampling means: every output element as a sum over input elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def _hat(x: float) -> float:
    return max(1 - abs(x), 0)


def _cubic(a: float) -> Callable[[float], float]:
    def weight(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        if x < 2:
            return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
        return 0.0

    return weight


def _lanczos(x: float) -> float:
    return float(np.sinc(x) * np.sinc(x / 3)) if abs(x) < 3 else 0.0


def _matrix(mode: str, n: int, m: int, align_corners: float = 0, factor: Any = None) -> Any:
    """Return the weight of every input element in every output element."""
    scale = 1 / factor if factor else n / m
    if align_corners:
        scale = (n - 1) / (m - 1) if m > 1 else 0
    matrix = np.zeros((m, n))
    for i in range(m):
        if mode.startswith("nearest"):
            place = (i + 0.5) * scale if mode == "nearest_exact" else i * scale
            matrix[i, min(math.floor(place), n - 1)] = 1
        elif mode.startswith("smoothed"):
            filters = {"linear": (_hat, 1), "cubic": (_cubic(-0.5), 2), "lanczos": (_lanczos, 3)}
            weigh, reach = filters[mode.split("_")[1]]
            wide = max(scale, 1)
            centre = (i + 0.5) * scale
            for k in range(n):
                inside = abs(k + 0.5 - centre) <= reach * wide
                matrix[i, k] = weigh((k + 0.5 - centre) / wide) if inside else 0
            matrix[i] /= matrix[i].sum()
        else:
            place = i * scale if align_corners else (i + 0.5) * scale - 0.5
            if mode == "linear":
                place = min(max(place, 0), n - 1)
            weigh = _hat if mode == "linear" else _cubic(-0.75)
            for k in range(math.floor(place) - 1, math.floor(place) + 3):
                matrix[i, min(max(k, 0), n - 1)] += weigh(place - k)
    return matrix


def _along(matrix: Any, x: Any, dim: int) -> Any:
    return np.moveaxis(np.tensordot(matrix, x, (1, dim)), 0, dim)


def _resample(mode: str) -> Callable[..., Any]:
    def resample(x: Any, size: float, dims: Any, **options: Any) -> Any:
        n = x.shape[dims[0]]
        return _along(_matrix(mode, n, int(size), **options), x, dims[0])

    return resample


def _resample_transpose(mode: str) -> Callable[..., Any]:
    def resample(x: Any, size: float, dims: Any, **options: Any) -> Any:
        m = x.shape[dims[0]]
        return _along(_matrix(mode, int(size), m, **options).T, x, dims[0])

    return resample


ALONG: dict[str, Callable[..., Any]] = {}
for _mode in (
    "nearest", "nearest_exact", "linear", "cubic", "smoothed_linear", "smoothed_cubic",
    "smoothed_lanczos",
):  # fmt: skip
    ALONG[f"{_mode}_resample"] = _resample(_mode)
    ALONG[f"{_mode}_resample_transpose"] = _resample_transpose(_mode)
