"""LU factorizations with row exchanges, and equations solved with them.

Derivative: de Hoog, Anderssen and Lukas, "Differentiation of matrix functionals using triangular
factorization" (2011). The exchanges are constants of the derivative: they are applied first, and
what is differentiated is a factorization without any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.operation import Operation, define
from chainrule.ops.assembly import cat
from chainrule.ops.diagonals import lower, upper
from chainrule.ops.linear_algebra import product
from chainrule.ops.matrix_checks import absent, matrices, square_matrices
from chainrule.ops.solving import triangular_solved
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["lu_solve", "lu_unpack"]

# --- The table ------------------------------------------------------------------------------------


def _getrf(x: Any) -> tuple[Any, Any, Any]:
    """Return LAPACK's packed factors, exchanges (counted from 0) and infos of a stack."""
    from scipy.linalg import lapack

    factor: Any = lapack.dgetrf if x.dtype == np.float64 else lapack.sgetrf
    packed = np.array(x)
    pivots = np.zeros((*x.shape[:-2], min(x.shape[-2:])), np.int32)
    infos = np.zeros(x.shape[:-2], np.int32)
    if x.size:
        for at in np.ndindex(infos.shape):
            packed[at], pivots[at], infos[at] = factor(x[at])
    return packed, pivots, infos


def _order(pivots: Any, rows: int) -> Any:
    """Return the order of rows that a series of exchanges makes, for each matrix of a stack."""
    if pivots.ndim == 1:
        row = list(range(rows))
        for k, p in enumerate(pivots.tolist()):
            row[k], row[p] = row[p], row[k]
        return np.array(row, np.int64)
    order = np.broadcast_to(np.arange(rows), (*pivots.shape[:-1], rows)).copy()
    for k in range(pivots.shape[-1]):
        other = pivots[..., k, None].astype(np.int64)
        moved = np.take_along_axis(order, other, -1)
        np.put_along_axis(order, other, order[..., k, None], -1)
        order[..., k, None] = moved
    return order


def _without_exchanges(x: Any) -> tuple[Any, Any]:
    packed, pivots, _ = _getrf(x)
    n = x.shape[-1]
    exchanged = (pivots != np.arange(n)).any(-1)
    # Rounding may prefer another row among equals, though the rows lie in order.
    for at in np.ndindex(exchanged.shape):
        if exchanged[at]:
            packed[at] = x[at]
            for k in range(n - 1):
                packed[at][k + 1 :, k] /= packed[at][k, k]
                packed[at][k + 1 :, k + 1 :] -= np.outer(
                    packed[at][k + 1 :, k], packed[at][k, k + 1 :]
                )
    return np.tril(packed, -1) + np.eye(n, dtype=x.dtype), np.triu(packed)


def _gradient(g: Any, y: Any) -> Any:
    L, U = y[0], y[1]
    if absent(g[0]):
        inner = upper(g[1] @ U.mT, 0)
    else:
        inner = lower(L.mT @ g[0], -1)
        if not absent(g[1]):
            inner = inner + upper(g[1] @ U.mT, 0)
    left = triangular_solved(L.mT, inner, True, True)
    return triangular_solved(U, left.mT, True, False).mT


triangles: Operation = define(
    "lu",
    _without_exchanges,
    several=True,
    x=_gradient,
    doc="The unit lower triangle L and the upper triangle U with A = L U, for square matrices.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def _matrix_of(order: Any, dtype: Any) -> Any:
    """Return the permutation matrix P with P x in the old order for x in the new one."""
    n = order.shape[-1]
    eye = np.eye(n, dtype=dtype)
    return np.ascontiguousarray(eye[order].swapaxes(-1, -2))


def _factored(name: str, A: Tensor, pivot: bool) -> tuple[Any, Any, Any, Tensor, Tensor]:
    """Return the permutation matrices, exchanges and infos, and L and U as tensors."""
    matrices(name, A)
    if not pivot:
        raise RuntimeError(f"linalg.{name}: LU without pivoting is not implemented on the CPU")
    x = A._array
    m, n = x.shape[-2:]
    packed, pivots, infos = _getrf(x)
    P = _matrix_of(_order(pivots, m), x.dtype)
    k = min(m, n)
    if not A.requires_grad:
        L = np.tril(packed[..., :, :k], -1) + np.eye(m, k, dtype=x.dtype)
        return P, pivots, infos, attach(L, None), attach(np.triu(packed[..., :k, :]), None)
    ordered = product(attach(P.swapaxes(-1, -2), None), A)
    L, U = triangles(ordered if m == n else ordered[..., :k, :k])
    if m > n:
        below = ordered[..., k:, :]
        L = cat([L, triangular_solved(U.mT, below.mT, False, False).mT], -2)
    elif n > m:
        beside = ordered[..., k:]
        U = cat([U, triangular_solved(L, beside, False, True)], -1)
    return P, pivots, infos, L, U


def lu(A: Tensor, *, pivot: bool = True) -> return_types.linalg_lu:
    """Return row exchanges P, a unit lower triangle L and an upper triangle U with A = P L U.

    Shapes: A (..., m, n); P (..., m, m), L (..., m, k), U (..., k, n) with k = min(m, n).

    >>> import chainrule as cr
    >>> P, L, U = cr.linalg.lu(cr.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> L, U
    (tensor([[1.0000, 0.0000],
            [0.2500, 1.0000]]), tensor([[4., 4.],
            [0., 1.]]))
    """
    P, _, _, L, U = _factored("lu", A, pivot)
    return return_types.linalg_lu(attach(P, None), L, U)


def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False
) -> return_types.linalg_lu_factor_ex:
    """Return what `lu_factor` does and, per matrix, 0 or the first pivot that is 0, from 1.

    >>> import chainrule as cr
    >>> cr.linalg.lu_factor_ex(cr.zeros(2, 2)).info
    tensor(1, dtype=int32)
    """
    _, pivots, infos, L, U = _factored("lu_factor_ex", A, pivot)
    if check_errors and infos.any():
        raise _zero_pivot(infos)
    m, n = A._array.shape[-2:]
    below = lower(L, -1)
    if m > n:
        zeros = attach(np.zeros((*A._array.shape[:-2], m - n, n), A._array.dtype), None)
        packed = below + cat([U, zeros], -2)
    elif n > m:
        zeros = attach(np.zeros((*A._array.shape[:-2], m, n - m), A._array.dtype), None)
        packed = cat([below, zeros], -1) + U
    else:
        packed = below + U
    return return_types.linalg_lu_factor_ex(
        packed, attach(pivots + np.int32(1), None), attach(infos, None)
    )


