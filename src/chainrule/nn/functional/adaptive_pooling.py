"""Pooling to a given size: adaptive windows, and fractional ones drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ops import random
from chainrule.ops.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_maximum,
    adaptive_mean,
    fractional_positions,
)
from chainrule.ops.pooling import taken
from chainrule.ops.pooling_arguments import check_maps, sizes_of
from chainrule.ops.shape import inserted, squeezed
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]

Size = int | Sequence[int | None] | None


def adaptive_avg_pool2d(input: Tensor, output_size: Size) -> Tensor:
    """Return means of images (n, channels, H, W), as many as are asked for.

    Args:
        input: the maps; n may be missing.
        output_size: the output's height and width, or one number for both; None is the input's.

    Position i of m means of n elements is that of elements ⌊i · n / m⌋ to ⌈(i + 1) · n / m⌉.

    Raises:
        RuntimeError: if the input has other dimensions, or nothing in it.

    >>> import chainrule as cr
    >>> cr.nn.functional.adaptive_avg_pool2d(cr.arange(6.0).reshape(1, 2, 3), (1, 2))
    tensor([[[2., 3.]]])
    """
    return adaptive_mean("adaptive_avg_pool2d", input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Size) -> Tensor:
    """Return means of volumes (n, channels, D, H, W), as many as are asked for.

    `adaptive_avg_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.functional.adaptive_avg_pool3d(cr.arange(8.0).reshape(1, 2, 2, 2), 1).item()
    3.5
    """
    return adaptive_mean("adaptive_avg_pool3d", input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """Return maxima of sequences (n, channels, L), as many as are asked for.

    `adaptive_max_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.functional.adaptive_max_pool1d(cr.tensor([[1.0, 3.0, 2.0]]), 2)
    tensor([[3., 3.]])
    """
    return adaptive_maximum("adaptive_max_pool1d", input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """Return maxima of images (n, channels, H, W), as many as are asked for.

    Args:
        input: the maps; n may be missing.
        output_size: the output's height and width, or one number for both; None is the input's.
        return_indices: return where the maxima are too, counted through the spatial dimensions.

    Windows are those of `adaptive_avg_pool2d`; the first of equal elements has the gradient.

    Raises:
        RuntimeError: if the input has other dimensions, or nothing in it.

    >>> import chainrule as cr
    >>> cr.nn.functional.adaptive_max_pool2d(cr.arange(6.0).reshape(1, 2, 3), (1, 2))
    tensor([[[4., 5.]]])
    """
    return adaptive_maximum("adaptive_max_pool2d", input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """Return maxima of volumes (n, channels, D, H, W), as many as are asked for.

    `adaptive_max_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.functional.adaptive_max_pool3d(cr.arange(8.0).reshape(1, 2, 2, 2), 1).item()
    7.0
    """
    return adaptive_maximum("adaptive_max_pool3d", input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Size, return_indices: bool = False
) -> Any:
    """Return what `adaptive_max_pool1d` does with ``return_indices=True``."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Size, return_indices: bool = False
) -> Any:
    """Return what `adaptive_max_pool2d` does with ``return_indices=True``."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Size, return_indices: bool = False
) -> Any:
    """Return what `adaptive_max_pool3d` does with ``return_indices=True``."""
    return adaptive_max_pool3d(input, output_size, True)


# --- Fractional -----------------------------------------------------------------------------------


def _fractional(
    name: str,
    input: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Tensor | None,
) -> Any:
    count = int(name[-2])
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    kernel = sizes_of(name, kernel_size, count, "kernel_size")
    shape = input._array.shape
    check_maps(name, shape, count)
    size = shape[-count:]
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, Sequence) else (output_ratio,) * count
        output_size = tuple(int(n * r) for n, r in zip(size, ratios))
    out = sizes_of(name, output_size, count, "output_size")
    for n, k, m in zip(size, kernel, out):
        # As in PyTorch, volumes must leave room for one window more.
        if m + k - 1 > (n - 1 if count == 3 else n):
            raise RuntimeError(
                f"{name}(): pool size {k} too large relative to input size {n}: {m} windows of it "
                f"need {m + k - 1} elements"
            )
    unbatched = len(shape) == count + 1
    if unbatched:
        input = inserted(input, (0,))
    x = input._array
    if samples is None:
        drawn = random.rand(*x.shape[:2], count, dtype=x.dtype)._array
    else:
        drawn = samples._array.reshape(*x.shape[:2], count)
    # PyTorch takes the samples of images in the order width, height.
    in_order = drawn[..., ::-1] if count == 2 else drawn
    index = fractional_positions(x, in_order, kernel, out)
    y = taken(input, index, count)
    where = attach(np.array(index), None)
    if unbatched:
        y, where = squeezed(y, (0,)), squeezed(where, (0,))
    return (y, where) if return_indices else y


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the largest element of windows of images whose places are drawn at random.

    Args:
        input: (n, channels, H, W), or without n.
        kernel_size: the size of a window; an int or a pair.
        output_size: how many windows there are a dimension.
        output_ratio: the same as a part of the input's size.
        return_indices: return where the maxima are too.

    Raises:
        ValueError: if neither a size nor a ratio is given.
        RuntimeError: if windows do not fit.

    Source: B. Graham, "Fractional max-pooling", 2014.

    >>> import chainrule as cr
    >>> x = cr.arange(25.0).reshape(1, 5, 5)
    >>> cr.nn.functional.fractional_max_pool2d(x, 2, output_size=3)[0, -1, -1]
    tensor(24.)
    """
    return _fractional(
        "fractional_max_pool2d",
        input,
        kernel_size,
        output_size,
        output_ratio,
        return_indices,
        _random_samples,
    )


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the largest element of windows of volumes whose places are drawn at random.

    `fractional_max_pool2d` describes the arguments.
    """
    return _fractional(
        "fractional_max_pool3d",
        input,
        kernel_size,
        output_size,
        output_ratio,
        return_indices,
        _random_samples,
    )


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return what `fractional_max_pool2d` does with ``return_indices=True``."""
    return fractional_max_pool2d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return what `fractional_max_pool3d` does with ``return_indices=True``."""
    return fractional_max_pool3d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
