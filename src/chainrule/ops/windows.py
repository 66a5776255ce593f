"""Sliding windows over the last dimensions of an array: where they lie, as views of its memory.

Nothing is differentiated here: convolutions, pooling and `unfold` share these views. An array has
the shape (n, channels, *spatial); the window of an output position covers ``kernel`` elements a
dimension, ``dilation`` apart, and the windows of neighbouring positions begin ``stride`` apart.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy import ndarray

Array = ndarray[Any, Any]
Sizes = tuple[int, ...]

# How many bytes of columns are worked on at once: they are written and read again while they are
# in the second-level cache.
BLOCK = 1 << 19


class Windows:
    """Where the windows of a padded array lie.

    Attributes:
        padded: the spatial sizes with the padding, and with what windows reach beyond it.
        out: how many windows there are, a dimension.
        merged: whether the last two dimensions are walked as one. Windows of stride 1 that follow
            one another do so in memory as well, from one row to the next: positions between the
            end of a row and the start of the next are computed too and then left out, which costs
            less than short rows do.
    """

    __slots__ = ("_steps", "dilation", "kernel", "merged", "out", "padded", "padding", "stride")

    def __init__(
        self,
        size: Sizes,
        kernel: Sizes,
        stride: Sizes,
        padding: Sizes,
        dilation: Sizes,
        ceil_mode: bool = False,
        merge: bool = True,
    ) -> None:
        self.kernel, self.stride, self.padding, self.dilation = kernel, stride, padding, dilation
        reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
        padded, out = [], []
        for n, p, r, s in zip(size, padding, reach, stride):
            free = n + 2 * p - r
            windows = free // s + 1
            # The last window may reach beyond the padding, but must not begin there.
            if ceil_mode and free % s and windows * s < n + p:
                windows += 1
            out.append(windows)
            padded.append(max(n + 2 * p, (windows - 1) * s + r))
        self.padded, self.out = tuple(padded), tuple(out)
        steps = [1]
        for n in reversed(self.padded[1:]):
            steps.append(steps[-1] * n)
        self._steps = tuple(reversed(steps))
        self.merged = False
        if merge and len(size) > 1 and stride[-2:] == (1, 1):
            height, width = self.out[-2:]
            run = (height - 1) * self.padded[-1] + width
            self.merged = run <= 1.4 * height * width

    def positions(self, rows: int) -> Sizes:
        """Return the sizes of the output dimensions as they are walked, for that many rows."""
        if not self.merged:
            return (rows, *self.out[1:])
        out = (rows, *self.out[1:])
        return (*out[:-2], (out[-2] - 1) * self.padded[-1] + out[-1])

    def of(self, xp: Array, first: int = 0, rows: int | None = None) -> Array:
        """Return the windows as a view of shape (n, channels, *kernel, *positions).

        Args:
            xp: padded and contiguous, (n, channels, *padded).
            first: the first row, in the first spatial dimension of the output.
            rows: how many; all if None.
        """
        item = xp.itemsize
        steps = self._steps
        inside = [step * d * item for step, d in zip(steps, self.dilation)]
        between = [step * s * item for step, s in zip(steps, self.stride)]
        if self.merged:
            between[-2:] = [item]
        positions = self.positions(self.out[0] if rows is None else rows)
        return ndarray(
            (*xp.shape[:2], *self.kernel, *positions),
            xp.dtype,
            xp,
            first * steps[0] * self.stride[0] * item,
            (*xp.strides[:2], *inside, *between),
        )

    def seen(self, wide: Array, rows: int) -> Array:
        """Return the output positions among those walked, as a view of shape (n, c, rows, …).

        Args:
            wide: contiguous, (n, c, *positions(rows)).
            rows: of the output.
        """
        if not self.merged:
            return wide
        out = (rows, *self.out[1:])
        item = wide.itemsize
        return ndarray(
            (*wide.shape[:2], *out),
            wide.dtype,
            wide,
            0,
            (*wide.strides[:-1], self.padded[-1] * item, item),
        )

    def offsets(self) -> Iterator[Sizes]:
        """Yield the places inside a window, in order."""
        return np.ndindex(self.kernel)

    def offsets_in_memory(self) -> list[int]:
        """Return how many elements of a padded channel lie between a window's start and each."""
        apart = [step * d for step, d in zip(self._steps, self.dilation)]
        return [sum(k * a for k, a in zip(offset, apart)) for offset in self.offsets()]


@functools.lru_cache(maxsize=1024)
def windows(
    size: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool = False,
    merge: bool = True,
) -> Windows:
    """Return where windows lie; equal arguments share the answer."""
    return Windows(size, kernel, stride, padding, dilation, ceil_mode, merge)


@functools.lru_cache(maxsize=1024)
def blocks(
    lie: Windows, count: int, channels: int, itemsize: int
) -> tuple[int, int, tuple[tuple[int, int, int, int], ...]]:
    """Cut the work into blocks whose columns fit into the cache.

    Returns:
        The most samples and the most rows in a block, and for each block its first sample, the
        sample after its last, its first row and the row after its last.
    """
    rows = lie.out[0]
    in_window = channels * math.prod(lie.kernel) * itemsize
    whole = in_window * math.prod(lie.positions(rows))
    if whole <= BLOCK or rows == 1:
        n = min(count, max(1, BLOCK // max(whole, 1)))
        cut = tuple((k, min(k + n, count), 0, rows) for k in range(0, count, n or 1))
        return n, rows, cut
    r = max(1, min(rows, BLOCK * rows // whole))
    cut = tuple(
        (k, k + 1, first, min(first + r, rows)) for k in range(count) for first in range(0, rows, r)
    )
    return 1, r, cut


def interior(xp: Array, padding: Sizes, size: Sizes) -> Array:
    """Return a view of what is inside the padding."""
    within: tuple[Any, ...] = (..., *(slice(p, p + n) for p, n in zip(padding, size)))
    inside: Array = xp[within]
    return inside


def surrounded(x: Array, lie: Windows, value: float) -> Array:
    """Return an array with its padding, filled with a value; the array itself if there is none."""
    if x.shape[2:] == lie.padded:
        return x
    xp = np.full((*x.shape[:2], *lie.padded), value, x.dtype)
    interior(xp, lie.padding, x.shape[2:])[...] = x
    return xp
