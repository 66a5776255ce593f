"""Decompositions: Cholesky's, of symmetric matrices, into singular values, into Q and R.

Derivatives: Giles, "An extended collection of matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008); Murray, "Differentiation of the Cholesky decomposition"
(2016); Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2010).

Eigenvectors and singular vectors are determined up to their signs, and not at all where values are
equal: a gradient is right if what is computed from them does not depend on that choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.modes import modes
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.assembly import cat
from chainrule.ops.comparison import filled_where
from chainrule.ops.diagonals import lower
from chainrule.ops.linear_algebra import product
from chainrule.ops.matrix_checks import (
    LinAlgError,
    absent,
    batch_element,
    matrices,
    square_matrices,
)
from chainrule.ops.reductions import total
from chainrule.ops.shape import inserted
from chainrule.ops.solving import triangular_solved
from chainrule.primitive import attach
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__: list[str] = []

# --- Cholesky's decomposition ---------------------------------------------------------------------


def _leading_minor(x: Any) -> tuple[tuple[int, ...], int]:
    """Return the first matrix that is not positive definite, and the order of its minor."""
    from scipy.linalg import lapack

    factor: Any = lapack.dpotrf if x.dtype == np.float64 else lapack.spotrf
    for at in np.ndindex(x.shape[:-2]):
        info = factor(x[at], lower=True)[1]
        if info > 0:
            return at, info
    return (), 0


def _cholesky(x: Any) -> Any:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        at, order = _leading_minor(x)
        raise LinAlgError(
            f"linalg.cholesky: {batch_element(x, at)}The factorization could not be completed "
            f"because the input is not positive-definite (the leading minor of order {order} is "
            "not positive-definite). cholesky_ex tells without raising"
        ) from None


def _cholesky_gradient(g: Any, y: Any) -> Any:
    inner = y.mT @ g
    symmetric = lower(inner, 0) + lower(inner, -1).mT
    half = triangular_solved(y.mT, symmetric, True, False)
    return triangular_solved(y.mT, half.mT, True, False) / 2


rooted: Operation = define(
    "cholesky",
    _cholesky,
    x=_cholesky_gradient,
    doc="The lower triangle L with L Lᵀ = A, for positive definite A, read from its lower half.",
)

# --- Eigenvalues and eigenvectors of symmetric matrices -------------------------------------------


def _reciprocal_gaps(w: Any) -> Any:
    gaps = w[..., None, :] - w[..., :, None]
    with np.errstate(divide="ignore"):
        y = 1 / gaps
    k = np.arange(w.shape[-1])
    y[..., k, k] = 0
    return y


def _gaps_gradient(g: Any, y: Any) -> Any:
    slope = g * (y * y)
    return total(slope, (-1,), False) - total(slope, (-2,), False)


reciprocal_gaps: Operation = define(
    "reciprocal_gaps",
    _reciprocal_gaps,
    w=_gaps_gradient,
    doc="1 / (wⱼ − wᵢ) in row i and column j, 0 on the diagonal: the F of matrix derivatives.",
)


def _turned(S: Any, F: Any) -> Any:
    """Return S ⊙ F, 0 where S is: equal values do no harm to who does not use their vectors."""
    return filled_where(S * F, S == 0, 0.0)


def _of_triangle(name: str) -> Notation:
    """Write ``name(x)``; what reads the upper triangle reads the lower one of xᵀ."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        x = o["x"] if o["UPLO"] == "L" else notation.transpose(style, o["x"])
        return f"{style.function(name)}{style.parentheses(f'{x}')}", LEVELS["atom"]

    return Notation(custom=custom)


def _eigh_gradient(g: Any, y: Any) -> Any:
    w, V = y[0], y[1]
    values = (V * inserted(g[0], (-2,))) @ V.mT
    if absent(g[1]):
        return values
    vectors = V @ _turned(V.mT @ g[1], reciprocal_gaps(w)) @ V.mT
    return vectors if absent(g[0]) else vectors + values


def _eigh(x: Any, UPLO: Any) -> Any:
    read = np.tril(x if UPLO == "L" else x.mT)
    finite = np.isfinite(read).all(axis=(-2, -1))
    if finite.all():
        return tuple(np.linalg.eigh(read))
    w, V = np.linalg.eigh(np.where(finite[..., None, None], read, 0))
    w[~finite], V[~finite] = np.nan, np.nan
    return w, V


symmetric_eigen: Operation = define(
    "eigh",
    _eigh,
    params=("UPLO",),
    several=True,
    x=_eigh_gradient,
    notation=_of_triangle("eigh"),
    doc="Eigenvalues, ascending, and eigenvectors of symmetric matrices.",
)


symmetric_eigenvalues: Operation = define(
    "eigvalsh",
    _eigh,
    params=("UPLO",),
    x=lambda g, V: (V * inserted(g, (-2,))) @ V.mT,
    extras={"V": lambda x, UPLO: symmetric_eigen(x, UPLO)[1]},
    notation=_of_triangle("eigvalsh"),
    doc="Eigenvalues of symmetric matrices; the gradient needs no gap between them.",
)

# --- Singular values and vectors ------------------------------------------------------------------


