"""Values used several times, of which only some paths are followed back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.catalogue.registry import kind
from chainrule.verify.catalogue.scaling import total
from chainrule.verify.diagnosis.anatomy import PRODUCTS, Product
from chainrule.verify.diagnosis.hypothesis import Hypothesis, Reading, View
from chainrule.verify.diagnosis.recording import Array, Change, Edge

_REDUCTIONS = frozenset(("mean", "sum", "var", "std", "amax", "amin", "logsumexp"))
_INDEXING = frozenset(("index", "getitem", "gather"))


def _dropped(_: Array, right: Array) -> Array:
    return np.zeros_like(right)


def _drop(edges: list[Edge]) -> Change:
    return Change(edges=dict.fromkeys(edges, _dropped))


def _uses(view: View, node: Node) -> list[Edge]:
    """Return the edges by which a value is used, seen through copies of it."""
    found: list[Edge] = []
    for edge in view.recording.consumers[node]:
        consumer = edge[0]
        if consumer not in view.recording.gradients:
            continue
        if consumer.name in ("clone", "cast", "broadcast_to", "transpose", "reshape"):
            inner = _uses(view, consumer)
            found.extend(inner if inner else [edge])
        else:
            found.append(edge)
    return found


def _is_accumulated(view: View, node: Node, edges: list[Edge]) -> bool:
    """Tell whether a value's uses are alike (time steps, shared weights) rather than branches."""
    if view.anatomy.is_parameter(node):
        return True
    names = {edge[0].name for edge in edges}
    return len(names) == 1 and names <= PRODUCTS | _INDEXING


def _through(view: View, edge: Edge) -> str:
    node = edge[0]
    name = view.names.given(node)
    return name if name is not None else node.name


@kind(
    "not_accumulated",
    summary="a value is used several times, and not all uses are counted",
    right="dW = Σ_t dz_tᵀ h_{t−1}",
    wrong="dW = dz_Tᵀ h_{T−1}   (= in place of +=)",
)
def not_accumulated(view: View) -> Iterator[Hypothesis]:
    """Yield values of which one use is counted, all but one, or the last of repeated indices."""
    for node, edges in _branching(view):
        if not _is_accumulated(view, node, edges):
            continue
        name = view.gradient_name(node)
        right = _lazy_total(view, node)
        count = len(edges)
        for edge in edges:
            rest = [e for e in edges if e is not edge]
            which = "last" if edge is edges[-1] else "first" if edge is edges[0] else "middle"
            part = _lazy_rule(view, edge)
            yield Hypothesis(
                edge[0],
                _drop(rest),
                Reading(
                    "not_accumulated",
                    lambda n=name, k=count, w=which: (
                        f"{n} counts only one of the {k} uses (the "  # type: ignore[misc]
                        f"{w} one in the forward pass): add them up, += instead of =."
                    ),
                    right,
                    lambda n=name, p=part: f"{n} = {p()}",  # type: ignore[misc]
                    0.86 if which != "middle" else 0.6,
                ),
            )
            if len(edges) > 2:
                yield Hypothesis(
                    edge[0],
                    _drop([edge]),
                    Reading(
                        "not_accumulated",
                        lambda n=name, k=count, e=edge: (
                            f"{n} lacks one of its {k} uses: the one "  # type: ignore[misc]
                            f"in {_through(view, e)}."
                        ),
                        right,
                        lambda n=name, p=part: f"{n} = all but {p()}",  # type: ignore[misc]
                        0.8,
                    ),
                )
    yield from _through_time(view)
    yield from _repeated_indices(view)


def _lazy_total(view: View, node: Node) -> Any:
    return lambda: f"{view.gradient_name(node)} = {_short(total(view, node))}"


def _lazy_rule(view: View, edge: Edge) -> Any:
    return lambda: view.names.rule(edge)


def _short(text: str) -> str:
    return text if len(text) < 300 else text[:297] + "…"


def _branching(view: View) -> Iterator[tuple[Node, list[Edge]]]:
    for node in view.recording.nodes:
        if node not in view.reach or node.name in ("clone", "cast"):
            continue
        edges = _uses(view, node)
        if len(edges) > 1:
            yield node, edges


def _states(view: View) -> list[tuple[Node, list[Edge]]]:
    """Return the states of a recurrence, with the edges by which each enters the next step."""
    steps: dict[Node, list[Product]] = {}
    for product in view.anatomy.weight_products:
        assert product.weight is not None
        steps.setdefault(product.weight, []).append(product)
    found: dict[Node, list[Edge]] = {}
    for products in steps.values():
        for before, after in itertools.pairwise(products):
            # Recurrent: what the product makes at one step is needed for its operand at the next.
            if after.other is None or not view.anatomy.leads_to(before.edge[0], after.other):
                continue
            state = view.anatomy.through_copies(after.other)
            if state in view.reach:
                found.setdefault(state, []).append((after.edge[0], 1 - after.edge[1]))
    return list(found.items())


def _through_time(view: View) -> Iterator[Hypothesis]:
    """Yield recurrences whose gradient does not go back in time: dh_t from its own output only."""
    states = _states(view)
    edges = [edge for _, recurrent in states for edge in recurrent]
    if not states:
        return
    node = states[-1][0]
    name = view.gradient_name(node)
    yield Hypothesis(
        node,
        _drop(edges),
        Reading(
            "not_accumulated",
            lambda: (
                f"No gradient flows back from a step to the one before: {name} lacks what comes "
                "through the next step."
            ),
            _lazy_total(view, node),
            lambda: f"{name} without {view.names.rule(edges[-1])}",
            0.84,
        ),
        places=len(edges),
    )
    own = [
        edge for state, recurrent in states for edge in _uses(view, state) if edge not in recurrent
    ]
    if own:
        yield Hypothesis(
            node,
            _drop(own),
            Reading(
                "not_accumulated",
                lambda: (
                    f"{name} counts only what comes back from the next step: at every step the "
                    "part from its own output is missing (= for +=)."
                ),
                _lazy_total(view, node),
                lambda: f"{name} without {view.names.rule(own[-1])}",
                0.84,
            ),
            places=len(own),
        )


