"""Scans: sums, products, extrema and log-sums of all elements up to each one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes, return_types
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.blocks import BLOCK, blocks_of
from chainrule.ops.comparison import filled_where
from chainrule.ops.exponential import exp
from chainrule.ops.indexing import taken_along
from chainrule.ops.shape import normal_dim, reshaped
from chainrule.ops.spelling import numpy_names
from chainrule.ops.summation import WIDER
from chainrule.primitive import attach
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "logcumsumexp",
]

# --- The table ------------------------------------------------------------------------------------


def accumulated(ufunc: np.ufunc, x: Any, dim: int, reverse: bool = False) -> Any:
    """Return an array's scan along a dimension, from the end if ``reverse``."""
    if ufunc is np.add and dim == x.ndim - 1 and x.size > BLOCK and x.dtype.kind == "f":
        return _running_sums(x, reverse)
    exact = ufunc is np.maximum or ufunc is np.minimum
    wide = np.array(x, x.dtype if exact else WIDER.get(x.dtype, x.dtype))
    n = x.shape[dim]
    if dim < x.ndim - 1 and n * 512 < x.size:
        # Whole rows at a time; NumPy would go down one column after the other.
        rows = np.moveaxis(wide, dim, 0)
        steps = range(n - 2, -1, -1) if reverse else range(1, n)
        before = 1 if reverse else -1
        for k in steps:
            ufunc(rows[k], rows[k + before], out=rows[k])
    else:
        row = np.flip(wide, dim) if reverse else wide
        ufunc.accumulate(row, axis=dim, out=row)
    return wide if wide.dtype is x.dtype else wide.astype(x.dtype)


def _running_sums(x: Any, reverse: bool) -> Any:
    """Return the running sums along the last dimension of a large array.

    A sum waits for the one before it. Two rows at a time, as the real and the imaginary parts of
    one, take no longer than one does.
    """
    wide = WIDER.get(x.dtype, x.dtype)
    n = x.shape[-1]
    rows = x.reshape(-1, n)
    y = np.empty(rows.shape, x.dtype)
    for block in blocks_of(len(rows), n):
        part, result = rows[block], y[block]
        half = (len(part) + 1) // 2
        pairs = np.zeros((half, n), np.result_type(wide, np.complex64))
        pairs.real = part[:half]
        pairs.imag[: len(part) - half] = part[half:]
        row = pairs[:, ::-1] if reverse else pairs
        np.add.accumulate(row, axis=1, out=row)
        result[:half] = pairs.real
        result[half:] = pairs.imag[: len(part) - half]
    return y.reshape(x.shape)


def _scan_notation(name: str) -> Notation:
    """Write a scan with its dimension as an index; one from the end as ``revcumsum₁``."""
    forwards, backwards = (notation.along(n) for n in (name, f"rev{name}"))

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        written = {k: v for k, v in o.items() if k != "reverse"}
        return (backwards if o["reverse"] else forwards)(style, written)

    return Notation(custom=custom)


running_sum: Operation = define(
    "cumsum",
    lambda x, dim, reverse: accumulated(np.add, x, dim, reverse),
    params=("dim", "reverse"),
    x=lambda g, dim, reverse: running_sum(g, dim, not reverse),
    notation=_scan_notation("cumsum"),
    doc="Sums of all elements up to each one, from either end.",
)


def _shifted(x: Any, dim: int, by: int, fill: float) -> Any:
    out = np.full_like(x, fill)
    n = x.shape[dim]
    before = (slice(None),) * dim
    if by > 0:
        out[(*before, slice(by, None))] = x[(*before, slice(0, max(n - by, 0)))]
    else:
        out[(*before, slice(0, max(n + by, 0)))] = x[(*before, slice(-by, None))]
    return out


