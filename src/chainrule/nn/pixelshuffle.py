"""Layers that exchange channels and pixels."""

from __future__ import annotations

from chainrule.nn.module import Module
from chainrule.ops import shuffling
from chainrule.tensor import Tensor

__all__ = [
    "ChannelShuffle",
    "PixelShuffle",
    "PixelUnshuffle",
]


class PixelShuffle(Module):
    """Make every r² channels one, r times as high and wide.

    >>> import chainrule as cr
    >>> cr.nn.PixelShuffle(2)(cr.zeros(1, 8, 3, 3)).shape
    chainrule.Size([1, 2, 6, 6])
    """

    upscale_factor: int

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels turned into pixels."""
        return shuffling.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """Return the factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Make every channel r², each of which has every r-th row and column.

    >>> import chainrule as cr
    >>> cr.nn.PixelUnshuffle(2)(cr.zeros(1, 2, 6, 6)).shape
    chainrule.Size([1, 8, 3, 3])
    """

    downscale_factor: int

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with pixels turned into channels."""
        return shuffling.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """Return the factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Interleave the channels of groups.

    >>> import chainrule as cr
    >>> cr.nn.ChannelShuffle(2)(cr.arange(4.0).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    groups: int

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with its channels interleaved."""
        return shuffling.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """Return the number of groups."""
        return f"groups={self.groups}"
