"""Convolution layers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from chainrule.nn import init
from chainrule.nn.functional.padding import pad
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.ops import convolution as functions
from chainrule.ops.creation import empty
from chainrule.tensor import Tensor

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
]

Sizes = int | Sequence[int]


def _each(value: Sizes, count: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, Sequence) else (operator.index(value),) * count


class _Convolution(Module):
    """What all convolution layers have: kernels, a bias, and how windows lie."""

    dims: ClassVar[int]
    transposed: ClassVar[bool] = False

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Parameter
    bias: Parameter | None

    def _set_up(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        output_padding: Sizes,
        dilation: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        if groups <= 0:
            raise ValueError(f"groups must be a positive integer, got {groups}")
        if in_channels % groups:
            raise ValueError(
                f"in_channels must be divisible by groups, got {in_channels} and {groups}"
            )
        if out_channels % groups:
            raise ValueError(
                f"out_channels must be divisible by groups, got {out_channels} and {groups}"
            )
        modes = ("zeros", "reflect", "replicate", "circular")
        if padding_mode not in modes:
            raise ValueError(
                f"padding_mode must be one of {set(modes)}, but got padding_mode='{padding_mode}'"
            )
        if self.transposed and padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, got '
                f"{padding_mode!r}"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = _each(kernel_size, self.dims)
        self.stride = _each(stride, self.dims)
        self.dilation = _each(dilation, self.dims)
        self.output_padding = _each(output_padding, self.dims)
        self.groups, self.padding_mode = groups, padding_mode
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {padding!r}, should be one of 'valid', 'same'"
                )
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(
                    "padding='same' is not supported for strided convolutions: give the padding "
                    "as numbers"
                )
            self.padding = padding
        else:
            self.padding = _each(padding, self.dims)
        first, second = in_channels, out_channels
        if not self.transposed:
            first, second = second, first
        shape = (first, second // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(empty((out_channels,), dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh parameters."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init.fans(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _border(self) -> tuple[int, ...]:
        """Return the padding as `pad` takes it, for a border other than zeros."""
        if self.padding == "valid":
            return (0,) * (2 * self.dims)
        border: list[int] = []
        for d in reversed(range(self.dims)):
            if self.padding == "same":
                whole = self.dilation[d] * (self.kernel_size[d] - 1)
                border += [whole // 2, whole - whole // 2]
            else:
                border += [int(self.padding[d])] * 2
        return tuple(border)

    def extra_repr(self) -> str:
        """Return the sizes, and what is not as usual."""
        usual = (0,) * self.dims
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if self.padding != usual:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.dims:
            text += f", dilation={self.dilation}"
        if self.output_padding != usual:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Forward(_Convolution):
    """A layer that convolves."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
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
        super().__init__()
        self._set_up(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            0,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the input convolved with the kernels, plus the bias."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = pad(input, self._border(), mode=self.padding_mode), 0
        convolve = type(self).function
        return convolve(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class _Transposed(_Convolution):
    """A layer that applies a transposed convolution."""

    transposed = True
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
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
        super().__init__()
        self._set_up(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution of the input with the kernels, plus the bias.

        Args:
            input: the maps.
            output_size: the size to make, where the stride leaves several open.
        """
        extra = self.output_padding
        if output_size is not None:
            extra = self._output_padding(input._array.shape, tuple(output_size))
        spread = type(self).function
        return spread(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )

    def _output_padding(self, shape: Sequence[int], size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output padding that leads to an output size."""
        n = self.dims
        if len(size) in (n + 1, n + 2) and len(size) == len(shape):
            size = size[-n:]
        if len(size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {len(shape)}D input, output_size must have {n} or "
                f"{len(shape)} elements (got {len(size)})"
            )
        padding: Any = self.padding
        smallest = [
            (m - 1) * s - 2 * p + d * (k - 1) + 1
            for m, s, p, d, k in zip(
                shape[-n:], self.stride, padding, self.dilation, self.kernel_size, strict=True
            )
        ]
        largest = [m + s - 1 for m, s in zip(smallest, self.stride, strict=True)]
        if any(not low <= m <= high for m, low, high in zip(size, smallest, largest, strict=True)):
            raise ValueError(
                f"requested an output size of {size}, but valid sizes range from {smallest} to "
                f"{largest} (for an input of {tuple(shape[2:])})"
            )
        return tuple(m - low for m, low in zip(size, smallest, strict=True))


class Conv1d(_Forward):
    """Convolve sequences (n, channels, L) with kernels that are learned.

    `Conv2d` describes the arguments.

    >>> import chainrule as cr
    >>> layer = cr.nn.Conv1d(3, 8, kernel_size=3, padding=1)
    >>> layer(cr.zeros(2, 3, 5)).shape
    chainrule.Size([2, 8, 5])
    """

    dims = 1
    function = staticmethod(functions.conv1d)


class Conv2d(_Forward):
    """Convolve images (n, channels, H, W) with kernels that are learned.

    Args:
        in_channels: the input's channels.
        out_channels: the output's, and how many kernels there are.
        kernel_size: an int, or one a dimension.
        stride: how far apart windows begin.
        padding: how much to put around the input; or ``"same"`` or ``"valid"``.
        dilation: how far apart the elements of a window are.
        groups: the channels are split into so many groups, each with kernels of its own.
        bias: whether a number per output channel is added.
        padding_mode: what to put there: ``"zeros"``, ``"reflect"``, ``"replicate"`` or
            ``"circular"``.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.

    Shapes: input (n, in_channels, H, W) or without n; weight (out_channels, in_channels / groups,
    *kernel_size), bias (out_channels). Both are drawn uniformly from ±1/√(in_channels / groups ·
    elements of a kernel). `chainrule.conv2d` gives the output's size.

    Raises:
        ValueError: if the groups do not divide the channels, or a padding is unknown.

    >>> import chainrule as cr
    >>> layer = cr.nn.Conv2d(3, 8, kernel_size=3, padding=1)
    >>> layer(cr.zeros(2, 3, 5, 5)).shape
    chainrule.Size([2, 8, 5, 5])
    """

    dims = 2
    function = staticmethod(functions.conv2d)


class Conv3d(_Forward):
    """Convolve volumes (n, channels, D, H, W) with kernels that are learned.

    `Conv2d` describes the arguments.

    >>> import chainrule as cr
    >>> layer = cr.nn.Conv3d(3, 8, kernel_size=3, padding=1)
    >>> layer(cr.zeros(2, 3, 5, 5, 5)).shape
    chainrule.Size([2, 8, 5, 5, 5])
    """

    dims = 3
    function = staticmethod(functions.conv3d)


class ConvTranspose1d(_Transposed):
    """Apply a transposed convolution to sequences (n, channels, L), with learned kernels.

    `ConvTranspose2d` describes the arguments.

    >>> import chainrule as cr
    >>> layer = cr.nn.ConvTranspose1d(3, 8, kernel_size=2, stride=2)
    >>> layer(cr.zeros(2, 3, 5)).shape
    chainrule.Size([2, 8, 10])
    """

    dims = 1
    transposed = True
    function = staticmethod(functions.conv_transpose1d)


class ConvTranspose2d(_Transposed):
    """Apply a transposed convolution to images (n, channels, H, W), with learned kernels.

    Args:
        in_channels: the input's channels.
        out_channels: the output's.
        kernel_size: an int, or one a dimension.
        stride: how far apart the windows of neighbouring elements begin.
        padding: how much to cut off around the output.
        output_padding: how much to add at its end.
        groups: the channels are split into so many groups, each with kernels of its own.
        bias: whether a number per output channel is added.
        dilation: how far apart the elements of a window are.
        padding_mode: only ``"zeros"``.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.

    Shapes: input (n, in_channels, H, W) or without n; weight (in_channels, out_channels / groups,
    *kernel_size), bias (out_channels). `chainrule.conv_transpose2d` gives the output's size.

    Raises:
        ValueError: if the groups do not divide the channels.

    >>> import chainrule as cr
    >>> layer = cr.nn.ConvTranspose2d(3, 8, kernel_size=2, stride=2)
    >>> layer(cr.zeros(2, 3, 5, 5)).shape
    chainrule.Size([2, 8, 10, 10])
    """

    dims = 2
    transposed = True
    function = staticmethod(functions.conv_transpose2d)


class ConvTranspose3d(_Transposed):
    """Apply a transposed convolution to volumes (n, channels, D, H, W), with learned kernels.

    `ConvTranspose2d` describes the arguments.

    >>> import chainrule as cr
    >>> layer = cr.nn.ConvTranspose3d(3, 8, kernel_size=2, stride=2)
    >>> layer(cr.zeros(2, 3, 5, 5, 5)).shape
    chainrule.Size([2, 8, 10, 10, 10])
    """

    dims = 3
    transposed = True
    function = staticmethod(functions.conv_transpose3d)
