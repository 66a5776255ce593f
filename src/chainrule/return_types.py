"""Named results of the operations that return several tensors, as in `torch.return_types`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def _shown(result: type) -> Any:
    """Let a named tuple print a field a line, as PyTorch's do."""

    def represent(self: Any) -> str:
        fields = ",\n".join(f"{n}={v!r}" for n, v in zip(self._fields, self, strict=True))
        return f"chainrule.return_types.{type(self).__name__}(\n{fields})"

    result.__repr__ = represent  # type: ignore[assignment, method-assign]
    return result


@_shown
class max(NamedTuple):
    """The largest elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class min(NamedTuple):
    """The smallest elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class aminmax(NamedTuple):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor


@_shown
class median(NamedTuple):
    """The medians along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class nanmedian(NamedTuple):
    """The medians along a dimension without its NaNs, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class mode(NamedTuple):
    """The most frequent elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class kthvalue(NamedTuple):
    """The k-th smallest elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class cummax(NamedTuple):
    """The largest elements so far, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class cummin(NamedTuple):
    """The smallest elements so far, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class sort(NamedTuple):
    """The elements in order, and where they were."""

    values: Tensor
    indices: Tensor


@_shown
class topk(NamedTuple):
    """The k largest (or smallest) elements, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class frexp(NamedTuple):
    """Mantissas and exponents of powers of 2."""

    mantissa: Tensor
    exponent: Tensor


# --- Linear algebra -------------------------------------------------------------------------------


@_shown
class linalg_inv_ex(NamedTuple):
    """An inverse, and 0 or the first pivot that is 0 (counted from 1) per matrix."""

    inverse: Tensor
    info: Tensor


@_shown
class linalg_solve_ex(NamedTuple):
    """A solution, and 0 or the first pivot that is 0 (counted from 1) per matrix."""

    result: Tensor
    info: Tensor


@_shown
class linalg_eigh(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Tensor
    eigenvectors: Tensor


@_shown
class linalg_svd(NamedTuple):
    """Left singular vectors, singular values, right singular vectors as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


@_shown
class linalg_qr(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Tensor
    R: Tensor


@_shown
class linalg_cholesky_ex(NamedTuple):
    """A Cholesky factor, and 0 or the order of the first minor that is not positive."""

    L: Tensor
    info: Tensor


@_shown
class linalg_lu(NamedTuple):
    """Row exchanges as a matrix, a unit lower triangle, an upper triangle."""

    P: Tensor
    L: Tensor
    U: Tensor


@_shown
class linalg_lu_factor(NamedTuple):
    """Both triangles in one matrix, and the row exchanges, counted from 1."""

    LU: Tensor
    pivots: Tensor


@_shown
class linalg_lu_factor_ex(NamedTuple):
    """Both triangles in one matrix, the row exchanges, and 0 or the first pivot that is 0."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


@_shown
class linalg_slogdet(NamedTuple):
    """The sign of a determinant and the logarithm of its absolute value."""

    sign: Tensor
    logabsdet: Tensor


@_shown
class linalg_lstsq(NamedTuple):
    """A solution, its squared residuals, the rank and the singular values of the matrix."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


@_shown
class svd(NamedTuple):
    """Left singular vectors, singular values and right singular vectors, as columns."""

    U: Tensor
    S: Tensor
    V: Tensor


@_shown
class triangular_solve(NamedTuple):
    """A solution, and the matrix it was found with."""

    solution: Tensor
    cloned_coefficient: Tensor


@_shown
class qr(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Tensor
    R: Tensor


@_shown
class lu_unpack(NamedTuple):
    """Row exchanges as a matrix, a unit lower triangle, an upper triangle."""

    P: Tensor
    L: Tensor
    U: Tensor


@_shown
class histogram(NamedTuple):
    """What falls into each bin, and the edges of the bins."""

    hist: Tensor
    bin_edges: Tensor