def _zero_pivot(infos: Any) -> RuntimeError:
    k = int(infos[infos > 0].flat[0])
    return RuntimeError(
        f"torch.linalg.lu_factor: U[{k},{k}] is zero and using it on lu_solve would result in a "
        "division by zero. If you still want to perform the factorization, consider calling "
        "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
    )


def lu_factor(A: Tensor, *, pivot: bool = True) -> return_types.linalg_lu_factor:
    """Return both triangles of `lu` in one matrix, and the row exchanges, counted from 1.

    Raises:
        RuntimeError: if a pivot is 0.

    >>> import chainrule as cr
    >>> cr.linalg.lu_factor(cr.tensor([[1.0, 2.0], [4.0, 4.0]])).LU
    tensor([[4.0000, 4.0000],
            [0.2500, 1.0000]])
    """
    found = lu_factor_ex(A, pivot=pivot)
    if found.info._array.any():
        raise _zero_pivot(found.info._array)
    return return_types.linalg_lu_factor(found.LU, found.pivots)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> return_types.lu_unpack:
    """Return P, L and U of what `linalg.lu_factor` packed; what is not asked for is empty.

    >>> import chainrule as cr
    >>> P, L, U = cr.lu_unpack(*cr.linalg.lu_factor(cr.tensor([[1.0, 2.0], [4.0, 4.0]])))
    >>> P @ L @ U
    tensor([[1., 2.],
            [4., 4.]])
    """
    x = LU_data._array
    m, n = x.shape[-2:]
    k = min(m, n)
    P = L = U = attach(np.zeros(0, x.dtype), None)
    if unpack_pivots:
        P = attach(_matrix_of(_order(_counted_from_0(LU_pivots), m), x.dtype), None)
    if unpack_data:
        identity = attach(np.eye(m, k, dtype=x.dtype), None)
        L = lower(LU_data[..., :k], -1) + identity
        U = upper(LU_data[..., :k, :], 0)
    return return_types.lu_unpack(P, L, U)


def _counted_from_0(pivots: Tensor) -> Any:
    if pivots._array.dtype != np.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
            f"dtype, got {pivots._array.dtype}. It should be what linalg.lu_factor returned"
        )
    return pivots._array - 1


def lu_solve_factored(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """Return the X with A X = B (or X A = B), given what `linalg.lu_factor` made of A.

    Args:
        LU: the packed triangles of A.
        pivots: its row exchanges.
        B: right-hand sides of shape (..., n, k); (..., k, n) if not ``left``.
        left: A stands on the left.
        adjoint: solve with Aᵀ in place of A.

    >>> import chainrule as cr
    >>> LU, pivots = cr.linalg.lu_factor(cr.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> cr.linalg.lu_solve(LU, pivots, cr.tensor([[5.0], [12.0]]))
    tensor([[1.],
            [2.]])
    """
    square_matrices("lu_solve", LU, "LU")
    matrices("lu_solve", B, "B")
    a, b = LU._array.shape, B._array.shape
    if b[-2 if left else -1] != a[-1]:
        raise RuntimeError(
            f"linalg.lu_solve: Incompatible shapes of A and B for the equation "
            f"{'AX' if left else 'XA'} = B ({a[-2]}x{a[-1]} and {b[-2]}x{b[-1]})"
        )
    if not left:
        return lu_solve_factored(LU, pivots, B.mT, adjoint=not adjoint).mT
    P = attach(_matrix_of(_order(_counted_from_0(pivots), a[-1]), LU._array.dtype), None)
    if adjoint:
        inner = triangular_solved(LU.mT, B, False, False)
        return product(P, triangular_solved(LU.mT, inner, True, True))
    inner = triangular_solved(LU, product(P.mT, B), False, True)
    return triangular_solved(LU, inner, True, False)


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """Return the X with A X = b, given the LU factorization of A; see `linalg.lu_solve`.

    >>> import chainrule as cr
    >>> cr.lu_solve(cr.tensor([[6.0]]), *cr.linalg.lu_factor(cr.tensor([[2.0]])))
    tensor([[3.]])
    """
    return lu_solve_factored(LU_data, LU_pivots, b)
