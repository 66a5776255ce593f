"""Padding: a border around an array, constant or copied from its inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.windows import Array
from chainrule.symbol import LEVELS, Notation, Style

Widths = tuple[tuple[int, int], ...]

__all__: list[str] = []


def _write_padded(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    widths = ", ".join(style.parameter(pair) for pair in o["widths"])
    value = f", {style.option('value', o['value'])}" if o["value"] else ""
    inner = style.parentheses(f"{o['x']}, {widths}{value}")
    return style.function("pad") + inner, LEVELS["atom"]


def _padded(x: Array, widths: Widths, value: float) -> Array:
    shape = tuple(n + before + after for n, (before, after) in zip(x.shape, widths))
    into, taken = [], []
    for n, (before, after) in zip(x.shape, widths):
        into.append(slice(max(before, 0), None if after <= 0 else -after))
        taken.append(slice(max(-before, 0), n - max(-after, 0)))
    y = np.zeros(shape, x.dtype) if value == 0 else np.full(shape, value, x.dtype)
    if y.size:
        y[tuple(into)] = x[tuple(taken)]
    return y


padded: Operation = define(
    "pad",
    _padded,
    params=("widths", "value"),
    x=lambda g, widths: padded(g, tuple((-before, -after) for before, after in widths), 0.0),
    notation=Notation(custom=_write_padded),
    doc="A constant around an array, so many elements before and after; negative widths cut off.",
)
