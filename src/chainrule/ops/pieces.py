"""Pieces: cutting a tensor along a dimension. Every piece is a view."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.assembly import joined, stacked
from chainrule.ops.cast import clone
from chainrule.ops.indexing import basic_item, put_at
from chainrule.ops.shape import given_shape, normal_dim
from chainrule.ops.spelling import numpy_names
from chainrule.symbol import Constant

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "narrow",
    "narrow_copy",
    "select",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unbind",
    "vsplit",
]

# --- The table ------------------------------------------------------------------------------------


def _cut(x: Any, dim: int, bounds: Sequence[int]) -> tuple[Any, ...]:
    before = (slice(None),) * dim
    return tuple([x[(*before, slice(bounds[k], bounds[k + 1]))] for k in range(len(bounds) - 1)])


def _slices(x: Any, dim: int, count: int) -> tuple[Any, ...]:
    before = (slice(None),) * dim
    # The ellipsis makes a view also of a single element.
    return tuple([x[(*before, k, ...)] for k in range(count)])


def _put_back(
    g: Any, indices: list[Any], assembled: Callable[[list[Any]], Any], shape: tuple[int, ...]
) -> Any:
    """Return the gradient of a whole from those of its pieces.

    In a formula, pieces that are not used have the gradient 0, and the others are put into zeros.
    """
    parts = [g[k] for k in range(len(indices))]
    if not any(isinstance(part, Constant) for part in parts):
        return assembled(parts)
    used = [
        put_at(part, index, shape)
        for part, index in zip(parts, indices, strict=True)
        if not isinstance(part, Constant)
    ]
    return functools.reduce(operator.add, used)


cut: Operation = define(
    "split",
    _cut,
    params=("dim", "bounds"),
    x=lambda g, x_shape, dim, bounds: _put_back(
        g,
        [(*(slice(None),) * dim, slice(a, b)) for a, b in pairwise(bounds)],
        lambda parts: joined(parts, dim, bounds),
        x_shape,
    ),
    view=True,
    several=True,
    notation=notation.along("split"),
    doc="Cut along a dimension; piece k lies between bounds k and k + 1.",
)
slices: Operation = define(
    "unbind",
    _slices,
    params=("dim", "count"),
    x=lambda g, x_shape, dim, count: _put_back(
        g,
        [(*(slice(None),) * dim, k) for k in range(count)],
        lambda parts: stacked(parts, dim),
        x_shape,
    ),
    view=True,
    several=True,
    notation=notation.along("unbind"),
    doc="The slices along a dimension of known size.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def _bounds(sections: Sequence[int]) -> tuple[int, ...]:
    return (0, *accumulate(sections))


def _size_along(name: str, input: Tensor, dim: Any) -> tuple[int, int]:
    """Return a dimension as a number from 0, and its size; a 0-d tensor has none to cut."""
    shape = input._array.shape
    d = normal_dim(name, dim, len(shape))
    if not shape:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")
    return d, shape[d]


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut into pieces along a dimension: of one size (the last may be smaller) or of given sizes.

    >>> import chainrule as cr
    >>> [list(part.shape) for part in cr.split(cr.zeros(5, 2), 2)]
    [[2, 2], [2, 2], [1, 2]]
    """
    if isinstance(split_size_or_sections, Sequence):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    d, size = _size_along("split", tensor, dim)
    step = operator.index(split_size_or_sections)
    if step < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
    if step == 0 and size:
        raise RuntimeError(
            "split_size can only be 0 if dimension size is 0, but got dimension size of "
            f"{size} in split"
        )
    bounds = (*range(0, size, step), size) if size else (0, 0)
    return cut(tensor, d, bounds)  # type: ignore[return-value]


