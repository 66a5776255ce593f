"""Pooling of powers, and maxima put back where they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.ops.arithmetic import abs, power, sign
from chainrule.ops.exponential import relu
from chainrule.ops.pooling import max_unpool, means_of_windows
from chainrule.ops.pooling_arguments import sizes_of
from chainrule.ops.shape import inserted, squeezed

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


def _power_mean(
    count: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    kernel = sizes_of(f"lp_pool{count}d", kernel_size, count, "kernel_size")
    mean = means_of_windows(
        f"avg_pool{count}d", power(input, norm_type), kernel, stride, 0, ceil_mode, True
    )
    total = (sign(mean) * relu(abs(mean))) * math.prod(kernel)
    return power(total, 1.0 / norm_type)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Return (Σ xᵖ)^(1/p) over every window of sequences (n, channels, L).

    `lp_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.functional.lp_pool1d(cr.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    return _power_mean(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Return (Σ xᵖ)^(1/p) over every window of images (n, channels, H, W).

    Args:
        input: the maps; n may be missing.
        norm_type: p; with 1 it is the sum, for a large p close to the maximum.
        kernel_size: the size of a window; an int or a pair.
        stride: how far apart windows begin; the kernel's size if None.
        ceil_mode: also take a last window that does not fit.

    The gradient is not defined where the sum is 0.

    >>> import chainrule as cr
    >>> cr.nn.functional.lp_pool2d(cr.ones(1, 2, 2), 2, 2)
    tensor([[[2.]]])
    """
    return _power_mean(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Return (Σ xᵖ)^(1/p) over every window of volumes (n, channels, D, H, W).

    `lp_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.functional.lp_pool3d(cr.ones(1, 2, 2, 2), 3, 2)
    tensor([[[[2.]]]])
    """
    return _power_mean(3, input, norm_type, kernel_size, stride, ceil_mode)


# --- Maxima put back ------------------------------------------------------------------------------


def _unpooled(
    count: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    name = f"max_unpool{count}d"
    kernel = sizes_of(name, kernel_size, count, "kernel_size")
    steps = kernel if stride is None else sizes_of(name, stride, count, "stride")
    around = sizes_of(name, padding, count, "padding")
    shape = input._array.shape
    if len(shape) not in (count + 1, count + 2):
        raise RuntimeError(
            f"Input to max_unpooling{count}d should be a {count + 1}d or {count + 2}d Tensor, but "
            f"got a tensor with {len(shape)} dimensions."
        )
    size = _size_before(shape[-count:], kernel, steps, around, output_size)
    index = indices._array
    if index.dtype != "int64":
        raise RuntimeError(
            f"elements in indices should be type int64 but got: {index.dtype}: pass what a pooling "
            "returns with return_indices=True"
        )
    if index.shape != shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(shape)}) but "
            f"got indices tensor with shape: {list(index.shape)}"
        )
    limit = math.prod(size)
    if index.size and not 0 <= index.min() <= index.max() < limit:
        bad = index[(index < 0) | (index >= limit)].flat[0]
        raise RuntimeError(
            f"Found an invalid max index: {bad} (output volumes are of size "
            f"{'x'.join(map(str, size))}); pass output_size= if the pooled maps were larger"
        )
    # The caller may change the indices; the graph keeps its own.
    index = index.copy()
    if len(shape) == count + 2:
        return max_unpool(input, index, (*shape[:2], *size))
    y = max_unpool(inserted(input, (0,)), index[None], (1, shape[0], *size))
    return squeezed(y, (0,))


def _size_before(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_size: Any,
) -> tuple[int, ...]:
    """Return the size of maps before they were pooled: the given one, if it can be."""
    usual = tuple((n - 1) * s + k - 2 * p for n, k, s, p in zip(size, kernel, stride, padding))
    if output_size is None:
        return usual
    given, count = tuple(output_size), len(size)
    if len(given) == count + 2:
        given = given[2:]
    if len(given) != count:
        raise ValueError(
            f"output_size should be a sequence containing {count} or {count + 2} elements, but it "
            f"has a length of '{len(given)}'"
        )
    for d, (m, n, s) in enumerate(zip(given, usual, stride)):
        if not n - s < m < n + s:
            raise ValueError(
                f'invalid output_size "{given}" (dim {d} must be between {n - s} and {n + s})'
            )
    return given


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put the maxima of sequences (n, channels, L) back where they were, zeros elsewhere.

    `max_unpool2d` describes the arguments.

    >>> import chainrule as cr
    >>> F = cr.nn.functional
    >>> y, indices = F.max_pool1d(cr.tensor([[1.0, 3.0, 2.0, 0.0]]), 2, return_indices=True)
    >>> F.max_unpool1d(y, indices, 2)
    tensor([[0., 3., 2., 0.]])
    """
    return _unpooled(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put the maxima of images (n, channels, H, W) back where they were, zeros elsewhere.

    Args:
        input: what a maximum pooling returned; n may be missing.
        indices: where they were, as it returned with ``return_indices=True``.
        kernel_size: the pooling's.
        stride: the pooling's.
        padding: the pooling's.
        output_size: the size of the maps before pooling, where several have the same pooled size.

    Where two maxima were the same element, the later one is put there.

    Raises:
        RuntimeError: if shapes or indices do not fit.
        ValueError: if the output size is not possible.

    >>> import chainrule as cr
    >>> F = cr.nn.functional
    >>> y, indices = F.max_pool2d(cr.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2, return_indices=True)
    >>> F.max_unpool2d(y, indices, 2)
    tensor([[[0., 3.],
             [0., 0.]]])
    """
    return _unpooled(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put the maxima of volumes (n, channels, D, H, W) back where they were, zeros elsewhere.

    `max_unpool2d` describes the arguments.

    >>> import chainrule as cr
    >>> F = cr.nn.functional
    >>> y, indices = F.max_pool3d(cr.arange(8.0).reshape(1, 2, 2, 2), 2, return_indices=True)
    >>> F.max_unpool3d(y, indices, 2).flatten()
    tensor([0., 0., 0., 0., 0., 0., 0., 7.])
    """
    return _unpooled(3, input, indices, kernel_size, stride, padding, output_size)
