"""Reductions: sums, means, variances, extrema, over all or some dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.comparison import filled_where
from chainrule.ops.shape import broadcast, normal_dim
from chainrule.ops.spelling import numpy_names
from chainrule.ops.summation import WIDER, add_up
from chainrule.primitive import attach
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "mean",
    "nanmean",
    "nansum",
    "std",
    "sum",
    "var",
]

Dims = tuple[int, ...] | None


def normal_dims(name: str, dim: Any, ndim: int) -> Dims:
    """Return the dimensions of a reduction as a sorted tuple, None for all."""
    if dim is None:
        return None
    if not isinstance(dim, Sequence):
        d = normal_dim(name, dim, ndim)
        # A 0-d tensor accepts dim 0 or -1 as the whole, as in PyTorch.
        return (d,) if ndim else None
    if len(dim) == 0:
        return None
    dims = tuple(sorted(normal_dim(name, d, ndim) for d in dim))
    if len(set(dims)) != len(dims):
        raise RuntimeError(
            f"dim {dims[0]} appears multiple times in the list of dims {dim} of {name}"
        )
    return dims if ndim else None


def restore_dims(x: Any, dims: Dims) -> Any:
    """Give a reduced value its dimensions back, with size 1."""
    from chainrule.ops.shape import inserted

    return x if dims is None else inserted(x, dims)


def restored(x: Any, dims: Dims, keepdim: bool) -> Any:
    """Give a reduced value its dimensions back unless it kept them."""
    return x if keepdim else restore_dims(x, dims)


def count_of(shape: Sequence[int], dims: Dims) -> int:
    """Return how many elements are reduced to one."""
    count = 1
    for d, n in enumerate(shape):
        if dims is None or d in dims:
            count *= n
    return count


def _spread(g: Any, shape: Any, dims: Dims, keepdim: bool) -> Any:
    """Broadcast the gradient of a reduction back over what was reduced."""
    if not keepdim and dims is not None and len(dims) < len(shape):
        g = restore_dims(g, dims)
    return broadcast(g, shape)


# --- The table ------------------------------------------------------------------------------------

total: Operation = define(
    "sum",
    add_up,
    params=("dim", "keepdim"),
    x=lambda g, x_shape, dim, keepdim: _spread(g, x_shape, dim, keepdim),
    notation=notation.reduction("sum", "Σ", r"\operatorname{sum}", r"{\textstyle\sum}"),
    doc="Sum over dimensions.",
)


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    extra = x.ndim - len(shape)
    dims = tuple(range(extra)) + tuple(
        d + extra for d, n in enumerate(shape) if n == 1 and x.shape[d + extra] != 1
    )
    y = add_up(x, dims, True) if dims else x
    return y.reshape(shape) if extra else y


sum_to: Operation = define(
    "sum_to",
    _sum_to,
    params=("shape",),
    x=lambda g, x_shape: broadcast(g, x_shape),
    doc="Undo broadcasting: sum over the dimensions along which a value of this shape was spread.",
)


def _mean(x: Any, dim: Dims, keepdim: bool) -> Any:
    count = count_of(x.shape, dim)
    if count == 0:
        return np.full(add_up(x, dim, keepdim).shape, np.nan, x.dtype)
    if x.dtype == np.float16:
        return (add_up(x.astype(np.float32), dim, keepdim) / count).astype(x.dtype)
    return add_up(x, dim, keepdim) / count


average: Operation = define(
    "mean",
    _mean,
    params=("dim", "keepdim"),
    x=lambda g, x_shape, dim, keepdim: _spread(
        g / (count_of(x_shape, dim) or 1), x_shape, dim, keepdim
    ),
    notation=notation.reduction("mean", "Mean", r"\operatorname{mean}", r"\operatorname{Mean}"),
    doc="Mean over dimensions.",
)


def _var(x: Any, dim: Dims, correction: float, keepdim: bool) -> Any:
    count = count_of(x.shape, dim)
    if count == 0:
        return np.full(add_up(x, dim, keepdim).shape, np.nan, x.dtype)
    wide = x.astype(WIDER.get(x.dtype, x.dtype), copy=False)
    centred = wide - add_up(wide, dim, True) / count
    # The first mean is rounded to the size of the values, the second to that of their spread: so a
    # large mean costs no accuracy and equal values have variance 0.
    centred -= add_up(centred, dim, True) / count
    centred *= centred
    squares = add_up(centred, dim, keepdim)
    degrees = count - correction
    with np.errstate(divide="ignore", invalid="ignore"):
        y = squares / wide.dtype.type(degrees if degrees > 0 else 0)
    return np.asarray(y, x.dtype)


def _factor(shape: Any, dim: Dims, correction: float) -> float:
    """Return 1 / (n − correction)."""
    degrees = count_of(shape, dim) - correction
    return 1 / degrees if degrees else float("inf")


def _spread_notation(name: str) -> Notation:
    """Write a variance with its dimensions as an index, and its correction unless that is 1."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        head = name.capitalize() if o["keepdim"] else name
        c = o["correction"]
        tail = "" if c == 1 else f", {style.option('correction', c)}"
        inner = style.parentheses(f"{o['x']}{tail}")
        return f"{style.function(head)}{style.indices(o['dim'])}{inner}", LEVELS["atom"]

    return Notation(custom=custom)


variance: Operation = define(
    "var",
    _var,
    params=("dim", "correction", "keepdim"),
    x=lambda g, x, x_shape, dim, correction, keepdim: (
        (2 * _factor(x_shape, dim, correction))
        * (restored(g, dim, keepdim) * (x - average(x, dim, True)))
    ),
    floating=True,
    notation=_spread_notation("var"),
    doc="Variance over dimensions.",
)


