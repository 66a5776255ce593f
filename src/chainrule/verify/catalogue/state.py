"""Gradients of another time or another precision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.verify.catalogue.registry import kind
from chainrule.verify.catalogue.scaling import total
from chainrule.verify.diagnosis.hypothesis import Claim, Hypothesis, Reading, View, both
from chainrule.verify.diagnosis.recording import Array, Change


@kind(
    "stale",
    summary="the gradient is that of an earlier forward pass, or is added to it",
    right="dW = ∂L/∂W of this batch",
    wrong="dW = ∂L/∂W of the batch before   or   the sum of both",
)
def stale(view: View) -> Iterator[Hypothesis]:
    """Yield claims that are what an earlier pass gave, alone or added."""
    alone: list[tuple[Claim, Array]] = []
    for claim in view.claims:
        if not claim.wrong:
            continue
        node, name = claim.node, view.gradient_name(claim.node)
        for earlier in view.earlier.get(node, ()):
            if earlier.shape != node.shape or not np.any(earlier):
                continue
            right = view.recording.gradients.get(node)
            if right is None or np.allclose(earlier, right, rtol=1e-6):
                continue
            alone.append((claim, earlier))
            for change, how, formula in (
                (
                    Change(final={node: lambda _, e=earlier: e}),  # type: ignore[misc]
                    "is the gradient of an earlier forward pass: it was not computed anew.",
                    "the one of the previous pass",
                ),
                (
                    Change(final={node: lambda g, e=earlier: g + e}),  # type: ignore[misc]
                    "still contains the gradient of an earlier pass: set it to zero before "
                    "each one.",
                    "this pass + the previous one",
                ),
            ):
                yield Hypothesis(
                    node,
                    change,
                    Reading(
                        "stale",
                        lambda n=name, h=how: f"{n} {h}",  # type: ignore[misc]
                        lambda n=name, v=node: f"{n} = {total(view, v)}",  # type: ignore[misc]
                        lambda n=name, f=formula: f"{n} = {f}",  # type: ignore[misc]
                        0.93,
                    ),
                )
    if len({c.node for c, _ in alone}) > 1:
        last = alone[-1][0]
        for added in (False, True):
            whole = both(
                Change(final={c.node: (lambda g, e=e, a=added: g + e if a else e)})  # type: ignore[misc]
                for c, e in alone
            )
            if whole is None:
                continue
            how = (
                "still contain those of an earlier pass"
                if added
                else "are those of an earlier pass"
            )
            yield Hypothesis(
                last.node,
                whole,
                Reading(
                    "stale",
                    lambda h=how: f"The gradients {h}.",  # type: ignore[misc]
                    lambda: "gradients of this forward pass",
                    lambda a=added: "this pass + the previous one" if a else "the previous pass",  # type: ignore[misc]
                    0.93,
                ),
                places=len(alone),
            )


@kind(
    "precision",
    summary="right up to the precision of finite differences or of a short float type",
    right="dW to rounding",
    wrong="dW with errors of 1e-7 to 1e-3",
)
def precision(view: View) -> Iterator[Hypothesis]:
    """Yield nothing: a claim is judged to be close before mistakes are looked for."""
    yield from ()
