"""Activations as modules."""

from __future__ import annotations

from chainrule.nn.module import Module
from chainrule.ops.exponential import relu, sigmoid
from chainrule.tensor import Tensor


class ReLU(Module):
    """Rectified linear unit, max(x, 0), element by element.

    Args:
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.ReLU()(cr.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return max(input, 0)."""
        return input.relu_() if self.inplace else relu(input)

    def extra_repr(self) -> str:
        """Return ``inplace=True`` where it is."""
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """Logistic sigmoid, 1 / (1 + exp(−x)), element by element.

    >>> import chainrule as cr
    >>> cr.nn.Sigmoid()(cr.tensor([0.0]))
    tensor([0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return σ(input)."""
        return sigmoid(input)
