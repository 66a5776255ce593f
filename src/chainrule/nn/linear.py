"""Layers with a matrix: the affine map."""

from __future__ import annotations

import math
from typing import Any

from chainrule.nn import init
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.ops.bilinear_maps import bilinear
from chainrule.ops.creation import empty
from chainrule.ops.linear_algebra import linear
from chainrule.tensor import Tensor

__all__ = [
    "Bilinear",
    "Identity",
    "Linear",
]


class Identity(Module):
    """Return the input; a placeholder. Arguments are accepted and have no effect.

    >>> import chainrule as cr
    >>> cr.nn.Identity(54)(cr.tensor([1.0]))
    tensor([1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return input


class Linear(Module):
    """The affine map of a layer, y = x Wᵀ + b.

    Args:
        in_features: the size of each input row.
        out_features: the size of each output row.
        bias: whether there is a b.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.

    Shapes: input (…, in_features) → (…, out_features); weight (out_features, in_features), bias
    (out_features). Both are drawn uniformly from ±1/√in_features.

    >>> import chainrule as cr
    >>> layer = cr.nn.Linear(3, 4)
    >>> layer
    Linear(in_features=3, out_features=4, bias=True)
    >>> layer(cr.zeros(2, 3)).shape
    chainrule.Size([2, 4])
    """

    in_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty((out_features, in_features), dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(empty((out_features,), dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh parameters."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init.fans(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return ``input @ weight.T + bias``."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(Module):
    """The bilinear map of a layer with two inputs, y_k = x₁ᵀ A_k x₂ + b_k.

    Args:
        in1_features: the size of each row of the first input.
        in2_features: the size of each row of the second.
        out_features: the size of each output row.
        bias: whether there is a b.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.

    Shapes: (…, in1_features) and (…, in2_features) → (…, out_features); weight (out, in1, in2),
    bias (out). Both are drawn uniformly from ±1/√in1_features.

    >>> import chainrule as cr
    >>> cr.nn.Bilinear(2, 3, 4)(cr.zeros(5, 2), cr.zeros(5, 3)).shape
    chainrule.Size([5, 4])
    """

    in1_features: int
    in2_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features} (Bilinear)")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(empty(shape, dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(empty((out_features,), dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh parameters."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Return the bilinear map of the inputs."""
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
