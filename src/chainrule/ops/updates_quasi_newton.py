"""The vectors and scalars of L-BFGS: the direction from past steps, and cubic interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.ops.updates import Array


def flattened(arrays: Sequence[Array]) -> Array:
    """Return a copy of all elements, one array after the other.

    >>> flattened([np.array([[1.0, 2.0]]), np.array(3.0)])
    array([1., 2., 3.])
    """
    return np.concatenate([a.reshape(-1) for a in arrays])


def add_along(arrays: Sequence[Array], step: Any, direction: Array) -> None:
    """Add a multiple of a direction to arrays that `flattened` would put one after the other.

    >>> a, b = np.zeros((1, 2)), np.zeros(())
    >>> add_along([a, b], 0.5, np.array([1.0, 2.0, 3.0]))
    >>> a, b
    (array([[0.5, 1. ]]), array(1.5))
    """
    start = 0
    for a in arrays:
        part = direction[start : start + a.size].reshape(a.shape)
        np.add(a, part * step, out=a, casting="same_kind")
        start += a.size


def dot(a: Array, b: Array) -> Any:
    """Return the inner product of two vectors, a scalar of their dtype."""
    return np.dot(a, b)


def largest(a: Array) -> Any:
    """Return the largest absolute value, NaN if there is one among them."""
    return np.maximum.reduce(np.absolute(a))


def total(a: Array) -> Any:
    """Return the sum of the absolute values."""
    return np.add.reduce(np.absolute(a))


def quasi_newton_direction(
    gradient: Array,
    changes: Sequence[Array],
    steps: Sequence[Array],
    scales: Sequence[Any],
    diagonal: Any,
) -> tuple[Array, list[Any]]:
    """Return −H g for the inverse Hessian H that past steps suggest, and the coefficients α.

    With the steps s and the changes y of the gradient over them, ρ = 1 / (y · s), newest last:

        q = −g;   from the newest:  α = ρ s · q,   q ← q − α y
        r = γ q;  from the oldest:  r ← r + (α − ρ y · r) s

    Source: Nocedal, "Updating quasi-Newton matrices with limited storage", 1980.

    Args:
        gradient: g.
        changes: y.
        steps: s.
        scales: ρ.
        diagonal: γ, the first guess of H, a multiple of the identity.

    >>> quasi_newton_direction(np.array([2.0, 4.0]), [], [], [], 0.5)
    (array([-1., -2.]), [])
    """
    r = np.negative(gradient)
    scratch = np.empty_like(r)
    coefficients: list[Any] = [None] * len(steps)
    for k in range(len(steps) - 1, -1, -1):
        coefficients[k] = np.dot(steps[k], r) * scales[k]
        r -= np.multiply(changes[k], coefficients[k], scratch)
    r *= diagonal
    for k in range(len(steps)):
        missing = coefficients[k] - np.dot(changes[k], r) * scales[k]
        r += np.multiply(steps[k], missing, scratch)
    return r, coefficients


def cubic_minimum(
    x1: Any, f1: Any, g1: Any, x2: Any, f2: Any, g2: Any, bounds: tuple[Any, Any] | None = None
) -> Any:
    """Return where the cubic with given values and slopes at two points is smallest.

    It is kept within bounds (the two points, if None); their middle is returned where the cubic has
    no minimum. Source: Nocedal and Wright, "Numerical optimization", 2006, equation 3.59.

    >>> float(cubic_minimum(0.0, 1.0, np.float64(-2.0), 3.0, 4.0, np.float64(4.0)))
    1.0
    """
    low, high = bounds or ((x1, x2) if x1 <= x2 else (x2, x1))
    slope = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = slope**2 - g1 * g2
    if not square >= 0:
        return (low + high) / 2.0
    root = np.sqrt(square)
    if x1 <= x2:
        x = x2 - (x2 - x1) * ((g2 + root - slope) / (g2 - g1 + 2 * root))
    else:
        x = x1 - (x1 - x2) * ((g1 + root - slope) / (g1 - g2 + 2 * root))
    return min(max(x, low), high)
