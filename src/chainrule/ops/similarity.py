"""How far vectors are from one another: distances and angles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.indexing import advanced_item
from chainrule.ops.matrix_norms import vector_norm
from chainrule.ops.shape import normal_dim
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainrule.tensor import Tensor

__all__ = [
    "cosine_similarity",
    "pairwise_distance",
    "pdist",
]


def _write_at_least(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    head = "max" if style.which == "text" else r"\max"
    limit, _ = style.number(o["limit"])
    inner = f"{o['x']}, {limit}"
    return f"{head}{style.parentheses(inner)}", LEVELS["atom"]


at_least: Operation = define(
    "at_least",
    np.maximum,
    inputs=("x",),
    params=("limit",),
    x=lambda g: g,
    notation=Notation(custom=_write_at_least),
    doc="""The larger of a value and a limit, with the gradient of the value everywhere.

    PyTorch limits the norms of `cosine_similarity` and the variances of `gaussian_nll_loss` so.
    """,
)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """Return the p-norms of the differences of two tensors' rows, which broadcast.

    Args:
        x1: (…, D).
        x2: (…, D).
        p: the exponent of the norm.
        eps: what is added to each difference, so that no distance is 0.
        keepdim: keep the last dimension with size 1.

    >>> import chainrule as cr
    >>> cr.pairwise_distance(cr.tensor([[0.0, 0.0]]), cr.tensor([[3.0, 4.0]]))
    tensor([5.0000])
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosines of the angles between vectors: x₁ · x₂ / (‖x₁‖ ‖x₂‖).

    Args:
        x1: vectors along ``dim``; the two broadcast.
        x2: vectors along ``dim``.
        dim: the dimension of the vectors.
        eps: the smallest norm to divide by.

    Raises:
        RuntimeError: for integers.

    >>> import chainrule as cr
    >>> cr.cosine_similarity(cr.tensor([[1.0, 0.0]]), cr.tensor([[1.0, 1.0]]))
    tensor([0.7071])
    """
    kind = np.result_type(x1._array.dtype, x2._array.dtype)
    if kind.kind != "f":
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {kind}: "
            "cosine_similarity needs floats; convert with .float()"
        )
    d = normal_dim("cosine_similarity", dim, max(x1._array.ndim, x2._array.ndim))
    last = d - max(x1._array.ndim, x2._array.ndim)
    first, second = (_unit_vectors(x, last, eps, kind) for x in (x1, x2))
    return (first * second).sum(last)


def _unit_vectors(x: Tensor, dim: int, eps: float, kind: Any) -> Tensor:
    if x._array.dtype != kind:
        x = x.to(kind)
    return x / at_least(vector_norm(x, 2, dim, keepdim=True), eps)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """Return the distances between all pairs of rows: of 0 and 1, 0 and 2, …, 1 and 2, ….

    Args:
        input: (N, D).
        p: the exponent of the norm.

    Shapes: (N, D) → (N (N − 1) / 2).

    Raises:
        RuntimeError: unless the input is a matrix of floats and p is not negative.

    >>> import chainrule as cr
    >>> cr.pdist(cr.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    x = input._array
    if x.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {x.ndim}D; stack the vectors")
    if x.dtype.kind != "f":
        raise RuntimeError(f"pdist only supports floating-point dtypes, got {x.dtype}")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    i, j = np.triu_indices(len(x), 1)
    return vector_norm(advanced_item(input, i) - advanced_item(input, j), p, 1)
