"""Adding where indices repeat, on arrays: the work behind the gradient of every selection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.ops.blocks import BLOCK, blocks_of

Array = ndarray[Any, Any]

# From this many numbers on, rows are summed by a sparse matrix product: it runs at the speed of
# memory, `np.add.at` at a few nanoseconds a number.
_MANY = 1 << 15


def rows_summed(rows: Array, positions: Array, count: int) -> Array:
    """Return ``count`` rows, each the sum of the given rows whose position it is.

    Args:
        rows: shape (n, width).
        positions: n integers from 0 to ``count`` − 1, in any order, repeated at will.
        count: how many rows to return.
    """
    n, width = rows.shape
    if _are_many(rows):
        from scipy.sparse import csc_array

        ones = np.ones(n, rows.dtype)
        columns = csc_array((ones, positions, np.arange(n + 1)), shape=(count, n))
        return np.asarray(columns @ rows)
    out = np.zeros((count, width), rows.dtype)
    _add_one_by_one(out, rows, positions)
    return out


def _are_many(rows: Array) -> bool:
    return (
        rows.size >= _MANY
        and rows.shape[1] > 1
        and rows.dtype.kind == "f"
        and rows.dtype.itemsize > 2
    )


def add_rows(out: Array, rows: Array, positions: Array) -> None:
    """Add rows at positions of ``out``, an array in C order, in place."""
    if _are_many(rows):
        different, which = np.unique(positions, return_inverse=True)
        out[different] += rows_summed(rows, which, different.size)
    else:
        _add_one_by_one(out, rows, positions)


def _add_one_by_one(out: Array, rows: Array, positions: Array) -> None:
    width = out.shape[1]
    # Of one-dimensional arrays NumPy adds several times faster.
    if width != 1:
        positions = (positions[:, None] * width + np.arange(width)).reshape(-1)
    np.add.at(out.reshape(-1), positions, rows.reshape(-1))


def wrapped(index: Array, size: int) -> Array:
    """Return an index with its negative numbers counted from the end."""
    return index % size if index.size and index.min() < 0 else index


def scattered(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Return zeros of a shape with ``x`` added at an index that has arrays of integers in it."""
    if x.size == 0:
        return np.zeros(shape, x.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    arrays = all(isinstance(p, ndarray) and p.dtype.kind != "b" for p in parts)
    if arrays:
        # The arrays name places of the leading dimensions, which hold whole rows of the others.
        leading, rest = shape[: len(parts)], shape[len(parts) :]
        places = tuple(wrapped(p, n) for p, n in zip(parts, leading, strict=True))
        at = places[0] if len(places) == 1 else _raveled(places, leading)
        rows = x.reshape(at.size, prod(rest))
        return rows_summed(rows, at.reshape(-1), prod(leading)).reshape(shape)
    *before, last = parts
    in_line = isinstance(last, ndarray) and last.ndim == 1 and last.dtype.kind != "b"
    if in_line and all(isinstance(p, slice) and p == slice(None) for p in before):
        d = len(before)
        turned = list(shape)
        turned[0], turned[d] = turned[d], turned[0]
        return scattered(x.swapaxes(0, d), last, tuple(turned)).swapaxes(0, d)
    at = np.arange(prod(shape)).reshape(shape)[index]
    return rows_summed(x.reshape(-1, 1), at.reshape(-1), prod(shape)).reshape(shape)


def _raveled(places: Sequence[Array], shape: Sequence[int]) -> Array:
    """Return indices of several dimensions as one into all of them in C order."""
    at = places[0]
    for place, n in zip(places[1:], shape[1:], strict=True):
        at = at * n + place
    return at


def places_along(index: Array, dim: int, shape: Sequence[int]) -> Array:
    """Return where ``gather`` and ``scatter`` look, as positions in C order.

    Args:
        index: positions along ``dim``, one for every place; of other dimensions as large as
            ``shape`` or smaller.
        dim: the dimension that is indexed.
        shape: of the array that is looked into.
    """
    step = prod(shape[dim + 1 :])
    at = index if step == 1 else index * step
    for k, n in enumerate(index.shape):
        if k != dim and n > 1:
            step = prod(shape[k + 1 :])
            at = at + (np.arange(n) * step).reshape(-1, *(1,) * (index.ndim - k - 1))
    return at


def summed_at(x: Array, at: Array, shape: tuple[int, ...]) -> Array:
    """Return zeros of a shape with ``x`` added at positions in C order."""
    out = np.zeros(shape, x.dtype)
    np.add.at(out.reshape(-1), at.reshape(-1), x.reshape(-1))
    return out


def blocks_of_places(index: Array, dim: int, shape: Sequence[int]) -> Iterator[tuple[slice, Array]]:
    """Return `places_along` for one block of the leading dimension after the other; not for it."""
    leading = index.shape[0]
    step = prod(shape[1:])
    for block in blocks_of(leading, index.size // leading):
        yield block, places_along(index[block], dim, shape) + np.int64(block.start * step)


def summed_along(x: Array, index: Array, dim: int, shape: tuple[int, ...]) -> Array:
    """Return zeros of a shape with ``x`` added at the places along a dimension of an index."""
    if index.size <= BLOCK or not dim or x.shape != index.shape:
        return summed_at(x, places_along(index, dim, shape), shape)
    out = np.zeros(shape, x.dtype)
    flat = out.reshape(-1)
    for block, places in blocks_of_places(index, dim, shape):
        np.add.at(flat, places.reshape(-1), x[block].reshape(-1))
    return out
