"""Bilinear maps: a number for each pair of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.ops.linear_algebra import matrix_product

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "bilinear",
]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x₁ᵀ A_k x₂ + b_k for every k: a layer with two inputs.

    Args:
        input1: x₁, of shape (…, in1).
        input2: x₂, of shape (…, in2), with the same leading sizes.
        weight: the matrices A, of shape (out, in1, in2).
        bias: b, of shape (out).

    Shapes: → (…, out).

    Raises:
        RuntimeError: if the shapes do not fit.

    >>> import chainrule as cr
    >>> A = cr.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    >>> cr.bilinear(cr.tensor([[1.0, 2.0]]), cr.tensor([[3.0, 4.0]]), A)
    tensor([[19.]])
    """
    a, b, w = input1._array.shape, input2._array.shape, weight._array.shape
    if len(a) != len(b):
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {len(a)} and {len(b)} (shapes "
            f"{list(a)} and {list(b)})"
        )
    if a[:-1] != b[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(a)} and {list(b)}"
        )
    if len(w) != 3 or a[-1:] != w[1:2] or b[-1:] != w[2:]:
        raise RuntimeError(
            f"bilinear(): input sizes do not match weight size: got inputs of shapes {list(a)} and "
            f"{list(b)} and a weight of shape {list(w)}; it takes (out, in1, in2)"
        )
    if bias is not None and bias._array.shape != w[:1]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {list(bias.shape)} but "
            f"expected {w[0]}"
        )
    out, in1, in2 = w
    rows = input1.reshape(-1, in1) if a[-1] else input1.reshape(0, in1)
    # All A_k x₂ in one product, then the inner products with x₁.
    turned = matrix_product(
        input2.reshape(len(rows._array), in2), weight.reshape(out * in1, in2).mT
    )
    y = (turned.reshape(len(rows._array), out, in1) * rows.unsqueeze(1)).sum(2)
    y = y.reshape(*a[:-1], out)
    return y if bias is None else y + bias