def _shift_notation(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    inner = f"{o['x']}, {style.number(o['by'])[0]}, {style.number(o['fill'])[0]}"
    head = f"{style.function('shift')}{style.indices(o['dim'])}"
    return f"{head}{style.parentheses(inner)}", LEVELS["atom"]


shifted: Operation = define(
    "shift",
    _shifted,
    params=("dim", "by", "fill"),
    x=lambda g, dim, by: shifted(g, dim, -by, 0.0),
    notation=Notation(custom=_shift_notation),
    doc="Move all elements along a dimension, and fill in a number where none comes from.",
)


def _recurrence(b: Any, a: Any, dim: int, reverse: bool) -> Any:
    if reverse:
        return np.flip(_recurrence(np.flip(b, dim), np.flip(a, dim), dim, False), dim)
    y = np.array(np.moveaxis(b, dim, 0))
    factors = np.moveaxis(a, dim, 0)
    n = len(y)
    if n * 512 < y.size or n < 16:
        for k in range(1, n):
            y[k] += factors[k] * y[k - 1]
        return np.moveaxis(y, 0, dim)
    # A long row of few elements each: after each round an element has taken in twice as many of
    # those before it (Kogge and Stone, "A parallel algorithm for the efficient solution of a
    # general class of recurrence equations", 1973).
    factors = np.array(factors)
    step = 1
    while step < n:
        y[step:] += factors[step:] * y[:-step]
        factors[step:] *= factors[:-step]
        step *= 2
    return np.moveaxis(y, 0, dim)


def _before(reverse: bool) -> int:
    """Return by how much to shift for each element to meet the one that the scan saw before it."""
    return -1 if reverse else 1


def _recurrence_gradient_of_terms(g: Any, a: Any, dim: int, reverse: bool) -> Any:
    return recurrence(g, shifted(a, dim, -_before(reverse), 0.0), dim, not reverse)


def _recurrence_gradient_of_factors(g: Any, a: Any, y: Any, dim: int, reverse: bool) -> Any:
    upstream = _recurrence_gradient_of_terms(g, a, dim, reverse)
    return upstream * shifted(y, dim, _before(reverse), 0.0)


recurrence: Operation = define(
    "recurrence",
    _recurrence,
    inputs=("b", "a"),
    params=("dim", "reverse"),
    b=_recurrence_gradient_of_terms,
    a=_recurrence_gradient_of_factors,
    notation=_scan_notation("recurrence"),
    doc="The linear recurrence yᵢ = bᵢ + aᵢ yᵢ₋₁ along a dimension, from either end.",
)

# --- Products


running_product: Operation = define(
    "cumprod",
    lambda x, dim, reverse: accumulated(np.multiply, x, dim, reverse),
    params=("dim", "reverse"),
    x=lambda g, x, dim, reverse: running_product_gradient(g, x, dim, reverse),
    notation=_scan_notation("cumprod"),
    doc="Products of all elements up to each one, from either end.",
)


def _product_gradient(g: Any, x: Any, dim: int, reverse: bool) -> Any:
    if reverse:
        return np.flip(_product_gradient(np.flip(g, dim), np.flip(x, dim), dim, False), dim)
    y = accumulated(np.multiply, x, dim, False)
    zero = x == 0
    sums = accumulated(np.add, g * y, dim, True)
    if not zero.any():
        sums /= x
        return sums
    # Behind the first zero every product is 0, whatever its other factors. At the first zero it is
    # the product of the others that counts.
    first = zero & (np.add.accumulate(zero, axis=dim) == 1)
    others = accumulated(np.multiply, np.where(first, x.dtype.type(1), x), dim, False)
    at_first = accumulated(np.add, g * others, dim, True)
    return np.where(first, at_first, sums / np.where(zero, x.dtype.type(1), x))


def product_before(x: Any, dim: int, reverse: bool) -> Any:
    """Return the product of all elements before each one: 1 for the first."""
    return shifted(running_product(x, dim, reverse), dim, _before(reverse), 1.0)


def _product_tangent(v: Any, x: Any, dim: int, reverse: bool) -> Any:
    """Return the derivative of the running products of x in the direction v."""
    return recurrence(v * product_before(x, dim, reverse), x, dim, reverse)


def _product_second_gradient(g: Any, v: Any, x: Any, dim: int, reverse: bool) -> Any:
    # The gradient is the product of the elements before each one with
    # s = recurrence(v, the next element) from the other end, which is Σ v · (product after it).
    step = _before(reverse)
    s = recurrence(v, shifted(x, dim, -step, 0.0), dim, not reverse)
    from_before = running_product_gradient(shifted(g * s, dim, -step, 0.0), x, dim, reverse)
    from_after = shifted(_product_tangent(g, x, dim, reverse), dim, step, 0.0) * s
    return from_before + from_after


running_product_gradient: Operation = define(
    "cumprod_gradient",
    _product_gradient,
    inputs=("v", "x"),
    params=("dim", "reverse"),
    v=lambda g, x, dim, reverse: _product_tangent(g, x, dim, reverse),
    x=_product_second_gradient,
    notation=_scan_notation("cumprod_gradient"),
    doc="The gradient of Σ v · cumprod(x): Σᵢ vᵢ · (the product of the others up to i), also at 0.",
)

# --- Logarithms of sums


def _log_sums_gradient(g: Any, x: Any, y: Any, dim: int) -> Any:
    # x̄ₖ = Σ ȳᵢ exp(xₖ − yᵢ) over i ≥ k. As exp(xₖ − yₖ) · rₖ with rₖ = ȳₖ + exp(yₖ − yₖ₊₁) rₖ₊₁ no
    # exponent is positive. Where y is −∞ so is x, and its share of any sum is 0.
    inf = float("inf")
    following = shifted(y, dim, -1, inf)
    decay = exp(y - filled_where(following, following == -inf, 0.0))
    return exp(x - filled_where(y, y == -inf, 0.0)) * recurrence(g, decay, dim, True)


log_sums: Operation = define(
    "logcumsumexp",
    lambda x, dim: accumulated(np.logaddexp, x, dim),
    params=("dim",),
    x=_log_sums_gradient,
    floating=True,
    notation=notation.along("logcumsumexp"),
    doc="Logarithms of the sums of the exponentials of all elements up to each one.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def _along(operation: Operation, name: str, input: Tensor, dim: Any, *params: Any) -> Tensor:
    """Run a scan along a dimension; a 0-d tensor is a row of one."""
    d = normal_dim(name, dim, input._array.ndim)
    if input._array.ndim == 0:
        return reshaped(operation(reshaped(input, (1,)), 0, *params), ())
    return operation(input, d, *params)


def _summable(input: Tensor, dtype: Any) -> Tensor:
    """Return the operand of a sum or product in the dtype that it is computed in."""
    if dtype is not None:
        return input.to(dtype)
    return input if input._array.dtype.kind == "f" else input.to(dtypes.int64)


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the sums of all elements up to each one along a dimension.

    Args:
        input: any shape; integers and bools are summed as int64.
        dim: the dimension to go along.
        dtype: convert to it before summing.

    >>> import chainrule as cr
    >>> cr.cumsum(cr.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 3., 6.])
    """
    return _along(running_sum, "cumsum", _summable(input, dtype), dim, False)


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the products of all elements up to each one along a dimension.

    The gradient is right at zeros too, as often as it is differentiated.

    >>> import chainrule as cr
    >>> cr.cumprod(cr.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 2., 6.])
    """
    return _along(running_product, "cumprod", _summable(input, dtype), dim, False)


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Return log Σ exp of all elements up to each one along a dimension, without overflow.

    >>> import chainrule as cr
    >>> cr.logcumsumexp(cr.tensor([1000.0, 1000.0]), dim=0)
    tensor([1000.0000, 1000.6932])
    """
    return _along(log_sums, "logcumsumexp", input, dim)


@numpy_names
def cummax(input: Tensor, dim: int) -> return_types.cummax:
    """Return the largest elements so far along a dimension, and their indices.

    Of equal ones the last counts, and has the gradient; once there is a NaN, it is the largest.

    >>> import chainrule as cr
    >>> cr.cummax(cr.tensor([1.0, 3.0, 2.0]), dim=0).values
    tensor([1., 3., 3.])
    """
    return return_types.cummax(*_extreme_so_far("cummax", np.maximum, input, dim))


@numpy_names
def cummin(input: Tensor, dim: int) -> return_types.cummin:
    """Return the smallest elements so far along a dimension, and their indices.

    >>> import chainrule as cr
    >>> cr.cummin(cr.tensor([2.0, 3.0, 1.0]), dim=0).indices
    tensor([0, 0, 2])
    """
    return return_types.cummin(*_extreme_so_far("cummin", np.minimum, input, dim))


def _extreme_so_far(name: str, extreme: np.ufunc, input: Tensor, dim: Any) -> tuple[Tensor, Tensor]:
    x = input._array
    d = normal_dim(name, dim, x.ndim)
    if x.ndim == 0:
        return input.clone(), attach(np.zeros((), np.int64), None)
    y = accumulated(extreme, x, d)
    hit = x == y
    if x.dtype.kind == "f" and np.isnan(y[(slice(None),) * d + (slice(-1, None),)]).any():
        hit |= np.isnan(x)
    positions = np.arange(x.shape[d]).reshape((-1,) + (1,) * (x.ndim - d - 1))
    indices = accumulated(np.maximum, np.where(hit, positions, 0), d)
    # The caller may change the indices; the graph keeps its own.
    return taken_along(input, indices, d), attach(indices.copy(), None)
