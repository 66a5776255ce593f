"""How much of a gradient is rounding: the same graph, recorded again in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.modes import enable_grad
from chainrule.replay import gradients
from chainrule.symbol import operators
from chainrule.tensor import Tensor
from chainrule.verify.diagnosis.recording import Array, Recording


def rounding_errors(recording: Recording) -> dict[Node, float]:
    """Return per node how far its gradient is from that of the graph in double precision.

    A formula like log(1 − a) loses digits where a is near 1: the gradient is then imprecise however
    carefully it is derived, and a claim may be as far off. Empty if the graph is in double
    precision already, or holds an operation that cannot be run again.
    """
    if recording.dtype == np.float64:
        return {}
    again = _again(recording)
    root = again.get(recording.root)
    if root is None:
        return {}
    found = gradients(root)
    errors: dict[Node, float] = {}
    for node, gradient in recording.gradients.items():
        tensor = again.get(node)
        exact = None if tensor is None or tensor._node is None else found.get(tensor._node)
        if isinstance(exact, np.ndarray) and np.shape(gradient) == exact.shape and exact.size:
            errors[node] = float(np.max(np.abs(gradient - exact)))
    return errors


def _again(recording: Recording) -> dict[Node, Tensor]:
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
                tensors[node] = operation(tuple(given), *params)
            else:
                tensors[node] = operation(*given, *params)
    return tensors


def _double(array: Array) -> Array:
    return array.astype(np.float64)


def _constant(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return Tensor(_double(array) if array.dtype.kind == "f" else array)
    return value
