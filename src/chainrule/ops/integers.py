"""Operations on integers: divisors, multiples and shifted bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.symbol import Notation

__all__ = [
    "bitwise_left_shift",
    "bitwise_right_shift",
    "gcd",
    "lcm",
]


def _of_integers(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    def checked(a: Any, b: Any) -> Any:
        dtype = np.result_type(a, b)
        if dtype.kind not in "iu":
            raise NotImplementedError(
                f"{name} is not implemented for {dtype}: it takes integers; convert with .long()"
            )
        return forward(a, b)

    return checked


gcd: Operation = define(
    "gcd",
    _of_integers("gcd", np.gcd),
    inputs=("a", "b"),
    notation=Notation("gcd({a}, {b})", r"\gcd\left({a}, {b}\right)"),
    doc="""Greatest common divisor; gcd(0, 0) is 0.

    >>> import chainrule as cr
    >>> cr.gcd(cr.tensor([12, -4]), cr.tensor([18, 6]))
    tensor([6, 2])
    """,
)
lcm: Operation = define(
    "lcm",
    _of_integers("lcm", np.lcm),
    inputs=("a", "b"),
    doc="""Least common multiple.

    >>> import chainrule as cr
    >>> cr.lcm(cr.tensor([4, 3]), cr.tensor([6, 5]))
    tensor([12, 15])
    """,
)


def _left_shift(a: Any, b: Any) -> Any:
    bits = 8 * np.result_type(a, b).itemsize
    outside = np.less(b, 0) | np.greater_equal(b, bits)
    return np.where(outside, 0, np.left_shift(a, np.where(outside, 0, b)))


def _right_shift(a: Any, b: Any) -> Any:
    dtype = np.result_type(a, b)
    # A signed number is left with its sign, an unsigned one with nothing.
    most = 8 * dtype.itemsize - (1 if dtype.kind == "i" else 0)
    outside = np.less(b, 0) | np.greater(b, most)
    if dtype.kind == "i":
        return np.right_shift(a, np.where(outside, most, b))
    outside |= np.equal(b, most)
    return np.where(outside, 0, np.right_shift(a, np.where(outside, 0, b)))


bitwise_left_shift: Operation = define(
    "bitwise_left_shift",
    _of_integers("bitwise_left_shift", _left_shift),
    inputs=("a", "b"),
    doc="""Shift the bits of a to the left by b places: ``a << b``.

    >>> import chainrule as cr
    >>> cr.tensor([1, 3]) << 2
    tensor([ 4, 12])
    """,
)
bitwise_right_shift: Operation = define(
    "bitwise_right_shift",
    _of_integers("bitwise_right_shift", _right_shift),
    inputs=("a", "b"),
    doc="""Shift the bits of a to the right by b places, keeping the sign: ``a >> b``.

    >>> import chainrule as cr
    >>> cr.tensor([16, -16]) >> 2
    tensor([ 4, -4])
    """,
)
