"""Shape: the same elements under other dimensions. All but `reshape` of some are views."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.spelling import numpy_names
from chainrule.symbol import LEVELS, Notation, Style, function_notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "broadcast_to",
    "flatten",
    "permute",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
    "unsqueeze",
]


def normal_dim(name: str, dim: Any, ndim: int) -> int:
    """Return a dimension as a number from 0, or raise PyTorch's error if it is out of range."""
    try:
        d = operator.index(dim)
    except TypeError:
        raise TypeError(f"{name}(): dim must be an int, not {type(dim).__name__}") from None
    limit = ndim if ndim else 1
    if not -limit <= d < limit:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got "
            f"{d}) in {name} of a {ndim}-dimensional tensor"
        )
    return d + limit if d < 0 else d


def distinct_dims(name: str, dims: Sequence[Any], ndim: int) -> list[int]:
    """Return dimensions as numbers from 0, or raise PyTorch's error if one is named twice."""
    normal = [normal_dim(name, d, ndim) for d in dims]
    if len(set(normal)) < len(normal):
        twice = next(d for d in normal if normal.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims of {name}")
    return normal


def given_shape(sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Accept sizes as separate integers, as one sequence, or as a sequence under a name."""
    if named is not None:
        if sizes:
            raise TypeError(f"sizes were given twice: {sizes} and {named} by name")
        sizes = (named,)
    if len(sizes) == 1 and isinstance(sizes[0], Sequence):
        sizes = tuple(sizes[0])
    try:
        return tuple(map(operator.index, sizes))
    except TypeError:
        raise TypeError(f"a shape consists of integers, got {sizes!r}") from None


# --- The table ------------------------------------------------------------------------------------


broadcast: Operation = define(
    "broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),
    params=("shape",),
    x=lambda g: g,
    view=True,
    notation=function_notation("broadcast"),
    doc="Repeat along dimensions of size 1 without copying; the engine sums the gradient back.",
)
reshaped: Operation = define(
    "reshape",
    lambda x, shape: x.reshape(shape),
    params=("shape",),
    x=lambda g, x_shape: reshaped(g, x_shape),
    view=True,
    doc="The same elements, in order, in another shape.",
)


def _write_transpose(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    """Write swapping the last two dimensions as ᵀ; of a matrix they are the only two."""
    dims = {o["dim0"], o["dim1"]}
    shape = getattr(o["x"].expression, "shape", None)
    if dims == {-2, -1} or (dims == {0, 1} and (shape is None or len(shape) == 2)):
        return notation.transpose(style, o["x"]), LEVELS["power"]
    return _swapped(style, o)


_swapped = notation.along("transpose", dims=("dim0", "dim1"))


transposed: Operation = define(
    "transpose",
    lambda x, dim0, dim1: x.swapaxes(dim0, dim1),
    params=("dim0", "dim1"),
    x=lambda g, dim0, dim1: transposed(g, dim0, dim1),
    view=True,
    notation=Notation(custom=_write_transpose),
    doc="Swap two dimensions.",
)
permuted: Operation = define(
    "permute",
    lambda x, dims: x.transpose(dims),
    params=("dims",),
    x=lambda g, dims: permuted(g, tuple(sorted(range(len(dims)), key=dims.__getitem__))),
    view=True,
    notation=notation.PERMUTE,
    doc="Reorder the dimensions.",
)
squeezed: Operation = define(
    "squeeze",
    lambda x, dims: x.squeeze(dims),
    params=("dims",),
    x=lambda g, x_shape: reshaped(g, x_shape),
    view=True,
    notation=notation.SQUEEZE,
    doc="Remove dimensions of size 1.",
)


def _inserted(x: Any, dims: tuple[int, ...]) -> Any:
    shape, n = list(x.shape), x.ndim + len(dims)
    for d in dims:  # in rising order
        shape.insert(d if d >= 0 else d + n, 1)
    return x.reshape(shape)


inserted: Operation = define(
    "unsqueeze",
    _inserted,
    params=("dims",),
    x=lambda g, dims: squeezed(g, dims),
    view=True,
    notation=notation.UNSQUEEZE,
    doc="Insert dimensions of size 1.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def _fitting_shape(name: str, x: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Replace the one -1 in a shape, or raise PyTorch's error if it does not fit."""
    unknown = shape.count(-1)
    known = math.prod(n for n in shape if n != -1)
    if unknown > 1:
        raise RuntimeError(f"{name}: only one dimension can be inferred, got shape {list(shape)}")
    if any(n < -1 for n in shape):
        raise RuntimeError(f"{name}: invalid shape dimension {min(shape)} in {list(shape)}")
    if unknown and known and x.size % known == 0:
        return tuple(x.size // known if n == -1 else n for n in shape)
    if unknown and not known:
        raise RuntimeError(
            f"cannot {name} tensor of {x.size} elements into shape {list(shape)} because the "
            "unspecified dimension size -1 can be any value; write the size out"
        )
    if unknown or known != x.size:
        raise RuntimeError(
            f"shape '{list(shape)}' is invalid for input of size {x.size}: {name} of a tensor of "
            f"shape {list(x.shape)} must keep the number of elements"
        )
    return shape


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Return the elements in another shape; a view where possible. One size may be −1.

    >>> import chainrule as cr
    >>> cr.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return reshaped(input, _fitting_shape("reshape", input._array, given_shape(sizes, shape)))


def view(input: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """Return the elements in another shape without copying, or refuse.

    >>> import chainrule as cr
    >>> cr.arange(4).view(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    x = input._array
    if len(shape) == 1 and isinstance(shape[0], np.dtype | type):
        raise NotImplementedError(
            f"view({shape[0]}) would reinterpret bytes, which is not supported; use .to(dtype)"
        )
    target = _fitting_shape("view", x, given_shape(shape, size))
    result = reshaped(input, target)
    if x.size and not np.may_share_memory(result._array, x):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            f"dimension spans across two contiguous subspaces): shape {list(x.shape)} to "
            f"{list(target)}. Use .reshape(...) instead"
        )
    return result


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the dimensions from ``start_dim`` to ``end_dim`` into one.

    >>> import chainrule as cr
    >>> cr.zeros(2, 3, 4).flatten(1).shape
    chainrule.Size([2, 12])
    """
    x = input._array
    if x.ndim == 0:
        return reshaped(input, (1,))
    start, end = normal_dim("flatten", start_dim, x.ndim), normal_dim("flatten", end_dim, x.ndim)
    if start > end:
        raise RuntimeError(
            f"flatten() has invalid args: start_dim ({start_dim}) cannot come after end_dim "
            f"({end_dim})"
        )
    merged = math.prod(x.shape[start : end + 1])
    return reshaped(input, (*x.shape[:start], merged, *x.shape[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """Return the elements as a vector.

    >>> import chainrule as cr
    >>> cr.ravel(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 2., 3., 4.])
    """
    return reshaped(input, (input._array.size,))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Swap two dimensions; a view.

    >>> import chainrule as cr
    >>> cr.zeros(2, 3).transpose(0, 1).shape
    chainrule.Size([3, 2])
    """
    n = input._array.ndim
    if n == 0:
        return transposed_scalar(input)
    return transposed(input, normal_dim("transpose", dim0, n), normal_dim("transpose", dim1, n))


def transposed_scalar(input: Tensor) -> Tensor:
    """Return a 0-d tensor as a view of itself: it has nothing to swap."""
    return reshaped(input, ())


swapdims = transpose


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Swap two dimensions; a view. NumPy's name for `transpose`.

    >>> import chainrule as cr
    >>> cr.zeros(2, 3).swapaxes(0, 1).shape
    chainrule.Size([3, 2])
    """
    return transpose(input, axis0, axis1)


def t(input: Tensor) -> Tensor:
    """Transpose a matrix; a vector or scalar stays as it is.

    >>> import chainrule as cr
    >>> cr.t(cr.tensor([[1.0, 2.0]])).shape
    chainrule.Size([2, 1])
    """
    n = input._array.ndim
    if n > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {n}D; use transpose(dim0, "
            "dim1), permute(...) or .mT"
        )
    return transposed(input, 0, 1) if n == 2 else reshaped(input, input._array.shape)


def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """Reorder all dimensions; a view.

    >>> import chainrule as cr
    >>> cr.zeros(2, 3, 4).permute(2, 0, 1).shape
    chainrule.Size([4, 2, 3])
    """
    given = given_shape(order, dims)
    n = input._array.ndim
    if len(given) != n:
        raise RuntimeError(
            f"permute: number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {n} is not equal to "
            f"len(dims) = {len(given)}"
        )
    places = tuple(normal_dim("permute", d, n) for d in given)
    if len(set(places)) != n:
        raise RuntimeError(f"permute(): duplicate dims are not allowed, got {list(given)}")
    return permuted(input, places)


@numpy_names
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Remove all dimensions of size 1, or those named that have size 1; a view.

    >>> import chainrule as cr
    >>> cr.zeros(1, 3, 1).squeeze(0).shape
    chainrule.Size([3, 1])
    """
    x = input._array
    if dim is None:
        dims = tuple(d for d, n in enumerate(x.shape) if n == 1)
    else:
        asked = dim if isinstance(dim, Sequence) else (dim,)
        normal = sorted(distinct_dims("squeeze", asked, x.ndim))
        dims = tuple(d for d in normal if x.ndim and x.shape[d] == 1)
    return squeezed(input, dims)


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Insert a dimension of size 1; a view.

    >>> import chainrule as cr
    >>> cr.zeros(3).unsqueeze(0).shape
    chainrule.Size([1, 3])
    """
    return inserted(input, (normal_dim("unsqueeze", dim, input._array.ndim + 1),))


def expand(input: Tensor, *sizes: Any, size: Any = None, implicit: bool = False) -> Tensor:
    """Repeat along dimensions of size 1 without copying; −1 keeps a size.

    >>> import chainrule as cr
    >>> cr.tensor([[1.0], [2.0]]).expand(-1, 3)
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    x = input._array
    wanted = given_shape(sizes, size)
    missing = len(wanted) - x.ndim
    if missing < 0:
        raise RuntimeError(
            f"expand({list(x.shape)}, size={list(wanted)}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor "
            f"({x.ndim})"
        )
    if any(n == -1 for n in wanted[:missing]):
        raise RuntimeError(
            f"expand({list(x.shape)}, size={list(wanted)}): The expanded size of the tensor (-1) "
            "isn't allowed in a leading, non-existing dimension"
        )
    target = wanted[:missing] + tuple(
        have if n == -1 else n for n, have in zip(wanted[missing:], x.shape, strict=True)
    )
    return broadcast_to(input, target)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Repeat along dimensions of size 1, without copying, until the shape is ``size``.

    >>> import chainrule as cr
    >>> cr.broadcast_to(cr.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    target = given_shape((size,))
    shape = input._array.shape
    for k in range(1, len(shape) + 1):
        if k > len(target) or (shape[-k] != target[-k] and shape[-k] != 1):
            wanted = target[-k] if k <= len(target) else "nothing"
            raise RuntimeError(
                f"The expanded size of the tensor ({wanted}) must match the existing size "
                f"({shape[-k]}) at non-singleton dimension {len(target) - k}. Target sizes: "
                f"{list(target)}. Tensor sizes: {list(shape)}"
            )
    return broadcast(input, target)
