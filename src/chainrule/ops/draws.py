"""What PyTorch draws on the CPU for each distribution, as flat arrays in the order of drawing.

One number takes one word of 32 bits or two, as PyTorch decides it by dtype and distribution, so
that streams stay aligned whatever is drawn in between. Every function takes the generator and how
many numbers are wanted, and returns them in the wanted dtype.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule import dtypes
from chainrule.generator import Generator, lock
from chainrule.ops.box_muller import (
    by_c_library,
    fused_multiply_add,
    normal_blocks,
    normal_pairs,
)

Array = ndarray[Any, Any]

_MASK_24, _MASK_53 = np.uint64(2**24 - 1), np.uint64(2**53 - 1)
# From this count of values on, PyTorch draws integers from 64 bits.
_WIDE = 2**28
# The integers up to which a floating dtype has no gaps: random_() without bounds stays within.
CONTIGUOUS_INTEGERS = {dtypes.float16: 2**11, dtypes.float32: 2**24, dtypes.float64: 2**53}


def unit_singles(generator: Generator, count: int) -> Array:
    """Return float32 numbers in [0, 1): the lowest 24 bits of a word each."""
    words = generator.words(count)
    words &= _MASK_24
    out = words.view(np.int64).astype(np.float32)
    out *= np.float32(2.0**-24)
    return out


def unit_doubles(generator: Generator, count: int) -> Array:
    """Return float64 numbers in [0, 1): the lowest 53 bits of two words each."""
    words = generator.long_words(count)
    words &= _MASK_53
    out = words.view(np.int64).astype(np.float64)
    out *= 2.0**-53
    return out


def _narrowed(values: Array, dtype: Any) -> Array:
    """Round float64 numbers to a dtype, to float16 by way of float32 as PyTorch does."""
    if dtype == np.float16:
        values = values.astype(np.float32)
    return values.astype(dtype, copy=False)


def uniform(generator: Generator, count: int, dtype: Any, low: float, high: float) -> Array:
    """Return numbers uniform in [low, high)."""
    if dtype == np.float64:
        out = unit_doubles(generator, count)
        start: Any = np.float64(low)
        span: Any = high - start
    else:
        out = unit_singles(generator, count)
        start = np.float32(low)
        span = np.float32(high) - start
    if low != 0.0 or span != 1.0:
        out = fused_multiply_add(out, span, start)
        out = out.astype(dtype, copy=False)
        out[out == dtype.type(high)] = dtype.type(low)  # rounded up to the excluded end
    elif dtype == np.float16:
        out = out.astype(dtype)
        out[out == 1] = 0
    return out


def normal(
    generator: Generator, count: int, dtype: Any, mean: float, std: float, in_one_piece: bool = True
) -> Array:
    """Return normal numbers.

    Args:
        generator: where the words come from.
        count: how many.
        dtype: float16, float32 or float64.
        mean: the mean.
        std: the standard deviation.
        in_one_piece: whether PyTorch's target would be contiguous. 16 or more numbers are then
            made in blocks; otherwise one pair after the other in float64, the second number of the
            last pair being kept for the next call.
    """
    if count < 16 or not in_one_piece:
        return _narrowed(_paired_normal(generator, count, mean, std), dtype)
    units = unit_doubles if dtype == np.float64 else unit_singles
    if count % 16 == 0:
        out = normal_blocks(units(generator, count))
    else:
        # The last 16 numbers are drawn anew, after words for all (in float16, for whole blocks).
        whole = count // 16 * 16
        drawn = units(generator, (whole if dtype == np.float16 else count) + 16)
        made = normal_blocks(np.concatenate((drawn[:whole], drawn[-16:])))
        out = made[:count]
        out[-16:] = made[-16:].copy()  # the two overlap
    if mean != 0.0 or std != 1.0:
        kind = out.dtype.type
        out = fused_multiply_add(out, kind(std), kind(mean))
    return out.astype(dtype, copy=False)


def _paired_normal(generator: Generator, count: int, mean: float, std: float) -> Array:
    if not count:
        return np.empty(0)
    with lock:
        kept = generator.kept_normal
        missing = count if kept is None else count - 1
        drawn = normal_pairs(unit_doubles(generator, missing + missing % 2))
        generator.kept_normal = float(drawn[-1]) if missing % 2 else None
    out = np.empty(count)
    if kept is not None:
        out[0] = kept
    out[count - missing :] = drawn[:missing]
    return out if mean == 0.0 and std == 1.0 else fused_multiply_add(out, std, mean)


def integers(generator: Generator, count: int, dtype: Any, low: int, high: int) -> Array:
    """Return integers uniform in low … high − 1."""
    span = high - low
    if span < _WIDE:
        words = generator.words(count).astype(np.uint32)
        words -= words // np.uint32(span) * np.uint32(span)  # faster than a remainder
        out = words.astype(np.int64)
    else:
        long = generator.long_words(count)
        if span == 2**64:  # all there are: the bits are taken as they come
            return long.view(np.int64).astype(dtype, copy=False)
        long %= np.uint64(span)
        out = long.view(np.int64)
    if low:
        out += np.int64(low)
    return out.astype(dtype, copy=False)


def full_range(generator: Generator, count: int, dtype: Any) -> Array:
    """Return integers uniform in 0 … the largest that a dtype counts up to without gaps."""
    if dtype == np.bool_:
        return (generator.words(count) & np.uint64(1)).astype(bool)
    span = (CONTIGUOUS_INTEGERS[dtype] if dtype.kind == "f" else np.iinfo(dtype).max) + 1
    long = dtype in (np.int64, np.float64)
    words = generator.long_words(count) if long else generator.words(count)
    words %= np.uint64(span)
    return words.astype(dtype)


def below(generator: Generator, probabilities: Array) -> Array:
    """Return, for each probability, whether a uniform number is below it."""
    units = unit_doubles if probabilities.dtype == np.float64 else unit_singles
    drawn: Array = units(generator, probabilities.size) < probabilities
    return drawn


def bernoulli(generator: Generator, count: int, p: float) -> Array:
    """Return booleans that are True with probability ``p``."""
    drawn: Array = unit_doubles(generator, count) < p
    return drawn


def exponential(generator: Generator, count: int, dtype: Any, rate: float) -> Array:
    """Return exponentially distributed numbers."""
    drawn = by_c_library(math.log1p, -unit_doubles(generator, count))
    drawn *= -1.0 / rate
    return _narrowed(drawn, dtype)


def cauchy(generator: Generator, count: int, dtype: Any, median: float, sigma: float) -> Array:
    """Return Cauchy distributed numbers."""
    angles = math.pi * (unit_doubles(generator, count) - 0.5)
    return _narrowed(fused_multiply_add(by_c_library(math.tan, angles), sigma, median), dtype)


def log_normal(generator: Generator, count: int, dtype: Any, mean: float, std: float) -> Array:
    """Return numbers whose logarithm is normal."""
    return _narrowed(by_c_library(math.exp, _paired_normal(generator, count, mean, std)), dtype)


def geometric(generator: Generator, count: int, dtype: Any, p: float) -> Array:
    """Return how many trials of probability ``p`` the first success takes."""
    # Python refuses the logarithm of a 0, which comes up once in 2⁵³ draws.
    positive = np.maximum(unit_doubles(generator, count), 2.0**-54)
    drawn = by_c_library(math.log, positive)
    drawn /= math.log1p(-p)
    return _narrowed(np.ceil(drawn), dtype)


def permutation(generator: Generator, count: int) -> Array:
    """Return 0 … count − 1 in random order.

    Each place in turn changes its content with a random one of those that follow or with itself.

    Source: Durstenfeld, "Algorithm 235: Random permutation", 1964.
    """
    if count < 2:
        return np.arange(count)
    steps = generator.words(count - 1)
    steps %= np.arange(count, 1, -1, dtype=np.uint64)
    partners = np.arange(count)
    partners[:-1] += steps.view(np.int64)
    return _exchanged_one_by_one(partners) if count < 400 else _exchanged_at_once(partners)


def _exchanged_one_by_one(partners: Array) -> Array:
    order = [*range(len(partners))]
    for k, other in enumerate(partners.tolist()):
        order[k], order[other] = order[other], order[k]
    return np.array(order)


def _exchanged_at_once(partners: Array) -> Array:
    """Return 0 … n − 1 after k ↔ partners[k] for k = 0 … n − 1, without a loop over k.

    Place k ends with what its partner p held before step k: what the last earlier step j with the
    same partner had put there, the content of place j before step j, or p itself if there was none.
    The content of place j before step j follows in the same way from the last step before j whose
    partner was j; pointers from j to that step lead back to a place that was untouched.
    """
    n = len(partners)
    # Steps by partner and, among those of one partner, by time.
    keys = partners << 32
    keys |= np.arange(n)
    keys.sort()
    steps = keys & 0xFFFFFFFF
    keys >>= 32
    same = keys[1:] == keys[:-1]
    before = np.full(n, -1)  # the step before with the same partner
    before[steps[1:][same]] = steps[:-1][same]
    last = np.append(~same, True)
    places, touched = keys[last], steps[last]
    source = np.arange(n)
    # A place that is its own partner was last touched by the step before that one, if any.
    source[places] = np.where(
        (touched == places) & (before[touched] >= 0), before[touched], touched
    )
    while True:
        further = source[source]
        if np.array_equal(further, source):
            break
        source = further
    return np.where(before >= 0, source[before], partners)


def poisson(generator: Generator, rates: Array) -> list[int]:
    """Return a Poisson distributed number for each rate.

    Source: Hörmann, "The transformed rejection method for generating Poisson random variables",
    1993, for rates of 10 and more; Knuth, "The art of computer programming", volume 2, below.
    """
    units = _units_one_by_one(generator)
    return [
        0 if rate == 0 else _small_poisson(units, rate) if rate < 10 else _poisson(units, rate)
        for rate in rates.tolist()
    ]


def _units_one_by_one(generator: Generator) -> Iterator[float]:
    while True:
        word = generator.word() << 32 | generator.word()
        yield (word & (2**53 - 1)) * 2.0**-53


def _small_poisson(units: Iterator[float], rate: float) -> int:
    limit = math.exp(-rate)
    product = next(units)
    count = 0
    while product > limit:
        product *= next(units)
        count += 1
    return count


def _poisson(units: Iterator[float], rate: float) -> int:
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2)
    log_rate = math.log(rate)
    while True:
        u, v = next(units) - 0.5, next(units)
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= squeeze:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        left = math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if left <= -rate + k * log_rate - math.lgamma(k + 1):
            return k
