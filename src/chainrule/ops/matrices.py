"""Parts of matrices that the rules of linear algebra name: triangles and diagonals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.shape import permuted
from chainrule.symbol import LEVELS, Notation, Style, function_notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__: list[str] = []


def _triangle_notation(name: str) -> Notation:
    """Write ``tril(x)``, or ``tril(x, −1)`` for the diagonal where the triangle begins."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        offset = f", {style.parameter(o['diagonal'])}" if o["diagonal"] else ""
        inner = f"{o['x']}{offset}"
        return f"{style.function(name)}{style.parentheses(inner)}", LEVELS["atom"]

    return Notation(custom=custom)


lower: Operation = define(
    "lower_triangle",
    lambda x, diagonal: np.tril(x, diagonal),
    params=("diagonal",),
    x=lambda g, diagonal: lower(g, diagonal),
    notation=_triangle_notation("tril"),
    doc="The lower triangle of matrices, from a diagonal downwards; 0 above it.",
)
upper: Operation = define(
    "upper_triangle",
    lambda x, diagonal: np.triu(x, diagonal),
    params=("diagonal",),
    x=lambda g, diagonal: upper(g, diagonal),
    notation=_triangle_notation("triu"),
    doc="The upper triangle of matrices, from a diagonal upwards; 0 below it.",
)


def _embedded(x: Any, shape: tuple[int, ...]) -> Any:
    y = np.zeros(shape, x.dtype)
    k = np.arange(min(shape[-2:]))
    y[..., k, k] = x
    return y


main_diagonal: Operation = define(
    "main_diagonal",
    lambda x: x.diagonal(0, -2, -1).copy(),
    x=lambda g, x_shape: on_diagonal(g, x_shape),
    notation=Notation("diagonal({x})", r"\operatorname{{diagonal}}\left({x}\right)"),
    doc="The main diagonal of matrices.",
)
on_diagonal: Operation = define(
    "on_diagonal",
    _embedded,
    params=("shape",),
    x=lambda g: main_diagonal(g),
    notation=function_notation("diag"),
    doc="Matrices of a shape with values on their main diagonal and 0 elsewhere.",
)


def diagonal_of(x: Tensor, first: int, second: int) -> Tensor:
    """Return the main diagonal of two dimensions as the last one."""
    n = x._array.ndim
    rest = tuple(d for d in range(n) if d not in (first, second))
    order = (*rest, first, second)
    return main_diagonal(x if order == tuple(range(n)) else permuted(x, order))
