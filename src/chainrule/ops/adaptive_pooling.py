"""Adaptive and fractional pooling: the output's size is given, and windows follow from it.

The adaptive window of position i of n elements pooled to m reaches from ⌊i · n / m⌋ to
⌈(i + 1) · n / m⌉. Where m divides n these are windows of n / m elements side by side, and the
operations are those of `chainrule.ops.pooling`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.pooling import avg_pool, max_pool, max_pool_indices, taken
from chainrule.ops.shape import inserted, squeezed
from chainrule.ops.windows import Array, Sizes
from chainrule.primitive import attach
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
]

_float16, _float32 = np.dtype("float16"), np.dtype("float32")


def window_bounds(n: int, m: int) -> list[tuple[int, int]]:
    """Return the first element, and the one after the last, of each window of n pooled to m."""
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def _at(axis: int, part: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * axis, part)


def _averaged(x: Array, out: Sizes) -> Array:
    y = x.astype(_float32) if x.dtype == _float16 else x
    for axis, m in enumerate(out, 2):
        given = y
        y = np.empty((*given.shape[:axis], m, *given.shape[axis + 1 :]), given.dtype)
        for i, (start, stop) in enumerate(window_bounds(given.shape[axis], m)):
            window = given[_at(axis, slice(start, stop))]
            y[_at(axis, i)] = np.add.reduce(window, axis=axis) / (stop - start)
    return y if y.dtype is x.dtype else y.astype(x.dtype)


def _spread(x: Array, shape: Sizes) -> Array:
    y = x
    for axis in range(x.ndim - 1, 1, -1):
        given, n = y, shape[axis]
        y = np.zeros((*given.shape[:axis], n, *given.shape[axis + 1 :]), given.dtype)
        for i, (start, stop) in enumerate(window_bounds(n, given.shape[axis])):
            y[_at(axis, slice(start, stop))] += given[_at(axis, slice(i, i + 1))] / (stop - start)
    return y


def _notation(name: str, param: str) -> Notation:
    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        dims = len(o[param]) - (2 if param == "shape" else 0)
        inner = style.parentheses(f"{o['x']}, {style.parameter(o[param])}")
        return style.function(name.format(dims)) + inner, LEVELS["atom"]

    return Notation(custom=custom)


adaptive_avg_pool: Operation = define(
    "adaptive_avg_pool",
    _averaged,
    params=("out",),
    x=lambda g, x_shape: adaptive_avg_unpool(g, x_shape),
    notation=_notation("adaptive_avg_pool{}d", "out"),
    doc="The mean of every adaptive window.",
)
adaptive_avg_unpool: Operation = define(
    "adaptive_avg_unpool",
    _spread,
    params=("shape",),
    x=lambda g, x_shape: adaptive_avg_pool(g, tuple(x_shape[2:])),
    notation=_notation("adaptive_avg_unpool{}d", "shape"),
    doc="The transpose of `adaptive_avg_pool`: each mean's equal shares, added to its window.",
)

# --- PyTorch's functions --------------------------------------------------------------------------


def _out_size(name: str, input: Tensor, output_size: Any) -> Sizes:
    """Return the output's size a dimension, or raise PyTorch's error."""
    count, shape = int(name[-2]), input._array.shape
    several = isinstance(output_size, Sequence)
    given = tuple(output_size) if several else (output_size,) * count
    if len(given) != count and not (several and count == 1 == len(given)):
        raise RuntimeError(
            f"{name}: output_size must be {count} integers, or one for all, got {output_size}"
        )
    if len(shape) not in (count + 1, count + 2):
        raise RuntimeError(
            f"{name}(): Expected {count + 1}D or {count + 2}D tensor, but got {list(shape)}: "
            "(n, channels, *spatial) or (channels, *spatial)"
        )
    first = 1 if len(shape) == count + 2 else 0
    for d in range(first if "max" in name else first + 1, len(shape)):
        if shape[d] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"input has sizes {list(shape)} with dimension {d} being empty"
            )
    if count == 1 and None in given:
        raise TypeError(f"{name}(): argument 'output_size' must be an int, not None")
    try:
        out = tuple(n if m is None else operator.index(m) for n, m in zip(shape[-count:], given))
    except TypeError:
        raise TypeError(
            f"{name}(): argument 'output_size' must be a tuple of ints, not {output_size!r}"
        ) from None
    if min(out) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{list(out)}"
        )
    dtype = input._array.dtype
    if dtype.kind != "f":
        raise NotImplementedError(f'"{name}" not implemented for {dtype}; convert with .float()')
    return out


def _windows_side_by_side(size: Sizes, out: Sizes) -> tuple[Any, ...] | None:
    """Return the parameters of a pooling that does the same, or None if windows overlap."""
    if any(m == 0 or n % m for n, m in zip(size, out)):
        return None
    kernel = tuple(n // m for n, m in zip(size, out))
    return kernel, kernel, (0,) * len(size)


def adaptive_mean(name: str, input: Tensor, output_size: Any) -> Tensor:
    """Return the means of an adaptive pooling named after PyTorch's function."""
    out = _out_size(name, input, output_size)
    unbatched = input._array.ndim == len(out) + 1
    if unbatched:
        input = inserted(input, (0,))
    pooling = _windows_side_by_side(input._array.shape[2:], out)
    if pooling is not None:
        y = avg_pool(input, *pooling, False, True, None)
    else:
        y = adaptive_avg_pool(input, out)
    return squeezed(y, (0,)) if unbatched else y


