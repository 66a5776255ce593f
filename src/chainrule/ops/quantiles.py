"""Medians, modes and quantiles: elements that their rank or their number picks out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import return_types
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.comparison import isnan, select_where
from chainrule.ops.extrema import pick_and_tell, shared_gradient
from chainrule.ops.indexing import taken_along
from chainrule.ops.shape import normal_dim, permuted, reshaped
from chainrule.ops.sorting import order_along, refuse_empty_dim, sort
from chainrule.ops.spelling import numpy_names
from chainrule.ops.ternary import lerp
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "median",
    "mode",
    "nanmedian",
    "nanquantile",
    "quantile",
]

# --- The table ------------------------------------------------------------------------------------


_EMPTY: dict[Any, int] = {
    np.dtype("int32"): np.iinfo("int32").min,
    np.dtype("int64"): np.iinfo("int64").min,
    np.dtype("bool"): True,
}


def _median_of_all(x: Any, ignoring: bool) -> Any:
    if not x.size:
        # Of nothing: NaN, and for integers what PyTorch's NaN becomes.
        return np.full((), np.nan if x.dtype.kind == "f" else _EMPTY.get(x.dtype, 0), x.dtype)
    row = x.reshape(-1)
    if x.dtype.kind == "f":
        unknown = np.isnan(row)
        if unknown.any():
            if not ignoring or unknown.all():
                return np.full((), np.nan, x.dtype)
            row = row[~unknown]
    middle = (row.size - 1) // 2
    return np.partition(row, middle)[middle]


def _define_median_of_all(name: str, ignoring: bool) -> Operation:
    return define(
        name,
        lambda x: _median_of_all(x, ignoring),
        x=lambda g, x, y: shared_gradient(g, (x == y) | (isnan(x) & isnan(y)), None),
        notation=notation.along(name, dims=()),
        doc="The median of all elements; those equal to it share the gradient.",
    )


median_of_all = _define_median_of_all("median", False)
nanmedian_of_all = _define_median_of_all("nanmedian", True)

# --- Elements that are picked by their index ------------------------------------------------------


def _median_index(x: Any, dim: int, ignoring: bool) -> Any:
    n = x.shape[dim]
    here = (slice(None),) * dim
    unknown = np.isnan(x) if x.dtype.kind == "f" else None
    if unknown is None or not unknown.any():
        middle = (n - 1) // 2
        return np.argpartition(x, middle, axis=dim)[(*here, slice(middle, middle + 1))]
    order = order_along(x, dim)
    known = n - np.add.reduce(unknown, axis=dim, keepdims=True)
    ranks = np.maximum((known - 1) // 2, 0)
    if not ignoring:
        # NaN comes after all others, the first one first.
        ranks = np.where(known < n, known, ranks)
    return taken_along(order, ranks, dim)


def _median(
    name: str,
    input: Tensor,
    dim: Any,
    keepdim: bool,
    over_all: Callable[..., Tensor],
    result: Any,
) -> Any:
    x = input._array
    if dim is None and keepdim:
        raise TypeError(f"{name}(): keepdim needs a dim; to keep all dimensions reshape the result")
    if dim is not None:
        d = normal_dim(name, dim, x.ndim)
        refuse_empty_dim(name, x.shape, d)
    if x.dtype.kind == "b" and x.size:
        raise NotImplementedError(f"{name}() is not implemented for bool; convert with .int()")
    if dim is None:
        return over_all(input)
    if x.ndim == 0:
        return result(input.clone(), attach(np.zeros((), np.int64), None))
    indices = _median_index(x, d, name == "nanmedian")
    return result(*pick_and_tell(input, indices, d, keepdim))


@numpy_names
def median(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the median: of all elements, or along ``dim`` together with its index.

    Of an even number of elements it is the lower of the two in the middle. Without ``dim`` the
    elements equal to it share the gradient. A NaN among the elements is their median.

    >>> import chainrule as cr
    >>> cr.median(cr.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    >>> cr.median(cr.tensor([[4.0, 1.0, 3.0]]), dim=1).indices
    tensor([2])
    """
    return _median("median", input, dim, keepdim, median_of_all, return_types.median)


