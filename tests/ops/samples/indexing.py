"""Reading and writing elements at an index."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform

_A = uniform(3, 4, 2)
_MASK = np.array(
    [[True, False, True, False], [False, False, True, True], [False, True, False, False]]
)
_ROWS = np.array([2, 0, 2])

INDICES: dict[str, Any] = {
    "an integer": 1,
    "a negative integer": -1,
    "several integers": (0, -1, 1),
    "a slice": slice(1, 3),
    "a slice with a step": (slice(None, None, 2), slice(3, 0)),
    "a slice beyond the end": slice(1, 99),
    "an empty slice": slice(2, 2),
    "everything": slice(None),
    "ellipsis": (..., 0),
    "integer and ellipsis": (1, ..., slice(0, 1)),
    "only ellipsis": ...,
    "new dimension": None,
    "new dimensions among others": (None, 0, None, slice(1, 3)),
    "an array": _ROWS,
    "a list": [0, 2],
    "an array that repeats": np.array([1, 1, 1, 0]),
    "negative numbers in an array": np.array([-1, -3]),
    "a matrix of indices": np.array([[0, 1], [2, 2]]),
    "an empty array": np.zeros(0, np.int64),
    "a 0-d array": np.array(2),
    "two arrays": (_ROWS, np.array([3, 3, 0])),
    "two arrays that broadcast": (np.array([[0], [2]]), np.array([1, 3, 3])),
    "arrays apart": (np.array([0, 2]), slice(None), np.array([1, 0])),
    "array and slice": (_ROWS, slice(1, 3)),
    "slice and array": (slice(None), np.array([3, 0, 3])),
    "integer and array": (0, np.array([3, 0, 3])),
    "array and integer apart": (np.array([0, 2]), slice(None), 1),
    "new dimension and array": (None, _ROWS),
    "a mask": _MASK,
    "a mask of everything": np.ones((3, 4, 2), bool),
    "a mask of nothing": np.zeros((3, 4), bool),
    "a mask of the first dimension": np.array([True, False, True]),
    "a mask and an integer": (np.array([True, False, True]), 0),
    "slice and mask": (slice(None), np.array([True, False, True, True])),
    "a mask and an array": (np.array([True, False, True]), np.array([1, 3])),
    "True": True,
    "False": False,
}


def _read(x: Any, index: Any) -> Any:
    return x[index]


def _write(x: Any, value: Any, index: Any) -> Any:
    y = x.clone()
    y[index] = value
    return y


def _write_through_view(x: Any, value: Any) -> Any:
    y = x.clone()
    view = y[1:]
    view[0] = value
    return y * view.sum()


def _change_view(x: Any) -> Any:
    y = x.clone()
    row = y[0]
    row *= 3
    return row * y


def selected(index: Any) -> tuple[int, ...]:
    plain = np.asarray(index) if isinstance(index, list) else index
    return tuple(np.empty(_A.shape)[plain].shape)


OPERATIONS = (
    Operation(
        "x[index]",
        _read,
        _read,
        (
            *(Sample(name, (_A, Index(index))) for name, index in INDICES.items()),
            Sample("not contiguous", (strided(3, 2), Index((slice(None), 1)))),
            Sample("not contiguous, by an array", (strided(3, 2), Index(np.array([2, 0, 0])))),
            Sample("0-d by nothing", (uniform(), Index(()))),
            Sample("0-d by ellipsis", (uniform(), Index(...))),
            Sample("0-d by None", (uniform(), Index(None))),
            Sample("0-d by a mask", (uniform(), Index(np.array(True)))),
            Sample("empty", (np.zeros((0, 3)), Index((slice(None), 1)))),
        ),
    ),
    Operation(
        "x[index] = number",
        lambda x, index: _write(x, -7.5, index),
        lambda x, index: _write(x, -7.5, index),
        tuple(Sample(name, (_A, Index(index))) for name, index in INDICES.items()),
    ),
    Operation(
        "x[index] = tensor",
        _write,
        _write,
        (
            # Where an index repeats, which of the values stays is not defined.
            *(
                Sample(name, (_A, uniform(*selected(index), seed=3), Index(index)))
                for name, index in INDICES.items()
                if not name.startswith(
                    (
                        "an array",
                        "two arrays",
                        "slice and array",
                        "array and",
                        "a matrix",
                        "integer and array",
                        "new dimension and array",
                    )
                )
            ),
            Sample("broadcast", (_A, uniform(2), Index((slice(None), 1)))),
            Sample("broadcast into a mask", (_A, uniform(2), Index(_MASK))),
            Sample("0-d value", (_A, uniform(), Index(_MASK))),
            Sample("a value with a surplus dimension", (_A, uniform(1, 4, 2), Index(0))),
            Sample("distinct rows", (_A, uniform(2, 4, 2), Index(np.array([2, 0])))),
        ),
    ),
    Operation(
        "x[1:][0] = tensor",
        _write_through_view,
        _write_through_view,
        (Sample("row", (uniform(3, 2), uniform(2))), Sample("0-d", (uniform(3, 2), uniform()))),
    ),
    Operation(
        "x += 1 in place, of an empty tensor",
        lambda x: x.clone().add_(1),
        lambda x: x.clone().add_(1),
        (Sample("three dimensions", (np.zeros((2, 0, 3)),)),),
        integers=False,
    ),
    Operation("x[0] *= 3", _change_view, _change_view, (Sample("matrix", (uniform(3, 2),)),)),
    Operation(
        "gather",
        lambda x, dim, index: cr.gather(x, dim, index),
        lambda x, dim, index: torch.gather(x, dim, index),
        (
            Sample("rows", (uniform(3, 2), 0, Index(np.array([[0, 2], [1, 1]])))),
            Sample("columns", (uniform(3, 2), 1, Index(np.array([[0, 1, 1], [1, 0, 0]])))),
            Sample("negative dimension", (uniform(3, 2), -1, Index(np.array([[0], [1], [1]])))),
            Sample("repeated", (uniform(3, 2), 0, Index(np.zeros((5, 2), np.int64)))),
            Sample("three dimensions", (_A, 1, Index(np.array([[[3, 0]], [[1, 1]]])))),
            Sample("vector", (uniform(4), 0, Index(np.array([3, 3, 0])))),
            Sample("nothing", (uniform(4), 0, Index(np.zeros(0, np.int64)))),
            Sample("0-d", (uniform(), 0, Index(np.array(0)))),
        ),
        method="gather",
    ),
)
