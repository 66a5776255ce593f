"""Combinations of three operands in one step, and powers in double precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes, return_types
from chainrule.operands import representable
from chainrule.operation import Operation, define
from chainrule.ops.arithmetic import power, times
from chainrule.ops.creation import as_tensor
from chainrule.ops.half import in_single_precision
from chainrule.primitive import attach
from chainrule.symbol import Notation, Style, write

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "addcdiv",
    "addcmul",
    "float_power",
    "frexp",
    "ldexp",
    "lerp",
]


def _combination(formula: Callable[..., Any]) -> Notation:
    """Write a combination as the formula that it is made of."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        return write(formula(*(getattr(v, "expression", v) for v in o.values())), style)

    return Notation(custom=custom)


def _plus_scaled(a: Any, y: Any, value: Any) -> Any:
    """Return a + value · y, in the memory of y where it can be."""
    if value != 1:
        y = y * value
    if type(y) is np.ndarray and y.dtype is a.dtype and y.shape == np.broadcast(a, y).shape:
        y += a
        return y
    return a + y


_addcmul: Operation = define(
    "addcmul",
    in_single_precision(lambda a, b, c, value: _plus_scaled(a, b * c, value)),
    params=("value",),
    a=lambda g: g,
    b=lambda g, c, value: g * (c * value),
    c=lambda g, b, value: g * (b * value),
    notation=_combination(lambda a, b, c, value: a + value * (b * c)),
    doc="Sum of a and a multiple of the product of b and c.",
)
_addcdiv: Operation = define(
    "addcdiv",
    in_single_precision(lambda a, b, c, value: _plus_scaled(a, b / c, value)),
    params=("value",),
    a=lambda g: g,
    b=lambda g, c, value: g * (value / c),
    c=lambda g, b, c, value: -g * (value * b / (c * c)),
    notation=_combination(lambda a, b, c, value: a + value * (b / c)),
    doc="Sum of a and a multiple of the quotient of b and c.",
)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Return ``input + value * tensor1 * tensor2``, element by element with broadcasting.

    >>> import chainrule as cr
    >>> cr.addcmul(cr.tensor([1.0]), cr.tensor([2.0]), cr.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    dtype = dtypes.result_type(input._array, tensor1._array, tensor2._array)
    if dtype.kind == "b":
        raise NotImplementedError(
            "addcmul is not implemented for bool tensors; convert with .int() or .float()"
        )
    if dtype.kind != "f":
        value = representable("addcmul", int(value), dtype)
    return _addcmul(input, tensor1, tensor2, value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Return ``input + value * tensor1 / tensor2``, element by element with broadcasting.

    Raises:
        RuntimeError: if both ``tensor1`` and ``tensor2`` are of integers.

    >>> import chainrule as cr
    >>> cr.addcdiv(cr.tensor([1.0]), cr.tensor([3.0]), cr.tensor([2.0]), value=2)
    tensor([4.])
    """
    if "f" not in (tensor1._array.dtype.kind, tensor2._array.dtype.kind):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: convert tensor1 or tensor2 with "
            ".float(), or say how to round: input + value * cr.div(tensor1, tensor2, "
            "rounding_mode='trunc')"
        )
    return _addcdiv(input, tensor1, tensor2, value)


def _lerp(a: Any, b: Any, weight: Any) -> Any:
    # From the nearer end, so that both ends are met exactly.
    difference = b - a
    if weight.ndim == 0:
        if abs(weight) < 0.5:
            return _plus_scaled(a, difference, weight)
        return _plus_scaled(b, difference, weight - 1)
    far = np.abs(weight) >= 0.5
    return np.where(far, b - difference * (1 - weight), a + weight * difference)


_interpolated: Operation = define(
    "lerp",
    in_single_precision(_lerp),
    a=lambda g, weight: g * (1 - weight),
    b=lambda g, weight: g * weight,
    weight=lambda g, a, b: g * (b - a),
    notation=_combination(lambda a, b, weight: a + weight * (b - a)),
    doc="Linear interpolation between a and b.",
)


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Return ``input + weight * (end - input)``: the input at weight 0, the end at weight 1.

    Args:
        input: where weight 0 is; all tensors are of one floating dtype and broadcast.
        end: where weight 1 is.
        weight: a number or a tensor.

    >>> import chainrule as cr
    >>> cr.lerp(cr.tensor([1.0, 2.0]), cr.tensor([3.0, 6.0]), 0.25)
    tensor([1.5000, 3.0000])
    """
    dtype = input._array.dtype
    for name, operand in (("end", end), ("weight", weight)):
        if hasattr(operand, "_array") and operand._array.dtype is not dtype:
            raise RuntimeError(
                f"expected dtype {dtype} for `{name}` but got dtype {operand._array.dtype}: "
                "lerp takes tensors of one dtype; convert with .to()"
            )
    if dtype.kind != "f":
        raise NotImplementedError(f"lerp is not implemented for {dtype}; convert with .float()")
    if not hasattr(weight, "_array"):
        weight = attach(np.array(weight, dtype), None)
    return _interpolated(input, end, weight)


def float_power(input: Any, exponent: Any) -> Tensor:
    """Return ``input ** exponent`` computed in float64.

    >>> import chainrule as cr
    >>> cr.float_power(cr.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=float64)
    """
    base, exponent = (
        v.to(dtypes.float64) if hasattr(v, "_array") else float(v) for v in (input, exponent)
    )
    return power(base, exponent)


def ldexp(input: Tensor, other: Any) -> Tensor:
    """Return ``input * 2 ** other``; integers become floats.

    >>> import chainrule as cr
    >>> cr.ldexp(cr.tensor([1.0, 3.0]), cr.tensor([3, -1]))
    tensor([8.0000, 1.5000])
    """
    if hasattr(other, "_array") and other._array.dtype.kind != "f":
        dtype = input._array.dtype
        other = other.to(dtype if dtype.kind == "f" else dtypes.get_default_dtype())
    return times(input, power(2.0, other))


def frexp(input: Tensor) -> return_types.frexp:
    """Return mantissas in (−1, −½] or [½, 1) and int32 exponents: ``mantissa * 2 ** exponent``.

    Zeros, infinities and NaN are their own mantissa, with exponent 0.

    >>> import chainrule as cr
    >>> cr.frexp(cr.tensor([6.0, -0.5]))
    chainrule.return_types.frexp(
    mantissa=tensor([ 0.7500, -0.5000]),
    exponent=tensor([3, 0], dtype=int32))
    """
    x = input._array
    if x.dtype.kind != "f":
        raise RuntimeError(
            f"frexp() only supports floating-point dtypes, got {x.dtype}; convert with .float()"
        )
    exponent = np.where(np.isfinite(x), np.frexp(x)[1], 0).astype(np.int32)
    # In two steps, because 2 to the 148th overflows where the smallest float32 does not.
    half = -exponent // 2
    one = x.dtype.type(1)
    mantissa = times(input, as_tensor(np.ldexp(one, half)))
    mantissa = times(mantissa, as_tensor(np.ldexp(one, -exponent - half)))
    return return_types.frexp(mantissa, as_tensor(exponent))
