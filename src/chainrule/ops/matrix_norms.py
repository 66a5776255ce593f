"""Norms of vectors and matrices.

`vector_norm` is the primitive; norms of matrices are vector norms, sums and singular values.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.arithmetic import abs, sign
from chainrule.ops.comparison import filled_where, isnan
from chainrule.ops.extrema import shared_gradient
from chainrule.ops.matrix_checks import floating, full_precision
from chainrule.ops.reductions import Dims, normal_dims, restore_dims, restored, total
from chainrule.ops.shape import normal_dim, permuted
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
        return shared_gradient(restored(g, dim, keepdim) * sign(x), hit, dim)
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


# --- Norms of matrices ----------------------------------------------------------------------------


def _reduced(name: str, A: Tensor, dim: Any) -> tuple[int, int]:
    """Return the two dimensions of the matrices, or raise PyTorch's errors."""
    n = A._array.ndim
    if n < 2:
        raise RuntimeError(
            f"linalg.{name}: The input tensor A must have at least 2 dimensions, got {n}; "
            "linalg.vector_norm takes vectors"
        )
    if not isinstance(dim, Sequence):
        raise TypeError(f"linalg.{name}(): dim must be a tuple of two ints, not {dim!r}")
    if len(dim) != 2:
        raise RuntimeError(f"linalg.{name}: dim must be a 2-tuple. Got {list(dim)}")
    row, column = (normal_dim(f"linalg.{name}", d, n) for d in dim)
    if row == column:
        raise RuntimeError(f"linalg.{name}: dims must be different. Got {tuple(dim)}")
    return row, column


@numpy_names
def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return the norm of each matrix in the dimensions ``dim``.

    Args:
        A: floats with at least two dimensions.
        ord: ``"fro"`` (the root of the sum of squares), ``"nuc"`` (the sum of the singular
            values), 1 or inf (the largest sum of absolute values of a column or of a row), 2 (the
            largest singular value), or −1, −inf, −2 for the smallest of them.
        dim: the dimensions of the rows and of the columns.
        keepdim: keep them with size 1.
        dtype: convert to it first.

    >>> import chainrule as cr
    >>> A = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.linalg.matrix_norm(A), cr.linalg.matrix_norm(A, 1)
    (tensor(5.4772), tensor(6.))
    """
    dims = _reduced("matrix_norm", A, dim)
    A = floating("matrix_norm", A, dtype)
    if ord == "fro":
        return length(A, 2.0, tuple(sorted(dims)), keepdim)
    known = (1, 2, inf, -1, -2, -inf)
    if ord != "nuc" and (isinstance(ord, str) or ord not in known):
        raise RuntimeError(
            f"linalg.matrix_norm: Order {ord} not supported; use 'fro', 'nuc', 1, 2, inf or the "
            "negative of a number of these"
        )
    if ord in ("nuc", 2, -2):
        full_precision("matrix_norm", A)
    if 0 in (A._array.shape[d] for d in dims) and ord in ("nuc", 1, 2, inf):
        return total(A if ord == "nuc" else A.detach(), tuple(sorted(dims)), keepdim)
    if ord in ("nuc", 2, -2):
        y = _of_singular_values(A, ord, dims)
    else:
        across, along = dims if ord in (1, -1) else reversed(dims)
        sums = length(A, 1.0, (across,), True)
        from chainrule.ops.extrema import amax, amin

        y = (amin if ord < 0 else amax)(sums, along, True)
        return y if keepdim else y.squeeze(tuple(dims))
    return restore_dims(y, tuple(sorted(dims))) if keepdim else y


def _of_singular_values(A: Tensor, ord: Any, dims: tuple[int, int]) -> Tensor:
    from chainrule.ops.decompositions import svdvals
    from chainrule.ops.extrema import amax, amin

    n = A._array.ndim
    rest = tuple(d for d in range(n) if d not in dims)
    values = svdvals(A if (*rest, *dims) == tuple(range(n)) else permuted(A, (*rest, *dims)))
    if ord == "nuc":
        return total(values, (n - 2,), False)
    return (amax if ord == 2 else amin)(values, -1)


@numpy_names
def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return a norm: of matrices where ``dim`` names two dimensions, else of vectors.

    Without ``ord`` it is the root of the sum of squares; without ``dim`` it runs over all
    elements, or with ``ord`` over the vector or matrix that the input must be.

    >>> import chainrule as cr
    >>> A = cr.tensor([[3.0, -4.0], [0.0, 0.0]])
    >>> cr.linalg.norm(A), cr.linalg.norm(A, ord=1, dim=1)
    (tensor(5.), tensor([7., 0.]))
    """
    n = A._array.ndim
    if dim is not None:
        dim = tuple(dim) if isinstance(dim, Sequence) else (dim,)
        if len(dim) not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}; "
                "linalg.vector_norm takes any number of dimensions"
            )
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if n not in (1, 2):
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{n}D; name the dimensions with dim="
            )
        dim = tuple(range(n))
    if len(dim) == 2 or isinstance(ord, str):
        return matrix_norm(A, ord, dim, keepdim, dtype=dtype)
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """Return the condition number of each matrix, ‖A‖ ‖A⁻¹‖ in the norm ``p``.

    ``None`` and 2 give the ratio of the largest singular value to the smallest, −2 its
    reciprocal; both take rectangular matrices. The condition number of a singular matrix is
    infinite.

    >>> import chainrule as cr
    >>> cr.linalg.cond(cr.tensor([[4.0, 0.0], [0.0, 0.5]]))
    tensor(8.)
    """
    _reduced("cond", A, (-2, -1))
    A = floating("cond", A)
    if p not in (None, "fro", "nuc", inf, -inf, 1, -1, 2, -2):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    rows, columns = A._array.shape[-2:]
    if not A._array.size:
        return total(A.detach(), (A._array.ndim - 2, A._array.ndim - 1), False)
    if p in (None, 2, -2):
        from chainrule.ops.decompositions import svdvals

        values = svdvals(A)
        ratio = values[..., 0] / values[..., -1]
        return 1 / ratio if p == -2 else ratio
    if rows != columns:
        raise RuntimeError(
            f"linalg.cond(ord={p}): A must be batches of square matrices, but they are {rows} by "
            f"{columns} matrices; rectangular ones have a condition number in the 2-norm only"
        )
    from chainrule.ops.solving import inv_ex

    inverse, info = inv_ex(A)
    size = matrix_norm(A, p) * matrix_norm(inverse, p)
    return filled_where(size, info != 0, inf)
