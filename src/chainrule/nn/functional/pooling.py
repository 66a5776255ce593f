"""Pooling as functions of maps (n, channels, *spatial), or of one sample without n."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.ops.pooling import avg_pool1d as avg_pool1d
from chainrule.ops.pooling import largest_of_windows, means_of_windows

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
]


def max_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of sequences (n, channels, L).

    `max_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> values, indices = cr.nn.functional.max_pool1d(
    ...     cr.tensor([[1.0, 3.0, 2.0, 0.0]]), 2, return_indices=True
    ... )
    >>> indices
    tensor([[1, 2]])
    """
    return largest_of_windows(
        "max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return what `max_pool1d` does with ``return_indices=True``."""
    found: tuple[Tensor, Tensor] = max_pool1d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return found


def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of images (n, channels, H, W).

    Args:
        input: the maps.
        kernel_size: the size of a window; an int, or one a dimension.
        stride: how far apart windows begin; the kernel's size if None.
        padding: how many elements −∞ to put around the input, at most half a window.
        dilation: how far apart the elements of a window are.
        ceil_mode: also take a last window that does not fit.
        return_indices: return where the maxima are too, counted through the spatial dimensions.

    The first of equal elements has the gradient.

    Raises:
        RuntimeError: if shapes or parameters do not fit.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0, 2.0, 0.0, 5.0], [4.0, 3.0, 6.0, 0.0]]])
    >>> cr.nn.functional.max_pool2d(x, 2)
    tensor([[[4., 6.]]])
    """
    return largest_of_windows(
        "max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return what `max_pool2d` does with ``return_indices=True``."""
    found: tuple[Tensor, Tensor] = max_pool2d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return found


def max_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of volumes (n, channels, D, H, W).

    `max_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.functional.max_pool3d(cr.arange(8.0).reshape(1, 1, 2, 2, 2), 2).item()
    7.0
    """
    return largest_of_windows(
        "max_pool3d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return what `max_pool3d` does with ``return_indices=True``."""
    found: tuple[Tensor, Tensor] = max_pool3d(
        input, kernel_size, stride, padding, dilation, ceil_mode, True
    )
    return found


def avg_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of every window of images (n, channels, H, W).

    Args:
        input: the maps.
        kernel_size: the size of a window; an int, or one a dimension.
        stride: how far apart windows begin; the kernel's size if None.
        padding: how many zeros to put around the input, at most half a window.
        ceil_mode: also take a last window that does not fit.
        count_include_pad: count the zeros of the padding as elements.
        divisor_override: divide sums by it, and not by the number of elements.

    Raises:
        RuntimeError: if shapes or parameters do not fit.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0, 2.0, 0.0, 5.0], [4.0, 3.0, 6.0, 1.0]]])
    >>> cr.nn.functional.avg_pool2d(x, 2)
    tensor([[[2.5000, 3.0000]]])
    """
    return means_of_windows(
        "avg_pool2d",
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of every window of volumes (n, channels, D, H, W).

    `avg_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.functional.avg_pool3d(cr.arange(8.0).reshape(1, 1, 2, 2, 2), 2).item()
    3.5
    """
    return means_of_windows(
        "avg_pool3d",
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )
