"""Steps that divide each coordinate by its usual size: the relatives of Adam.

As in `chainrule.ops.updates`: ``arrays`` are the parameter w, its gradient g and what is remembered
of earlier steps, in the order in which the formula names them. With L2 penalty and direction,
d = g + λ w (d = λ w − g to maximise).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import add, divide, maximum, multiply, sqrt, subtract

from chainrule.ops.updates import Array, by_pieces, direction, number

DType = np.dtype[Any]


class Penalty(NamedTuple):
    """What becomes of the gradient first: λ (or, apart from it, 1 − η λ) and the direction."""

    decay: Array | None
    shrink: Array | None
    maximize: bool

    def applied(self, w: Array, g: Array, scratch: Array | None) -> Array:
        """Shrink w where that is asked for and return d."""
        if self.shrink is not None:
            w *= self.shrink
        return direction(w, g, self.decay, self.maximize, scratch)


def penalty(
    dtype: DType, weight_decay: float, maximize: bool, decoupled: bool = False, lr: float = 0.0
) -> Penalty:
    """Return the penalty of a group's options.

    >>> penalty(np.dtype("f4"), 0.5, maximize=False).decay
    array(0.5, dtype=float32)
    """
    if not weight_decay:
        return Penalty(None, None, maximize)
    if decoupled:
        return Penalty(None, number(1 - lr * weight_decay, dtype), maximize)
    return Penalty(number(weight_decay, dtype), None, maximize)


def _towards(mean: Array, d: Array, share: Array, scratch: Array | None) -> Array:
    """Move a running mean towards d by a share of the way; return an array to write to."""
    change: Array = subtract(d, mean, scratch)
    change *= share
    mean += change
    return change


def _square_into(
    square: Array, d: Array, keep: Array, share: Array, scratch: Array | None
) -> Array:
    """Let square ← keep · square + share · d²; return an array to write to."""
    change: Array = multiply(d, share, scratch)
    change *= d
    square *= keep
    square += change
    return change


# --- Adamax ---------------------------------------------------------------------------------------


class Adamax(NamedTuple):
    """What an Adamax step needs besides arrays: 1 − β₁, β₂, ε, η / (1 − β₁ᵗ) and the penalty."""

    first_share: Array
    keep: Array
    epsilon: Array
    rate: Array
    penalty: Penalty


def adamax(arrays: tuple[Array, ...], by: Adamax) -> None:
    """Step along the mean gradient, divided by the largest recent gradient of each coordinate.

        m ← m + (1 − β₁) (d − m)          u ← max(β₂ u, |d| + ε)
        w ← w − η / (1 − β₁ᵗ) · m / u

    ``arrays`` are w, g, m, u. Source: Kingma and Ba, "Adam: a method for stochastic optimization",
    2015, section 7.
    """
    by_pieces(_adamax, arrays, by, 2)


def _adamax(
    w: Array,
    g: Array,
    m: Array,
    u: Array,
    by: Adamax,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    change = _towards(m, d, by.first_share, scratch)
    np.absolute(d, change)
    change += by.epsilon
    u *= by.keep
    maximum(u, change, out=u)
    multiply(m, by.rate, change)
    change /= u
    w -= change


# --- NAdam ----------------------------------------------------------------------------------------


class NAdam(NamedTuple):
    """What an NAdam step needs besides arrays; `nadam_numbers` makes it."""

    first_share: Array
    keep: Array
    second_share: Array
    correction: Array
    epsilon: Array
    gradient_rate: Array
    mean_rate: Array
    penalty: Penalty


def nadam_momentum(beta1: float, momentum_decay: float, step: float) -> float:
    """Return μₜ = β₁ (1 − ½ · 0.96^(ψ t)), which grows towards β₁."""
    return beta1 * (1 - 0.5 * math.pow(0.96, step * momentum_decay))


def nadam_numbers(
    step: float,
    dtype: DType,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    momentum_decay: float,
    product: float,
    penalty: Penalty,
) -> NAdam:
    """Return the numbers of the ``step``-th NAdam step; ``product`` is μ₁ μ₂ … μₜ."""
    beta1, beta2 = betas
    now = nadam_momentum(beta1, momentum_decay, step)
    soon = nadam_momentum(beta1, momentum_decay, step + 1)
    return NAdam(
        first_share=number(1 - beta1, dtype),
        keep=number(beta2, dtype),
        second_share=number(1 - beta2, dtype),
        correction=number(1 - beta2**step, dtype),
        epsilon=number(eps, dtype),
        gradient_rate=number(lr * (1 - now) / (1 - product), dtype),
        mean_rate=number(lr * soon / (1 - product * soon), dtype),
        penalty=penalty,
    )


def nadam(arrays: tuple[Array, ...], by: NAdam) -> None:
    """Step as Adam does, with Nesterov's look ahead along the mean gradient.

    With t the number of this step and ψ the decay of momentum:

        μₜ = β₁ (1 − ½ · 0.96^(ψ t))
        m ← m + (1 − β₁) (d − m)          v ← β₂ v + (1 − β₂) d²
        w ← w − η [(1 − μₜ) / (1 − μ₁⋯μₜ) · d + μₜ₊₁ / (1 − μ₁⋯μₜ₊₁) · m] / (√(v / (1 − β₂ᵗ)) + ε)

    ``arrays`` are w, g, m, v. Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """
    by_pieces(_nadam, arrays, by, 3)


def _nadam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    by: NAdam,
    scratch: Array | None = None,
    spare: Array | None = None,
    third: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    change = _towards(m, d, by.first_share, scratch)
    _square_into(v, d, by.keep, by.second_share, change)
    size = divide(v, by.correction, third)
    sqrt(size, size)
    size += by.epsilon
    multiply(d, by.gradient_rate, change)
    change /= size
    w -= change
    multiply(m, by.mean_rate, change)
    change /= size
    w -= change


# --- RAdam ----------------------------------------------------------------------------------------


class RAdam(NamedTuple):
    """What an RAdam step needs besides arrays; ``epsilon`` is None while v is not trusted yet."""

    first_share: Array
    keep: Array
    second_share: Array
    epsilon: Array | None
    rate: Array
    penalty: Penalty


def radam_numbers(
    step: float,
    dtype: DType,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    penalty: Penalty,
) -> RAdam:
    """Return the numbers of the ``step``-th RAdam step, corrections and rectification in η."""
    beta1, beta2 = betas
    corrected = 1 - beta2**step
    rate = lr / (1 - beta1**step)
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / corrected
    trusted = length > 5
    if trusted:
        rate *= math.sqrt(
            corrected
            * ((length - 4) * (length - 2) * longest)
            / ((longest - 4) * (longest - 2) * length)
        )
    return RAdam(
        first_share=number(1 - beta1, dtype),
        keep=number(beta2, dtype),
        second_share=number(1 - beta2, dtype),
        epsilon=number(eps, dtype) if trusted else None,
        rate=number(rate, dtype),
        penalty=penalty,
    )


def radam(arrays: tuple[Array, ...], by: RAdam) -> None:
    """Step as Adam does once the variance of its denominator is small enough.

    With t the number of this step:

        m ← m + (1 − β₁) (d − m)          v ← β₂ v + (1 − β₂) d²
        ρ∞ = 2 / (1 − β₂) − 1             ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        w ← w − η / (1 − β₁ᵗ) · m · r √(1 − β₂ᵗ) / (√v + ε)    if ρ > 5
        w ← w − η / (1 − β₁ᵗ) · m                              else
        r² = (ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ)

    ``arrays`` are w, g, m, v. Source: Liu et al., "On the variance of the adaptive learning rate
    and beyond", 2020.
    """
    by_pieces(_radam, arrays, by, 2)


def _radam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    by: RAdam,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    change = _towards(m, d, by.first_share, scratch)
    _square_into(v, d, by.keep, by.second_share, change)
    if by.epsilon is None:
        multiply(m, by.rate, change)
    else:
        sqrt(v, change)
        change += by.epsilon
        divide(m, change, change)
        change *= by.rate
    w -= change


# --- Adagrad, Adadelta, RMSprop -------------------------------------------------------------------


class Adagrad(NamedTuple):
    """What an Adagrad step needs besides arrays: η / (1 + (t − 1) κ), ε and the penalty."""

    rate: Array
    epsilon: Array
    penalty: Penalty


def adagrad(arrays: tuple[Array, ...], by: Adagrad) -> None:
    """Step along the gradient, divided by the root of all its squares so far.

        s ← s + d²
        w ← w − η / (1 + (t − 1) κ) · d / (√s + ε)         κ: decay of the learning rate

    ``arrays`` are w, g, s. Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for
    online learning and stochastic optimization", 2011.
    """
    by_pieces(_adagrad, arrays, by, 2)


def _adagrad(
    w: Array,
    g: Array,
    s: Array,
    by: Adagrad,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    size = multiply(d, d, scratch)
    s += size
    sqrt(s, size)
    size += by.epsilon
    divide(d, size, size)
    size *= by.rate
    w -= size


class Adadelta(NamedTuple):
    """What an Adadelta step needs besides arrays: ρ, 1 − ρ, ε, η and the penalty."""

    keep: Array
    share: Array
    epsilon: Array
    rate: Array
    penalty: Penalty


def adadelta(arrays: tuple[Array, ...], by: Adadelta) -> None:
    """Step along the gradient in the units of the parameter: by the ratio of two usual sizes.

        v ← ρ v + (1 − ρ) d²
        δ = √(a + ε) / √(v + ε) · d
        a ← ρ a + (1 − ρ) δ²
        w ← w − η δ

    ``arrays`` are w, g, v, a. Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """
    by_pieces(_adadelta, arrays, by, 3)


def _adadelta(
    w: Array,
    g: Array,
    v: Array,
    a: Array,
    by: Adadelta,
    scratch: Array | None = None,
    spare: Array | None = None,
    third: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    size = _square_into(v, d, by.keep, by.share, scratch)
    add(v, by.epsilon, size)
    sqrt(size, size)
    change = add(a, by.epsilon, third)
    sqrt(change, change)
    change /= size
    change *= d
    _square_into(a, change, by.keep, by.share, size)
    change *= by.rate
    w -= change


class RMSprop(NamedTuple):
    """What an RMSprop step needs besides arrays: α, 1 − α, ε, η, μ and the penalty."""

    keep: Array
    share: Array
    epsilon: Array
    rate: Array
    momentum: Array | None
    penalty: Penalty


def rmsprop(arrays: tuple[Array, ...], by: RMSprop, centered: bool) -> None:
    """Step along the gradient, divided by its usual size (centered: by its standard deviation).

        v ← α v + (1 − α) d²
        m ← m + (1 − α) (d − m)           s = √(v − m²) + ε   if centered, else  √v + ε
        b ← μ b + d / s
        w ← w − η b                       without momentum  w ← w − η d / s

    ``arrays`` are w, g, v, then b with momentum, then m if centered. Sources: Tieleman and Hinton,
    "Lecture 6.5: rmsprop", 2012; Graves, "Generating sequences with recurrent neural networks",
    2013, for the centered one.
    """
    if by.momentum is None:
        by_pieces(_centered_rmsprop if centered else _rmsprop, arrays, by, 2)
    elif centered:
        by_pieces(_centered_rmsprop_with_momentum, arrays, by, 2)
    else:
        by_pieces(_rmsprop_with_momentum, arrays, by, 2)


def _rmsprop(
    w: Array,
    g: Array,
    v: Array,
    by: RMSprop,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    size = _square_into(v, d, by.keep, by.share, scratch)
    _rmsprop_descent(w, d, sqrt(v, size), None, by)


def _rmsprop_with_momentum(
    w: Array,
    g: Array,
    v: Array,
    b: Array,
    by: RMSprop,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    size = _square_into(v, d, by.keep, by.share, scratch)
    _rmsprop_descent(w, d, sqrt(v, size), b, by)


def _centered_rmsprop(
    w: Array,
    g: Array,
    v: Array,
    m: Array,
    by: RMSprop,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    _rmsprop_descent(w, d, _deviation(d, v, m, by, scratch), None, by)


def _centered_rmsprop_with_momentum(
    w: Array,
    g: Array,
    v: Array,
    b: Array,
    m: Array,
    by: RMSprop,
    scratch: Array | None = None,
    spare: Array | None = None,
) -> None:
    d = by.penalty.applied(w, g, spare)
    _rmsprop_descent(w, d, _deviation(d, v, m, by, scratch), b, by)


def _deviation(d: Array, v: Array, m: Array, by: RMSprop, scratch: Array | None) -> Array:
    size = _square_into(v, d, by.keep, by.share, scratch)
    _towards(m, d, by.share, size)
    multiply(m, m, size)
    subtract(v, size, size)
    return sqrt(size, size)


def _rmsprop_descent(w: Array, d: Array, size: Array, b: Array | None, by: RMSprop) -> None:
    size += by.epsilon
    divide(d, size, size)
    if b is None:
        size *= by.rate
    else:
        b *= by.momentum
        b += size
        multiply(b, by.rate, size)
    w -= size
