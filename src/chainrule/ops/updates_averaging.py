"""Steps by signs and steps that are averaged: Rprop, ASGD, and the averages of weights.

As in `chainrule.ops.updates`: ``arrays`` are the parameter w, its gradient g and what is remembered
of earlier steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import multiply, subtract

from chainrule.ops.updates import Array, by_pieces, direction, pieces


class Rprop(NamedTuple):
    """What an Rprop step needs besides arrays: η⁻, η⁺, the range of step sizes, the direction."""

    less: Array
    more: Array
    smallest: Array
    largest: Array
    maximize: bool


def rprop(arrays: tuple[Array, ...], by: Rprop) -> None:
    """Step by the sign of the gradient, in each coordinate by a size that adapts.

    With the previous gradient d′ and the step sizes Δ:

        d d′ > 0:  Δ ← min(η⁺ Δ, Δmax)        d d′ < 0:  Δ ← max(η⁻ Δ, Δmin) and d ← 0
        w ← w − sign(d) Δ                     d′ ← d

    ``arrays`` are w, g, d′, Δ. Source: Riedmiller and Braun, "A direct adaptive method for faster
    backpropagation learning: the RPROP algorithm", 1993.
    """
    by_pieces(_rprop, arrays, by, 1)


def _rprop(
    w: Array, g: Array, previous: Array, sizes: Array, by: Rprop, scratch: Array | None = None
) -> None:
    trend = multiply(g, previous, scratch)
    if by.maximize:
        # The previous direction is kept with its sign, the gradient not.
        np.negative(trend, trend)
    turned = trend < 0
    multiply(sizes, by.more, sizes, where=trend > 0)
    multiply(sizes, by.less, sizes, where=turned)
    np.maximum(sizes, by.smallest, out=sizes)
    np.minimum(sizes, by.largest, out=sizes)
    if by.maximize:
        np.negative(g, previous)
    else:
        np.copyto(previous, g)
    np.copyto(previous, 0, where=turned)
    # Not np.sign: where the gradient is NaN, the parameter stays.
    subtract(previous > 0, previous < 0, trend, dtype=w.dtype)
    trend *= sizes
    w -= trend


class ASGD(NamedTuple):
    """What an ASGD step needs besides arrays: 1 − λ₀ ηₜ, ηₜ, μₜ (None for 1), λ, the direction."""

    shrink: Array
    rate: Array
    share: Array | None
    decay: Array | None
    maximize: bool


def asgd(arrays: tuple[Array, ...], by: ASGD) -> None:
    """Step down the gradient and average the parameters on the way.

        w ← (1 − λ₀ ηₜ) w − ηₜ d          a ← a + μₜ (w − a)

    ``arrays`` are w, g, a; ηₜ = η / (1 + λ₀ η t)^α and μₜ = 1 / max(1, t − t₀) count from the step
    before. Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging",
    1992.
    """
    by_pieces(_asgd, arrays, by, 1)


def _asgd(w: Array, g: Array, average: Array, by: ASGD, scratch: Array | None = None) -> None:
    d = direction(w, g, by.decay, by.maximize, scratch)
    change = multiply(d, by.rate, scratch)
    w *= by.shrink
    w -= change
    if by.share is None:
        average[...] = w
    else:
        move_towards(average, w, by.share, change)


def move_towards(mean: Array, value: Array, share: Array, scratch: Array | None = None) -> None:
    """Move a running mean towards a value: a ← a + s (x − a).

    >>> mean = np.array([0.0, 2.0])
    >>> move_towards(mean, np.array([4.0, 4.0]), np.array(0.25))
    >>> mean
    array([1. , 2.5])
    """
    change = subtract(value, mean, scratch)
    change *= share
    mean += change


def average_into(mean: Array, value: Array, keep: float) -> None:
    """Move a running mean of parameters towards their present values: a ← k a + (1 − k) x.

    Where the dtype has no fractions the result is computed in float32 and rounded towards zero.

    >>> mean = np.array([0.0, 2.0])
    >>> average_into(mean, np.array([4.0, 4.0]), keep=0.75)
    >>> mean
    array([1. , 2.5])
    """
    if mean.dtype.kind != "f":
        single = np.float32
        mean[...] = mean * single(keep) + value.astype(single) * single(1 - keep)
        return
    share = np.array(1 - keep, mean.dtype)
    for part, other in pieces(mean, value):
        move_towards(part, other, share)
