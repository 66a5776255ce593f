"""Values with their mean taken away, divided by their spread: the core of every normalisation.

What is reduced are leading dimensions, trailing ones, or both: the batch and the pixels of a
channel, or the features of a row.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.operation import Operation, define
from chainrule.ops.exponential import sqrt
from chainrule.ops.reductions import average, restored, total, variance
from chainrule.ops.shape import reshaped
from chainrule.symbol import LEVELS, Notation, Slot, Style

Array = ndarray[Any, Any]

# Sums of so many float32 are rounded no worse than pairwise ones; longer sums are made of these.
_RUN = 4096
# A block of so many elements, and what is worked out from it, fits into a second-level cache.
_BLOCK = 1 << 16
# A batch of no more elements is summed at once, in its own dtype.
_FEW = 1 << 14


def _as_block(x: Array, dims: tuple[int, ...]) -> Array:
    """Return the array with three dimensions: leading reduced ones, kept ones, trailing ones."""
    shape, n = x.shape, x.ndim
    if dims[0] == n - len(dims):
        kept = math.prod(shape[: dims[0]])
        return x.reshape(1, kept, math.prod(shape[dims[0] :]))
    before = 0
    while before < n and before in dims:
        before += 1
    after = n
    while after > before and after - 1 in dims:
        after -= 1
    a, c, b = (math.prod(part) for part in (shape[:before], shape[before:after], shape[after:]))
    return x.reshape(a, c, b)


@functools.lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    return np.ones(n, dtype)


def _row_sums(x: Array, y: Array | None = None) -> Array:
    """Return the sums of x, or of x ⊙ y, along the rows of a matrix."""
    n = x.shape[1]
    sums: Array
    if n > _RUN:
        wide = np.zeros(len(x), np.float64)
        for k in range(0, n, _RUN):
            wide += _row_sums(x[:, k : k + _RUN], None if y is None else y[:, k : k + _RUN])
        sums = wide.astype(x.dtype)
    else:
        # A product with ones takes half the time of np.add.reduce along the last axis.
        sums = np.dot(x, _ones(n, x.dtype)) if y is None else np.vecdot(x, y)
    return sums


def _channel_sums(x: Array, y: Array | None = None) -> Array:
    """Return the sums of x, or of x ⊙ y, over the first and the last of three dimensions."""
    a, c, b = x.shape
    if b == 1:
        if y is not None:
            sums: Array = np.einsum("ij,ij->j", x.reshape(a, c), y.reshape(a, c))
            return sums
        rows = x.reshape(a, c)
    else:
        rows = _row_sums(x.reshape(a * c, b), None if y is None else y.reshape(a * c, b))
        rows = rows.reshape(a, c)
    sums = np.dot(_ones(a, x.dtype), rows)
    return sums


def _parts(n: int, size: int) -> Iterator[slice]:
    """Cut n things into slices of about a block, where each has so many elements."""
    step = max(1, _BLOCK // max(size, 1))
    return (slice(k, k + step) for k in range(0, n, step))


def _kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if d in dims else n for d, n in enumerate(shape))


def _at_once(
    x: Array, count: int, sums: Callable[..., Array], eps: float, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """Standardise what fits into a cache: rows, or channels of a small batch."""
    mean = sums(x)
    mean /= count
    y = np.subtract(x, mean[:, None], out)
    # That mean is rounded to the size of the values; what it leaves, to the size of their spread.
    rest = sums(y)
    rest /= count
    var = sums(y, y)
    var /= count
    square = rest * rest
    if (square > 1e-13 * var).any():
        y -= rest[:, None]
        mean += rest
        var -= square
        np.maximum(var, 0, out=var)
    deviation = var + eps
    np.sqrt(deviation, deviation)
    y /= deviation[:, None]
    return y, mean, var


def _standardise_channels(x: Array, eps: float) -> tuple[Array, Array, Array]:
    a, c, b = x.shape
    count = a * b
    wide = np.zeros((3, c), np.float64)
    for part in _parts(a, c * b):
        wide[0] += _channel_sums(x[part])
    mean = (wide[0] / count).astype(x.dtype)
    # What the rounding of that mean leaves is measured together with the spread around it.
    for part in _parts(a, c * b):
        centred = x[part] - mean[:, None]
        wide[1] += _channel_sums(centred)
        wide[2] += _channel_sums(centred, centred)
    rest = wide[1] / count
    var = (wide[2] / count - rest * rest).astype(x.dtype)
    deviation = np.sqrt(var + eps)[:, None]
    shift = rest.astype(x.dtype)[:, None]
    y = np.empty(x.shape, x.dtype)
    for part in _parts(a, c * b):
        out = y[part]
        np.subtract(x[part], mean[:, None], out)
        out -= shift
        out /= deviation
    return y, (mean + rest).astype(x.dtype), var


def _standardised(x: Array, dims: tuple[int, ...], eps: float) -> tuple[Array, Array, Array]:
    """Return the standardised values, the means and the variances."""
    block = _as_block(x, dims)
    kept = _kept_shape(x.shape, dims)
    a, c, b = block.shape
    if not x.size:
        nothing = np.full(kept, np.nan, x.dtype)
        return np.array(x), nothing, nothing
    if a > 1:
        if x.size <= _FEW:
            y, mean, var = _at_once(block, a * b, _channel_sums, eps)
        else:
            y, mean, var = _standardise_channels(block, eps)
    elif x.size <= _BLOCK:
        y, mean, var = _at_once(block[0], b, _row_sums, eps)
    else:
        y, mean, var = np.empty((c, b), x.dtype), np.empty(c, x.dtype), np.empty(c, x.dtype)
        for part in _parts(c, b):
            _, mean[part], var[part] = _at_once(block[0, part], b, _row_sums, eps, y[part])
    return y.reshape(x.shape), mean.reshape(kept), var.reshape(kept)


def _tangent_at_once(
    u: Array, v: Array, s: Array, count: int, sums: Callable[..., Array], out: Array
) -> None:
    part = sums(u, v)
    part /= -count
    mean = sums(u)
    mean /= count
    np.multiply(v, part[:, None], out)
    out += u
    out -= mean[:, None]
    out /= s[:, None]


def _tangent_of_channels(u: Array, v: Array, s: Array, result: Array) -> None:
    a, c, b = u.shape
    wide = np.zeros((2, c), np.float64)
    for part in _parts(a, c * b):
        wide[0] += _channel_sums(u[part])
        wide[1] += _channel_sums(u[part], v[part])
    mean, share = (wide / (a * b)).astype(u.dtype)[:, :, None]
    share = -share
    for part in _parts(a, c * b):
        out = result[part]
        np.multiply(v[part], share, out)
        out += u[part]
        out -= mean
        out /= s


def _tangent(u: Array, v: Array, s: Array, dims: tuple[int, ...]) -> Array:
    along, across = _as_block(v, dims), _as_block(u, dims)
    a, c, b = along.shape
    s = s.reshape(c)
    if not u.size:
        return np.array(u)
    result = np.empty(u.shape, u.dtype)  # no view of another: it may become a tensor's gradient
    into = result.reshape(along.shape)
    if a > 1:
        if u.size <= _FEW:
            _tangent_at_once(across, along, s, a * b, _channel_sums, into)
        else:
            _tangent_of_channels(across, along, s[:, None], into)
    elif u.size <= _BLOCK:
        _tangent_at_once(across[0], along[0], s, b, _row_sums, into[0])
    else:
        for part in _parts(c, b):
            _tangent_at_once(across[0, part], along[0, part], s[part], b, _row_sums, into[0, part])
    return result


def _mean(style: Style, dims: tuple[int, ...], inner: str) -> str:
    return f"{style.function('Mean')}{style.indices(dims)}{style.parentheses(inner)}"


def _write_tangent(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    u, v, s, dims = o["u"], o["v"], o["s"], o["dims"]
    product = f"{u:term}{style.hadamard}{v:factor}"
    direction = (
        f"{u:sum} {style.minus} {_mean(style, dims, f'{u}')} {style.minus} "
        f"{v:factor}{style.hadamard}{_mean(style, dims, product)}"
    )
    if style.which == "latex":
        return rf"\frac{{{direction}}}{{{s}}}", LEVELS["factor"]
    return f"{style.parentheses(direction)} / {s:factor}", LEVELS["term"]


tangent: Operation = define(
    "tangent",
    _tangent,
    params=("dims",),
    u=lambda g, v, s, dims: tangent(g, v, s, dims),
    v=lambda g, u, v, s, dims: (
        -(g * average(u * v, dims, True) + u * average(g * v, dims, True)) / s
    ),
    s=lambda g, y, s: -(g * y) / s,
    notation=Notation(custom=_write_tangent),
    doc="""(u − Mean(u) − v ⊙ Mean(u ⊙ v)) / s: u without its mean and its part along v, divided.

    The projection onto the directions in which values v of mean 0 and variance 1 can move.
    """,
)


def _fraction(style: Style, above: str, below: str) -> tuple[str, int]:
    if style.which == "latex":
        return rf"\frac{{{above}}}{{\sqrt{{{below}}}}}", LEVELS["factor"]
    return f"{above} / √({below})", LEVELS["term"]


def _write_standardised(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    x, dims = o["x"], o["dims"]
    centred = f"{x:sum} {style.minus} {_mean(style, dims, f'{x}')}"
    option = style.option("correction", 0)
    spread = f"{style.function('Var')}{style.indices(dims)}{style.parentheses(f'{x}, {option}')}"
    above = centred if style.which == "latex" else style.parentheses(centred)
    return _fraction(style, above, f"{spread} + {style.number(o['eps'])[0]}")


standardised: Operation = define(
    "standardise",
    _standardised,
    params=("dims", "eps"),
    x=lambda g, y, var, dims, eps: tangent(g, y, sqrt(var + eps), dims),
    extras={
        "mean": lambda x, dims: average(x, dims, True),
        "var": lambda x, dims: variance(x, dims, 0, True),
    },
    notation=Notation(custom=_write_standardised),
    doc="Values minus their mean, divided by √(variance + ε).",
)


def _scaled_to_one(x: Array, dims: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    rows = _as_block(x, dims)[0]
    square = _row_sums(rows, rows)
    square /= rows.shape[1] or np.nan
    deviation = np.sqrt(square + eps)[:, None]
    return (rows / deviation).reshape(x.shape), square.reshape(_kept_shape(x.shape, dims))


def _write_scaled_to_one(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    x: Slot = o["x"]
    square = f"{x:atom}²" if style.which == "text" else f"{{{x:atom}}}^{{2}}"
    below = f"{_mean(style, o['dims'], square)} + {style.number(o['eps'])[0]}"
    above = f"{x}" if style.which == "latex" else f"{x:term}"
    return _fraction(style, above, below)


scaled_to_one: Operation = define(
    "scale_to_one",
    _scaled_to_one,
    params=("dims", "eps"),
    x=lambda g, y, square, dims, eps: (g - y * average(g * y, dims, True)) / sqrt(square + eps),
    extras={"square": lambda x, dims: average(x * x, dims, True)},
    notation=Notation(custom=_write_scaled_to_one),
    doc="Values divided by their root mean square, √(Mean(x²) + ε).",
)


# --- Scale and shift ------------------------------------------------------------------------------


def _product_sum(a: Array, b: Array, dims: tuple[int, ...]) -> Array:
    first, second = _as_block(a, dims), _as_block(b, dims)
    n, c, _ = first.shape
    shape = tuple(size for d, size in enumerate(a.shape) if d not in dims)
    if a.size <= _BLOCK:
        return _channel_sums(first, second).reshape(shape)
    wide = np.zeros(c, np.float64)
    for part in _parts(n, a.size // n):
        wide += _channel_sums(first[part], second[part])
    return wide.astype(a.dtype).reshape(shape)


def _write_product_sum(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    product = f"{o['a']:term}{style.hadamard}{o['b']:factor}"
    name = "sum" if style.which == "text" else style.function("sum")
    return f"{name}{style.indices(o['dims'])}{style.parentheses(product)}", LEVELS["atom"]


product_sum: Operation = define(
    "product_sum",
    _product_sum,
    params=("dims",),
    a=lambda g, b, dims: restored(g, dims, False) * b,
    b=lambda g, a, dims: restored(g, dims, False) * a,
    notation=Notation(custom=_write_product_sum),
    doc="Sum of an elementwise product over leading dimensions, trailing ones, or both.",
)


def _scaled_and_shifted(x: Array, w: Array, b: Array, shape: Any, dims: Any) -> Array:
    w, b = w.reshape(shape), b.reshape(shape)
    if x.size <= _BLOCK or (w.ndim == x.ndim and w.shape[0] > 1):
        y: Array = x * w
        y += b
        return y
    y = np.empty(x.shape, np.result_type(x, w))
    for part in _parts(len(x), x.size // len(x)):
        out = np.multiply(x[part], w, y[part])
        out += b
    return y


def _write_scaled_and_shifted(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    def spread(operand: Slot) -> str:
        shape = style.parameter(o["shape"])
        return f"{style.function('reshape')}{style.parentheses(f'{operand}, {shape}')}"

    trivial = len(o["shape"]) < 2
    w = f"{o['w']:factor}" if trivial else spread(o["w"])
    b = f"{o['b']:term}" if trivial else spread(o["b"])
    return f"{o['x']:term}{style.hadamard}{w} + {b}", LEVELS["sum"]


scaled_and_shifted: Operation = define(
    "scale_and_shift",
    _scaled_and_shifted,
    params=("shape", "dims"),
    x=lambda g, w, shape: g * (w if len(shape) == 1 else reshaped(w, shape)),
    w=lambda g, x, dims: product_sum(g, x, dims),
    b=lambda g, dims: total(g, dims, False),
    notation=Notation(custom=_write_scaled_and_shifted),
    doc="x ⊙ w + b, with w and b given another shape first and broadcast over some dimensions.",
)
