"""Pooling layers; `chainrule.nn.functional` describes what they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from chainrule.nn.functional import pooling, unpooling
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
]

Sizes = int | Sequence[int]


def _each(value: Sizes, count: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,) * count


# --- Maxima ---------------------------------------------------------------------------------------


class _MaxPool(Module):
    """The largest element of every window."""

    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, with where they are if asked for."""
        pool = type(self).function
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )

    def extra_repr(self) -> str:
        """Return how the windows lie."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class _MaxUnpool(Module):
    """Maxima put back where they were."""

    dims: ClassVar[int]
    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size = _each(kernel_size, self.dims)
        self.stride = _each(stride if stride is not None else kernel_size, self.dims)
        self.padding = _each(padding, self.dims)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """Return the maxima at their places, zeros elsewhere."""
        unpool = type(self).function
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Return how the windows lay."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool1d(_MaxPool):
    """Return the largest element of every window of sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.MaxPool1d(2)(cr.zeros(1, 3, 5)).shape
    chainrule.Size([1, 3, 2])
    """

    function = staticmethod(pooling.max_pool1d)


class MaxPool2d(_MaxPool):
    """Return the largest element of every window of images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.MaxPool2d(2)(cr.zeros(1, 3, 4, 4)).shape
    chainrule.Size([1, 3, 2, 2])
    """

    function = staticmethod(pooling.max_pool2d)


class MaxPool3d(_MaxPool):
    """Return the largest element of every window of volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.MaxPool3d(2)(cr.zeros(1, 3, 4, 4, 4)).shape
    chainrule.Size([1, 3, 2, 2, 2])
    """

    function = staticmethod(pooling.max_pool3d)


class MaxUnpool1d(_MaxUnpool):
    """Put the maxima of sequences (n, channels, L) back where they were, zeros elsewhere.

    >>> import chainrule as cr
    >>> x = cr.ones(1, 1, 4)
    >>> maxima, indices = cr.nn.MaxPool1d(2, return_indices=True)(x)
    >>> cr.nn.MaxUnpool1d(2)(maxima, indices).shape
    chainrule.Size([1, 1, 4])
    """

    dims = 1
    function = staticmethod(unpooling.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Put the maxima of images (n, channels, H, W) back where they were, zeros elsewhere.

    >>> import chainrule as cr
    >>> x = cr.ones(1, 1, 4, 4)
    >>> maxima, indices = cr.nn.MaxPool2d(2, return_indices=True)(x)
    >>> cr.nn.MaxUnpool2d(2)(maxima, indices).shape
    chainrule.Size([1, 1, 4, 4])
    """

    dims = 2
    function = staticmethod(unpooling.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Put the maxima of volumes (n, channels, D, H, W) back where they were, zeros elsewhere.

    >>> import chainrule as cr
    >>> x = cr.ones(1, 1, 4, 4, 4)
    >>> maxima, indices = cr.nn.MaxPool3d(2, return_indices=True)(x)
    >>> cr.nn.MaxUnpool3d(2)(maxima, indices).shape
    chainrule.Size([1, 1, 4, 4, 4])
    """

    dims = 3
    function = staticmethod(unpooling.max_unpool3d)


# --- Means ----------------------------------------------------------------------------------------


class AvgPool1d(Module):
    """Return the mean of every window of sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.AvgPool1d(2)(cr.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _each(kernel_size, 1)
        self.stride = _each(stride if stride is not None else kernel_size, 1)
        self.padding = _each(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return pooling.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )

    def extra_repr(self) -> str:
        """Return how the windows lie."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """The mean of every window."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        pool = type(self).function
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """Return how the windows lie."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """Return the mean of every window of images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.AvgPool2d(2)(cr.zeros(1, 3, 4, 4)).shape
    chainrule.Size([1, 3, 2, 2])
    """

    function = staticmethod(pooling.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Return the mean of every window of volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.AvgPool3d(2)(cr.zeros(1, 3, 4, 4, 4)).shape
    chainrule.Size([1, 3, 2, 2, 2])
    """

    function = staticmethod(pooling.avg_pool3d)


class _LPPool(Module):
    """(Σ xᵖ)^(1/p) over every window."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Return the norms of the windows."""
        pool = type(self).function
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """Return p and how the windows lie."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """Return (Σ xᵖ)^(1/p) over every window of sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.LPPool1d(2, 2)(cr.ones(1, 3, 4)).shape
    chainrule.Size([1, 3, 2])
    """

    function = staticmethod(unpooling.lp_pool1d)


class LPPool2d(_LPPool):
    """Return (Σ xᵖ)^(1/p) over every window of images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.LPPool2d(2, 2)(cr.ones(1, 3, 4, 4)).shape
    chainrule.Size([1, 3, 2, 2])
    """

    function = staticmethod(unpooling.lp_pool2d)


class LPPool3d(_LPPool):
    """Return (Σ xᵖ)^(1/p) over every window of volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.LPPool3d(2, 2)(cr.ones(1, 3, 4, 4, 4)).shape
    chainrule.Size([1, 3, 2, 2, 2])
    """

    function = staticmethod(unpooling.lp_pool3d)
