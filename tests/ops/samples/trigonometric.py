"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample
from tests.ops.samples.elementwise import binary, binary_samples, tensors_only, unary

_ORIGIN = np.array([0.0, 0.0, 1.0, -1.0, 0.0])
_AXES = np.array([0.0, 1.0, 0.0, 0.0, -2.0])

OPERATIONS = (
    unary("sin"),
    unary("cos"),
    unary("tan", low=-1.4, high=1.4),
    unary("asin", low=-0.9, high=0.9, kinks=(1.0, -1.0)),
    unary("acos", low=-0.9, high=0.9, kinks=(1.0, -1.0)),
    unary("atan"),
    unary("sinh"),
    unary("cosh"),
    unary("asinh"),
    unary("acosh", low=1.1, high=3.0, kinks=(1.0,)),
    unary("atanh", low=-0.9, high=0.9, kinks=(1.0, -1.0)),
    unary("sinc", kinks=(0.0, -0.0)),
    unary("deg2rad"),
    unary("rad2deg"),
    *(
        binary(
            name,
            getattr(cr, name),
            getattr(torch, name),
            (
                *tensors_only(binary_samples()),
                Sample("at the origin and on the axes", (_ORIGIN, _AXES), smooth=False),
            ),
            name,
        )
        for name in ("atan2", "hypot")
    ),
    *(
        Operation(
            alias,
            getattr(cr, alias),
            getattr(torch, alias),
            (Sample("matrix", (np.array([[0.1, -0.4], [0.7, 0.25]]) + shift,)),),
            method=alias,
        )
        for alias, shift in (
            ("arcsin", 0.0),
            ("arccos", 0.0),
            ("arctan", 0.0),
            ("arcsinh", 0.0),
            ("arccosh", 2.0),
            ("arctanh", 0.0),
        )
    ),
    binary("arctan2", cr.arctan2, torch.arctan2, tensors_only(binary_samples())[:2], "arctan2"),
)
