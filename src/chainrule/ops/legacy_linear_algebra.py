"""The names that PyTorch's linear algebra had before ``torch.linalg``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.ops import decompositions, factorizations, solving
from chainrule.ops.least_squares import pinv
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["cholesky", "lu", "pinverse", "qr", "svd", "triangular_solve"]


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Return the Cholesky factor of positive definite matrices; see `linalg.cholesky`.

    >>> import chainrule as cr
    >>> cr.cholesky(cr.tensor([[4.0]]))
    tensor([[2.]])
    """
    return decompositions.cholesky(input, upper=upper)


def qr(input: Tensor, some: bool = True) -> return_types.qr:
    """Return orthonormal columns and an upper triangle; see `linalg.qr`.

    >>> import chainrule as cr
    >>> cr.qr(cr.eye(2)).R.abs()
    tensor([[1., 0.],
            [0., 1.]])
    """
    return return_types.qr(*decompositions.qr(input, "reduced" if some else "complete"))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> return_types.svd:
    """Return the singular value decomposition U diag(S) Vᵀ; `linalg.svd` returns Vᵀ itself.

    Args:
        input: matrices of shape (..., m, n).
        some: only as many singular vectors as there are singular values.
        compute_uv: without it U and V are zeros.

    >>> import chainrule as cr
    >>> cr.svd(cr.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    if not compute_uv:
        S = decompositions.svdvals(input)
        *batch, m, n = input._array.shape
        U, V = (attach(np.zeros((*batch, k, k), input._array.dtype), None) for k in (m, n))
        return return_types.svd(U, S, V)
    U, S, Vh = decompositions.svd(input, full_matrices=not some)
    return return_types.svd(U, S, Vh.mT)


def pinverse(input: Tensor, rcond: Any = 1e-15) -> Tensor:
    """Return the pseudoinverse of matrices; see `linalg.pinv`.

    >>> import chainrule as cr
    >>> cr.pinverse(cr.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    return pinv(input, rcond)


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: None = None) -> Any:
    """Return packed LU factors, row exchanges and, if asked for, infos; see `linalg.lu_factor`.

    >>> import chainrule as cr
    >>> cr.lu(cr.tensor([[1.0, 2.0], [4.0, 4.0]]))[1]
    tensor([2, 2], dtype=int32)
    """
    if out is not None:
        raise NotImplementedError("lu(out=) is not supported: use what it returns")
    found = factorizations.lu_factor_ex(A, pivot=pivot)
    return tuple(found) if get_infos else tuple(found[:2])


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> return_types.triangular_solve:
    """Return the X with A X = b for triangular A, and A; see `linalg.solve_triangular`.

    >>> import chainrule as cr
    >>> cr.triangular_solve(cr.tensor([[4.0]]), cr.tensor([[2.0]])).solution
    tensor([[2.]])
    """
    for what, x in (("b", b), ("A", A)):
        if x._array.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {what} to have at least 2 dimensions, but it "
                f"has {x._array.ndim} dimensions instead"
            )
    matrix = A.mT if transpose else A
    solution = solving.solve_triangular(
        matrix, b, upper=upper != transpose, unitriangular=unitriangular
    )
    return return_types.triangular_solve(solution, A.clone())
