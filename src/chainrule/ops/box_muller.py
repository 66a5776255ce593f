"""Normal numbers from uniform ones, in PyTorch's arithmetic to the last bit.

A pair of uniform numbers u and v becomes the pair of normal numbers r cos θ and r sin θ with
r = √(−2 log(1 − u)) and θ = 2πv. In float32 PyTorch computes log, cos and sin for eight numbers at
once by the polynomials of the Cephes library, with fused multiply-adds. The same steps are taken
here, so that the numbers are the same and not merely close; a fused multiply-add is a product and a
sum in float64, rounded to float32 (the product is exact there). In float64 both call the C library.

Sources: Box and Muller, "A note on the generation of random normal deviates", 1958; Moshier,
"Methods and programs for mathematical functions", 1989 (Cephes: logf, sinf, cosf).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

Array = ndarray[Any, Any]

_f = np.float32
# log(1 + x) ≈ x − x²/2 + x³ (…) on [√½ − 1, √2 − 1], highest power first.
_LOG = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_LOG_EXACTLY = tuple(float(_f(c)) for c in _LOG)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)  # of the float32 next to √½
_LOG_2_HIGH, _LOG_2_LOW = _f(0.693359375), _f(-2.12194440e-4)
# cos and sin on [−π/4, π/4], a row each, highest power first.
_COS_SIN = np.array(
    [
        [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2],
        [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1],
    ],
    np.float32,
).astype(np.float64)[:, :, None]
_FOUR_OVER_PI = _f(1.27323954473516)
# −π/4 in three parts, the first two so short that their multiples by 0 … 8 are exact.
_QUARTER_TURN = (_f(-0.78515625), _f(-2.4187564849853515625e-4), float(_f(-3.77489497744594108e-8)))
_TWO_PI = _f(2 * math.pi)
# Octant 4 moved to the place of the sign, the sign, and two octants moved likewise.
_SIGN, _QUARTER = np.int32(-(2**31)), np.int32(2**30)
# Pairs that are transformed together: their intermediate results stay in the cache.
_TOGETHER = 16384


def _log(x: Array) -> Array:
    """Return log(x) of float32 numbers in (0, 1]."""
    bits = x.view(np.int32)
    exponent = bits - _SQRT_HALF_BITS
    exponent >>= 23
    e = exponent.astype(np.float32)
    exponent <<= 23
    np.subtract(bits, exponent, out=exponent)
    mantissa = exponent.view(np.float32)
    mantissa -= _f(1)
    wide = mantissa.astype(np.float64)
    product = wide * _LOG_EXACTLY[0]
    y = np.empty_like(e)
    for c in _LOG_EXACTLY[1:-1]:
        product += c
        y[:] = product  # rounds
        product[:] = y
        product *= wide
    product += _LOG_EXACTLY[-1]
    y[:] = product
    y *= mantissa
    square = mantissa * mantissa
    product[:] = y
    wide[:] = square
    product *= wide
    np.multiply(e, _LOG_2_LOW, out=y)
    product += y
    y[:] = product
    square *= _f(0.5)
    y -= square
    y += mantissa
    e *= _LOG_2_HIGH
    y += e
    return y


def _cos_sin(x: Array) -> tuple[Array, Array]:
    """Return cos(x) and sin(x) of float32 numbers in [0, 2π]."""
    octant = (x * _FOUR_OVER_PI).astype(np.int32)
    octant += 1
    octant &= -2
    turns = octant.astype(np.float32)
    x = x + turns * _QUARTER_TURN[0]
    x += turns * _QUARTER_TURN[1]
    wide = turns.astype(np.float64)
    wide *= _QUARTER_TURN[2]
    wide += x
    x[:] = wide
    square = x * x
    wide[:] = square
    both = np.empty((2, x.size), np.float32)
    product = wide * _COS_SIN[:, 0]
    product += _COS_SIN[:, 1]
    both[:] = product  # rounds
    product[:] = both
    product *= wide
    product += _COS_SIN[:, 2]
    both[:] = product
    both *= square
    product[:] = both
    cosine, sine = product
    cosine *= wide
    wide[:] = x
    sine *= wide
    sine += wide
    square *= _f(-0.5)
    cosine += square
    both[:] = product
    both[0] += _f(1)
    # In every second quarter turn the two change places; each is negative in half the turns.
    c, s = both.view(np.int32)
    octant <<= 29
    swapped = octant << 1
    swapped >>= 31
    swapped &= c ^ s
    c ^= swapped
    s ^= swapped
    s ^= octant & _SIGN
    octant += _QUARTER
    octant &= _SIGN
    c ^= octant
    return both[0], both[1]


def _pairs_of_float32(u: Array, v: Array) -> tuple[Array, Array]:
    radius = _log(_f(1) - u)
    radius *= _f(-2)
    np.sqrt(radius, out=radius)
    c, s = _cos_sin(_TWO_PI * v)
    c *= radius
    s *= radius
    return c, s


def by_c_library(function: Any, values: Array) -> Array:
    """Apply a function of Python's `math`, which is the C library's, to every number."""
    return np.fromiter(map(function, values.tolist()), np.float64, values.size)


def _pairs_of_float64(u: Array, v: Array) -> tuple[Array, Array]:
    radius = np.sqrt(-2.0 * by_c_library(math.log, 1.0 - u))
    angle = 2.0 * math.pi * v
    return radius * by_c_library(math.cos, angle), radius * by_c_library(math.sin, angle)


def normal_blocks(uniform: Array) -> Array:
    """Return normal numbers for uniform ones, in blocks of 16: eight u, then the eight v.

    Args:
        uniform: numbers in [0, 1), float32 or float64, as many as a multiple of 16.
    """
    blocks = uniform.reshape(-1, 2, 8)
    out = np.empty_like(blocks)
    pairs = _pairs_of_float32 if uniform.dtype == np.float32 else _pairs_of_float64
    step = _TOGETHER // 8
    for start in range(0, len(blocks), step):
        part = blocks[start : start + step]
        c, s = pairs(part[:, 0].ravel(), part[:, 1].ravel())
        out[start : start + step, 0] = c.reshape(-1, 8)
        out[start : start + step, 1] = s.reshape(-1, 8)
    return out.reshape(-1)


def normal_pairs(uniform: Array) -> Array:
    """Return normal numbers for uniform ones, one pair after the other: v, then u.

    Args:
        uniform: an even count of float64 numbers in [0, 1).
    """
    out = np.empty_like(uniform)
    radius = np.sqrt(-2.0 * by_c_library(math.log1p, -uniform[1::2]))
    angle = 2.0 * math.pi * uniform[::2]
    np.multiply(radius, by_c_library(math.cos, angle), out=out[::2])
    np.multiply(radius, by_c_library(math.sin, angle), out=out[1::2])
    return out


def _halves(a: Any) -> tuple[Any, Any]:
    """Split float64 numbers into a high and a low half of the digits (Veltkamp)."""
    scaled = a * 134217729.0
    high = scaled - (scaled - a)
    return high, a - high


def fused_multiply_add(a: Array, b: Any, c: Any) -> Array:
    """Return a·b + c with one rounding, as processors compute it and PyTorch's compiler asks for.

    Args:
        a: numbers in float32 or float64.
        b: a number of that dtype.
        c: a number of that dtype.

    Source: Dekker, "A floating-point technique for extending the available precision", 1971.
    """
    if a.dtype == np.float32:
        wide = np.multiply(a, np.float64(b), dtype=np.float64)
        wide += np.float64(c)
        return wide.astype(np.float32)
    b, c = np.float64(b), np.float64(c)
    product = a * b
    (a1, a0), (b1, b0) = _halves(a), _halves(b)
    rest = ((a1 * b1 - product) + a1 * b0 + a0 * b1) + a0 * b0
    total = product + c
    shift = total - product
    rest += (product - (total - shift)) + (c - shift)
    out: Array = total + rest
    return out
