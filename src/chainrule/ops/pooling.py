"""Pooling: the largest element or the mean of every window, in one to three dimensions.

The gradient of a maximum goes to the first of the largest elements (or the last NaN), as in
PyTorch; where that is, `max_pool_indices` says, worked out when it is asked for. Shapes: maps
(n, channels, *spatial).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import pooled
from chainrule.ops.pooling_arguments import checked_average, checked_maximum
from chainrule.ops.shape import inserted, squeezed
from chainrule.ops.windows import Array, Sizes, windows
from chainrule.symbol import LEVELS, Expr, Notation, Slot, Style, write

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "avg_pool1d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

# --- Notation -------------------------------------------------------------------------------------


def _sizes(style: Style, sizes: Sizes) -> str:
    return style.number(sizes[0])[0] if len(set(sizes)) == 1 else style.parameter(sizes)


def _options(style: Style, o: Mapping[str, Any]) -> list[str]:
    """Return the parameters of a pooling that are not the usual ones, as named arguments."""
    written = []
    for name in ("stride", "padding", "dilation", "ceil_mode", "count_include_pad", "divisor"):
        if name not in o:
            continue
        value = o[name]
        usual: Any = {
            "stride": o["kernel"],
            "padding": (0,) * len(o["kernel"]),
            "dilation": (1,) * len(o["kernel"]),
            "ceil_mode": False,
            "count_include_pad": True,
            "divisor": None,
        }[name]
        if value == usual:
            continue
        if isinstance(value, tuple):
            head = style.option(name, 0).removesuffix("0")
            written.append(head + _sizes(style, value))
        else:
            written.append(style.option(name, int(value)))
    return written


def _pooling_notation(name: str) -> Notation:
    """Write a call with the number of dimensions in its name: ``max_pool2d(x, 2)``."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        parts = [f"{o['x']}", _sizes(style, o["kernel"])]
        if "shape" in o:
            parts.append(style.parameter(o["shape"]))
        inner = ", ".join(parts + _options(style, o))
        head = style.function(name.format(len(o["kernel"])))
        return f"{head}{style.parentheses(inner)}", LEVELS["atom"]

    return Notation(custom=custom)


def _placing_notation(name: str) -> Notation:
    """Write taking from, or putting to, positions: ``scatter2d(x, argmax_pool2d(z, 2), shape(z))``.

    The positions are a value of their own in formulas, though no operand of the operation.
    """

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        parts = []
        for value in (v for k, v in o.items() if k != "dims"):
            if isinstance(value, Slot):
                parts.append(f"{value}")
            elif isinstance(value, Expr):
                parts.append(write(value, style)[0])
            else:
                parts.append(style.parameter(value))
        dims = o["dims"] if "dims" in o else len(o["shape"]) - 2
        head = style.function(name.format(dims))
        return f"{head}{style.parentheses(', '.join(parts))}", LEVELS["atom"]

    return Notation(custom=custom)


# --- The table: places ----------------------------------------------------------------------------


def constant(index: Any) -> Any:
    """Return positions as a static parameter: the array of a tensor, else what is given."""
    return getattr(index, "_array", index)


scattered: Operation = define(
    "scatter_spatial",
    pooled.scattered,
    params=("index", "shape"),
    x=lambda g, index, shape: taken(g, index, len(shape) - 2),
    notation=_placing_notation("scatter{}d"),
    doc="Zeros of a shape with elements added at positions of each channel.",
)
taken: Operation = define(
    "take_spatial",
    lambda x, index, dims: pooled.taken(x, index),
    params=("index", "dims"),
    x=lambda g, index, x_shape: scattered(g, index, x_shape),
    notation=_placing_notation("take{}d"),
    doc="The elements at positions of each channel, counted through its spatial dimensions.",
)

max_unpool: Operation = define(
    "max_unpool",
    pooled.replaced,
    params=("index", "shape"),
    x=lambda g, index, shape: taken(g, index, len(shape) - 2),
    notation=_placing_notation("max_unpool{}d"),
    doc="Zeros of a shape with elements put at positions of each channel, the last of several.",
)

# --- The table: maxima ----------------------------------------------------------------------------

_MAXIMUM = ("kernel", "stride", "padding", "dilation", "ceil_mode")


