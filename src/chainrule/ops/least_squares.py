"""Pseudoinverses and least squares.

Derivatives: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate" (1973).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.operation import Operation, define
from chainrule.ops import decompositions
from chainrule.ops.diagonals import lower
from chainrule.ops.matrix_checks import matrices, square_matrices
from chainrule.ops.matrix_functions import threshold
from chainrule.ops.reductions import total
from chainrule.ops.shape import inserted, squeezed
from chainrule.primitive import attach
from chainrule.symbol import Notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__: list[str] = []

# --- The table ------------------------------------------------------------------------------------


def _pinv(x: Any, atol: Any, rtol: Any) -> Any:
    if not x.size:
        return np.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    U, s, Vh = decompositions.singular(x, False)
    kept = s > threshold(x, s, atol, rtol)
    inverse = np.divide(1, s, out=np.zeros_like(s), where=kept)
    return (Vh.mT * inverse[..., None, :]) @ U.mT


def _pinv_gradient(g: Any, x: Any, y: Any) -> Any:
    # From d(A⁺) = −A⁺ dA A⁺ + A⁺ A⁺ᵀ dAᵀ (I − A A⁺) + (I − A⁺ A) dAᵀ A⁺ᵀ A⁺.
    inner = y.mT @ g
    rows = inner @ y.mT
    first = g.mT @ y @ y.mT
    second = y.mT @ y @ g.mT
    return first - x @ (y @ first) - rows + second - (second @ y) @ x


pseudoinverse: Operation = define(
    "pinv",
    _pinv,
    params=("atol", "rtol"),
    x=_pinv_gradient,
    # The tolerances decide the rank, which is that of the numbers at hand.
    notation=Notation("pinv({x})", r"\operatorname{{pinv}}\left({x}\right)"),
    doc="Moore and Penrose's pseudoinverse; the gradient holds where the rank does not change.",
)


def _least_squares(A: Any, B: Any, rcond: Any) -> tuple[Any, Any]:
    """Return the solution and the pseudoinverse, from one decomposition."""
    U, s, Vh = decompositions.singular(A, False)
    kept = s > threshold(A, s, None, rcond)
    inverse = np.divide(1, s, out=np.zeros_like(s), where=kept)[..., None]
    return Vh.mT @ (inverse * (U.mT @ B)), Vh.mT @ (inverse * U.mT)


def _least_squares_gradient(g: Any, A: Any, B: Any, y: Any, inverse: Any) -> Any:
    back = inverse.mT @ g
    residual = B - A @ y
    outside = g - A.mT @ back
    return residual @ (inverse @ back).mT - back @ y.mT + (inverse.mT @ y) @ outside.mT


least_squares: Operation = define(
    "lstsq",
    _least_squares,
    params=("rcond",),
    A=_least_squares_gradient,
    B=lambda g, inverse: inverse.mT @ g,
    extras={"inverse": lambda A, rcond: pseudoinverse(A, None, rcond)},
    notation=Notation("lstsq({A}, {B})", r"\operatorname{{lstsq}}\left({A}, {B}\right)"),
    doc="The X with the least |A X − B|, of least size if there are several.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """Return the pseudoinverse of matrices: (..., m, n) → (..., n, m).

    Args:
        A: the matrices.
        rcond: another name for ``rtol``.
        hermitian: A is symmetric (only its lower triangle is read).
        atol: singular values up to it count as 0; 0 if None.
        rtol: so do those up to it times the largest; max(m, n) times the precision of the dtype
            if neither is given.

    >>> import chainrule as cr
    >>> cr.linalg.pinv(cr.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    matrices("pinv", A)
    if hermitian:
        square_matrices("pinv", A)
        A = lower(A, 0) + lower(A, -1).mT
    relative = rcond if rtol is None else rtol
    return pseudoinverse(A, *(_constant(t) for t in (atol, relative)))


def _constant(tolerance: Any) -> Any:
    return getattr(tolerance, "_array", tolerance)


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def lstsq(
    A: Tensor, B: Tensor, rcond: Any = None, *, driver: str | None = None
) -> return_types.linalg_lstsq:
    """Return the X with the least sum of squares of A X − B.

    Args:
        A: matrices of shape (..., m, n).
        B: right-hand sides of shape (..., m, k), or vectors of shape (..., m).
        rcond: singular values up to it times the largest count as 0; max(m, n) times the
            precision of the dtype if None.
        driver: as in PyTorch: ``"gelsy"`` (the default) and ``"gels"`` return no singular values,
            ``"gels"`` no rank. All of them compute the same solution here.

    The residuals are given where m > n and the rank is n. The gradient flows through the solution.

    >>> import chainrule as cr
    >>> A = cr.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> cr.linalg.lstsq(A, cr.tensor([[1.0], [3.0], [5.0]])).solution
    tensor([[1.0000],
            [2.0000]])
    """
    for x in (A, B):
        if x._array.dtype not in (np.float32, np.float64):
            raise RuntimeError(
                "torch.linalg.lstsq: Expected a floating point or complex tensor of single or "
                f"double precision, got {x._array.dtype}; convert with .float()"
            )
    driver = "gelsy" if driver is None else driver
    if driver not in _DRIVERS:
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of {_DRIVERS}, got {driver!r}"
        )
    a, b = A._array.shape, B._array.shape
    if len(a) < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if not b:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    vector = len(b) == len(a) - 1 and b == a[:-1]
    columns = inserted(B, (len(b),)) if vector else B
    if columns._array.ndim < 2 or columns._array.shape[-2] != a[-2]:
        raise RuntimeError(
            f"torch.linalg.lstsq: input.size(-2) should match other.size(-{1 if vector else 2}): "
            f"got shapes {list(a)} and {list(b)}"
        )
    m, n = a[-2:]
    if rcond is None:
        rcond = max(m, n) * float(np.finfo(A._array.dtype).eps)
    X = least_squares(A, columns, rcond)
    nothing = np.zeros(0, A._array.dtype)
    values = decompositions.svdvals(A.detach())._array
    rank = np.count_nonzero(values > threshold(A._array, values, None, rcond), axis=-1)
    residuals = attach(nothing, None)
    if m > n and driver != "gelsy" and (driver == "gels" or np.all(rank == n)):
        error = A @ X - columns
        residuals = total(error * error, (error._array.ndim - 2,), False)
    return return_types.linalg_lstsq(
        squeezed(X, (X._array.ndim - 1,)) if vector else X,
        residuals,
        attach(np.asarray([] if driver == "gels" else rank, np.int64), None),
        attach(values if driver in ("gelsd", "gelss") else nothing, None),
    )
