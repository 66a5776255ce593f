"""Normalisation of layers, groups and neighbouring channels as modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.nn import init
from chainrule.nn.functional.normalization import (
    group_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.ops.creation import empty
from chainrule.tensor import Tensor

__all__ = [
    "GroupNorm",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class _Affine(Module):
    """A normalisation with a weight and a bias."""

    weight: Parameter | None
    bias: Parameter | None

    def _add_affine(
        self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            value = Parameter(empty(shape, dtype=dtype, device=device)) if wanted else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Return the weight to 1 and the bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(normalized_shape, Sequence):
        return tuple(normalized_shape)
    return (int(normalized_shape),)


class LayerNorm(_Affine):
    """Layer normalisation: the features of each sample standardised, scaled and shifted.

    Args:
        normalized_shape: the sizes of the trailing dimensions that are standardised together.
        eps: what is added to the variance.
        elementwise_affine: whether there are a weight and a bias.
        bias: whether there is a bias, if ``elementwise_affine``.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.

    Shapes: (…, *normalized_shape), the same out.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    >>> import chainrule as cr
    >>> cr.nn.LayerNorm(3)(cr.tensor([[1.0, 2.0, 3.0]])).detach()
    tensor([[-1.2247,  0.0000,  1.2247]])
    """

    normalized_shape: tuple[int, ...]
    eps: float
    elementwise_affine: bool

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        affine = elementwise_affine
        self._add_affine(self.normalized_shape, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """The features of each sample divided by their root mean square, and scaled.

    Args:
        normalized_shape: the sizes of the trailing dimensions that are scaled together.
        eps: what is added to the mean square; the dtype's machine epsilon if None.
        elementwise_affine: whether there is a weight.
        device: only ``"cpu"``.
        dtype: the weight's dtype; the default dtype if None.

    Shapes: (…, *normalized_shape), the same out.

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.

    >>> import chainrule as cr
    >>> cr.nn.RMSNorm(2)(cr.tensor([[3.0, 4.0]])).detach()
    tensor([[0.8485, 1.1314]])
    """

    normalized_shape: tuple[int, ...]
    eps: float | None
    elementwise_affine: bool

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        value = empty(self.normalized_shape, dtype=dtype, device=device)
        self.register_parameter("weight", Parameter(value) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Return the weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(_Affine):
    """Group normalisation: groups of channels standardised, each channel scaled and shifted.

    Args:
        num_groups: how many groups the channels are divided into.
        num_channels: the number of channels, C.
        eps: what is added to the variance.
        affine: whether there are a weight and a bias.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.
        bias: whether there is a bias, if ``affine``.

    Shapes: (N, C, …), the same out.

    Source: Wu and He, "Group normalization", 2018.

    >>> import chainrule as cr
    >>> cr.nn.GroupNorm(1, 2, affine=False)(cr.tensor([[1.0, 3.0]]))
    tensor([[-1.0000,  1.0000]])
    """

    num_groups: int
    num_channels: int
    eps: float
    affine: bool

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels must be divisible by num_groups: GroupNorm got {num_channels} and "
                f"{num_groups}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._add_affine((num_channels,), affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """The input divided by a power of its mean square over neighbouring channels.

    Args:
        size: how many channels are neighbours.
        alpha: the factor of the mean square.
        beta: the exponent.
        k: the summand.

    Shapes: (N, C, …), the same out.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional
    neural networks", 2012.

    >>> import chainrule as cr
    >>> cr.nn.LocalResponseNorm(1, alpha=1.0, beta=1.0)(cr.ones(1, 1, 1))
    tensor([[[0.5000]]])
    """

    size: int
    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        return local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
