"""Extrema over all or some dimensions, their indices, and who has the gradient of a tie."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.accumulation import places_along
from chainrule.ops.comparison import isnan, select_where
from chainrule.ops.reductions import Dims, normal_dims, restored, total
from chainrule.ops.shape import normal_dim
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule import return_types
    from chainrule.tensor import Tensor

__all__ = [
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "max",
    "min",
]

# --- The table ------------------------------------------------------------------------------------


def shared_gradient(g: Any, hit: Any, dim: Dims) -> Any:
    """Share a gradient equally among the elements that the reduction picked."""
    return select_where(hit, g, 0.0) / total(_as_number(hit, g), dim, True)


def _as_number(condition: Any, like: Any) -> Any:
    from chainrule.ops.cast import cast

    return cast(condition, like.dtype, None) if hasattr(like, "dtype") else condition


def _extreme_gradient(g: Any, x: Any, y: Any, dim: Dims, keepdim: bool) -> Any:
    return shared_gradient(restored(g, dim, keepdim), x == restored(y, dim, keepdim), dim)


def _extremum(name: str, reduce: Callable[..., Any], word: str) -> Any:
    return define(
        name,
        lambda x, dim, keepdim: reduce(x, axis=dim, keepdims=keepdim),
        params=("dim", "keepdim"),
        x=_extreme_gradient,
        notation=notation.reduction(
            word, word.capitalize(), rf"\{word}", rf"\operatorname{{{word.capitalize()}}}"
        ),
        doc=f"The {word}imum over dimensions; equal ones share the gradient.",
    )


def _extremum_of_all(name: str, reduce: Callable[..., Any]) -> Operation:
    return define(
        name,
        lambda x, dim, keepdim: reduce(x, axis=None),
        params=("dim", "keepdim"),
        # A NaN is the extremum, and no NaN equals another.
        x=lambda g, x, y: shared_gradient(g, (x == y) | isnan(x), None),
        notation=notation.along(name, rf"\{name}"),
        doc=f"The {name}imum of all elements; equal ones, or the NaN, share the gradient.",
    )


largest = _extremum("amax", np.maximum.reduce, "max")
smallest = _extremum("amin", np.minimum.reduce, "min")
largest_of_all = _extremum_of_all("max", np.maximum.reduce)
smallest_of_all = _extremum_of_all("min", np.minimum.reduce)


# --- One element of each row ----------------------------------------------------------------------


def _picked(x: Any, index: Any, dim: int, keepdim: bool) -> Any:
    y = x.reshape(-1).take(places_along(index, dim, x.shape))
    return y if keepdim else y.reshape(y.shape[:dim] + y.shape[dim + 1 :])


def _placed(x: Any, index: Any, dim: int, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, x.dtype)
    out.reshape(-1)[places_along(index, dim, shape)] = x.reshape(index.shape)
    return out


placed: Operation = define(
    "place",
    _placed,
    params=("index", "dim", "shape"),
    x=lambda g, x_shape, index, dim, shape: picked(g, index, dim, len(x_shape) == len(shape)),
    notation=notation.along("place"),
    doc="Zeros of a shape with one value put into each row: the adjoint of picking it.",
)
picked: Operation = define(
    "pick",
    _picked,
    params=("index", "dim", "keepdim"),
    x=lambda g, x_shape, index, dim: placed(g, index, dim, x_shape),
    notation=notation.reduction("pick", "Pick", r"\operatorname{pick}", r"\operatorname{Pick}"),
    doc="One element of each row along a dimension, at an index of size 1 there.",
)


def pick_and_tell(input: Tensor, index: Any, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """Return one element of each row along a dimension, and their indices as a tensor."""
    values = picked(input, index, dim, keepdim)
    # The caller may change the indices; the graph keeps its own.
    return values, attach(index.reshape(values._array.shape).copy(), None)


# --- PyTorch's signatures -------------------------------------------------------------------------


@numpy_names
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """Return the maximum over dimensions; equal maxima share the gradient.

    >>> import chainrule as cr
    >>> cr.amax(cr.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([5., 7.])
    """
    return _extreme("amax", largest, input, normal_dims("amax", dim, input._array.ndim), keepdim)


@numpy_names
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """Return the minimum over dimensions; equal minima share the gradient.

    >>> import chainrule as cr
    >>> cr.amin(cr.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    return _extreme("amin", smallest, input, normal_dims("amin", dim, input._array.ndim), keepdim)


@numpy_names
def aminmax(input: Tensor, *, dim: Any = None, keepdim: bool = False) -> return_types.aminmax:
    """Return the minimum and the maximum of all elements, or along a dimension.

    >>> import chainrule as cr
    >>> cr.aminmax(cr.tensor([3.0, 1.0, 2.0])).max
    tensor(3.)
    """
    shape = input._array.shape
    if dim is None and 0 in shape:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            f"identity; the input has shape {list(shape)}"
        )
    dims = (
        None
        if dim is None
        else normal_dims("aminmax", normal_dim("aminmax", dim, len(shape)), len(shape))
    )
    _refuse_nothing("aminmax", shape, dims)
    both = (smallest(input, dims, keepdim), largest(input, dims, keepdim))
    found: return_types.aminmax = _named("aminmax")(*both)
    return found


def _refuse_nothing(name: str, shape: Sequence[int], dims: Dims) -> None:
    """Raise if there are no elements to find the extremum of."""
    if dims is None and 0 in shape:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
            f"reduction dim with the 'dim' argument: the input has shape {list(shape)}, and "
            "nothing has no extremum"
        )
    for d in dims or ():
        if shape[d] == 0:
            raise IndexError(
                f"{name}(): Expected reduction dim {d} to have non-zero size; the input has shape "
                f"{list(shape)}, and nothing has no extremum"
            )


