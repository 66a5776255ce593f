"""Channels and pixels exchanged: rearrangements that networks for images use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.ops.shape import permuted, reshaped

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "channel_shuffle",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
]


def _check(name: str, shape: tuple[int, ...], what: str, factor: int) -> None:
    if len(shape) < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {len(shape)} "
            "dimension(s): (..., channels, H, W)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {what}, but got {factor}")


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Make every r² channels one, r times as high and wide.

    Shapes: (…, channels · r², H, W) → (…, channels, H · r, W · r), with r the upscale factor.

    Raises:
        RuntimeError: if the channels are not divisible by r².

    Source: W. Shi et al., "Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network", 2016.

    >>> import chainrule as cr
    >>> cr.pixel_shuffle(cr.arange(4.0).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    shape, r = input._array.shape, upscale_factor
    _check("pixel_shuffle", shape, "upscale_factor", r)
    *batch, channels, height, width = shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(batch)
    parts = reshaped(input, (*batch, channels // (r * r), r, r, height, width))
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return reshaped(permuted(parts, order), (*batch, channels // (r * r), height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Make every channel r², each of which has every r-th row and column; undoes `pixel_shuffle`.

    Shapes: (…, channels, H · r, W · r) → (…, channels · r², H, W), with r the downscale factor.

    Raises:
        RuntimeError: if the height or the width is not divisible by r.

    >>> import chainrule as cr
    >>> cr.pixel_unshuffle(cr.arange(4.0).reshape(1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    shape, r = input._array.shape, downscale_factor
    _check("pixel_unshuffle", shape, "downscale_factor", r)
    *batch, channels, height, width = shape
    for what, dim, size in (("height", -2, height), ("width", -1, width)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {what} to be divisible by downscale_factor, but "
                f"input.size({dim})={size} is not divisible by {r}"
            )
    n = len(batch)
    parts = reshaped(input, (*batch, channels, height // r, r, width // r, r))
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return reshaped(permuted(parts, order), (*batch, channels * r * r, height // r, width // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the channels of groups: the first of each, then the second of each, and so on.

    Shapes: (n, channels, *) → the same.

    Raises:
        RuntimeError: if the channels are not divisible by the groups.

    Source: X. Zhang et al., "ShuffleNet: an extremely efficient convolutional neural network for
    mobile devices", 2018.

    >>> import chainrule as cr
    >>> cr.channel_shuffle(cr.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    shape = input._array.shape
    if len(shape) <= 2:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}"
        )
    n, channels, *rest = shape
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} "
            "groups."
        )
    parts = reshaped(input, (n, groups, channels // groups, *rest))
    order = (0, 2, 1, *range(3, 3 + len(rest)))
    return reshaped(permuted(parts, order), shape)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Return `channel_shuffle`; PyTorch has a kernel under this name."""
    return channel_shuffle(input, groups)
