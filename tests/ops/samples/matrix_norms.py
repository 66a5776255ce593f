"""Norms of vectors and matrices."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform

_M = uniform(2, 3)
_A = uniform(2, 2, 3)
_ZERO = np.array([[0.0, 0.0], [1.0, -2.0]])
_TIED = np.array([[3.0, -3.0, 1.0], [2.0, 2.0, -2.0]])


def described(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    return Operation(
        f"linalg.{name}",
        getattr(cr.linalg, name),
        getattr(torch.linalg, name),
        tuple(samples),
        ulps=16,
        summing=True,
        **options,
    )


def of_vectors() -> Iterable[Sample]:
    for ord in (2, 1, 0, inf, -inf, 3, 4, 0.5, 1.5, -1):
        yield Sample(f"ord {ord}", (_M, ord), smooth=ord != 0)
        yield Sample(f"ord {ord}, along", (_M, ord, 1), {"keepdim": ord == 3}, smooth=ord != 0)
        yield Sample(f"ord {ord} of zeros", (_ZERO, ord, 1), smooth=False)
        yield Sample(f"ord {ord} of nothing", (np.zeros((2, 0)), ord, 1))
    for ord in (inf, -inf):
        yield Sample(f"ord {ord}, tied", (_TIED, ord, -1), smooth=False)
    yield Sample("default", (_M,))
    yield Sample("several", (_A,), {"dim": (0, -1)})
    yield Sample("several, kept", (_A, 1), {"dim": (2, 0), "keepdim": True})
    yield Sample("all, kept", (_M,), {"keepdim": True})
    yield Sample("0-d", (uniform(),), {"dim": 0})
    yield Sample("not contiguous", (strided(4, 3),))
    yield Sample("nothing at all", (np.zeros(0), 1))
    yield Sample("in another dtype", (_M,), {"dtype": None})
    yield Sample("not finite", (np.array([[1.0, np.nan], [np.inf, 0.0]]), 2, 1), smooth=False)
    yield Sample("the largest, not finite", (np.array([1.0, np.nan]), inf), smooth=False)
    yield Sample("a name", (_M, "fro"))
    yield Sample("a dimension twice", (_M, 2, (0, 0)))


def of_matrices() -> Iterable[Sample]:
    for ord in ("fro", "nuc", 1, -1, 2, -2, inf, -inf):
        yield Sample(f"ord {ord}", (_M, ord))
        yield Sample(f"ord {ord}, a batch", (_A, ord), {"keepdim": True})
    yield Sample("default", (_A,))
    yield Sample("other dimensions", (_A, "nuc", (0, 1)))
    yield Sample("other dimensions, 1", (_A, 1, (-1, 0)))
    yield Sample("other dimensions, inf", (_A, inf, (-1, 0)), {"keepdim": True})
    yield Sample("nothing", (np.zeros((2, 0)), 1))
    yield Sample("no singular values", (np.zeros((2, 0)), "nuc"))
    yield Sample("unknown", (_M, 3))
    yield Sample("an unknown name", (_M, "max"))
    yield Sample("a vector", (uniform(3),))
    yield Sample("one dimension twice", (_M,), {"dim": (0, 0)})
    yield Sample("one dimension", (_M,), {"dim": (0,)})


def of_either() -> Iterable[Sample]:
    yield Sample("default", (_A,))
    yield Sample("vector", (uniform(3), 3))
    yield Sample("matrix", (_M, 1))
    yield Sample("matrix by name", (_M, "nuc"))
    yield Sample("along", (_A,), {"dim": -1})
    yield Sample("over two", (_A,), {"dim": (0, 2)})
    yield Sample("over two, order", (_A, 1), {"dim": (0, 2), "keepdim": True})
    yield Sample("along, order", (_A, 1), {"dim": 1})
    yield Sample("three dimensions", (_A, 2))
    yield Sample("a name and one dimension", (_M, "fro", 1))
    yield Sample("too many dimensions", (_A,), {"dim": (0, 1, 2)})


def of_conditions() -> Iterable[Sample]:
    square = uniform(2, 3, 3) + 2 * np.eye(3)
    for p in (None, 2, -2, "fro", "nuc", 1, -1, inf, -inf):
        yield Sample(f"p {p}", (square, p))
    yield Sample("rectangular", (_M,))
    yield Sample("rectangular, fro", (_M, "fro"))
    yield Sample("unknown", (square, 3))
    yield Sample("singular", (np.zeros((2, 2)), 1), smooth=False)
    yield Sample("a vector", (uniform(3),))


OPERATIONS = (
    described("vector_norm", of_vectors()),
    described("matrix_norm", of_matrices()),
    described("norm", of_either()),
    described("cond", of_conditions()),
)
