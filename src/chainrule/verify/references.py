"""Other ways to the gradients of a recorded graph, none of which uses the derivative rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.tensor import Tensor
from chainrule.verify.reevaluation import Reevaluation

Array = np.ndarray[Any, Any]


@dataclass
class Comparison:
    """What one method found: whole gradients, or slopes along directions.

    Attributes:
        note: what was done, or why the method does not apply.
        gradients: per parameter its gradient, and how far that may be off by itself.
        slopes: per parameter pairs of a unit direction, the slope along it and its uncertainty.
    """

    note: str
    gradients: dict[Node, tuple[Array, float]] = field(default_factory=dict)
    slopes: dict[Node, list[tuple[Array, float, float]]] = field(default_factory=dict)

    @property
    def applies(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self.gradients or self.slopes)

    def error(self, node: Node, gradient: Array) -> tuple[float, float]:
        """Return the largest disagreement with a gradient, and the method's own uncertainty."""
        if node in self.gradients:
            reference, uncertainty = self.gradients[node]
            return float(np.max(np.abs(gradient - reference), initial=0)), uncertainty
        worst, doubt = 0.0, 0.0
        for direction, slope, uncertainty in self.slopes.get(node, ()):
            found = float(np.vdot(gradient.astype(np.float64), direction))
            worst = max(worst, abs(found - slope))
            doubt = max(doubt, uncertainty)
        return worst, doubt


def compute(
    method: str,
    loss: Tensor,
    function: Reevaluation,
    parameters: list[Node],
    *,
    directions: int,
    exhaustive: int,
    seed: int,
) -> Comparison:
    """Return the gradients by one method, or the reason why it does not apply."""
    if method == "PyTorch":
        from chainrule.verify.in_pytorch import in_pytorch

        return in_pytorch(function, parameters)
    if method == "textbook":
        from chainrule.verify.as_textbook import as_textbook

        return as_textbook(function, parameters)
    entries = sum(function.leaves[node].size for node in parameters)
    if method == "complex step":
        obstacle = function.not_analytic()
        if obstacle is not None:
            return Comparison(
                f"does not apply: the forward function of {obstacle} takes no complex numbers"
            )
        slope: Callable[..., tuple[float, float]] = _complex_step
        how = "Im f(x + ih) / h with h = 1e-40"
    else:
        slope = _richardson
        how = "central, Richardson-extrapolated, float64"
    if entries <= exhaustive:
        result = Comparison(f"{how}; each of the {entries} entries moved by itself")
        for node in parameters:
            result.gradients[node] = _every_entry(function, node, slope)
        return result
    result = Comparison(f"{how}; along {directions} random directions per parameter")
    random = np.random.default_rng(seed)
    for node in parameters:
        shape = function.leaves[node].shape
        result.slopes[node] = []
        for _ in range(directions):
            direction = random.standard_normal(shape)
            direction /= np.linalg.norm(direction) or 1.0
            result.slopes[node].append((direction, *slope(function, node, direction)))
    return result


def _every_entry(
    function: Reevaluation, node: Node, slope: Callable[..., tuple[float, float]]
) -> tuple[Array, float]:
    shape = function.leaves[node].shape
    gradient = np.zeros(shape)
    doubt = 0.0
    for at in np.ndindex(shape):
        direction = np.zeros(shape)
        direction[at] = 1.0
        gradient[at], uncertainty = slope(function, node, direction)
        doubt = max(doubt, uncertainty)
    return gradient, doubt


def _complex_step(function: Reevaluation, node: Node, direction: Array) -> tuple[float, float]:
    step = 1e-40
    moved = function({node: function.leaves[node] + 1j * step * direction})
    return float(moved.imag / step), 0.0


def _richardson(function: Reevaluation, node: Node, direction: Array) -> tuple[float, float]:
    """Return a slope by Ridders' tableau, and the disagreement of its best two estimates.

    Ridders, Advances in Engineering Software 4, 1982: central differences with steps that shrink by
    a constant factor, extrapolated to step 0; the entry with the least change is taken.
    """
    x = function.leaves[node]
    step = 1e-2 * max(1.0, float(np.max(np.abs(x), initial=0)) ** 0.5)
    shrink = 2.0
    previous: list[float] = []
    best, doubt = 0.0, float("inf")
    value = 0.0
    for row in range(6):
        up, down = (float(function({node: x + s * direction})) for s in (step, -step))
        value = max(abs(up), abs(down))
        current = [(up - down) / (2 * step)]
        factor = shrink**2
        for k in range(1, row + 1):
            current.append((factor * current[k - 1] - previous[k - 1]) / (factor - 1))
            factor *= shrink**2
            error = max(abs(current[k] - current[k - 1]), abs(current[k] - previous[k - 1]))
            if error < doubt:
                best, doubt = current[k], error
        previous = current
        step /= shrink
    return best, doubt + 1e-13 * value
