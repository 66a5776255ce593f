"""Convolution layers that learn the number of input channels from the first input."""

from __future__ import annotations

from typing import Any

from chainrule.nn import conv
from chainrule.nn.conv import Sizes
from chainrule.nn.lazy import LazyModuleMixin
from chainrule.nn.parameter import UninitializedParameter, is_lazy

__all__ = [
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]


class _LazyConvolution(LazyModuleMixin, conv._Convolution):
    """What they have in common: kernels whose shape is not known yet."""

    def _begin(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw fresh parameters, once there are any."""
        if self.in_channels != 0 and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        """Take the number of channels of an input, with or without a batch dimension.

        Raises:
            RuntimeError: if the input has not the right number of dimensions.
            ValueError: if the groups do not divide its channels.
        """
        if not self.has_uninitialized_params():
            return
        alone = self.dims + 1
        if input.dim() not in (alone, alone + 1):
            raise RuntimeError(
                f"Expected {alone}D (unbatched) or {alone + 1}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {input.shape}"
            )
        self.in_channels = input.shape[-alone]
        if self.in_channels % self.groups:
            raise ValueError(
                f"in_channels must be divisible by groups, got {self.in_channels} and {self.groups}"
            )
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        shapes = {
            "weight": (first, second // self.groups, *self.kernel_size),
            "bias": (self.out_channels,),
        }
        for name, shape in shapes.items():
            if is_lazy(self.__dict__[name]):
                self.__dict__[name].materialize(shape)
        self.reset_parameters()


class _Forward(_LazyConvolution):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype
        )
        self._begin(out_channels, bias, device, dtype)


class _Transposed(_LazyConvolution):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0,
            0,
            kernel_size,
            stride,
            padding,
            output_padding,
            groups,
            False,
            dilation,
            padding_mode,
            device,
            dtype,
        )
        self._begin(out_channels, bias, device, dtype)


class LazyConv1d(_Forward, conv.Conv1d):
    """`Conv1d` with the number of channels of its first input."""

    cls_to_become = conv.Conv1d


class LazyConv2d(_Forward, conv.Conv2d):
    """`Conv2d` with the number of channels of its first input.

    >>> import chainrule as cr
    >>> layer = cr.nn.LazyConv2d(8, kernel_size=3)
    >>> layer(cr.zeros(2, 3, 5, 5)).shape
    chainrule.Size([2, 8, 3, 3])
    >>> type(layer).__name__, layer.in_channels
    ('Conv2d', 3)
    """

    cls_to_become = conv.Conv2d


class LazyConv3d(_Forward, conv.Conv3d):
    """`Conv3d` with the number of channels of its first input."""

    cls_to_become = conv.Conv3d


class LazyConvTranspose1d(_Transposed, conv.ConvTranspose1d):
    """`ConvTranspose1d` with the number of channels of its first input."""

    cls_to_become = conv.ConvTranspose1d


class LazyConvTranspose2d(_Transposed, conv.ConvTranspose2d):
    """`ConvTranspose2d` with the number of channels of its first input."""

    cls_to_become = conv.ConvTranspose2d


class LazyConvTranspose3d(_Transposed, conv.ConvTranspose3d):
    """`ConvTranspose3d` with the number of channels of its first input."""

    cls_to_become = conv.ConvTranspose3d
