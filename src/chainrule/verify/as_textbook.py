"""A recorded graph recognised as a stack of dense layers and handed to the textbook's recursion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import textbook
from chainrule.graph import Node
from chainrule.replay import params_of
from chainrule.verify.reevaluation import Reevaluation
from chainrule.verify.references import Comparison

_ACTIVATIONS = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax"}


class _NoStack(Exception):
    """The graph is not a stack of dense layers; the message says where it stops being one."""


@dataclass
class _Layer:
    weight: Node
    transposed: bool
    bias: Node | None
    activation: str


@dataclass
class _Loss:
    name: str
    output: Node
    targets: Any
    divisor: float


class _Reader:
    """Reads a graph from the loss down to the input."""

    def __init__(self, function: Reevaluation) -> None:
        self.constants = {node: constants for node, constants, _ in function.steps}
        self.leaves = function.leaves
        self.root = function.root

    def loss(self) -> _Loss:
        node, divisor, halves = self.root, 1.0, False
        while node.name in ("reshape", "squeeze"):
            node = self._parent(node, 0)
        params = params_of(node)
        if node.name == "cross_entropy":
            index, divisor = params
            return _Loss("softmax_cross_entropy", self._parent(node, 0), index, divisor)
        by_name = {
            "mse_loss": "mse",
            "binary_cross_entropy": "bce",
            "binary_cross_entropy_with_logits": "bce_with_logits",
        }
        if node.name in by_name:
            return _Loss(
                by_name[node.name], self._parent(node, 0), self._constant(node, 1), params[0]
            )
        while True:
            if node.name == "mean" and params_of(node)[0] is None:
                node = self._parent(node, 0)
                divisor *= float(np.prod(node.shape or ()))
            elif node.name == "sum" and params_of(node)[0] is None:
                node = self._parent(node, 0)
            elif node.name == "mul" and 0.5 in (_scalar(c) for c in self.constants[node]):
                node, halves = next(p for p in node.inputs if p is not None), True
            elif node.name == "div" and _scalar(self.constants[node][1]) is not None:
                divisor *= float(self.constants[node][1])
                node = self._parent(node, 0)
            else:
                break
        difference = None
        if node.name == "pow" and _scalar(self.constants[node][1]) == 2:
            difference = self._parent(node, 0)
        elif node.name == "mul" and node.inputs[0] is node.inputs[1]:
            difference = node.inputs[0]
        if difference is None or difference.name != "sub":
            raise _NoStack(f"its loss ends in {self.root.name}, which is none of the textbook's")
        k = 0 if difference.inputs[1] is None else 1
        name = "half_squared_error" if halves else "squared_error"
        return _Loss(name, self._parent(difference, k), self._constant(difference, 1 - k), divisor)

    def layers(self, node: Node) -> tuple[list[_Layer], Any]:
        """Return the layers below an output, first one first, and the input."""
        found: list[_Layer] = []
        while True:
            activation = "identity"
            if node.name in _ACTIVATIONS:
                if node.name == "softmax" and params_of(node)[0] not in (
                    -1,
                    len(node.shape or ()) - 1,
                ):
                    raise _NoStack("its softmax does not run over the last dimension")
                activation = _ACTIVATIONS[node.name]
                node = self._parent(node, 0)
            layer, below, constant = self._affine(node, activation)
            found.insert(0, layer)
            if below is None:
                return found, constant
            if below.primitive is None:
                return found, self.leaves[below]
            node = below

    def _affine(self, node: Node, activation: str) -> tuple[_Layer, Node | None, Any]:
        if node.name in ("linear", "linear_without_bias"):
            x, weight = node.inputs[:2]
            bias = node.inputs[2] if node.name == "linear" else None
            return _Layer(self._leaf(weight), True, bias, activation), x, self.constants[node][0]
        bias = None
        if node.name == "add":
            left, right = node.inputs
            if right is not None and right.primitive is None and left is not None:
                node, bias = left, right
        if node.name not in ("matmul", "mm"):
            raise _NoStack(f"it contains {node.name} where a dense layer was expected")
        x, weight = node.inputs
        transposed = weight is not None and weight.name == "transpose"
        if transposed:
            assert weight is not None
            weight = weight.inputs[0]
        return _Layer(self._leaf(weight), transposed, bias, activation), x, self.constants[node][0]

    def _leaf(self, node: Node | None) -> Node:
        if node is None or node.primitive is not None:
            raise _NoStack("a layer's weight is computed or constant, not a parameter")
        return node

    def _parent(self, node: Node, k: int) -> Node:
        parent = node.inputs[k] if k < len(node.inputs) else None
        if parent is None:
            raise _NoStack(f"the operand of {node.name} is a constant")
        return parent

    def _constant(self, node: Node, k: int) -> Any:
        if node.inputs[k] is not None:
            raise _NoStack("its targets require grad")
        return self.constants[node][k]


def _scalar(value: Any) -> float | None:
    if value is None or np.ndim(value) != 0:
        return None
    return float(value)


def as_textbook(function: Reevaluation, parameters: list[Node]) -> Comparison:
    """Return the gradients by the delta recursion, if the graph is a stack of dense layers."""
    reader = _Reader(function)
    try:
        loss = reader.loss()
        layers, x = reader.layers(loss.output)
    except _NoStack as reason:
        return Comparison(f"does not apply: {reason}")
    nodes = [n for layer in layers for n in (layer.weight, layer.bias) if n is not None]
    x = np.asarray(x)
    if len(set(nodes)) < len(nodes):
        return Comparison("does not apply: layers share a parameter")
    if x.ndim != 2:
        return Comparison(
            f"does not apply: the input has {x.ndim} dimensions, not samples × features"
        )
    leaves = function.leaves
    shape = (x.shape[0], int((loss.output.shape or (1,))[-1]))
    definition = textbook.LOSSES[loss.name]
    try:
        forward = textbook.forward(
            x,
            [leaves[m.weight] if m.transposed else leaves[m.weight].T for m in layers],
            [None if m.bias is None else leaves[m.bias].reshape(-1) for m in layers],
            activations=[m.activation for m in layers],
            targets=loss.targets,
            loss=definition,
            reduction="sum",
        )
        backward = textbook.backward(forward)
    except (ValueError, TypeError) as reason:
        return Comparison(f"does not apply: {reason}")
    result = Comparison(f"delta recursion in plain NumPy, float64; {len(layers)} dense layers")
    # The sum's gradient over what the recorded loss divides by: no convention to agree on.
    divisor = loss.divisor * definition.divisor(shape, "sum") or 1.0
    for k, layer in enumerate(layers, start=1):
        dW = np.asarray(backward.dW[k]) / divisor
        result.gradients[layer.weight] = (dW if layer.transposed else dW.T, 0.0)
        db = backward.db[k]
        if layer.bias is not None and db is not None:
            result.gradients[layer.bias] = (
                np.asarray(db).reshape(leaves[layer.bias].shape) / divisor,
                0.0,
            )
    missing = [p for p in parameters if p not in result.gradients]
    if missing:
        result.note += f"; {len(missing)} parameters outside the stack are not covered"
    return result
