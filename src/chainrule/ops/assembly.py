"""Assembly: several tensors put together into one, along a dimension or as blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.dimensions import atleast_1d, atleast_2d, atleast_3d
from chainrule.ops.shape import normal_dim, reshaped
from chainrule.ops.spelling import numpy_names
from chainrule.primitive import attach
from chainrule.symbol import Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "block_diag",
    "cat",
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "row_stack",
    "stack",
    "vstack",
]

# --- The table ------------------------------------------------------------------------------------

_cat = notation.along("cat")


def _write_cat(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    return _cat(style, {name: value for name, value in o.items() if name != "bounds"})


def _stack(xs: Sequence[Any], dim: int) -> Any:
    # What np.stack does, without its checks.
    new = (*(slice(None),) * dim, None)
    return np.concatenate([x[new] for x in xs], dim)


def _block_diagonal(xs: Sequence[Any]) -> Any:
    rows, columns = (sum(x.shape[d] for x in xs) for d in (0, 1))
    out = np.zeros((rows, columns), np.result_type(*xs))
    row = column = 0
    for x in xs:
        n, m = x.shape
        out[row : row + n, column : column + m] = x
        row += n
        column += m
    return out


def _block(shapes: Sequence[Sequence[int]], k: int) -> tuple[slice, slice]:
    row, column = (sum(shape[d] for shape in shapes[:k]) for d in (0, 1))
    n, m = shapes[k]
    return slice(row, row + n), slice(column, column + m)


joined: Operation = define(
    "cat",
    lambda xs, dim, bounds: np.concatenate(xs, dim),
    inputs=("*xs",),
    params=("dim", "bounds"),
    xs=lambda g, dim, bounds, k: g[(*(slice(None),) * dim, slice(bounds[k], bounds[k + 1]))],
    notation=Notation(custom=_write_cat),
    doc="Concatenate along a dimension; the k-th operand lies between bounds k and k + 1.",
)
stacked: Operation = define(
    "stack",
    _stack,
    inputs=("*xs",),
    params=("dim",),
    xs=lambda g, dim, k: g[(*(slice(None),) * dim, k)],
    notation=notation.along("stack"),
    doc="Put several side by side along a new dimension.",
)
blocks: Operation = define(
    "block_diag",
    _block_diagonal,
    inputs=("*xs",),
    xs=lambda g, shapes, k: g[_block(shapes, k)],
    doc="Matrices along the diagonal of a larger one.",
)

# --- PyTorch's signatures -------------------------------------------------------------------------


def listed(name: str, tensors: Any) -> tuple[Any, ...]:
    """Return the tensors of a sequence, or raise PyTorch's error if it is none of tensors."""
    if hasattr(tensors, "_array"):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor; "
            "write the tensors between brackets"
        )
    given = tuple(tensors)
    for k, x in enumerate(given):
        if not hasattr(x, "_array"):
            raise TypeError(
                f"expected Tensor as element {k} in argument 0, but got {type(x).__name__}: "
                f"{name} takes tensors only; convert it with cr.tensor(...)"
            )
    return given


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Concatenate along an existing dimension; all other sizes must agree.

    >>> import chainrule as cr
    >>> cr.cat([cr.tensor([1.0]), cr.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    given = listed("cat", tensors)
    if not given:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    shapes = [x._array.shape for x in given]
    if (0,) in shapes:
        given, shapes = _without_nothing(given)
    shape = shapes[0]
    if not all(shapes):
        raise RuntimeError(
            f"zero-dimensional tensor (at position {shapes.index(())}) cannot be concatenated; use "
            "stack"
        )
    d = normal_dim("cat", dim, len(shape))
    try:
        bounds = (0, *accumulate([s[d] for s in shapes]))
        result: Tensor = joined(given, d, bounds)
    except (ValueError, IndexError):
        _refuse_other_shapes(shapes, d)
        raise
    return result


concat = concatenate = cat


def _without_nothing(tensors: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """Leave out empty vectors, which PyTorch lets join anything; their dtype counts."""
    rest = tuple(x for x in tensors if x._array.shape != (0,)) or tensors[:1]
    dtype = dtypes.result_type(*(x._array for x in tensors))
    rest = tuple(x if x._array.dtype is dtype else x.to(dtype) for x in rest)
    return rest, [x._array.shape for x in rest]


def _refuse_other_shapes(shapes: Sequence[tuple[int, ...]], d: int) -> None:
    shape = shapes[0]
    for k, other in enumerate(shapes):
        if len(other) != len(shape):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(shape)} and {len(other)} "
                f"(tensor number {k} in cat)"
            ) from None
        for i, (n, m) in enumerate(zip(shape, other, strict=True)):
            if i != d and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {d}. Expected size {n} but "
                    f"got size {m} for tensor number {k} in the list."
                ) from None


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Put tensors of one shape side by side along a new dimension.

    >>> import chainrule as cr
    >>> cr.stack([cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0])], dim=1)
    tensor([[1., 3.],
            [2., 4.]])
    """
    given = listed("stack", tensors)
    if not given:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = given[0]._array.shape
    for k, x in enumerate(given):
        if x._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(x._array.shape)} at entry {k}"
            )
    return stacked(given, normal_dim("stack", dim, len(shape) + 1))


def _listed_somewhere(name: str, tensors: Any) -> tuple[Any, ...]:
    given = listed(name, tensors)
    if not given:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return given


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Concatenate vectors, or matrices (and more) along dimension 1.

    >>> import chainrule as cr
    >>> cr.hstack([cr.tensor([1.0]), cr.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    given = tuple(atleast_1d(x) for x in _listed_somewhere("hstack", tensors))
    return cat(given, 0 if given[0]._array.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Put vectors as rows, or matrices, on top of one another.

    >>> import chainrule as cr
    >>> cr.vstack([cr.tensor([1.0, 2.0]), cr.tensor([[3.0, 4.0]])])
    tensor([[1., 2.],
            [3., 4.]])
    """
    return cat(tuple(atleast_2d(x) for x in _listed_somewhere("vstack", tensors)), 0)


row_stack = vstack


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Put tensors behind one another, along dimension 2.

    >>> import chainrule as cr
    >>> cr.dstack([cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0])]).shape
    chainrule.Size([1, 2, 2])
    """
    return cat(tuple(atleast_3d(x) for x in _listed_somewhere("dstack", tensors)), 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Put vectors as columns, or matrices, side by side.

    >>> import chainrule as cr
    >>> cr.column_stack([cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0])])
    tensor([[1., 3.],
            [2., 4.]])
    """
    given = _listed_somewhere("column_stack", tensors)
    columns = tuple(reshaped(x, (x._array.size, 1)) if x._array.ndim <= 1 else x for x in given)
    return cat(columns, 1)


def block_diag(*tensors: Tensor) -> Tensor:
    """Return a matrix with the given matrices along its diagonal and zeros elsewhere.

    A vector counts as a row, a 0-d tensor as a matrix of one element.

    >>> import chainrule as cr
    >>> cr.block_diag(cr.tensor([[1.0, 2.0]]), cr.tensor(3.0))
    tensor([[1., 2., 0.],
            [0., 0., 3.]])
    """
    if not tensors:
        return attach(np.zeros((1, 0), dtypes.get_default_dtype()), None)
    given = listed("block_diag", tensors)
    for k, x in enumerate(given):
        if x._array.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{k} has {x._array.ndim} dimensions"
            )
    return blocks(tuple(atleast_2d(x) for x in given))
