"""Operations that cut tensors into pieces and put them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform
from tests.ops.samples.shapes import as_method, assembled, shaped

_M = uniform(2, 3)
_A = uniform(2, 3, 4)
_V = uniform(5)
_0 = uniform()
_E = np.zeros((2, 0))
_S = strided(4, 3)


def of_tensors(name: str, *calls: tuple[Any, ...], **kwargs: Any) -> Operation:
    """Describe an operation that takes its tensors as separate arguments."""
    return Operation(
        name,
        getattr(cr, name),
        getattr(torch, name),
        tuple(Sample(str([list(x.shape) for x in xs]), xs, kwargs) for xs in calls),
    )


def described(name: str, ours: Callable[..., Any], *samples: Sample) -> Operation:
    return Operation(name, ours, ours, samples)


TOGETHER = (
    assembled("concat", ([_M, _M + 1], 1)),
    assembled("concatenate", ([_M, _M + 1],)),
    assembled("hstack", ([_0, uniform(1)],), ([_V, _0],), ([_M, uniform(2, 1)],), ([_A, _A + 1],)),
    assembled("vstack", ([_0, uniform(1)],), ([_V, _V + 1],), ([_M, uniform(3)],), ([_A, _A + 1],)),
    assembled("row_stack", ([_V, _V + 1],)),
    assembled("dstack", ([_0, uniform(1)],), ([_V, _V + 1],), ([_M, _M + 1],), ([_A, _A + 1],)),
    assembled(
        "column_stack", ([_0, uniform(1)],), ([uniform(2), _M],), ([_M, _M + 1],), ([_V, _M],)
    ),
    of_tensors("block_diag", (_M, _0, uniform(2)), (_E, _M), (_S,), (_A, _M)),
)

APART = (
    shaped("split_with_sizes", (_M, [1, 2], 1), (_V, [0, 5, 0]), (_V, [2, 2]), (_0, [1])),
    shaped(
        "tensor_split",
        (uniform(7), 3),
        (uniform(7), (1, 3, 3, -1, 9)),
        (_M, [1], -1),
        (_M, 5, 0),
        (_V, Index(np.array([1, 4]))),
        (_V, Index(np.array(2))),
        (_V, 0),
        (_0, 2),
    ),
    shaped("hsplit", (_V, 5), (_M, 3), (_M, (1,)), (_M, 2), (_0, 1)),
    shaped("vsplit", (_M, 2), (_M, (1, 1)), (_V, 5), (_M, 0)),
    shaped("dsplit", (_A, 2), (_A, (1,)), (_M, 3)),
    shaped(
        "narrow",
        (_M, 1, 1, 2),
        (_M, 0, -1, 1),
        (_M, -1, 3, 0),
        (_M, 1, Index(np.array(1)), 2),
        (_M, 1, 2, 2),
        (_M, 1, 4, 0),
        (_M, 1, 0, -1),
        (_0, 0, 0, 1),
    ),
    shaped("narrow_copy", (_M, 1, 1, 2)),
    shaped("select", (_M, 0, 1), (_A, -1, -2), (_V, 0, 2), (_M, 1, 3), (_0, 0, 0)),
    described(
        "the first of several chunks",
        lambda x: x.chunk(3, 1)[0] * 2,
        Sample("matrix", (_M,)),
    ),
    described(
        "rows of a tensor one by one",
        lambda x: sum(k * row * row for k, row in enumerate(x)),
        Sample("matrix", (_M,)),
        Sample("not contiguous", (_S,)),
    ),
)


def _changed_piece(x: Any) -> Any:
    y = x.clone()
    half = y[:, :2]
    half *= 3
    return y.split([1, 2], 1)[1] * half.sum()


CHANGED = (
    described("pieces of what was changed in place", _changed_piece, Sample("matrix", (_M,))),
    as_method("narrow", (_M, 1, 0, 2)),
)

OPERATIONS = (*TOGETHER, *APART, *CHANGED)
