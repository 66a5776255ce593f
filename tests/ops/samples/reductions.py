"""Operations that reduce dimensions, or normalise along one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform

_TIED = np.array([[1.0, 3.0, 3.0], [3.0, 0.5, 3.0]])
_NOT_FINITE = np.array(
    [[1.0, np.nan, 2.0], [np.inf, 0.0, -np.inf], [1.0, np.inf, 2.0], [0.0, 1.0, 2.0]]
)


NOTHING_NAMED = Sample("no dimension named", (uniform(2, 3),), {"dim": ()})


def over_dimensions(
    several: bool = True, whole: bool = True, empty: bool = True, keepdim: bool = True
) -> Iterable[Sample]:
    """Yield the ways of naming the dimensions of a reduction."""
    if whole:
        yield Sample("all", (uniform(2, 3),))
        yield Sample("all of 0-d", (uniform(),))
        yield Sample("all, not contiguous", (strided(2, 3),))
        yield Sample("all, not finite", (_NOT_FINITE,), smooth=False)
        yield Sample("all, infinite", (_NOT_FINITE[2:],), smooth=False)
        if keepdim:
            yield Sample("all, kept", (uniform(2, 3),), {"dim": None, "keepdim": True})
    yield Sample("first", (uniform(2, 3),), {"dim": 0})
    yield Sample("last", (uniform(2, 3),), {"dim": -1})
    yield Sample("middle", (uniform(2, 3, 2),), {"dim": 1})
    yield Sample("vector", (uniform(4),), {"dim": 0})
    yield Sample("0-d", (uniform(),), {"dim": 0})
    yield Sample("of size 1", (uniform(2, 1),), {"dim": 1})
    yield Sample("not contiguous", (strided(2, 3, 2),), {"dim": 1})
    yield Sample("not finite", (_NOT_FINITE,), {"dim": 1}, smooth=False)
    if keepdim:
        yield Sample("kept", (uniform(2, 3),), {"dim": 1, "keepdim": True})
        yield Sample("kept, negative", (uniform(2, 3, 2),), {"dim": -2, "keepdim": True})
    if several:
        yield Sample("several", (uniform(2, 3, 2),), {"dim": (0, 2)})
        yield Sample("several, negative, out of order", (uniform(2, 3, 2),), {"dim": (-1, 0)})
        yield Sample(
            "several, as a list, kept", (uniform(2, 3, 2),), {"dim": [1, 2], "keepdim": True}
        )
        yield Sample("all of them by name", (uniform(2, 3),), {"dim": (0, 1)})
        if whole:
            yield NOTHING_NAMED
    if empty:
        yield Sample("empty along another dimension", (np.zeros((0, 3)),), {"dim": 1})
        yield Sample("empty along this dimension", (np.zeros((2, 0)),), {"dim": 1})
        if whole:
            yield Sample("all of nothing", (np.zeros((0,)),))


def reduction(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    return Operation(
        name, getattr(cr, name), getattr(torch, name), tuple(samples), method=name, **options
    )


def spread(samples: Iterable[Sample]) -> Iterable[Sample]:
    """Add corrections, and equal elements, to the samples of a variance."""
    # PyTorch's gradient is infinite where no dimension is named; by its value it means all.
    yield from (s for s in samples if s is not NOTHING_NAMED)
    for correction in (0, 1, 2, 5, 0.5):
        yield Sample(
            f"correction {correction}", (uniform(2, 3),), {"dim": 1, "correction": correction}
        )
    yield Sample("biased", (uniform(2, 3),), {"unbiased": False})
    yield Sample("biased, over a dimension", (uniform(2, 3),), {"dim": 0, "unbiased": False})
    yield Sample("all, correction 0", (uniform(2, 3),), {"correction": 0})
    yield Sample(
        "equal elements", (np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]]),), {"dim": 1}, smooth=False
    )


def with_ties(samples: Iterable[Sample]) -> Iterable[Sample]:
    yield from samples
    yield Sample("ties", (_TIED,), {"dim": 1}, smooth=False)
    yield Sample("ties, kept", (_TIED,), {"dim": 0, "keepdim": True}, smooth=False)


def with_zeros(samples: Iterable[Sample]) -> Iterable[Sample]:
    """Add zeros, where a product is no quotient of another, to the samples of a product."""
    # Of several zeros PyTorch says that the gradient is 0 whatever else there is, NaN included.
    yield from (s for s in samples if s.name != "all, not finite")
    yield Sample("one zero", (np.array([2.0, 0.0, 3.0, -1.5]),))
    yield Sample("two zeros", (np.array([2.0, 0.0, 3.0, 0.0]),))
    yield Sample("nothing but zeros", (np.zeros(3),))
    rows = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.5], [1.0, 2.0, -0.5]])
    yield Sample("zeros in some rows", (rows,), {"dim": 1})
    yield Sample("zeros in some columns, kept", (rows,), {"dim": 0, "keepdim": True})


REDUCTIONS = (
    reduction("sum", over_dimensions(), summing=True),
    reduction("mean", over_dimensions(), summing=True),
    reduction("var", spread(over_dimensions(empty=True)), summing=True, ulps=16),
    reduction("std", spread(over_dimensions(empty=True)), summing=True, ulps=16),
    reduction("logsumexp", over_dimensions(whole=False), summing=True, ulps=8),
    reduction(
        "amax",
        (*with_ties(over_dimensions(keepdim=False)), Sample("ties of all", (_TIED,), smooth=False)),
    ),
    reduction(
        "amin",
        (
            *with_ties(over_dimensions(keepdim=False)),
            Sample("ties of all", (-_TIED,), smooth=False),
        ),
    ),
    *(
        reduction(
            name,
            (
                *with_ties(over_dimensions(several=False)),
                Sample("ties of all", (_TIED,), smooth=False),
                Sample("of two tensors", (uniform(2, 3), uniform(3, seed=1)), smooth=True),
            ),
        )
        for name in ("max", "min")
    ),
    *(reduction(name, with_ties(over_dimensions(several=False))) for name in ("argmax", "argmin")),
    *(reduction(name, over_dimensions()) for name in ("all", "any")),
    reduction("nansum", over_dimensions(), summing=True),
    reduction("nanmean", over_dimensions(), summing=True),
    reduction("count_nonzero", over_dimensions(keepdim=False)),
    reduction("aminmax", with_ties(over_dimensions(several=False))),
    reduction("prod", with_zeros(over_dimensions(several=False))),
    # PyTorch has these as functions only, and their mean of infinite elements is NaN.
    *(
        Operation(
            f"{name}_mean",
            getattr(cr, f"{name}_mean"),
            getattr(torch, f"{name}_mean"),
            tuple(s for s in spread(over_dimensions()) if "finite" not in s.name),
            summing=True,
            ulps=16,
        )
        for name in ("var", "std")
    ),
)

# --- Along a dimension ----------------------------------------------------------------------------


def along() -> Iterable[Sample]:
    yield Sample("last", (uniform(2, 3),), {"dim": -1})
    yield Sample("first", (uniform(2, 3),), {"dim": 0})
    yield Sample("middle", (uniform(2, 3, 2),), {"dim": 1})
    yield Sample("vector", (uniform(4),), {"dim": 0})
    yield Sample("0-d", (uniform(),), {"dim": 0})
    yield Sample("of size 1", (uniform(2, 1),), {"dim": 1})
    yield Sample("not contiguous", (strided(2, 3),), {"dim": 1})
    yield Sample("empty", (np.zeros((0, 3)),), {"dim": 1})
    yield Sample("empty along it", (np.zeros((2, 0)),), {"dim": 1})
    yield Sample("large", (np.array([[1000.0, 1001.0], [-1000.0, 0.0]]),), {"dim": 1})
    yield Sample("not finite", (_NOT_FINITE,), {"dim": 1}, smooth=False)
    yield Sample("minus infinity", (np.array([[-np.inf, 0.0, 1.0]]),), {"dim": 1}, smooth=False)
    yield Sample(
        "nothing but minus infinity", (np.full((1, 2), -np.inf),), {"dim": 1}, smooth=False
    )


ALONG = tuple(
    # PyTorch has no kernels for integers here.
    reduction(name, along(), integers=False, summing=True, ulps=8)
    for name in ("softmax", "log_softmax")
)

OPERATIONS = (*REDUCTIONS, *ALONG)
