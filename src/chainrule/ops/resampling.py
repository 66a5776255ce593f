"""Resampling along a dimension: nearest, linear and cubic interpolation, and smoothed forms.

An output element is a weighted sum of a few input elements, its taps; which, and with what weights,
follows from the sizes alone. Images are resampled one dimension after the other. Position i of the
output lies at (i + ½) · scale − ½ of the input, or at i · scale where corners are aligned.

Sources: R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with
a = −0.75 (−0.5 in the smoothed form); for the smoothed form, a filter as wide as the scale, the
image library Pillow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.windows import Array
from chainrule.symbol import LEVELS, Notation, Style

_float32 = np.dtype("float32")
# Up to this size a product with a small dense matrix takes less time than picking elements.
_DENSE = 256


class Taps(NamedTuple):
    """For each output element the input elements it is made of, and their weights."""

    place: Array
    weight: Array


# --- Where outputs lie, and their weights ---------------------------------------------------------


def _scale(n: int, m: int, align_corners: bool, factor: float | None, kind: Any) -> Any:
    """Return how many input elements an output element is from the next one."""
    if align_corners:
        return kind.type(n - 1) / kind.type(m - 1) if m > 1 else kind.type(0)
    return kind.type(1.0 / factor) if factor else kind.type(n) / kind.type(m)


def _places(m: int, scale: Any, align_corners: bool, kind: Any) -> Array:
    i = np.arange(m, dtype=kind)
    half = kind.type(0.5)
    places: Array = i * scale if align_corners else (i + half) * scale - half
    return places


def _nearest(n: int, m: int, scale: Any, exact: bool) -> Taps:
    i = np.arange(m, dtype=np.float32)
    start = np.floor((i + np.float32(0.5)) * scale if exact else i * scale)
    index = np.minimum(start.astype(np.int64), n - 1)[:, None]
    return Taps(index, np.ones(index.shape))


def _linear(n: int, m: int, scale: Any, align_corners: bool, kind: Any) -> Taps:
    places = np.maximum(_places(m, scale, align_corners, kind), 0)
    first = np.minimum(places.astype(np.int64), n - 1)
    second = np.minimum(first + 1, n - 1)
    after = np.clip(places - first.astype(kind), 0, 1)
    return Taps(np.stack([first, second], 1), np.stack([1 - after, after], 1))


def cubic_weights(t: Any, a: float = -0.75) -> tuple[Any, Any, Any, Any]:
    """Return the weights of the four elements around a place, t after the second one.

    Source: Keys, 1981, equation 15 with a free parameter.

    >>> cubic_weights(0.0)
    (0.0, 1.0, 0.0, 0.0)
    """

    def near(d: Any) -> Any:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Any) -> Any:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return far(t + 1), near(t), near(1 - t), far(2 - t)


def _cubic(n: int, m: int, scale: Any, align_corners: bool, kind: Any) -> Taps:
    places = _places(m, scale, align_corners, kind)
    start = np.floor(places)
    around = start.astype(np.int64)[:, None] + np.arange(-1, 3)
    weights = cubic_weights(places - start)
    return Taps(np.clip(around, 0, n - 1), np.stack(weights, 1))


def _cubic_filter(x: Array) -> Array:
    x = np.abs(x)
    far, near = cubic_weights(x - 1, -0.5)[0], cubic_weights(x, -0.5)[1]
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos_filter(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


# The filters of the smoothed forms, with how far they reach.
_FILTERS: dict[str, tuple[float, Callable[[Array], Array]]] = {
    "linear": (1.0, lambda x: np.maximum(1 - np.abs(x), 0)),
    "cubic": (2.0, _cubic_filter),
    "lanczos": (3.0, _lanczos_filter),
}


def _smoothed(n: int, m: int, scale: Any, name: str, kind: Any) -> Taps:
    reach, weigh = _FILTERS[name]
    wide = max(scale, kind.type(1))
    support = kind.type(reach) * wide
    half = kind.type(0.5)
    centres = scale * (np.arange(m, dtype=kind) + half)
    first = np.maximum((centres - support + half).astype(np.int64), 0)
    last = np.minimum((centres + support + half).astype(np.int64), n)
    index = first[:, None] + np.arange((last - first).max())
    weight = weigh((index - centres[:, None] + half) / wide)
    weight = np.where(index < last[:, None], weight, 0)
    weight /= np.add.reduce(weight, axis=1, keepdims=True)
    return Taps(np.minimum(index, last[:, None] - 1), weight)


@functools.lru_cache(maxsize=256)
def taps(
    mode: str,
    n: int,
    m: int,
    align_corners: bool,
    factor: float | None,
    smooth: bool,
    dtype: np.dtype[Any],
) -> Taps:
    """Return the taps of resampling n elements to m.

    They are worked out in the precision of the data, as in PyTorch: so both have the same weights.
    """
    if mode.startswith("nearest"):
        return _nearest(n, m, _scale(n, m, False, factor, _float32), mode == "nearest_exact")
    scale = _scale(n, m, align_corners, factor, dtype)
    if smooth:
        return _smoothed(n, m, scale, mode, dtype)
    make = _linear if mode == "linear" else _cubic
    return make(n, m, scale, align_corners, dtype)


@functools.lru_cache(maxsize=256)
def _transposed(*geometry: Any) -> Taps:
    """Return, for each input element, the output elements it is part of, and its weights there."""
    index, weight = taps(*geometry)
    n = geometry[1]
    order = np.argsort(index, axis=None, kind="stable")
    to = index.reshape(-1)[order]
    counts = np.bincount(to, minlength=n)
    place = np.arange(to.size) - np.repeat(np.cumsum(counts) - counts, counts)
    width = max(int(counts.max(initial=0)), 1)
    back = np.zeros((n, width), np.int64)
    back_weight = np.zeros((n, width))
    back[to, place] = order // index.shape[1]
    back_weight[to, place] = weight.reshape(-1)[order]
    return Taps(back, back_weight)


@functools.lru_cache(maxsize=256)
def _dense(*geometry: Any) -> Array:
    index, weight = taps(*geometry)
    matrix = np.zeros((geometry[2], geometry[1]))
    np.add.at(matrix, (np.arange(len(index))[:, None], index), weight)
    return matrix.astype(geometry[-1])


# --- On arrays ------------------------------------------------------------------------------------


def _apply(x: Array, dim: int, geometry: tuple[Any, ...], transposed: bool) -> Array:
    mode, n, m = geometry[:3]
    if max(n, m) <= _DENSE and not mode.startswith("nearest") and _is_finite(x):
        matrix = _dense(*geometry)
        matrix = matrix.T if transposed else matrix
        if dim == x.ndim - 1:
            product: Array = np.matmul(x, matrix.T)
            return product
        rows = x.reshape(*x.shape[: dim + 1], math.prod(x.shape[dim + 1 :]))
        product = np.matmul(matrix, rows)
        return product.reshape(*x.shape[:dim], len(matrix), *x.shape[dim + 1 :])
    index, weight = (_transposed if transposed else taps)(*geometry)
    later = (1,) * (x.ndim - dim - 1)
    y = None
    for k in range(index.shape[1]):
        part = x.take(index[:, k], axis=dim)
        if weight.shape[1] > 1 or transposed:
            part *= weight[:, k].astype(x.dtype).reshape(-1, *later)
        y = part if y is None else np.add(y, part, out=y)
    assert y is not None
    return y


def _is_finite(x: Array) -> bool:
    """Tell whether zeros times its elements are zeros."""
    return bool(np.isfinite(np.add.reduce(x, axis=None)))


def _resampled(
    x: Array, dim: int, mode: str, m: int, align_corners: bool, factor: Any, smooth: bool
) -> Array:
    if x.dtype == np.float16:
        wide = _resampled(x.astype(_float32), dim, mode, m, align_corners, factor, smooth)
        return wide.astype(x.dtype)
    geometry = (mode, x.shape[dim], m, align_corners, factor, smooth, x.dtype)
    return _apply(x, dim, geometry, False)


def _resampled_back(
    x: Array, dim: int, mode: str, n: int, align_corners: bool, factor: Any, smooth: bool
) -> Array:
    if x.dtype == np.float16:
        wide = _resampled_back(x.astype(_float32), dim, mode, n, align_corners, factor, smooth)
        return wide.astype(x.dtype)
    geometry = (mode, n, x.shape[dim], align_corners, factor, smooth, x.dtype)
    return _apply(x, dim, geometry, True)


# --- The table ------------------------------------------------------------------------------------


def _notation(suffix: str) -> Notation:
    """Write ``linear_resample₂(x, 6)``: the filter, the dimension, and the size there."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        parts = [f"{o['x']}", style.parameter(o["size"])]
        if o["align_corners"]:
            parts.append(style.option("align_corners", 1))
        if o["factor"]:
            parts.append(style.option("factor", o["factor"]))
        mode = f"smoothed_{o['mode']}" if o["smooth"] else o["mode"]
        head = style.function(f"{mode}_resample{suffix}") + style.indices(o["dim"])
        return head + style.parentheses(", ".join(parts)), LEVELS["atom"]

    return Notation(custom=custom)


_PARAMS = ("dim", "mode", "size", "align_corners", "factor", "smooth")

resampled: Operation = define(
    "resample",
    _resampled,
    params=_PARAMS,
    x=lambda g, x_shape, dim, mode, align_corners, factor, smooth: resampled_transpose(
        g, dim, mode, x_shape[dim], align_corners, factor, smooth
    ),
    notation=_notation(""),
    doc="Interpolation along a dimension to another size.",
)
resampled_transpose: Operation = define(
    "resample_transpose",
    _resampled_back,
    params=_PARAMS,
    x=lambda g, x_shape, dim, mode, align_corners, factor, smooth: resampled(
        g, dim, mode, x_shape[dim], align_corners, factor, smooth
    ),
    notation=_notation("_transpose"),
    doc="The transpose of `resample` as a linear map: what outputs weigh, added to their inputs.",
)
