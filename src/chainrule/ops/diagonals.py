"""Diagonals and triangles of matrices, and tensors with parts of them replaced."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.cast import clone
from chainrule.ops.creation import check_device
from chainrule.ops.indexing import set_at
from chainrule.ops.picking import put_flat
from chainrule.ops.shape import normal_dim, reshaped
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diagonal_scatter",
    "select_scatter",
    "slice_scatter",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]

# --- The table ------------------------------------------------------------------------------------


def _on_diagonal(x: Any, offset: int, dim1: int, dim2: int, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, x.dtype)
    line = out.diagonal(offset, dim1, dim2)
    line.setflags(write=True)
    line[...] = x
    return out


diagonal_of: Operation = define(
    "diagonal",
    lambda x, offset, dim1, dim2: x.diagonal(offset, dim1, dim2),
    params=("offset", "dim1", "dim2"),
    x=lambda g, x_shape, offset, dim1, dim2: on_diagonal(g, offset, dim1, dim2, x_shape),
    view=True,
    notation=notation.along("diagonal", dims=("dim1", "dim2")),
    doc="The diagonals of the matrices that two dimensions form, as the last dimension.",
)
on_diagonal: Operation = define(
    "diag_embed",
    _on_diagonal,
    params=("offset", "dim1", "dim2", "shape"),
    x=lambda g, offset, dim1, dim2: diagonal_of(g, offset, dim1, dim2),
    notation=notation.along("diag", dims=("dim1", "dim2")),
    doc="Zeros of a shape with the last dimension along the diagonals: the adjoint of diagonal.",
)


def _below(rows: int, columns: int, k: int) -> Any:
    """Return where the lower triangle of a matrix is, its diagonal ``k`` included."""
    return np.tri(rows, columns, k, dtype=np.bool_)


def _lower(x: Any, k: int) -> Any:
    return _kept(x, _below(x.shape[-2], x.shape[-1], k))


def _upper(x: Any, k: int) -> Any:
    return _kept(x, ~_below(x.shape[-2], x.shape[-1], k - 1))


def _kept(x: Any, mask: Any) -> Any:
    out = np.zeros(x.shape, x.dtype)
    np.copyto(out, x, where=mask)
    return out


lower: Operation = define(
    "tril",
    _lower,
    params=("diagonal",),
    x=lambda g, diagonal: lower(g, diagonal),
    doc="Matrices with zeros above a diagonal.",
)
upper: Operation = define(
    "triu",
    _upper,
    params=("diagonal",),
    x=lambda g, diagonal: upper(g, diagonal),
    doc="Matrices with zeros below a diagonal.",
)

# --- Diagonals ------------------------------------------------------------------------------------


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a diagonal of the matrices that two dimensions form, as the last dimension; a view.

    Args:
        input: at least two dimensions.
        offset: which diagonal: 0 the main one, positive above it, negative below.
        dim1: the dimension of the rows.
        dim2: the dimension of the columns.

    >>> import chainrule as cr
    >>> cr.diagonal(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    d1, d2 = _two_dims("diagonal", dim1, dim2, input._array.ndim)
    return diagonal_of(input, operator.index(offset), d1, d2)


def _two_dims(name: str, dim1: int, dim2: int, n: int) -> tuple[int, int]:
    d1, d2 = normal_dim(name, dim1, n), normal_dim(name, dim2, n)
    if d1 == d2:
        raise RuntimeError(f"{name}: diagonal dimensions cannot be identical {dim1}, {dim2}")
    return d1, d2


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices with the last dimension along a diagonal and zeros elsewhere.

    >>> import chainrule as cr
    >>> cr.diag_embed(cr.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    shape = input._array.shape
    d1, d2 = _two_dims("diag_embed", dim1, dim2, len(shape) + 1)
    size = shape[-1] + abs(operator.index(offset))
    rest = iter(shape[:-1])
    full = tuple(size if d in (d1, d2) else next(rest) for d in range(len(shape) + 1))
    return on_diagonal(input, offset, d1, d2, full)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the matrix with a vector on its diagonal, or the diagonal of a matrix, copied.

    >>> import chainrule as cr
    >>> cr.diag(cr.diag(cr.tensor([1.0, 2.0])))
    tensor([1., 2.])
    """
    n = input._array.ndim
    if n == 1:
        return diag_embed(input, diagonal)
    if n != 2:
        raise RuntimeError(
            f"diag(): Supports 1D or 2D tensors. Got {n}D; use diagonal or diag_embed for batches"
        )
    return clone(diagonal_of(input, operator.index(diagonal), 0, 1))


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return the matrix with all elements of a tensor on its diagonal.

    >>> import chainrule as cr
    >>> cr.diagflat(cr.tensor([[1.0], [2.0]]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    return diag_embed(reshaped(input, (input._array.size,)), offset)


# --- Triangles ------------------------------------------------------------------------------------


def _matrices(name: str, input: Tensor) -> None:
    if input._array.ndim < 2:
        raise RuntimeError(
            f"{name}: input tensor must have at least 2 dimensions, got shape "
            f"{list(input._array.shape)}"
        )


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return matrices with everything above a diagonal set to 0.

    >>> import chainrule as cr
    >>> cr.tril(cr.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    _matrices("tril", input)
    return lower(input, operator.index(diagonal))


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return matrices with everything below a diagonal set to 0.

    >>> import chainrule as cr
    >>> cr.triu(cr.ones(2, 2), diagonal=1)
    tensor([[0., 1.],
            [0., 0.]])
    """
    _matrices("triu", input)
    return upper(input, operator.index(diagonal))


def _indices(name: str, row: int, col: int, mask: Any, dtype: Any, device: Any) -> Tensor:
    check_device(device)
    for word, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{word} must be non-negative, got {n} ({name})")
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    if kind not in (dtypes.int64, dtypes.int32):
        raise NotImplementedError(
            f'"{name}" not implemented for {kind}: indices are cr.int64 or cr.int32'
        )
    return attach(np.stack(np.nonzero(mask())).astype(kind, copy=False), None)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Return the rows and columns of the lower triangle of a matrix, shape (2, n).

    >>> import chainrule as cr
    >>> cr.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    mask = lambda: _below(row, col, offset)
    return _indices("tril_indices", row, col, mask, dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Return the rows and columns of the upper triangle of a matrix, shape (2, n).

    >>> import chainrule as cr
    >>> cr.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    mask = lambda: ~_below(row, col, offset - 1)
    return _indices("triu_indices", row, col, mask, dtype, device)


# --- Parts replaced -------------------------------------------------------------------------------


def _fitting(input: Tensor, src: Tensor, wanted: tuple[int, ...]) -> Tensor:
    """Return what is to be put in, in the dtype of the input, or refuse its shape."""
    if src._array.shape != wanted:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._array.shape)}, slice size = {list(wanted)}"
        )
    dtype = input._array.dtype
    return src if src._array.dtype is dtype else src.to(dtype)


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """Return a copy of the input with a diagonal replaced; `diagonal` says which.

    >>> import chainrule as cr
    >>> cr.diagonal_scatter(cr.zeros(2, 2), cr.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    x = input._array
    d1, d2 = _two_dims("diagonal_scatter", dim1, dim2, x.ndim)
    at = np.arange(x.size).reshape(x.shape).diagonal(offset, d1, d2)
    return put_flat(input, _fitting(input, src, at.shape), at)


@numpy_names
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """Return a copy of the input with the slice at an index of a dimension replaced.

    >>> import chainrule as cr
    >>> cr.select_scatter(cr.zeros(2, 2), cr.tensor([1.0, 2.0]), 0, 1)
    tensor([[0., 0.],
            [1., 2.]])
    """
    shape = input._array.shape
    d = normal_dim("select_scatter", dim, len(shape))
    at = operator.index(index)
    if not shape or not -shape[d] <= at < shape[d]:
        raise IndexError(
            f"select(): index {at} out of range for tensor of size {list(shape)} at dimension {d}"
        )
    value = _fitting(input, src, (*shape[:d], *shape[d + 1 :]))
    return set_at(input, value, (*(slice(None),) * d, at))


@numpy_names
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """Return a copy of the input with ``start:end:step`` of a dimension replaced.

    >>> import chainrule as cr
    >>> cr.slice_scatter(cr.zeros(4), cr.ones(2), 0, 1, 3)
    tensor([0., 1., 1., 0.])
    """
    shape = input._array.shape
    d = normal_dim("slice_scatter", dim, len(shape))
    if step <= 0:
        raise RuntimeError(f"slice step must be positive, got {step} (slice_scatter)")
    part = slice(*slice(start, end, step).indices(shape[d]))
    value = _fitting(input, src, (*shape[:d], len(range(shape[d])[part]), *shape[d + 1 :]))
    return set_at(input, value, (*(slice(None),) * d, part))
