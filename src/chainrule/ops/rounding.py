"""Rounding, element by element: its derivative is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.symbol import Notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "ceil",
    "fix",
    "floor",
    "frac",
    "round",
    "trunc",
]


def _of_floats(name: str, forward: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a rounding that leaves integers as they are and refuses bools."""

    def rounded(x: Any) -> Any:
        kind = np.asarray(x).dtype.kind
        if kind == "b":
            raise NotImplementedError(
                f"{name} is not implemented for bool tensors; convert with .int() or .float()"
            )
        return forward(x) if kind == "f" else np.array(x)

    return rounded


floor: Operation = define(
    "floor",
    _of_floats("floor", np.floor),
    x=lambda g: g * 0,
    notation=Notation("⌊{x}⌋", r"\left\lfloor {x} \right\rfloor"),
    doc="""The largest integer that is not above x.

    >>> import chainrule as cr
    >>> cr.floor(cr.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """,
)
ceil: Operation = define(
    "ceil",
    _of_floats("ceil", np.ceil),
    x=lambda g: g * 0,
    notation=Notation("⌈{x}⌉", r"\left\lceil {x} \right\rceil"),
    doc="""The smallest integer that is not below x.

    >>> import chainrule as cr
    >>> cr.ceil(cr.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """,
)
trunc: Operation = define(
    "trunc",
    _of_floats("trunc", np.trunc),
    x=lambda g: g * 0,
    doc="""The integer part of x: rounded towards 0.

    >>> import chainrule as cr
    >>> cr.trunc(cr.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """,
)
fix = trunc
frac: Operation = define(
    "frac",
    lambda x: x - np.trunc(x),
    x=lambda g: g,
    notation=Notation("frac({x})", r"\operatorname{{frac}}\left({x}\right)"),
    doc="""The part of x behind the point, x − trunc(x), with x's sign and derivative 1.

    >>> import chainrule as cr
    >>> cr.frac(cr.tensor([1.25, -1.25]))
    tensor([ 0.2500, -0.2500])
    """,
)


def _round(x: Any, decimals: int) -> Any:
    if decimals == 0:
        return np.rint(x)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return np.rint(x * scale) / scale
    return np.rint(x / scale) * scale


_rounded: Operation = define(
    "round",
    _round,
    params=("decimals",),
    x=lambda g: g * 0,
    doc="Round half to even, to a number of decimals.",
)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Return the nearest integers, halves rounded to even ones, or numbers of some decimals.

    Args:
        input: any shape; integers stay as they are.
        decimals: digits kept behind the point; negative ones are rounded away before it.

    >>> import chainrule as cr
    >>> cr.round(cr.tensor([0.5, 1.5, -2.7]))
    tensor([ 0.,  2., -3.])
    >>> cr.round(cr.tensor([3.14159]), decimals=2)
    tensor([3.1400])
    """
    kind = input._array.dtype.kind
    if kind == "b" or (kind != "f" and decimals):
        raise NotImplementedError(
            f"round to decimals={decimals} is not implemented for {input._array.dtype}; convert "
            "with .float()"
        )
    if kind != "f":
        return input.clone()
    return _rounded(input, decimals)
