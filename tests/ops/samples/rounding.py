"""Rounding, remainders, signs, and operations on integers."""

from __future__ import annotations

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
    unary_samples,
)

_HALVES = (0.5, 1.5, 2.5, -0.5, -1.5, 0.0, -0.0, 2.0)
_DIVISORS = binary_samples(low=0.5, high=2.5)
_BROAD = np.array([[3.7, -3.7, 5.0], [7.25, -0.3, -8.0]])

ROUNDING = (
    unary("floor", kinks=_HALVES),
    unary("ceil", kinks=_HALVES),
    unary("trunc", kinks=_HALVES),
    unary("fix", kinks=_HALVES),
    unary("round", kinks=_HALVES),
    unary("frac", kinks=_HALVES),
    *(
        Operation(
            f"round to {decimals} decimals",
            lambda x, d=decimals: cr.round(x, decimals=d),
            lambda x, d=decimals: torch.round(x, decimals=d),
            (
                Sample("matrix", (uniform(2, 3, low=-70.0, high=70.0),)),
                Sample("special values", (SPECIAL[:-3],), smooth=False),
            ),
        )
        for decimals in (2, -1)
    ),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            (
                *(of_tensors(_DIVISORS) if name == "fmod" else _DIVISORS),
                Sample("of both signs", (_BROAD, np.array([2.0, -2.0, 1.5])), smooth=False),
                Sample("tenths", (np.array([1.0, 0.3, 2.0, -1.0]), 0.1), smooth=False),
            ),
            name,
        )
        for name in ("remainder", "fmod")
    ),
    binary("%", lambda a, b: a % b, lambda a, b: a % b, of_tensors(_DIVISORS)),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            of_tensors(_DIVISORS),
            name,
        )
        for name in ("floor_divide", "true_divide", "divide")
    ),
)

SIGNS = (
    unary("sgn", kinks=(0.0, -0.0)),
    unary("signbit", kinks=(0.0, -0.0)),
    unary("positive"),
    unary("isposinf"),
    unary("isneginf"),
    unary("isreal"),
    binary(
        "copysign",
        cr.copysign,
        torch.copysign,
        (
            *of_tensors(binary_samples()),
            Sample(
                "zeros", (np.array([0.0, -0.0, 1.0]), np.array([-1.0, 2.0, -0.0])), smooth=False
            ),
        ),
        "copysign",
    ),
    binary("heaviside", cr.heaviside, torch.heaviside, tensors_only(binary_samples()), "heaviside"),
    Operation(
        "nan_to_num",
        cr.nan_to_num,
        torch.nan_to_num,
        (
            *unary_samples(),
            Sample("numbers given", (SPECIAL,), {"nan": 1.5, "posinf": 7.0, "neginf": -3.0}, False),
            Sample("one number given", (SPECIAL,), {"neginf": 2}, False),
            Sample("not contiguous", (strided(2, 3),), {"nan": 2.0}),
        ),
        method="nan_to_num",
    ),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            tensors_only(binary_samples(ties=True)),
            name,
        )
        for name in ("fmax", "fmin")
    ),
)

_INTEGERS = Index(np.array([[12, -4, 0], [6, 9, -15]]))
_MORE = Index(np.array([18, 6, 0]))
_SHIFTS = Index(np.array([[1, 0, 70], [-1, 63, 64]]))

INTEGERS = (
    *(
        Operation(
            name,
            getattr(cr, name),
            getattr(torch, name),
            (
                Sample("integers", (_INTEGERS, _MORE)),
                Sample("empty", (Index(np.zeros((0, 3), int)), _MORE)),
                Sample(
                    "unsigned and signed",
                    (Index(np.array([4, 6], np.uint8)), Index(np.array([6, -9], np.int8))),
                ),
                Sample("floats", (uniform(3), _MORE)),
                Sample("bools", (Index(np.array([True])), Index(np.array([True])))),
            ),
            method=name,
        )
        for name in ("gcd", "lcm")
    ),
    *(
        Operation(
            name,
            getattr(cr, name),
            getattr(torch, name),
            (
                Sample("integers", (_INTEGERS, Index(np.array([1, 2, 3])))),
                Sample("number", (_INTEGERS, 2)),
                Sample("number first", (5, Index(np.array([1, 2, 3])))),
                Sample("beyond the bits", (_INTEGERS, _SHIFTS)),
                Sample(
                    "unsigned",
                    (Index(np.array([200, 3, 7], np.uint8)), Index(np.array([1, 8, 7], np.uint8))),
                ),
                Sample("bool and number", (Index(np.array([True, False])), 1)),
                Sample("floats", (uniform(3), 1)),
            ),
            method=name,
        )
        for name in ("bitwise_left_shift", "bitwise_right_shift")
    ),
    Operation(
        "<<",
        lambda a, b: a << b,
        lambda a, b: a << b,
        (Sample("integers", (_INTEGERS, 2)), Sample("number first", (3, _MORE))),
    ),
    Operation(
        ">>",
        lambda a, b: a >> b,
        lambda a, b: a >> b,
        (
            Sample("integers", (_INTEGERS, 2)),
            Sample("number first", (300, Index(np.array([1, 2])))),
        ),
    ),
)

OPERATIONS = (*ROUNDING, *SIGNS, *INTEGERS)
