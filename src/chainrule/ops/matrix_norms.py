"""Norms of vectors.

`vector_norm` is the primitive.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.dtypes import as_dtype, category
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.arithmetic import abs, sign
from chainrule.ops.comparison import filled_where, isnan, select_where
from chainrule.ops.reductions import Dims, normal_dims, restored, total
from chainrule.ops.spelling import numpy_names

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__: list[str] = []


_add: Any = np.add.reduce
_largest: Any = np.maximum.reduce
_smallest: Any = np.minimum.reduce

# --- The norm of a vector -------------------------------------------------------------------------


def _sum_of_powers(x: Any, ord: float, dim: Dims, keepdim: bool) -> Any:
    """Return (Σ |x|^ord)^(1/ord) as it is written."""
    if ord == 2:
        if dim is None and not keepdim:
            flat = x.ravel("K")
            return np.sqrt(np.dot(flat, flat))
        return np.sqrt(_add(x * x, axis=dim, keepdims=keepdim))
    if ord == 1:
        return _add(np.abs(x), axis=dim, keepdims=keepdim)
    powers = _add(np.abs(x) ** ord, axis=dim, keepdims=keepdim)
    return powers ** (1 / ord)


def _vector_norm(x: Any, ord: float, dim: Dims, keepdim: bool) -> Any:
    if ord == 0:
        return _add(x != 0, axis=dim, keepdims=keepdim, dtype=x.dtype)
    if ord == inf:
        return _largest(np.abs(x), axis=dim, keepdims=keepdim, initial=0)
    if ord == -inf:
        return _smallest(np.abs(x), axis=dim, keepdims=keepdim)
    if x.dtype == np.float16:
        return _vector_norm(x.astype(np.float32), ord, dim, keepdim).astype(np.float16)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        y = _sum_of_powers(x, ord, dim, keepdim)
        limits = np.finfo(x.dtype)
        # The powers may leave the range of the dtype although the norm does not.
        if ord == 1 or not x.size or ((y > limits.tiny**0.25) & (y < limits.max)).all():
            return y
        largest = _largest(np.abs(x), axis=dim, keepdims=True)
        scale = np.where((largest > 0) & (largest < inf), largest, 1).astype(x.dtype)
        scaled = _sum_of_powers(x / scale, ord, dim, True) * scale
    return scaled if keepdim else scaled.reshape(y.shape)


def _vector_norm_gradient(g: Any, x: Any, y: Any, ord: float, dim: Dims, keepdim: bool) -> Any:
    if ord == 0:
        return 0 * sign(x)
    if ord == 1:
        return restored(g, dim, keepdim) * sign(x)
    if ord in (inf, -inf):
        size = abs(x)
        hit = (size == restored(y, dim, keepdim)) | isnan(size)
        shares = total(select_where(hit, 0 * sign(x) + 1, 0.0), dim, True)
        return select_where(hit, restored(g, dim, keepdim) * sign(x), 0.0) / shares
    if ord == 2:
        return restored(filled_where(g / y, y == 0, 0.0), dim, keepdim) * x
    if ord < 1:
        steep = filled_where(sign(x) * abs(x) ** (ord - 1), x == 0, 0.0)
        return restored(g * y ** (1 - ord), dim, keepdim) * steep
    scaled = filled_where(g / y ** (ord - 1), y == 0, 0.0)
    if ord < 2:
        return restored(scaled, dim, keepdim) * (sign(x) * abs(x) ** (ord - 1))
    return restored(scaled, dim, keepdim) * (x * abs(x) ** (ord - 2))


length: Operation = define(
    "vector_norm",
    _vector_norm,
    params=("ord", "dim", "keepdim"),
    x=_vector_norm_gradient,
    notation=notation.reduction("norm", "Norm", r"\operatorname{norm}", r"\operatorname{Norm}"),
    doc="""Norm over dimensions, (Σ |x|^ord)^(1/ord), without overflow on the way.

    At 0 the norm has the subgradient 0; the largest elements of an infinity norm share the
    gradient.
    """,
)


def floating(name: str, input: Tensor, dtype: Any = None) -> Tensor:
    """Return the input, converted if a dtype is given, or raise if it does not hold floats."""
    if input._array.dtype.kind != "f":
        raise RuntimeError(
            f"linalg.{name}: Expected a floating point or complex tensor as input. Got "
            f"{input._array.dtype}; convert it with .float()"
        )
    if dtype is None:
        return input
    wanted = as_dtype(dtype)
    if category(wanted) != 2 or np.promote_types(wanted, input._array.dtype) != wanted:
        raise RuntimeError(
            f"linalg.{name}: the dtype of the input ({input._array.dtype}) should be convertible "
            f"without narrowing to the specified dtype ({wanted}); pass a wider one"
        )
    return input.to(wanted)


@numpy_names
def vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return the norm of vectors, (Σ |x|^ord)^(1/ord), over all elements or over dimensions.

    ``ord`` may be any number: infinity gives the largest absolute value, minus infinity the
    smallest, 0 the number of elements that are not 0.

    Raises:
        RuntimeError: for integers, and for the extreme of no elements.

    >>> import chainrule as cr
    >>> cr.linalg.vector_norm(cr.tensor([3.0, -4.0]))
    tensor(5.)
    >>> cr.linalg.vector_norm(cr.tensor([[3.0, -4.0], [1.0, 2.0]]), ord=1, dim=1)
    tensor([7., 3.])
    """
    if isinstance(ord, str):
        raise TypeError(
            f"linalg.vector_norm: argument 'ord' must be a number, not {ord!r}; the norms with "
            "names are those of matrices, in linalg.matrix_norm"
        )
    x = floating("vector_norm", x, dtype)
    dims = normal_dims("linalg.vector_norm", dim, x._array.ndim)
    order = float(ord)
    shape = x._array.shape
    reduced = shape if dims is None else [shape[d] for d in dims]
    if 0 in reduced and (order < 0 or order == inf):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {order:g} norm on an empty tensor because the "
            f"operation does not have an identity: the input has shape {list(shape)}. Reduce "
            "dimensions that have elements"
        )
    return length(x, order, dims, keepdim)
