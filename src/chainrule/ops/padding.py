"""Padding: a border around an array, constant or copied from its inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.windows import Array
from chainrule.symbol import LEVELS, Notation, Style

Widths = tuple[tuple[int, int], ...]

# --- Constant -------------------------------------------------------------------------------------


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

# --- Copied from the inside -----------------------------------------------------------------------

_NAMES = {"reflect": "reflection", "replicate": "replication", "circular": "circular"}


def _borders(mode: str, n: int, before: int, after: int) -> Iterator[tuple[slice, slice]]:
    """Yield each border of a dimension with what it is a copy of, as slices of the padded array."""
    end = before + n
    if before:
        yield (
            slice(0, before),
            {
                "reflect": slice(2 * before, before, -1),
                "replicate": slice(before, before + 1),
                "circular": slice(n, end),
            }[mode],
        )
    if after:
        last = end - 2 - after
        yield (
            slice(end, end + after),
            {
                "reflect": slice(end - 2, last if last >= 0 else None, -1),
                "replicate": slice(end - 1, end),
                "circular": slice(before, before + after),
            }[mode],
        )


def _at(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)


def _inside(shape: tuple[int, ...], widths: Widths) -> tuple[slice, ...]:
    return tuple(slice(before, n - after) for n, (before, after) in zip(shape, widths))


def _surrounded(x: Array, widths: Widths, mode: str) -> Array:
    y = np.empty([n + before + after for n, (before, after) in zip(x.shape, widths)], x.dtype)
    y[_inside(y.shape, widths)] = x
    for axis, (n, (before, after)) in enumerate(zip(x.shape, widths)):
        for border, source in _borders(mode, n, before, after):
            y[_at(axis, border)] = y[_at(axis, source)]
    return y


def _folded(x: Array, widths: Widths, mode: str) -> Array:
    y = np.array(x)
    for axis in reversed(range(x.ndim)):
        before, after = widths[axis]
        for border, source in _borders(mode, x.shape[axis] - before - after, before, after):
            given = y[_at(axis, border)]
            if mode == "replicate":
                given = np.add.reduce(given, axis=axis, keepdims=True)
            y[_at(axis, source)] += given
    return np.ascontiguousarray(y[_inside(y.shape, widths)])


def _write_copied(suffix: str) -> Notation:
    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        widths = ", ".join(style.parameter(pair) for pair in o["widths"])
        head = style.function(f"{_NAMES[o['mode']]}_{suffix}")
        return head + style.parentheses(f"{o['x']}, {widths}"), LEVELS["atom"]

    return Notation(custom=custom)


surrounded_by_copies: Operation = define(
    "pad_with_copies",
    _surrounded,
    params=("widths", "mode"),
    x=lambda g, widths, mode: folded_in(g, widths, mode),
    notation=_write_copied("pad"),
    doc="A border of copies of the inside: mirrored, of the edge, or as if the array repeated.",
)
folded_in: Operation = define(
    "fold_copies",
    _folded,
    params=("widths", "mode"),
    x=lambda g, widths, mode: surrounded_by_copies(g, widths, mode),
    notation=_write_copied("fold"),
    doc="The transpose of `pad_with_copies`: the border added to what it was copied from.",
)
