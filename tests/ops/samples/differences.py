"""Differences of neighbours, and the integrals and derivatives of samples."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform


def differences() -> Iterable[Sample]:
    yield Sample("last by default", (uniform(2, 4),))
    yield Sample("first", (uniform(3, 2),), {"dim": 0})
    yield Sample("twice", (uniform(4), 2))
    yield Sample("not at all", (uniform(4), 0))
    yield Sample("more often than there are elements", (uniform(3), 5))
    yield Sample("fewer than none", (uniform(3), -1))
    yield Sample("not contiguous", (strided(2, 3),))
    yield Sample("with ends", (uniform(2, 3), 1, -1, uniform(2, 1, seed=1), uniform(2, 2, seed=2)))
    yield Sample("with a beginning", (uniform(3), 1, 0, uniform(1, seed=1)))
    yield Sample("with an end that does not fit", (uniform(2, 3), 1, 1, uniform(3, 3)))
    yield Sample("with an end of too few dimensions", (uniform(2, 3), 1, 0, uniform(3)))
    yield Sample("0-d", (uniform(),))
    yield Sample("empty", (np.zeros((2, 0)),))
    yield Sample("out of range", (uniform(3), 1, 1))


_PLACES = np.array([0.0, 1.0, 3.0])


def integrals() -> Iterable[Sample]:
    yield Sample("evenly spaced", (uniform(3),))
    yield Sample("rows", (uniform(2, 3),))
    yield Sample("columns", (uniform(3, 2),), {"dim": 0})
    yield Sample("spaced by a number", (uniform(2, 3),), {"dx": 0.25})
    yield Sample("places", (uniform(2, 3), _PLACES))
    yield Sample("places of columns", (uniform(3, 2), _PLACES), {"dim": 0})
    yield Sample("places in the middle", (uniform(2, 3, 2), _PLACES), {"dim": 1})
    yield Sample("places of every row", (uniform(2, 3), uniform(2, 3, seed=1)))
    yield Sample("places that broadcast", (uniform(2, 3, 2), uniform(3, 1, seed=1)), {"dim": 1})
    yield Sample("not contiguous", (strided(2, 3), _PLACES))
    yield Sample("one sample", (uniform(1),))
    yield Sample("no samples", (np.zeros((2, 0)),))
    yield Sample("no samples, places", (np.zeros((2, 0)), np.zeros(0)))
    yield Sample("too few places", (uniform(2, 3), np.array([0.0, 1.0])))
    yield Sample("places and spacing", (uniform(3), _PLACES), {"dx": 1.0})


def off_the_tensor() -> Iterable[Sample]:
    # Of bools PyTorch's cumulative_trapezoid says something else first.
    yield Sample("0-d", (uniform(),))
    yield Sample("out of range", (uniform(3),), {"dim": 1})


def derivatives() -> Iterable[Sample]:
    coordinates = [_PLACES, np.array([0.0, 1.0, 3.0, 4.0])]
    yield Sample("all dimensions", (uniform(3, 4),))
    yield Sample("one dimension", (uniform(3, 4),), {"dim": 1})
    yield Sample("several dimensions", (uniform(3, 2, 3),), {"dim": (0, -1)})
    yield Sample("a spacing", (uniform(3, 4),), {"spacing": 2.0})
    yield Sample("a spacing each", (uniform(3, 4),), {"spacing": (2.0, 0.5)})
    yield Sample("coordinates", (uniform(3, 4),), {"spacing": coordinates})
    yield Sample("second order", (uniform(3, 4),), {"edge_order": 2})
    yield Sample(
        "second order, coordinates", (uniform(3, 4),), {"edge_order": 2, "spacing": coordinates}
    )
    yield Sample("not contiguous", (strided(2, 3),))
    yield Sample("too short", (uniform(1, 3),))
    yield Sample("too short for the second order", (uniform(2, 3),), {"edge_order": 2})
    yield Sample("third order", (uniform(4),), {"edge_order": 3})
    yield Sample("too few spacings", (uniform(3, 4),), {"spacing": (1.0,)})
    yield Sample("more spacings than dimensions", (uniform(3),), {"spacing": (1.0, 2.0), "dim": 0})
    yield Sample("a dimension twice", (uniform(3, 4),), {"dim": (0, 0)})


OPERATIONS = (
    Operation("diff", cr.diff, torch.diff, tuple(differences()), method="diff"),
    *(
        Operation(
            name,
            getattr(cr, name),
            getattr(torch, name),
            (*integrals(), *off_the_tensor()),
            summing=True,
        )
        for name in ("trapezoid", "trapz")
    ),
    Operation(
        "cumulative_trapezoid",
        cr.cumulative_trapezoid,
        torch.cumulative_trapezoid,
        tuple(integrals()),
        summing=True,
    ),
    Operation("gradient", cr.gradient, torch.gradient, tuple(derivatives()), summing=True, ulps=16),
)