def _svd(x: Any, full: bool) -> Any:
    try:
        return tuple(np.linalg.svd(x, full_matrices=full))
    except np.linalg.LinAlgError:
        finite = np.isfinite(x).all(axis=(-2, -1))
        at = tuple(int(k) for k in np.argwhere(~finite)[0]) if not finite.all() else ()
        why = (
            "the input matrix contained non-finite values"
            if at or not finite.all()
            else ("the input matrix is ill-conditioned or has too many repeated singular values")
        )
        raise LinAlgError(
            f"linalg.svd: {batch_element(x, at) if at else ''}The algorithm failed to converge "
            f"because {why}"
        ) from None


def _svd_gradient(g: Any, y: Any, x_shape: Any, full: bool) -> Any:
    U, s, Vh, gU, gs, gVh = y[0], y[1], y[2], g[0], g[1], g[2]
    no_U, no_Vh = absent(gU), absent(gVh)
    m, n = tuple(x_shape[-2:]) or (1, 1)
    if full and m != n:
        # The further columns are any basis of what is left: no gradient comes through them.
        k = min(m, n)
        U, Vh = U[..., :k], Vh[..., :k, :]
        gU, gVh = gU if no_U else gU[..., :k], gVh if no_Vh else gVh[..., :k, :]
    F, row, column = reciprocal_gaps(s * s), inserted(s, (-2,)), inserted(s, (-1,))
    terms = []
    if not no_U:
        left = U.mT @ gU
        terms.append(U @ (_turned(left - left.mT, F) * row) @ Vh)
        if m > n:
            terms.append(_turned(gU - U @ left, 1 / row) @ Vh)
    if not no_Vh:
        right = Vh @ gVh.mT
        terms.append(U @ (column * _turned(right - right.mT, F)) @ Vh)
        if n > m:
            terms.append(U @ _turned(gVh - right.mT @ Vh, 1 / column))
    if not terms or not absent(gs):
        terms.append((U * inserted(gs, (-2,))) @ Vh)
    return sum(terms[1:], terms[0])


def _write_svd(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    name = "svd_full" if o["full"] else "svd"
    return f"{style.function(name)}{style.parentheses(str(o['x'].written))}", LEVELS["atom"]


singular: Operation = define(
    "svd",
    _svd,
    params=("full",),
    several=True,
    x=_svd_gradient,
    notation=Notation(custom=_write_svd),
    doc="Singular values, descending, with their left and right vectors: U, s and Vᵀ.",
)


def _svdvals(x: Any) -> Any:
    U, s, Vh = _svd(x, False)
    return s, U, Vh


singular_values: Operation = define(
    "svdvals",
    _svdvals,
    x=lambda g, U, Vh: (U * inserted(g, (-2,))) @ Vh,
    extras={"U": lambda x: singular(x, False)[0], "Vh": lambda x: singular(x, False)[2]},
    doc="Singular values, descending; the gradient needs no gap between them.",
)

# --- Q and R --------------------------------------------------------------------------------------


def _qr_gradient(g: Any, y: Any) -> Any:
    Q, R = y[0], y[1]
    if absent(g[0]):
        M = R @ g[1].mT
    else:
        M = -(g[0].mT @ Q) if absent(g[1]) else R @ g[1].mT - g[0].mT @ Q
    whole = Q @ (lower(M, 0) + lower(M, -1).mT)
    if not absent(g[0]):
        whole = g[0] + whole
    return triangular_solved(R, whole.mT, True, False).mT


orthogonal_triangular: Operation = define(
    "qr",
    lambda x: tuple(np.linalg.qr(x)),
    several=True,
    x=_qr_gradient,
    doc="Orthonormal columns Q and an upper triangle R with A = Q R, for A no wider than high.",
)


# --- PyTorch's signatures -------------------------------------------------------------------------


def records(A: Tensor) -> bool:
    """Tell whether an operation on a tensor will be recorded."""
    return bool(modes.grad and A.requires_grad)


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Return the lower triangle L with L Lᵀ = A, or the upper one with Uᵀ U = A.

    Only one triangle of the positive definite matrices A, of shape (..., n, n), is read; the
    gradient is symmetric.

    Raises:
        LinAlgError: for a matrix that is not positive definite.

    >>> import chainrule as cr
    >>> cr.linalg.cholesky(cr.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    square_matrices("cholesky", A)
    return rooted(A.mT).mT if upper else rooted(A)


def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False
) -> return_types.linalg_cholesky_ex:
    """Return Cholesky factors and, per matrix, 0 or the order of the minor that is not positive.

    In place of the factor of a matrix that has none stands NaN.

    >>> import chainrule as cr
    >>> cr.linalg.cholesky_ex(cr.tensor([[1.0, 2.0], [2.0, 1.0]])).info
    tensor(2, dtype=int32)
    """
    from chainrule.ops.solving import spared

    square_matrices("cholesky_ex", A)
    info = np.zeros(A._array.shape[:-2], np.int32)
    try:
        return return_types.linalg_cholesky_ex(cholesky(A, upper=upper), attach(info, None))
    except LinAlgError:
        if check_errors:
            raise
    x = A._array
    for at in np.ndindex(info.shape):
        info[at] = _leading_minor(x[at].T if upper else x[at])[1]
    source = A.mT if upper else A
    L = spared(rooted, info, source)
    return return_types.linalg_cholesky_ex(L.mT if upper else L, attach(info, None))


def _triangle_letter(name: str, UPLO: str) -> Any:
    letter = UPLO.upper()
    if letter not in ("L", "U"):
        raise RuntimeError(
            f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}: linalg.{name} reads the "
            "lower or the upper triangle"
        )
    return letter


