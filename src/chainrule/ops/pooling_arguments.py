"""What pooling asks of its arguments, in PyTorch's words."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.ops.windows import Sizes, windows

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def sizes_of(name: str, value: Any, count: int, what: str) -> Sizes:
    """Return an integer or a sequence of them as one for each dimension."""
    try:
        if isinstance(value, Sequence) and not isinstance(value, str):
            given = tuple(map(operator.index, value))
        else:
            given = (operator.index(value),)
    except TypeError:
        raise TypeError(
            f"{name}(): argument '{what}' must be an int or a tuple of ints, not {value!r}"
        ) from None
    if len(given) not in (1, count):
        raise RuntimeError(
            f"{name}: {what} must either be a single int, or a tuple of {count} ints, got "
            f"{list(given)}"
        )
    return given * count if len(given) == 1 else given


def check_maps(name: str, shape: Sequence[int], count: int) -> None:
    """Refuse what is not (n, channels, *spatial) or (channels, *spatial)."""
    if len(shape) not in (count + 1, count + 2) or 0 in shape[-count - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {count + 1}D or {count + 2}D (batch mode) tensor with optional 0 "
            f"dim batch size for input, but got:{list(shape)}"
        )


def _check_windows(
    name: str,
    shape: Sequence[int],
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> None:
    count = len(kernel)
    if min(stride) <= 0 or min(kernel) <= 0:
        what = "stride" if min(stride) <= 0 else "kernel size"
        raise RuntimeError(
            f"{what} should not be zero: {name} got kernel_size={kernel} and stride={stride}"
        )
    if min(dilation) <= 0:
        raise RuntimeError(
            f"dilation should be greater than zero, but got {dilation}: 1 means elements side by "
            "side"
        )
    if min(padding) < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(padding)}")
    for p, k, d in zip(padding, kernel, dilation):
        if 2 * p > k:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}: {name} would pool windows of nothing else"
            )
    check_maps(name, shape, count)
    size = tuple(shape[-count:])
    out = windows(size, kernel, stride, padding, dilation, ceil_mode).out
    if min(out) < 1:
        given, found = ("x".join(map(str, (shape[-count - 1], *s))) for s in (size, out))
        raise RuntimeError(
            f"Given input size: ({given}). Calculated output size: ({found}). Output size is too "
            f"small: {name} needs a smaller kernel, padding, or ceil_mode=True"
        )


def checked_maximum(
    name: str,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
) -> tuple[Sizes, Sizes, Sizes, Sizes, bool]:
    """Return the parameters of a maximum pooling a dimension, or raise PyTorch's error."""
    count = int(name[-2])
    kernel = sizes_of(name, kernel_size, count, "kernel_size")
    steps = kernel if stride is None or stride in ((), []) else stride
    steps = sizes_of(name, steps, count, "stride")
    around = sizes_of(name, padding, count, "padding")
    apart = sizes_of(name, dilation, count, "dilation")
    x = input._array
    _check_windows(name, x.shape, kernel, steps, around, apart, bool(ceil_mode))
    if x.dtype.kind == "b":
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'; convert with .float()")
    return kernel, steps, around, apart, bool(ceil_mode)


def checked_average(
    name: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any
) -> tuple[Sizes, Sizes, Sizes, bool]:
    """Return the parameters of an average pooling a dimension, or raise PyTorch's error."""
    kernel, steps, around, _, ceil = checked_maximum(
        name, input, kernel_size, stride, padding, 1, ceil_mode
    )
    return kernel, steps, around, ceil
