"""Layers that change the shape only."""

from __future__ import annotations

from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "Flatten",
]


class Flatten(Module):
    """Join a range of dimensions into one: by default all but the first, the batch.

    Args:
        start_dim: the first dimension to join.
        end_dim: the last.

    >>> import chainrule as cr
    >>> cr.nn.Flatten()(cr.zeros(2, 3, 4)).shape
    chainrule.Size([2, 12])
    """

    start_dim: int
    end_dim: int

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the dimensions joined."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the range."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
