"""Indexing: reading elements by slices, integers, arrays and masks, and the adjoints of it."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.accumulation import (
    blocks_of_places,
    places_along,
    scattered,
    summed_along,
)
from chainrule.ops.blocks import BLOCK
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "argwhere",
    "nonzero",
]


def is_basic(index: Any) -> bool:
    """Tell whether an index consists of integers, slices, None and ``...`` only: gives a view."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(p is None or p is Ellipsis or isinstance(p, slice) or type(p) is int for p in parts)


def normal_index(index: Any, shape: tuple[int, ...]) -> Any:
    """Return an index in NumPy's terms: tensors as arrays, lists as arrays, checked bounds."""
    if type(index) is int or (type(index) is slice and index.step is None):
        return index
    if isinstance(index, tuple):
        parts = tuple(_normal_part(p) for p in index)
        if sum(p is Ellipsis for p in parts) > 1:
            raise IndexError("an index can only have a single ellipsis ('...')")
        return parts
    return _normal_part(index)


def _normal_part(part: Any) -> Any:
    if part is None or part is Ellipsis or type(part) is int or isinstance(part, slice):
        if isinstance(part, slice):
            bounds = (part.start, part.stop, part.step)
            if part.step is not None and operator.index(part.step) < 0:
                raise ValueError(
                    "step must be greater than zero: slices with a negative step are not "
                    "supported, as in PyTorch; use .flip() or index with cr.arange"
                )
            return slice(*(b if b is None else operator.index(b) for b in bounds))
        return part
    if isinstance(part, bool | np.bool_):
        return bool(part)
    array = getattr(part, "_array", part)
    if isinstance(array, Sequence):
        array = np.asarray([getattr(p, "_array", p) for p in array])
        if array.size == 0:
            array = array.astype(np.int64)
    if isinstance(array, ndarray | np.generic):
        kind = array.dtype.kind
        if kind == "u" and array is not part:
            raise IndexError(
                "a uint8 tensor as an index could mean positions or a mask; use .long() for "
                "positions, .bool() for a mask"
            )
        # Copies: the graph keeps the index, and the caller may change what was passed.
        if kind in "iu":
            return int(array) if array.ndim == 0 else np.array(array)
        if kind == "b":
            return np.array(array)
        raise IndexError(
            f"tensors used as indices must be long, int, byte or bool tensors, got {array.dtype}; "
            "convert with .long()"
        )
    try:
        return operator.index(part)
    except TypeError:
        raise TypeError(
            f"a tensor cannot be indexed with {type(part).__name__} {part!r}; use integers, "
            "slices, None, ..., or integer and bool tensors"
        ) from None


def integers_first(index: Any) -> tuple[Any, Any] | None:
    """Split an index whose integers stand apart from its arrays into two, else return None.

    ``x[0, :, i]`` is ``x[0][:, i]``: integers take their dimension away before arrays are looked
    at, as in PyTorch. (NumPy counts integers among the arrays, and moves the dimensions of those
    that stand apart to the front.)
    """
    if not isinstance(index, tuple):
        return None
    integers = [k for k, p in enumerate(index) if type(p) is int]
    arrays = [k for k, p in enumerate(index) if isinstance(p, ndarray)]
    if not integers or not arrays:
        return None
    together = sorted(integers + arrays)
    if together[-1] - together[0] == len(together) - 1:
        return None
    first: list[Any] = []
    for part in index:
        if isinstance(part, ndarray):
            first += [slice(None)] * (part.ndim if part.dtype.kind == "b" else 1)
        elif isinstance(part, slice):
            first.append(slice(None))
        elif type(part) is int or part is Ellipsis:
            first.append(part)
    return tuple(first), tuple(p for p in index if type(p) is not int)


def explain_index_error(error: IndexError, shape: Sequence[int], index: Any) -> IndexError:
    """Return NumPy's index error with the tensor's shape in it."""
    text = str(error)
    if isinstance(index, tuple) and "too many indices" in text:
        text = f"too many indices for tensor of dimension {len(shape)}"
    return IndexError(f"{text}; the tensor has shape {list(shape)}")


def _put_at(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    if not is_basic(index) and _may_repeat(index):
        return scattered(x, index, shape)
    out = np.zeros(shape, x.dtype)
    out[index] = x
    return out


def _may_repeat(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, ndarray) and p.dtype.kind != "b" for p in parts)


