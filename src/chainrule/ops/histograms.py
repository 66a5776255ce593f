"""How many elements fall into each of several bins, with the bins' edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.ops.ranges import _evenly_spaced
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["histogram"]


def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogram:
    """Return how many elements fall into each bin, and the edges of the bins.

    A bin includes its left edge, the last one both; elements outside of all count nowhere.

    Args:
        input: elements of any shape.
        bins: the number of bins of equal width, or a one-dimensional tensor of ascending edges.
        range: the first and last edge, for a number of bins; by default the smallest and the
            largest element.
        weight: what each element counts, of the shape and dtype of ``input``; 1 if None.
        density: divide by the total and by the widths, so that the area is 1.

    Raises:
        NotImplementedError: for integers.
        RuntimeError: for edges, a range or weights that do not fit.

    >>> import chainrule as cr
    >>> cr.histogram(cr.tensor([1.0, 2.0, 1.0]), 2, range=(0.0, 3.0)).hist
    tensor([2., 1.])
    """
    x = input._array
    if x.dtype.kind != "f":
        raise NotImplementedError(
            f"histogram is not implemented for {x.dtype}: convert with .float(), or use "
            "cr.bincount for integers"
        )
    if weight is not None and (weight._array.shape != x.shape or weight._array.dtype != x.dtype):
        raise RuntimeError(
            "histogram: if weight is given it must have the shape and dtype of input, got "
            f"{list(weight.shape)} of {weight.dtype} for {list(x.shape)} of {x.dtype}"
        )
    values = x.reshape(-1)
    weights = None if weight is None else weight._array.reshape(-1)
    if hasattr(bins, "_array"):
        edges = bins._array
        if edges.ndim != 1 or not edges.size or edges.dtype != x.dtype:
            raise RuntimeError(
                "histogram: bins must be a number, or a one-dimensional tensor of edges of the "
                f"dtype of input ({x.dtype}), got shape {list(edges.shape)} of {edges.dtype}"
            )
        if range is not None:
            raise TypeError("histogram: range belongs to a number of bins, not to given edges")
    else:
        edges = _equal_bins(values, bins, range)
    inside = (values >= edges[0]) & (values <= edges[-1])
    at = np.searchsorted(edges, values[inside], side="right") - 1
    count = len(edges) - 1
    at = np.minimum(at, count - 1)
    found = np.bincount(at, None if weights is None else weights[inside], count)
    hist = found[:count].astype(x.dtype)
    if density:
        hist = hist / (hist.sum() * np.diff(edges))
    return return_types.histogram(attach(hist, None), attach(edges, None))


def _equal_bins(values: Any, bins: int, range: tuple[float, float] | None) -> Any:
    if bins < 1:
        raise RuntimeError(f"histogram: bins must be > 0, but got {bins}")
    if range is not None:
        first, last = map(float, range)
    elif values.size:
        first, last = float(values.min()), float(values.max())
    else:
        first, last = 0.0, 1.0
    if not (np.isfinite(first) and np.isfinite(last)):
        raise RuntimeError(f"histogram: range of [{first}, {last}] is not finite")
    if first > last:
        raise RuntimeError(
            f"histogram: the first edge ({first}) must not be larger than the last ({last})"
        )
    if first == last:
        first, last = first - 0.5, last + 0.5
    return _evenly_spaced("histogram", first, last, bins + 1, values.dtype)
