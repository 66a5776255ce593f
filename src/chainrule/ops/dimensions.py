"""Dimensions moved, split, added at need, and made equal by broadcasting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operands import operand_error
from chainrule.ops.shape import (
    broadcast,
    given_shape,
    inserted,
    normal_dim,
    permuted,
    reshaped,
    transposed,
    transposed_scalar,
    view,
)

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "adjoint",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "moveaxis",
    "movedim",
    "numel",
    "unflatten",
]


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Split one dimension into several; one size may be −1. The inverse of `flatten`; a view.

    >>> import chainrule as cr
    >>> cr.unflatten(cr.zeros(2, 6), 1, (3, -1)).shape
    chainrule.Size([2, 3, 2])
    """
    shape = input._array.shape
    d = normal_dim("unflatten", dim, len(shape))
    given = given_shape((sizes,))
    if not given:
        raise RuntimeError("unflatten: sizes must be non-empty")
    size = shape[d] if shape else 1
    inferred = given
    if given.count(-1) == 1:
        known = math.prod(n for n in given if n != -1)
        rest = size // known if known and size % known == 0 else -1
        inferred = tuple(rest if n == -1 else n for n in given)
    if any(n < 0 for n in inferred) or math.prod(inferred) != size:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(given)} don't multiply up to the size of dim {d} "
            f"({size}) in the input tensor"
        )
    return view(input, (*shape[:d], *inferred, *shape[d + 1 :]))


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Move dimensions to other places; the others keep their order. A view.

    >>> import chainrule as cr
    >>> cr.movedim(cr.zeros(2, 3, 4), 0, -1).shape
    chainrule.Size([3, 4, 2])
    """
    n = input._array.ndim
    given = (source,) if not isinstance(source, Sequence) else tuple(source)
    target = (destination,) if not isinstance(destination, Sequence) else tuple(destination)
    if len(given) != len(target):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(given)} dims) should "
            f"contain the same number of dims as destination ({list(target)} dims)"
        )
    places = []
    for word, dims in (("source", given), ("destination", target)):
        normal = [normal_dim("movedim", d, n) for d in dims]
        if len(set(normal)) < len(normal):
            raise RuntimeError(f"movedim: repeated dim in `{word}` ({list(dims)})")
        places.append(normal)
    if n == 0:
        return transposed_scalar(input)
    moved = dict(zip(places[1], places[0], strict=True))
    rest = iter([d for d in range(n) if d not in places[0]])
    return permuted(input, tuple(moved[d] if d in moved else next(rest) for d in range(n)))


moveaxis = movedim


def adjoint(input: Tensor) -> Tensor:
    """Swap the last two dimensions: of real matrices, the adjoint is the transpose. A view.

    >>> import chainrule as cr
    >>> cr.adjoint(cr.zeros(3, 2, 1)).shape
    chainrule.Size([3, 1, 2])
    """
    if input._array.ndim < 2:
        raise RuntimeError(
            "tensor.adjoint() is only supported on matrices or batches of matrices. Got "
            f"{input._array.ndim}-D tensor."
        )
    return transposed(input, -2, -1)


def broadcast_shapes(*shapes: Any) -> Any:
    """Return the shape that tensors of the given shapes broadcast to.

    >>> import chainrule as cr
    >>> cr.broadcast_shapes((3,), (2, 1))
    chainrule.Size([2, 3])
    """
    from chainrule.tensor import Size

    result: list[int] = []
    for k, given in enumerate(shapes):
        shape = given_shape((given,))
        if any(n < 0 for n in shape):
            raise RuntimeError(f"broadcast_shapes: sizes must not be negative, got {list(shape)}")
        result = [1] * (len(shape) - len(result)) + result
        for d in range(1, len(shape) + 1):
            n, known = shape[-d], result[-d]
            if n != known and 1 not in (n, known):
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at -{d}! Mismatching "
                    f"argument at index {k} had {shape}; but expected shape should be "
                    f"broadcastable to {result}"
                )
            if known == 1:
                result[-d] = n
    return Size(result)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Return the tensors, each expanded to the shape they broadcast to; views.

    >>> import chainrule as cr
    >>> a, b = cr.broadcast_tensors(cr.zeros(3), cr.zeros(2, 1))
    >>> a.shape, b.shape
    (chainrule.Size([2, 3]), chainrule.Size([2, 3]))
    """
    given = several(tensors)
    arrays = [x._array for x in given]
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError as error:
        raise operand_error(broadcast.primitive, arrays, error) from None  # type: ignore[attr-defined]
    return tuple(broadcast(x, shape) for x in given)


def several(tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """Accept tensors as separate arguments or as one sequence."""
    if len(tensors) == 1 and isinstance(tensors[0], Sequence):
        return tuple(tensors[0])
    return tensors


def _at_least(tensors: tuple[Any, ...], raised: Callable[[Any], Any]) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], Sequence):
        return raised(tensors[0])
    return tuple(raised(x) for x in several(tensors))


def atleast_1d(*tensors: Any) -> Any:
    """Return each tensor with at least one dimension; one tensor, or a tuple for several.

    >>> import chainrule as cr
    >>> cr.atleast_1d(cr.tensor(1.0))
    tensor([1.])
    """
    return _at_least(tensors, lambda x: x if x._array.ndim else reshaped(x, (1,)))


def atleast_2d(*tensors: Any) -> Any:
    """Return each tensor with at least two dimensions: a vector becomes a row.

    >>> import chainrule as cr
    >>> cr.atleast_2d(cr.tensor([1.0, 2.0])).shape
    chainrule.Size([1, 2])
    """

    def raised(x: Any) -> Any:
        missing = 2 - x._array.ndim
        return x if missing <= 0 else inserted(x, tuple(range(missing)))

    return _at_least(tensors, raised)


def atleast_3d(*tensors: Any) -> Any:
    """Return each tensor with at least three dimensions: a vector lies along dimension 1.

    >>> import chainrule as cr
    >>> cr.atleast_3d(cr.tensor([1.0, 2.0])).shape, cr.atleast_3d(cr.zeros(2, 3)).shape
    (chainrule.Size([1, 2, 1]), chainrule.Size([2, 3, 1]))
    """
    new = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}

    def raised(x: Any) -> Any:
        n = x._array.ndim
        return inserted(x, new[n]) if n < 3 else x

    return _at_least(tensors, raised)


def numel(input: Tensor) -> int:
    """Return the number of elements.

    >>> import chainrule as cr
    >>> cr.numel(cr.zeros(2, 3))
    6
    """
    return input._array.size
