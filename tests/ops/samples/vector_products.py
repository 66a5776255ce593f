"""Products of vectors and matrices by PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform

_M = uniform(2, 3)


def product(name: str, *shapes: Any, method: bool = True, samples: Any = ()) -> Operation:
    """Describe a product by the shapes of its operands."""
    made = (
        Sample(
            " ".join(str(list(shape)) for shape in given),
            tuple(uniform(*shape, seed=k) for k, shape in enumerate(given)),
        )
        for given in shapes
    )
    ours, theirs = cr, torch
    for part in name.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    return Operation(
        name,
        ours,
        theirs,
        (*made, *samples),
        method=name if method else None,
        ulps=16,
        summing=True,
    )


def added(name: str, result: tuple[int, ...], a: Any, b: Any) -> Operation:
    """Describe a product that is added to something, with its factors."""
    operands = uniform(*a, seed=1), uniform(*b, seed=2)
    nothing = np.full(result, np.nan)
    return product(
        name,
        (result, a, b),
        ((1,) * len(result), a, b),
        ((), a, b),
        ((7,), a, b),
        samples=(
            Sample("factors", (uniform(*result), *operands), {"beta": 2, "alpha": 3}),
            Sample("fractions", (uniform(*result), *operands), {"beta": 0.5, "alpha": -1.5}),
            Sample("not read", (nothing, *operands), {"beta": 0}),
            Sample("not read, a factor", (nothing, *operands), {"beta": 0, "alpha": 2}),
            # Of vectors: a matrix.
            Sample(
                "operands that do not fit", (uniform(*result), operands[0], uniform(*b[:-2], 7, 7))
            ),
        ),
    )


OPERATIONS = (
    product(
        "bmm",
        ((2, 2, 3), (2, 3, 2)),
        ((0, 2, 3), (0, 3, 2)),
        ((2, 2, 0), (2, 0, 2)),
        ((2, 3), (3, 2)),
        ((2, 2, 3), (1, 3, 2)),
        ((2, 2, 3), (2, 2, 3)),
        samples=(Sample("not contiguous", (strided(2, 2, 3), strided(2, 3, 2))),),
    ),
    product("mv", ((2, 3), (3,)), ((2, 0), (0,)), ((0, 2), (2,)), ((2, 3), (2,)), ((3,), (3,))),
    product("vdot", ((3,), (3,)), ((0,), (0,)), ((3,), (2,)), ((2, 2), (2,))),
    product("dot", ((3,), (3,)), ((0,), (0,)), ((3,), (2,))),
    product(
        "inner",
        ((3,), (3,)),
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 2, 3), (2, 3)),
        ((), (2, 3)),
        ((3,), ()),
        ((2, 3), (2,)),
    ),
    product("outer", ((2,), (3,)), ((0,), (3,)), ((2, 2), (3,)), ((2,), ())),
    product("ger", ((2,), (3,)), ((2, 2), (3,))),
    added("addmm", (2, 2), (2, 3), (3, 2)),
    added("addmv", (2,), (2, 3), (3,)),
    added("addr", (2, 3), (2,), (3,)),
    added("baddbmm", (2, 2, 2), (2, 2, 3), (2, 3, 2)),
    added("addbmm", (2, 2), (2, 2, 3), (2, 3, 2)),
    product(
        "chain_matmul",
        ((2, 3),),
        ((2, 3), (3, 4)),
        ((2, 3), (3, 1), (1, 4), (4, 2)),
        ((2, 3), (3,)),
        method=False,
    ),
    Operation(
        "linalg.multi_dot",
        cr.linalg.multi_dot,
        torch.linalg.multi_dot,
        tuple(
            Sample(str(shapes), ([uniform(*s, seed=k) for k, s in enumerate(shapes)],))
            for shapes in (
                ((2, 3), (3, 2)),
                ((2, 3), (3, 1), (1, 4), (4, 2)),
                ((3,), (3, 2), (2, 2)),
                ((2, 3), (3, 2), (2,)),
                ((3,), (3, 2), (2,)),
                ((3,), (3,)),
                ((2, 3),),
                ((2, 3), (2, 3)),
                ((2, 3), (3,), (3, 2)),
                ((2, 3), (3, 0), (0, 2)),
            )
        ),
        ulps=16,
        summing=True,
    ),
    product("trace", ((3, 3),), ((2, 3),), ((3, 2),), ((0, 2),), ((2, 2, 2),)),
    Operation(
        "cross",
        cr.cross,
        torch.cross,
        (
            Sample("vectors", (uniform(3), uniform(3, seed=1)), {"dim": 0}),
            Sample("rows", (uniform(2, 3), uniform(2, 3, seed=1), 1)),
            Sample("columns", (uniform(3, 2), uniform(3, 2, seed=1)), {"dim": 0}),
            Sample("first of size 3", (uniform(2, 3, 3), uniform(2, 3, 3, seed=1))),
            Sample("none of size 3", (uniform(2, 2), uniform(2, 2))),
        ),
        method="cross",
        ulps=16,
        summing=True,
    ),
    product(
        "linalg.cross",
        ((3,), (3,)),
        ((2, 3), (2, 3)),
        ((2, 3), (1, 3)),
        ((2, 2), (2, 2)),
        ((3,), (2, 3)),
        ((0, 3), (0, 3)),
        method=False,
        samples=(Sample("dim", (uniform(3, 2), uniform(3, 1, seed=1)), {"dim": 0}),),
    ),
    product(
        "linalg.vecdot",
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2, 3), (2, 1)),
        ((0,), (0,)),
        ((2, 3), (2,)),
        method=False,
        samples=(Sample("dim", (_M, _M + 1), {"dim": 0}),),
    ),
)