def largest_of(window: Array) -> Array:
    """Return where the first largest element, or the last NaN, is in the last dimension."""
    at: Array = window.argmax(-1)
    nan = np.isnan(window)
    if nan.any():
        last = window.shape[-1] - 1 - nan[..., ::-1].argmax(-1)
        at = np.where(nan.any(-1), last, at)
    return at


def _positions_of_largest(x: Array, out: Sizes) -> Array:
    """Return the position in its channel of the largest element of every adaptive window."""
    size = x.shape[2:]
    index = np.empty((*x.shape[:2], *out), np.int64)
    places = np.arange(math.prod(size)).reshape(size)
    for at in product(*(enumerate(window_bounds(n, m)) for n, m in zip(size, out))):
        window: Any = tuple(slice(start, stop) for _, (start, stop) in at)
        found = places[window].reshape(-1)
        elements = x[(..., *window)].reshape(*x.shape[:2], len(found))
        here: Any = (..., *(i for i, _ in at))
        index[here] = found[largest_of(elements)]
    return index


def adaptive_maximum(name: str, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    """Return the maxima of an adaptive pooling, with where they are if asked for."""
    out = _out_size(name, input, output_size)
    unbatched = input._array.ndim == len(out) + 1
    if unbatched:
        input = inserted(input, (0,))
    pooling = _windows_side_by_side(input._array.shape[2:], out)
    if pooling is not None:
        params = (*pooling, (1,) * len(out), False)
        if not return_indices:
            y = max_pool(input, *params)
            return squeezed(y, (0,)) if unbatched else y
        index = max_pool_indices(input.detach(), *params)._array
    else:
        index = _positions_of_largest(input._array, out)
    y = taken(input, index, len(out))
    if not return_indices:
        return squeezed(y, (0,)) if unbatched else y
    # The caller may change the indices; the graph keeps its own.
    where = attach(np.array(index), None)
    return (squeezed(y, (0,)), squeezed(where, (0,))) if unbatched else (y, where)


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """Return means of sequences (n, channels, L), so many as are asked for.

    Raises:
        RuntimeError: if the input is not (n, channels, L) or (channels, L).

    >>> import chainrule as cr
    >>> cr.adaptive_avg_pool1d(cr.tensor([[1.0, 3.0, 2.0]]), 2)
    tensor([[2.0000, 2.5000]])
    """
    return adaptive_mean("adaptive_avg_pool1d", input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: int | Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return maxima of sequences (n, channels, L), so many as are asked for, and where they are.

    `chainrule.nn.functional.adaptive_max_pool1d` returns the maxima alone.

    >>> import chainrule as cr
    >>> values, indices = cr.adaptive_max_pool1d(cr.tensor([[1.0, 3.0, 2.0]]), 2)
    >>> indices
    tensor([[1, 1]])
    """
    found: tuple[Tensor, Tensor] = adaptive_maximum("adaptive_max_pool1d", input, output_size, True)
    return found


# --- Fractional windows ---------------------------------------------------------------------------


def fractional_positions(x: Array, samples: Array, kernel: Sizes, out: Sizes) -> Array:
    """Return the position of the largest element of every window of a fractional pooling.

    Args:
        x: (n, channels, *spatial).
        samples: (n, channels, dimensions) between 0 and 1: where the sequence of windows of each
            dimension begins.
        kernel: the size of the windows.
        out: how many there are.

    Source: B. Graham, "Fractional max-pooling", 2014.
    """
    size = x.shape[2:]
    places: Any = 0
    for d, (n, k, m) in enumerate(zip(size, kernel, out)):
        start = np.full((*x.shape[:2], m), n - k)
        if m > 1:
            step = samples.dtype.type((n - k) / (m - 1))
            u = samples[..., d, None]
            i = np.arange(m - 1, dtype=samples.dtype)
            start[..., :-1] = ((i + u) * step).astype(np.int64) - (u * step).astype(np.int64)
        inside = start[..., None] + np.arange(k)
        ones = [1] * (2 * len(size))
        ones[d], ones[len(size) + d] = m, k
        after = math.prod(size[d + 1 :])
        places = places + inside.reshape(*x.shape[:2], *ones) * after
    places = places.reshape(*x.shape[:2], *out, -1)
    rows = x.reshape(*x.shape[:2], -1)
    elements = np.take_along_axis(rows, places.reshape(*x.shape[:2], -1), 2).reshape(places.shape)
    found: Array = np.take_along_axis(places, largest_of(elements)[..., None], -1)[..., 0]
    return found
