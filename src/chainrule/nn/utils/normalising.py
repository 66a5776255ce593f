"""Norms of weights: what the parametrizations and the older hooks compute."""

from __future__ import annotations

from typing import Any

from chainrule.modes import no_grad
from chainrule.nn import init
from chainrule.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from chainrule.tensor import Tensor


def norm_except_dim(weight: Tensor, dim: int) -> Tensor:
    """Return the norm over all dimensions but one, which are kept; over all for −1.

    >>> import chainrule as cr
    >>> norm_except_dim(cr.tensor([[3.0, 4.0], [0.0, 2.0]]), 0)
    tensor([[5.],
            [2.]])
    """
    if dim == -1:
        return (weight * weight).sum().sqrt()
    others = tuple(k for k in range(weight.dim()) if k != dim)
    squares = weight * weight
    return (squares.sum(others, keepdim=True) if others else squares).sqrt()


def of_length(direction: Tensor, length: Tensor, dim: int) -> Tensor:
    """Return g v / ‖v‖: the direction of v with the length g.

    Source: Salimans and Kingma, "Weight normalization", 2016.
    """
    return direction * (length / norm_except_dim(direction, dim))


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """Return a weight as a matrix with one of its dimensions as rows.

    >>> import chainrule as cr
    >>> as_matrix(cr.zeros(2, 3, 4), 1).shape
    chainrule.Size([3, 8])
    """
    if dim != 0:
        weight = weight.permute(dim, *(k for k in range(weight.dim()) if k != dim))
    return weight.reshape(weight.shape[0], -1)


def unit(x: Tensor, eps: float) -> Tensor:
    """Return a vector of length 1 in the direction of x; shorter where ‖x‖ < ε.

    >>> import chainrule as cr
    >>> unit(cr.tensor([3.0, 4.0]), 1e-12)
    tensor([0.6000, 0.8000])
    """
    return x / (x * x).sum().sqrt().clamp(min=eps)


def random_unit(like: Tensor, size: int, eps: float) -> Tensor:
    """Return a random vector of length 1."""
    with no_grad():
        return unit(init.normal_(like.detach().new_zeros(size)), eps)


def advance_right_then_left(matrix: Tensor, u: Any, v: Any, eps: float) -> None:
    """Take one step of the power iteration in place: v ← Wᵀ u / ‖…‖, u ← W v / ‖…‖."""
    with no_grad():
        v.copy_(unit(matrix.T @ u, eps))
        u.copy_(unit(matrix @ v, eps))


def advance_left_then_right(matrix: Tensor, u: Any, v: Any, eps: float) -> None:
    """Take one step of the power iteration in place: u ← W v / ‖…‖, v ← Wᵀ u / ‖…‖."""
    with no_grad():
        u.copy_(unit(matrix @ v, eps))
        v.copy_(unit(matrix.T @ u, eps))


def largest_singular_value(matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return uᵀ W v, with gradient to W; u and v are kept as they are now."""
    return u.clone() @ (matrix @ v.clone())


def transposed_convolution(module: Any) -> bool:
    """Return whether a module's weight has its outputs in the second dimension."""
    return isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d)
