"""Sorting out hypotheses about large graphs without sweeping through them.

A rule changed at one place moves the gradient of a claimed value θ by Jᵀ Δ: Δ is the change there
and J how the value at that place depends on θ. Projected on a direction ρ that is Δ · (J ρ), and
J ρ, for every place at once, takes two forward passes. So a hypothesis costs an inner product, and
only those that agree with the claim along random directions are put into the rules.
"""

from __future__ import annotations

import numpy as np

from chainrule.graph import Node
from chainrule.verify.diagnosis.hypothesis import Claim, Hypothesis
from chainrule.verify.diagnosis.recording import Array, Recording
from chainrule.verify.reevaluation import Reevaluation

_DIRECTIONS = 3
# Differences of two forward passes are good to six digits, single precision to about four.
_TOLERANCE = 1e-2


def is_large(recording: Recording) -> bool:
    """Tell whether sweeping once per hypothesis would be felt."""
    if any(
        node.primitive is not None and node.primitive.forward is None for node in recording.nodes
    ):
        return False  # a custom operation cannot be run again, so nothing can be screened
    size = sum(int(np.prod(node.shape or ())) for node in recording.nodes)
    return len(recording.nodes) > 120 or size > 200_000


class Screen:
    """Tells which hypotheses could reproduce a claim.

    Args:
        recording: the graph.
        claim: the claim, of the shape of the right gradient.
    """

    def __init__(self, recording: Recording, claim: Claim) -> None:
        self.recording = recording
        self.target = claim.node
        function = Reevaluation(recording.loss)
        value = np.asarray(recording.values[claim.node], np.float64)
        random = np.random.default_rng(0)
        step = 1e-6 * max(1.0, float(np.max(np.abs(value), initial=0)))
        difference = claim.array - recording.gradients[claim.node]
        self._tangents: list[dict[Node, Array]] = []
        self._wanted: list[float] = []
        for _ in range(_DIRECTIONS):
            direction = random.standard_normal(value.shape)
            up = function.values({claim.node: value + step * direction})
            down = function.values({claim.node: value - step * direction})
            self._tangents.append(
                {
                    node: (up[node] - down[node]) / (2 * step)
                    for node in recording.toward(claim.node)
                    if node.shape is not None
                }
            )
            self._wanted.append(float(np.vdot(difference, direction)))

    def passes(self, hypothesis: Hypothesis) -> bool:
        """Tell whether a hypothesis could reproduce the claim, as far as can be told cheaply."""
        change = hypothesis.change
        if change.extra or change.final or len(change.edges) + len(change.nodes) != 1:
            return True
        gradients = self.recording.gradients
        if change.nodes:
            ((node, function),) = change.nodes.items()
            if node not in gradients:
                return False
            moved = np.asarray(function(gradients[node])) - gradients[node]
        else:
            (((source, k), rule),) = change.edges.items()
            target = source.inputs[k]
            if target is None or source not in gradients:
                return False
            node = target
            right = self.recording.contribution((source, k))
            moved = np.asarray(rule(gradients[source], right)) - right
        if node not in self._tangents[0] or moved.shape != node.shape:
            return False
        found = np.array([float(np.vdot(moved, t[node])) for t in self._tangents])
        wanted = np.array(self._wanted)
        if hypothesis.fit:
            length = float(found @ found)
            if length == 0:
                return False
            found = found * (float(found @ wanted) / length)
        scale = max(float(np.max(np.abs(found))), float(np.max(np.abs(wanted))))
        return bool(np.max(np.abs(found - wanted)) <= _TOLERANCE * scale)