@numpy_names
def split_with_sizes(
    tensor: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Cut into pieces of the given sizes along a dimension.

    >>> import chainrule as cr
    >>> cr.split_with_sizes(cr.arange(4), [1, 3])
    (tensor([0]), tensor([1, 2, 3]))
    """
    d, size = _size_along("split_with_sizes", tensor, dim)
    sections = given_shape((split_sizes,))
    if sum(sections) != size or any(n < 0 for n in sections):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's "
            f"size at dimension {d}), but got split_sizes={list(sections)}"
        )
    return cut(tensor, d, _bounds(sections))  # type: ignore[return-value]


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut into at most ``chunks`` pieces of equal size (the last may be smaller).

    >>> import chainrule as cr
    >>> [list(part.shape) for part in cr.chunk(cr.zeros(5), 2)]
    [[3], [2]]
    """
    d, size = _size_along("chunk", input, dim)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    if size:
        bounds: tuple[int, ...] = (*range(0, size, -(-size // chunks)), size)
    else:
        bounds = (0,) * (chunks + 1)
    return cut(input, d, bounds)  # type: ignore[return-value]


def _one_of(name: str, *values: Any) -> Any:
    """Return the one value that was given, under whichever name."""
    given = [v for v in values if v is not None]
    if len(given) != 1:
        raise TypeError(f"{name}() needs either indices or the number of sections")
    return given[0]


@numpy_names
def tensor_split(
    input: Tensor,
    indices_or_sections: Any = None,
    dim: int = 0,
    *,
    indices: Any = None,
    sections: Any = None,
) -> tuple[Tensor, ...]:
    """Cut into a number of nearly equal pieces, or before the given indices.

    Of ``size`` elements cut into n pieces, the first ``size % n`` have one more than the others.

    Args:
        input: at least one dimension.
        indices_or_sections: the number of pieces; or a list, or 1-d tensor, of indices.
        dim: the dimension to cut along.
        indices: another name for ``indices_or_sections``, for indices.
        sections: another name for it, for a number.

    >>> import chainrule as cr
    >>> cr.tensor_split(cr.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> cr.tensor_split(cr.arange(5), (1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    if input._array.ndim == 0:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    d = normal_dim("tensor_split", dim, input._array.ndim)
    size = input._array.shape[d]
    given = _one_of("tensor_split", indices_or_sections, indices, sections)
    given = getattr(given, "_array", given)
    if hasattr(given, "tolist"):
        given = given.tolist()
    if not isinstance(given, Sequence):
        count = operator.index(given)
        if count <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {count}")
        small, larger = divmod(size, count)
        return cut(input, d, _bounds([small + (k < larger) for k in range(count)]))  # type: ignore[return-value]
    bounds = (0, *(operator.index(k) for k in given), size)
    if all(a <= b for a, b in pairwise(bounds)):
        return cut(input, d, bounds)  # type: ignore[return-value]
    before = (slice(None),) * d
    return tuple(basic_item(input, (*before, slice(a, b))) for a, b in pairwise(bounds))


def _split_evenly(
    name: str, input: Tensor, indices_or_sections: Any, dim: int, least: int
) -> tuple[Tensor, ...]:
    n = input._array.ndim
    if n < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
            f"with {n} dimensions!"
        )
    if not isinstance(indices_or_sections, Sequence):
        count, size = operator.index(indices_or_sections), input._array.shape[dim]
        if count == 0 or size % count:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the "
                f"dimension {size} is not divisible by the split_size {count}!"
            )
    return tensor_split(input, indices_or_sections, dim)


def hsplit(
    input: Tensor, indices_or_sections: Any = None, *, indices: Any = None, sections: Any = None
) -> tuple[Tensor, ...]:
    """Cut into columns: along dimension 1, of a vector along its only one.

    >>> import chainrule as cr
    >>> [list(part.shape) for part in cr.hsplit(cr.zeros(2, 4), 2)]
    [[2, 2], [2, 2]]
    """
    dim = 0 if input._array.ndim == 1 else 1
    given = _one_of("hsplit", indices_or_sections, indices, sections)
    return _split_evenly("hsplit", input, given, dim, 1)


def vsplit(
    input: Tensor, indices_or_sections: Any = None, *, indices: Any = None, sections: Any = None
) -> tuple[Tensor, ...]:
    """Cut into rows: along dimension 0.

    >>> import chainrule as cr
    >>> [list(part.shape) for part in cr.vsplit(cr.zeros(4, 2), 2)]
    [[2, 2], [2, 2]]
    """
    given = _one_of("vsplit", indices_or_sections, indices, sections)
    return _split_evenly("vsplit", input, given, 0, 2)


def dsplit(
    input: Tensor, indices_or_sections: Any = None, *, indices: Any = None, sections: Any = None
) -> tuple[Tensor, ...]:
    """Cut along dimension 2.

    >>> import chainrule as cr
    >>> [list(part.shape) for part in cr.dsplit(cr.zeros(1, 2, 4), 2)]
    [[1, 2, 2], [1, 2, 2]]
    """
    given = _one_of("dsplit", indices_or_sections, indices, sections)
    return _split_evenly("dsplit", input, given, 2, 3)


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the slices along a dimension as a tuple.

    >>> import chainrule as cr
    >>> cr.unbind(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    (tensor([1., 2.]), tensor([3., 4.]))
    """
    shape = input._array.shape
    if not shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions: unbind of a 0-d")
    d = normal_dim("unbind", dim, len(shape))
    return slices(input, d, shape[d])  # type: ignore[return-value]


@numpy_names
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return ``length`` slices along a dimension from ``start`` on; a view.

    >>> import chainrule as cr
    >>> cr.narrow(cr.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    shape = input._array.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    d = normal_dim("narrow", dim, len(shape))
    first, size, count = operator.index(start), shape[d], operator.index(length)
    if count < 0:
        raise RuntimeError(f"narrow(): length must be non-negative, got {count}.")
    if not -size <= first <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {first}) "
            "in narrow"
        )
    if first < 0:
        first += size
    if first + count > size:
        raise RuntimeError(
            f"start ({first}) + length ({count}) exceeds dimension size ({size}) in narrow."
        )
    return basic_item(input, (*(slice(None),) * d, slice(first, first + count)))


@numpy_names
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Return a copy of ``length`` slices along a dimension from ``start`` on.

    >>> import chainrule as cr
    >>> cr.narrow_copy(cr.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    return clone(narrow(input, dim, start, length))


@numpy_names
def select(input: Tensor, dim: int, index: Any) -> Tensor:
    """Return the slice at an index of a dimension, without that dimension; a view.

    >>> import chainrule as cr
    >>> cr.select(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, 0)
    tensor([1., 3.])
    """
    shape = input._array.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = normal_dim("select", dim, len(shape))
    at = operator.index(index)
    if not -shape[d] <= at < shape[d]:
        raise IndexError(
            f"select(): index {at} out of range for tensor of size {list(shape)} at dimension {d}"
        )
    return basic_item(input, (*(slice(None),) * d, at))
