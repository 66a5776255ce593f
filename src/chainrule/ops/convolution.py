"""Convolution in one, two or three dimensions.

What is called a convolution here, as everywhere in deep learning, is a cross-correlation: the
kernel is not turned around. With maps x (n, channels, *spatial), kernels w (out channels,
channels / groups, *kernel) and the output's gradient ȳ, the sum Σ ȳ ⊙ conv(x, w) is linear in each
of the three. Its derivatives in ȳ, x and w are the primitives below (the convolution, the
transposed convolution, and the gradient of the kernels), and so are their derivatives in turn.

Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.operation import Operation, define
from chainrule.ops.columns import convolve, correlate_windows, spread
from chainrule.ops.convolution_arguments import (
    check_dtypes,
    checked,
    hashable,
    refuse_bools,
    sizes_of,
)
from chainrule.ops.padding import padded
from chainrule.ops.reductions import total
from chainrule.ops.shape import inserted, reshaped, squeezed
from chainrule.ops.windows import Sizes
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]

# --- The table ------------------------------------------------------------------------------------

_USUAL = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def _options(style: Style, o: Mapping[str, Any]) -> list[str]:
    """Return the parameters of a convolution that are not the usual ones, as named arguments."""
    written = []
    for name, usual in _USUAL.items():
        value = o[name]
        if isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        if isinstance(value, tuple):
            head = style.option(name, 0).removesuffix("0")
            written.append(head + style.parameter(value))
        elif value != usual:
            written.append(style.option(name, value))
    return written


def _notation(name: str, operands: Sequence[str], shape: str = "") -> Notation:
    """Write a call with its number of dimensions in its name: ``conv2d(x, w, padding=1)``.

    Args:
        name: with ``{}`` for the number of dimensions.
        operands: in their order.
        shape: ``"always"`` to write the result's shape, ``"strided"`` only where the stride leaves
            it open.
    """

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        parts = [f"{o[n]}" for n in operands]
        if shape == "always" or (shape == "strided" and max(o["stride"]) > 1):
            parts.append(style.parameter(o["shape"]))
        inner = ", ".join(parts + _options(style, o))
        head = style.function(name.format(len(o["stride"])))
        return f"{head}{style.parentheses(inner)}", LEVELS["atom"]

    return Notation(custom=custom)


_PARAMS = ("stride", "padding", "dilation", "groups")

convolution: Operation = define(
    "convolution",
    convolve,
    params=_PARAMS,
    x=lambda g, w, x_shape, stride, padding, dilation, groups: convolution_transpose(
        g, w, stride, padding, dilation, groups, x_shape
    ),
    w=lambda g, x, w_shape, stride, padding, dilation, groups: convolution_weight(
        x, g, stride, padding, dilation, groups, w_shape
    ),
    b=lambda g, x_shape: total(g, (0, *range(2, len(x_shape))), False),
    notation=_notation("conv{}d", ("x", "w", "b")),
    doc="Cross-correlation of maps with kernels, plus a bias per channel.",
)
convolution_without_bias: Operation = define(
    "convolution_without_bias",
    lambda x, w, stride, padding, dilation, groups: convolve(
        x, w, None, stride, padding, dilation, groups
    ),
    params=_PARAMS,
    x=lambda g, w, x_shape, stride, padding, dilation, groups: convolution_transpose(
        g, w, stride, padding, dilation, groups, x_shape
    ),
    w=lambda g, x, w_shape, stride, padding, dilation, groups: convolution_weight(
        x, g, stride, padding, dilation, groups, w_shape
    ),
    notation=_notation("conv{}d", ("x", "w")),
    doc="Cross-correlation of maps with kernels.",
)
convolution_transpose: Operation = define(
    "convolution_transpose",
    spread,
    params=(*_PARAMS, "shape"),
    x=lambda g, w, stride, padding, dilation, groups: convolution_without_bias(
        g, w, stride, padding, dilation, groups
    ),
    w=lambda g, x, w_shape, stride, padding, dilation, groups: convolution_weight(
        g, x, stride, padding, dilation, groups, w_shape
    ),
    notation=_notation("conv_transpose{}d", ("x", "w"), shape="strided"),
    doc="The transpose of a convolution as a linear map of x: every kernel spread at its window.",
)
convolution_weight: Operation = define(
    "convolution_weight",
    correlate_windows,
    params=(*_PARAMS, "shape"),
    x=lambda g, u, x_shape, stride, padding, dilation, groups: convolution_transpose(
        u, g, stride, padding, dilation, groups, x_shape
    ),
    u=lambda g, x, stride, padding, dilation, groups: convolution_without_bias(
        x, g, stride, padding, dilation, groups
    ),
    notation=_notation("conv{}d_weight", ("x", "u"), shape="always"),
    doc="The gradient of a convolution's kernels: what each element met, times u, summed.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def _convolved(
    name: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    check_dtypes(name, input, weight, bias)
    x, w = input._array.shape, weight._array.shape
    steps, around, apart = checked(
        name,
        x,
        w,
        None if bias is None else bias._array.shape,
        hashable(stride),
        hashable(padding),
        hashable(dilation),
        groups,
        False,
    )
    refuse_bools(name, input)
    unbatched = len(x) == len(w) - 1
    if unbatched:
        input = inserted(input, (0,))
    if isinstance(around, str):
        input, around = _named_padding(around, input, w[2:], steps, apart)
    full = [n + 2 * p for n, p in zip(input._array.shape[2:], around)]
    reach = [d * (k - 1) + 1 for d, k in zip(apart, w[2:])]
    if any(n < r for n, r in zip(full, reach)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({_by(full)}). Kernel size: "
            f"({_by(reach)}). Kernel size can't be greater than actual input size: pad the input "
            "or use a smaller kernel or dilation"
        )
    if bias is None:
        y = convolution_without_bias(input, weight, steps, around, apart, groups)
    else:
        y = convolution(input, weight, bias, steps, around, apart, groups)
    return squeezed(y, (0,)) if unbatched else y


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _named_padding(
    padding: str, input: Tensor, kernel: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[Tensor, Sizes]:
    """Return the input and the padding that ``"same"`` or ``"valid"`` mean."""
    if padding == "valid":
        return input, (0,) * len(kernel)
    if max(stride) != 1:
        raise RuntimeError(
            "padding='same' is not supported for strided convolutions: give the padding as numbers"
        )
    total_padding = [d * (k - 1) for d, k in zip(dilation, kernel)]
    if any(n % 2 for n in total_padding):
        widths = ((0, 0), (0, 0), *((0, n % 2) for n in total_padding))
        input = padded(input, widths, 0.0)
    return input, tuple(n // 2 for n in total_padding)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return the cross-correlation of sequences with kernels, plus a bias per channel.

    Shapes: input (n, channels, L) or without n; weight (out channels, channels / groups,
    *kernel); bias (out channels). `conv2d` describes the arguments.

    Raises:
        RuntimeError: if shapes, dtypes or parameters do not fit.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0, 2.0, 4.0, 8.0]]])
    >>> cr.conv1d(x, cr.tensor([[[-1.0, 1.0]]]))
    tensor([[[1., 2., 4.]]])
    """
    return _convolved("conv1d", input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return the cross-correlation of images with kernels, plus a bias per channel.

    Args:
        input: (n, channels, H, W), or (channels, H, W) for one sample.
        weight: (out channels, channels / groups, kernel height, kernel width).
        bias: (out channels), or None.
        stride: how far apart windows begin; an int, or one a dimension.
        padding: how many zeros to put around the input; ``"same"`` keeps its size, ``"valid"`` is
            none.
        dilation: how far apart the elements of a window are.
        groups: the channels are split into so many groups, each with kernels of its own.

    A size n becomes ⌊(n + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.

    Raises:
        RuntimeError: if shapes, dtypes or parameters do not fit.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    >>> cr.conv2d(x, cr.ones(1, 1, 2, 2))
    tensor([[[[12., 16.]]]])
    """
    return _convolved("conv2d", input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return the cross-correlation of volumes with kernels, plus a bias per channel.

    Shapes: input (n, channels, D, H, W) or without n; weight (out channels, channels / groups,
    *kernel); bias (out channels). `conv2d` describes the arguments.

    Raises:
        RuntimeError: if shapes, dtypes or parameters do not fit.

    >>> import chainrule as cr
    >>> cr.conv3d(cr.ones(1, 2, 4, 4, 4), cr.ones(5, 2, 3, 3, 3), padding=1).shape
    chainrule.Size([1, 5, 4, 4, 4])
    """
    return _convolved("conv3d", input, weight, bias, stride, padding, dilation, groups)


def _transposed(
    name: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    check_dtypes(name, input, weight, bias)
    x, w = input._array.shape, weight._array.shape
    count = int(name[-2])
    if isinstance(padding, str):
        raise TypeError(f"{name}(): argument 'padding' must be a tuple of ints, not {padding!r}")
    steps, around, apart = checked(
        name,
        x,
        w,
        None if bias is None else bias._array.shape,
        hashable(stride),
        hashable(padding),
        hashable(dilation),
        groups,
        True,
    )
    extra = sizes_of(name, output_padding, count, "output_padding")
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, apart)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding={extra}, stride={steps}, dilation={apart} in {name}"
        )
    refuse_bools(name, input)
    unbatched = len(x) == count + 1
    if unbatched:
        input = inserted(input, (0,))
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x[-count:], steps, around, apart, w[2:], extra)
    )
    if min(size) <= 0:
        raise RuntimeError(
            f"Given input size per channel: ({_by(x[-count:])}). Calculated output size per "
            f"channel: ({_by(size)}). Output size is too small: {name} needs less padding"
        )
    shape = (input._array.shape[0], w[1] * groups, *size)
    if all(e < s for e, s in zip(extra, steps)):
        y = convolution_transpose(input, weight, steps, around, apart, groups, shape)
    else:
        # A convolution of this shape would have more windows than the input has elements.
        full = (*shape[:2], *(n + 2 * p - e for n, p, e in zip(size, around, extra)))
        y = convolution_transpose(input, weight, steps, (0,) * count, apart, groups, full)
        cut = ((-p, e - p) for p, e in zip(around, extra))
        y = padded(y, ((0, 0), (0, 0), *cut), 0.0)
    if bias is not None:
        y = y + reshaped(bias, (shape[1], *(1,) * count))
    return squeezed(y, (0,)) if unbatched else y


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Return the transposed convolution of sequences: a kernel added at every element's window.

    Shapes: input (n, channels, L) or without n; weight (channels, out channels / groups,
    *kernel); bias (out channels). `conv_transpose2d` describes the arguments.

    Raises:
        RuntimeError: if shapes, dtypes or parameters do not fit.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0, 10.0]]])
    >>> cr.conv_transpose1d(x, cr.tensor([[[1.0, 2.0, 3.0]]]), stride=2)
    tensor([[[ 1.,  2., 13., 20., 30.]]])
    """
    return _transposed(
        "conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Return the transposed convolution of images: a kernel added at every element's window.

    As a linear map of the input it is the transpose of `conv2d`, and what `conv2d` does to
    gradients; not its inverse.

    Args:
        input: (n, channels, H, W), or (channels, H, W) for one sample.
        weight: (channels, out channels / groups, kernel height, kernel width).
        bias: (out channels), or None.
        stride: how far apart the windows of neighbouring elements begin.
        padding: how much to cut off around the output.
        output_padding: how much to add at its end; less than the stride or the dilation.
        groups: the channels are split into so many groups, each with kernels of its own.
        dilation: how far apart the elements of a window are.

    A size n becomes (n − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1.

    Raises:
        RuntimeError: if shapes, dtypes or parameters do not fit.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[[1.0, 10.0]]]])
    >>> cr.conv_transpose2d(x, cr.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    tensor([[[[ 1., 12., 20.],
              [ 3., 34., 40.]]]])
    """
    return _transposed(
        "conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Return the transposed convolution of volumes: a kernel added at every element's window.

    Shapes: input (n, channels, D, H, W) or without n; weight (channels, out channels / groups,
    *kernel); bias (out channels). `conv_transpose2d` describes the arguments.

    Raises:
        RuntimeError: if shapes, dtypes or parameters do not fit.

    >>> import chainrule as cr
    >>> cr.conv_transpose3d(cr.ones(1, 2, 4, 4, 4), cr.ones(2, 5, 3, 3, 3)).shape
    chainrule.Size([1, 5, 6, 6, 6])
    """
    return _transposed(
        "conv_transpose3d", input, weight, bias, stride, padding, output_padding, groups, dilation
    )
