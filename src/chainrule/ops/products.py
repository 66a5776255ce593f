"""Products over all elements or along a dimension."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.reductions import Dims, normal_dims, restored
from chainrule.ops.scans import product_before, running_product_gradient, shifted
from chainrule.ops.shape import reshaped
from chainrule.ops.spelling import numpy_names

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["prod"]

# --- The table ------------------------------------------------------------------------------------


# NumPy's types do not know the axis None.
_multiply_up: Any = np.multiply.reduce


def _product(x: Any, dim: Dims, keepdim: bool) -> Any:
    if x.dtype == np.float16:
        y = _multiply_up(x, axis=dim, keepdims=keepdim, dtype=np.float32)
        return y.astype(x.dtype)
    return _multiply_up(x, axis=dim, keepdims=keepdim)


product: Operation = define(
    "prod",
    _product,
    params=("dim", "keepdim"),
    x=lambda g, x, dim, keepdim: restored(g, dim, keepdim) * product_of_others(x, dim),
    notation=notation.reduction("prod", "Prod", r"\operatorname{prod}", r"\operatorname{Prod}"),
    doc="Product over a dimension, or over all elements.",
)


def _product_of_others(x: Any, dim: Dims) -> Any:
    y = _multiply_up(x, axis=dim, keepdims=True)
    if np.all(x) and np.all(y):
        return y / x
    # Where a factor is 0, or a product too small to be told from it: what is before times what is
    # behind.
    row = x.reshape(-1) if dim is None else np.moveaxis(x, dim[0], 0)
    before, after = np.ones_like(row), np.ones_like(row)
    np.multiply.accumulate(row[:-1], axis=0, out=before[1:])
    np.multiply.accumulate(row[:0:-1], axis=0, out=after[-2::-1])
    before *= after
    return before.reshape(x.shape) if dim is None else np.moveaxis(before, 0, dim[0])


def _others_gradient(g: Any, x: Any, x_shape: Any, dim: Dims) -> Any:
    shape = (math.prod(x_shape),) if dim is None else x_shape
    d = 0 if dim is None else dim[0]
    row, upstream = reshaped(x, shape), reshaped(g, shape)
    # What stands before an element is a running product, and so is what stands behind it.
    halves = [
        running_product_gradient(
            shifted(upstream * product_before(row, d, not reverse), d, 1 if reverse else -1, 0.0),
            row,
            d,
            reverse,
        )
        for reverse in (False, True)
    ]
    return reshaped(halves[0] + halves[1], x_shape)


product_of_others: Operation = define(
    "prod_of_others",
    _product_of_others,
    params=("dim",),
    x=_others_gradient,
    notation=notation.along("prod_of_others"),
    doc="For each element the product of all others, right also where some are 0.",
)

# --- PyTorch's signature --------------------------------------------------------------------------


@numpy_names
def prod(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the product over all elements or along a dimension.

    The gradient is right where elements are 0 too, as often as it is differentiated.

    Args:
        input: any shape; integers and bools are multiplied as int64.
        dim: the dimension to multiply up; None for all elements.
        keepdim: keep that dimension with size 1.
        dtype: convert to it before multiplying.

    >>> import chainrule as cr
    >>> cr.prod(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([ 2., 12.])
    """
    if dim is None and keepdim:
        raise TypeError("prod(): keepdim needs a dim; to keep all dimensions reshape the result")
    if dim is not None and not isinstance(dim, int):
        raise TypeError(
            f"prod(): dim must be one int, not {dim!r}; multiply one dimension after the other"
        )
    if dtype is not None:
        input = input.to(dtype)
    elif input._array.dtype.kind != "f":
        input = input.to(dtypes.int64)
    result = product(input, normal_dims("prod", dim, input._array.ndim), keepdim)
    # NumPy multiplies small integers as int64.
    return result if dtype is None else result.to(dtype)
