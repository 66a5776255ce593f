"""A recorded graph with its values and gradients, and how gradients move when a rule is changed.

The rules are linear in the arriving gradient. So the effect of a changed rule is computed by
sweeping only the *difference* it makes: nodes it does not reach are not visited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.primitive import Cotangents
from chainrule.replay import ancestors, forward_values, inputs_of, params_of, root_of
from chainrule.tensor import Tensor

Array = np.ndarray[Any, Any]
Edge = tuple[Node, int]

# Operations that hand values on as they are, element by element or rearranged.
REARRANGEMENTS = frozenset(
    ("broadcast_to", "cast", "clone", "permute", "reshape", "squeeze", "transpose", "unsqueeze")
)
# Those that do not even rearrange.
IDENTITIES = frozenset(("cast", "clone"))


@dataclass
class Change:
    """Rules that differ from the right ones.

    Attributes:
        edges: per operation and input, what is sent to that input: a function of the gradient
            arriving at the operation and of what the right rule sends.
        nodes: per node, what its complete gradient is taken to be, in all that follows.
        extra: per node, additional gradients for other nodes: functions of the arriving gradient.
        final: per node, what is noted down as its gradient and passed on to nothing.
    """

    edges: dict[Edge, Callable[[Array, Array], Any]] = field(default_factory=dict)
    nodes: dict[Node, Callable[[Array], Array]] = field(default_factory=dict)
    extra: dict[Node, list[tuple[Node, Callable[[Array], Array]]]] = field(default_factory=dict)
    final: dict[Node, Callable[[Array], Array]] = field(default_factory=dict)

    def __or__(self, other: Change) -> Change:
        """Return both changes together; where they concern the same rule the second one holds."""
        extra = dict(self.extra)
        for node, more in other.extra.items():
            extra[node] = [*extra.get(node, ()), *more]
        return Change(
            self.edges | other.edges, self.nodes | other.nodes, extra, self.final | other.final
        )

    def starts(self) -> set[Node]:
        """Return the nodes at which something differs."""
        return {node for node, _ in self.edges} | set(self.nodes) | set(self.extra)


class Mismatch(Exception):
    """A changed rule gave a gradient of a shape that the right rules cannot carry on."""


class Recording:
    """The graph of a loss: its nodes in order, their values, their gradients in double precision.

    Args:
        loss: a tensor with one element, whose graph has not been freed.
    """

    def __init__(self, loss: Tensor) -> None:
        self.root = root_of(loss)
        self.nodes = ancestors(self.root)
        leaves = [n.saved[0].dtype for n in self.nodes if n.primitive is None and n.saved]
        # The shortest type that took part decides how much of an error rounding explains.
        self.dtype = min([loss._array.dtype, *leaves], key=lambda dtype: dtype.itemsize)
        self.loss = loss
        self.consumers: dict[Node, list[Edge]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for k, parent in enumerate(node.inputs):
                if parent is not None:
                    self.consumers[parent].append((node, k))
        self._toward: dict[Node, set[Node]] = {}
        self._contributions: dict[Node, list[tuple[int, Node, Array]]] = {}

    @cached_property
    def values(self) -> dict[Node, Any]:
        """The value of every node: an array, a tuple of them for several outputs."""
        return forward_values(self.loss)

    @cached_property
    def gradients(self) -> dict[Node, Any]:
        """The right gradient of every node that one reaches, likewise."""
        arriving: dict[Node, Any] = {self.root: np.ones(self.loss._array.shape)}
        for node in reversed(self.nodes):
            g = arriving.get(node)
            if g is None or node.primitive is None:
                continue
            sent = self._pull(node, g)
            self._contributions[node] = sent
            for _, parent, contribution in sent:
                known = arriving.get(parent)
                arriving[parent] = contribution if known is None else known + contribution
        return arriving

    def toward(self, target: Node) -> set[Node]:
        """Return the nodes whose gradient enters that of ``target``, itself included."""
        if target not in self._toward:
            found = {target}
            for node in self.nodes:
                if any(parent in found for parent in node.inputs):
                    found.add(node)
            self._toward[target] = found
        return self._toward[target]

    def _pull(
        self, node: Node, g: Any, only: set[Node] | None = None
    ) -> list[tuple[int, Node, Any]]:
        assert node.primitive is not None
        positions = [
            k
            for k, parent in enumerate(node.inputs)
            if parent is not None and (only is None or parent in only)
        ]
        if not positions:
            return []
        if node.saved is None:
            inputs_of(node, {})  # raises, and says what to do
        sent = node.primitive.pull(node, g, False, only)
        return [
            (k, parent, c if isinstance(c, Cotangents) else np.asarray(c))
            for k, (parent, c) in zip(positions, sent, strict=True)
        ]

    def sent(self, node: Node) -> list[tuple[int, Node, Array]]:
        """Return what the right rules of an operation send: input number, parent, gradient."""
        _ = self.gradients
        return self._contributions.get(node, [])

    def contribution(self, edge: Edge) -> Array:
        """Return what the right rule sends along one edge."""
        node, number = edge
        return next(c for k, _, c in self.sent(node) if k == number)

    def inputs(self, node: Node) -> tuple[Any, ...]:
        """Return the values an operation was given."""
        assert node.saved is not None
        return tuple(
            node.saved[k] if parent is None else self.values[parent]
            for k, parent in enumerate(node.inputs)
        )

    def params(self, node: Node) -> tuple[Any, ...]:
        """Return the static parameters of an operation."""
        return params_of(node)

    def before_reduction(self, edge: Edge, g: Array) -> Array:
        """Return what a rule gives before the sum over the dimensions of broadcasting."""
        node, number = edge
        primitive = node.primitive
        assert primitive is not None and not primitive.variadic and not primitive.several
        inputs = self.inputs(node)
        environment = dict(zip(primitive.inputs, inputs, strict=True))
        environment["g"], environment["y"] = g, self.values[node]
        environment.update(zip(primitive.param_names, params_of(node), strict=False))
        for name, value in zip(primitive.inputs, inputs, strict=True):
            environment[f"{name}_shape"] = np.shape(value)
        name = primitive.inputs[number]
        return np.asarray(
            primitive.rules[name](**{n: environment[n] for n in primitive.needs[name]})
        )

    # --- What changed rules give ------------------------------------------------------------------

    def adopt(self, change: Change, coefficient: float) -> None:
        """Take changed rules (or a multiple of the change) for the right ones from now on."""
        moved = self.differences(change)
        before = {(node, k): sent for node in self.nodes for k, _, sent in self.sent(node)}
        for node, difference in moved.items():
            self.gradients[node] = self.gradients[node] + coefficient * difference
        for node in self.nodes:
            if node.primitive is None or node not in self.gradients:
                continue
            if node not in moved and not any(e[0] is node for e in change.edges):
                continue
            sent = []
            for k, parent, contribution in self._pull(node, self.gradients[node]):
                changed = change.edges.get((node, k))
                if changed is not None:
                    old = before[node, k]
                    new = changed(self.gradients[node], contribution)
                    new = np.zeros_like(old) if new is None else np.asarray(new)
                    contribution = old + coefficient * (new - old)
                sent.append((k, parent, contribution))
            self._contributions[node] = sent

    def differences(self, change: Change, stop: Node | None = None) -> dict[Node, Array]:
        """Return how far each node's gradient moves when rules are changed.

        Args:
            change: the changed rules.
            stop: a node that is all that is wanted; nothing past it is visited.

        Raises:
            Mismatch: if a changed rule gives a shape that cannot be carried on.
        """
        right = self.gradients
        moved: dict[Node, Any] = {}
        pending = change.starts()
        heap = [-node.index for node in pending]
        by_index = {node.index: node for node in pending}
        heap.sort()
        lowest = 0
        if stop is not None:
            lowest = stop.index
            if stop.primitive is None:
                lowest = min((c.index for c, _ in self.consumers[stop]), default=0)
        queued = set(by_index)
        only = None if stop is None else self.toward(stop)
        while heap:
            index = -heappop(heap)
            if index < lowest:
                break
            node = by_index[index]
            if node not in right:
                continue  # nothing arrives there
            difference = moved.get(node)
            replacement = change.nodes.get(node)
            if replacement is not None:
                g = right[node] if difference is None else right[node] + difference
                new = np.asarray(replacement(g))
                if new.shape != right[node].shape:
                    raise Mismatch
                difference = moved[node] = new - right[node]
            if node.primitive is None:
                continue
            if only is not None and node not in only:
                continue
            for parent, extra in self._moved_by(node, difference, change, only):
                known = moved.get(parent)
                if extra.shape != right[parent].shape:
                    raise Mismatch
                moved[parent] = extra if known is None else known + extra
                if parent.index not in queued:
                    queued.add(parent.index)
                    by_index[parent.index] = parent
                    heappush(heap, -parent.index)
        return moved

    def _moved_by(
        self, node: Node, difference: Any, change: Change, only: set[Node] | None
    ) -> Iterable[tuple[Node, Array]]:
        changed = [k for k in range(len(node.inputs)) if (node, k) in change.edges]
        pulled: list[tuple[int, Node, Any]] = []
        if difference is None and not changed:
            pass  # only more gradients start here
        elif difference is None:
            pulled = [
                (k, parent, None)
                for k, parent, _ in self.sent(node)
                if only is None or parent in only
            ]
        else:
            pulled = self._pull(node, difference, only)
        right = self.gradients[node]
        g = right if difference is None else right + difference
        for k, parent, moved in pulled:
            if k in changed:
                before = self.contribution((node, k))
                should_be = before if moved is None else before + moved
                edge = change.edges[node, k]
                if isinstance(should_be, Cotangents):
                    yield parent, _moved_parts(edge, g, should_be, before)
                else:
                    yield parent, _moved_by_edge(edge, g, should_be, before)
            elif moved is not None:
                yield parent, moved
        for target, function in change.extra.get(node, ()):
            yield target, np.asarray(function(g))

    def gradient_under(self, node: Node, change: Change, moved: Mapping[Node, Array]) -> Array:
        """Return what would be noted down as a node's gradient, given the differences."""
        g = self.gradients[node]
        if node in moved:
            g = g + moved[node]
        final = change.final.get(node)
        return g if final is None else np.asarray(final(g))


def _moved_by_edge(rule: Callable[..., Any], g: Array, should_be: Array, before: Array) -> Array:
    new = rule(g, should_be)
    return -before if new is None else np.asarray(new) - before


def _moved_parts(rule: Callable[..., Any], g: Array, should_be: Cotangents, before: Any) -> Any:
    """Do the same for one output of several: only its own gradient has numbers."""
    return Cotangents(
        None if part is None else _moved_by_edge(rule, g, part, was)
        for part, was in zip(should_be, before, strict=True)
    )
