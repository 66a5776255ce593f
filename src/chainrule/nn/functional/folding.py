"""Images as columns of windows, and back."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.nn.functional.checks import torch_name
from chainrule.ops.folding import col2im, im2col
from chainrule.ops.shape import inserted, squeezed
from chainrule.ops.windows import Sizes

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "fold",
    "unfold",
]


def _pair(name: str, what: str, value: Any) -> Sizes:
    given = tuple(map(operator.index, value)) if isinstance(value, Sequence) else (value,) * 2
    if len(given) not in (1, 2):
        raise RuntimeError(
            f"It is expected {what} equals to 2, but got size {len(given)}: {name} is for images"
        )
    return given * 2 if len(given) == 1 else given


def _checked(
    name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Sizes, Sizes, Sizes, Sizes]:
    """Return the parameters a dimension: kernel, dilation, padding and stride."""
    kernel = _pair(name, "kernel_size", kernel_size)
    apart, around = _pair(name, "dilation", dilation), _pair(name, "padding", padding)
    steps = _pair(name, "stride", stride)
    for what, sizes in (("kernel size", kernel), ("stride", steps), ("dilation", apart)):
        if min(sizes) <= 0:
            raise RuntimeError(
                f"{what} should be greater than zero, but got {sizes[0]} x {sizes[1]} in {name}"
            )
    if min(around) < 0:
        raise RuntimeError(f"padding should be non-negative, but got {around} in {name}")
    return kernel, apart, around, steps


def _windows(size: Sizes, kernel: Sizes, apart: Sizes, around: Sizes, steps: Sizes) -> Sizes:
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, apart, around, steps)
    )


def _refuse_integers(name: str, input: Tensor) -> None:
    dtype = input._array.dtype
    if dtype.kind in "iu":
        raise NotImplementedError(
            f"\"{name}\" not implemented for '{torch_name(dtype)}'; convert with .float()"
        )


def unfold(
    input: Tensor,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """Return the windows of images as columns: a convolution is a matrix product with them.

    Args:
        input: (n, channels, H, W), or (channels, H, W).
        kernel_size: the size of a window; an int or a pair.
        dilation: how far apart the elements of a window are.
        padding: how many zeros to put around the input.
        stride: how far apart windows begin.

    Returns:
        (n, channels · elements of a window, windows), or without n.

    Raises:
        RuntimeError: if there is no window, or parameters do not fit.

    >>> import chainrule as cr
    >>> x = cr.arange(6.0).reshape(1, 2, 3)
    >>> cr.nn.functional.unfold(x, (2, 2))
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """
    kernel, apart, around, steps = _checked("unfold", kernel_size, dilation, padding, stride)
    shape = input._array.shape
    if len(shape) == 2:
        raise IndexError(
            f"Dimension out of range: unfold takes (n, channels, H, W) or (channels, H, W), got "
            f"shape {list(shape)}"
        )
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    _refuse_integers("im2col_out_cpu", input)
    blocks = _windows(shape[-2:], kernel, apart, around, steps)
    if min(blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size {shape[-2:]}, kernel_size={kernel}, dilation={apart}, "
            f"padding={around}, calculated shape of the array of sliding blocks as {blocks}, but "
            "its components must be at least one."
        )
    if len(shape) == 4:
        return im2col(input, kernel, apart, around, steps)
    return squeezed(im2col(inserted(input, (0,)), kernel, apart, around, steps), (0,))


def fold(
    input: Tensor,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """Add columns back to the windows of an image; what windows share is summed.

    Args:
        input: (n, channels · elements of a window, windows), or without n.
        output_size: the image's height and width.
        kernel_size: the size of a window; an int or a pair.
        dilation: how far apart the elements of a window are.
        padding: how many elements to leave out around the image.
        stride: how far apart windows begin.

    Raises:
        RuntimeError: if the number of columns, or their size, is not the windows'.

    >>> import chainrule as cr
    >>> cr.nn.functional.fold(cr.ones(4, 2), (2, 3), (2, 2))
    tensor([[[1., 2., 1.],
             [1., 2., 1.]]])
    """
    kernel, apart, around, steps = _checked("fold", kernel_size, dilation, padding, stride)
    size = _pair("fold", "output_size", output_size)
    shape = input._array.shape
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            f"non-zero dimensions for input, but got: {list(shape)}"
        )
    if shape[-2] % math.prod(kernel):
        raise RuntimeError(
            f"Expected size of input's dimension {len(shape) - 2} to be divisible by the product "
            f"of kernel_size, but got input.size({len(shape) - 2})={shape[-2]} and "
            f"kernel_size={kernel}."
        )
    blocks = _windows(size, kernel, apart, around, steps)
    if min(blocks) < 1 or shape[-1] != math.prod(blocks):
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={apart}, padding={around}, "
            f"stride={steps}, expected size of input's dimension {len(shape) - 1} to match the "
            f"calculated number of sliding blocks {blocks[0]} * {blocks[1]} = "
            f"{math.prod(blocks)}, but got input.size({len(shape) - 1})={shape[-1]}."
        )
    _refuse_integers("col2im_out_cpu", input)
    if len(shape) == 3:
        return col2im(input, size, kernel, apart, around, steps)
    return squeezed(col2im(inserted(input, (0,)), size, kernel, apart, around, steps), (0,))
