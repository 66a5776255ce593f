"""Operations that go along a dimension and return something for every element they pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform

_TIED = np.array([[1.0, 3.0, 3.0, 2.0], [3.0, 0.5, 0.5, 3.0]])
_UNKNOWN = np.array([[1.0, np.nan, 2.0, np.nan], [0.5, 2.0, np.nan, 3.0]])


def along() -> Iterable[Sample]:
    """Yield the ways of naming the dimension."""
    yield Sample("last", (uniform(2, 3), -1))
    yield Sample("first", (uniform(3, 2), 0))
    yield Sample("middle", (uniform(2, 3, 2),), {"dim": 1})
    yield Sample("vector", (uniform(4), 0))
    yield Sample("0-d", (uniform(), 0))
    yield Sample("of size 1", (uniform(2, 1), 1))
    yield Sample("not contiguous", (strided(2, 3), 1))
    yield Sample("empty along another dimension", (np.zeros((0, 3)), 1))
    yield Sample("empty along this dimension", (np.zeros((2, 0)), 1))
    yield Sample("out of range", (uniform(2, 3), 2))


def long() -> Iterable[Sample]:
    yield Sample("a long row", (uniform(1, 40, low=0.5, high=1.5), 1), smooth=False)


def zeros() -> Iterable[Sample]:
    """Yield zeros, where a product is no quotient of another."""
    yield Sample("one zero", (np.array([2.0, 0.0, 3.0, -1.5]), 0))
    yield Sample("two zeros", (np.array([2.0, 0.0, 3.0, 0.0, 1.5]), 0))
    rows = np.array([[0.0, 2.0, 3.0], [2.0, 0.0, 0.0], [1.0, 2.0, -0.5]])
    yield Sample("zeros in some rows", (rows, 1))
    yield Sample("zeros in some columns", (rows, 0))


def ties() -> Iterable[Sample]:
    yield Sample("ties", (_TIED, 1), smooth=False)
    yield Sample("NaN", (_UNKNOWN, 1), smooth=False)


def large() -> Iterable[Sample]:
    yield Sample("large", (np.array([[60.0, 61.0, -3.0], [-60.0, 0.0, 50.0]]), 1))
    yield Sample("falling", (np.array([60.0, 0.0, -60.0, 1.0]), 0))


def scan(name: str, *samples: Iterable[Sample], **options: Any) -> Operation:
    every = tuple(s for group in samples for s in group)
    return Operation(name, getattr(cr, name), getattr(torch, name), every, method=name, **options)


def converted() -> Iterable[Sample]:
    yield Sample("long, wider", (uniform(2, 3), 1), {"dtype": None})


OPERATIONS = (
    scan("cumsum", along(), long(), converted(), summing=True),
    scan("cumprod", along(), long(), zeros(), converted(), ulps=8),
    scan("cummax", along(), ties()),
    scan("cummin", along(), ties()),
    scan("logcumsumexp", along(), long(), large(), integers=False, summing=True, ulps=8),
)
