"""Images as the columns of their windows, and back: im2col and col2im."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.columns import add_columns
from chainrule.ops.windows import Array, Sizes, interior, surrounded, windows
from chainrule.symbol import LEVELS, Notation, Style


def _write_columns(name: str) -> Notation:
    """Write a call with the parameters that are not the usual ones as named arguments."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        parts = [f"{o['x']}"]
        if "size" in o:
            parts.append(style.parameter(o["size"]))
        parts.append(style.parameter(o["kernel"]))
        for option, usual in (("dilation", 1), ("padding", 0), ("stride", 1)):
            value = o[option]
            if set(value) != {usual}:
                head = style.option(option, 0).removesuffix("0")
                parts.append(head + style.parameter(value))
        return style.function(name) + style.parentheses(", ".join(parts)), LEVELS["atom"]

    return Notation(custom=custom)


def _im2col(x: Array, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Array:
    lie = windows(x.shape[2:], kernel, stride, padding, dilation, merge=False)
    columns = lie.of(np.ascontiguousarray(surrounded(x, lie, 0)))
    return np.array(columns).reshape(len(x), x.shape[1] * math.prod(kernel), math.prod(lie.out))


def _col2im(
    x: Array, size: Sizes, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Array:
    lie = windows(size, kernel, stride, padding, dilation, merge=False)
    channels = x.shape[1] // math.prod(kernel)
    y = np.zeros((len(x), channels, *lie.padded), x.dtype)
    add_columns(y, x, lie, 0, lie.out[0])
    return np.ascontiguousarray(interior(y, padding, size))


im2col: Operation = define(
    "im2col",
    _im2col,
    params=("kernel", "dilation", "padding", "stride"),
    x=lambda g, x_shape, kernel, dilation, padding, stride: col2im(
        g, tuple(x_shape[2:]), kernel, dilation, padding, stride
    ),
    notation=_write_columns("im2col"),
    doc="The windows of images (n, channels, H, W) as columns (n, channels · window, windows).",
)
col2im: Operation = define(
    "col2im",
    _col2im,
    params=("size", "kernel", "dilation", "padding", "stride"),
    x=lambda g, kernel, dilation, padding, stride: im2col(g, kernel, dilation, padding, stride),
    notation=_write_columns("col2im"),
    doc="The transpose of `im2col`: columns added at the places of their windows.",
)
