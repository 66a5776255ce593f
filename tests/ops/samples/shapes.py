"""Operations that rearrange elements, and matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform


def shaped(name: str, *calls: tuple[Any, ...], **options: Any) -> Operation:
    """Describe an operation whose samples are an array and further arguments."""
    samples = tuple(
        Sample(f"{list(x.shape)} {rest}", (x, *rest)) for x, *rest in (c for c in calls)
    )
    method = options.pop("method", name)
    return Operation(name, getattr(cr, name), getattr(torch, name), samples, method, **options)


def as_method(name: str, *calls: tuple[Any, ...]) -> Operation:
    """Describe an operation that PyTorch has as a method only."""
    samples = tuple(Sample(f"{list(x.shape)} {rest}", (x, *rest)) for x, *rest in calls)
    return Operation(
        name,
        lambda x, *rest: getattr(x, name)(*rest),
        lambda x, *rest: getattr(x, name)(*rest),
        samples,
    )


def as_property(name: str, *arrays: Any) -> Operation:
    return Operation(
        name,
        lambda x: getattr(x, name),
        lambda x: getattr(x, name),
        tuple(Sample(str(list(x.shape)), (x,)) for x in arrays),
    )


def assembled(name: str, *calls: tuple[Any, ...]) -> Operation:
    """Describe an operation on a list of tensors."""
    samples = tuple(
        Sample(f"{[list(x.shape) for x in xs]} {rest}", (list(xs), *rest)) for xs, *rest in calls
    )
    return Operation(name, getattr(cr, name), getattr(torch, name), samples)


_M = uniform(2, 3)
_A = uniform(2, 3, 4)
_S = strided(4, 3)
_0 = uniform()
_E = np.zeros((2, 0))

SHAPE = (
    shaped(
        "reshape",
        (_M, (3, 2)),
        (_M, (-1,)),
        (_M, (2, 1, 3)),
        (_0, (1, 1)),
        (_0, ()),
        (_E, (0, 5)),
        (_E, (3, -1, 0)),
        (_S, (2, 6)),
    ),
    as_method("view", (_M, 3, 2), (_M, (-1, 2)), (_M, -1), (_0, 1), (uniform(1), ()), (_E, 0)),
    as_method("reshape", (_M, 3, 2), (_M, -1)),
    shaped("flatten", (_A,), (_A, 1), (_A, 0, 1), (_A, -2, -1), (_0,), (_E,), (_S,), (_M, 1, 1)),
    shaped("transpose", (_M, 0, 1), (_A, 0, 2), (_A, -1, -2), (_0, 0, 0), (_A, 1, 1), (_S, 0, 1)),
    shaped("swapaxes", (_A, 0, -1)),
    shaped("t", (_M,), (uniform(3),), (_0,)),
    as_property("T", _M),
    as_property("mT", _M, _A),
    shaped(
        "permute",
        (_A, (2, 0, 1)),
        (_A, (-1, 0, 1)),
        (_M, (1, 0)),
        (_0, ()),
        (uniform(2, 3, 1, 2), (3, 1, 0, 2)),
    ),
    shaped(
        "squeeze",
        (uniform(1, 3, 1),),
        (uniform(1, 3, 1), 0),
        (uniform(1, 3, 1), 1),
        (uniform(1, 3, 1), -1),
        (uniform(1, 3, 1), (0, 2)),
        (_0,),
        (_0, 0),
        (uniform(1, 1),),
    ),
    shaped("unsqueeze", (_M, 0), (_M, 1), (_M, -1), (_M, 2), (_0, 0), (_E, 1)),
    as_method(
        "expand",
        (uniform(2, 1), 2, 3),
        (uniform(2, 1), -1, 3),
        (uniform(3), 2, 3),
        (uniform(3), (4, 2, -1)),
        (_0, 2, 2),
        (uniform(1), 0),
        (_M, 2, 3),
    ),
    shaped(
        "broadcast_to",
        (uniform(2, 1), (2, 3)),
        (uniform(3), (2, 3)),
        (_0, (2,)),
        (uniform(2, 1, 1), (5, 2, 1, 3)),
        (uniform(1, 3), (0, 3)),
    ),
    Operation(
        "expand_as",
        lambda x, o: x.expand_as(o),
        lambda x, o: x.expand_as(o),
        (Sample("row", (uniform(3), _M)),),
    ),
    Operation(
        "view_as",
        lambda x, o: x.view_as(o),
        lambda x, o: x.view_as(o),
        (Sample("matrix", (uniform(3, 2), _M)),),
    ),
    Operation(
        "reshape_as",
        lambda x, o: x.reshape_as(o),
        lambda x, o: x.reshape_as(o),
        (Sample("matrix", (uniform(3, 2), _M)),),
    ),
    as_method("contiguous", (_M,), (_S,)),
)

ASSEMBLY = (
    assembled(
        "cat",
        ([_M, uniform(1, 3)],),
        ([_M, uniform(2, 2), _M + 1], 1),
        ([_M, uniform(2, 0)], -1),
        ([uniform(2), np.zeros(0), uniform(3, seed=1)],),
        ([_A, _A + 1], 1),
        ([_M],),
        ([np.zeros(0), _M],),
        ([_S, uniform(1, 3)],),
    ),
    assembled(
        "stack",
        ([uniform(3), uniform(3, seed=1)],),
        ([_M, _M + 1], 1),
        ([_M, _M + 1, _M * 2], -1),
        ([_0, uniform(seed=1)],),
        ([_E, _E], 2),
        ([_M],),
    ),
    shaped(
        "split",
        (uniform(5, 2), 2),
        (uniform(5, 2), [1, 4]),
        (_M, 1, 1),
        (_M, [2, 0, 1], -1),
        (_M, 7),
        (np.zeros((0, 2)), 2),
    ),
    shaped(
        "chunk", (uniform(5, 2), 2), (uniform(5), 3), (_M, 3, 1), (_M, 9), (np.zeros((0, 2)), 2)
    ),
    shaped("unbind", (_M,), (_M, 1), (_A, -1), (np.zeros((0, 2)),)),
)


def products(
    name: str,
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    *shapes: Any,
    method: str | None = None,
) -> Operation:
    samples = [
        Sample(f"{list(a)} {list(b)}", (uniform(*a), uniform(*b, seed=1))) for a, b in shapes
    ]
    samples.append(Sample("not contiguous", (strided(4, 3), strided(3, 2))))
    samples.append(
        Sample(
            "not finite",
            (np.array([[np.nan, 1.0], [np.inf, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])),
            smooth=False,
        )
    )
    return Operation(name, ours, theirs, tuple(samples), method, ulps=16, summing=True)


_MATRICES = [
    ((2, 3), (3, 4)),
    ((1, 1), (1, 1)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((2, 3), (3, 0)),
]
_ANY = [
    *_MATRICES,
    ((3,), (3,)),
    ((0,), (0,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 2, 3), (2, 3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((1, 2, 3), (4, 3, 2)),
]

PRODUCTS = (
    products("matmul", cr.matmul, torch.matmul, *_ANY, method="matmul"),
    products("@", lambda a, b: a @ b, lambda a, b: a @ b, *_ANY),
    products("mm", cr.mm, torch.mm, *_MATRICES, method="mm"),
    Operation(
        "linear",
        cr.nn.functional.linear,
        torch.nn.functional.linear,
        (
            Sample("matrix", (uniform(4, 3), uniform(2, 3, seed=1), uniform(2, seed=2))),
            Sample("without bias", (uniform(4, 3), uniform(2, 3, seed=1))),
            Sample("vector", (uniform(3), uniform(2, 3, seed=1), uniform(2, seed=2))),
            Sample("vector without bias", (uniform(3), uniform(2, 3, seed=1))),
            Sample("batches", (uniform(2, 2, 3), uniform(2, 3, seed=1), uniform(2, seed=2))),
            Sample("batches without bias", (uniform(2, 2, 3), uniform(2, 3, seed=1))),
            Sample("a weight of one output", (uniform(4, 3), uniform(3, seed=1))),
            Sample("no rows", (uniform(0, 3), uniform(2, 3, seed=1), uniform(2, seed=2))),
            Sample("no features", (uniform(4, 0), uniform(2, 0), uniform(2, seed=2))),
            Sample("not contiguous", (strided(4, 3), strided(2, 3), uniform(2, seed=2))),
            Sample(
                "not finite",
                (np.array([[np.nan, 1.0], [np.inf, 0.0]]), uniform(2, 2), uniform(2)),
                smooth=False,
            ),
        ),
        ulps=16,
        integers=False,
        summing=True,
    ),
)

OPERATIONS = (*SHAPE, *ASSEMBLY, *PRODUCTS)
