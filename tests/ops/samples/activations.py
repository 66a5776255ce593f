"""Activations: every option, their kinks, their tails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import SPECIAL, Operation, Sample, strided, uniform

F, FT = cr.nn.functional, torch.nn.functional


def elementwise(
    *options: dict[str, Any],
    kinks: Iterable[float] = (),
    low: float = -2.0,
    high: float = 2.0,
    special: Any = SPECIAL,
) -> Iterable[Sample]:
    """Yield the shapes and values an activation is tried on, each option on one of them."""
    first, *others = options or ({},)
    yield Sample("matrix", (uniform(2, 3, low=low, high=high),), first)
    yield Sample("0-d", (np.array(0.3),), first)
    yield Sample("empty", (np.zeros((2, 0)),), first)
    yield Sample("not contiguous", (strided(2, 3, low=low, high=high),), first)
    yield Sample("special values", (special,), first, smooth=False)
    yield Sample("tails", (np.linspace(-30, 30, 13),), first, smooth=False)
    if kinks:
        yield Sample("kinks", (np.array(list(kinks)),), first, smooth=False)
    for option in others:
        yield Sample(str(option), (uniform(5, low=low, high=high),), option)


def activation(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    # What lies far from 0 cancels in PyTorch to rounding, and does not here.
    options = {"summing": True, "ulps": 8, **options}
    # The functional form; the methods and top-level functions have descriptions of their own.
    return Operation(f"F.{name}", getattr(F, name), getattr(FT, name), tuple(samples), **options)


def along_dimensions(**options: Any) -> Iterable[Sample]:
    for dim in (0, 1, -1):
        yield Sample(f"dim {dim}", (uniform(2, 4),), {"dim": dim, **options})
    yield Sample("vector", (uniform(4),), {"dim": 0, **options})
    yield Sample("not contiguous", (strided(2, 4),), {"dim": 0, **options})
    yield Sample("no such dimension", (uniform(2, 4),), {"dim": 2, **options})


def preluted() -> Iterable[Sample]:
    yield Sample("one weight", (uniform(2, 3), np.array([0.2])))
    yield Sample("weight of no dimension", (uniform(2, 3), np.array(0.2)))
    yield Sample("a weight a channel", (uniform(2, 3, 2), np.array([0.2, 0.3, -0.1])))
    yield Sample("rows", (uniform(4, 3), np.array([0.2, 0.3, -0.1])))
    yield Sample("vector", (uniform(4), np.array([0.2])))
    yield Sample("0-d", (np.array(-0.4), np.array([0.2])))
    yield Sample("empty", (np.zeros((0, 3)), np.array([0.2])))
    yield Sample("special values", (SPECIAL, np.array([0.2])), smooth=False)
    yield Sample("too many weights", (uniform(2, 3), np.array([0.2, 0.1])))
    yield Sample("weights for a vector", (uniform(3), np.array([0.2, 0.1, 0.3])))
    yield Sample("weight of two dimensions", (uniform(2, 3), np.array([[0.2, 0.1, 0.3]])))


_LIMITS = ({}, {"min_val": -0.5, "max_val": 0.7}, {"min_val": 1.0, "max_val": -1.0})
_THRESHOLD = ({"threshold": 0.1, "value": -3.0},)
_ZERO = (0.0, -0.0)
# PyTorch's gradient at a kink's NaN depends on the dtype, and on the place in memory.
_NUMBERS = SPECIAL[1:]
# Its float32 GELU and Mish turn infinity into NaN.
_FINITE = SPECIAL[3:]

OPERATIONS = (
    activation(
        "gelu", elementwise({}, {"approximate": "tanh"}, {"approximate": "no"}, special=_FINITE)
    ),
    activation("silu", elementwise()),
    activation("mish", elementwise(special=_FINITE)),
    activation(
        "softplus",
        elementwise({}, {"beta": 2.0}, {"beta": 3, "threshold": 1.0}, {"threshold": 1}),
    ),
    activation("logsigmoid", elementwise()),
    activation("elu", elementwise({}, {"alpha": 0.5}, {"alpha": -0.5}, kinks=_ZERO)),
    activation("celu", elementwise({}, {"alpha": 0.5}, {"alpha": 0.0}, kinks=_ZERO)),
    activation("selu", elementwise(kinks=_ZERO)),
    activation("softsign", elementwise(kinks=_ZERO)),
    activation("tanhshrink", elementwise()),
    activation("hardtanh", elementwise(*_LIMITS, kinks=(-1.0, 1.0), special=_NUMBERS)),
    activation("relu6", elementwise(kinks=(0.0, 6.0), low=-2.0, high=8.0, special=_NUMBERS)),
    activation("relu", elementwise(kinks=_ZERO)),
    Operation(
        "F.hardsigmoid",
        F.hardsigmoid,
        # PyTorch's own gradient rounds 1/6 to float32 in float64 too.
        lambda x: FT.relu6(x + 3) / 6,
        tuple(elementwise(kinks=(-3.0, 3.0), low=-5.0, high=5.0, special=_NUMBERS)),
        integers=False,
    ),
    activation("hardswish", elementwise(kinks=(-3.0, 3.0), low=-5.0, high=5.0, special=_NUMBERS)),
    activation(
        "leaky_relu",
        elementwise({}, {"negative_slope": 0.3}, {"negative_slope": -1.5}, kinks=_ZERO),
    ),
    activation(
        "hardshrink",
        elementwise({}, {"lambd": 1.0}, {"lambd": -1.0}, kinks=(-0.5, 0.5), special=_NUMBERS),
    ),
    activation(
        "softshrink",
        elementwise({}, {"lambd": 1.0}, {"lambd": -1.0}, kinks=(-0.5, 0.5), special=_NUMBERS),
    ),
    activation("threshold", elementwise(*_THRESHOLD, kinks=(0.1,))),
    activation("rrelu", elementwise({}, {"lower": 0.2, "upper": 0.3}, kinks=_ZERO)),
    activation("glu", along_dimensions()),
    activation("softmin", along_dimensions()),
    activation("prelu", preluted()),
    Operation("celu", cr.celu, torch.celu, tuple(elementwise({}, {"alpha": 2.0})), summing=True),
    Operation("selu", cr.selu, torch.selu, tuple(elementwise()), summing=True),
    Operation(
        "threshold", cr.threshold, torch.threshold, tuple(elementwise(*_THRESHOLD)), summing=True
    ),
    Operation("rrelu", cr.rrelu, torch.rrelu, tuple(elementwise()), summing=True),
    Operation("prelu", cr.prelu, torch.prelu, tuple(preluted()), "prelu", summing=True),
    Operation(
        "hardshrink",
        cr.hardshrink,
        torch.hardshrink,
        tuple(elementwise(special=_NUMBERS)),
        "hardshrink",
    ),
)
