"""What convolutions ask of their arguments, in PyTorch's words."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.ops.windows import Sizes

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def sizes_of(name: str, value: Any, count: int, what: str) -> Sizes:
    """Return an integer or a sequence of them as one for each dimension."""
    try:
        if isinstance(value, Sequence) and not isinstance(value, str):
            given = tuple(map(operator.index, value))
            given = given * count if len(given) == 1 else given
        else:
            given = (operator.index(value),) * count
    except TypeError:
        raise TypeError(
            f"{name}(): argument '{what}' must be an int or a tuple of {count} ints, not {value!r}"
        ) from None
    if len(given) != count:
        raise RuntimeError(
            f"expected {what} to be a single integer value or a list of {count} values to match "
            f"the convolution dimensions, but got {what}={list(given)}"
        )
    return given


def hashable(value: Any) -> Any:
    """Return an argument as one that a cache can be asked for."""
    return tuple(value) if isinstance(value, list) else value


def check_dtypes(name: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Refuse operands of several dtypes."""
    for what, other in (("weight", weight), ("bias", bias)):
        if other is not None and other._array.dtype is not input._array.dtype:
            raise RuntimeError(
                f"Input type ({input._array.dtype}) and {what} type ({other._array.dtype}) should "
                f"be the same: convert one of them for {name}, for example with .to(cr.float32)"
            )


def refuse_bools(name: str, input: Tensor) -> None:
    """Raise for maps of bools."""
    if input._array.dtype.kind == "b" and input._array.size:
        raise NotImplementedError(
            f"\"{name}\" not implemented for 'Bool'; convert with .float() first"
        )


@functools.lru_cache(maxsize=1024)
def checked(
    name: str,
    x: Sizes,
    w: Sizes,
    b: Sizes | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    transposed: bool,
) -> tuple[Sizes, Any, Sizes]:
    """Return stride, padding and dilation a dimension, or raise PyTorch's error."""
    count = int(name[-2])
    if len(w) != count + 2:
        raise RuntimeError(
            f"{name} expects a weight of {count + 2} dimensions, (out channels, in channels / "
            f"groups, *kernel), but got weight of size {list(w)}"
        )
    if len(x) not in (count + 1, count + 2):
        raise RuntimeError(
            f"Expected {count + 1}D (unbatched) or {count + 2}D (batched) input to {name}, but got "
            f"input of size: {list(x)}"
        )
    stride, dilation = (
        sizes_of(name, stride, count, "stride"),
        sizes_of(name, dilation, count, "dilation"),
    )
    if not isinstance(padding, str):
        padding = sizes_of(name, padding, count, "padding")
        if min(padding) < 0:
            raise RuntimeError(
                f"negative padding is not supported: {name} got padding={padding}; cut the input "
                "with slices, or cr.nn.functional.pad, instead"
            )
    elif padding not in ("same", "valid"):
        raise RuntimeError(
            f"Invalid padding string: '{padding}': {name} knows 'same', 'valid' and integers"
        )
    if min(stride) <= 0:
        raise RuntimeError(f"non-positive stride is not supported: {name} got stride={stride}")
    if min(dilation) <= 0:
        raise RuntimeError(
            f"dilation should be greater than zero, but got {list(dilation)}: 1 means elements "
            "side by side"
        )
    if operator.index(groups) <= 0:
        raise RuntimeError(f"non-positive groups is not supported: {name} got groups={groups}")
    if min(w[2:]) <= 0:
        raise RuntimeError(
            f"kernel size should be greater than zero, but {name} got a weight of size {list(w)}"
        )
    _check_channels(name, x[-count - 1], list(x), w, b, groups, transposed)
    return stride, padding, dilation


def _check_channels(
    name: str,
    channels: int,
    x: list[int],
    w: Sizes,
    b: Sizes | None,
    groups: int,
    transposed: bool,
) -> None:
    given = f"groups={groups}" if not transposed else "transposed=1"
    if w[0] < groups or w[0] % groups:
        problem = f"divisible by {groups}" if w[0] >= groups else f"at least {groups}"
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be {problem} at dimension 0, but got "
            f"weight of size {list(w)} instead"
        )
    expected = w[0] if transposed else w[1] * groups
    if channels != expected:
        raise RuntimeError(
            f"Given {given}, weight of size {list(w)}, expected input{x} to have {expected} "
            f"channels, but got {channels} channels instead: {name} takes maps of shape (n, "
            "channels, *spatial)"
        )
    out_channels = w[1] * groups if transposed else w[0]
    if b is not None and b != (out_channels,):
        raise RuntimeError(
            f"Given {given}, weight of size {list(w)}, expected bias to be 1-dimensional with "
            f"{out_channels} elements, but got bias of size {list(b)} instead"
        )
