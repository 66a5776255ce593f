"""What operations on complex numbers are for real ones, and neighbours of numbers."""

from __future__ import annotations

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import SPECIAL, Operation, Sample, uniform

_SAMPLES = (
    Sample("matrix", (uniform(2, 3, low=0.5, high=2.0),)),
    Sample("both signs", (np.array([-2.0, -0.5, 0.5]),)),
    Sample("zeros", (np.array([0.0, -0.0]),), smooth=False),
    Sample("special values", (SPECIAL,), smooth=False),
    Sample("0-d", (np.array(-1.5),)),
    Sample("empty", (np.zeros((0, 2)),)),
)

OPERATIONS = (
    Operation("angle", cr.angle, torch.angle, _SAMPLES, method="angle"),
    *(
        Operation(name, getattr(cr, name), getattr(torch, name), _SAMPLES, method=method)
        for name, method in (
            ("real", None),
            ("conj", "conj"),
            ("conj_physical", "conj_physical"),
            ("resolve_conj", "resolve_conj"),
            ("resolve_neg", "resolve_neg"),
        )
    ),
)
