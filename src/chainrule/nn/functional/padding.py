"""Padding as a function of any number of last dimensions."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule.operands import representable
from chainrule.ops.padding import Widths, padded, surrounded_by_copies

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "pad",
]


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Put a border around the last dimensions.

    Args:
        input: any shape for a constant border. For others (n, channels, *spatial) or without n,
            with one to three spatial dimensions, all of which ``pad`` names.
        pad: how many elements to put before and after the last dimension, then the same for the
            one before it, and so on; negative numbers cut off.
        mode: ``"constant"``; ``"reflect"`` mirrors the inside, without repeating the edge;
            ``"replicate"`` repeats the edge; ``"circular"`` continues as if the input repeated.
        value: the constant, 0 if None.

    Raises:
        RuntimeError: if the border is too wide for the input.
        NotImplementedError: for an unknown mode, or dimensions that it does not support.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0, 2.0, 3.0]])
    >>> cr.nn.functional.pad(x, (1, 2))
    tensor([[0., 1., 2., 3., 0., 0.]])
    >>> cr.nn.functional.pad(x, (1, 2), mode="reflect")
    tensor([[2., 1., 2., 3., 2., 1.]])
    """
    x = input._array
    try:
        given = tuple(map(operator.index, pad))
    except TypeError:
        raise TypeError(
            f"pad(): argument 'pad' (position 2) must be a tuple of ints, got {pad!r}"
        ) from None
    if len(given) % 2:
        raise RuntimeError(
            f"Padding length must be divisible by 2: two numbers a dimension, got {given}"
        )
    if len(given) > 2 * x.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(given)} and input of dimension {x.ndim}"
        )
    count = len(given) // 2
    widths = tuple(
        (given[2 * k], given[2 * k + 1]) if k < count else (0, 0) for k in reversed(range(x.ndim))
    )
    if mode == "constant":
        _check_left(x.shape, widths)
        constant = 0.0 if value is None else value
        if x.dtype.kind in "iu":
            constant = representable("pad", int(constant), x.dtype)
        return padded(input, widths, constant)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}: use 'constant', 'reflect', 'replicate' or "
            "'circular'"
        )
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if not 1 <= count <= 3 or x.ndim not in (count + 1, count + 2):
        raise NotImplementedError(
            f"Padding size {len(given)} is not supported for {x.ndim}D input tensor: a border that "
            "is not constant takes (n, channels, *spatial) or (channels, *spatial) and a pair for "
            "each of the one to three spatial dimensions"
        )
    _check_border(x.shape, widths, count, mode)
    border = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    cut = tuple((min(before, 0), min(after, 0)) for before, after in widths)
    cutting = any(map(any, cut))
    if mode == "circular":
        # What repeats is what is left.
        input = padded(input, cut, 0.0) if cutting else input
        return surrounded_by_copies(input, border, mode)
    y = surrounded_by_copies(input, border, mode)
    return padded(y, cut, 0.0) if cutting else y


def _check_left(shape: Sequence[int], widths: Widths) -> None:
    for d, (n, (before, after)) in enumerate(zip(shape, widths)):
        if n + before + after < 0 or n + min(before, 0) + min(after, 0) < 0:
            raise RuntimeError(
                f"narrow(): length must be non-negative. pad would cut ({before}, {after}) off "
                f"dimension {d} of an input of shape {list(shape)}"
            )


def _check_border(shape: tuple[int, ...], widths: Widths, count: int, mode: str) -> None:
    for d in range(len(shape) - count, len(shape)):
        n, (before, after) = shape[d], widths[d]
        if mode == "circular" and max(before, after) > n:
            raise RuntimeError(
                f"Padding value causes wrapping around more than once: ({before}, {after}) at "
                f"dimension {d} of input {list(shape)}"
            )
        if mode == "reflect" and n and max(before, after) >= n:
            raise RuntimeError(
                "Argument #4: Padding size should be less than the corresponding input dimension, "
                f"but got: padding ({before}, {after}) at dimension {d} of input {list(shape)}"
            )
    if 0 in shape[-count - 1 :]:
        raise RuntimeError(
            f"Expected a {count + 1}D or {count + 2}D (batch mode) tensor with possibly 0 batch "
            f"size and other non-zero dimensions for input, but got: {list(shape)}"
        )
    _check_left(shape, widths)
