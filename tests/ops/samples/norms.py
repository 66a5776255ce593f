"""Norms and the distances they measure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform
from tests.ops.samples.reductions import over_dimensions

_INF = float("inf")
_ORDERS = (2, 1, 3, 4, 0.5, 1.5, _INF, -_INF, -1, 0, "fro", None)
_WITH_ZERO = np.array([[1.0, -2.0, 0.0], [0.0, 3.0, 3.0]])


def norms() -> Iterable[Sample]:
    # PyTorch's Frobenius norm wants at most two dimensions by name.
    yield from over_dimensions()
    for p in _ORDERS:
        # Away from 0, where each of these has a derivative.
        yield Sample(f"order {p}", (uniform(2, 3), p), {"dim": 1})
        yield Sample(f"order {p} of all", (uniform(2, 2), p), {"keepdim": True})
        yield Sample(f"order {p} with zeros and ties", (_WITH_ZERO, p), {"dim": 1}, smooth=False)
        yield Sample(f"order {p} at the origin", (np.zeros((2, 2)), p), {"dim": 1}, smooth=False)
        yield Sample(f"order {p} of nothing", (np.zeros((2, 0)), p), {"dim": 1})
    for dim in ((0, 1), (-1, 0), None):
        yield Sample(f"nuclear over {dim}", (uniform(2, 3), "nuc"), {"dim": dim})
    yield Sample("nuclear of a vector", (uniform(2), "nuc"))
    yield Sample("nuclear over one dimension", (uniform(2, 3), "nuc"), {"dim": 1})
    yield Sample("an unknown name", (uniform(2, 3), "foo"))
    yield Sample("three dimensions by name", (uniform(2, 1, 2), "fro", (0, 1, 2)))


def distances() -> Iterable[Sample]:
    for p in (2, 1, 3, _INF, 0.5):
        yield Sample(f"order {p}", (uniform(2, 3), uniform(2, 3, seed=1), p))
    yield Sample("broadcast", (uniform(2, 3), uniform(3, seed=1)))
    yield Sample("not contiguous", (strided(2, 3), uniform(2, 3)))
    yield Sample("the same", (uniform(3), uniform(3)), smooth=False)
    yield Sample("nothing", (np.zeros(0), np.zeros(0)))
    yield Sample("largest difference of nothing", (np.zeros(0), np.zeros(0), _INF))
    yield Sample("a number", (uniform(3), 1.0))


def renormed() -> Iterable[Sample]:
    for p in (2, 1, 3, _INF):
        yield Sample(f"order {p}", (uniform(3, 2), p, 0, 1.0))
    yield Sample("columns", (uniform(3, 2), 2, -1, 1.0))
    yield Sample("a cube", (uniform(2, 3, 2), 2, 1, 1.5))
    yield Sample("not contiguous", (strided(2, 3), 2, 0, 1.0))
    yield Sample("to nothing", (uniform(3, 2), 2, 0, 0.0))
    yield Sample("a row of zeros", (np.array([[0.0, 0.0], [3.0, 4.0]]), 2, 0, 1.0), smooth=False)
    yield Sample("no rows", (np.zeros((0, 2)), 2, 0, 1.0))
    yield Sample("empty rows", (np.zeros((2, 0)), 2, 0, 1.0))
    yield Sample("a vector", (uniform(3), 2, 0, 1.0))
    yield Sample("order 0", (uniform(3, 2), 0, 0, 1.0))
    yield Sample("a negative bound", (uniform(3, 2), 2, 0, -1.0))
    yield Sample("out of range", (uniform(3, 2), 2, 2, 1.0))
    yield Sample("a name", (uniform(3, 2), "fro", 0, 1.0))


_A, _B = np.array([[0.0, 1.0], [2.0, 2.0]]), np.array([[1.0, 2.0], [2.0, 2.0], [0.0, 0.0]])


def between_rows() -> Iterable[Sample]:
    for p in (2.0, 1.0, 3.0, _INF, 0.5, 1.5):
        yield Sample(f"order {p}", (uniform(2, 2), uniform(3, 2, seed=1), p))
        yield Sample(f"order {p}, equal rows and ties", (_A, _B, p), smooth=False)
    yield Sample("order 0", (_A, _B, 0.0), smooth=False)
    yield Sample("a batch", (uniform(2, 1, 2), uniform(2, 3, 1, 2, seed=1)))
    yield Sample("not contiguous", (strided(2, 3), uniform(2, 3)))
    product = {"compute_mode": "use_mm_for_euclid_dist"}
    yield Sample("by a product", (uniform(2, 3), uniform(3, 3, seed=1)), product)
    yield Sample("by a product, a batch", (uniform(2, 2, 3), uniform(1, 2, 3, seed=1)), product)
    yield Sample("by a product, no rows", (np.zeros((0, 2)), uniform(3, 2)), product)
    yield Sample("no rows", (np.zeros((0, 2)), uniform(3, 2)))
    yield Sample("empty rows", (np.zeros((3, 0)), np.zeros((2, 0))))
    yield Sample("a negative order", (_A, _B, -1.0))
    yield Sample("a vector", (uniform(2), _B))
    yield Sample("other columns", (uniform(2, 3), _B))
    yield Sample("an unknown way", (_A, _B), {"compute_mode": "foo"})


def method(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    return Operation(
        name, getattr(cr, name), getattr(torch, name), tuple(samples), method=name, **options
    )


OPERATIONS = (
    method("norm", norms(), ulps=8, summing=True),
    method("dist", distances(), ulps=8, summing=True),
    method("renorm", renormed(), ulps=8, summing=True),
    Operation("cdist", cr.cdist, torch.cdist, tuple(between_rows()), ulps=16, summing=True),
)
