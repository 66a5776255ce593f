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
from collections.abc import Callable, Iterable
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


def by_pieces(kernel: Callable[..., None], arrays: tuple[Array, ...], by: Any, spare: int) -> None:
    """Run a step on arrays of one shape, large ones piece by piece.

    Args:
        kernel: takes the arrays, ``by``, and arrays to use for intermediate results; each of these
            may be left out, and NumPy allocates then, which is faster for small arrays.
        arrays: the parameter first.
        by: the numbers of the step.
        spare: how many arrays for intermediate results the kernel takes.

    >>> def descend(w, g, rate, scratch=None):
    ...     subtract(w, multiply(g, rate, scratch), w)
    >>> w = np.zeros(PIECE + 1)
    >>> by_pieces(descend, (w, np.ones(PIECE + 1)), number(0.5, w.dtype), 1)
    >>> w[[0, -1]]
    array([-0.5, -0.5])
    """
    w = arrays[0]
    if w.size <= PIECE and w.ndim:
        kernel(*arrays, by)
        return
    rows = np.empty((spare, min(PIECE, w.size)), w.dtype)
    for piece in pieces(*arrays):
        if piece[0].ndim == 1 and piece[0].size <= PIECE:
            kernel(*piece, by, *rows[:, : piece[0].size])
        else:
            kernel(*piece, by)


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


def direction(
    w: Array, g: Array, decay: Array | None, maximize: bool, scratch: Array | None = None
) -> Array:
    """Return the gradient of what is minimised: ±g, and λ w for the L2 penalty ½ λ ‖w‖².

    The result is ``g`` itself where that is all, else ``scratch`` or a new array.
    """
    if decay is None:
        return np.negative(g, scratch) if maximize else g
    penalty: Array = multiply(w, decay, scratch)
    if maximize:
        penalty -= g
    else:
        penalty += g
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
    by_pieces(_first_momentum_descent if first else _momentum_descent, (w, g, velocity), by, 2)


def _momentum_descent(
    w: Array,
    g: Array,
    v: Array,
    by: Momentum,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = direction(w, g, by.decay, by.maximize, scratch)
    v *= by.momentum
    v += d if by.share is None else multiply(d, by.share, spare)
    _along(w, d, v, by, spare)


def _first_momentum_descent(
    w: Array,
    g: Array,
    v: Array,
    by: Momentum,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = direction(w, g, by.decay, by.maximize, scratch)
    v[...] = d
    _along(w, d, v, by, spare)


def _along(w: Array, d: Array, v: Array, by: Momentum, scratch: Array | None) -> None:
    if by.nesterov:
        change = multiply(v, by.momentum, scratch)
        change += d
        change *= by.rate
    else:
        change = multiply(v, by.rate, scratch)
    subtract(w, change, w)


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
    step: float,
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
    beta1, beta2 = float(betas[0]), float(betas[1])
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


def adam(arrays: tuple[Array, ...], by: Adam) -> None:
    """Step along the mean gradient, in each coordinate divided by its usual size.

    With d = g + λ w (d = λ w − g to maximise) and t the number of this step:

        m ← m + (1 − β₁) (d − m)                  v ← v + (1 − β₂) (d² − v)
        w ← w − η m̂ / (√v̂ + ε)                   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)

    AdamW leaves λ w out of d and shrinks w ← (1 − η λ) w before the step. AMSGrad divides by the
    largest v so far. ``arrays`` are w, g, m, v and, for AMSGrad, that largest v.

    Sources: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; Loshchilov and
    Hutter, "Decoupled weight decay regularization", 2019; Reddi et al., "On the convergence of
    Adam and beyond", 2018.
    """
    by_pieces(_amsgrad if len(arrays) == 5 else _adam, arrays, by, 2)


def _adam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    by: Adam,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    change = _moments(w, g, m, v, by, scratch, spare)
    _adam_descent(w, m, sqrt(v, change), by)


def _amsgrad(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    peak: Array,
    by: Adam,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    change = _moments(w, g, m, v, by, scratch, spare)
    maximum(peak, v, out=peak)
    _adam_descent(w, m, sqrt(peak, change), by)


def _moments(
    w: Array, g: Array, m: Array, v: Array, by: Adam, scratch: Array | None, spare: Array | None
) -> Array:
    """Take the gradient into both means; return an array of their shape to write to."""
    if by.shrink is not None:
        w *= by.shrink
    d = direction(w, g, by.decay, by.maximize, spare)
    change: Array = subtract(d, m, scratch)
    change *= by.first_share
    m += change
    multiply(d, d, change)
    change -= v
    change *= by.second_share
    v += change
    return change


def _adam_descent(w: Array, m: Array, size: Array, by: Adam) -> None:
    size += by.epsilon
    np.divide(m, size, size)
    size *= by.rate
    w -= size
