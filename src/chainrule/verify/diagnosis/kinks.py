"""Conventions at kinks: where a derivative does not exist, a hand-written one may differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.verify.diagnosis.recording import Change, Recording


def relu_convention(recording: Recording) -> Change | None:
    """Return the change by which max(z, 0) has the derivative 0 at 0, None if nothing is at 0.

    The engine follows PyTorch: ``maximum`` shares the gradient of a tie, ``clamp`` passes it. Who
    writes a relu as either means the mask z > 0.
    """
    change = Change()
    for node in recording.nodes:
        if node.name not in ("maximum", "clamp_min") or node not in recording.gradients:
            continue
        values = recording.inputs(node)
        for k in (0, 1):
            z, limit = np.asarray(values[k]), values[1 - k]
            if node.inputs[k] is None or node.inputs[1 - k] is not None:
                continue
            if np.ndim(limit) == 0 and float(limit) == 0 and np.any(z == 0):
                change.edges[node, k] = _masked_by(z > 0)
    return change if change.edges else None


def _masked_by(mask: Any) -> Any:
    return lambda g, _: g * mask
