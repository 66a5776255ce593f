"""Steps that look at a parameter as a matrix: Adafactor and Muon.

As in `chainrule.ops.updates`, they change the parameter and what is remembered in place. Unlike the
elementwise steps each needs an intermediate result of the parameter's size.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import multiply, subtract

from chainrule.ops.updates import Array, number


class Adafactor(NamedTuple):
    """The options of an Adafactor step and the number t of the step; ε₁ None: the dtype's."""

    step: float
    lr: float
    beta2_decay: float
    eps: tuple[float | None, float]
    clip: float
    weight_decay: float
    maximize: bool


def adafactor(arrays: tuple[Array, ...], by: Adafactor) -> None:
    """Step along the gradient, divided by its usual size, which is kept by rows and by columns.

    With t the number of this step, β = 1 − t^τ, ρ = min(η, 1/√t), α = max(ε₂, RMS(w)) ρ and the
    decay w ← (1 − η λ) w first:

        r ← β r + (1 − β) mean of g² over columns       c ← β c + (1 − β) mean of g² over rows
        v = r c / mean(r)                               (vectors: v ← β v + (1 − β) g²)
        u = g / √max(v, ε₁²)
        w ← w − α u / max(1, RMS(u) / d)

    ``arrays`` are w, g and then r, c or, for vectors, v. Source: Shazeer and Stern, "Adafactor:
    adaptive learning rates with sublinear memory cost", 2018.
    """
    w, g = arrays[0], arrays[1]
    if by.maximize:
        g = -g
    floor, smallest_scale = by.eps
    if floor is None:
        floor = float(np.finfo(w.dtype).eps)
    share = number(by.step**by.beta2_decay, w.dtype)
    rate = max(smallest_scale, _root_mean_square(w)) * min(by.lr, 1 / math.sqrt(by.step))
    if by.weight_decay:
        w *= number(1 - by.lr * by.weight_decay, w.dtype)
    if w.ndim > 1:
        rows, columns = arrays[2], arrays[3]
        squares = multiply(g, g)
        _move(rows, np.add.reduce(squares, -1, keepdims=True), w.shape[-1], share)
        _move(columns, np.add.reduce(squares, -2, keepdims=True), w.shape[-2], share)
        update = np.matmul(rows, columns, out=squares)
        mean = np.add.reduce(rows, -2, keepdims=True) / w.dtype.type(max(1, w.shape[-2]))
        update /= np.maximum(mean, floor, dtype=w.dtype)
    else:
        variance = arrays[2]
        update = multiply(g, g)
        _move(variance, update, 1, share)
        update = np.copy(variance)
    np.maximum(update, number(floor * floor, w.dtype), out=update)
    np.sqrt(update, out=update)
    np.divide(g, update, out=update)
    rate /= max(1.0, _root_mean_square(update) / by.clip)
    update *= number(rate, w.dtype)
    subtract(w, update, out=w)


def _move(mean: Array, total: Array, count: int, share: Array) -> None:
    change = total / mean.dtype.type(max(1, count))
    change -= mean
    change *= share
    mean += change


def _root_mean_square(a: Array) -> float:
    """Return √(mean of a²).

    >>> _root_mean_square(np.array([3.0, 4.0])) ** 2
    12.5
    """
    flat = a.ravel(order="K")
    return math.sqrt(float(np.dot(flat, flat)) / a.size) if a.size else math.nan


class Muon(NamedTuple):
    """The options of a Muon step; ``rate`` is η adjusted to the parameter's shape."""

    lr: float
    rate: float
    weight_decay: float
    momentum: float
    nesterov: bool
    coefficients: tuple[float, float, float]
    eps: float
    iterations: int


def muon(arrays: tuple[Array, ...], by: Muon) -> None:
    """Step along the running mean of gradients, made orthogonal: all directions count alike.

        b ← μ b + (1 − μ) g
        u = μ b + (1 − μ) g               if Nesterov, else  u = b
        w ← (1 − η λ) w − η′ orthogonalised(u)

    ``arrays`` are w, g, b, and η′ is η adjusted to the parameter's shape. Source: Jordan et al.,
    "Muon: an optimizer for hidden layers in neural networks", 2024.
    """
    w, g, mean = arrays
    keep, share = number(by.momentum, w.dtype), number(1 - by.momentum, w.dtype)
    change = subtract(g, mean)
    change *= share
    mean += change
    if by.nesterov:
        update = subtract(mean, g, out=change)
        update *= keep
        update += g
    else:
        update = mean
    update = orthogonalised(update, by.coefficients, by.iterations, by.eps)
    w *= number(1 - by.lr * by.weight_decay, w.dtype)
    w -= update * number(by.rate, w.dtype)


def orthogonalised(
    matrix: Array, coefficients: tuple[float, float, float], iterations: int, eps: float
) -> Array:
    """Return about the nearest matrix with orthonormal rows or columns: U Vᵀ of U S Vᵀ.

    An odd polynomial a x + b x³ + c x⁵ of the matrix acts on its singular values; iterated from
    x / ‖x‖ it drives them all towards 1 (to between 0.7 and 1.2 with the usual coefficients):

        x ← a x + (b x xᵀ + c (x xᵀ)²) x

    PyTorch computes it in bfloat16, this in the precision of the matrix (half: in single).

    >>> x = orthogonalised(np.array([[3.0, 0.0], [0.0, -0.5]]), (1.5, -0.5, 0.0), 12, 1e-7)
    >>> x.round(3)
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    a, b, c = coefficients
    x = matrix.astype(np.float32) if matrix.dtype == np.float16 else matrix
    tall = matrix.shape[0] > matrix.shape[1]
    if tall:
        x = x.T
    flat = x.ravel(order="K")
    x = x / x.dtype.type(max(math.sqrt(float(np.dot(flat, flat))), eps))
    for _ in range(iterations):
        gram = x @ x.T
        polynomial = gram @ gram
        polynomial *= c
        gram *= b
        polynomial += gram
        following = polynomial @ x
        x *= a
        x += following
    result: Any = x.T if tall else x
    return result  # type: ignore[no-any-return]
