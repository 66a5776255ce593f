"""Scattering along a dimension: a copy with elements put, added, multiplied or compared in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operands import representable
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.accumulation import places_along
from chainrule.ops.arithmetic import add, div, mul, plus
from chainrule.ops.cast import cast
from chainrule.ops.comparison import select_where
from chainrule.ops.indexing import put_along, put_at, set_at, taken_along
from chainrule.ops.picking import along, rows_at, same_for_all
from chainrule.ops.shape import normal_dim, reshaped
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "scatter",
    "scatter_add",
    "scatter_reduce",
]

# --- The table ------------------------------------------------------------------------------------


def _combining(combine: Any) -> Callable[..., Any]:
    """Return the forward function that combines values into a copy, along a dimension."""

    def forward(x: Any, value: Any, index: Any, dim: int) -> Any:
        out = np.array(x, order="C")
        at = places_along(index, dim, out.shape)
        combine.at(out.reshape(-1), at.reshape(-1), value.reshape(-1))
        return out

    return forward


def _put_along(x: Any, value: Any, index: Any, dim: int) -> Any:
    out = np.array(x, order="C")
    out.reshape(-1)[places_along(index, dim, out.shape)] = value
    return out


put_values: Operation = define(
    "scatter",
    _put_along,
    params=("index", "dim"),
    x=lambda g, index, dim: put_values(g, 0.0, index, dim),
    value=lambda g, index, dim: taken_along(g, index, dim),
    notation=notation.along("put"),
    doc="A copy with elements replaced along a dimension, one for every place of an index.",
)


def _as_number(condition: Any, like: Any) -> Any:
    """Return 1 where a condition holds and 0 elsewhere, in the dtype of another value."""
    if hasattr(like, "dtype"):
        return cast(condition, like.dtype, None)
    return select_where(condition, 1.0, 0.0)


def _share(g: Any, x: Any, value: Any, y: Any, index: Any, dim: int, shape: Any) -> Any:
    """Return each gradient divided by the number of those that attain the extremum."""
    hits = _as_number(value == taken_along(y, index, dim), g)
    return g / (put_along(hits, index, dim, shape) + _as_number(x == y, g))


def _extremum(name: str, combine: Any) -> Operation:
    return define(
        name,
        _combining(combine),
        params=("index", "dim"),
        x=lambda g, x, value, y, x_shape, index, dim: select_where(
            x == y, _share(g, x, value, y, index, dim, x_shape), 0.0
        ),
        value=lambda g, x, value, y, x_shape, index, dim: select_where(
            value == taken_along(y, index, dim),
            taken_along(_share(g, x, value, y, index, dim, x_shape), index, dim),
            0.0,
        ),
        notation=notation.along(name),
        doc="The extremum of each element and what is scattered there; equal ones share.",
    )


largest_at = _extremum("scatter_amax", np.maximum)
smallest_at = _extremum("scatter_amin", np.minimum)


def _product_at(value: Any, index: Any, dim: int, shape: tuple[int, ...]) -> Any:
    return _combining(np.multiply)(np.ones(shape, value.dtype), value, index, dim)


def _other_factors(g: Any, value: Any, index: Any, dim: int, shape: Any) -> Any:
    """Return the gradient of each factor: that of the product times all the others."""
    if hasattr(value, "_array") and not value._array.all():
        return _other_factors_of_zeros(g, value, index, dim, shape)
    # The others of a 0 are a product if it is the only 0, of the rest only if there is none.
    zero = _as_number(value == 0, g)
    factors = select_where(value == 0, 1.0, value)
    others = product_at(factors, index, dim, shape) * g
    zeros = taken_along(put_along(zero, index, dim, shape), index, dim)
    return select_where(zeros == zero, taken_along(others, index, dim) / factors, 0.0)


def _other_factors_of_zeros(g: Any, value: Any, index: Any, dim: int, shape: Any) -> Any:
    """Return the same as a function of all factors, zeros included, for second derivatives."""
    zero = value == 0
    whole = taken_along(product_at(value, index, dim, shape) * g, index, dim)
    result = select_where(zero, 0.0, whole / select_where(zero, 1.0, value))
    for place in map(tuple, np.argwhere(zero._array).tolist()):
        others = product_at(set_at(value, 1.0, place), index, dim, shape) * g
        result = set_at(result, taken_along(others, index, dim)[place], place)
    return result


product_at: Operation = define(
    "scatter_prod",
    _product_at,
    params=("index", "dim", "shape"),
    value=lambda g, value, index, dim, shape: _other_factors(g, value, index, dim, shape),
    notation=notation.along("scatter_prod"),
    doc="Ones of a shape, multiplied by values along a dimension.",
)

# --- Along a dimension ----------------------------------------------------------------------------


def source_of(name: str, input: Tensor, dim: Any, index: Tensor, src: Tensor) -> Any:
    """Return a dimension and an index along it, and of the source what the index has places for."""
    d, positions = along(name, input, dim, index, "self")
    if positions.size == 0:
        return d, positions, src
    if src._array.ndim != positions.ndim:
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as src tensor: {name} got "
            f"shapes {list(positions.shape)} and {list(src._array.shape)}"
        )
    if positions.shape != src._array.shape and any(
        n > m for n, m in zip(positions.shape, src._array.shape, strict=True)
    ):
        raise RuntimeError(
            f"Expected index {list(positions.shape)} to be no larger than self "
            f"{list(input._array.shape)} apart from dimension {d} and to be no larger size than "
            f"src {list(src._array.shape)} ({name})"
        )
    if src._array.dtype is not input._array.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got {input._array.dtype} and "
            f"{src._array.dtype}; convert src with .to(...)"
        )
    if src._array.shape != positions.shape:
        src = src[tuple(slice(n) for n in positions.shape)]
    return d, positions, src


def _refuse_numbers(name: str, src: Any) -> None:
    if not hasattr(src, "_array"):
        raise TypeError(
            f"{name}(): argument 'src' (position 4) must be Tensor, not {type(src).__name__}"
        )


def _as_vectors(function: Callable[..., Tensor], input: Tensor, dim: Any, *rest: Any) -> Tensor:
    """Scatter where something has no dimensions: it counts as a vector of one element."""
    normal_dim("scatter", dim, input._array.ndim)
    given = [
        reshaped(t, (1,)) if hasattr(t, "_array") and not t._array.ndim else t
        for t in (input, *rest)
    ]
    return reshaped(function(given[0], 0, *given[1:]), input._array.shape)


def _flat(*tensors: Any) -> bool:
    return any(hasattr(t, "_array") and t._array.ndim == 0 for t in tensors)


@numpy_names
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Tensor:
    """Return a copy with ``out[index[i, j], j] = src[i, j]`` for ``dim=0``: the reverse of gather.

    Where an index repeats, which of the values stays is not defined; all of them get the gradient.

    Args:
        input: what is copied.
        dim: the dimension that is indexed.
        index: integers, of as many dimensions as the input and, apart from ``dim``, no larger.
        src: a tensor of the input's dtype, at least as large as the index; or a number.
        value: a number, another name for ``src``.
        reduce: ``"add"`` or ``"multiply"`` instead of replacing; `scatter_reduce` does more.

    >>> import chainrule as cr
    >>> cr.scatter(cr.zeros(3), 0, cr.tensor([2, 0]), cr.tensor([5.0, 6.0]))
    tensor([6., 0., 5.])
    """
    given = value if src is None else src
    if given is None:
        raise TypeError("scatter() needs src, a tensor, or value, a number")
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
        if not hasattr(given, "_array"):
            like = np.full(index._array.shape, given, input._array.dtype)
            given = attach(like, None)
        if reduce == "add":
            return scatter_add(input, dim, index, given)
        return scatter_reduce(input, dim, index, given, "prod")
    if hasattr(given, "_array") and given._array.ndim == 0 and index._array.ndim:
        given = given.item()
    if _flat(input, index, given):
        return _as_vectors(scatter, input, dim, index, given)
    if hasattr(given, "_array"):
        d, positions, given = source_of("scatter", input, dim, index, given)
    else:
        d, positions = along("scatter", input, dim, index, "self")
        given = number_of("scatter", given, input._array.dtype)
    if positions.size == 0:
        return input.clone()
    return put_values(input, given, positions, d)


def number_of(name: str, value: Any, dtype: Any) -> Any:
    """Return a number as an element of a dtype; fractions are cut off as in PyTorch."""
    if dtype.kind in "iu":
        value = int(value)
    return np.asarray(representable(name, value, dtype), dtype)


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return a copy with ``out[index[i, j], j] += src[i, j]`` for ``dim=0``.

    >>> import chainrule as cr
    >>> cr.scatter_add(cr.zeros(2), 0, cr.tensor([0, 1, 0]), cr.tensor([1.0, 2.0, 3.0]))
    tensor([4., 2.])
    """
    _refuse_numbers("scatter_add", src)
    if not (input._array.ndim and index._array.ndim and src._array.ndim):
        return _as_vectors(scatter_add, input, dim, index, src)
    d, positions, part = source_of("scatter_add", input, dim, index, src)
    if positions.size == 0:
        return input.clone()
    return plus(input, _added(part, index, positions, d, input._array.shape))


