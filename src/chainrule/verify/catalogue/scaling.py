"""A gradient that is right up to a factor: its sign, a constant, zero."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.graph import Node
from chainrule.verify.catalogue.registry import kind
from chainrule.verify.diagnosis.hypothesis import Claim, Hypothesis, Reading, View, both
from chainrule.verify.diagnosis.recording import Array, Change

_LEARNING_RATES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 5e-3, 3e-3, 2e-3, 1e-3, 1e-4)


@dataclass(frozen=True)
class Factor:
    """A factor that somebody could have written: what it is, and how likely."""

    text: str
    reason: str
    prior: float


def total(view: View, node: Node) -> str:
    """Return the right gradient of a node: the sum of what its consumers send, as a formula."""
    parts = [
        view.names.rule((n, k))
        for n, k in view.recording.consumers[node]
        if n in view.recording.gradients
    ]
    return " + ".join(parts) if parts else "1"


def named_factor(view: View, s: float, entries: int, tolerance: float) -> Factor | None:
    """Return what a factor is, None if no human would have used it."""

    def near(value: float) -> bool:
        return abs(s - value) <= 3 * tolerance * max(abs(value), 1e-12)

    for m in (2, 3, 4):
        if near(m):
            return Factor(str(m), f"a factor {m} too much", 0.85)
        if near(1 / m):
            return Factor(f"1/{m}", f"a factor {m} is missing (or it was divided by {m})", 0.85)
        if near(-m):
            return Factor(f"−{m}", f"the sign is reversed and there is a factor {m} too much", 0.6)
        if near(-1 / m):
            return Factor(f"−1/{m}", f"the sign is reversed and a factor {m} is missing", 0.6)
    for n, what in view.sizes.items():
        counted = f"{n}, {what}" if what != "a size" else f"{n}, the size of a dimension"
        if near(n):
            return Factor(str(n), f"the division by {counted}, is missing: a sum for a mean", 0.84)
        if near(1 / n):
            return Factor(f"1/{n}", f"divided by {counted}, once too often: a mean for a sum", 0.84)
        for value, text, why in (
            (n / (n - 1), f"{n}/{n - 1}", f"n − 1 = {n - 1} in place of n = {n}"),
            ((n - 1) / n, f"{n - 1}/{n}", f"n = {n} in place of n − 1 = {n - 1}"),
            (math.sqrt(n), f"√{n}", f"the division by √{n} is missing"),
            (1 / math.sqrt(n), f"1/√{n}", f"divided by √{n} once too often"),
        ):
            if near(value):
                return Factor(text, why, 0.82)
        for value, text in (
            (2 * n, f"2·{n}"),
            (n / 2, f"{n}/2"),
            (2 / n, f"2/{n}"),
            (1 / (2 * n), f"1/(2·{n})"),
            (n * n, f"{n}²"),
            (1 / (n * n), f"1/{n}²"),
        ):
            if near(value):
                return Factor(text, f"a factor {text} ({n} is {what})", 0.7)
        if near(-n) or near(-1 / n):
            return Factor(f"{s:.6g}", f"the sign is reversed, and a factor {abs(s):.6g}", 0.5)
    for n in view.sizes:
        for m in view.sizes:
            if m < n:
                continue
            for value, text in ((n * m, f"{n}·{m}"), (1 / (n * m), f"1/({n}·{m})")):
                if near(value):
                    return Factor(text, f"a factor {text}", 0.6)
            for value, text in ((n / m, f"{n}/{m}"), (m / n, f"{m}/{n}")):
                if near(value):
                    reason = f"a factor {text}: a mean over the wrong number of elements"
                    return Factor(text, reason, 0.6)
    for rate in _LEARNING_RATES:
        for value in (rate, -rate):
            if near(value):
                reason = f"{value:g} is a factor of a learning rate: the step, not the gradient"
                return Factor(f"{value:g}".replace("-", "−"), reason, 0.55)
    if entries < 4:
        return None
    return Factor(f"{s:.6g}".replace("-", "−"), f"a constant factor {s:.6g}", 0.3)


def _reading(
    view: View, node: Node, t: float, claim: Claim, bonus: float = 0.0, every: str = ""
) -> Reading | None:
    # The unit change makes the gradient 0, so the claim is 1 − t times the right one.
    s = 1 - t
    tolerance = max(claim.tolerance, 1e-9)
    name = every or view.gradient_name(node)
    if abs(s) <= tolerance or abs(s - 1) <= tolerance:
        return None
    formula = (lambda: "") if every else (lambda: f"{name} = {total(view, node)}")
    if abs(s + 1) <= 3 * tolerance:
        return Reading(
            "sign",
            lambda: f"{name} has the opposite sign.",
            formula,
            (lambda: "") if every else (lambda: f"{name} = −({total(view, node)})"),
            0.9 + bonus,
        )
    factor = named_factor(view, s, claim.array.size, tolerance)
    if factor is None:
        return None
    return Reading(
        "scale",
        lambda: f"{name} is {factor.text} times what it should be: {factor.reason}.",
        formula,
        (lambda: "") if every else (lambda: f"{name} = {factor.text} · ({total(view, node)})"),
        factor.prior + bonus,
    )


def _zeros(g: Array) -> Array:
    return np.zeros_like(g)


@kind(
    "sign",
    summary="the gradient has the opposite sign",
    right="dz = p − y",
    wrong="dz = y − p",
)
def sign(view: View) -> Iterator[Hypothesis]:
    """Yield every gradient, and every summand of one, up to an unknown factor: also for `scale`."""
    for node in view.recording.nodes:
        if node not in view.reach or node not in view.recording.gradients:
            continue
        if not isinstance(view.recording.gradients[node], np.ndarray):
            continue
        if node.primitive is None:
            change = Change(final={node: _zeros})
        else:
            change = Change(nodes={node: _zeros})
        bonus = 0.02 if view.names.given(node) is not None else 0.0
        if node is view.recording.root:
            bonus = -0.05  # nobody gets the 1 wrong that everything starts with
        yield Hypothesis(
            node,
            change,
            lambda t, c, n=node, b=bonus: _reading(view, n, t, c, b),  # type: ignore[misc]
            fit=True,
        )
        if node in view.claimed_nodes and node.primitive is not None:
            yield Hypothesis(
                node,
                Change(final={node: _zeros}),
                lambda t, c, n=node: _reading(view, n, t, c, -0.05),  # type: ignore[misc]
                fit=True,
            )
        consumers = view.recording.consumers[node]
        if len(consumers) > 1:
            for edge in consumers:
                yield Hypothesis(
                    edge[0],
                    Change(edges={edge: lambda _, right: np.zeros_like(right)}),
                    lambda t, c, e=edge, n=node: _part_reading(view, e, n, t, c),  # type: ignore[misc]
                    fit=True,
                )
    yield from _alike(view)


def _part_reading(
    view: View, edge: tuple[Node, int], node: Node, t: float, claim: Claim
) -> Reading | None:
    reading = _reading(view, node, t, claim, -0.04)
    if reading is None:
        return None
    name, part = view.gradient_name(node), view.names.rule(edge)
    s = 1 - t
    factor = "−" if reading.kind == "sign" else f"{s:.6g}·"
    how = "the opposite sign" if reading.kind == "sign" else f"{s:.6g} times its right size"
    return Reading(
        reading.kind,
        lambda: f"In {name} the part that comes through {edge[0].name} has {how}.",
        lambda: f"{name} = {total(view, node)}",
        lambda: f"{name} = … {factor}({part}) …",
        reading.prior,
    )


def _alike(view: View) -> Iterator[Hypothesis]:
    """Yield the same unknown factor in all weights' gradients, and in all biases'."""
    weights = [p.weight for p in view.anatomy.weight_products if p.weight is not None]
    biases = [
        node
        for node in view.recording.nodes
        if node.primitive is None and node not in weights and node in view.wrong_nodes
    ]
    for nodes, what in ((weights, "Every weight's gradient"), (biases, "Every bias's gradient")):
        wrong = [n for n in dict.fromkeys(nodes) if n in view.wrong_nodes]
        if len(wrong) < 2:
            continue
        change = both(Change(final={n: _zeros}) for n in wrong)
        if change is not None:
            yield Hypothesis(
                wrong[-1],
                change,
                lambda t, c, w=what, n=wrong[-1]: _reading(view, n, t, c, -0.01, w),  # type: ignore[misc]
                fit=True,
                places=len(wrong),
            )


@kind(
    "scale",
    summary="the gradient is a constant times what it should be",
    right="dz = 2 (a − y) / n",
    wrong="dz = (a − y)",
)
def scale(view: View) -> Iterator[Hypothesis]:
    """Yield nothing of its own: the hypotheses of `sign` have their factor fitted."""
    yield from ()


@kind(
    "zero",
    summary="the gradient was never filled in",
    right="dW = xᵀ dz",
    wrong="dW = zeros_like(W)",
)
def zero(view: View) -> Iterator[Hypothesis]:
    """Yield a gradient of zeros for every claim that is one."""
    for claim in view.claims:
        if claim.wrong and claim.array.size and not np.any(claim.array):
            node, name = claim.node, view.gradient_name(claim.node)
            for change, prior in (
                (Change(final={node: lambda _, shape=claim.array.shape: np.zeros(shape)}), 0.97),  # type: ignore[misc]
                (Change(nodes={node: _zeros}), 0.96),
            ):
                yield Hypothesis(
                    node,
                    change,
                    Reading(
                        "zero",
                        lambda name=name: f"{name} is all zeros: it was never filled in.",  # type: ignore[misc]
                        lambda name=name, node=node: f"{name} = {total(view, node)}",  # type: ignore[misc]
                        lambda name=name: f"{name} = 0",  # type: ignore[misc]
                        prior,
                    ),
                )
