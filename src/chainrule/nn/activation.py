"""Activations as modules."""

from __future__ import annotations

from chainrule.nn.functional.activation import log_softmax, softmax
from chainrule.nn.module import Module
from chainrule.ops.exponential import relu, sigmoid, tanh
from chainrule.tensor import Tensor

__all__ = [
    "LogSoftmax",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]


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


class Tanh(Module):
    """Hyperbolic tangent, element by element.

    >>> import chainrule as cr
    >>> cr.nn.Tanh()(cr.tensor([0.0]))
    tensor([0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return tanh(input)."""
        return tanh(input)


class _AlongDim(Module):
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """Exponentials divided by their sum along a dimension.

    Args:
        dim: the dimension that sums to 1.

    >>> import chainrule as cr
    >>> cr.nn.Softmax(dim=0)(cr.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the softmax of the input."""
        return softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """Logarithm of the softmax along a dimension.

    Args:
        dim: the dimension whose exponentials sum to 1.

    >>> import chainrule as cr
    >>> cr.nn.LogSoftmax(dim=0)(cr.tensor([0.0, 0.0]))
    tensor([-0.6931, -0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the logarithm of the softmax of the input."""
        return log_softmax(input, self.dim, _stacklevel=5)
