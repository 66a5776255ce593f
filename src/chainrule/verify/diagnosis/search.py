"""The search: which mistakes, put into the rules, reproduce the claimed gradients."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chainrule.graph import Node
from chainrule.verify.catalogue import KINDS
from chainrule.verify.diagnosis.hypothesis import Claim, Hypothesis, Reading, View
from chainrule.verify.diagnosis.recording import Array, Change, Mismatch
from chainrule.verify.diagnosis.screen import Screen, is_large

# How many hypotheses are combined with each other when none explains a claim alone.
_LIKELIEST = 30


@dataclass
class Finding:
    """A hypothesis that reproduces a claim.

    Attributes:
        hypothesis: the mistake.
        reading: what it says.
        coefficient: the fitted multiple of the hypothesis' change, 1 without a fit.
        explains: the wrong claims it reproduces.
        first: the first of them in backward order.
    """

    hypothesis: Hypothesis
    reading: Reading
    coefficient: float
    explains: list[Claim]
    first: Claim


@dataclass
class RootCause:
    """A claim that is wrong by a mistake made there, and not as a consequence of another one.

    Attributes:
        claim: the first claim in backward order that shows the mistake.
        findings: the explanations, likeliest first; empty if nothing in the catalogue fits.
        explains: the wrong claims that follow from it, itself included.
        after: the last claim before it that is right, or accounted for.
    """

    claim: Claim
    findings: list[Finding]
    explains: list[Claim] = field(default_factory=list)
    after: Claim | None = None


def find_root_causes(view: View) -> list[RootCause]:
    """Return the mistakes that, put into the rules one after the other, give what was claimed."""
    causes: list[RootCause] = []
    open_claims = [c for c in view.claims if c.wrong]
    settled: list[Claim] = [c for c in view.claims if not c.wrong]
    hypotheses = _hypotheses(view)
    while open_claims:
        claim = open_claims[0]
        findings = _explanations(view, hypotheses, claim, open_claims, settled)
        if not findings and not causes:
            findings = _pairs(view, hypotheses, claim, open_claims, settled)
        before = [c for c in view.claims[: view.claims.index(claim)] if c in settled]
        cause = RootCause(claim, findings, [claim], before[-1] if before else None)
        causes.append(cause)
        if findings:
            best = findings[0]
            cause.explains = best.explains
            view.recording.adopt(best.hypothesis.change, best.coefficient)
        else:
            view.recording.adopt(_as_claimed(view, claim), 1.0)
            cause.explains += [
                c for c in open_claims[1:] if c.reproduced_by(view.recording.gradients[c.node])
            ]
        settled += cause.explains
        open_claims = [c for c in open_claims if c not in cause.explains]
    return causes


def _as_claimed(view: View, claim: Claim) -> Change:
    if claim.node.primitive is None or claim.array.shape != claim.node.shape:
        return Change()
    return Change(nodes={claim.node: lambda _: claim.array})


def _hypotheses(view: View) -> list[Hypothesis]:
    found: list[Hypothesis] = []
    for kind in KINDS.values():
        for hypothesis in kind.generate(view):
            found.append(hypothesis)
    return found


def _explanations(
    view: View,
    hypotheses: list[Hypothesis],
    claim: Claim,
    open_claims: list[Claim],
    settled: list[Claim],
) -> list[Finding]:
    findings = []
    toward = view.recording.toward(claim.node)
    shaped = claim.array.shape == claim.node.shape
    screen = Screen(view.recording, claim) if shaped and is_large(view.recording) else None
    for hypothesis in hypotheses:
        if not _concerns(hypothesis.change, claim, toward, shaped):
            continue
        if screen is not None and not screen.passes(hypothesis):
            continue
        finding = _try(view, hypothesis, claim, open_claims, settled)
        if finding is not None:
            findings.append(finding)
    return _ranked(view, findings)


def _concerns(change: Change, claim: Claim, toward: set[Node], shaped: bool) -> bool:
    """Tell whether a change can move the gradient of a claim at all."""
    if claim.node in change.final:
        return True
    # Only what is noted down can have another shape than the right gradient.
    return shaped and (
        any(node.inputs[k] in toward for node, k in change.edges)
        or any(node in toward for node in change.nodes)
        or any(node in toward for more in change.extra.values() for node, _ in more)
    )


def _ranked(view: View, findings: list[Finding]) -> list[Finding]:
    findings.sort(
        key=lambda f: (
            -len(f.explains),
            -round(f.reading.prior, 3),
            f.hypothesis.places,
            # Of several places that explain the same claims the one nearest to them is named.
            f.hypothesis.node.index,
        )
    )
    kept: list[Finding] = []
    seen: set[str] = set()
    for finding in findings:
        if finding.reading.kind not in seen:
            seen.add(finding.reading.kind)
            kept.append(finding)
    return kept


def _try(
    view: View,
    hypothesis: Hypothesis,
    claim: Claim,
    open_claims: list[Claim],
    settled: list[Claim],
) -> Finding | None:
    """Return a finding if the hypothesis reproduces the claim and breaks none that is settled."""
    recording, change = view.recording, hypothesis.change
    try:
        moved = recording.differences(change, stop=claim.node)
        if claim.node not in moved and claim.node not in change.final:
            return None
        found = recording.gradient_under(claim.node, change, moved)
        right = recording.gradients[claim.node]
        coefficient = 1.0
        if hypothesis.fit:
            fitted = _fit(claim.array, right, found)
            if fitted is None:
                return None
            coefficient = fitted
            found = right + coefficient * (found - right)
        if not claim.reproduced_by(found):
            return None
        reading = (
            hypothesis.reading
            if isinstance(hypothesis.reading, Reading)
            else hypothesis.reading(coefficient, claim)
        )
        if reading is None:
            return None
        moved = recording.differences(change)
    except Mismatch:
        return None
    explains = []
    for other in (*open_claims, *settled):
        if other is claim:
            explains.append(other)
            continue
        touched = other.node in moved or other.node in change.final
        if not touched:
            continue
        was = recording.gradients[other.node]
        now = recording.gradient_under(other.node, change, moved)
        if hypothesis.fit and now.shape == was.shape:
            now = was + coefficient * (now - was)
        if other.reproduced_by(now):
            if other.wrong:
                explains.append(other)
        elif not other.wrong:
            return None
    return Finding(hypothesis, reading, coefficient, explains, claim)


def _fit(claimed: Array, right: Array, unit: Array) -> float | None:
    if claimed.shape != right.shape or unit.shape != right.shape:
        return None
    direction = (unit - right).ravel()
    length = float(direction @ direction)
    if length == 0 or not np.isfinite(length):
        return None
    return float(direction @ (claimed - right).ravel()) / length


def _pairs(
    view: View,
    hypotheses: list[Hypothesis],
    claim: Claim,
    open_claims: list[Claim],
    settled: list[Claim],
) -> list[Finding]:
    """Try two mistakes at once, among the likeliest that have something to say about the claim."""
    likeliest: list[tuple[float, Hypothesis, Reading]] = []
    toward = view.recording.toward(claim.node)
    shaped = claim.array.shape == claim.node.shape
    count = _LIKELIEST // 4 if is_large(view.recording) else _LIKELIEST
    for hypothesis in hypotheses:
        if hypothesis.fit or not isinstance(hypothesis.reading, Reading):
            continue
        if not _concerns(hypothesis.change, claim, toward, shaped):
            continue
        likeliest.append((hypothesis.reading.prior, hypothesis, hypothesis.reading))
    likeliest.sort(key=lambda item: -item[0])
    able: list[tuple[Hypothesis, Reading]] = []
    for _, hypothesis, reading in likeliest:
        if len(able) == count:
            break
        if _affects(view, hypothesis, claim.node):
            able.append((hypothesis, reading))
    findings: list[Finding] = []
    for i, (first, one) in enumerate(able):
        for second, two in able[i + 1 :]:
            if first.node is second.node:
                continue
            pair = Hypothesis(
                first.node,
                first.change | second.change,
                Reading(
                    one.kind,
                    lambda a=one, b=two: f"{a.message()} Also: {b.message()}",  # type: ignore[misc]
                    one.expected,
                    one.claimed,
                    one.prior * two.prior,
                ),
                places=2,
            )
            finding = _try(view, pair, claim, open_claims, settled)
            if finding is not None:
                findings.append(finding)
    return _ranked(view, findings)


def _affects(view: View, hypothesis: Hypothesis, node: Node) -> bool:
    try:
        moved = view.recording.differences(hypothesis.change, stop=node)
    except Mismatch:
        return False
    return node in moved or node in hypothesis.change.final
