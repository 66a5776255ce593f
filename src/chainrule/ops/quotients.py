"""Whole quotients and what they leave, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.symbol import Notation

__all__ = ["floor_divide", "fmod", "remainder"]

# Below it a quotient of two float32 is known exactly in float64, and so is the quotient times the
# divisor: the 24 digits of the one and the 28 of the other fit into 53.
_EXACT = 2.0**28


def _refuse_zero(name: str, a: Any, b: Any) -> None:
    """Raise for what has no whole quotient: an integer by 0, and bools."""
    kind = np.result_type(a, b).kind
    if kind == "b":
        raise NotImplementedError(
            f"{name} is not implemented for bool tensors; convert one with .int()"
        )
    if kind != "f" and not np.all(b):
        raise RuntimeError(
            "ZeroDivisionError: integers have no infinity, so an integer cannot be divided by 0; "
            "convert to float first, or mask the zeros"
        )


def _quotient(a: Any, b: Any, rounded: Any) -> Any:
    """Return the rounded quotient of float32 arrays in float64 if it is exact, else None.

    NumPy's own remainders compute one element at a time, several times slower.
    """
    if np.result_type(a, b) != np.float32:
        return None
    with np.errstate(all="ignore"):
        quotient = np.asarray(np.true_divide(_single(a), _single(b), dtype=np.float64))
    rounded(quotient, out=quotient)
    exact = quotient.size and quotient.min() > -_EXACT and quotient.max() < _EXACT
    return quotient if exact else None


def _single(x: Any) -> Any:
    """Return an operand in float32: 0.1 is a number there that lies above 1/10."""
    return x if isinstance(x, np.ndarray) else np.float32(x)


def _floor_quotient(a: Any, b: Any) -> Any:
    _refuse_zero("floor_divide", a, b)
    quotient = _quotient(a, b, np.floor)
    return np.floor_divide(a, b) if quotient is None else quotient.astype(np.float32)


floor_quotient: Operation = define(
    "floor_divide",
    _floor_quotient,
    a=lambda g: g * 0,
    b=lambda g: g * 0,
    notation=Notation("⌊{a:term} / {b:factor}⌋", r"\left\lfloor \frac{{{a}}}{{{b}}} \right\rfloor"),
    doc="""Quotient rounded towards minus infinity; its derivative is 0.

    >>> import chainrule as cr
    >>> cr.floor_divide(cr.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """,
)


def _trunc_quotient(a: Any, b: Any) -> Any:
    _refuse_zero("rounded division", a, b)
    if np.result_type(a, b).kind == "f":
        return np.trunc(np.true_divide(a, b))
    quotient = np.floor_divide(a, b)
    return quotient + ((quotient < 0) & (quotient * b != a))


trunc_quotient: Operation = define(
    "trunc_divide",
    _trunc_quotient,
    a=lambda g: g * 0,
    b=lambda g: g * 0,
    notation=Notation(
        "trunc({a:term} / {b:factor})", r"\operatorname{{trunc}}\left(\frac{{{a}}}{{{b}}}\right)"
    ),
    doc="Quotient rounded towards zero; its derivative is 0.",
)


def _left_over(a: Any, b: Any, quotient: Any) -> Any:
    quotient *= _single(b)
    np.subtract(_single(a), quotient, out=quotient)
    return quotient.astype(np.float32)


def _remainder(a: Any, b: Any) -> Any:
    _refuse_zero("remainder", a, b)
    quotient = _quotient(a, b, np.floor)
    return np.remainder(a, b) if quotient is None else _left_over(a, b, quotient)


def _fmod(a: Any, b: Any) -> Any:
    _refuse_zero("fmod", a, b)
    quotient = _quotient(a, b, np.trunc)
    return np.fmod(a, b) if quotient is None else _left_over(a, b, quotient)


remainder: Operation = define(
    "remainder",
    _remainder,
    a=lambda g: g,
    b=lambda g, a, b: -g * floor_quotient(a, b),
    doc="""Remainder of the division rounded down, a − b·⌊a / b⌋: it has the divisor's sign.

    Python's ``%``.

    >>> import chainrule as cr
    >>> cr.remainder(cr.tensor([5.0, -5.0]), 3)
    tensor([2., 1.])
    """,
)
fmod: Operation = define(
    "fmod",
    _fmod,
    a=lambda g: g,
    b=lambda g, a, b: -g * trunc_quotient(a, b),
    doc="""Remainder of the division rounded towards 0: it has the dividend's sign.

    >>> import chainrule as cr
    >>> cr.fmod(cr.tensor([5.0, -5.0]), 3)
    tensor([ 2., -2.])
    """,
)
floor_divide = floor_quotient
