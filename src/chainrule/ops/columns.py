"""Convolution of arrays through columns: the windows of an input, one a column, times the kernels.

The three products of the table (`chainrule.ops.convolution`) on plain arrays. The columns are made
block by block, in a cache-sized buffer, and made again in the backward pass: keeping them would
take as many times the input's memory as a kernel has elements.

Shapes throughout: maps (n, channels, *spatial), kernels (out channels, in channels / groups,
*kernel).

Source: K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for
document processing", 2006, for the columns.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.ops.windows import BLOCK, Array, Sizes, Windows, blocks, interior, windows

_float16, _float32 = np.dtype("float16"), np.dtype("float32")


def _in_single_precision(function: Callable[..., Array]) -> Callable[..., Array]:
    """Let a function of two maps compute in float32 where they are float16."""

    @functools.wraps(function)
    def computing(a: Array, b: Array, *rest: Any) -> Array:
        if a.dtype != _float16:
            return function(a, b, *rest)
        wide = (r.astype(_float32) if isinstance(r, np.ndarray) else r for r in rest)
        y = function(a.astype(_float32), b.astype(_float32), *wide)
        return y.astype(_float16)

    return computing


class _Padded:
    """An input with zeros around it, a few samples at a time."""

    def __init__(self, x: Array, lie: Windows, most: int) -> None:
        self.x = x
        self.here = -1
        self.scratch = None
        if any(lie.padding):
            self.scratch = np.zeros((most, x.shape[1], *lie.padded), x.dtype)
            self.inside = interior(self.scratch, lie.padding, x.shape[2:])
        else:
            self.x = np.ascontiguousarray(x)

    def block(self, start: int, stop: int) -> Array:
        """Return samples, contiguous."""
        if self.scratch is None:
            return self.x[start:stop]
        if self.here != start:
            self.inside[: stop - start] = self.x[start:stop]
            self.here = start
        return self.scratch[: stop - start]


class _Walked:
    """A gradient of the output with zeros at the positions that are walked but not seen."""

    def __init__(self, g: Array, lie: Windows, most: int, rows: int) -> None:
        self.g = g
        self.lie = lie
        self.scratch = None
        if lie.merged and lie.padded[-1] != lie.out[-1]:
            self.scratch = np.zeros((most, g.shape[1], *lie.positions(rows)), g.dtype)

    def block(self, start: int, stop: int, first: int, last: int) -> Array:
        """Return some rows of samples as (n, channels, *positions)."""
        g = self.g[start:stop, :, first:last]
        positions = self.lie.positions(last - first)
        if self.scratch is None:
            return g.reshape(*g.shape[:2], *positions)
        if positions == self.scratch.shape[2:]:
            wide = self.scratch[: stop - start]
        else:
            wide = np.zeros((*g.shape[:2], *positions), g.dtype)
        self.lie.seen(wide, last - first)[...] = g
        return wide


@_in_single_precision
def convolve(
    x: Array,
    w: Array,
    b: Array | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Array:
    """Return the cross-correlation of maps with kernels, plus a bias per channel unless None."""
    count, channels, *size = x.shape
    out_channels, _, *kernel = w.shape
    lie = windows(tuple(size), tuple(kernel), stride, padding, dilation)
    y = np.empty((count, out_channels, *lie.out), x.dtype)
    if not y.size:
        return y
    in_window = w.size // out_channels
    matrix = w.reshape(groups, out_channels // groups, in_window)
    if b is not None:
        b = b.reshape(-1, *(1,) * len(kernel))
    most, _, cut = blocks(lie, count, channels, x.itemsize)
    padded = _Padded(x, lie, most)
    for start, stop, first, last in cut:
        rows = last - first
        positions = lie.positions(rows)
        columns = lie.of(padded.block(start, stop), first, rows).reshape(
            stop - start, groups, in_window, -1
        )
        into = y[start:stop, :, first:last]
        if rows == lie.out[0] and math.prod(positions) == math.prod(lie.out):
            whole = into.reshape(stop - start, groups, -1, columns.shape[-1])
            np.matmul(matrix, columns, out=whole)
            if b is not None:
                into += b
            continue
        wide = np.matmul(matrix, columns).reshape(stop - start, out_channels, *positions)
        if b is None:
            into[...] = lie.seen(wide, rows)
        else:
            np.add(lie.seen(wide, rows), b, out=into)
    return y


@_in_single_precision
def spread(
    g: Array,
    w: Array,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    shape: Sizes,
) -> Array:
    """Return maps of a shape with every kernel, times its element of g, added at its window."""
    count, channels, *size = shape
    out_channels, _, *kernel = w.shape
    reached = tuple(
        n - 2 * p + d * (k - 1) for n, k, p, d in zip(g.shape[2:], kernel, padding, dilation)
    )
    if not (g.size and w.size):
        return np.zeros(shape, g.dtype)
    lie = windows(tuple(size), tuple(kernel), stride, padding, dilation)
    if max(stride) == 1:
        if reached == tuple(size) and 2 * out_channels <= 3 * channels:
            return _correlated(g, w, padding, dilation, groups)
        if _runs_pay(lie, channels * g.itemsize) and np.isfinite(w).all():
            return _spread_in_runs(g, w, lie, padding, groups, shape)
    in_window = w.size // out_channels if out_channels else 0
    matrix = w.reshape(groups, out_channels // groups, in_window).swapaxes(1, 2)
    x = np.empty(shape, g.dtype)
    most, rows, cut = blocks(lie, count, channels, g.itemsize)
    walked = _Walked(g, lie, most, rows)
    scratch = np.empty((most, channels, *lie.padded), g.dtype) if any(padding) else None
    for start, stop, first, last in cut:
        given = walked.block(start, stop, first, last)
        columns = np.matmul(matrix, given.reshape(stop - start, groups, out_channels // groups, -1))
        into = x[start:stop] if scratch is None else scratch[: stop - start]
        if first == 0:
            into[...] = 0
        add_columns(into, columns, lie, first, last - first)
        if scratch is not None and last == lie.out[0]:
            x[start:stop] = interior(into, padding, tuple(size))
    return x


def _runs_pay(lie: Windows, itemsize: int) -> bool:
    """Tell whether `_spread_in_runs` computes and holds little that it does not need."""
    inside, plane = math.prod(lie.kernel), math.prod(lie.padded)
    little = inside * plane * itemsize <= 4 * BLOCK
    return little and inside > 1 and plane <= 4 * math.prod(lie.out)


def _spread_in_runs(
    g: Array, w: Array, lie: Windows, padding: Sizes, groups: int, shape: Sizes
) -> Array:
    """Do what `spread` does for stride 1 and finite kernels, with long additions.

    With g laid out as the padded input is, zeros where no window begins, what an element of the
    kernels adds to all channels and positions is one run of memory, some places further on. What
    goes beyond a row, or a channel, is zero.
    """
    count, channels, *size = shape
    out_channels, depth, *kernel = w.shape
    inside, plane = math.prod(kernel), math.prod(lie.padded)
    run = depth * plane
    # Rows by element of the kernel, then by channel.
    turned = w.reshape(groups, out_channels // groups, depth, inside).transpose(0, 3, 2, 1)
    matrix = turned.reshape(groups, inside * depth, out_channels // groups)
    most = min(count, max(1, BLOCK // (channels * inside * plane * g.itemsize)))
    wide = np.zeros((most, out_channels, *lie.padded), g.dtype)
    begun = interior(wide, (0,) * len(size), lie.out)
    columns = np.empty((most, groups, inside * depth, plane), g.dtype)
    padded = tuple(size) != lie.padded
    x = np.empty(shape, g.dtype)
    scratch = np.empty((most, channels, *lie.padded), g.dtype) if padded else None
    steps = lie.offsets_in_memory()
    for start in range(0, count, most):
        n = min(most, count - start)
        begun[:n] = g[start : start + n]
        given = wide[:n].reshape(n, groups, out_channels // groups, plane)
        np.matmul(matrix, given, out=columns[:n])
        parts = columns[:n].reshape(n, groups, inside, run)
        into = x[start : start + n] if scratch is None else scratch[:n]
        total = into.reshape(n, groups, run)
        total[...] = parts[:, :, 0]
        for k, step in enumerate(steps[1:], 1):
            place = total[:, :, step:]
            place += parts[:, :, k, : run - step]
        if scratch is not None:
            x[start : start + n] = interior(into, padding, tuple(size))
    return x


def _correlated(g: Array, w: Array, padding: Sizes, dilation: Sizes, groups: int) -> Array:
    """Do what `spread` does for stride 1: correlate g with the kernels turned around."""
    out_channels, depth, *kernel = w.shape
    around = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding)]
    if min(around) < 0:
        cut = [max(-n, 0) for n in around]
        within: tuple[Any, ...] = tuple(slice(c, n - c) for c, n in zip(cut, g.shape[2:]))
        g = g[(..., *within)]
        around = [max(n, 0) for n in around]
    turned = w.reshape(groups, out_channels // groups, depth, *kernel)
    turned = (
        np.flip(turned, tuple(range(3, turned.ndim)))
        .swapaxes(1, 2)
        .reshape(groups * depth, out_channels // groups, *kernel)
    )
    return convolve(g, turned, None, (1,) * len(kernel), tuple(around), dilation, groups)


def add_columns(xp: Array, columns: Array, lie: Windows, first: int, rows: int) -> None:
    """Add columns back to the places of a padded array that they were taken from."""
    view = lie.of(xp, first, rows)
    columns = columns.reshape(view.shape)
    for offset in lie.offsets():
        at: Any = (slice(None), slice(None), *offset)
        place = view[at]
        place += columns[at]


@_in_single_precision
def correlate_windows(
    x: Array,
    g: Array,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    shape: Sizes,
) -> Array:
    """Return, for every element of a kernel of a shape, the sum of what it met times g."""
    count, channels, *size = x.shape
    out_channels, depth, *kernel = shape
    lie = windows(tuple(size), tuple(kernel), stride, padding, dilation)
    in_window = depth * math.prod(kernel)
    total = np.zeros((groups, in_window, out_channels // groups), x.dtype)
    if not g.size:
        return total.reshape(shape)
    most, rows, cut = blocks(lie, count, channels, x.itemsize)
    padded = _Padded(x, lie, most)
    walked = _Walked(g, lie, most, rows)
    for start, stop, first, last in cut:
        n = stop - start
        columns = lie.of(padded.block(start, stop), first, last - first).reshape(
            n, groups, in_window, -1
        )
        given = walked.block(start, stop, first, last)
        given = given.reshape(n, groups, out_channels // groups, -1).swapaxes(2, 3)
        total += np.add.reduce(np.matmul(columns, given), axis=0)
    return total.swapaxes(1, 2).reshape(shape)