put_at: Operation = define(
    "scatter_into_zeros",
    _put_at,
    params=("index", "shape"),
    x=lambda g, index: g[index],
    notation=notation.SCATTER,
    doc="Zeros of a shape with values added at an index: the adjoint of indexing.",
)


def _item(x: Any, index: Any) -> Any:
    """Return a view also where the index picks a single element, which NumPy would copy out."""
    y = x[index]
    if isinstance(y, ndarray):
        return y
    return x[(*index, ...) if isinstance(index, tuple) else (index, ...)]


basic_item: Operation = define(
    "getitem",
    _item,
    params=("index",),
    x=lambda g, x_shape, index: put_at(g, index, x_shape),
    view=True,
    notation=notation.ITEM,
    doc="Elements at integers and slices; a view.",
)


def _elements(x: Any, index: Any) -> Any:
    # For rows, `take` is several times faster than an index.
    if type(index) is ndarray and index.dtype.kind == "i":
        return x.take(index, 0)
    return x[index]


advanced_item: Operation = define(
    "index",
    _elements,
    params=("index",),
    x=lambda g, x_shape, index: put_at(g, index, x_shape),
    notation=notation.ITEM,
    doc="Elements at integer arrays or where masks hold; a copy.",
)


def _set_at(x: Any, value: Any, index: Any) -> Any:
    out = np.array(x)
    out[index] = value
    return out


set_at: Operation = define(
    "index_put",
    _set_at,
    params=("index",),
    x=lambda g, index: set_at(g, 0.0, index),
    value=lambda g, index: g[index],
    notation=notation.PUT,
    doc="A copy with the elements at an index replaced.",
)


def getitem(input: Tensor, index: Any) -> Tensor:
    """Return the elements at an index, as ``input[index]`` does."""
    normal = normal_index(index, input._array.shape)
    try:
        if is_basic(normal):
            return basic_item(input, normal)
        split = integers_first(normal)
        if split is not None:
            return advanced_item(basic_item(input, split[0]), split[1])
        return advanced_item(input, normal)
    except IndexError as error:
        raise explain_index_error(error, input._array.shape, normal) from None


# --- Along a dimension ----------------------------------------------------------------------------


def _put_along(x: Any, index: Any, dim: int, shape: tuple[int, ...]) -> Any:
    return summed_along(x, index, dim, shape)


def _take_along(x: Any, index: Any, dim: int) -> Any:
    flat = x.reshape(-1)
    if index.size <= BLOCK or not dim:
        return flat.take(places_along(index, dim, x.shape))
    out = np.empty(index.shape, x.dtype)
    for block, places in blocks_of_places(index, dim, x.shape):
        # The places are checked already; to raise an error, NumPy would write to a copy first.
        flat.take(places, out=out[block], mode="clip")
    return out


put_along: Operation = define(
    "scatter_along_dim",
    _put_along,
    params=("index", "dim", "shape"),
    x=lambda g, index, dim: taken_along(g, index, dim),
    notation=notation.along("scatter"),
    doc="Zeros of a shape with values added along a dimension: the adjoint of gather.",
)
taken_along: Operation = define(
    "gather",
    _take_along,
    params=("index", "dim"),
    x=lambda g, x_shape, index, dim: put_along(g, index, dim, x_shape),
    notation=notation.along("gather"),
    doc="Elements picked along a dimension by an index for every place.",
)


# --- Where elements are ---------------------------------------------------------------------------


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not zero, a row each (or a tensor a dimension).

    >>> import chainrule as cr
    >>> cr.nonzero(cr.tensor([0.0, 2.0, 3.0]))
    tensor([[1],
            [2]])
    """
    found = np.nonzero(np.atleast_1d(input._array))
    if as_tuple:
        return tuple(attach(f, None) for f in found)
    rows = np.stack(found, axis=1) if input._array.ndim else np.zeros((len(found[0]), 0), np.int64)
    return attach(rows, None)


def argwhere(input: Tensor) -> Tensor:
    """Return the indices of the elements that are not zero, a row each.

    >>> import chainrule as cr
    >>> cr.argwhere(cr.tensor([[0.0, 2.0], [3.0, 0.0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    rows: Tensor = nonzero(input)
    return rows
