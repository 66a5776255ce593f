"""Distances between all rows of one collection and all rows of another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.arithmetic import abs, sign
from chainrule.ops.comparison import filled_where
from chainrule.ops.matrix_norms import vector_norm
from chainrule.ops.reductions import total
from chainrule.ops.shape import inserted
from chainrule.symbol import function_notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["cdist"]

_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)
# With more rows than this, PyTorch computes Euclidean distances by a matrix product.
_FEW_ROWS = 25


def _euclidean(a: Any, b: Any) -> Any:
    # ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b, around the centre of b: a common offset would cost accuracy.
    if not b.size or not a.size:
        rows = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-2])
        return np.zeros(rows, a.dtype)
    centre = np.add.reduce(b, axis=-2, keepdims=True) / b.shape[-2]
    a, b = a - centre, b - centre
    squares = np.matmul(a, np.swapaxes(b, -1, -2))
    squares *= -2
    squares += np.add.reduce(a * a, axis=-1)[..., :, None]
    squares += np.add.reduce(b * b, axis=-1)[..., None, :]
    return np.sqrt(np.maximum(squares, 0, out=squares), out=squares)


def _pull(g: Any, y: Any) -> Any:
    """Return ȳ / y, with 0 where two rows are the same and the derivative does not exist."""
    return filled_where(g / y, y == 0.0, 0.0)


def _gradient_of_first(g: Any, a: Any, b: Any, y: Any, a_shape: Any, b_shape: Any) -> Any:
    weights = _pull(g, y)
    last = max(len(a_shape), len(b_shape)) - 1
    return a * total(weights, (last,), True) - weights @ b


def _gradient_of_second(g: Any, a: Any, b: Any, y: Any, a_shape: Any, b_shape: Any) -> Any:
    weights = _pull(g, y).mT
    last = max(len(a_shape), len(b_shape)) - 1
    return b * total(weights, (last,), True) - weights @ a


euclidean_distances: Operation = define(
    "euclidean_distances",
    _euclidean,
    a=_gradient_of_first,
    b=_gradient_of_second,
    notation=function_notation("distances"),
    doc="Euclidean distances of the rows of a from the rows of b, by a matrix product.",
)


def _gradient_of_largest(g: Any, x: Any, y: Any, x_shape: Any) -> Any:
    # Each of several largest differences has the whole gradient, as in PyTorch's cdist.
    last = (len(x_shape) - 1,)
    return filled_where(inserted(g, last) * sign(x), abs(x) != inserted(y, last), 0.0)


largest_difference: Operation = define(
    "largest_difference",
    lambda x: np.maximum.reduce(np.abs(x), axis=-1, initial=0),
    x=_gradient_of_largest,
    notation=function_notation("largest_difference"),
    doc="The largest magnitude along the last dimension.",
)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = _MODES[0]) -> Tensor:
    """Return the distance of order p of each row of ``x1`` from each row of ``x2``.

    Args:
        x1: shape (…, P, M), of a floating dtype.
        x2: shape (…, R, M); the leading dimensions broadcast.
        p: the order of the norm, from 0 to infinity.
        compute_mode: whether Euclidean distances are computed by a matrix product, which is fast
            but loses the digits in which the rows agree: with
            ``"use_mm_for_euclid_dist_if_necessary"`` if there are more than 25 rows, or always
            (``"use_mm_for_euclid_dist"``) or never (``"donot_use_mm_for_euclid_dist"``).

    Returns:
        Shape (…, P, R).

    >>> import chainrule as cr
    >>> cr.cdist(cr.tensor([[0.0, 0.0]]), cr.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    if compute_mode not in _MODES:
        raise ValueError(
            f"{compute_mode} is not a valid value for compute_mode; it is one of {_MODES}"
        )
    for name, x in (("X1", x1._array), ("X2", x2._array)):
        if x.ndim < 2:
            raise RuntimeError(
                f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D; unsqueeze it"
            )
        if x.dtype.kind != "f":
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: {x.dtype}; convert with "
                ".float()"
            )
    a, b = x1._array, x2._array
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"expected scalar type {a.dtype} but found {b.dtype}: cdist takes two tensors of one "
            "dtype"
        )
    if a.shape[-1] != b.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {a.shape[-1]} X2: {b.shape[-1]}"
        )
    if not p >= 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    many = max(a.shape[-2], b.shape[-2]) > _FEW_ROWS
    if p == 2 and (compute_mode == _MODES[1] or (compute_mode == _MODES[0] and many)):
        return euclidean_distances(x1, x2)
    differences = inserted(x1, (a.ndim - 1,)) - inserted(x2, (b.ndim - 2,))
    if p == math.inf:
        return largest_difference(differences)
    return vector_norm(differences, float(p), -1)
