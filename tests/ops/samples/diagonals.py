"""Diagonals, triangles, and tensors with parts replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.samples.description import Operation, Sample, strided, uniform
from tests.ops.samples.shapes import as_method, shaped

_V = uniform(3)
_M = uniform(2, 3)
_A = uniform(2, 3, 4)
_0 = uniform()
_E = np.zeros((0, 3))
_S = strided(4, 3)


def changed(name: str, change: Any, *arrays: Any) -> Operation:
    """Describe a change to a view of a copy, seen through the copy."""

    def run(x: Any) -> Any:
        y = x.clone()
        change(y)
        return y * y

    return Operation(name, run, run, tuple(Sample(str(list(x.shape)), (x,)) for x in arrays))


OPERATIONS = (
    shaped(
        "diagonal",
        (_M,),
        (_M, 1),
        (_M, -1),
        (_M, 5),
        (_A, 0, -1, 0),
        (_A, -1, 1, 2),
        (_E,),
        (_S, -2),
        (_V,),
        (_M, 0, 1, 1),
    ),
    shaped(
        "diag_embed",
        (_V,),
        (_V, 1),
        (_V, -2),
        (_M, 0, 0, 2),
        (_M, 1, 0, -1),
        (_E,),
        (_0,),
        (_V, 0, 0, 0),
    ),
    shaped("diag", (_V,), (_V, -1), (_M,), (_M, 1), (_S,), (_A,), (_0,)),
    shaped("diagflat", (_V,), (_M, 1), (_0,), (_E,)),
    shaped("tril", (_M,), (_M, 1), (_A, -1), (_S,), (_E,), (_M, 9), (_V,)),
    shaped("triu", (_M,), (_M, 1), (_A, -1), (_S,), (_E,), (_M, 9), (_V,)),
    shaped(
        "diagonal_scatter",
        (_M, uniform(2, seed=1)),
        (_M, uniform(1, seed=1), -1),
        (_A, uniform(3, 2, seed=1), 0, 0, 2),
        (_S, uniform(3, seed=1)),
        (_M, _V),
    ),
    shaped(
        "select_scatter",
        (_M, _V, 0, 1),
        (_A, uniform(2, 3, seed=1), -1, -2),
        (_M, uniform(1), 0, 1),
        (_M, _V, 0, 4),
    ),
    shaped(
        "slice_scatter",
        (_M, uniform(2, 2, seed=1), 1, 0, 3, 2),
        (_M, uniform(1, 3, seed=1), 0, -1),
        (_M, uniform(2, 3, seed=1)),
        (_M, uniform(2, 0), 1, 2, 2),
        (_M, uniform(2, 1), 1, 0, 3, 2),
        (_M, uniform(1, 3), 0, 0, 2, 0),
    ),
    changed("a diagonal changed", lambda y: y.diagonal().mul_(3), _M, _A),
    changed("fill_diagonal_", lambda y: y.fill_diagonal_(2), _M, uniform(3, 3, 3), _V),
    changed("fill_diagonal_, wrapped", lambda y: y.fill_diagonal_(2, wrap=True), uniform(5, 2), _M),
    changed("tril_", lambda y: y.tril_(), _M, _A),
    changed("triu_", lambda y: y.triu_(1), _M, _A),
    as_method("diagonal", (_A, 1, -1, -2)),
)
