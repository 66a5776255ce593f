"""Norms of any order, the distance they measure, and slices scaled to a bounded norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.comparison import select_where
from chainrule.ops.matrix_norms import matrix_norm, vector_norm
from chainrule.ops.shape import normal_dim
from chainrule.ops.spelling import numpy_names

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "dist",
    "norm",
    "renorm",
]


@numpy_names
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return the norm of all elements, or over dimensions: (Σ |x|^p)^(1/p).

    Where it has no derivative (at the origin) its gradient is 0, as in PyTorch; equal largest
    elements share the gradient of the maximum norm.

    Args:
        input: any shape, of a floating dtype.
        p: the order: a number; ``inf`` or ``-inf`` for the largest or smallest magnitude; 0 for the
            number of elements that are not 0; ``"fro"`` (or None) for the square root of the sum
            of squares; ``"nuc"`` for the sum of a matrix's singular values.
        dim: a dimension or several; None for all. Two for ``"nuc"``.
        keepdim: keep the reduced dimensions with size 1.
        dtype: convert to it first.

    >>> import chainrule as cr
    >>> cr.norm(cr.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if p == "nuc":
        both = tuple(range(input._array.ndim)) if dim is None else dim
        both = both if isinstance(both, Sequence) else (both,)
        return matrix_norm(input, "nuc", both, keepdim, dtype=dtype)
    if p == "fro":
        if isinstance(dim, Sequence) and len(dim) > 2:
            raise RuntimeError(
                f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}; p=2 is the norm over any "
                "number of dimensions"
            )
    elif isinstance(p, str):
        raise RuntimeError(
            f"linalg.matrix_norm: Order {p} not supported: norm takes a number, 'fro' or 'nuc'"
        )
    order = 2.0 if p is None or p == "fro" else float(p)
    return vector_norm(input, order, dim, keepdim, dtype=dtype)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the norm of order p of the difference of two tensors, which broadcast.

    >>> import chainrule as cr
    >>> cr.dist(cr.tensor([1.0, 2.0]), cr.tensor([4.0, 6.0]))
    tensor(5.)
    """
    if not hasattr(other, "_array"):
        raise TypeError(
            f"dist(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}"
        )
    return vector_norm(input - other, float(p))


def renorm(input: Tensor, p: float | str, dim: int, maxnorm: float) -> Tensor:
    """Scale down each slice along a dimension whose norm is larger than a bound.

    A slice is ``input[i]`` for ``dim=0``. One that is too long is multiplied by
    ``maxnorm / (norm + 1e-7)``.

    >>> import chainrule as cr
    >>> cr.renorm(cr.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    x = input._array
    if isinstance(p, str):
        raise TypeError("renorm(): argument 'p' (position 2) must be Number, not str")
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, got p={p}")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if x.ndim < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {x.ndim} dimensions; unsqueeze it"
        )
    d = normal_dim("renorm", dim, x.ndim)
    others = tuple(k for k in range(x.ndim) if k != d)
    half = x.dtype == np.float16
    wide = input.to(dtypes.float32) if half else input
    norms = vector_norm(wide, float(p), others, True)
    factors = select_where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)
    return input * (factors.to(x.dtype) if half else factors)