def _max_pool(
    x: Array, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Array:
    return pooled.largest(x, windows(x.shape[2:], kernel, stride, padding, dilation, ceil_mode))


def _max_pool_indices(
    x: Array, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Array:
    lie = windows(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    return pooled.where_largest(x, lie)


max_pool_indices: Operation = define(
    "max_pool_indices",
    _max_pool_indices,
    inputs=("x",),
    params=_MAXIMUM,
    notation=_pooling_notation("argmax_pool{}d"),
    doc="Where the largest element of every window is, counted through the spatial dimensions.",
)
max_pool: Operation = define(
    "max_pool",
    _max_pool,
    params=_MAXIMUM,
    x=lambda g, x, x_shape, kernel, stride, padding, dilation, ceil_mode: scattered(
        g,
        constant(max_pool_indices(x, kernel, stride, padding, dilation, ceil_mode)),
        x_shape,
    ),
    notation=_pooling_notation("max_pool{}d"),
    doc="The largest element of every window; the first of equal ones has the gradient.",
)

# --- The table: means -----------------------------------------------------------------------------

_MEAN = ("kernel", "stride", "padding", "ceil_mode", "count_include_pad", "divisor")
_float16, _float32 = np.dtype("float16"), np.dtype("float32")


def _windows_and_counts(
    size: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> tuple[Any, Any]:
    lie = windows(size, kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    if divisor is not None:
        return lie, divisor
    return lie, pooled.counts(lie, size, count_include_pad)


def _avg_pool(x: Array, *params: Any) -> Array:
    lie, count = _windows_and_counts(x.shape[2:], *params)
    if x.dtype.kind != "f":
        whole: Array = np.trunc(pooled.summed(x, lie) / count).astype(x.dtype)
        return whole
    y = pooled.summed(x.astype(_float32) if x.dtype == _float16 else x, lie)
    np.divide(y, count, out=y, casting="same_kind")
    return y if y.dtype is x.dtype else y.astype(x.dtype)


def _avg_pool_spread(x: Array, *params: Any) -> Array:
    *options, shape = params
    lie, count = _windows_and_counts(shape[2:], *options)
    shares = np.divide(x, count, dtype=x.dtype, casting="same_kind")
    return pooled.spread(shares, lie, shape)


avg_pool: Operation = define(
    "avg_pool",
    _avg_pool,
    params=_MEAN,
    x=lambda g, x_shape, kernel, stride, padding, ceil_mode, count_include_pad, divisor: avg_unpool(
        g, kernel, stride, padding, ceil_mode, count_include_pad, divisor, x_shape
    ),
    notation=_pooling_notation("avg_pool{}d"),
    doc="The mean of every window.",
)
avg_unpool: Operation = define(
    "avg_unpool",
    _avg_pool_spread,
    params=(*_MEAN, "shape"),
    x=lambda g, kernel, stride, padding, ceil_mode, count_include_pad, divisor: avg_pool(
        g, kernel, stride, padding, ceil_mode, count_include_pad, divisor
    ),
    notation=_pooling_notation("avg_unpool{}d"),
    doc="The transpose of `avg_pool`: each mean's equal shares, added to all of its window.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def largest_of_windows(
    name: str,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    indices: bool = False,
) -> Any:
    """Return the maxima of a pooling named after PyTorch's function, and where they are if asked.

    It checks the arguments and takes a single sample too.
    """
    params = checked_maximum(name, input, kernel_size, stride, padding, dilation, ceil_mode)
    unbatched = input._array.ndim == len(params[0]) + 1
    if unbatched:
        input = inserted(input, (0,))
    if indices:
        where = max_pool_indices(input.detach(), *params)
        y = taken(input, where._array, len(params[0]))
        if unbatched:
            return squeezed(y, (0,)), squeezed(where, (0,))
        # The caller may change the indices; the graph keeps its own.
        return y, where.clone()
    y = max_pool(input, *params)
    return squeezed(y, (0,)) if unbatched else y


def means_of_windows(
    name: str,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the means of a pooling named after PyTorch's function."""
    params = checked_average(name, input, kernel_size, stride, padding, ceil_mode)
    if divisor_override == 0:
        raise RuntimeError(f"divisor must be not zero: {name} got divisor_override=0")
    unbatched = input._array.ndim == len(params[0]) + 1
    if unbatched:
        input = inserted(input, (0,))
    y = avg_pool(input, *params, bool(count_include_pad), divisor_override)
    return squeezed(y, (0,)) if unbatched else y


def max_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the largest element of every window of sequences (n, channels, L).

    `max_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.max_pool1d(cr.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    result: Tensor = largest_of_windows(
        "max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return result


def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the largest element of every window of images.

    Args:
        input: (n, channels, H, W), or (channels, H, W) for one sample.
        kernel_size: the size of a window; an int, or one a dimension.
        stride: how far apart windows begin; the kernel's size if None.
        padding: how many elements −∞ to put around the input, at most half a window.
        dilation: how far apart the elements of a window are.
        ceil_mode: also take a last window that does not fit.

    The first of equal elements has the gradient.

    Raises:
        RuntimeError: if shapes or parameters do not fit.

    >>> import chainrule as cr
    >>> cr.max_pool2d(cr.tensor([[[1.0, 2.0, 0.0, 5.0], [4.0, 3.0, 6.0, 0.0]]]), 2)
    tensor([[[4., 6.]]])
    """
    result: Tensor = largest_of_windows(
        "max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return result


def max_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the largest element of every window of volumes (n, channels, D, H, W).

    `max_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.max_pool3d(cr.arange(8.0).reshape(1, 1, 2, 2, 2), 2).item()
    7.0
    """
    result: Tensor = largest_of_windows(
        "max_pool3d", input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return result


def avg_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of every window of sequences (n, channels, L).

    `chainrule.nn.functional.avg_pool2d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.avg_pool1d(cr.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    return means_of_windows(
        "avg_pool1d", input, kernel_size, stride, padding, ceil_mode, count_include_pad
    )
