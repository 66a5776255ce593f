"""What operations on complex numbers are for real ones, and the neighbours of a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from chainrule import dtypes
from chainrule.operation import Operation, define
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "angle",
    "conj",
    "conj_physical",
    "imag",
    "is_conj",
    "is_neg",
    "nextafter",
    "real",
    "resolve_conj",
    "resolve_neg",
]


def real(input: Tensor) -> Tensor:
    """Return a tensor of real numbers as it is.

    >>> import chainrule as cr
    >>> cr.real(cr.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    return input


conj = conj_physical = resolve_conj = resolve_neg = real


def imag(input: Tensor) -> NoReturn:
    """Refuse, as PyTorch does for real numbers.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(
        f"imag is not implemented for tensors with non-complex dtypes: this one is {input.dtype}; "
        "use cr.zeros_like(x) for the imaginary part of real numbers"
    )


def is_conj(input: Tensor) -> bool:
    """Tell whether a tensor is a conjugate view: never, of real numbers.

    >>> import chainrule as cr
    >>> cr.is_conj(cr.ones(2))
    False
    """
    return False


def is_neg(input: Tensor) -> bool:
    """Tell whether a tensor is a negated view: never.

    >>> import chainrule as cr
    >>> cr.is_neg(-cr.ones(2))
    False
    """
    return False


angle: Operation = define(
    "angle",
    lambda x: np.where(
        np.isnan(x), x, np.where(np.less(x, 0), x.dtype.type(np.pi), x.dtype.type(0))
    ),
    x=lambda g: g * 0,
    floating=True,
    doc="""The angle of real numbers in the complex plane: π for negative ones, else 0.

    >>> import chainrule as cr
    >>> cr.angle(cr.tensor([-1.0, 2.0]))
    tensor([3.1416, 0.0000])
    """,
)


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """Return the next number after each element in the direction of the other; no derivative.

    Raises:
        NotImplementedError: for integers.

    >>> import chainrule as cr
    >>> cr.nextafter(cr.tensor(1.0), cr.tensor(2.0)) > 1
    tensor(True)
    """
    dtype = dtypes.result_type(input._array, other._array)
    if dtype.kind != "f":
        raise NotImplementedError(
            f"nextafter is not implemented for {dtype}: integers have their neighbours one apart"
        )
    return attach(np.asarray(np.nextafter(input._array, other._array, dtype=dtype)), None)
