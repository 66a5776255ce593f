"""A hypothesis: one human mistake at one place, and the gradients it would have led to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.diagnosis.anatomy import Anatomy
from chainrule.verify.diagnosis.naming import Names
from chainrule.verify.diagnosis.recording import Array, Change, Recording

Text = Callable[[], str]


@dataclass
class Reading:
    """What a hypothesis says when it holds.

    Attributes:
        kind: the mistake's kind in the catalogue.
        message: what was done, in one or two sentences.
        expected: the right formula.
        claimed: the formula that was evidently used.
        prior: how likely a mistake it is, from 0 to 1.
    """

    kind: str
    message: Text
    expected: Text
    claimed: Text
    prior: float


@dataclass
class Hypothesis:
    """One mistake at one place (or the same mistake at several).

    Attributes:
        node: the operation (or the leaf) it concerns.
        change: the changed rules.
        reading: what it says; with a ``fit``, a function of the fitted coefficient and the claim it
            was fitted to that returns None for a coefficient no human would have used.
        fit: the changed rules differ from the right ones by an unknown multiple of ``change``, to
            be fitted to the claim.
        places: how many rules are changed alike.
    """

    node: Node
    change: Change
    reading: Reading | Callable[[float, Claim], Reading | None]
    fit: bool = False
    places: int = 1


@dataclass
class Claim:
    """A gradient that was claimed.

    Attributes:
        name: as the user calls what it is the gradient of.
        node: where that stands in the graph.
        array: the claimed gradient in double precision.
        tolerance: the relative error up to which it counts as reproduced.
        wrong: whether it differs from the right gradient.
        floor: an error so small that rounding may have made all of it.
    """

    name: str
    node: Node
    array: Array
    tolerance: float
    wrong: bool
    floor: float = 0.0

    def reproduced_by(self, found: Any) -> bool:
        """Tell whether a gradient is what was claimed."""
        found = np.asarray(found)
        if found.shape != self.array.shape:
            return False
        if not found.size:
            return True
        scale = max(float(np.max(np.abs(self.array))), float(np.max(np.abs(found))))
        error = np.max(np.abs(found - self.array))
        return bool(error <= max(self.tolerance * scale, self.floor))


@dataclass
class View:
    """What the catalogue sees: the graph, its anatomy and names, the claims.

    Attributes:
        recording: the graph.
        anatomy: its products, activations, layers.
        names: what its values are called.
        claims: the claims in backward order.
        earlier: gradients that claimed nodes had earlier: in a previous check or a previous
            backward pass.
        budget: how many hypotheses a generator that combines everything with everything may make.
    """

    recording: Recording
    anatomy: Anatomy
    names: Names
    claims: list[Claim]
    earlier: Mapping[Node, list[Array]] = field(default_factory=dict)
    budget: int = 4000

    @cached_property
    def claimed_nodes(self) -> set[Node]:
        """The nodes whose gradients are claimed."""
        return {claim.node for claim in self.claims}

    @cached_property
    def wrong_nodes(self) -> set[Node]:
        """The nodes whose gradients are claimed wrongly."""
        return {claim.node for claim in self.claims if claim.wrong}

    @cached_property
    def reach(self) -> set[Node]:
        """The nodes from which a changed gradient could get to a wrong claim."""
        found = set(self.wrong_nodes)
        for node in self.recording.nodes:
            if any(parent in found for parent in node.inputs):
                found.add(node)
        return found

    @cached_property
    def sizes(self) -> dict[int, str]:
        """The sizes that occur in the graph, with what they count."""
        found: dict[int, str] = {}
        rows = [v.shape[0] for v in self.anatomy.constants if v.ndim >= 2]
        rows += [len(v) for v in self.anatomy.indices]
        for n in rows[:1]:
            found[n] = "the number of samples"
        for node in self.recording.nodes:
            for n in node.shape or ():
                found.setdefault(n, "a size")
            size = int(np.prod(node.shape or ()))
            if len(node.shape or ()) > 1:
                found.setdefault(size, "the number of elements")
        return {n: what for n, what in found.items() if n > 1}

    def nearest(self, node: Node, others: Sequence[Any], places: int) -> list[Any]:
        """Return of the values that could be mixed up with a node's the likeliest: the nearest.

        Args:
            node: the place.
            others: pairs that start with a node (None for a constant), or such tuples.
            places: at how many places everything is tried.
        """
        count = max(16, self.budget // max(1, places))
        if len(others) <= count:
            return list(others)
        return sorted(others, key=lambda o: 0 if o[0] is None else abs(o[0].index - node.index))[
            :count
        ]

    def gradient_name(self, node: Node) -> str:
        """Return what a node's gradient is called."""
        return self.names.gradient(node)

    def carried(self, node: Node, array: Any) -> tuple[Node, Array] | None:
        """Carry an oddly shaped gradient to the leaf that rearrangements of it come from.

        Returns None where other gradients would have to be added to it.
        """
        array = np.asarray(array)
        consumers = self.recording.consumers
        while True:
            if len(consumers[node]) != 1 and node is not self.recording.root:
                return None
            if node.primitive is None or node in self.claimed_nodes:
                return node, array
            if node.name == "transpose" and array.ndim >= 2:
                array = array.mT
            elif node.name in ("squeeze", "unsqueeze", "reshape"):
                parent = node.inputs[0]
                if parent is None or array.size != int(np.prod(parent.shape or ())):
                    return None
                array = array.reshape(parent.shape or ())
            elif node.name not in ("clone", "cast"):
                return None
            above = node.inputs[0]
            if above is None:
                return None
            node = above

    def replace(self, edge: tuple[Node, int], compute: Callable[[Array], Any]) -> Change | None:
        """Return the change by which an edge carries ``compute(arriving gradient)``.

        Where that has another shape than the gradient it stands for, it can only be what was noted
        down for a leaf; None where it cannot even be that.
        """
        node, k = edge
        target = node.inputs[k]
        assert target is not None
        try:
            new = np.asarray(compute(np.asarray(self.recording.gradients[node])))
        except (ValueError, IndexError, TypeError):
            return None
        if new.shape == target.shape:
            return Change(edges={edge: lambda g, _: compute(g)})
        if target.shape is not None and new.ndim > len(target.shape):
            return None
        carried = self.carried(target, new)
        if carried is None:
            return None
        leaf, array = carried
        return Change(final={leaf: lambda _: array})


Generator = Callable[[View], Iterable[Hypothesis]]


def both(changes: Iterable[Change | None]) -> Change | None:
    """Return several changes as one; None if one of them is impossible or there are none."""
    result: Change | None = None
    for change in changes:
        if change is None:
            return None
        result = change if result is None else result | change
    return result


def only(items: Iterable[Any]) -> Iterator[Any]:
    """Yield what is not None."""
    return (item for item in items if item is not None)
