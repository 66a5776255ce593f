"""Operations that reorder and repeat elements, or look at them through windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform
from tests.ops.samples.shapes import as_method, as_property, shaped

_V = uniform(5)
_M = uniform(2, 3)
_A = uniform(2, 3, 4)
_0 = uniform()
_E = np.zeros((0, 3))
_S = strided(4, 3)
_COUNTS = Index(np.array([2, 0, 1]))

SHAPES = (
    shaped(
        "unflatten",
        (uniform(2, 6), 1, (2, -1)),
        (uniform(2, 6), -1, (3, 2)),
        (uniform(2, 6), 1, (4, -1)),
        (uniform(2, 6), 1, ()),
        (_E, 0, (2, 0)),
    ),
    shaped(
        "movedim",
        (_A, 0, -1),
        (_A, (0, 1), (2, 0)),
        (_A, (0, 0), (0, 1)),
        (_A, (0,), (0, 1)),
        (_M, 5, 0),
        (_0, 0, 0),
    ),
    shaped("moveaxis", (_A, 1, 0)),
    shaped("swapdims", (_A, 0, -1)),
    shaped("adjoint", (_M,), (_A,), (_V,)),
    as_property("H", _M, _0, _V, _A),
    as_property("mH", _M, _A, _V),
    shaped("ravel", (_M,), (_0,), (_S,), (_E,)),
    *(
        Operation(
            name,
            getattr(cr, name),
            getattr(torch, name),
            (
                *(Sample(str(list(x.shape)), (x,)) for x in (_0, _V, _M, _A, uniform(2, 1, 2, 1))),
                Sample("several", (_0, _M)),
                Sample("a list", ([_0, _M],)),
            ),
        )
        for name in ("atleast_1d", "atleast_2d", "atleast_3d")
    ),
    Operation(
        "broadcast_tensors",
        cr.broadcast_tensors,
        torch.broadcast_tensors,
        (
            Sample("row and column", (uniform(3), uniform(2, 1))),
            Sample("three", (_0, _M, uniform(4, 1, 1))),
            Sample("that do not fit", (uniform(3), uniform(2))),
        ),
    ),
)

ORDER = (
    shaped(
        "flip",
        (_M, (0,)),
        (_M, (1, 0)),
        (_A, (-1, 0)),
        (_M, ()),
        (_S, (1,)),
        (_E, (0,)),
        (_0, ()),
        (_M, (0, 0)),
        (_M, (2,)),
    ),
    shaped("fliplr", (_M,), (_A,), (_V,)),
    shaped("flipud", (_M,), (_V,), (_0,)),
    shaped(
        "roll",
        (_M, 1),
        (_M, -4),
        (_M, 1, 0),
        (_A, (1, -2), (0, 2)),
        (_M, (1, 1), (1, 1)),
        (_E, 1, 0),
        (_S, 2, 1),
        (_0, 1),
        (_M, (1, 2)),
        (_M, (1, 2), (0,)),
        (_0, 1, 0),
    ),
    shaped(
        "rot90",
        (_M,),
        (_M, 2),
        (_M, 3),
        (_M, 0),
        (_M, -1),
        (_A, 1, (2, 1)),
        (_M, 1, (0, 0)),
        (_V,),
        (_M, 1, (0,)),
    ),
)

COPIES = (
    as_method("repeat", (_V, 2), (_M, 2, 1), (_M, 2, 2, 1), (_M, (1, 2)), (_0, 3), (_M, 0, 1)),
    as_method("repeat", (_M, 2), (_M, -1, 2), (_0, ())),
    shaped("tile", (_M, (2,)), (_V, (2, 2)), (_0, (2,)), (_M, (1, 1)), (_M, (2, 1, 2))),
    shaped(
        "repeat_interleave",
        (_M, 2),
        (_M, 2, 1),
        (_A, 3, -2),
        (_M, 0, 0),
        (_0, 2),
        (_V[:3], _COUNTS),
        (_M, _COUNTS, 1),
        (_M, Index(np.array([2])), 0),
        (_M, Index(np.array(2)), 0),
        (_M, _COUNTS, 0),
        (_M, -1),
    ),
    Operation(
        "meshgrid",
        lambda *xs, **options: cr.meshgrid(*xs, **options),
        lambda *xs, **options: torch.meshgrid(*xs, **options),
        tuple(
            Sample(f"{[list(x.shape) for x in xs]} {indexing}", xs, {"indexing": indexing})
            for indexing in ("ij", "xy")
            for xs in ((uniform(2), uniform(3)), (_V,), (uniform(2), _0, uniform(3)), (_M,))
        ),
    ),
    Operation(
        "cartesian_prod",
        cr.cartesian_prod,
        torch.cartesian_prod,
        (
            Sample("two", (uniform(2), uniform(3))),
            Sample("three", (uniform(2), uniform(1), uniform(2))),
            Sample("one", (_V,)),
            Sample("a matrix", (_M,)),
        ),
    ),
    shaped(
        "combinations",
        (uniform(4),),
        (uniform(3), 3),
        (uniform(3), 2, True),
        (uniform(3), 1),
        (uniform(2), 3),
        (uniform(2), 0),
        (_M,),
        method=None,
    ),
    shaped(
        "kron",
        (_M, uniform(2, 2, seed=1)),
        (_M, uniform(2, seed=1)),
        (_0, _M),
        (_V, uniform(2)),
        (_A, uniform(2, 2)),
        (_E, _M),
        summing=True,
    ),
)

WINDOWS = (
    as_method(
        "unfold",
        (_V, 0, 2, 1),
        (_V, 0, 3, 2),
        (_M, 1, 2, 1),
        (_A, -1, 2, 2),
        (uniform(7), 0, 2, 3),
        (uniform(4, 6), 0, 4, 1),
        (_S, 0, 3, 1),
        (_M, 1, 0, 1),
        (_0, 0, 1, 1),
        (_M, 1, 4, 1),
        (_M, 1, 2, 0),
    ),
    shaped(
        "as_strided",
        (_M, (2, 2), (1, 2)),
        (_M, (2, 2), (1, 2), 1),
        (_V, (3, 3), (1, 1)),
        (_M, (2, 2), (0, 1)),
        (_M, (), (), 4),
        (_M, (0,), (1,)),
        (_M, (3, 3), (3, 1)),
        (_M, (2,), (-1,)),
        (_M, (2,), (1, 1)),
    ),
    Operation(
        "as_strided of a transpose",
        lambda x: x.clone().t().as_strided((2, 2), (1, 3)),
        lambda x: x.clone().t().as_strided((2, 2), (1, 3)),
        (Sample("matrix", (_M,)),),
    ),
)


def in_another_shape(name: str, *arguments: Any) -> Operation:
    """Describe an in-place change of shape, before and after which the tensor is changed."""

    def run(x: Any) -> Any:
        y = x * 2
        part = y[..., 0]
        getattr(y, name)(*arguments)
        y.mul_(x.sum())
        return y * y, part

    return Operation(name, run, run, (Sample("matrix", (_M,)), Sample("column", (uniform(2, 1),))))


IN_PLACE = (
    in_another_shape("squeeze_"),
    in_another_shape("squeeze_", 1),
    in_another_shape("unsqueeze_", 1),
    in_another_shape("t_"),
    in_another_shape("transpose_", 0, 1),
    in_another_shape("swapaxes_", 0, -1),
    in_another_shape("swapdims_", 1, 0),
)

OPERATIONS = (*SHAPES, *ORDER, *COPIES, *WINDOWS, *IN_PLACE)
