"""Exponentials, logarithms, roots and powers, and combinations of three operands."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import SPECIAL, Index, Operation, Sample, strided, uniform
from tests.ops.samples.elementwise import (
    binary,
    binary_samples,
    of_tensors,
    tensors_only,
    unary,
)


def three(*shapes: tuple[int, ...], value: Any = None, name: str = "") -> Sample:
    """Return a sample of three operands, the last of them away from 0."""
    a, b, c = (uniform(*shape, seed=k) for k, shape in enumerate(shapes))
    named = {} if value is None else {"value": value}
    return Sample(name or str(shapes), (a, b, np.asarray(np.abs(c) + 0.3)), named)


_THREE = (
    three((2, 3), (2, 3), (2, 3)),
    three((2, 3), (2, 3), (2, 3), value=-2.5, name="multiple"),
    three((2, 3), (2, 3), (2, 3), value=3, name="whole multiple"),
    three((2, 1), (1, 3), ()),
    three((), (2,), (2, 1)),
    three((), (), ()),
    three((0, 3), (3,), (1, 1)),
    Sample("not contiguous", (strided(2, 3), uniform(2, 3), strided(2, 3, seed=1) + 3.0)),
    Sample("special values", (SPECIAL, SPECIAL[::-1].copy(), np.roll(SPECIAL, 3)), smooth=False),
)


def lerped(name: str, a: Any, b: Any, weight: Any, smooth: bool = True) -> Sample:
    return Sample(name, (a, b, weight), smooth=smooth)


# None negative: 2 to that power has the gradient 0 in PyTorch.
_EXPONENTS = Index(np.array([3, 1, 0]))

OPERATIONS = (
    unary("exp2"),
    unary("expm1", kinks=(1e-8, -1e-8)),
    unary("log2", low=0.1, high=3.0),
    unary("log10", low=0.1, high=3.0),
    unary("log1p", low=-0.8, high=3.0, kinks=(1e-8, -1e-8, -1.0)),
    unary("square"),
    unary("reciprocal", low=0.3, high=3.0),
    unary("rsqrt", low=0.1, high=3.0),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            tensors_only(binary_samples()),
            name,
            summing=True,
        )
        for name in ("logaddexp", "logaddexp2")
    ),
    Operation("addcmul", cr.addcmul, torch.addcmul, _THREE, method="addcmul", summing=True),
    Operation("addcdiv", cr.addcdiv, torch.addcdiv, _THREE, method="addcdiv", summing=True),
    Operation(
        "lerp",
        cr.lerp,
        torch.lerp,
        (
            lerped("number", uniform(2, 3), uniform(2, 3, seed=1), 0.3),
            lerped("number beyond the half", uniform(2, 3), uniform(2, 3, seed=1), 0.8),
            lerped("whole number", uniform(2, 3), uniform(2, 3, seed=1), 1),
            lerped("tensor", uniform(2, 3), uniform(2, 3, seed=1), uniform(2, 3, seed=2)),
            lerped("broadcast", uniform(2, 1), uniform(3), uniform(1, 3, seed=2)),
            lerped("0-d", uniform(), uniform(seed=1), uniform(seed=2)),
            lerped("empty", uniform(0, 3), uniform(3), 0.5),
            lerped(
                "both ends", uniform(3), uniform(3, seed=1), np.array([0.0, 1.0, 0.5]), smooth=False
            ),
        ),
        method="lerp",
        summing=True,
    ),
    binary(
        "float_power",
        cr.float_power,
        torch.float_power,
        binary_samples(low=0.2, high=2.5, special=False),
        "float_power",
    ),
    Operation(
        "ldexp",
        cr.ldexp,
        torch.ldexp,
        (
            Sample("matrix", (uniform(2, 3), _EXPONENTS)),
            Sample("float exponents", (uniform(2, 3), uniform(2, 3, seed=1))),
            Sample("broadcast", (uniform(2, 1), uniform(3))),
            Sample("0-d", (uniform(), Index(np.array(2)))),
            Sample("empty", (uniform(0, 3), _EXPONENTS)),
        ),
        method="ldexp",
    ),
    Operation(
        "frexp",
        cr.frexp,
        torch.frexp,
        (
            Sample("matrix", (uniform(2, 3),)),
            Sample("0-d", (np.array(6.0),)),
            Sample("empty", (np.zeros((0, 3)),)),
            Sample("powers of 2", (np.array([1.0, 0.5, -2.0, 1e-7]),), smooth=False),
            # Not the smallest: PyTorch works the slope out in float32.
            Sample("special values", (SPECIAL[SPECIAL != 1e-300],), smooth=False),
        ),
        method="frexp",
    ),
    binary("rsub", cr.rsub, torch.rsub, of_tensors(binary_samples())),
    Operation(
        "rsub with alpha",
        lambda a, b: cr.rsub(a, b, alpha=2),
        lambda a, b: torch.rsub(a, b, alpha=2),
        tensors_only(binary_samples())[:3],
    ),
)
