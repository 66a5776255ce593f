"""How much of a gradient is rounding: the same graph, recorded again with other rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.modes import enable_grad
from chainrule.replay import gradients
from chainrule.symbol import operators
from chainrule.tensor import Tensor
from chainrule.verify.diagnosis.recording import Array, Recording

# How often a graph in double precision is recorded again with values that are off by chance.
_DRAWS = 3


def rounding_errors(recording: Recording) -> dict[Node, float]:
    """Return per node how much of its gradient is rounding.

    A formula like log(1 − a) loses digits where a is near 1: the gradient is then imprecise however
    carefully it is derived, and a claim may be as far off. Single precision is compared with the
    graph in double precision. A graph in double precision is recorded again with each value moved
    by a random unit in the last place, as in Vignes, "A stochastic arithmetic for reliable
    scientific computation", Mathematics and Computers in Simulation 35, 1993: what the gradients
    then differ by is of the size of their error. Empty if the graph holds an operation that cannot
    be run again.
    """
    if recording.dtype != np.float64:
        return _differences(recording, lambda value: value)
    random = np.random.default_rng(0)
    unit = np.finfo(np.float64).eps

    def moved(value: Tensor) -> Tensor:
        if value._array.dtype.kind != "f":
            return value
        return value * Tensor(1 + unit * random.uniform(-1, 1, value._array.shape))

    errors: dict[Node, float] = {}
    for _ in range(_DRAWS):
        for node, error in _differences(recording, moved).items():
            errors[node] = max(errors.get(node, 0.0), error)
    return errors


def _differences(recording: Recording, after: Callable[[Tensor], Tensor]) -> dict[Node, float]:
    """Return how far the gradients are from those of the graph recorded again."""
    again = _again(recording, after)
    root = again.get(recording.root)
    if root is None:
        return {}
    found = gradients(root)
    errors: dict[Node, float] = {}
    for node, gradient in recording.gradients.items():
        tensor = again.get(node)
        other = None if tensor is None or tensor._node is None else found.get(tensor._node)
        if isinstance(other, np.ndarray) and np.shape(gradient) == other.shape and other.size:
            errors[node] = float(np.max(np.abs(gradient - other)))
    return errors


def _again(recording: Recording, after: Callable[[Tensor], Tensor]) -> dict[Node, Tensor]:
    """Record the graph in double precision, with ``after`` applied to each computed value."""
    tensors: dict[Node, Tensor] = {}
    with enable_grad():
        for node in recording.nodes:
            primitive = node.primitive
            if primitive is None:
                assert node.saved is not None
                tensors[node] = Tensor(_double(node.saved[0]), requires_grad=True)
                continue
            if primitive.several or primitive.name not in operators:
                return {}
            given = [
                tensors[parent] if parent is not None else _constant(value)
                for parent, value in zip(node.inputs, recording.inputs(node), strict=True)
            ]
            if primitive.name == "cast":
                tensors[node] = given[0]
                continue
            operation = operators[primitive.name]
            params = recording.params(node)
            if primitive.variadic:
                tensors[node] = after(operation(tuple(given), *params))
            else:
                tensors[node] = after(operation(*given, *params))
    return tensors


def _double(array: Array) -> Array:
    return array.astype(np.float64)


def _constant(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return Tensor(_double(array) if array.dtype.kind == "f" else array)
    return value
