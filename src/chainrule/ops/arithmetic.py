"""Arithmetic, element by element with broadcasting.

Shapes: operands broadcast to a common shape, which is the output's. The engine sums a gradient
over the dimensions along which its operand was broadcast, so the rules do not mention it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.comparison import filled_where, select_where, where
from chainrule.ops.quotients import floor_quotient, trunc_quotient
from chainrule.symbol import LATEX, TEXT, Expr, NamedNumber, Notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "abs",
    "absolute",
    "add",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "div",
    "divide",
    "maximum",
    "minimum",
    "mul",
    "multiply",
    "neg",
    "negative",
    "pow",
    "rsub",
    "sign",
    "sub",
    "subtract",
    "true_divide",
]

# --- The table ------------------------------------------------------------------------------------

plus: Operation = define(
    "add",
    np.add,
    a=lambda g: g,
    b=lambda g: g,
    notation=notation.SUM,
    doc="Sum, a + b.",
)
minus: Operation = define(
    "sub",
    np.subtract,
    a=lambda g: g,
    b=lambda g: -g,
    notation=notation.DIFFERENCE,
    refuses_bools=(
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead; `^` is the difference "
        "of two"
    ),
    doc="Difference, a − b.",
)
times: Operation = define(
    "mul",
    np.multiply,
    a=lambda g, b: g * b,
    b=lambda g, a: g * a,
    notation=notation.PRODUCT,
    doc="Product, a ⊙ b.",
)
over: Operation = define(
    "div",
    np.true_divide,
    a=lambda g, b: g / b,
    # Written without y, so that the quotient may be changed in place.
    b=lambda g, a, b: -g * (a / b / b),
    notation=notation.QUOTIENT,
    floating=True,
    doc="Quotient, a / b; integers become floats.",
)


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray) and a.dtype.kind in "iub":
        if a.dtype.kind == "b":
            if np.ndim(b) == 0:  # True or False: with other numbers a is no bool any more
                return a.copy() if b else np.ones_like(a)
            raise NotImplementedError(
                "pow is not implemented for bool tensors; convert one with .int() or .float()"
            )
        if np.any(np.less(b, 0)):
            raise RuntimeError(
                "Integers to negative integer powers are not allowed: the result would not be an "
                "integer. Convert the base to a float first, for example x.float() ** -1"
            )
    elif isinstance(b, int | float) and isinstance(a, np.ndarray) and b % 1 == 0:
        return _whole_power(a, int(b))
    return a**b


def _whole_power(a: Any, n: int) -> Any:
    """Return a to the power of a whole number.

    The general power takes the slow way round for every negative base: fifty times longer.
    """
    if n == 2:
        return a * a
    if n == 3:
        return a * a * a
    if n == -1:
        return np.reciprocal(a)
    y = np.power(np.abs(a), n)
    return np.copysign(y, a) if n % 2 else y


def _power_base_gradient(g: Any, a: Any, b: Any) -> Any:
    if isinstance(b, int | float):
        # A constant exponent: exact at a = 0, where the general rule would meet 0 · ∞.
        if b == 0:
            return g * 0
        if b == 1:
            return g
        return g * (b * a) if b == 2 else g * (b * power(a, b - 1))
    return filled_where(g * (b * power(a, b - 1)), b == 0, 0.0)


def _logarithm(a: float, like: Any) -> float:
    """Return log(a), for a formula under that name."""
    with np.errstate(invalid="ignore"):
        value = float(np.log(float(a)))
    if not isinstance(like, Expr):
        return value
    text, latex = TEXT.number(a)[0], LATEX.number(a)[0]
    return NamedNumber(value, f"log({text})", rf"\log\left({latex}\right)")


def _power_exponent_gradient(g: Any, a: Any, b: Any, y: Any) -> Any:
    from chainrule.ops.exponential import log

    if isinstance(a, int | float):
        if a != 0:
            return g * (y * _logarithm(a, y))
        return filled_where(g * (y * -float("inf")), b >= 0, 0.0)
    return filled_where(g * (y * log(a)), (a == 0) & (b >= 0), 0.0)


power: Operation = define(
    "pow",
    _power,
    a=_power_base_gradient,
    b=_power_exponent_gradient,
    notation=notation.POWER,
    doc="""Power, a to the b, element by element.

    Where the base is 0 and the exponent is not negative the exponent's gradient is 0, and where
    the exponent is 0 the base's, as in PyTorch.
    """,
)
neg: Operation = define(
    "neg",
    np.negative,
    x=lambda g: -g,
    notation=notation.NEGATIVE,
    refuses_bools=(
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead."
    ),
    doc="""Negative, −x.

    >>> import chainrule as cr
    >>> cr.neg(cr.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """,
)


def _sign(x: Any) -> Any:
    # Unlike NumPy's sign, 0 for NaN, as in PyTorch: so |x| has derivative 0 there.
    x = np.asarray(x)
    return x if x.dtype.kind == "b" else np.subtract(x > 0, x < 0, dtype=x.dtype)


sign: Operation = define(
    "sign",
    _sign,
    x=lambda g: g * 0,
    notation=Notation("sign({x})", r"\operatorname{{sign}}\left({x}\right)"),
    doc="""Sign: −1, 0 or 1; its derivative is 0.

    >>> import chainrule as cr
    >>> cr.sign(cr.tensor([3.0, 0.0, -2.0]))
    tensor([ 1.,  0., -1.])
    """,
)
abs: Operation = define(
    "abs",
    np.abs,
    refuses_bools="Boolean inputs not supported for abs: convert with .long()",
    x=lambda g, x: g * sign(x),
    notation=Notation("|{x}|", r"\left|{x}\right|"),
    doc="""Absolute value, with derivative 0 at 0.

    >>> import chainrule as cr
    >>> cr.abs(cr.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """,
)
maximum: Operation = define(
    "maximum",
    np.maximum,
    a=lambda g, a, b: where(a == b, g / 2, filled_where(g, a < b, 0.0)),
    b=lambda g, a, b: where(a == b, g / 2, filled_where(g, b < a, 0.0)),
    notation=Notation("max({a}, {b})", r"\max\left({a}, {b}\right)"),
    doc="""The larger of two, element by element; a tie shares its gradient equally.

    >>> import chainrule as cr
    >>> cr.maximum(cr.tensor([1.0, 5.0]), cr.tensor([2.0, 3.0]))
    tensor([2., 5.])
    """,
)
minimum: Operation = define(
    "minimum",
    np.minimum,
    a=lambda g, a, b: where(a == b, g / 2, filled_where(g, a > b, 0.0)),
    b=lambda g, a, b: where(a == b, g / 2, filled_where(g, b > a, 0.0)),
    notation=Notation("min({a}, {b})", r"\min\left({a}, {b}\right)"),
    doc="""The smaller of two, element by element; a tie shares its gradient equally.

    >>> import chainrule as cr
    >>> cr.minimum(cr.tensor([1.0, 5.0]), cr.tensor([2.0, 3.0]))
    tensor([1., 3.])
    """,
)


# --- Operations on top of the table ---------------------------------------------------------------


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """Return ``input + alpha * other``.

    >>> import chainrule as cr
    >>> cr.add(cr.tensor([1.0, 2.0]), cr.tensor([10.0, 20.0]), alpha=2)
    tensor([21., 42.])
    """
    return plus(input, _scaled(alpha, input, other))


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """Return ``input - alpha * other``.

    >>> import chainrule as cr
    >>> cr.sub(cr.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    return minus(input, _scaled(alpha, input, other))


def rsub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """Return ``other - alpha * input``.

    >>> import chainrule as cr
    >>> cr.rsub(cr.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    return sub(other, input, alpha=alpha)


def _scaled(alpha: Any, input: Any, other: Any) -> Any:
    """Return ``alpha * other`` without a change of dtype, as the last operand of a sum."""
    if alpha == 1 and alpha is not True:
        return other
    kinds = {getattr(getattr(v, "dtype", None), "kind", None) for v in (input, other)}
    if isinstance(alpha, bool) and not kinds <= {"b", None}:
        raise RuntimeError("Boolean alpha only supported for Boolean results; pass a number")
    if isinstance(alpha, float) and "f" not in kinds:
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number; "
            "convert an operand with .float() first"
        )
    return times(other, bool(alpha) if kinds <= {"b", None} else alpha)


def mul(input: Any, other: Any) -> Tensor:
    """Return ``input * other``, element by element.

    >>> import chainrule as cr
    >>> cr.mul(cr.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])
    """
    return times(input, other)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Return ``input / other``; integers become floats unless ``rounding_mode`` is given.

    Args:
        input: the dividend.
        other: the divisor, broadcast against it.
        rounding_mode: None for the true quotient, ``"floor"`` or ``"trunc"`` for a rounded one,
            whose derivative is 0.

    >>> import chainrule as cr
    >>> cr.div(cr.tensor([7.0, -7.0]), 2, rounding_mode="floor")
    tensor([ 3., -4.])
    """
    if rounding_mode is None:
        return over(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"{rounding_mode!r}"
        )
    return (
        floor_quotient(input, other) if rounding_mode == "floor" else trunc_quotient(input, other)
    )


def pow(input: Any, exponent: Any) -> Tensor:
    """Return ``input ** exponent``.

    >>> import chainrule as cr
    >>> cr.pow(cr.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    return power(input, exponent)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Return the input limited to ``[min, max]``; the gradient is 0 where a limit was exceeded.

    A limit may be a number or a tensor that broadcasts; NaN stays NaN.

    >>> import chainrule as cr
    >>> cr.clamp(cr.tensor([-2.0, 0.5, 3.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError(
            "clamp: At least one of 'min' or 'max' must not be None; pass a lower or an upper limit"
        )
    result = input
    if min is not None:
        result = at_least(result, min)
    if max is not None:
        result = at_most(result, max)
    return result


at_least: Operation = define(
    "clamp_min",
    np.maximum,
    a=lambda g, a, b: select_where(a >= b, g, 0.0),
    b=lambda g, a, b: select_where(a < b, g, 0.0),
    notation=Notation("max({a}, {b})", r"\max\left({a}, {b}\right)"),
    doc="The larger of a value and a lower limit; at the limit the value has the gradient.",
)
at_most: Operation = define(
    "clamp_max",
    np.minimum,
    a=lambda g, a, b: select_where(a <= b, g, 0.0),
    b=lambda g, a, b: select_where(a > b, g, 0.0),
    notation=Notation("min({a}, {b})", r"\min\left({a}, {b}\right)"),
    doc="The smaller of a value and an upper limit; at the limit the value has the gradient.",
)


def clamp_min(input: Any, min: Any) -> Tensor:
    """Return the input raised to a lower limit where it is below.

    >>> import chainrule as cr
    >>> cr.clamp_min(cr.tensor([-1.0, 2.0]), 0)
    tensor([0., 2.])
    """
    return at_least(input, min)


def clamp_max(input: Any, max: Any) -> Tensor:
    """Return the input lowered to an upper limit where it is above.

    >>> import chainrule as cr
    >>> cr.clamp_max(cr.tensor([-1.0, 2.0]), 1)
    tensor([-1.,  1.])
    """
    return at_most(input, max)


# PyTorch's other names for the same operations.
multiply, subtract, negative, absolute, clip = mul, sub, neg, abs, clamp
divide = true_divide = div