@numpy_names
def nanmedian(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the median of the elements that are not NaN.

    >>> import chainrule as cr
    >>> cr.nanmedian(cr.tensor([1.0, float("nan"), 3.0, 2.0]))
    tensor(2.)
    """
    return _median("nanmedian", input, dim, keepdim, nanmedian_of_all, return_types.nanmedian)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> return_types.mode:
    """Return the most frequent element along a dimension, and where it occurs last.

    Of several equally frequent ones it is the smallest.

    >>> import chainrule as cr
    >>> cr.mode(cr.tensor([3, 1, 3, 2])).values
    tensor(3)
    """
    x = input._array
    d = normal_dim("mode", dim, x.ndim)
    refuse_empty_dim("mode", x.shape, d)
    if x.ndim == 0:
        return return_types.mode(input.clone(), attach(np.zeros((), np.int64), None))
    order = order_along(x, d)
    ordered = np.moveaxis(np.asarray(taken_along(x, order, d)), d, -1)
    begins = np.ones(ordered.shape, bool)
    np.not_equal(ordered[..., 1:], ordered[..., :-1], out=begins[..., 1:])
    places = np.arange(x.shape[d])
    # How many equal elements there are up to each one: the first that has most ends its run.
    counts = places - np.maximum.accumulate(np.where(begins, places, 0), axis=-1)
    at = np.moveaxis(np.argmax(counts, axis=-1, keepdims=True), -1, d)
    indices = taken_along(order, at, d)
    return return_types.mode(*pick_and_tell(input, indices, d, keepdim))


# --- Quantiles ------------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _checked_quantiles(name: str, input: Tensor, q: Any, interpolation: str) -> Tensor:
    """Return q as a tensor, or raise."""
    x = input._array
    if x.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty, got shape {list(x.shape)}")
    if x.dtype not in (np.dtype("float32"), np.dtype("float64")):
        raise RuntimeError(
            f"{name}() input tensor must be either float or double dtype, got {x.dtype}; convert "
            "with .float()"
        )
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )
    if isinstance(q, int | float):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        return attach(np.array(q, x.dtype), None)
    if not hasattr(q, "_array"):
        raise TypeError(f"{name}() q must be a float or a tensor, not {type(q).__name__}")
    values = q._array
    if values.ndim > 1:
        raise RuntimeError(
            f"{name}() q must be a scalar or 1D tensor, got {values.ndim} dimensions"
        )
    if values.dtype != x.dtype:
        raise RuntimeError(
            f"{name}() q tensor must be same dtype as the input tensor: got {values.dtype} and "
            f"{x.dtype}"
        )
    if not np.all((values >= 0) & (values <= 1)):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1], got {values}")
    quantiles: Tensor = q
    return quantiles


def _quantile(
    name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str
) -> Tensor:
    quantiles = _checked_quantiles(name, input, q, interpolation)
    x = input._array
    if dim is None or x.ndim == 0:
        if dim is not None:
            normal_dim(name, dim, 0)
        rows, rest = reshaped(input, (x.size,)), ()
        kept: tuple[int, ...] = (1,) * x.ndim
    else:
        d = normal_dim(name, dim, x.ndim)
        others = tuple(k for k in range(x.ndim) if k != d)
        rows = permuted(input, (*others, d))
        rest = tuple(x.shape[k] for k in others)
        kept = (*x.shape[:d], 1, *x.shape[d + 1 :])
    ordered = sort(rows, -1).values
    last = ordered._array.shape[-1] - 1
    unknown = np.isnan(ordered._array)
    places = reshaped(quantiles, (quantiles._array.size,))
    if name == "nanquantile":
        known = last - np.add.reduce(unknown, axis=-1, keepdims=True)
        ranks = places * attach(np.maximum(known, 0).astype(x.dtype), None)
    else:
        # A NaN comes last, so the last rank is where to find it.
        ranks = select_where(
            attach(unknown.any(-1, keepdims=True), None), float(last), places * float(last)
        )
    picked = _interpolated(ordered, ranks, interpolation)
    # The quantiles are the result's first dimension, if they have one.
    picked = permuted(picked, (len(rest), *range(len(rest))))
    return reshaped(picked, (*quantiles._array.shape, *(kept if keepdim else rest)))


def _interpolated(ordered: Tensor, ranks: Tensor, interpolation: str) -> Tensor:
    """Return what lies at fractional ranks along the last dimension of ordered rows."""
    rows = ordered._array.shape[:-1]
    exact = np.broadcast_to(ranks._array, (*rows, ranks._array.shape[-1]))

    def at(positions: Any) -> Tensor:
        return taken_along(ordered, positions.astype(np.int64), len(rows))

    if interpolation == "lower":
        return at(np.floor(exact))
    if interpolation == "higher":
        return at(np.ceil(exact))
    if interpolation == "nearest":
        return at(np.rint(exact))
    below, above = at(np.floor(exact)), at(np.ceil(exact))
    if interpolation == "midpoint":
        return lerp(below, above, 0.5)
    return lerp(below, above, ranks - attach(np.floor(exact), None))


@numpy_names
def quantile(
    input: Tensor,
    q: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """Return the quantiles of all elements, or along a dimension.

    Args:
        input: float32 or float64, any shape; a row with a NaN has only NaN for quantiles.
        q: which ones, between 0 and 1: a number, or a tensor of the input's dtype with at most one
            dimension, which becomes the first dimension of the result.
        dim: the dimension to reduce; None for all elements.
        keepdim: keep the reduced dimension with size 1.
        interpolation: what to return between two elements: ``"linear"``, ``"lower"``,
            ``"higher"``, ``"midpoint"`` or ``"nearest"``.

    >>> import chainrule as cr
    >>> cr.quantile(cr.tensor([1.0, 2.0, 3.0, 4.0]), cr.tensor([0.5, 1.0]))
    tensor([2.5000, 4.0000])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@numpy_names
def nanquantile(
    input: Tensor,
    q: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """Return the quantiles of the elements that are not NaN; `quantile` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nanquantile(cr.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)
