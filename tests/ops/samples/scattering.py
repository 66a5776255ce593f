"""Picking and updating elements along a dimension, at slices, at positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform

_V = uniform(4)
_M = uniform(3, 2)
_W = uniform(2, 3)
_A = uniform(3, 4, 2)
_0 = uniform()
_S = strided(3, 2)


def at(*numbers: Any, dtype: str = "int64") -> Index:
    return Index(np.array(numbers if len(numbers) != 1 else numbers[0], dtype))


_TWICE = at([2, 0, 2])
_NONE = Index(np.zeros(0, np.int64))
_MASK = Index(np.array([[True, False], [False, True], [True, True]]))


def picking(name: str, *calls: tuple[Any, ...], **options: Any) -> Operation:
    samples = tuple(Sample(f"{list(np.shape(a[0]))}, call {k}", a) for k, a in enumerate(calls))
    return Operation(
        name,
        getattr(cr, name),
        getattr(torch, name),
        samples,
        options.pop("method", name),
        **options,
    )


PICKING = (
    picking(
        "index_select",
        (_M, 0, _TWICE),
        (_M, 1, at([1, 1, 0])),
        (_A, -1, at([1])),
        (_S, 0, at([2, 0, 0])),
        (_M, 0, _NONE),
        (_M, 1, at(1)),
        (_0, 0, at([0])),
        (_M, 0, at([2, 1], dtype="int32")),
        (_M, 1, at([[1, 0]])),
        (_0, 0, at([0, 0])),
        (_M, 0, at([0.0, 1.0], dtype="float64")),
        (_M, 0, at([0, 3])),
        (_M, 0, at([-1, 0])),
    ),
    picking(
        "take",
        (_M, at([[0, 5], [-1, 0]])),
        (_S, at([1, 1, 2])),
        (_0, at([0, 0])),
        (_M, at(3)),
        (_M, _NONE),
        (_M, at([6])),
        (np.zeros(0), at([0])),
        (_M, at([0, 1], dtype="int32")),
    ),
    picking(
        "take_along_dim",
        (_M, at([[0, 2]]), 0),
        (_M, at([[1], [0], [1]]), 1),
        (_M, at([[-1]]), 1),
        (_A, at([[[1]], [[0]], [[3]]]), 1),
        (_M, at([0, 5])),
        (_M, at([0]), 1),
        (_M, at([[0]], dtype="int32"), 1),
    ),
    picking(
        "masked_select",
        (_M, _MASK),
        (_M, Index(np.array([True, False]))),
        (_0, Index(np.array([[True, False, True]]))),
        (_S, _MASK),
        (_M, at([1, 0])),
        (_M, Index(np.array([True, False, True]))),
    ),
)


def far_more(name: str, index: Any) -> Operation:
    """Describe a selection large enough for the sparse product of its gradient."""
    return Operation(
        name,
        lambda x: x[cr.from_numpy(index)] * 3,
        lambda x: x[torch.from_numpy(index)] * 3,
        (Sample("rows", (uniform(40, 16),), smooth=False),),
        summing=True,
        ulps=64,
    )


EXPANDED = Operation(
    "gather and scatter_add of an expanded index",
    lambda x, index: x.gather(0, index.expand(-1, 2)).scatter_add(0, index.expand(-1, 2), x),
    lambda x, index: x.gather(0, index.expand(-1, 2)).scatter_add(0, index.expand(-1, 2), x),
    (
        Sample("rows", (_M, at([[2], [0], [2]]))),
        Sample("not contiguous", (_S, at([[1], [1], [0]]))),
    ),
    summing=True,
)

MANY = (
    EXPANDED,
    far_more("many rows", np.random.default_rng(0).integers(-40, 40, 3000)),
)

# --- Along a dimension ----------------------------------------------------------------------------

_ALONG: tuple[tuple[Any, ...], ...] = (
    (_M, 0, at([[0, 2], [1, 1]]), uniform(2, 2, seed=1)),
    (_M, 1, at([[1, 0], [0, 1]]), uniform(3, 2, seed=1)),
    (_M, -1, at([[1]]), uniform(2, 2, seed=1)),
    (_A, 1, at([[[3, 0]], [[1, 1]]]), uniform(2, 3, 2, seed=1)),
    (_V, 0, at([3, 1]), uniform(2, seed=1)),
    (_S, 0, at([[2, 1]]), uniform(1, 2, seed=1)),
    (_V, 0, at([0, 3], dtype="int32"), uniform(2, seed=1)),
    (_0, 0, at(0), np.array(0.9)),
    (_V, 0, _NONE, uniform(2, seed=1)),
    (_M, 0, at([0]), _M),
    (_M, 0, at([[0, 0]]), uniform(1, 1)),
    (_M, 0, at([[0, 3]]), _W),
    (_M, 0, at([[0, -1]]), _M + 1),
    (_M, 0, at([[0.0, 1.0]], dtype="float64"), _M + 1),
)
_REPEATED: tuple[tuple[Any, ...], ...] = (
    (_M, 0, at([[0, 0], [0, 2], [0, 2]]), uniform(3, 2, seed=1)),
    (_V, 0, at([3, 3, 1, 3]), uniform(4, seed=1, low=-1.7)),
    (_S, 1, at([[1, 1], [0, 0], [0, 1]]), uniform(3, 2, seed=1)),
)


def along(name: str, calls: tuple[tuple[Any, ...], ...], *rest: Any, **kwargs: Any) -> Operation:
    label = " ".join([name, *map(str, rest), *(f"{k}={v}" for k, v in kwargs.items())])
    return Operation(
        label,
        lambda *args: getattr(cr, name)(*args, *rest, **kwargs),
        lambda *args: getattr(torch, name)(*args, *rest, **kwargs),
        tuple(Sample(f"{list(c[0].shape)}, call {k}", c) for k, c in enumerate(calls)),
        summing=True,
        ulps=8,
    )


def reduced(reduce: str, include_self: bool) -> Operation:
    # PyTorch's gradient of a product is wrong where the source is larger than the index.
    calls = [c for c in _ALONG if reduce != "prod" or c[3].shape == np.shape(c[2].value)]
    return along("scatter_reduce", (*calls, *_REPEATED), reduce, include_self=include_self)


def only(operation: Operation, *samples: Sample) -> Operation:
    """Describe the same operation on other samples."""
    return Operation(
        f"{operation.name}, {samples[0].name}",
        operation.ours,
        operation.theirs,
        samples,
        integers=False,
    )


_TIES = (np.array([3.0, 1.0]), 0, at([0, 0, 1]), np.array([3.0, 3.0, 0.5]))
_ZEROS = (np.array([3.0, 0.0, 2.0]), 0, at([0, 0, 1, 2, 2]), np.array([0.0, 5.0, 4.0, 0.0, 0.0]))

SCATTER = (
    along("scatter", _ALONG),
    Operation(
        "scatter of a number",
        lambda x, dim, index: cr.scatter(x, dim, index, 1.5),
        lambda x, dim, index: torch.scatter(x, dim, index, 1.5),
        tuple(Sample(f"call {k}", c[:3]) for k, c in enumerate((*_ALONG, *_REPEATED))),
    ),
    Operation(
        "scatter adding a number",
        lambda x, dim, index: cr.scatter(x, dim, index, 2, reduce="add"),
        lambda x, dim, index: torch.scatter(x, dim, index, 2, reduce="add"),
        (Sample("matrix", _REPEATED[0][:3], smooth=False),),
    ),
    along("scatter_add", (*_ALONG, *_REPEATED)),
    *(reduced(name, include) for name in ("sum", "mean", "prod") for include in (True, False)),
    *(reduced(name, include) for name in ("amax", "amin") for include in (True, False)),
    *(only(reduced(name, True), Sample("ties", _TIES, smooth=False)) for name in ("amax", "amin")),
    only(reduced("prod", True), Sample("zeros", _ZEROS)),
    only(reduced("sum", True), Sample("half", (_V, 0, at([1, 1]), uniform(2, seed=1)))),
    along("scatter_reduce", _ALONG[:1], "median"),
)

# --- Slices, and any index ------------------------------------------------------------------------

_SLICES: tuple[tuple[Any, ...], ...] = (
    (_M, 0, at([2, 0]), uniform(2, 2, seed=1)),
    (_M, 1, at([1]), uniform(3, 1, seed=1)),
    (_A, -2, at([3, 0]), uniform(3, 2, 2, seed=1)),
    (_V, 0, at([3, 1]), uniform(2, seed=1)),
    (_S, 1, at([1, 0]), uniform(3, 2, seed=1)),
    (_V, 0, _NONE, np.zeros(0)),
    (_M, 0, at([0, 3]), uniform(2, 2)),
    (_M, 0, at([0, 1]), uniform(1, 2)),
    (_M, 0, at([0, 1]), uniform(2, 3)),
    (_M, 0, at([[0, 1]]), uniform(2, 2)),
)
_SLICES_TWICE: tuple[tuple[Any, ...], ...] = (
    (_M, 0, _TWICE, uniform(3, 2, seed=1)),
    (_M, 1, at([0, 0]), uniform(3, 2, seed=1)),
    (_A, 1, at([1, 1]), uniform(3, 2, 2, seed=1)),
)


def filled() -> Operation:
    samples = (
        *(Sample(f"number {k}", (*c[:3], 1.5)) for k, c in enumerate(_SLICES[:6])),
        Sample("negative", (_M, 1, at([-1]), 1.5)),
        Sample("tensor", (_M, 0, _TWICE, uniform(seed=1))),
        Sample("0-d", (_0, 0, at([0]), 2.5)),
        Sample("outside", (_M, 0, at([3]), 2.5)),
        Sample("a vector", (_M, 0, at([0]), uniform(1))),
    )
    return Operation("index_fill", cr.index_fill, torch.index_fill, samples, "index_fill")


def placed(accumulate: bool, *calls: tuple[Any, ...]) -> Operation:
    def run(library: Any) -> Callable[..., Any]:
        return lambda x, index, values: library.index_put(x, index, values, accumulate)

    samples = tuple(Sample(f"call {k}", call) for k, call in enumerate(calls))
    name = "index_put, accumulating" if accumulate else "index_put"
    return Operation(name, run(cr), run(torch), samples, summing=True, ulps=8)


_PLACES: tuple[tuple[Any, ...], ...] = (
    (_M, Index((np.array([2, 0]),)), uniform(2, 2, seed=1)),
    (_M, Index((np.array([2, 0]), np.array([1, 1]))), uniform(2, seed=1)),
    (_M, Index((np.array([-1]),)), uniform(2, seed=1)),
    (_M, Index((np.array([[True, False], [False, True], [True, True]]),)), uniform(4, seed=1)),
    (_M, Index((np.array([2, 0]),)), uniform(seed=1)),
    (_A, Index((np.array([[0], [2]]), np.array([1, 3]))), uniform(2, 2, 2, seed=1)),
    (_M, Index((np.array([3]),)), uniform(2, seed=1)),
    (_M, Index((np.array([0]),)), uniform(3, seed=1)),
)
_PLACES_TWICE: tuple[tuple[Any, ...], ...] = (
    (_M, Index((np.array([2, 0, 2]),)), uniform(3, 2, seed=1)),
    (_M, Index((np.array([2, 2]), np.array([1, 1]))), uniform(2, seed=1)),
    (_M, Index((np.array([2, 2, 0]),)), uniform(seed=1)),
)

_PUT: tuple[tuple[Any, ...], ...] = (
    (_M, at([0, -1]), uniform(2, seed=1)),
    (_S, at([[3, 2]]), uniform(2, 1, seed=1)),
    (_M, _NONE, np.zeros(0)),
    (_M, at([6]), uniform(1)),
    (_M, at([0]), uniform(2)),
)

UPDATES = (
    along("index_add", (*_SLICES, *_SLICES_TWICE)),
    along("index_add", (*_SLICES[:4], *_SLICES_TWICE), alpha=2),
    along("index_copy", _SLICES),
    filled(),
    *(
        along("index_reduce", (*_SLICES, *_SLICES_TWICE), name, include_self=include)
        for name in ("prod", "mean", "amax", "amin")
        for include in (True, False)
    ),
    placed(False, *_PLACES),
    placed(True, *_PLACES, *_PLACES_TWICE),
    along("put", _PUT),
    along("put", (*_PUT, (_M, at([1, 1, 0]), uniform(3, seed=1))), True),
    picking(
        "masked_scatter",
        (_M, _MASK, uniform(4, seed=1)),
        (_M, _MASK, uniform(3, 2, seed=1)),
        (_M, Index(np.array([True, False])), uniform(3, 2, seed=1)),
        (_M, _MASK, uniform(2)),
        (_M, at([1, 0]), uniform(6)),
    ),
)

# --- In place -------------------------------------------------------------------------------------


def in_place(name: str, *calls: tuple[Any, ...], **kwargs: Any) -> Operation:
    """Describe an in-place update of a part of a copy."""

    def run(x: Any, *rest: Any) -> Any:
        y = x.clone()
        part = y[1:]
        getattr(part, name)(*rest, **kwargs)
        return y * part.sum()

    label = " ".join([name, *(f"{k}={v}" for k, v in kwargs.items())])
    samples = tuple(Sample(f"call {k}", call) for k, call in enumerate(calls))
    return Operation(label, run, run, samples, summing=True, ulps=16)


_X = uniform(4, 2, seed=4)
_INTO = (_X, 0, at([[0, 2], [1, 1]]), uniform(2, 2, seed=1))
_ROWS = (_X, 0, at([2, 0]), uniform(2, 2, seed=1))
_COLUMNS = (_X, 1, at([1, 0]), uniform(3, 2, seed=1))

IN_PLACE = (
    in_place("scatter_", _INTO, (*_INTO[:3], 1.5)),
    in_place("scatter_", _INTO, reduce="add"),
    in_place("scatter_add_", _INTO, (_X, 1, at([[1, 1]]), uniform(1, 2, seed=1))),
    in_place("scatter_reduce_", (*_INTO, "prod"), (*_INTO, "amax")),
    in_place("index_add_", _ROWS, _COLUMNS, (_X, 0, at([1, 1]), uniform(2, 2, seed=1))),
    in_place("index_add_", _ROWS, alpha=2),
    in_place("index_copy_", _ROWS, _COLUMNS),
    in_place("index_fill_", (*_ROWS[:3], 1.5), (*_COLUMNS[:3], uniform(seed=1))),
    in_place("index_reduce_", (*_ROWS, "mean"), (*_COLUMNS, "amin")),
    in_place("index_put_", (_X, Index((np.array([2, 0]),)), uniform(2, 2, seed=1))),
    in_place(
        "index_put_", (_X, Index((np.array([2, 2]),)), uniform(2, 2, seed=1)), accumulate=True
    ),
    in_place("masked_scatter_", (_X, _MASK, uniform(4, seed=1))),
    in_place("put_", (_X, at([0, -1]), uniform(2, seed=1))),
    in_place("put_", (_X, at([1, 1]), uniform(2, seed=1)), accumulate=True),
)

OPERATIONS = (*PICKING, *MANY, *SCATTER, *UPDATES, *IN_PLACE)
