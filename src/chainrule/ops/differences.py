"""Differences, and the integrals and derivatives of samples that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.assembly import cat
from chainrule.ops.comparison import logical_xor
from chainrule.ops.reductions import sum
from chainrule.ops.scans import cumsum
from chainrule.ops.shape import normal_dim, reshaped, squeeze
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "cumulative_trapezoid",
    "diff",
    "gradient",
    "trapezoid",
    "trapz",
]


def _along(dim: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    return (*(slice(None),) * dim, slice(start, stop))


def _neighbours(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return all elements but the last along a dimension, and all but the first."""
    return x[_along(dim, None, -1)], x[_along(dim, 1, None)]


@numpy_names
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """Return the n-th differences of neighbours along a dimension.

    Args:
        input: at least one dimension; bools are told apart rather than subtracted.
        n: how often to take differences.
        dim: the dimension to go along.
        prepend: what to put in front first.
        append: what to put behind first.

    >>> import chainrule as cr
    >>> cr.diff(cr.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    x = input._array
    if x.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional; it is 0-d")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = normal_dim("diff", dim, x.ndim)
    for other in (prepend, append):
        if other is not None:
            _refuse_unlike(x.shape, other._array.shape, d)
    if n == 0:
        return input.clone()
    if prepend is not None or append is not None:
        input = cat([part for part in (prepend, input, append) if part is not None], d)
    for _ in range(min(n, input._array.shape[d])):
        before, after = _neighbours(input, d)
        input = logical_xor(after, before) if x.dtype.kind == "b" else after - before
    return input


def _refuse_unlike(shape: tuple[int, ...], other: tuple[int, ...], dim: int) -> None:
    if len(other) != len(shape):
        raise RuntimeError(
            "diff expects prepend or append to be the same dimension as input: got "
            f"{len(other)} dimensions for {len(shape)}"
        )
    for k, (n, m) in enumerate(zip(shape, other, strict=True)):
        if k != dim and n != m:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input "
                f"except along the differencing dimension; input.size({k}) = {n}, but got "
                f"tensor.size({k}) = {m}"
            )


# --- The trapezoidal rule -------------------------------------------------------------------------


def _sampled(name: str, y: Tensor, x: Tensor | None, dx: Any, dim: int) -> tuple[int, Any]:
    """Return the dimension of the samples and their even spacing, or raise."""
    if x is not None and dx is not None:
        raise TypeError(f"{name}() received an invalid combination of arguments: x or dx, not both")
    if y._array.ndim == 0:
        raise IndexError(f"{name}: dimension specified as {dim} but tensor has no dimensions")
    d = normal_dim(name, dim, y._array.ndim)
    for letter, operand in (("y", y), ("x", x)):
        if operand is not None and operand._array.dtype.kind == "b":
            raise RuntimeError(
                f"{name}: received a bool input for `{letter}`, but bool is not supported; convert "
                "with .float()"
            )
    return d, 1 if dx is None else dx


def _areas(name: str, y: Tensor, x: Tensor | None, dx: Any, d: int) -> tuple[Tensor, int]:
    """Return the area over each interval, and the dimension that the intervals lie along."""
    left, right = _neighbours(y, d)
    if x is None:
        return (left + right) * (dx / 2), d
    samples, points = y._array, x._array.ndim
    if points == 0:
        raise RuntimeError(f"{name}: `x` holds the place of every sample, and is 0-d here")
    if points == 1 and len(x._array) != samples.shape[d]:
        raise RuntimeError(
            f"{name}: There must be one `x` value for each sample point: got {len(x._array)} for "
            f"{samples.shape[d]} samples along dimension {d}"
        )
    at = d + points - samples.ndim
    if points == 1:
        x, at = reshaped(x, (samples.shape[d],) + (1,) * (samples.ndim - d - 1)), 0
    here, there = _neighbours(x, at)
    return (left + right) * (there - here) / 2, max(d, d + points - samples.ndim)


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Return the integral of samples along a dimension by the trapezoidal rule.

    Args:
        y: the samples; integers give the default float dtype.
        x: where they were taken: one place for each along ``dim``, or a tensor that broadcasts
            with ``y``. None if they are evenly spaced.
        dx: the spacing without ``x``; 1 if None.
        dim: the dimension to integrate along.

    >>> import chainrule as cr
    >>> cr.trapezoid(cr.tensor([1.0, 2.0, 3.0]), cr.tensor([0.0, 1.0, 3.0]))
    tensor(6.5000)
    """
    shape = y._array.shape
    if shape and shape[d := normal_dim("trapezoid", dim, len(shape))] == 0:
        return attach(np.zeros(shape[:d] + shape[d + 1 :], y._array.dtype), None)
    d, step = _sampled("trapezoid", y, x, dx, dim)
    if x is None:
        ends = y[_along(d, 0, 1)] + y[_along(d, -1, None)]
        even: Tensor = (sum(y, d) - squeeze(ends, d) * 0.5) * step
        return even
    areas, d = _areas("trapezoid", y, x, step, d)
    return sum(areas, d)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Return the integral of samples; another name of `trapezoid`.

    >>> import chainrule as cr
    >>> cr.trapz(cr.tensor([1.0, 2.0]), dx=2)
    tensor(3.)
    """
    return trapezoid(y, x, dx=dx, dim=dim)


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1
) -> Tensor:
    """Return the integrals from the first sample to each of the others; see `trapezoid`.

    >>> import chainrule as cr
    >>> cr.cumulative_trapezoid(cr.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    name = "cumulative_trapezoid"
    d, step = _sampled(name, y, x, dx, dim)
    areas, d = _areas(name, y, x, step, d)
    return cumsum(areas, d)


# --- Derivatives of samples -----------------------------------------------------------------------


def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Estimate the derivatives of samples of a function along dimensions, a tensor for each.

    Inside by central differences, for uneven spacing by the parabola through three neighbours, of
    second order both; at the ends by one-sided differences.

    Args:
        input: the samples.
        spacing: the distance between samples: a number, or for each dimension a number or the
            coordinates as a 1-d tensor; 1 if None.
        dim: a dimension or several; None for all.
        edge_order: 1 or 2, the order of the differences at the ends.

    >>> import chainrule as cr
    >>> cr.gradient(cr.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    """
    x = input._array
    asked = range(x.ndim) if dim is None else dim if isinstance(dim, Sequence) else (dim,)
    dims = [normal_dim("gradient", d, x.ndim) for d in asked]
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim appears multiple times in the list of dims {list(asked)}")
    steps = _spacings(spacing, len(dims), dim, x.ndim)
    if edge_order not in (1, 2):
        raise RuntimeError(
            f"gradient only supports edge_order=1 and edge_order=2, not {edge_order}"
        )
    subtracts = edge_order == 1 or not all(hasattr(step, "_array") for step in steps)
    if x.dtype == dtypes.uint8 or (x.dtype == dtypes.bool and subtracts):
        raise RuntimeError(f"gradient does not support {x.dtype} input; convert with .float()")
    for d in dims:
        if x.shape[d] < edge_order + 1:
            raise RuntimeError(
                "gradient expected each dimension size to be at least edge_order+1: "
                f"dimension {d} has {x.shape[d]} elements and edge_order is {edge_order}"
            )
    return tuple(
        _derivative(input, d, step, edge_order) for d, step in zip(dims, steps, strict=True)
    )


def _spacings(spacing: Any, count: int, dim: Any, ndim: int) -> list[Any]:
    """Return the spacing of each dimension: a number or coordinates."""
    if spacing is None or isinstance(spacing, int | float):
        return [1 if spacing is None else spacing] * count
    if not isinstance(spacing, Sequence):
        raise TypeError(
            f"gradient(): spacing must be a number or a list of numbers or tensors, not "
            f"{type(spacing).__name__}"
        )
    if len(spacing) != count:
        wanted = (
            f"a list of length equal to 'self.dim() = {ndim}', since dim argument was not given"
            if dim is None
            else f"as long as dim, which has {count}"
        )
        raise RuntimeError(
            "gradient expected spacing to be unspecified, a scalar, or "
            f"{wanted}, but got a list of length {len(spacing)}"
        )
    return list(spacing)


def _derivative(f: Tensor, d: int, step: Any, edge_order: int) -> Tensor:
    n = f._array.shape[d]

    def part(start: int, stop: int | None) -> Tensor:
        return f[_along(d, start, stop)]

    if not hasattr(step, "_array"):
        inside = (part(2, None) - part(0, -2)) / (2 * step)
        if edge_order == 1:
            ends = (part(1, 2) - part(0, 1)) / step, (part(-1, None) - part(-2, -1)) / step
        else:
            ends = (
                (part(1, 2) * 4 - part(0, 1) * 3 - part(2, 3)) / (2 * step),
                (part(-1, None) * 3 - part(-2, -1) * 4 + part(-3, -2)) / (2 * step),
            )
        return cat([ends[0], inside, ends[1]], d)
    if step._array.shape != (n,):
        raise RuntimeError(
            f"gradient expected {n} coordinates for dimension {d}, got a tensor of shape "
            f"{list(step._array.shape)}"
        )
    h = reshaped(diff(step), (n - 1,) + (1,) * (f._array.ndim - d - 1))
    before, after = h[:-1], h[1:]
    if edge_order == 1:
        first, last = (part(1, 2) - part(0, 1)) / h[:1], (part(-1, None) - part(-2, -1)) / h[-1:]
    f = f.to(dtypes.promote_types(f._array.dtype, step._array.dtype))
    slopes = (part(1, None) - part(0, -1)) / h
    left, right = _neighbours(slopes, d)
    inside = (left * after + right * before) / (before + after)
    if edge_order == 2:
        # The slope of the outer interval, less what it changes over half of that interval.
        bend = (right - left) / (before + after)
        first = slopes[_along(d, 0, 1)] - bend[_along(d, 0, 1)] * h[:1]
        last = slopes[_along(d, -1, None)] + bend[_along(d, -1, None)] * h[-1:]
    return cat([first, inside, last], d)
