"""Values that were broadcast forward and whose gradient must be summed back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from chainrule.graph import Node
from chainrule.verify.catalogue.registry import kind
from chainrule.verify.diagnosis.hypothesis import Hypothesis, Reading, View, both
from chainrule.verify.diagnosis.recording import Array, Change, Edge

_CARRIERS = frozenset(("add", "sub", "mul", "div", "linear", "broadcast_to"))


def _broadcast(view: View) -> Iterator[tuple[Edge, Node, Array]]:
    """Yield edges into broadcast operands, with the operand's gradient before it is summed."""
    for node in view.recording.nodes:
        if node.name not in _CARRIERS or node not in view.recording.gradients:
            continue
        for k, target in enumerate(node.inputs):
            if target is None or target not in view.reach or target.shape == node.shape:
                continue
            if node.name == "linear":
                if k != 2:
                    continue
                raw = np.asarray(view.recording.gradients[node])
            else:
                raw = view.recording.before_reduction((node, k), view.recording.gradients[node])
            if raw.shape == target.shape:
                continue
            yield (node, k), target, raw


def noted(view: View, target: Node, array: Array) -> Change | None:
    """Return the change by which an oddly reduced gradient is noted down, or flows on."""
    if array.shape == target.shape and target.primitive is not None:
        return Change(nodes={target: lambda _: array})
    carried = view.carried(target, array)
    if carried is None:
        return None
    leaf, value = carried
    return Change(final={leaf: lambda _: value})


def _raw_formula(view: View, edge: Edge) -> str:
    if edge[0].name == "linear":
        return view.gradient_name(edge[0])
    return view.names.rule(edge, summed=False)


def _each(
    view: View,
    kind_: str,
    variants: Callable[[Array, Node], Iterator[tuple[Array, str, str, float]]],
) -> Iterator[Hypothesis]:
    groups: dict[str, list[tuple[Edge, Change, Reading]]] = {}
    for edge, target, raw in _broadcast(view):
        name = view.gradient_name(target)
        for array, how, formula, prior in variants(raw, target):
            if array.shape == target.shape and _equal(array, view.recording.contribution(edge)):
                continue
            change = noted(view, target, array)
            if change is None:
                continue
            reading = Reading(
                kind_,
                lambda n=name, h=how: f"{n} {h}",  # type: ignore[misc]
                lambda n=name, e=edge: f"{n} = {view.names.rule(e)}",  # type: ignore[misc]
                lambda n=name, e=edge, f=formula: f"{n} = " + f.format(raw=_raw_formula(view, e)),  # type: ignore[misc]
                prior,
            )
            groups.setdefault(formula, []).append((edge, change, reading))
            yield Hypothesis(edge[0], change, reading)
    for made in groups.values():
        if len(made) < 2:
            continue
        change = both(c for _, c, _ in made)
        edge, _, reading = made[-1]
        if change is not None:
            yield Hypothesis(edge[0], change, reading, places=len(made))


def _equal(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=0))


@kind(
    "not_summed",
    summary="the gradient of a broadcast value is not summed over what it was broadcast over",
    right="db = Σ_n dz_n",
    wrong="db = dz   or   dz of one sample",
)
def not_summed(view: View) -> Iterator[Hypothesis]:
    """Yield broadcast operands whose gradient is left as it arrived, or taken from one sample."""

    def variants(raw: Array, target: Node) -> Iterator[tuple[Array, str, str, float]]:
        shape = target.shape or ()
        yield (
            raw,
            f"is not summed: the value of shape {list(shape)} was broadcast to "
            f"{list(raw.shape)}, so "
            "its gradient is the sum over what it was broadcast over.",
            "{raw}",
            0.92,
        )
        if raw.ndim > len(shape) and raw.shape[0] > 1:
            for at, word in ((0, "first"), (-1, "last")):
                one = raw[at].reshape(shape) if raw[at].size == int(np.prod(shape)) else raw[at]
                yield one, f"is that of the {word} sample only.", f"({{raw}})[{at}]", 0.7

    yield from _each(view, "not_summed", variants)


@kind(
    "summed_over_wrong_axis",
    summary="the gradient of a broadcast value is summed over the wrong dimension",
    right="db = dz.sum(axis=0)",
    wrong="db = dz.sum(axis=1)",
)
def summed_over_wrong_axis(view: View) -> Iterator[Hypothesis]:
    """Yield broadcast operands whose gradient is summed over other dimensions, or over all."""

    def variants(raw: Array, target: Node) -> Iterator[tuple[Array, str, str, float]]:
        shape = target.shape or ()
        for axis in range(raw.ndim):
            for keep in (False, True):
                yield (
                    np.asarray(raw.sum(axis=axis, keepdims=keep)),
                    f"is summed over dimension {axis}, which is not what it was broadcast over.",
                    f"sum{axis}({{raw}})",
                    0.8,
                )
            if shape and raw.ndim == 2:
                spread = np.broadcast_to(raw.sum(axis=axis, keepdims=True), raw.shape)
                if spread.shape == shape:
                    yield spread.copy(), f"is summed over dimension {axis}.", "sum({raw})", 0.5
        whole = np.asarray(raw.sum())
        for value in (whole, np.full(shape, float(whole))):
            if int(np.prod(shape)) > 1:
                yield value, "is summed over all dimensions.", "sum({raw})", 0.75

    yield from _each(view, "summed_over_wrong_axis", variants)
