"""Matrix products and the affine map of a layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.arithmetic import times
from chainrule.ops.reductions import total
from chainrule.ops.shape import inserted, reshaped, squeezed
from chainrule.symbol import Notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "dot",
    "matmul",
    "mm",
]


def _right_gradient(g: Any, a: Any, a_shape: Any, b_shape: Any) -> Any:
    if len(b_shape) == 2 and len(a_shape) > 2:
        # A matrix that a whole stack was multiplied by: one product instead of a stack to add up.
        rows = math.prod(a_shape[:-1])
        stacked, upstream = reshaped(a, (rows, a_shape[-1])), reshaped(g, (rows, b_shape[-1]))
        return matrix_product(stacked.mT, upstream)
    return a.mT @ g


product: Operation = define(
    "matmul",
    np.matmul,
    a=lambda g, b: g @ b.mT,
    b=_right_gradient,
    notation=notation.MATRIX_PRODUCT,
    doc="Matrix product of operands with at least two dimensions.",
)
matrix_product: Operation = define(
    "mm",
    np.dot,
    a=lambda g, b: matrix_product(g, b.mT),
    b=lambda g, a: matrix_product(a.mT, g),
    notation=notation.MATRIX_PRODUCT,
    doc="Product of two matrices: without broadcasting to care for, it starts sooner.",
)

matrix_times_vector: Operation = define(
    "mv",
    np.dot,
    A=lambda g, x: outer_product(g, x),
    x=lambda g, A: matrix_times_vector(A.mT, g),
    notation=Notation("{A:factor} {x:factor}", r"{A:factor} \, {x:factor}", "factor"),
    doc="Product of a matrix and a vector.",
)
outer_product: Operation = define(
    "outer",
    lambda a, b: a[:, None] * b,
    a=lambda g, b: matrix_times_vector(g, b),
    b=lambda g, a: matrix_times_vector(g.mT, a),
    doc="Outer product of two vectors: all products of an element of each.",
)
inner_product: Operation = define(
    "dot",
    np.dot,
    a=lambda g, b: g * b,
    b=lambda g, a: g * a,
    doc="Inner product of two vectors.",
)


def _affine(x: Any, W: Any, b: Any) -> Any:
    y = np.dot(x, W.T)
    y += b
    return y


affine: Operation = define(
    "linear",
    _affine,
    x=lambda g, W: matrix_product(g, W),
    W=lambda g, x: matrix_product(g.mT, x),
    b=lambda g: total(g, (0,), False),
    notation=notation.AFFINE,
    doc="The affine map of a layer, x Wᵀ + b, for rows x of shape (n, in).",
)
affine_without_bias: Operation = define(
    "linear_without_bias",
    lambda x, W: np.dot(x, W.T),
    x=lambda g, W: matrix_product(g, W),
    W=lambda g, x: matrix_product(g.mT, x),
    notation=notation.AFFINE,
    doc="The linear map of a layer, x Wᵀ, for rows x of shape (n, in).",
)


def _not_multipliable(a: tuple[int, ...], b: tuple[int, ...]) -> RuntimeError:
    sizes = "x".join(map(str, a[-2:])), "x".join(map(str, b[-2:]))
    hint = ""
    if len(a) >= 2 and len(b) >= 2 and a[-2] == b[-2]:
        hint = ", for example by transposing the first operand with .mT"
    elif len(a) >= 2 and len(b) >= 2 and a[-1] == b[-1]:
        hint = ", for example by transposing the second operand with .mT"
    return RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({sizes[0]} and {sizes[1]}): the "
        f"{a[-1]} columns of the first must match the {b[-2] if len(b) > 1 else b[-1]} rows of the "
        f"second. Operand shapes are {list(a)} and {list(b)}; make the inner sizes equal{hint}"
    )


def matmul(input: Any, other: Any) -> Tensor:
    """Return the matrix product; vectors are rows on the left, columns on the right.

    Shapes: (…, n, k) @ (…, k, m) → (…, n, m), leading dimensions broadcast; (k) @ (k) → ().

    Raises:
        RuntimeError: if the inner sizes differ or an operand is 0-d.

    >>> import chainrule as cr
    >>> cr.matmul(cr.tensor([[1.0, 2.0]]), cr.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    a, b = np.shape(getattr(input, "_array", input)), np.shape(getattr(other, "_array", other))
    if len(a) >= 2 and len(b) >= 2:
        if a[-1] != b[-2]:
            raise _not_multipliable(a, b)
        return product(input, other)
    if not a or not b:
        raise RuntimeError(
            "both arguments to matmul need to be at least 1D, but they are "
            f"{len(a)}D and {len(b)}D; use * to multiply by a number"
        )
    if a[-1] != (b[-2] if len(b) > 1 else b[0]):
        raise _not_multipliable(a, b)
    from chainrule.ops.creation import tensor

    # Arrays are copied: they stay the caller's, who may change them.
    left, right = (v if hasattr(v, "_array") else tensor(v) for v in (input, other))
    if len(b) == 1 and left._array.dtype is right._array.dtype:
        if len(a) == 2:
            return matrix_times_vector(left, right)
        if len(a) == 1:
            return inner_product(left, right)
    if (len(a), len(b)) == (1, 2) and left._array.dtype is right._array.dtype:
        return matrix_times_vector(right.mT, left)
    if len(a) == 1:
        left = inserted(left, (0,))
    if len(b) == 1:
        right = inserted(right, (1,))
    result = product(left, right)
    dims = ((result._array.ndim - 2,) if len(a) == 1 else ()) + (
        (result._array.ndim - 1,) if len(b) == 1 else ()
    )
    return squeezed(result, dims)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices; shapes (n, k) and (k, m) give (n, m).

    >>> import chainrule as cr
    >>> cr.mm(cr.tensor([[1.0, 2.0]]), cr.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    a, b = input._array.shape, mat2._array.shape
    if len(a) != 2 or len(b) != 2:
        raise RuntimeError(
            f"mm expects two matrices, got shapes {list(a)} and {list(b)}; use matmul for vectors "
            "and batches"
        )
    if a[1] != b[0]:
        raise _not_multipliable(a, b)
    return matrix_product(input, mat2)


def dot(input: Any, tensor: Any) -> Tensor:
    """Return the inner product of two vectors; matrices are multiplied, as in NumPy's ``dot``.

    Raises:
        RuntimeError: if the inner sizes differ or an operand has more than two dimensions.

    >>> import chainrule as cr
    >>> cr.dot(cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0]))
    tensor(11.)
    """
    sizes = [np.shape(getattr(v, "_array", v)) for v in (input, tensor)]
    if max(map(len, sizes)) > 2:
        raise RuntimeError(
            f"1D tensors expected, but got {len(sizes[0])}D and {len(sizes[1])}D tensors: dot "
            "takes vectors or matrices; use matmul (@) for stacks of matrices"
        )
    return matmul(input, tensor) if all(sizes) else times(input, tensor)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``: a layer's affine map.

    Shapes: input (…, in), weight (out, in), bias (out) → (…, out).

    Raises:
        RuntimeError: if the input's last size is not the weight's second.

    >>> import chainrule as cr
    >>> W, b = cr.tensor([[1.0, 2.0]]), cr.tensor([0.5])
    >>> cr.nn.functional.linear(cr.tensor([[3.0, 4.0]]), W, b)
    tensor([[11.5000]])
    """
    x, W = input._array, weight._array
    if x.ndim == 2 and W.ndim == 2 and x.dtype is W.dtype:
        try:
            if bias is None:
                return affine_without_bias(input, weight)
            if bias._array.dtype is x.dtype and bias._array.ndim == 1:
                return affine(input, weight, bias)
        except (ValueError, RuntimeError):
            pass  # sizes that do not fit: explained below
    return _linear_in_general(input, weight, bias)


def _linear_in_general(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    x, W = input._array.shape, weight._array.shape
    if not x or not 1 <= len(W) <= 2:
        raise RuntimeError(
            f"linear: expected an input of shape (..., in) and a weight of shape (out, in), got "
            f"{list(x)} and {list(W)}"
        )
    if x[-1] != W[-1]:
        flat = (int(np.prod(x[:-1])), x[-1])
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({flat[0]}x{flat[1]} and "
            f"{W[-1]}x{W[0] if len(W) == 2 else 1}): linear expects inputs with {W[-1]} features "
            f"in the last dimension, got an input of shape {list(x)}. Rows are samples; transpose "
            "the input if its samples are columns"
        )
    types = {t._array.dtype for t in (input, weight, bias) if t is not None}
    if len(types) > 1:
        names = " and ".join(sorted(str(t) for t in types))
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {names}: convert the input of linear "
            f"with .to(cr.{weight._array.dtype}), or the layer with layer.to(dtype)"
        )
    if bias is not None and bias._array.shape not in (W[:-1], (1,)):
        raise RuntimeError(
            f"linear: expected a bias of shape {list(W[:-1])} for a weight of shape {list(W)}, got "
            f"{list(bias._array.shape)}"
        )
    if len(W) == 1:
        y = matmul(input, weight)
        return y if bias is None else y + bias
    rows = reshaped(input, (int(np.prod(x[:-1])), x[-1]))
    y = affine_without_bias(rows, weight) if bias is None else affine(rows, weight, bias)
    return reshaped(y, (*x[:-1], W[0]))
