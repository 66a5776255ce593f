"""Activations whose functional form has more arguments than the operation."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from chainrule.ops import exponential

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "log_softmax",
    "relu",
    "relu_",
    "softmax",
]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0), element by element.

    Args:
        input: any shape.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.functional.relu(cr.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return input.relu_() if inplace else exponential.relu(input)


def relu_(input: Tensor) -> Tensor:
    """Overwrite the input with max(x, 0) and return it."""
    return input.relu_()


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return the softmax along a dimension: exponentials divided by their sum.

    Args:
        input: any shape.
        dim: the dimension that sums to 1; guessed, with a warning, if None.
        dtype: convert the input to it first.

    >>> import chainrule as cr
    >>> cr.nn.functional.softmax(cr.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _guessed_dim("softmax", input, _stacklevel)
    return exponential.softmax(input, dim, dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return the logarithm of the softmax along a dimension, without overflow.

    Args:
        input: any shape.
        dim: the dimension whose exponentials sum to 1; guessed, with a warning, if None.
        dtype: convert the input to it first.

    >>> import chainrule as cr
    >>> cr.nn.functional.log_softmax(cr.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _guessed_dim("log_softmax", input, _stacklevel)
    return exponential.log_softmax(input, dim, dtype)


def _guessed_dim(name: str, input: Tensor, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument, usually dim=-1.",
        stacklevel=stacklevel,
    )
    return 0 if input._array.ndim in (0, 1, 3) else 1
