"""Activations made of straight pieces, as modules."""

from __future__ import annotations

from typing import Any

from chainrule.nn import init
from chainrule.nn.functional import activation as F
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.nn.smooth import _InPlace
from chainrule.ops.creation import empty
from chainrule.tensor import Tensor

__all__ = [
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "RReLU",
    "ReLU6",
    "Softshrink",
    "Threshold",
]


class Hardtanh(_InPlace):
    """Limit to [min_val, max_val].

    Args:
        min_val: the lower limit.
        max_val: the upper limit.
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.Hardtanh()(cr.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    min_val: float
    max_val: float

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        if min_val >= max_val:
            raise AssertionError(
                f"max_val must be larger than min_val: got min_val={min_val}, max_val={max_val}"
            )
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"min_val={self.min_val}, max_val={self.max_val}" + (
            ", inplace=True" if self.inplace else ""
        )


class ReLU6(Hardtanh):
    """Limit to [0, 6].

    Args:
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.ReLU6()(cr.tensor([-3.0, 8.0]))
    tensor([0., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return "inplace=True" if self.inplace else ""


class Hardsigmoid(_InPlace):
    """x/6 + 1/2 limited to [0, 1].

    Args:
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.Hardsigmoid()(cr.tensor([0.0, 9.0]))
    tensor([0.5000, 1.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        """Return nothing, as PyTorch's does."""
        return ""


class Hardswish(_InPlace):
    """x times (x/6 + 1/2 limited to [0, 1]).

    Args:
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.Hardswish()(cr.tensor([1.5, 9.0]))
    tensor([1.1250, 9.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        """Return nothing, as PyTorch's does."""
        return ""


class LeakyReLU(_InPlace):
    """x above 0 and a small slope times x below.

    Args:
        negative_slope: the slope.
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.LeakyReLU()(cr.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """

    negative_slope: float

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class RReLU(_InPlace):
    """x above 0 and a slope times x below: random in training, else the mean one.

    Args:
        lower: the smallest slope.
        upper: the largest slope.
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.RReLU(0.1, 0.3).eval()(cr.tensor([-1.0, 2.0]))
    tensor([-0.2000,  2.0000])
    """

    lower: float
    upper: float

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"lower={self.lower}, upper={self.upper}" + (
            ", inplace=True" if self.inplace else ""
        )


class Threshold(_InPlace):
    """x where it exceeds a threshold and a value elsewhere.

    Args:
        threshold: what has to be exceeded.
        value: what takes its place.
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.Threshold(1.0, -1.0)(cr.tensor([0.5, 2.0]))
    tensor([-1.,  2.])
    """

    threshold: float
    value: float

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"threshold={self.threshold}, value={self.value}" + (
            ", inplace=True" if self.inplace else ""
        )


class Hardshrink(Module):
    """x where it is outside [−λ, λ] and 0 inside.

    Args:
        lambd: λ.

    >>> import chainrule as cr
    >>> cr.nn.Hardshrink()(cr.tensor([-1.0, 0.2, 0.7]))
    tensor([-1.0000,  0.0000,  0.7000])
    """

    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return the settings."""
        return str(self.lambd)


class Softshrink(Module):
    """x moved towards 0 by λ, and 0 where it would pass it.

    Args:
        lambd: λ.

    >>> import chainrule as cr
    >>> cr.nn.Softshrink()(cr.tensor([-1.0, 0.2, 0.7]))
    tensor([-0.5000,  0.0000,  0.2000])
    """

    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return the settings."""
        return str(self.lambd)


class PReLU(Module):
    """x above 0 and a learned slope times x below.

    Args:
        num_parameters: 1, or the number of channels for a slope each.
        init: the slopes to start with.
        device: only ``"cpu"``.
        dtype: the slopes' dtype; the default dtype if None.

    >>> import chainrule as cr
    >>> cr.nn.PReLU()(cr.tensor([-1.0, 2.0])).detach()
    tensor([-0.2500,  2.0000])
    """

    num_parameters: int
    init: float
    weight: Parameter

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty((num_parameters,), dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Return the slopes to their first value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"num_parameters={self.num_parameters}"
