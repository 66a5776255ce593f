"""NumPy's reductions, elementwise functions, products and creation, differentiable."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.interop.numpy_table import Function, as_floats, converted, stands_for, unset
from chainrule.ops import (
    arithmetic,
    cast,
    comparison,
    creation,
    exponential,
    extrema,
    linear_algebra,
    reductions,
)
from chainrule.ops.creation import as_tensor
from chainrule.ops.shape import normal_dim, permuted, reshaped
from chainrule.tensor import Tensor

# --- Reductions -----------------------------------------------------------------------------------


@stands_for(np.sum)
def _sum(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = unset, where: Any = unset,
) -> Any:  # fmt: skip
    if initial is not unset or where is not unset:
        return NotImplemented
    return reductions.sum(converted(a, dtype), axis, keepdims)


@stands_for(np.mean)
def _mean(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    *, where: Any = unset,
) -> Any:  # fmt: skip
    if where is not unset:
        return NotImplemented
    return reductions.mean(as_floats(a, dtype), axis, keepdims)


def _spread(reduce: Function) -> Function:
    def reduction(
        a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
        keepdims: bool = False, *, where: Any = unset, mean: Any = unset,
        correction: Any = unset,
    ) -> Any:  # fmt: skip
        if where is not unset or mean is not unset:
            return NotImplemented
        divisor = ddof if correction is unset else correction
        return reduce(as_floats(a, dtype), axis, keepdim=keepdims, correction=divisor)

    return reduction


stands_for(np.var)(_spread(reductions.var))
stands_for(np.std)(_spread(reductions.std))


def _extremum(reduce: Function) -> Function:
    def reduction(
        a: Any, axis: Any = None, out: None = None, keepdims: bool = False,
        initial: Any = unset, where: Any = unset,
    ) -> Any:  # fmt: skip
        if initial is not unset or where is not unset:
            return NotImplemented
        return reduce(as_tensor(a), axis, keepdims)

    return reduction


stands_for(np.max, np.amax)(_extremum(extrema.amax))
stands_for(np.min, np.amin)(_extremum(extrema.amin))
stands_for(np.all)(_extremum(reductions.all))
stands_for(np.any)(_extremum(reductions.any))


@stands_for(np.ptp)
def _range(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    x = as_tensor(a)
    return extrema.amax(x, axis, keepdims) - extrema.amin(x, axis, keepdims)


@stands_for(np.argmax)
def _argmax(a: Any, axis: Any = None, out: None = None, *, keepdims: bool = False) -> Any:
    return extrema.argmax(as_tensor(a), axis, keepdims)


@stands_for(np.argmin)
def _argmin(a: Any, axis: Any = None, out: None = None, *, keepdims: bool = False) -> Any:
    return extrema.argmin(as_tensor(a), axis, keepdims)


@stands_for(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    if returned:
        return NotImplemented
    x = as_floats(a, None)
    if weights is None:
        return reductions.mean(x, axis, keepdims)
    w = as_tensor(weights)
    if w._array.ndim == 1 and x._array.ndim > 1 and isinstance(axis, int):
        axis = normal_dim("np.average", axis, x._array.ndim)
        w = reshaped(w, (-1,) + (1,) * (x._array.ndim - axis - 1))
    w = w + creation.zeros_like(x)
    return reductions.sum(x * w, axis, keepdims) / reductions.sum(w, axis, keepdims)


@stands_for(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    t = as_floats(x, None)
    whole = axis is None and ord is None
    vector = isinstance(axis, int) or (axis is None and t._array.ndim == 1)
    frobenius = ord in (None, "fro") and (axis is None or isinstance(axis, tuple))
    if not (whole or vector or frobenius):
        return NotImplemented
    if whole or frobenius or ord in (None, 2):
        squares = reductions.sum(t * t, axis, keepdims)
        # The derivative of the root is infinite at 0, where PyTorch takes 0 for that of the norm.
        zero = squares == 0
        root = exponential.sqrt(comparison.masked_fill(squares, zero, 1.0))
        return comparison.masked_fill(root, zero, 0.0)
    if ord == 1:
        return reductions.sum(arithmetic.abs(t), axis, keepdims)
    if ord == np.inf:
        return extrema.amax(arithmetic.abs(t), axis, keepdims)
    return NotImplemented


# --- Elementwise ----------------------------------------------------------------------------------


@stands_for(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    chosen = as_tensor(condition)
    if chosen._array.dtype.kind != "b":
        chosen = comparison.ne(chosen, 0)
    if x is None and y is None:
        return comparison.where(chosen)
    return comparison.where(chosen, *(_operand(v) for v in (x, y)))


def _operand(value: Any) -> Any:
    """Return a number as it is, so that it does not decide the dtype, the rest as a tensor."""
    return value if isinstance(value, int | float | np.generic) else as_tensor(value)


@stands_for(np.clip)
def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *,
    min: Any = None, max: Any = None,
) -> Any:  # fmt: skip
    low, high = (v if w is None else w for v, w in ((a_min, min), (a_max, max)))
    if low is None and high is None:
        return cast.clone(as_tensor(a))
    return arithmetic.clamp(as_tensor(a), low, high)


@stands_for(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return cast.clone(a)


@stands_for(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> Any:
    if where is not True or not isinstance(dst, Tensor):
        return NotImplemented
    dst.copy_(src)
    return None


@stands_for(np.real)
def _real(val: Any) -> Any:
    return val


# --- Creation -------------------------------------------------------------------------------------


def _like(fill: Function) -> Function:
    def make(
        a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
        *, device: Any = None,
    ) -> Any:  # fmt: skip
        like = as_tensor(a)
        size = like._array.shape if shape is None else shape
        return fill(size, dtype=like._array.dtype if dtype is None else dtype, device=device)

    return make


stands_for(np.zeros_like)(_like(creation.zeros))
stands_for(np.ones_like)(_like(creation.ones))
stands_for(np.empty_like)(_like(creation.empty))


@stands_for(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    like = as_tensor(a)
    size = like._array.shape if shape is None else shape
    made = creation.zeros(size, dtype=like._array.dtype if dtype is None else dtype, device=device)
    return made.copy_(fill_value)


# --- Products -------------------------------------------------------------------------------------


@stands_for(np.dot)
def _dot(a: Any, b: Any) -> Any:
    x, y = as_tensor(a), as_tensor(b)
    if not x._array.ndim or not y._array.ndim:
        return x * y
    if y._array.ndim <= 2:
        return linear_algebra.matmul(x, y)
    return _contracted(x, y, (x._array.ndim - 1,), (y._array.ndim - 2,))


def _contracted(x: Tensor, y: Tensor, of_x: Sequence[int], of_y: Sequence[int]) -> Tensor:
    """Sum products over pairs of dimensions; what is left of x comes before what is left of y."""
    free_x = [d for d in range(x._array.ndim) if d not in of_x]
    free_y = [d for d in range(y._array.ndim) if d not in of_y]
    sizes_x, sizes_y = x._array.shape, y._array.shape
    shape = tuple(sizes_x[d] for d in free_x) + tuple(sizes_y[d] for d in free_y)
    inner = int(np.prod([sizes_x[d] for d in of_x], dtype=int))
    inner_of_y = int(np.prod([sizes_y[d] for d in of_y], dtype=int))
    rows = permuted(x, (*free_x, *of_x)).reshape(-1 if inner else x._array.size, inner)
    columns = permuted(y, (*of_y, *free_y)).reshape(inner_of_y, -1 if inner_of_y else 0)
    return reshaped(linear_algebra.matmul(rows, columns), shape)


@stands_for(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    x, y = as_tensor(a), as_tensor(b)
    n, m = x._array.ndim, y._array.ndim
    if isinstance(axes, int):
        axes = range(n - axes, n), range(axes)
    of_x, of_y = ((v,) if isinstance(v, int) else tuple(v) for v in axes)
    pairs = (
        [normal_dim("np.tensordot", d, n) for d in of_x],
        [normal_dim("np.tensordot", d, m) for d in of_y],
    )
    sizes = [x._array.shape[d] for d in pairs[0]], [y._array.shape[d] for d in pairs[1]]
    if sizes[0] != sizes[1]:
        raise RuntimeError(
            f"np.tensordot: the sizes to be summed over are {sizes[0]} and {sizes[1]}, expected "
            f"equal ones; the shapes are {list(x.shape)} and {list(y.shape)}"
        )
    return _contracted(x, y, *pairs)


@stands_for(np.inner)
def _inner(a: Any, b: Any) -> Any:
    x, y = as_tensor(a), as_tensor(b)
    if not x._array.ndim or not y._array.ndim:
        return x * y
    return _tensordot(x, y, (-1, -1))


@stands_for(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return linear_algebra.matmul(*(reshaped(as_tensor(v), (-1,)) for v in (a, b)))


@stands_for(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return reshaped(as_tensor(a), (-1, 1)) * reshaped(as_tensor(b), (1, -1))


@stands_for(np.linalg.matmul)
def _matmul(x1: Any, x2: Any) -> Any:
    return linear_algebra.matmul(as_tensor(x1), as_tensor(x2))


@stands_for(np.einsum)
def _einsum(*operands: Any, optimize: Any = False, **options: Any) -> Any:
    ours = getattr(sys.modules["chainrule"], "einsum", None)
    if ours is None or options or not isinstance(operands[0], str):
        return NotImplemented
    return ours(operands[0], *(as_tensor(v) for v in operands[1:]))