def _repeated_indices(view: View) -> Iterator[Hypothesis]:
    for node in view.recording.nodes:
        if node.name not in ("index", "gather") or node not in view.recording.gradients:
            continue
        target = node.inputs[0]
        if target is None or target not in view.reach or node.name == "gather":
            continue
        (index,) = view.recording.params(node)
        name = view.gradient_name(target)
        shown = view.names.rule((node, 0))

        def assigned(g: Array, right: Array, index: Any = index, last: bool = True) -> Array:
            out = np.zeros_like(right)
            if last:
                out[index] = g
            else:
                flipped = tuple(
                    np.flip(p) if isinstance(p, np.ndarray) else p
                    for p in (index if isinstance(index, tuple) else (index,))
                )
                ndim = next((p.ndim for p in flipped if isinstance(p, np.ndarray)), 0)
                out[flipped] = np.flip(g, axis=tuple(range(ndim)))
            return out

        yield Hypothesis(
            node,
            Change(edges={(node, 0): assigned}),
            Reading(
                "not_accumulated",
                lambda n=name: (
                    f"{n} is assigned at the indices, so of an index that occurs several "  # type: ignore[misc]
                    "times only one occurrence counts: d[i] += g in place of d[i] = g needs "
                    "np.add.at "
                    "(d[i] += g with an index array counts each index once, too)."
                ),
                lambda n=name, s=shown: f"{n} = {s}, repeated indices added up",  # type: ignore[misc]
                lambda n=name: f"{n}[index] = g",  # type: ignore[misc]
                0.92,
            ),
        )


@kind(
    "missing_path",
    summary="a path back is not followed: a mean, a variance, a residual connection",
    right="dx = dy/σ − mean(dy/σ) − x̂ mean(dy ⊙ x̂)/σ",
    wrong="dx = dy/σ",
)
def missing_path(view: View) -> Iterator[Hypothesis]:
    """Yield values whose paths through a reduction, or on one side of a sum, are dropped."""
    by_reduction: list[Edge] = []
    for node, edges in _branching(view):
        if _is_accumulated(view, node, edges):
            continue
        name = view.gradient_name(node)
        right = _lazy_total(view, node)
        for edge in edges:
            through = _through(view, edge)
            if edge[0].name in _REDUCTIONS:
                by_reduction.append(edge)
            yield Hypothesis(
                edge[0],
                _drop([edge]),
                Reading(
                    "missing_path",
                    lambda n=name, t=through, e=edge: (
                        f"{n} lacks the path through {_what(view, e, t)}."
                    ),  # type: ignore[misc]
                    right,
                    lambda n=name, e=edge: f"{n} without {view.names.rule(e)}",  # type: ignore[misc]
                    0.86 if edge[0].name in _REDUCTIONS else 0.82,
                ),
            )
    yield from _through_statistics(view)


def _what(view: View, edge: Edge, through: str) -> str:
    node = edge[0]
    names = {"mean": "the mean", "var": "the variance", "std": "the standard deviation",
             "amax": "the maximum", "sum": "the sum"}  # fmt: skip
    if node.name in names:
        given = view.names.given(node)
        return names[node.name] + (f" {given}" if given is not None else "")
    if node.name == "add":
        return f"the sum {through} (a residual connection)"
    return f"{through} ({node.name}, which makes {view.names.text(node)})"


def _through_statistics(view: View) -> Iterator[Hypothesis]:
    """Yield normalisations whose mean, variance or both count as constants."""
    statistics: list[tuple[Node, Node]] = []
    for node in view.recording.nodes:
        if node.name in _REDUCTIONS and node in view.reach and node in view.recording.gradients:
            source = node.inputs[0]
            if source is not None and (node.shape or ()) != () and node in view.recording.gradients:
                statistics.append((node, source))
    if not statistics:
        return
    groups: dict[str, list[Node]] = {"all": [n for n, _ in statistics]}
    for node, _ in statistics:
        groups.setdefault(view.names.given(node) or f"node {node.index}", []).append(node)
    for node, _ in statistics:
        # Whatever is computed from it (a square root, a reciprocal) counts as a constant too.
        for edge in view.recording.consumers[node]:
            inside = edge[0]
            if inside.shape == node.shape and inside in view.recording.gradients:
                groups.setdefault(view.names.text(inside), []).append(inside)
    for label, nodes in groups.items():
        if label == "all" and len(nodes) < 2:
            continue
        first = nodes[0]
        what = (
            "the mean and the variance"
            if label == "all"
            else f"{view.names.text(first)} ({first.name})"
        )
        yield Hypothesis(
            nodes[-1],
            Change(nodes=dict.fromkeys(nodes, np.zeros_like)),
            Reading(
                "missing_path",
                lambda w=what: (
                    f"The gradient through {w} is missing: it was taken for a constant, but it "  # type: ignore[misc]
                    "depends on the input."
                ),
                lambda n=first: f"{view.gradient_name(n)} = {_short(total(view, n))}",  # type: ignore[misc]
                lambda n=first: f"{view.gradient_name(n)} = 0",  # type: ignore[misc]
                0.87 if len(nodes) == 1 else 0.85,
            ),
            places=len(nodes),
        )
