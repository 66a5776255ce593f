"""Covariance, correlation and histograms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform


def variables() -> Iterable[Sample]:
    yield Sample("two variables", (uniform(2, 4),))
    yield Sample("one variable", (uniform(4),))
    yield Sample("one variable, a row", (uniform(1, 4),))
    yield Sample("not contiguous", (strided(2, 3),))
    yield Sample("one observation", (uniform(2, 1),), smooth=False)
    yield Sample("0-d", (uniform(),), smooth=False)
    yield Sample("no observations", (np.zeros((2, 0)),))
    yield Sample("no variables", (np.zeros((0, 2)),))
    yield Sample("too many dimensions", (uniform(2, 2, 2),))


def weighted() -> Iterable[Sample]:
    often, weight = Index(np.array([1, 2, 1, 3])), Index(np.array([0.5, 1.0, 2.0, 0.25]))
    yield Sample("correction 0", (uniform(2, 4),), {"correction": 0})
    yield Sample("correction beyond", (uniform(2, 4),), {"correction": 5}, smooth=False)
    yield Sample("frequencies", (uniform(2, 4),), {"fweights": often})
    yield Sample("frequencies that are none", (uniform(2, 4),), {"fweights": weight})
    yield Sample("too few frequencies", (uniform(2, 3),), {"fweights": often})
    yield Sample("negative frequencies", (uniform(2, 2),), {"fweights": Index(np.array([1, -2]))})
    yield Sample("frequencies in rows", (uniform(2, 2),), {"fweights": Index(np.array([[1, 2]]))})


def importance() -> Iterable[Sample]:
    """Yield samples whose weights have the dtype of the input, as PyTorch's product asks for."""
    often, weight = Index(np.array([1, 2, 1, 3])), np.array([0.5, 1.0, 2.0, 0.25])
    yield Sample("weights", (uniform(2, 4),), {"aweights": weight})
    yield Sample("weights, correction 0", (uniform(2, 4),), {"aweights": weight, "correction": 0})
    yield Sample("both", (uniform(2, 4),), {"aweights": weight, "fweights": often})
    yield Sample("negative weights", (uniform(2, 2),), {"aweights": np.array([1.0, -2.0])})
    yield Sample("weights of nothing", (uniform(2, 2),), {"aweights": np.zeros(2)})


_COUNTED = Index(np.array([1, 2, 2, 5]))

COUNTS = (
    Sample("counts", (_COUNTED,)),
    Sample("at least so many", (_COUNTED,), {"minlength": 8}),
    Sample("weights", (_COUNTED, np.array([0.5, 1.0, 2.0, 0.25]))),
    Sample("weights and a length", (_COUNTED, np.array([0.5, 1.0, 2.0, 0.25]), 8)),
    Sample("nothing", (Index(np.array([], np.int64)),)),
    Sample("nothing, at least so many", (Index(np.array([], np.int64)),), {"minlength": 3}),
    Sample("negative numbers", (Index(np.array([-1])),)),
    Sample("a matrix", (Index(np.array([[1]])),)),
    Sample("too few weights", (_COUNTED, np.array([0.5]))),
    Sample("a negative length", (_COUNTED,), {"minlength": -1}),
)

HISTOGRAMS = (
    Sample("a range", (uniform(2, 5), 4, -1, 1)),
    Sample("the range of the elements", (uniform(7), 3)),
    Sample("the upper end", (np.array([0.0, 1.0, 2.0, 3.0]), 3, 0, 3)),
    Sample("equal elements", (np.ones(3), 4)),
    Sample("nothing", (np.zeros(0), 3)),
    Sample("NaN outside a range", (np.array([1.0, np.nan]), 4, 0, 2)),
    Sample("NaN without a range", (np.array([1.0, np.nan]), 4)),
    Sample("no bins", (uniform(3), 0)),
    Sample("a range upside down", (uniform(3), 3, 2, 1)),
)


def method(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    return Operation(
        name, getattr(cr, name), getattr(torch, name), tuple(samples), method=name, **options
    )


OPERATIONS = (
    method("cov", (*variables(), *weighted()), summing=True, ulps=8),
    Operation(
        "cov with weights",
        cr.cov,
        torch.cov,
        tuple(importance()),
        integers=False,
        summing=True,
        ulps=8,
    ),
    method("corrcoef", variables(), summing=True, ulps=16),
    method("bincount", COUNTS),
    method("histc", HISTOGRAMS, integers=False),
)
