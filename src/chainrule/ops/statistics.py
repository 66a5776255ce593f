"""Statistics of samples: spread with its mean, covariance, correlation, histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.arithmetic import clamp
from chainrule.ops.indexing import put_at
from chainrule.ops.linear_algebra import matmul
from chainrule.ops.reductions import average, deviation, spread_arguments, sum, variance
from chainrule.ops.shape import reshaped, squeeze, transposed
from chainrule.ops.spelling import numpy_names
from chainrule.ops.summation import add_up
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "bincount",
    "corrcoef",
    "cov",
    "histc",
    "std_mean",
    "var_mean",
]


@numpy_names
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the variance and the mean; `var` describes the arguments.

    >>> import chainrule as cr
    >>> cr.var_mean(cr.tensor([1.0, 3.0]))
    (tensor(2.), tensor(2.))
    """
    dims, c = spread_arguments("var_mean", input, dim, unbiased, correction)
    return variance(input, dims, c, keepdim), average(input, dims, keepdim)


@numpy_names
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the standard deviation and the mean; `std` describes the arguments.

    >>> import chainrule as cr
    >>> cr.std_mean(cr.tensor([1.0, 3.0]))
    (tensor(1.4142), tensor(2.))
    """
    dims, c = spread_arguments("std_mean", input, dim, unbiased, correction)
    return deviation(input, dims, c, keepdim), average(input, dims, keepdim)


# --- Covariance -----------------------------------------------------------------------------------


def _refuse_weights(name: str, weights: Any, observations: int, whole: bool) -> None:
    kind = "integral" if whole else "floating point"
    w = weights._array
    if w.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} "
            "dimensions"
        )
    if w.dtype.kind not in ("iu" if whole else "f"):
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with {w.dtype} dtype"
        )
    if w.size != observations:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input "
            f"but got {w.size} != {observations}"
        )
    if w.size and w.min() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative, got {w.min()}")


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """Return the covariance matrix of variables, each a row of observations.

    Args:
        input: shape (variables, observations), or (observations,) for a single variable, whose
            variance is returned.
        correction: what is taken off the number of observations that is divided by.
        fweights: how often each observation counts: integers.
        aweights: how much weight each has: floats.

    >>> import chainrule as cr
    >>> cr.cov(cr.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    x = input._array
    if x.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{x.ndim} dimensions"
        )
    if x.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input; convert with .float()")
    rows = input if x.ndim == 2 else reshaped(input, (1, x.size))
    observations = rows._array.shape[1]
    weights: Any = None
    for name, given, whole in (("fweights", fweights, True), ("aweights", aweights, False)):
        if given is not None:
            _refuse_weights(name, given, observations, whole)
            flat = reshaped(given, (observations,))
            weights = flat if weights is None else weights * flat
    if weights is None:
        count: Any = observations
        degrees = count - correction
        mean = sum(rows, 1, True) / attach(np.array(count, np.int64), None)
    else:
        count = sum(weights)
        if observations and count._array == 0:
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = sum(rows * weights, 1, True) / count
        degrees = count - correction
        if aweights is not None and correction != 0:
            own = reshaped(aweights, (observations,))
            degrees = count - correction * sum(weights * own) / count
    # Fewer observations than the correction takes off leave nothing to divide by, as in PyTorch.
    if float(getattr(degrees, "_array", degrees)) <= 0:
        degrees = attach(np.zeros((), np.int64), None)
    centred = rows - mean
    # The first mean is rounded to the size of the values. What it left is taken off too; it is 0
    # but for rounding, and so has no gradient.
    left = centred._array if weights is None else centred._array * weights._array
    total = getattr(count, "_array", count) or 1
    centred = centred - attach(add_up(left, (1,), True) / total, None).to(centred._array.dtype)
    scaled = centred if weights is None else centred * weights
    return squeeze(matmul(centred, transposed(scaled, 0, 1)) / degrees)


def corrcoef(input: Tensor) -> Tensor:
    """Return the matrix of Pearson's correlation coefficients of variables, each a row.

    >>> import chainrule as cr
    >>> cr.corrcoef(cr.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input._array.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input._array.ndim} dimensions"
        )
    covariance = cov(input)
    n = covariance._array.ndim
    if n == 0:
        return covariance / covariance
    every = np.arange(len(covariance._array))
    deviations = covariance[(every, every)].sqrt()
    return clamp(covariance / deviations.unsqueeze(1) / deviations.unsqueeze(0), -1.0, 1.0)


# --- Histograms -----------------------------------------------------------------------------------


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each whole number from 0 on occurs, or the sum of the weights there.

    Args:
        input: whole numbers that are not negative, one dimension.
        weights: what each occurrence counts; it has the gradient.
        minlength: count at least this many numbers.

    >>> import chainrule as cr
    >>> cr.bincount(cr.tensor([1, 2, 2]))
    tensor([0, 1, 2])
    """
    x = input._array
    if x.dtype.kind not in "iu":
        raise NotImplementedError(
            f"bincount() is not implemented for {x.dtype}: it counts integers"
        )
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, got {minlength}")
    if x.ndim != 1 or (x.size and x.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return attach(np.bincount(x.astype(np.int64), minlength=minlength), None)
    if weights._array.shape != x.shape:
        raise RuntimeError(
            "weights should be 1-d and have the same length as input: got shape "
            f"{list(weights._array.shape)} for {len(x)} elements"
        )
    if weights._array.dtype is not dtypes.float32:
        weights = weights.to(dtypes.float64)
    length = max(minlength, int(x.max()) + 1 if x.size else 0)
    return put_at(weights, (x.astype(np.int64),), (length,))


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Return how many elements fall into each of several bins of equal width.

    Elements outside the range, and NaNs, are not counted; the last bin includes its upper end.

    Args:
        input: any shape, of a floating dtype; the counts have it too.
        bins: how many bins there are.
        min: where the first begins.
        max: where the last ends; if it equals ``min``, the range is that of the elements.

    >>> import chainrule as cr
    >>> cr.histc(cr.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    x = input._array
    if x.dtype.kind != "f":
        raise NotImplementedError(
            f"histc() is not implemented for {x.dtype}; convert with .float()"
        )
    if bins <= 0:
        raise RuntimeError(f"histc(): bins must be > 0, but got {bins}")
    low, high = x.dtype.type(min), x.dtype.type(max)
    if low == high and x.size:
        low, high = np.minimum.reduce(x, axis=None), np.maximum.reduce(x, axis=None)
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"histc: range of [{low}, {high}] is not finite; pass min and max")
    if low >= high:
        raise RuntimeError(f"histc: max must be larger than min, got min={min} and max={max}")
    inside = x[(x >= low) & (x <= high)]
    places = ((inside - low) * x.dtype.type(bins) / (high - low)).astype(np.int64)
    counts = np.bincount(np.minimum(places, bins - 1), minlength=bins)
    return attach(counts.astype(x.dtype), None)
