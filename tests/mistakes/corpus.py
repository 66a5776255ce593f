"""Hand-written backward passes: wrong ones with the mistake that was made, and right ones.

A problem is a loss in plain NumPy with its data. The backward passes are written out as people
write them, one function each; beside a wrong one stands the kind of its mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A loss ``loss(params, *data)`` and what makes its parameters and data."""

    name: str
    loss: Callable[..., Any]
    make: Callable[[np.random.Generator], tuple[dict[str, Any], tuple[Any, ...]]]

    def inputs(self, seed: int = 0) -> tuple[dict[str, Any], tuple[Any, ...]]:
        return self.make(np.random.default_rng(seed))


@dataclass(frozen=True)
class Case:
    """A backward pass and the kind of mistake in it, None for a right one."""

    name: str
    problem: Problem
    gradient: Callable[..., Any]
    kind: str | None
    where: tuple[str, ...] = ()
    stateful: bool = False

    def fresh(self) -> Callable[..., Any]:
        """Return the backward pass; one that keeps state between calls starts without any."""
        return self.gradient() if self.stateful else self.gradient


WRONG: list[Case] = []
RIGHT: list[Case] = []


def wrong(problem: Problem, kind: str, *where: str, stateful: bool = False) -> Callable[[Any], Any]:
    """Enter a wrong backward pass; ``where`` names the claims that may show the mistake first.

    A stateful one is entered as a function that makes it.
    """

    def enter(gradient: Any) -> Any:
        WRONG.append(Case(gradient.__name__, problem, gradient, kind, where, stateful))
        return gradient

    return enter


def right(problem: Problem) -> Callable[[Any], Any]:
    """Enter a right backward pass."""

    def enter(gradient: Any) -> Any:
        RIGHT.append(Case(f"{problem.name}-{gradient.__name__}", problem, gradient, None))
        return gradient

    return enter


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def one_hot(y: Any, classes: int) -> Any:
    return np.eye(classes)[y]
