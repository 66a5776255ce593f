"""Determinants, powers and the exponential of square matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.operation import Operation, define
from chainrule.ops import decompositions, solving
from chainrule.ops.arithmetic import times
from chainrule.ops.assembly import joined, stack
from chainrule.ops.comparison import filled_where
from chainrule.ops.linear_algebra import product
from chainrule.ops.matrix_checks import floating, full_precision, matrices, square_matrices
from chainrule.ops.reductions import total
from chainrule.ops.shape import broadcast_to, inserted
from chainrule.ops.solving import inverted
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["det", "logdet", "matrix_exp", "matrix_power", "slogdet", "vander"]

# --- Determinants ---------------------------------------------------------------------------------


def _cofactor(x: Any) -> Any:
    d = np.linalg.det(x)[..., None, None]
    if (d != 0).all():
        try:
            return d * np.linalg.inv(x).mT
        except np.linalg.LinAlgError:
            pass  # a determinant that is not 0 by rounding only
    # Of any rank: the product of the other singular values in place of each.
    U, s, Vh = np.linalg.svd(x)
    sign = np.linalg.det(U) * np.linalg.det(Vh)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    return sign[..., None, None] * ((U * others[..., None, :]) @ Vh)


def _cofactor_gradient(g: Any, x: Any, y: Any) -> Any:
    whole = total(g * y, (-2, -1), True) * y - y @ g.mT @ y
    return whole / inserted(determinant(x), (-2, -1))


cofactor: Operation = define(
    "cofactor",
    _cofactor,
    x=_cofactor_gradient,
    doc="""The matrix of cofactors, det(A) A⁻ᵀ, which singular matrices have too.

    For a singular matrix it is worked out from the singular values; its own derivative exists for
    regular ones only.
    """,
)
determinant: Operation = define(
    "det",
    np.linalg.det,
    x=lambda g, x: inserted(g, (-2, -1)) * cofactor(x),
    doc="Determinant of square matrices (Jacobi's formula for the gradient).",
)
sign_and_log_determinant: Operation = define(
    "slogdet",
    lambda x: tuple(np.linalg.slogdet(x)),
    several=True,
    x=lambda g, x: inserted(g[1], (-2, -1)) * inverted(x).mT,
    doc="Sign and logarithm of the absolute value of the determinant; the sign has gradient 0.",
)


def det(A: Tensor) -> Tensor:
    """Return the determinant of square matrices, of shape (..., n, n) → (...).

    Its gradient is right for singular matrices too.

    >>> import chainrule as cr
    >>> cr.linalg.det(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return determinant(square_matrices("det", A))


def slogdet(A: Tensor) -> return_types.linalg_slogdet:
    """Return the sign of the determinant and the logarithm of its absolute value.

    Neither overflows where the determinant would; a singular matrix has sign 0 and −∞.

    >>> import chainrule as cr
    >>> sign, logabsdet = cr.linalg.slogdet(cr.tensor([[1e30, 0.0], [0.0, 1e30]]))
    >>> sign, logabsdet
    (tensor(1.), tensor(138.1551))
    """
    return return_types.linalg_slogdet(*sign_and_log_determinant(square_matrices("slogdet", A)))


def logdet(A: Tensor) -> Tensor:
    """Return the logarithm of the determinant: NaN if it is negative, −∞ if it is 0.

    >>> import chainrule as cr
    >>> cr.logdet(cr.tensor([[2.0, 0.0], [0.0, 8.0]]))
    tensor(2.7726)
    """
    sign, size = sign_and_log_determinant(square_matrices("logdet", A))
    return filled_where(size, sign == -1, float("nan"))


# --- The exponential ------------------------------------------------------------------------------


def _matrix_exp(x: Any) -> Any:
    from scipy.linalg import expm

    if not x.size:
        return x.copy()
    if x.dtype == np.float16:
        return expm(x.astype(np.float32)).astype(x.dtype)
    return np.asarray(expm(x), x.dtype)


def _frechet(x: Any, direction: Any) -> Any:
    """Return the upper right block of exp([[x, direction], [0, x]])."""
    n = x.shape[-1]
    shape = np.broadcast_shapes(x.shape, direction.shape)
    whole = np.zeros((*shape[:-2], 2 * n, 2 * n), np.result_type(x, direction))
    whole[..., :n, :n] = whole[..., n:, n:] = x
    whole[..., :n, n:] = direction
    return _matrix_exp(whole)[..., :n, n:]


def _frechet_gradient(g: Any, x: Any, direction: Any, x_shape: Any) -> Any:
    # The second derivative of the exponential, again as a block of a larger one.
    d = max(len(x_shape) - 1, 1)
    n = x_shape[d] if x_shape else 1
    zero = 0 * g

    def blocks(diagonal: Any, above: Any) -> Any:
        bounds = (0, n, 2 * n)
        rows = joined((diagonal, above), d, bounds), joined((zero, diagonal), d, bounds)
        return joined(rows, d - 1, bounds)

    return exp_along(blocks(x.mT, direction.mT), blocks(g, zero))[..., :n, n:]


exp_along: Operation = define(
    "matrix_exp_along",
    _frechet,
    x=_frechet_gradient,
    direction=lambda g, x: exp_along(x.mT, g),
    doc="""The derivative of the matrix exponential at x in a direction.

    Source: Al-Mohy and Higham, "Computing the Fréchet derivative of the matrix exponential, with
    an application to condition number estimation" (2009).
    """,
)
exponential: Operation = define(
    "matrix_exp",
    _matrix_exp,
    x=lambda g, x: exp_along(x.mT, g),
    doc="Exponential of square matrices.",
)


def matrix_exp(A: Tensor) -> Tensor:
    """Return the exponential of square matrices, Σ Aᵏ / k!.

    >>> import chainrule as cr
    >>> cr.linalg.matrix_exp(cr.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    floating("matrix_exp", A)
    _square("matrix_exp", A)
    return exponential(A)


def _square(name: str, A: Tensor) -> None:
    shape = A._array.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"linalg.{name}: The input tensor A must have at least 2 dimensions, got shape "
            f"{list(shape)}"
        )
    if shape[-1] != shape[-2]:
        raise RuntimeError(
            f"linalg.{name}: A must be batches of square matrices, but they are {shape[-2]} by "
            f"{shape[-1]} matrices"
        )


# --- Powers, ranks and Vandermonde's matrix -------------------------------------------------------


def matrix_power(A: Tensor, n: int) -> Tensor:
    """Return the n-th power of square matrices; of the inverse if n is negative.

    >>> import chainrule as cr
    >>> cr.linalg.matrix_power(cr.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    _square("matrix_power", A)
    if n == 0:
        identity = attach(np.eye(A._array.shape[-1], dtype=A._array.dtype), None)
        # The derivative is 0, which the graph knows.
        return (
            broadcast_to(identity, A._array.shape) + A * 0
            if A.requires_grad
            else (broadcast_to(identity, A._array.shape).clone())
        )
    if n < 0:
        A, n = solving.inv(A), -n
    result = None
    while True:
        if n & 1:
            result = A if result is None else product(result, A)
        n >>= 1
        if not n:
            assert result is not None
            return result.clone() if result is A else result
        A = product(A, A)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """Return how many singular values of each matrix exceed max(atol, rtol · the largest).

    Args:
        A: matrices of shape (..., m, n).
        tol: a threshold for the singular values, in place of the other two.
        hermitian: A is symmetric: its eigenvalues are taken, which is faster.
        atol: 0 if None.
        rtol: max(m, n) times the precision of the dtype if neither is given.

    >>> import chainrule as cr
    >>> cr.linalg.matrix_rank(cr.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    matrices("matrix_rank", A)
    x = A.detach()
    values = (
        decompositions.eigvalsh(square_matrices("matrix_rank", x)).abs()
        if hermitian
        else decompositions.svdvals(x)
    )._array
    if tol is not None:
        limit = np.asarray(getattr(tol, "_array", tol))[..., None]
    else:
        limit = threshold(A._array, values, atol, rtol)
    return attach(np.count_nonzero(values > limit, axis=-1, keepdims=True)[..., 0], None)


def threshold(x: Any, values: Any, atol: Any, rtol: Any) -> Any:
    """Return the limit below which singular values count as 0, with a last dimension of 1."""
    if rtol is None:
        rtol = max(x.shape[-2:]) * np.finfo(x.dtype).eps if atol is None else 0.0
    atol = 0.0 if atol is None else atol
    absolute, relative = (np.asarray(getattr(t, "_array", t))[..., None] for t in (atol, rtol))
    largest = np.maximum.reduce(values, axis=-1, keepdims=True, initial=0)
    return np.maximum(absolute, (relative * largest).astype(x.dtype))


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return Vandermonde's matrix of a vector: its powers as columns, the highest first.

    Args:
        x: a vector of n elements.
        N: how many columns; n if None.
        increasing: put the power 0 first.

    >>> import chainrule as cr
    >>> cr.vander(cr.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    if x._array.ndim != 1:
        raise RuntimeError(
            f"x must be a one-dimensional tensor: vander got shape {list(x._array.shape)}; "
            "linalg.vander takes stacks of vectors"
        )
    count = x._array.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError(f"N must be non-negative: vander got {count}")
    powers = _powers(x, count)
    if not powers:
        dtype = x._array.dtype if x._array.dtype.kind == "f" else np.int64
        return attach(np.zeros((*x._array.shape, 0), dtype), None)
    return stack(powers if increasing else powers[::-1], -1)


def vandermonde(x: Tensor, *, N: int | None = None) -> Tensor:
    """Return Vandermonde's matrices of vectors: (..., n) → (..., n, N), the power 0 first.

    >>> import chainrule as cr
    >>> cr.linalg.vander(cr.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    if x._array.dtype.kind == "b":
        raise RuntimeError(
            "linalg.vander supports floating point, complex, and integer tensors, but got Bool"
        )
    full_precision("vander", x)
    count = N if N is not None else x._array.shape[-1] if x._array.ndim else 1
    if count <= 1:
        raise RuntimeError(f"N must be greater than 1. linalg.vander got {count} columns")
    return stack(_powers(x, count), -1)


def _powers(x: Tensor, count: int) -> list[Tensor]:
    """Return the first powers of a tensor, as products: at 0 too they have every derivative."""
    if x._array.dtype.kind != "f":
        x = x.to(np.int64)
    powers = [attach(np.ones_like(x._array), None), x]
    while len(powers) < count:
        powers.append(times(powers[-1], x))
    return powers[:count]