def _added(part: Tensor, index: Tensor, positions: Any, d: int, shape: tuple[int, ...]) -> Tensor:
    """Return zeros of a shape with a source added along a dimension."""
    line = same_for_all(index._array, d, shape) if part._array.shape == positions.shape else None
    if line is not None:
        return put_at(part, rows_at(d, line), shape)
    return put_along(part, positions, d, shape)


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@numpy_names
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """Return a copy in which each element is reduced with what is scattered there.

    Equal extrema share the gradient.

    Args:
        input: what is copied.
        dim: the dimension that is indexed.
        index: integers, as for `scatter`.
        src: a tensor of the input's dtype, at least as large as the index.
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the input's own element takes part where something is scattered.

    >>> import chainrule as cr
    >>> x, index = cr.tensor([1.0, 2.0]), cr.tensor([0, 0])
    >>> cr.scatter_reduce(x, 0, index, cr.tensor([5.0, 3.0]), "amax")
    tensor([5., 2.])
    """
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    _refuse_numbers("scatter_reduce", src)
    if _flat(input, index, src):
        reduced = lambda x, d, i, s: scatter_reduce(x, d, i, s, reduce, include_self=include_self)
        return _as_vectors(reduced, input, dim, index, src)
    d, positions, part = source_of("scatter_reduce", input, dim, index, src)
    if positions.size == 0:
        return input.clone()
    return reduced_at(input, d, positions, part, reduce, include_self)


def reduced_at(
    input: Tensor, d: int, positions: Any, part: Tensor, reduce: str, include_self: bool
) -> Tensor:
    """Return what `scatter_reduce` does, for checked arguments."""
    shape, dtype = input._array.shape, input._array.dtype
    start = input
    if not include_self:
        neutral = np.asarray(_neutral(reduce, dtype), dtype)
        start = put_values(input, neutral, positions, d)
    if reduce == "amax":
        return largest_at(start, part, positions, d)
    if reduce == "amin":
        return smallest_at(start, part, positions, d)
    if reduce == "prod":
        return mul(start, product_at(part, positions, d, shape))
    result = add(start, put_along(part, positions, d, shape))
    if reduce == "sum":
        return result
    counts = put_along(np.ones(positions.shape, np.int64), positions, d, shape) + include_self
    divisor = attach(np.maximum(counts, 1).astype(dtype), None)
    return div(result, divisor, rounding_mode=None if dtype.kind == "f" else "floor")


def _neutral(reduce: str, dtype: Any) -> Any:
    """Return the number that changes nothing in a reduction."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.kind == "b":
        return reduce == "amin"
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    limits = np.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max
