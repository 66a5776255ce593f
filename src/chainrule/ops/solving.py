"""Inverses and linear equations.

Derivatives: Giles, "An extended collection of matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.operation import Operation, define
from chainrule.ops.diagonals import lower, upper
from chainrule.ops.linear_algebra import product
from chainrule.ops.matrix_checks import LinAlgError, batch_element, matrices, square_matrices
from chainrule.ops.shape import inserted, normal_dim, permuted, reshaped, squeezed
from chainrule.primitive import attach
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["cholesky_inverse", "cholesky_solve", "inverse"]

# --- The table ------------------------------------------------------------------------------------


def _first_zero_pivot(x: Any) -> tuple[tuple[int, ...], int]:
    """Return the first singular matrix of a stack, and which pivot of it is 0, from 1."""
    from scipy.linalg import lapack

    factor: Any = lapack.dgetrf if x.dtype == np.float64 else lapack.sgetrf
    for at in np.ndindex(x.shape[:-2]):
        info = factor(x[at])[2]
        if info > 0:
            return at, info
    return (), 0


def _inverse(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        at, pivot = _first_zero_pivot(x)
        raise LinAlgError(
            f"linalg.inv: {batch_element(x, at)}The diagonal element {pivot} is zero, the "
            "inversion could not be completed because the input matrix is singular. pinv has an "
            "inverse for every matrix"
        ) from None


class _Factors:
    """The LU factors of a matrix whose transpose is solved with next, in the backward pass."""

    def __init__(self, packed: Any, pivots: Any, solve: Any) -> None:
        self.packed, self.pivots, self.solve = packed, pivots, solve
        self.latest: Any = None

    def solution(self, B: Any) -> Any:
        """Return the X with A X = B."""
        return self.solve(self.packed, self.pivots, B)[0]

    def transposed_solution(self, B: Any) -> Any:
        """Return the X with Aᵀ X = B; the rules of both operands ask for the same one."""
        if self.latest is not None and self.latest[0] is B:
            X = self.latest[1]
            self.latest = None
        else:
            X = self.solve(self.packed, self.pivots, B, trans=1)[0]
            self.latest = B, X
        return X


def _solution(A: Any, B: Any) -> tuple[Any, Any]:
    """Return the solution, and what the same equations with Aᵀ are solved with."""
    if isinstance(A, _Factors):
        return A.transposed_solution(B), None
    if A.ndim == B.ndim == 2 and B.size and A.dtype == B.dtype:
        from scipy.linalg import lapack

        double = A.dtype == np.float64
        factor: Any = lapack.dgetrf if double else lapack.sgetrf
        packed, pivots, info = factor(A)
        if info > 0:
            raise _no_solution(A, ())
        factors = _Factors(packed, pivots, lapack.dgetrs if double else lapack.sgetrs)
        return factors.solution(B), factors
    try:
        return np.linalg.solve(A, B), A.mT
    except np.linalg.LinAlgError:
        raise _no_solution(A, _first_zero_pivot(A)[0]) from None


def _no_solution(A: Any, at: tuple[int, ...]) -> LinAlgError:
    return LinAlgError(
        f"linalg.solve: {batch_element(A, at)}The solver failed because the input matrix is "
        "singular. lstsq has a solution for every matrix"
    )


inverted: Operation = define(
    "inv",
    _inverse,
    x=lambda g, y: -(y.mT @ g @ y.mT),
    doc="Inverse of square matrices; −Y⁻ᵀ Ȳ Y⁻ᵀ is written with the inverse itself.",
)
solved: Operation = define(
    "solve",
    _solution,
    A=lambda g, transposed, y: -(solved(transposed, g) @ y.mT),
    B=lambda g, transposed: solved(transposed, g),
    extras={"transposed": lambda A: A.mT},
    doc="The X with A X = B, for square A and columns B.",
)


def _triangular_solution(A: Any, B: Any, is_upper: bool, unit: bool) -> Any:
    from scipy.linalg import blas

    solve: Any = blas.dtrsm if A.dtype == np.float64 else blas.strsm
    if A.ndim == B.ndim == 2 and B.size:
        # BLAS reads by columns, where rows of ours are: it solves Xᵀ Aᵀ = Bᵀ.
        return solve(1.0, A.T, B.T, side=1, lower=is_upper, diag=unit).T
    n, k = B.shape[-2:]
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    out = np.empty((*batch, n, k), A.dtype)
    if not out.size:
        return out
    if batch and n <= 16:
        # One call for many small matrices: LU leaves a triangle as it is.
        triangle = np.triu(A, int(unit)) if is_upper else np.tril(A, -int(unit))
        if unit:
            triangle += np.eye(n, dtype=A.dtype)
        try:
            return np.linalg.solve(triangle, B)
        except np.linalg.LinAlgError:
            pass  # a 0 on a diagonal, where the result is infinite
    A = np.broadcast_to(A, (*batch, n, n))
    B = np.broadcast_to(B, (*batch, n, k))
    for at in np.ndindex(batch):
        out[at] = solve(1.0, A[at].T, B[at].T, side=1, lower=is_upper, diag=unit).T
    return out


def _triangle(x: Any, is_upper: bool, unit: bool) -> Any:
    return upper(x, int(unit)) if is_upper else lower(x, -int(unit))


def _write_triangular(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    name = f"solve{'_unit' if o['unit'] else ''}_{'upper' if o['is_upper'] else 'lower'}"
    inner = f"{o['A']}, {o['B']}"
    return f"{style.function(name)}{style.parentheses(inner)}", LEVELS["atom"]


triangular_solved: Operation = define(
    "solve_triangular",
    _triangular_solution,
    params=("is_upper", "unit"),
    A=lambda g, A, y, is_upper, unit: (
        -_triangle(triangular_solved(A.mT, g, not is_upper, unit) @ y.mT, is_upper, unit)
    ),
    B=lambda g, A, is_upper, unit: triangular_solved(A.mT, g, not is_upper, unit),
    notation=Notation(custom=_write_triangular),
    doc="""The X with A X = B for triangular A; the other triangle is not read.

    With ``unit`` the diagonal counts as ones and is not read either.
    """,
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def inv(A: Tensor) -> Tensor:
    """Return the inverse of square matrices, of shape (..., n, n).

    Prefer `linalg.solve` to a product with the inverse: it is faster and more accurate.

    Raises:
        LinAlgError: for a singular matrix.

    >>> import chainrule as cr
    >>> cr.linalg.inv(cr.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return inverted(square_matrices("inv", A))


inverse = inv


def _infos(A: Any) -> Any:
    """Return 0 for each regular matrix of a stack, else its first pivot that is 0."""
    from scipy.linalg import lapack

    factor: Any = lapack.dgetrf if A.dtype == np.float64 else lapack.sgetrf
    infos = np.zeros(A.shape[:-2], np.int32)
    if A.shape[-1]:
        for at in np.ndindex(infos.shape):
            infos[at] = factor(A[at])[2]
    return infos


def inv_ex(A: Tensor, *, check_errors: bool = False) -> return_types.linalg_inv_ex:
    """Return the inverses and, per matrix, 0 or the first pivot that is 0, counted from 1.

    In place of the inverse of a singular matrix stands NaN.

    >>> import chainrule as cr
    >>> cr.linalg.inv_ex(cr.tensor([[2.0, 1.0], [2.0, 1.0]])).info
    tensor(2, dtype=int32)
    """
    square_matrices("inv_ex", A)
    try:
        result = inverted(A)
    except LinAlgError:
        if check_errors:
            raise
    else:
        return return_types.linalg_inv_ex(
            result, attach(np.zeros(A._array.shape[:-2], np.int32), None)
        )
    info = _infos(A._array)
    return return_types.linalg_inv_ex(spared(inverted, info, A), attach(info, None))


def spared(operation: Operation, info: Any, A: Tensor, *others: Any) -> Tensor:
    """Run an operation with identities in place of singular matrices, then put NaN there."""
    from chainrule.ops.comparison import filled_where, select_where

    singular = attach(np.asarray(info > 0)[..., None, None], None)
    identity = attach(np.eye(A._array.shape[-1], dtype=A._array.dtype), None)
    result = operation(select_where(singular, identity, A), *others)
    return filled_where(result, singular, float("nan"))


def _is_vector(A: Tensor, B: Tensor) -> bool:
    """Tell whether ``B`` is a stack of vectors: one, or one for each matrix."""
    a, b = A._array.shape, B._array.shape
    return len(b) == 1 or (len(a) - 1 == len(b) and b == a[:-1])


def _equations(name: str, A: Tensor, B: Tensor, left: bool) -> tuple[Tensor, bool]:
    """Return the right-hand side as matrices, and whether it was vectors, or raise."""
    square_matrices(name, A)
    if A._array.dtype != B._array.dtype:
        raise RuntimeError(
            f"linalg.{name}: Expected A and B to have the same dtype, but found A of type "
            f"{A._array.dtype} and B of type {B._array.dtype} instead; convert one with .to()"
        )
    if not B._array.ndim:
        raise RuntimeError(f"linalg.{name}: B must have at least 1 dimension")
    vector = _is_vector(A, B)
    if vector and not left:
        raise RuntimeError(
            f"linalg.{name}: Vector broadcasting of the left hand side is not supported for "
            "left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    columns = inserted(B, (B._array.ndim,)) if vector else B
    a, b = A._array.shape, columns._array.shape
    if b[-2 if left else -1] != a[-1]:
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"linalg.{name}: Incompatible shapes of A and B for the equation {equation} "
            f"({a[-2]}x{a[-1]} and {b[-2]}x{b[-1]})"
        )
    _refuse_unequal_stacks(a[:-2], b[:-2])
    return columns, vector


def _refuse_unequal_stacks(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        raise RuntimeError(
            f"The batch dimensions of A and B must be broadcastable, got {list(a)} and {list(b)}"
        ) from None


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Return the X with A X = B, or X A = B if not ``left``.

    Shapes: A (..., n, n); B (..., n, k) or vectors (n) or (..., n); stacks broadcast.

    Raises:
        LinAlgError: for a singular matrix.

    >>> import chainrule as cr
    >>> cr.linalg.solve(cr.tensor([[2.0, 0.0], [1.0, 1.0]]), cr.tensor([2.0, 3.0]))
    tensor([1., 2.])
    """
    columns, vector = _equations("solve", A, B, left)
    if not left:
        return solved(A.mT, columns.mT).mT
    X = solved(A, columns)
    return squeezed(X, (X._array.ndim - 1,)) if vector else X


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False
) -> return_types.linalg_solve_ex:
    """Return what `solve` does and, per matrix, 0 or the first pivot that is 0, from 1.

    In place of the solution for a singular matrix stands NaN.

    >>> import chainrule as cr
    >>> cr.linalg.solve_ex(cr.zeros(1, 1), cr.ones(1, 1)).info
    tensor(1, dtype=int32)
    """
    columns, vector = _equations("solve_ex", A, B, left)
    info = _infos(A._array)
    if check_errors or not info.any():
        return return_types.linalg_solve_ex(solve(A, B, left=left), attach(info, None))
    if left:
        X = spared(solved, info, A, columns)
        X = squeezed(X, (X._array.ndim - 1,)) if vector else X
    else:
        X = spared(solved, info, A.mT, columns.mT).mT
    return return_types.linalg_solve_ex(X, attach(info, None))


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """Return the X with A X = B (or X A = B) for triangular A; the other triangle is not read.

    Args:
        A: matrices of shape (..., n, n).
        B: right-hand sides of shape (..., n, k); (..., k, n) if not ``left``.
        upper: A is an upper triangle, else a lower one.
        left: A stands on the left of X.
        unitriangular: A's diagonal counts as ones and is not read.

    >>> import chainrule as cr
    >>> A = cr.tensor([[2.0, 0.0], [1.0, 1.0]])
    >>> cr.linalg.solve_triangular(A, cr.tensor([[2.0], [3.0]]), upper=False)
    tensor([[1.],
            [2.]])
    """
    square_matrices("solve_triangular", A)
    matrices("solve_triangular", B, "B")
    a, b = A._array.shape, B._array.shape
    if b[-2 if left else -1] != a[-1]:
        raise RuntimeError(
            f"linalg.solve_triangular: Incompatible shapes of A and B for the equation "
            f"{'AX' if left else 'XA'} = B ({a[-2]}x{a[-1]} and {b[-2]}x{b[-1]})"
        )
    _refuse_unequal_stacks(a[:-2], b[:-2])
    if left:
        return triangular_solved(A, B, bool(upper), bool(unitriangular))
    return triangular_solved(A.mT, B.mT, not upper, bool(unitriangular)).mT


def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Return the X with A X = B, given B and the Cholesky factor of A.

    >>> import chainrule as cr
    >>> L = cr.linalg.cholesky(cr.tensor([[4.0, 0.0], [0.0, 9.0]]))
    >>> cr.cholesky_solve(cr.tensor([[4.0], [18.0]]), L)
    tensor([[1.],
            [2.]])
    """
    for what, x in (("b", input), ("u", L)):
        if x._array.ndim < 2:
            raise RuntimeError(
                f"{what} should have at least 2 dimensions, but has {x._array.ndim} dimensions "
                "instead: cholesky_solve takes matrices"
            )
    square_matrices("cholesky_solve", L)
    a, b = L._array.shape, input._array.shape
    if a[-1] != b[-2]:
        raise RuntimeError(
            "linalg.cholesky_solve: Incompatible matrix sizes for cholesky_solve: each A matrix "
            f"is {a[-1]} by {a[-1]} but each b matrix is {b[-2]} by {b[-1]}"
        )
    _refuse_unequal_stacks(a[:-2], b[:-2])
    first, second = (L.mT, L) if upper else (L, L.mT)
    return triangular_solved(second, triangular_solved(first, input, False, False), True, False)


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """Return the inverse of a matrix, given its Cholesky factor.

    >>> import chainrule as cr
    >>> cr.cholesky_inverse(cr.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.2500, 0.0000],
            [0.0000, 0.0625]])
    """
    square_matrices("cholesky_inverse", L)
    identity = attach(np.eye(L._array.shape[-1], dtype=L._array.dtype), None)
    root = triangular_solved(L.mT if upper else L, identity, False, False)
    return product(root.mT, root)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """Return the inverse of a tensor as a map from its last dimensions to its first ``ind``.

    >>> import chainrule as cr
    >>> cr.linalg.tensorinv(cr.eye(6).reshape(2, 3, 6), ind=2).shape
    chainrule.Size([6, 2, 3])
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', got {ind}")
    shape = A._array.shape
    result, given = shape[ind:], shape[:ind]
    if math.prod(result) != math.prod(given):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {math.prod(result)} != {math.prod(given)}"
        )
    n = math.prod(given)
    return reshaped(inv(reshaped(A, (n, n))), (*result, *given))


def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """Return the X with ``tensordot(A, X, X.ndim) == B``.

    Args:
        A: its dimensions beyond those of B are those of X.
        B: the right-hand side.
        dims: dimensions of A to move to its end first.

    >>> import chainrule as cr
    >>> A = cr.eye(6).reshape(2, 3, 6)
    >>> cr.linalg.tensorsolve(A, cr.ones(2, 3)).shape
    chainrule.Size([6])
    """
    n = A._array.ndim
    if dims is not None:
        moved = [normal_dim("tensorsolve", d, n) for d in dims]
        A = permuted(A, (*(d for d in range(n) if d not in moved), *moved))
    result = A._array.shape[B._array.ndim :]
    size = math.prod(result)
    if size != B._array.size or A._array.size != size * size:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {size} != "
            f"{math.prod(A._array.shape[: B._array.ndim])}"
        )
    X = solve(reshaped(A, (size, size)), reshaped(B, (size,)))
    return reshaped(X, result)