def eigh(A: Tensor, UPLO: str = "L") -> return_types.linalg_eigh:
    """Return the eigenvalues, ascending, and the eigenvectors (columns) of symmetric matrices.

    Only the triangle that ``UPLO`` names is read. The gradient is that with respect to a symmetric
    matrix; through the eigenvectors it exists where the eigenvalues differ.

    >>> import chainrule as cr
    >>> cr.linalg.eigh(cr.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    square_matrices("eigh", A)
    return return_types.linalg_eigh(*symmetric_eigen(A, _triangle_letter("eigh", UPLO)))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of symmetric matrices, ascending.

    >>> import chainrule as cr
    >>> cr.linalg.eigvalsh(cr.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([-1.,  1.])
    """
    square_matrices("eigvalsh", A)
    letter = _triangle_letter("eigvalsh", UPLO)
    if records(A) or not np.isfinite(A._array).all():
        return symmetric_eigenvalues(A, letter)
    return attach(np.linalg.eigvalsh(A._array, letter), None)


def svd(A: Tensor, full_matrices: bool = True) -> return_types.linalg_svd:
    """Return the singular value decomposition A = U diag(S) Vh.

    Shapes: A (..., m, n); U (..., m, m), S (..., k), Vh (..., n, n) with k = min(m, n); without
    ``full_matrices`` only the first k columns of U and rows of Vh.

    The gradient through U and Vh exists where the singular values differ (and none is 0 for a
    rectangular matrix); the columns beyond the k-th are any basis and pass no gradient.

    >>> import chainrule as cr
    >>> cr.linalg.svd(cr.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    matrices("svd", A)
    return return_types.linalg_svd(*singular(A, bool(full_matrices)))


def svdvals(A: Tensor) -> Tensor:
    """Return the singular values of matrices, descending.

    >>> import chainrule as cr
    >>> cr.linalg.svdvals(cr.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    matrices("svdvals", A)
    if records(A) or not np.isfinite(A._array).all():
        return singular_values(A)
    return attach(np.linalg.svd(A._array, compute_uv=False), None)


def qr(A: Tensor, mode: str = "reduced") -> return_types.linalg_qr:
    """Return orthonormal columns Q and an upper triangle R with A = Q R.

    Args:
        A: matrices of shape (..., m, n).
        mode: ``"reduced"`` for Q (..., m, k) and R (..., k, n) with k = min(m, n);
            ``"complete"`` for Q (..., m, m) and R (..., m, n); ``"r"`` for R alone (Q is empty).

    Raises:
        RuntimeError: for a matrix that requires grad and is higher than wide in the mode
            ``"complete"``: the further columns of Q are any basis.

    >>> import chainrule as cr
    >>> cr.linalg.qr(cr.eye(2)).R.abs()
    tensor([[1., 0.],
            [0., 1.]])
    """
    matrices("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', "
            "or 'complete'"
        )
    m, n = A._array.shape[-2:]
    if mode == "complete" and m > n:
        if records(A):
            raise RuntimeError(
                "The QR decomposition is not differentiable when mode='complete' and nrows > "
                "ncols: use mode='reduced', or detach() the matrix"
            )
        Q, R = np.linalg.qr(A._array, mode="complete")
        return return_types.linalg_qr(attach(Q, None), attach(R, None))
    if m >= n:
        found = return_types.linalg_qr(*orthogonal_triangular(A))
    else:
        # The columns beyond the square follow from it: Q R₂ = A₂.
        first, second = orthogonal_triangular(A[..., :m])
        rest = A[..., m:]
        found = return_types.linalg_qr(first, cat([second, product(first.mT, rest)], -1))
    if mode == "r":
        return return_types.linalg_qr(attach(np.zeros(0, A._array.dtype), None), found.R)
    return found


def eig(A: Tensor) -> Any:
    """Refuse: eigenvalues of matrices that are not symmetric are complex numbers.

    >>> import chainrule as cr
    >>> cr.linalg.eig(cr.eye(2))
    Traceback (most recent call last):
    ...
    NotImplementedError: linalg.eig has complex results, which chainrule does not have; ...
    """
    raise _complex("eig")


def eigvals(A: Tensor) -> Any:
    """Refuse: eigenvalues of matrices that are not symmetric are complex numbers; see `eig`."""
    raise _complex("eigvals")


def _complex(name: str) -> NotImplementedError:
    return NotImplementedError(
        f"linalg.{name} has complex results, which chainrule does not have; linalg.eigh and "
        "linalg.eigvalsh take symmetric matrices, whose eigenvalues are real"
    )