def _extreme(
    name: str, operation: Callable[..., Tensor], input: Tensor, dims: Dims, keepdim: bool
) -> Tensor:
    _refuse_nothing(name, input._array.shape, dims)
    return operation(input, dims, keepdim)


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the largest element, or with ``dim`` the largest ones and their indices.

    Without ``dim`` equal maxima share the gradient; with it the first one has it all, as the
    returned index says. With a tensor in place of ``dim``, return `maximum` of the two.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> cr.max(x)
    tensor(7.)
    >>> cr.max(x, dim=1).indices
    tensor([1, 0])
    """
    return _max_or_min("max", input, dim, keepdim, largest_of_all, ndarray.argmax)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the smallest element, or with ``dim`` the smallest ones and their indices.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> cr.min(x, dim=0).values
    tensor([1., 2.])
    """
    return _max_or_min("min", input, dim, keepdim, smallest_of_all, ndarray.argmin)


def _max_or_min(
    name: str,
    input: Tensor,
    dim: Any,
    keepdim: bool,
    over_all: Callable[..., Tensor],
    arg: Callable[..., Any],
) -> Any:
    if dim is None:
        if keepdim:
            raise TypeError(
                f"{name}() received an invalid combination of arguments: keepdim needs a dim; use "
                f"a{name}(input, keepdim=True) to keep all dimensions"
            )
        _refuse_nothing(name, input._array.shape, None)
        return over_all(input, None, False)
    if hasattr(dim, "_array"):
        from chainrule.ops.arithmetic import maximum, minimum

        return (maximum if name == "max" else minimum)(input, dim)
    d = normal_dim(name, dim, input._array.ndim)
    if input._array.ndim == 0:
        return _named(name)(input.clone(), attach(np.zeros((), np.int64), None))
    if input._array.shape[d] == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim {d} to have non-zero size; the input has shape "
            f"{list(input._array.shape)}"
        )
    places = arg(input._array, axis=d, keepdims=True)
    return _named(name)(*pick_and_tell(input, places, d, keepdim))


@functools.cache
def _named(name: str) -> Any:
    """Return the class of an operation's named results, imported with the first of them."""
    from chainrule import return_types

    return getattr(return_types, name)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the largest element: in the flattened input, or along ``dim``.

    >>> import chainrule as cr
    >>> cr.argmax(cr.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1, 0])
    """
    return _arg("argmax", ndarray.argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the smallest element: in the flattened input, or along ``dim``.

    >>> import chainrule as cr
    >>> cr.argmin(cr.tensor([3.0, 1.0, 2.0]))
    tensor(1)
    """
    return _arg("argmin", ndarray.argmin, input, dim, keepdim)


def _arg(
    name: str, arg: Callable[..., Any], input: Tensor, dim: int | None, keepdim: bool
) -> Tensor:
    x = input._array
    if x.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input; convert with .int()")
    if dim is not None:
        dim = normal_dim(name, dim, x.ndim)
    if x.ndim == 0:
        return attach(np.zeros((), np.int64), None)
    if dim is None and not x.size:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0; the input "
            f"has shape {list(x.shape)}"
        )
    if dim is not None and x.shape[dim] == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim {dim} to have non-zero size; the input has shape "
            f"{list(x.shape)}"
        )
    return attach(np.asarray(arg(x, axis=dim, keepdims=keepdim)), None)
