"""The steps of optimizers on arrays, in place: one function per algorithm.

Each takes a parameter w, its gradient g and the arrays it remembers from step to step, all of one
shape and dtype, and changes all but g. What is the same for every parameter of a step (the rates)
comes as 0-d arrays of that dtype, which NumPy combines with small arrays in half the time that
Python numbers take; `number` makes them.

Large arrays are processed in pieces, so that what lies between two operations stays in the cache
and memory is read and written once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy import maximum, multiply, ndarray, sqrt, subtract

Array = ndarray[Any, Any]

# Half a mebibyte of float32: a parameter's piece, its gradient's, the moments' and an intermediate
# result fit into today's second-level caches together.
PIECE = 1 << 17


def number(value: float, dtype: np.dtype[Any]) -> Array:
    """Return a rate as a 0-d array of the parameters' dtype."""
    return np.array(value, dtype)


def pieces(*arrays: Array) -> Iterable[tuple[Array, ...]]:
    """Cut arrays of one shape into flat pieces that share their memory.

    Arrays whose elements do not lie in order stay whole. 0-d arrays come out with one dimension:
    NumPy's functions make scalars of the others, which cannot be written to.

    >>> a = np.zeros((2, PIECE))
    >>> [piece.shape for piece, in pieces(a)]
    [(131072,), (131072,)]
    """
    if not all(a.flags.c_contiguous for a in arrays):
        return (arrays,)
    flat = [a.reshape(-1) for a in arrays]
    starts = range(0, arrays[0].size, PIECE)
    return (tuple(a[k : k + PIECE] for a in flat) for k in starts)


def gradient_descent(w: Array, g: Array, rate: Array) -> None:
    """Step down the gradient: w ← w − η g.

    Source: Robbins and Monro, "A stochastic approximation method", 1951.

    >>> w = np.array([1.0, 2.0])
    >>> gradient_descent(w, np.array([1.0, -1.0]), number(0.5, w.dtype))
    >>> w
    array([0.5, 2.5])
    """
    if w.size <= PIECE:
        subtract(w, multiply(g, rate), w)
    else:
        scratch = np.empty(PIECE, w.dtype)
        for piece, gradient in pieces(w, g):
            step = scratch[: piece.size] if piece.size <= PIECE else None
            subtract(piece, multiply(gradient, rate, step), piece)


def direction(w: Array, g: Array, decay: Array | None, maximize: bool) -> Array:
    """Return the gradient of what is minimised: ±g, and λ w for the L2 penalty ½ λ ‖w‖²."""
    if decay is None:
        return -g if maximize else g
    penalty: Array = multiply(w, decay)
    penalty += -g if maximize else g
    return penalty


class Momentum(NamedTuple):
    """What a step with momentum needs besides arrays: η, μ, 1 − τ, λ, and two choices."""

    rate: Array
    momentum: Array
    share: Array | None
    decay: Array | None
    nesterov: bool
    maximize: bool


def momentum_descent(w: Array, g: Array, velocity: Array, by: Momentum, first: bool) -> None:
    """Step along a running sum of gradients.

    With d = g + λ w (d = λ w − g to maximise) and the dampening τ:

        v ← μ v + (1 − τ) d        at the first step v ← d
        w ← w − η v                Nesterov: w ← w − η (d + μ v)

    Sources: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964;
    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """
    if w.size <= PIECE and w.ndim:
        _momentum_descent(w, g, velocity, by, first)
    else:
        for piece, gradient, v in pieces(w, g, velocity):
            _momentum_descent(piece, gradient, v, by, first)


def _momentum_descent(w: Array, g: Array, v: Array, by: Momentum, first: bool) -> None:
    d = direction(w, g, by.decay, by.maximize)
    if first:
        v[...] = d
    else:
        v *= by.momentum
        v += d if by.share is None else d * by.share
    if by.nesterov:
        d = d + v * by.momentum
        subtract(w, multiply(d, by.rate), w)
    else:
        subtract(w, multiply(v, by.rate), w)


class Adam(NamedTuple):
    """What an Adam step needs besides arrays; `adam_numbers` makes it."""

    rate: Array
    first_share: Array
    second_share: Array
    epsilon: Array
    decay: Array | None
    shrink: Array | None
    maximize: bool


def adam_numbers(
    step: int,
    dtype: np.dtype[Any],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Adam:
    """Return the numbers of the ``step``-th Adam step, the bias corrections multiplied in.

    With c = √(1 − β₂ᵗ) the step η m̂ / (√v̂ + ε) is η c / (1 − β₁ᵗ) · m / (√v + ε c): one division
    of arrays, and no corrected copies of the moments.
    """
    beta1, beta2 = betas
    correction = math.sqrt(1 - beta2**step)
    return Adam(
        rate=number(lr * correction / (1 - beta1**step), dtype),
        first_share=number(1 - beta1, dtype),
        second_share=number(1 - beta2, dtype),
        epsilon=number(eps * correction, dtype),
        decay=number(weight_decay, dtype) if weight_decay and not decoupled else None,
        shrink=number(1 - lr * weight_decay, dtype) if weight_decay and decoupled else None,
        maximize=maximize,
    )


def adam(w: Array, g: Array, m: Array, v: Array, peak: Array | None, by: Adam) -> None:
    """Step along the mean gradient, in each coordinate divided by its usual size.

    With d = g + λ w (d = λ w − g to maximise) and t the number of this step:

        m ← m + (1 − β₁) (d − m)                  v ← v + (1 − β₂) (d² − v)
        w ← w − η m̂ / (√v̂ + ε)                   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)

    AdamW leaves λ w out of d and shrinks w ← (1 − η λ) w before the step. AMSGrad divides by the
    largest v so far, ``peak``.

    Sources: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; Loshchilov and
    Hutter, "Decoupled weight decay regularization", 2019; Reddi et al., "On the convergence of
    Adam and beyond", 2018.
    """
    if w.size <= PIECE and w.ndim:
        _adam(w, g, m, v, peak, by)
    elif peak is None:
        for piece in pieces(w, g, m, v):
            _adam(piece[0], piece[1], piece[2], piece[3], None, by)
    else:
        for piece in pieces(w, g, m, v, peak):
            _adam(piece[0], piece[1], piece[2], piece[3], piece[4], by)


def _adam(w: Array, g: Array, m: Array, v: Array, peak: Array | None, by: Adam) -> None:
    if by.shrink is not None:
        w *= by.shrink
    d = direction(w, g, by.decay, by.maximize)
    change = subtract(d, m)
    change *= by.first_share
    m += change
    change = multiply(d, d, change)
    change -= v
    change *= by.second_share
    v += change
    if peak is None:
        change = sqrt(v, change)
    else:
        maximum(peak, v, out=peak)
        change = sqrt(peak, change)
    change += by.epsilon
    change = np.divide(m, change, change)
    change *= by.rate
    w -= change