def _std_gradient(
    g: Any, x: Any, y: Any, x_shape: Any, dim: Dims, correction: float, keepdim: bool
) -> Any:
    # Where all values are equal the derivative does not exist; PyTorch takes 0 there.
    upstream = filled_where(g / y, y == 0, 0.0)
    return _factor(x_shape, dim, correction) * (
        restored(upstream, dim, keepdim) * (x - average(x, dim, True))
    )


deviation: Operation = define(
    "std",
    lambda x, dim, correction, keepdim: np.sqrt(_var(x, dim, correction, keepdim)),
    params=("dim", "correction", "keepdim"),
    x=_std_gradient,
    floating=True,
    notation=_spread_notation("std"),
    doc="Standard deviation over dimensions.",
)


# --- PyTorch's signatures -------------------------------------------------------------------------


@numpy_names
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum over all elements or over dimensions.

    Args:
        input: any shape; integers and bools are summed as int64.
        dim: a dimension or several; None for all.
        keepdim: keep the reduced dimensions with size 1.
        dtype: convert to it before summing.

    >>> import chainrule as cr
    >>> cr.sum(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])
    """
    if dtype is not None:
        input = input.to(dtype)
    elif input._array.dtype.kind != "f":
        input = input.to(dtypes.int64)
    dims = None if dim is None else normal_dims("sum", dim, input._array.ndim)
    result = total(input, dims, keepdim)
    # NumPy sums small integers as int64.
    return result if dtype is None else result.to(dtype)


@numpy_names
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean over all elements or over dimensions.

    >>> import chainrule as cr
    >>> cr.mean(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(2.5000)
    """
    if dtype is not None:
        input = input.to(dtype)
    if input._array.dtype.kind != "f":
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be a floating point dtype, "
            f"got {input._array.dtype}; convert with .float() or pass dtype="
        )
    dims = None if dim is None else normal_dims("mean", dim, input._array.ndim)
    return average(input, dims, keepdim)


@numpy_names
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum of the elements that are not NaN, 0 if there are none.

    >>> import chainrule as cr
    >>> cr.nansum(cr.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    return sum(_without_nan(input), dim, keepdim, dtype=dtype)


def _without_nan(input: Tensor) -> Tensor:
    if input._array.dtype.kind != "f":
        return input
    return filled_where(input, attach(np.isnan(input._array), None), 0.0)


@numpy_names
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean of the elements that are not NaN, NaN if there are none.

    >>> import chainrule as cr
    >>> cr.nanmean(cr.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    x = input._array
    if x.dtype.kind != "f":
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{x.dtype}; convert with .float()"
        )
    known = attach(~np.isnan(x), None)
    return nansum(input, dim, keepdim, dtype=dtype) / sum(known, dim, keepdim)


@numpy_names
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """Return how many elements are not zero, in all or over dimensions.

    >>> import chainrule as cr
    >>> cr.count_nonzero(cr.tensor([[0.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([1, 2])
    """
    x = input._array
    dims = normal_dims("count_nonzero", dim, x.ndim)
    return attach(np.asarray(np.count_nonzero(x, axis=dims), np.int64), None)


def _correction(unbiased: bool | None, correction: float | None) -> float:
    if unbiased is not None and correction is not None:
        raise TypeError("pass unbiased= or correction=, not both")
    if correction is not None:
        return correction
    return 1 if unbiased is None or unbiased else 0


def spread_arguments(
    name: str, input: Tensor, dim: Any, unbiased: bool | None, correction: float | None
) -> tuple[Dims, float]:
    """Return the dimensions and the correction of a variance from its many ways to say them."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if input._array.dtype.kind != "f":
        raise RuntimeError(
            f"std and var only support floating point and complex dtypes: {name} got "
            f"{input._array.dtype}; convert with .float()"
        )
    return normal_dims(name, dim, input._array.ndim), _correction(unbiased, correction)


@numpy_names
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Return the variance; divided by n − 1 unless ``correction`` (or ``unbiased``) says else.

    >>> import chainrule as cr
    >>> cr.var(cr.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
    tensor(1.2500)
    """
    dims, c = spread_arguments("var", input, dim, unbiased, correction)
    return variance(input, dims, c, keepdim)


@numpy_names
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Return the standard deviation, the square root of `var`.

    >>> import chainrule as cr
    >>> cr.std(cr.tensor([1.0, 3.0]))
    tensor(1.4142)
    """
    dims, c = spread_arguments("std", input, dim, unbiased, correction)
    return deviation(input, dims, c, keepdim)


@numpy_names
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Tell whether all elements are true (nonzero).

    >>> import chainrule as cr
    >>> cr.all(cr.tensor([True, False]))
    tensor(False)
    """
    return _truth("all", np.all, input, dim, keepdim)


@numpy_names
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Tell whether any element is true (nonzero).

    >>> import chainrule as cr
    >>> cr.any(cr.tensor([True, False]))
    tensor(True)
    """
    return _truth("any", np.any, input, dim, keepdim)


def _truth(name: str, reduce: Callable[..., Any], input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    x = input._array
    # Unlike the other reductions, no dimensions named means none here; and uint8 stays uint8, the
    # dtype that masks had before bool.
    none = isinstance(dim, Sequence) and not dim
    dims = () if none else normal_dims(name, dim, x.ndim)
    y = np.asarray(reduce(x, axis=dims, keepdims=keepdim))
    return attach(y.astype(np.uint8) if x.dtype == np.uint8 else y, None)
