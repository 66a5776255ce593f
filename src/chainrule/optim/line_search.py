"""The line search of L-BFGS: a step that fulfils the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from chainrule.ops.updates_quasi_newton import cubic_minimum, dot, largest

Array = ndarray[Any, Any]


class Point(NamedTuple):
    """A point on the line: its step t, the loss, the gradient, and the slope along the line."""

    t: Any
    loss: Any
    gradient: Array
    slope: Any


class Found(NamedTuple):
    """Where a line search ended, and how often it evaluated the loss."""

    point: Point
    evaluations: int


def strong_wolfe(
    evaluate: Callable[[Any], tuple[Any, Array]],
    start: Point,
    t: Any,
    direction: Array,
    *,
    evaluations: int,
    tolerance_change: float = 1e-9,
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Found:
    """Return a step along a direction that lowers the loss and flattens its slope enough.

    With the loss f(t) along the line, c₁ the ``decrease`` and c₂ the ``curvature``:

        f(t) ≤ f(0) + c₁ t f′(0)   and   |f′(t)| ≤ −c₂ f′(0)

    Steps grow until a bracket holds such a point; cubic interpolation then makes it smaller.
    Source: Nocedal and Wright, "Numerical optimization", 2006, algorithms 3.5 and 3.6.

    Args:
        evaluate: the loss and gradient at a step.
        start: the point t = 0.
        t: the first step to try.
        direction: a direction of descent.
        evaluations: how often the loss may be evaluated after the first time.
        tolerance_change: the smallest bracket worth looking into.
    """

    def look(step: Any) -> Point:
        loss, gradient = evaluate(step)
        return Point(step, loss, gradient, dot(gradient, direction))

    def too_high(point: Point) -> Any:
        return point.loss > start.loss + decrease * point.t * start.slope

    def flat(point: Point) -> Any:
        return abs(point.slope) <= -curvature * start.slope

    with np.errstate(all="ignore"):
        previous, point = start, look(t)
        used = 0
        while used < evaluations:
            if too_high(point) or (used > 1 and point.loss >= previous.loss):
                break
            if flat(point):
                return Found(point, used + 1)
            if point.slope >= 0:
                break
            bounds = (point.t + 0.01 * (point.t - previous.t), point.t * 10)
            following = _interpolated(previous, point, bounds)
            previous, point = point, look(following)
            used += 1
        else:
            previous = start
        bracket = [previous, point]
        return _zoomed(
            look, too_high, flat, bracket, used, evaluations, tolerance_change, direction
        )


def _interpolated(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    return cubic_minimum(a.t, a.loss, a.slope, b.t, b.loss, b.slope, bounds)


def _zoomed(
    look: Callable[[Any], Point],
    too_high: Callable[[Point], Any],
    flat: Callable[[Point], Any],
    bracket: list[Point],
    used: int,
    evaluations: int,
    tolerance_change: float,
    direction: Array,
) -> Found:
    """Make a bracket smaller until its lower end is good enough."""
    low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
    size = largest(direction)
    stuck = False
    while used < evaluations:
        first, last = sorted((bracket[0].t, bracket[1].t))
        if abs(last - first) * size < tolerance_change:
            break
        t = _interpolated(bracket[0], bracket[1])
        margin = 0.1 * (last - first)
        # A trial close to an end makes little progress: the second time, and at the end itself,
        # it is moved inside.
        if min(last - t, t - first) < margin:
            if stuck or t >= last or t <= first:
                t = last - margin if abs(t - last) < abs(t - first) else first + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point = look(t)
        used += 1
        if too_high(point) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        done = flat(point)
        if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
        if done:
            break
    return Found(bracket[low], used + 1)
