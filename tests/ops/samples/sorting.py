"""Operations that put elements in order, or pick them by their rank."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform

_TIED = np.array([[1.0, 3.0, 3.0, 2.0], [3.0, 0.5, 0.5, 3.0]])
_UNKNOWN = np.array([[1.0, np.nan, 2.0, np.nan], [0.5, 2.0, np.nan, 3.0], [np.nan] * 4])
_INFINITE = np.array([[1.0, np.inf, -np.inf, 2.0]])


def described(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    return Operation(
        name, getattr(cr, name), getattr(torch, name), tuple(samples), method=name, **options
    )


def values_of(name: str, samples: Iterable[Sample]) -> Operation:
    """Describe the values alone: of equal elements PyTorch says not which one it returns."""

    def only_values(function: Callable[..., Any]) -> Callable[..., Any]:
        def values(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            return (result.values if isinstance(result, tuple) else result).detach()

        return values

    ours, theirs = only_values(getattr(cr, name)), only_values(getattr(torch, name))
    return Operation(f"values of {name}", ours, theirs, tuple(samples))


def along(*before: Any) -> Iterable[Sample]:
    """Yield the ways of naming the dimension, with other arguments before it."""
    yield Sample("last by default", (uniform(2, 3), *before))
    yield Sample("first", (uniform(3, 2), *before), {"dim": 0})
    yield Sample("middle", (uniform(2, 3, 2), *before), {"dim": -2})
    yield Sample("vector", (uniform(4), *before))
    yield Sample("0-d", (uniform(), *before))
    yield Sample("of size 1", (uniform(2, 1), *before))
    yield Sample("not contiguous", (strided(2, 3), *before))
    yield Sample("empty along another dimension", (np.zeros((0, 3)), *before))
    yield Sample("empty along this dimension", (np.zeros((2, 0)), *before))
    yield Sample("out of range", (uniform(2, 3), *before), {"dim": 2})


def kept() -> Iterable[Sample]:
    yield Sample("kept", (uniform(2, 3),), {"dim": 1, "keepdim": True})
    yield Sample("of 0-d, kept", (uniform(),), {"dim": 0, "keepdim": True})


def over_all() -> Iterable[Sample]:
    yield Sample("all", (uniform(2, 3),))
    yield Sample("all of an even number", (uniform(4),))
    yield Sample("all of 0-d", (uniform(),))
    yield Sample("all, not contiguous", (strided(2, 3),))
    yield Sample("all of nothing", (np.zeros((0,)),))
    yield Sample("all, with ties", (_TIED,), smooth=False)
    yield Sample("all, with NaN", (_UNKNOWN,), smooth=False)
    yield Sample("all, kept", (uniform(2, 3),), {"keepdim": True})


def over_one() -> Iterable[Sample]:
    yield from (s for s in along() if s.kwargs)
    yield Sample("last", (uniform(2, 4),), {"dim": -1})
    yield Sample("0-d by name", (uniform(),), {"dim": 0})
    yield Sample("empty along this", (np.zeros((2, 0)),), {"dim": 1})
    yield Sample("infinite", (_INFINITE,), {"dim": 1}, smooth=False)


_LONG = np.append(uniform(40), uniform(40)[:2])

ORDERED = (
    *along(),
    Sample("descending", (uniform(2, 3),), {"descending": True}),
    Sample("ties", (_TIED,), smooth=False),
    Sample("ties, descending", (_TIED,), {"descending": True}, smooth=False),
    Sample("NaN", (_UNKNOWN,), smooth=False),
    Sample("NaN, descending", (_UNKNOWN,), {"descending": True}, smooth=False),
    Sample("infinite", (_INFINITE,), smooth=False),
    Sample("stable", (_TIED,), {"stable": True, "dim": 0}, smooth=False),
    Sample("a long row", (uniform(40),), {"stable": True}, smooth=False),
    Sample("a long row with ties", (_LONG,), {"stable": True}, smooth=False),
    Sample("the same, descending", (_LONG,), {"stable": True, "descending": True}, smooth=False),
)

RANKED = (
    *along(2),
    Sample("all of them", (uniform(2, 3), 3)),
    Sample("one", (uniform(2, 3), 1)),
    Sample("none", (uniform(2, 3), 0)),
    Sample("too many", (uniform(2, 3), 4)),
    Sample("fewer than none", (uniform(2, 3), -1)),
)

QUANTILES = (
    Sample("all", (uniform(2, 3), 0.3)),
    Sample("all, kept", (uniform(2, 3), 0.3), {"keepdim": True}),
    Sample("all of 0-d", (uniform(), 0.3)),
    Sample("0-d by name", (uniform(), 0.3), {"dim": 0}),
    Sample("last", (uniform(2, 4), 0.3), {"dim": -1}),
    Sample("first, kept", (uniform(4, 2), 0.45), {"dim": 0, "keepdim": True}),
    Sample("middle", (uniform(2, 4, 2), 0.45), {"dim": 1}),
    Sample("not contiguous", (strided(2, 3), 0.7), {"dim": 1}),
    Sample("several", (uniform(2, 4), np.array([0.1, 0.45, 0.9])), {"dim": 1}),
    Sample("several, kept", (uniform(2, 4), np.array([0.1, 0.45])), {"dim": 0, "keepdim": True}),
    Sample("several of all", (uniform(2, 3), np.array([0.1, 0.45])), {"keepdim": True}),
    Sample("a tensor without dimensions", (uniform(2, 4), np.array(0.3)), {"dim": 1}),
    Sample("the ends", (uniform(4), np.array([0.0, 1.0])), smooth=False),
    Sample("no quantiles", (uniform(4), np.zeros(0))),
    Sample("too large", (uniform(4), 1.5)),
    Sample("one too large", (uniform(4), np.array([0.5, 1.5]))),
    Sample("a matrix of them", (uniform(4), np.array([[0.5]]))),
    Sample("of nothing", (np.zeros((2, 0)), 0.5), {"dim": 0}),
    Sample("NaN", (_UNKNOWN, 0.3), {"dim": 1}, smooth=False),
    Sample("NaN in all", (_UNKNOWN, np.array([0.3, 0.6])), smooth=False),
    Sample("infinite", (_INFINITE, 0.9), {"dim": 1}, smooth=False),
    Sample("an unknown way", (uniform(4), 0.5), {"interpolation": "cubic"}),
    *(
        Sample(way, (uniform(2, 4), 0.3), {"dim": 1, "interpolation": way})
        for way in ("lower", "higher", "midpoint", "nearest")
    ),
    *(
        Sample(f"{way}, NaN", (_UNKNOWN, 0.4), {"dim": 1, "interpolation": way}, smooth=False)
        for way in ("lower", "higher", "midpoint", "nearest")
    ),
)

_WHOLE = np.array([3, 1, 1, 2, 3, 3])
_PAIRS = np.array([[1, 2], [1, 2], [0, 3], [1, 1]])
_EVERYTHING = {"return_inverse": True, "return_counts": True}

DISTINCT = (
    Sample("distinct already", (uniform(5),)),
    Sample("distinct already, a matrix", (uniform(2, 3),), _EVERYTHING),
    Sample("equal ones", (_TIED,), smooth=False),
    Sample("with all results", (_TIED,), _EVERYTHING, smooth=False),
    Sample("with counts", (_TIED,), {"return_counts": True}, smooth=False),
    Sample("with places", (_TIED,), {"return_inverse": True}, smooth=False),
    Sample("whole numbers", (Index(_WHOLE),), _EVERYTHING),
    Sample("rows", (Index(_PAIRS),), {"dim": 0, **_EVERYTHING}),
    Sample("columns", (Index(_PAIRS.T.copy()),), {"dim": -1, **_EVERYTHING}),
    Sample("rows of a cube", (uniform(2, 3, 2),), {"dim": 1}),
    Sample("NaN", (_UNKNOWN[:2],), _EVERYTHING, smooth=False),
    Sample("0-d", (uniform(),), _EVERYTHING),
    Sample("0-d along a dimension", (uniform(),), {"dim": 0}),
    Sample("nothing", (np.zeros(0),), _EVERYTHING),
    Sample("no rows", (np.zeros((0, 2)),), {"dim": 0}),
    Sample("rows of nothing", (np.zeros((2, 0)),), {"dim": 0}),
    Sample("out of range", (uniform(2, 3),), {"dim": 2}),
)

_SEQUENCE = np.array([1.0, 3.0, 3.0, 5.0])
_ROWS = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
_VALUES = np.array([[3.0, 9.0, 0.0], [4.0, np.nan, 2.0]])

SEARCHED = (
    Sample("one sequence", (_SEQUENCE, _VALUES)),
    Sample("behind equal ones", (_SEQUENCE, _VALUES), {"right": True}),
    Sample("as NumPy says it", (_SEQUENCE, _VALUES), {"side": "right"}),
    Sample("a contradiction", (_SEQUENCE, _VALUES), {"side": "left", "right": True}),
    Sample("no side", (_SEQUENCE, _VALUES), {"side": "middle"}),
    Sample("rows", (_ROWS, _VALUES)),
    Sample("rows, behind equal ones", (_ROWS, _VALUES), {"right": True}),
    Sample("rows of another number", (_ROWS, np.ones((3, 2)))),
    Sample("a number", (_SEQUENCE, 3.5)),
    Sample("a whole number", (_SEQUENCE, 3)),
    Sample("a number in rows", (_ROWS, 3.5)),
    Sample("0-d", (_SEQUENCE, np.array(3.0))),
    Sample("short integers", (_SEQUENCE, _VALUES), {"out_int32": True}),
    Sample("NaN in the sequence", (np.array([1.0, 2.0, np.nan, np.nan]), _VALUES)),
    Sample("nothing to search", (np.zeros(0), np.array([1.0]))),
    Sample("rows of nothing", (np.zeros((2, 0)), _VALUES)),
    Sample("nothing to find", (_ROWS, np.zeros((2, 0)))),
    Sample("no sequence", (np.array(1.0), np.array([1.0]))),
    Sample("whole numbers", (Index(np.array([1, 3, 5])), np.array([2.5, 3.0, 7.0]))),
    Sample(
        "sorted by indices",
        (np.array([5.0, 1.0, 3.0]), np.array([3.0, 2.0])),
        {"sorter": Index(np.array([1, 2, 0]))},
    ),
    Sample("sorted by too few", (_SEQUENCE, np.array([3.0])), {"sorter": Index(np.array([1, 2]))}),
    Sample(
        "sorted by bad indices",
        (np.array([5.0, 1.0]), np.array([3.0])),
        {"sorter": Index(np.array([1, 2]))},
    ),
)

BUCKETS = (
    Sample("values", (_VALUES, _SEQUENCE)),
    Sample("upper ends", (_VALUES, _SEQUENCE), {"right": True}),
    Sample("a number", (3.0, _SEQUENCE)),
    Sample("whole boundaries", (np.array([0.5, 3.0]), Index(np.array([1, 3])))),
    Sample("short integers", (_VALUES, _SEQUENCE), {"out_int32": True}),
    Sample("boundaries in rows", (_VALUES, _ROWS)),
)


def picked(name: str, *samples: Iterable[Sample]) -> tuple[Operation, ...]:
    """Describe an operation that picks elements, and separately its values where some are equal."""
    every = [s for group in samples for s in group]
    tied = [
        Sample("ties", (_TIED, *every[0].args[1:]), {"dim": 1}, smooth=False),
        *(s for s in every if "NaN" in s.name or s.args[0].dtype.kind != "f"),
    ]
    return described(name, every, integers=False), values_of(name, [*every, *tied])


OPERATIONS = (
    *(described(name, ORDERED) for name in ("sort", "argsort")),
    described("msort", (s for s in ORDERED if not s.kwargs)),
    *picked("topk", RANKED, [Sample("smallest", (uniform(2, 4), 2), {"largest": False})]),
    *picked("kthvalue", RANKED, [Sample("kept", (uniform(2, 3), 2), {"keepdim": True})]),
    *picked("median", over_all(), over_one(), kept()),
    *picked("nanmedian", over_all(), over_one(), kept()),
    described(
        "mode",
        (
            *(s for s in (*along(), *kept())),
            Sample("frequent ones", (_TIED,), smooth=False),
            Sample("frequent ones, first dimension", (_TIED,), {"dim": 0}, smooth=False),
            Sample("whole numbers", (Index(np.array([2, 2, 2, 1, 1, 1, 3])),)),
        ),
    ),
    *(described(name, QUANTILES, summing=True) for name in ("quantile", "nanquantile")),
    *(described(name, DISTINCT) for name in ("unique", "unique_consecutive")),
    Operation("searchsorted", cr.searchsorted, torch.searchsorted, SEARCHED),
    Operation("bucketize", cr.bucketize, torch.bucketize, BUCKETS),
)
