"""Trigonometric and hyperbolic functions and their inverses, element by element.

Angles are in radians. The hyperbolic tangent, an activation, is with the exponentials.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.arithmetic import times
from chainrule.ops.comparison import filled_where
from chainrule.ops.exponential import sqrt
from chainrule.ops.half import in_single_precision
from chainrule.symbol import Notation

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
]


def _function(
    name: str,
    forward: Callable[..., Any],
    rule: Callable[..., Any],
    doc: str,
    text: str = "",
    latex: str = "",
) -> Operation:
    text = text or name
    head = latex or rf"\{text}"
    notation = Notation(f"{text}({{x}})", rf"{head}\left({{x}}\right)")
    return define(name, forward, x=rule, floating=True, notation=notation, doc=doc)


sin: Operation = _function(
    "sin",
    np.sin,
    lambda g, x: g * cos(x),
    """Sine.

    >>> import chainrule as cr
    >>> cr.sin(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """,
)
cos: Operation = _function(
    "cos",
    np.cos,
    lambda g, x: -g * sin(x),
    """Cosine.

    >>> import chainrule as cr
    >>> cr.cos(cr.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """,
)
tan: Operation = _function(
    "tan",
    np.tan,
    lambda g, y: g * (1 + y * y),
    """Tangent.

    >>> import chainrule as cr
    >>> cr.tan(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """,
)
asin: Operation = _function(
    "asin",
    np.arcsin,
    lambda g, x: g / sqrt(1 - x * x),
    """Inverse of the sine; NaN outside [−1, 1].

    >>> import chainrule as cr
    >>> cr.asin(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """,
    "arcsin",
)
acos: Operation = _function(
    "acos",
    np.arccos,
    lambda g, x: -g / sqrt(1 - x * x),
    """Inverse of the cosine; NaN outside [−1, 1].

    >>> import chainrule as cr
    >>> cr.acos(cr.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """,
    "arccos",
)
atan: Operation = _function(
    "atan",
    np.arctan,
    lambda g, x: g / (x * x + 1),
    """Inverse of the tangent.

    >>> import chainrule as cr
    >>> cr.atan(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """,
    "arctan",
)
sinh: Operation = _function(
    "sinh",
    np.sinh,
    lambda g, x: g * cosh(x),
    """Hyperbolic sine.

    >>> import chainrule as cr
    >>> cr.sinh(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """,
)
cosh: Operation = _function(
    "cosh",
    np.cosh,
    lambda g, x: g * sinh(x),
    """Hyperbolic cosine.

    >>> import chainrule as cr
    >>> cr.cosh(cr.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """,
)
asinh: Operation = _function(
    "asinh",
    np.arcsinh,
    lambda g, x: g / sqrt(x * x + 1),
    """Inverse of the hyperbolic sine.

    >>> import chainrule as cr
    >>> cr.asinh(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """,
    "arsinh",
    r"\operatorname{{arsinh}}",
)
acosh: Operation = _function(
    "acosh",
    np.arccosh,
    lambda g, x: g / sqrt(x * x - 1),
    """Inverse of the hyperbolic cosine; NaN below 1.

    >>> import chainrule as cr
    >>> cr.acosh(cr.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """,
    "arcosh",
    r"\operatorname{{arcosh}}",
)
atanh: Operation = _function(
    "atanh",
    np.arctanh,
    lambda g, x: g / (1 - x * x),
    """Inverse of the hyperbolic tangent; infinite at ±1 and NaN beyond.

    >>> import chainrule as cr
    >>> cr.atanh(cr.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """,
    "artanh",
    r"\operatorname{{artanh}}",
)


def _over_square(x: Any, a: Any, b: Any) -> Any:
    """Return x / (a² + b²), and 0 at the origin, which has no angle."""
    square = a * a + b * b
    return filled_where(x / square, square == 0, 0.0)


atan2: Operation = define(
    "atan2",
    np.arctan2,
    a=lambda g, a, b: g * _over_square(b, a, b),
    b=lambda g, a, b: -g * _over_square(a, a, b),
    floating=True,
    notation=Notation("atan2({a}, {b})", r"\operatorname{{atan2}}\left({a}, {b}\right)"),
    doc="""The angle of the point with ordinate a and abscissa b, in (−π, π].

    Its gradient at the origin is 0.

    >>> import chainrule as cr
    >>> cr.atan2(cr.tensor([1.0, 1.0]), cr.tensor([1.0, -1.0]))
    tensor([0.7854, 2.3562])
    """,
)


def _hypot(a: Any, b: Any) -> Any:
    # NumPy's own hypot computes one element at a time, many times slower.
    dtype = np.result_type(a, b)
    if dtype == np.float64:
        a, b = np.abs(a), np.abs(b)
        large = np.maximum(a, b)
        ratio = np.minimum(a, b) / large
        y = np.sqrt(ratio * ratio + 1) * large
    else:
        # The square of a number of half the size does not overflow.
        wide = np.float64 if dtype == np.float32 else np.float32
        squares = np.square(a, dtype=wide) + np.square(b, dtype=wide)
        y = np.asarray(np.sqrt(squares, out=squares if squares.ndim else None)).astype(dtype)
    undefined = y != y
    if undefined.any():
        # Both sides are 0, or one is infinite, which decides even beside NaN, or one is NaN.
        infinite = np.isinf(a) | np.isinf(b)
        y = np.where(undefined, np.where(infinite, np.inf, np.add(a, b)), y).astype(dtype)
    return y


hypot: Operation = define(
    "hypot",
    _hypot,
    a=lambda g, a, y: g * (a / y),
    b=lambda g, b, y: g * (b / y),
    floating=True,
    notation=Notation(
        "√({a:atom}² + {b:atom}²)", r"\sqrt{{{{{a:atom}}}^{{2}} + {{{b:atom}}}^{{2}}}}"
    ),
    doc="""Hypotenuse, √(a² + b²), without overflow; its gradient at (0, 0) is NaN, as in PyTorch.

    >>> import chainrule as cr
    >>> cr.hypot(cr.tensor([3.0]), cr.tensor([4.0]))
    tensor([5.])
    """,
)


def _sinc(x: Any) -> Any:
    angle = x * math.pi
    y = np.sin(angle) / angle
    at_zero = angle == 0
    return np.where(at_zero, y.dtype.type(1), y) if np.any(at_zero) else y


def _sinc_gradient(g: Any, x: Any) -> Any:
    angle = x * math.pi
    slope = (angle * cos(angle) - sin(angle)) / (x * angle)
    return g * filled_where(slope, x * angle == 0, 0.0)


sinc: Operation = define(
    "sinc",
    in_single_precision(_sinc),
    x=_sinc_gradient,
    floating=True,
    notation=Notation("sinc({x})", r"\operatorname{{sinc}}\left({x}\right)"),
    doc="""Normalised sinc, sin(πx) / (πx), and 1 at 0.

    >>> import chainrule as cr
    >>> cr.sinc(cr.tensor([0.0, 0.5, 1.5]))
    tensor([ 1.0000,  0.6366, -0.2122])
    """,
)


def deg2rad(input: Any) -> Any:
    """Return angles in degrees as radians.

    >>> import chainrule as cr
    >>> cr.deg2rad(cr.tensor([180.0, 90.0]))
    tensor([3.1416, 1.5708])
    """
    return times(input, math.pi / 180)


def rad2deg(input: Any) -> Any:
    """Return angles in radians as degrees.

    >>> import chainrule as cr
    >>> cr.rad2deg(cr.tensor([3.14159265, 1.0]))
    tensor([180.0000,  57.2958])
    """
    return times(input, 180 / math.pi)


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
