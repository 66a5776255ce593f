"""Layers between images and the columns of their windows."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.nn import functional
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "Fold",
    "Unfold",
]

Sizes = int | Sequence[int]


class Unfold(Module):
    """Return the windows of images as columns; `chainrule.nn.functional.unfold` says how.

    >>> import chainrule as cr
    >>> cr.nn.Unfold(2)(cr.zeros(1, 3, 4, 4)).shape
    chainrule.Size([1, 12, 9])
    """

    def __init__(
        self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return the columns."""
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Return how the windows lie."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Module):
    """Add columns back to the windows of images; `chainrule.nn.functional.fold` says how.

    >>> import chainrule as cr
    >>> cr.nn.Fold((4, 4), 2)(cr.zeros(1, 12, 9)).shape
    chainrule.Size([1, 3, 4, 4])
    """

    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return the images."""
        return functional.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        """Return the images' size and how the windows lie."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
