"""Questions about tensors and dtypes: what they hold, whether they agree, what they become."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.operation import Operation, define
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "allclose",
    "can_cast",
    "equal",
    "is_complex",
    "is_floating_point",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "isclose",
    "isin",
    "isneginf",
    "isposinf",
    "isreal",
    "result_type",
]

# --- Element by element ---------------------------------------------------------------------------

isposinf: Operation = define(
    "isposinf",
    lambda x: np.equal(x, np.inf),
    inputs=("x",),
    doc="""Where the value is +∞.

    >>> import chainrule as cr
    >>> cr.isposinf(cr.tensor([cr.inf, -cr.inf, 1.0]))
    tensor([ True, False, False])
    """,
)
isneginf: Operation = define(
    "isneginf",
    lambda x: np.equal(x, -np.inf),
    inputs=("x",),
    doc="""Where the value is −∞.

    >>> import chainrule as cr
    >>> cr.isneginf(cr.tensor([cr.inf, -cr.inf, 1.0]))
    tensor([False,  True, False])
    """,
)
isreal: Operation = define(
    "isreal",
    lambda x: np.ones(np.shape(x), np.bool_),
    inputs=("x",),
    doc="""Where the value has no imaginary part: everywhere, since tensors are real.

    >>> import chainrule as cr
    >>> cr.isreal(cr.tensor([1.0, -2.0]))
    tensor([True, True])
    """,
)


def isclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Tell where two tensors are close: ``|input - other| <= atol + rtol * |other|``.

    Args:
        input: any shape.
        other: of the same dtype, broadcast with it.
        rtol: tolerance relative to ``other``.
        atol: absolute tolerance.
        equal_nan: NaN is close to NaN.

    >>> import chainrule as cr
    >>> cr.isclose(cr.tensor([1.0, 2.0]), cr.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    a, b = input._array, other._array
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"{a.dtype} did not match {b.dtype}: isclose compares tensors of one dtype; convert "
            "one with .to()"
        )
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(
                f"{name} must be greater than or equal to zero, but got {tolerance}; tolerances "
                "are distances"
            )
    close = np.equal(a, b)
    if a.dtype.kind != "f":
        a, b = (x.astype(dtypes.get_default_dtype()) for x in (a, b))
    elif equal_nan:
        close = close | (np.isnan(a) & np.isnan(b))
    if rtol or atol:
        distance = np.abs(a - b)
        close = close | (np.isfinite(distance) & (distance <= atol + np.abs(rtol * b)))
    return attach(np.asarray(close), None)


def allclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Tell whether two tensors are close everywhere, as `isclose` has it.

    >>> import chainrule as cr
    >>> cr.allclose(cr.tensor([1.0, 2.0]), cr.tensor([1.000001, 2.0]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Tell for each element whether it is among others.

    Args:
        elements: a tensor, or a number.
        test_elements: a tensor of any shape, or a number.
        assume_unique: no element occurs twice on either side, which may save time.
        invert: tell instead which are not among them.

    >>> import chainrule as cr
    >>> cr.isin(cr.tensor([1, 2, 3]), cr.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    a, b = (np.asarray(getattr(v, "_array", v)) for v in (elements, test_elements))
    found = np.isin(a, b, assume_unique=assume_unique, invert=invert)
    return attach(np.asarray(found), None)


# --- Of whole tensors -----------------------------------------------------------------------------


def equal(input: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors have the same shape and elements.

    >>> import chainrule as cr
    >>> cr.equal(cr.tensor([1, 2]), cr.tensor([1, 2]))
    True
    """
    return np.array_equal(input._array, other._array)


def is_nonzero(input: Tensor) -> bool:
    """Tell whether the only element differs from 0.

    >>> import chainrule as cr
    >>> cr.is_nonzero(cr.tensor([0.0]))
    False
    """
    return bool(input)


def is_floating_point(input: Tensor) -> bool:
    """Tell whether the elements are floats.

    >>> import chainrule as cr
    >>> cr.is_floating_point(cr.tensor([1]))
    False
    """
    return bool(input._array.dtype.kind == "f")


def is_complex(input: Tensor) -> bool:
    """Tell whether the elements are complex; there are no such tensors yet.

    >>> import chainrule as cr
    >>> cr.is_complex(cr.tensor([1.0]))
    False
    """
    return bool(input._array.dtype.kind == "c")


def is_signed(input: Tensor) -> bool:
    """Tell whether the dtype has negative numbers.

    >>> import chainrule as cr
    >>> cr.is_signed(cr.tensor([1], dtype=cr.uint8))
    False
    """
    return input._array.dtype.kind in "if"


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors have the same shape.

    >>> import chainrule as cr
    >>> cr.is_same_size(cr.zeros(2, 3), cr.zeros(3, 2))
    False
    """
    return bool(input._array.shape == other._array.shape)


# --- Of dtypes ------------------------------------------------------------------------------------


def result_type(tensor1: Any, tensor2: Any) -> np.dtype[Any]:
    """Return the dtype of the sum of two tensors or numbers.

    >>> import chainrule as cr
    >>> cr.result_type(cr.tensor([1, 2]), 0.5)
    dtype('float32')
    """
    return dtypes.result_type(*(getattr(v, "_array", v) for v in (tensor1, tensor2)))


def can_cast(from_: Any, to: Any) -> builtins.bool:
    """Tell whether a conversion between dtypes stays within PyTorch's order of categories.

    Bools become integers and integers floats; never the other way round.

    >>> import chainrule as cr
    >>> cr.can_cast(cr.int64, cr.float32), cr.can_cast(cr.float32, cr.int64)
    (True, False)
    """
    return dtypes.category(dtypes.as_dtype(from_)) <= dtypes.category(dtypes.as_dtype(to))
