"""What a recorded graph is made of, in the terms people derive gradients in.

Someone who writes a backward pass by hand thinks of layers, activations and the loss, not of the
operations that happened to be recorded: a softmax may be one node or six. Activations are therefore
recognised by their *values*, however they were computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.diagnosis.recording import IDENTITIES, REARRANGEMENTS, Array, Edge, Recording

PRODUCTS = frozenset(("matmul", "mm", "linear", "linear_without_bias"))


@dataclass(frozen=True, eq=False)
class Product:
    """One operand of a matrix product, and the rule for its gradient.

    Attributes:
        edge: the operation and the operand's number.
        target: the node whose gradient the edge leads to.
        weight: the parameter that the target is, through transposes and copies; None if it is none.
        other: the node of the other operand, None for a constant.
        operand: the value of the other operand.
        other_is_weight: whether that is a parameter.
        multiply: the rule: arriving gradient and other operand to the target's gradient.
    """

    edge: Edge
    target: Node
    weight: Node | None
    other: Node | None
    operand: Array
    other_is_weight: bool
    multiply: Callable[[Array, Array], Array]


@dataclass(frozen=True, eq=False)
class ActivationSite:
    """An activation ``a = f(z)``, one node or several.

    Attributes:
        kind: sigmoid, tanh, relu or softmax.
        z: the pre-activation's node.
        a: the node of the result.
        dim: the dimension of a softmax.
    """

    kind: str
    z: Node
    a: Node
    dim: int = -1


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def softmax(z: Array, dim: int = -1) -> Array:
    """Return the softmax of an array along a dimension."""
    e = np.exp(z - np.max(z, axis=dim, keepdims=True))
    return np.asarray(e / np.sum(e, axis=dim, keepdims=True))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "softmax": softmax,
}


class Anatomy:
    """Products, activations and layers of a recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def source(self, node: Node) -> Node:
        """Return the node that a copy or a rearrangement shows, itself if it is none."""
        while node.name in REARRANGEMENTS and node.inputs[0] is not None:
            node = node.inputs[0]
        return node

    def through_copies(self, node: Node) -> Node:
        """Return the node that a copy copies."""
        while node.name in IDENTITIES and node.inputs[0] is not None:
            node = node.inputs[0]
        return node

    def is_parameter(self, node: Node | None) -> bool:
        """Tell whether a node is a leaf, seen through copies and rearrangements."""
        return node is not None and self.source(node).primitive is None

    @cached_property
    def products(self) -> list[Product]:
        """Every operand of every matrix product that has a gradient, in the order they ran."""
        return [product for node in self.recording.nodes for product in self._products_of(node)]

    def _products_of(self, node: Node) -> Iterator[Product]:
        if node.name not in PRODUCTS:
            return
        rules: list[Callable[[Array, Array], Array]]
        if node.name in ("matmul", "mm"):
            rules = [lambda g, b: g @ b.mT, lambda g, a: a.mT @ g]
        else:
            rules = [lambda g, W: g @ W, lambda g, x: g.mT @ x]
        values = self.recording.inputs(node)
        for k in (0, 1):
            target, other = node.inputs[k], node.inputs[1 - k]
            if target is None:
                continue
            source = self.source(target)
            yield Product(
                edge=(node, k),
                target=target,
                weight=source if source.primitive is None else None,
                other=other,
                operand=np.asarray(values[1 - k]),
                other_is_weight=self.is_parameter(other),
                multiply=rules[k],
            )

    @cached_property
    def weight_products(self) -> list[Product]:
        """The products whose rule gives a parameter's gradient: dW = xᵀ δ and the like."""
        return [p for p in self.products if p.weight is not None]

    @cached_property
    def layers(self) -> dict[Node, int]:
        """The number of the layer an operation belongs to: that of the last product before it."""
        numbers: dict[Node, int] = {}
        weights: list[Node] = []
        for node in self.recording.nodes:
            number = max((numbers.get(p, 0) for p in node.inputs if p is not None), default=0)
            if node.name in PRODUCTS:
                parameters = [
                    self.source(p) for p in node.inputs if p is not None and self.is_parameter(p)
                ]
                if parameters:
                    if parameters[-1] not in weights:
                        weights.append(parameters[-1])
                    number = weights.index(parameters[-1]) + 1
            numbers[node] = number
        return numbers

    # --- Activations ------------------------------------------------------------------------------

    @cached_property
    def activations(self) -> list[ActivationSite]:
        """The activations, recognised by their values, in the order they ran."""
        values, nodes = self.recording.values, self.recording.nodes
        by_print: dict[tuple[Any, ...], list[Node]] = {}
        for node in nodes:
            if (
                node.primitive is not None
                and node.shape is not None
                and node.name not in IDENTITIES
            ):
                by_print.setdefault(_fingerprint(values[node]), []).append(node)
        found: list[ActivationSite] = []
        taken: set[Node] = set()
        for z in nodes:
            if not self._may_be_pre_activation(z):
                continue
            value = values[z]
            for kind in FUNCTIONS:
                for dim in _dims(kind, value):
                    result = softmax(value, dim) if kind == "softmax" else FUNCTIONS[kind](value)
                    if kind == "relu" and not np.any(value < 0):
                        named = [n for n in self._direct(z) if n.name == "relu"]
                        found.extend(ActivationSite(kind, z, n) for n in named if n not in taken)
                        taken.update(named)
                        continue
                    for a in by_print.get(_fingerprint(result), ()):
                        if (
                            a.index > z.index
                            and a not in taken
                            and _close(values[a], result, value.dtype)
                            and self.leads_to(z, a)
                        ):
                            found.append(ActivationSite(kind, z, a, dim))
                            taken.add(a)
                            break
        return sorted(found, key=lambda site: site.a.index)

    def _direct(self, node: Node) -> list[Node]:
        return [child for child, _ in self.recording.consumers[node]]

    def _may_be_pre_activation(self, node: Node) -> bool:
        value = self.recording.values.get(node)
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.size == 0:
            return False
        if node.name in IDENTITIES:
            return False
        names = {child.name for child, _ in self.recording.consumers[node]}
        return bool(
            names
            & {"exp", "neg", "sigmoid", "tanh", "relu", "softmax", "sub", "clone", "clamp_min",
               "maximum", "mul", "amax", "gather", "where", "masked_fill", "gt", "abs", "cat"}
        )  # fmt: skip

    def leads_to(self, start: Node, end: Node) -> bool:
        """Tell whether a value was computed from another."""
        stack, seen = [end], {end}
        while stack:
            for parent in stack.pop().inputs:
                if parent is start:
                    return True
                if parent is not None and parent.index > start.index and parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        return False

    def between(self, start: Node, end: Node) -> set[Node]:
        """Return the operations on the paths from one node to another, the end included."""
        inside = {start}
        for node in self.recording.nodes:
            if start.index < node.index <= end.index and any(p in inside for p in node.inputs):
                inside.add(node)
        backward = {end}
        for node in reversed(self.recording.nodes):
            if node in backward:
                backward.update(p for p in node.inputs if p is not None and p in inside)
        return (inside & backward) - {start}

    def entering(self, start: Node, end: Node) -> list[Edge]:
        """Return the edges by which the paths from one node to another leave the first."""
        inside = self.between(start, end)
        return [edge for edge in self.recording.consumers[start] if edge[0] in inside]

    # --- What came without a gradient ----------------------------------------------------------

    @cached_property
    def constants(self) -> list[Array]:
        """The arrays that entered the graph without a gradient: data, targets, masks."""
        found: list[Array] = []
        seen: set[int] = set()
        for node in self.recording.nodes:
            if node.primitive is None:
                continue
            for parent, value in zip(node.inputs, self.recording.inputs(node), strict=True):
                if parent is not None or not isinstance(value, np.ndarray) or not value.ndim:
                    continue
                if id(value) not in seen:
                    seen.add(id(value))
                    found.append(value)
        return found

    @cached_property
    def indices(self) -> list[Array]:
        """The integer arrays used as classes or indices."""
        found: list[Array] = []
        for node in self.recording.nodes:
            for param in self.recording.params(node):
                parts = param if isinstance(param, tuple) else (param,)
                found.extend(
                    p
                    for p in parts
                    if isinstance(p, np.ndarray) and p.dtype.kind in "iu" and p.ndim
                )
        return found


def _dims(kind: str, value: Array) -> tuple[int, ...]:
    if kind != "softmax":
        return (-1,)
    if value.ndim == 0:
        return ()
    return (-1,) if value.ndim == 1 else (-1, -2)


def _fingerprint(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, np.ndarray):
        return ()
    total = float(np.sum(value, dtype=np.float64))
    return (value.shape, f"{total:.4e}" if np.isfinite(total) else "?")


def _close(a: Array, b: Array, dtype: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-4 if dtype == np.float32 else 1e-9, atol=1e-6))
