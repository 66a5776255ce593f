"""Dropout as a module."""

from __future__ import annotations

from chainrule.nn.functional.dropout import check_probability, dropout
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "Dropout",
]


class Dropout(Module):
    """In training, set elements to 0 with probability ``p`` and divide the others by 1 − p.

    Args:
        p: the probability that an element is dropped.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> layer = cr.nn.Dropout(0.2)
    >>> layer
    Dropout(p=0.2, inplace=False)
    >>> layer.eval()(cr.ones(3))
    tensor([1., 1., 1.])
    """

    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements of the input, in training."""
        return dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"p={self.p}, inplace={self.inplace}"
