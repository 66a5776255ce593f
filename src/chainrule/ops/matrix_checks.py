"""What operations of linear algebra ask of their operands, and how they say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.dtypes import as_dtype, category
from chainrule.symbol import Constant, Expr

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class LinAlgError(RuntimeError):
    """A matrix has no inverse, is not positive definite, or an iteration did not converge."""


def floating(name: str, input: Tensor, dtype: Any = None) -> Tensor:
    """Return the input, converted if a dtype is given, or raise if it does not hold floats."""
    if input._array.dtype.kind != "f":
        raise RuntimeError(
            f"linalg.{name}: Expected a floating point or complex tensor as input. Got "
            f"{input._array.dtype}; convert it with .float()"
        )
    if dtype is None:
        return input
    wanted = as_dtype(dtype)
    if category(wanted) != 2 or np.promote_types(wanted, input._array.dtype) != wanted:
        raise RuntimeError(
            f"linalg.{name}: the dtype of the input ({input._array.dtype}) should be convertible "
            f"without narrowing to the specified dtype ({wanted}); pass a wider one"
        )
    return input.to(wanted)


def full_precision(name: str, A: Tensor) -> None:
    """Raise for half precision, which LAPACK does not have."""
    if A._array.dtype == np.float16:
        raise RuntimeError(
            f"linalg.{name}: Low precision dtypes not supported. Got Half; convert with .float()"
        )


def matrices(name: str, A: Tensor, what: str = "A") -> Tensor:
    """Return floating matrices in single or double precision, or raise."""
    if A._array.ndim < 2:
        raise RuntimeError(
            f"linalg.{name}: The input tensor {what} must have at least 2 dimensions, got shape "
            f"{list(A._array.shape)}"
        )
    floating(name, A)
    full_precision(name, A)
    return A


def square_matrices(name: str, A: Tensor, what: str = "A") -> Tensor:
    """Return floating square matrices, or raise."""
    matrices(name, A, what)
    rows, columns = A._array.shape[-2:]
    if rows != columns:
        raise RuntimeError(
            f"linalg.{name}: {what} must be batches of square matrices, but they are {rows} by "
            f"{columns} matrices"
        )
    return A


def batch_element(x: Any, at: tuple[int, ...]) -> str:
    """Return how an error names one matrix of a stack."""
    if x.ndim == 2:
        return ""
    return f"(Batch element {int(np.ravel_multi_index(at, x.shape[:-2]))}): "


def absent(g: Any) -> bool:
    """Tell whether an output's gradient is a constant 0: nothing was computed from the output."""
    if isinstance(g, Expr):
        return isinstance(g, Constant) and bool(np.all(g.value == 0))
    if getattr(g, "_node", None) is not None:
        return False
    return not getattr(g, "_array", g).any()
