"""Smooth activations as modules."""

from __future__ import annotations

from chainrule.nn.functional import activation as F
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "LogSigmoid",
    "Mish",
    "SELU",
    "SiLU",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softsign",
    "Tanhshrink",
]


class _InPlace(Module):
    """An activation that may overwrite its input."""

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return ``inplace=True`` where it is."""
        return "inplace=True" if self.inplace else ""


class GELU(Module):
    """Gaussian error linear unit, x Φ(x).

    Args:
        approximate: ``"none"``, or ``"tanh"`` for the approximation by tanh.

    >>> import chainrule as cr
    >>> cr.nn.GELU()(cr.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    """

    approximate: str

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"approximate={self.approximate!r}"


class SiLU(_InPlace):
    """Sigmoid-weighted linear unit (swish), x σ(x).

    Args:
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.SiLU()(cr.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.silu(input, self.inplace)


class Mish(_InPlace):
    """Mish, x tanh(softplus(x)).

    Args:
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.Mish()(cr.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.mish(input, self.inplace)


class SELU(_InPlace):
    """Scaled exponential linear unit, which keeps mean 0 and variance 1.

    Args:
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.SELU()(cr.tensor([-1.0, 1.0]))
    tensor([-1.1113,  1.0507])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.selu(input, self.inplace)


class ELU(_InPlace):
    """Exponential linear unit: x above 0 and α (exp(x) − 1) below.

    Args:
        alpha: α.
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.ELU()(cr.tensor([-1.0, 1.0]))
    tensor([-0.6321,  1.0000])
    """

    alpha: float

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(_InPlace):
    """Exponential linear unit without a kink: x above 0 and α (exp(x/α) − 1) below.

    Args:
        alpha: α.
        inplace: overwrite the input instead of making a new tensor.

    >>> import chainrule as cr
    >>> cr.nn.CELU()(cr.tensor([-1.0, 1.0]))
    tensor([-0.6321,  1.0000])
    """

    alpha: float

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class Softplus(Module):
    """Softplus, log(1 + exp(βx)) / β, and x itself where βx exceeds the threshold.

    Args:
        beta: β.
        threshold: where it becomes linear.

    >>> import chainrule as cr
    >>> cr.nn.Softplus()(cr.tensor([0.0]))
    tensor([0.6931])
    """

    beta: float
    threshold: float

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    """Logarithm of the sigmoid, without overflow.

    >>> import chainrule as cr
    >>> cr.nn.LogSigmoid()(cr.tensor([0.0]))
    tensor([-0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|).

    >>> import chainrule as cr
    >>> cr.nn.Softsign()(cr.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x − tanh(x).

    >>> import chainrule as cr
    >>> cr.nn.Tanhshrink()(cr.tensor([1.0]))
    tensor([0.2384])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.tanhshrink(input)


class GLU(Module):
    """Gated linear unit a σ(b), with a and b the halves of the input.

    Args:
        dim: the dimension that is split.

    >>> import chainrule as cr
    >>> cr.nn.GLU()(cr.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """

    dim: int

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"dim={self.dim}"


class Softmin(Module):
    """Softmax of −x along a dimension.

    Args:
        dim: the dimension that sums to 1.

    >>> import chainrule as cr
    >>> cr.nn.Softmin(dim=0)(cr.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """

    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"dim={self.dim!r}"


class Softmax2d(Module):
    """Softmax over the channels of images, at every place.

    >>> import chainrule as cr
    >>> cr.nn.Softmax2d()(cr.zeros(2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of the input."""
        if input._array.ndim not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input._array.ndim}D instead"
            )
        return F.softmax(input, -3)
