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


OPERATIONS = (described("vector_norm", of_vectors()),)
