"""Pooling of arrays: the largest element or the sum of every window.

An array has the shape (n, channels, *spatial). What is the same along each dimension (a maximum, a
sum) is worked out one dimension after the other, so that a window of k × k costs 2k operations.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from chainrule.ops.windows import Array, Sizes, Windows, interior, surrounded

# So many windows, or fewer, are done with before branches are mispredicted often.
_FEW = 1 << 11


def _shifted(x: Array, axis: int, lie: Windows, k: int) -> Array:
    """Return the k-th element of every window along a dimension, as a view."""
    d = axis - 2
    start, step = k * lie.dilation[d], lie.stride[d]
    at: tuple[Any, ...] = (
        *(slice(None),) * axis,
        slice(start, start + step * (lie.out[d] - 1) + 1, step),
    )
    shifted: Array = x[at]
    return shifted


def _lowest(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def largest(x: Array, lie: Windows) -> Array:
    """Return the largest element of every window; NaN if there is one."""
    y = surrounded(x, lie, _lowest(x.dtype))
    for axis in range(2, x.ndim):
        count = lie.kernel[axis - 2]
        whole = _shifted(y, axis, lie, 0)
        if count == 1:
            y = whole
            continue
        whole = np.maximum(whole, _shifted(y, axis, lie, 1))
        for k in range(2, count):
            np.maximum(whole, _shifted(y, axis, lie, k), out=whole)
        y = whole
    return np.array(y) if np.may_share_memory(y, x) else y


def where_largest(x: Array, lie: Windows) -> Array:
    """Return where the first of the largest elements of every window is: its position in x.

    Positions count through the spatial dimensions. Of several NaN it is the last, as in PyTorch.
    """
    xp = surrounded(x, lie, _lowest(x.dtype))
    code = _first_largest(xp, lie)
    position = _positions(lie, x.shape[2:])
    index = position[0].take(code)
    index += position[1]
    return index


@functools.lru_cache(maxsize=64)
def _places(lie: Windows) -> tuple[Any, ...]:
    """Return, for each offset, the index of the elements there of all windows."""

    def along(k: int, d: int) -> slice:
        start = k * lie.dilation[d]
        return slice(start, start + lie.stride[d] * (lie.out[d] - 1) + 1, lie.stride[d])

    return tuple((..., *(along(k, d) for d, k in enumerate(o))) for o in lie.offsets())


def _first_largest(xp: Array, lie: Windows) -> Array:
    """Return the number of the offset at which each window has its largest element."""
    places = _places(lie)
    best = xp[places[0]].copy()
    kind = np.uint8 if len(places) <= 256 else np.int64
    code = np.zeros(best.shape, kind)
    few = best.size <= _FEW
    for number, place in enumerate(places[1:], 1):
        candidate = xp[place]
        better = np.greater(candidate, best)
        if few:
            np.putmask(code, better, number)
        else:
            # Numbers grow, so the larger one is the later one; nothing here waits for branches.
            np.maximum(code, np.multiply(better.view(np.uint8), kind(number)), out=code)
        np.maximum(best, candidate, out=best)
    if xp.dtype.kind == "f" and np.isnan(best).any():
        for number, place in enumerate(places):
            np.copyto(code, kind(number), where=np.isnan(xp[place]))
    if any(lie.padding):
        low = best == _lowest(xp.dtype)
        if low.any():
            # Nothing exceeds the padding there: the first element that is not padding is it.
            np.copyto(code, _first_inside(lie).astype(kind), where=low)
    return code


def _first_inside(lie: Windows) -> Array:
    """Return the number of the first offset of each window that is not in the padding."""
    number: Any = 0
    for d, (n, s, p, apart, k) in enumerate(
        zip(lie.out, lie.stride, lie.padding, lie.dilation, lie.kernel)
    ):
        missing = p - np.arange(n) * s
        first = np.maximum(-(-missing // apart), 0)
        number = number * k + first.reshape(-1, *(1,) * (len(lie.out) - d - 1))
    return np.asarray(number)


@functools.lru_cache(maxsize=64)
def _positions(lie: Windows, size: Sizes) -> tuple[Array, Array]:
    """Return the position in an array of each offset, relative to that of each window's start.

    They are shared: not to be changed.
    """
    offsets: Any = 0
    starts: Any = 0
    for d in range(len(size)):
        after = math.prod(size[d + 1 :])
        later = (1,) * (len(size) - d - 1)
        inside = np.arange(lie.kernel[d]) * lie.dilation[d] - lie.padding[d]
        between = np.arange(lie.out[d]) * lie.stride[d]
        offsets = offsets + (inside * after).reshape(-1, *later)
        starts = starts + (between * after).reshape(-1, *later)
    return offsets.reshape(-1), starts


def _whole_index(index: Array, size: int) -> Array:
    """Return positions in a channel as positions in the whole array, flat."""
    rows = index.reshape(math.prod(index.shape[:2]), math.prod(index.shape[2:]))
    return (rows + (np.arange(len(rows)) * size)[:, None]).reshape(-1)


def taken(x: Array, index: Array) -> Array:
    """Return the elements at positions of each channel."""
    found = x.reshape(-1).take(_whole_index(index, math.prod(x.shape[2:])))
    return found.reshape(index.shape)


def scattered(g: Array, index: Array, shape: Sizes) -> Array:
    """Return zeros of a shape with elements added at positions of each channel."""
    out = np.zeros(math.prod(shape), g.dtype)
    np.add.at(out, _whole_index(index, math.prod(shape[2:])), g.reshape(-1))
    return out.reshape(shape)


def replaced(x: Array, index: Array, shape: Sizes) -> Array:
    """Return zeros of a shape with elements at positions of each channel; the last one counts."""
    out = np.zeros(math.prod(shape), x.dtype)
    out[_whole_index(index, math.prod(shape[2:]))] = x.reshape(-1)
    return out.reshape(shape)


# --- Sums -----------------------------------------------------------------------------------------


def _is_whole(lie: Windows, size: Sizes) -> bool:
    """Tell whether one window is the whole input."""
    return lie.kernel == size == lie.padded


def summed(x: Array, lie: Windows) -> Array:
    """Return the sum of every window."""
    if _is_whole(lie, x.shape[2:]):
        sums: Array = np.add.reduce(x.reshape(*x.shape[:2], -1), axis=2, dtype=x.dtype)
        return sums.reshape(*x.shape[:2], *lie.out)
    y = surrounded(x, lie, 0)
    for axis in range(2, x.ndim):
        count = lie.kernel[axis - 2]
        whole = _shifted(y, axis, lie, 0)
        if count == 1:
            y = whole
            continue
        whole = whole + _shifted(y, axis, lie, 1)
        for k in range(2, count):
            whole += _shifted(y, axis, lie, k)
        y = whole
    return np.array(y) if np.may_share_memory(y, x) else y


def spread(g: Array, lie: Windows, shape: Sizes) -> Array:
    """Return zeros of a shape with every element of g added to all of its window."""
    if _is_whole(lie, shape[2:]):
        return np.array(np.broadcast_to(g, shape), order="C")
    for axis in range(g.ndim - 1, 1, -1):
        sizes = list(g.shape)
        sizes[axis] = lie.padded[axis - 2]
        apart = lie.stride[axis - 2] >= lie.kernel[axis - 2]
        wide = np.zeros(sizes, g.dtype)
        for k in range(lie.kernel[axis - 2]):
            part = _shifted(wide, axis, lie, k)
            if apart:
                part[...] = g
            else:
                part += g
        g = wide
    if g.shape == shape:
        return g
    return np.ascontiguousarray(interior(g, lie.padding, shape[2:]))


@functools.lru_cache(maxsize=256)
def counts(lie: Windows, size: Sizes, padding_counts: bool) -> Any:
    """Return how many elements each window has, as a number if it is the same for all.

    What windows reach beyond the padding never counts. They are shared: not to be changed.
    """
    whole: Any = 1
    for d, n in enumerate(size):
        p = lie.padding[d]
        start = np.arange(lie.out[d]) * lie.stride[d] - p
        stop = np.minimum(start + lie.kernel[d], n + p)
        if not padding_counts:
            start, stop = np.maximum(start, 0), np.minimum(stop, n)
        whole = whole * (stop - start).reshape(-1, *(1,) * (len(size) - d - 1))
    first = whole.flat[0]
    return first if (whole == first).all() else whole
