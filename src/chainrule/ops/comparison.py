"""Comparison, logic and selection. What is compared has no gradient; what is selected has."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.operands import operand_error, representable
from chainrule.operation import Operation, boolean, define
from chainrule.ops import notation

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "eq",
    "fmax",
    "fmin",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "masked_fill",
    "ne",
    "not_equal",
    "where",
]


def _comparison(name: str, forward: Any, doc: str) -> Any:
    return define(name, forward, inputs=("a", "b"), notation=notation.conditional(name), doc=doc)


eq = _comparison("eq", np.equal, "Where a equals b.")
ne = _comparison("ne", np.not_equal, "Where a differs from b.")
lt = _comparison("lt", np.less, "Where a is smaller than b.")
le = _comparison("le", np.less_equal, "Where a is at most b.")
gt = _comparison("gt", np.greater, "Where a is larger than b.")
ge = _comparison("ge", np.greater_equal, "Where a is at least b.")
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge

logical_and: Operation = define(
    "logical_and",
    np.logical_and,
    inputs=("a", "b"),
    notation=notation.conditional("logical_and"),
    doc="Where both conditions hold.",
)
logical_or: Operation = define(
    "logical_or",
    np.logical_or,
    inputs=("a", "b"),
    notation=notation.conditional("logical_or"),
    doc="Where at least one condition holds.",
)
logical_xor: Operation = define(
    "logical_xor",
    np.logical_xor,
    inputs=("a", "b"),
    notation=notation.conditional("logical_xor"),
    doc="Where exactly one condition holds.",
)
logical_not: Operation = define(
    "logical_not",
    np.logical_not,
    inputs=("x",),
    notation=notation.conditional("logical_not"),
    doc="Where the condition does not hold.",
)


def _bitwise(name: str, forward: Any, doc: str) -> Operation:
    def checked(*operands: Any) -> Any:
        for operand in operands:
            kind = getattr(operand, "dtype", None)
            if isinstance(operand, float) or (kind is not None and kind.kind == "f"):
                raise TypeError(
                    f"{name} is not implemented for {kind or 'float'}: it takes bools and "
                    "integers; compare first (x > 0), or convert with .bool() or .long()"
                )
        return forward(*operands)

    names = ("x",) if forward is np.invert else ("a", "b")
    return define(name, checked, inputs=names, doc=doc)


bitwise_and: Operation = _bitwise(
    "bitwise_and",
    np.bitwise_and,
    """And, bit by bit: of bools the logical one.

    >>> import chainrule as cr
    >>> cr.tensor([6, 5]) & 3
    tensor([2, 1])
    """,
)
bitwise_or: Operation = _bitwise(
    "bitwise_or",
    np.bitwise_or,
    "Or, bit by bit: of bools the logical one.",
)
bitwise_xor: Operation = _bitwise(
    "bitwise_xor",
    np.bitwise_xor,
    "Exclusive or, bit by bit: of bools the logical one.",
)
bitwise_not: Operation = _bitwise(
    "bitwise_not",
    np.invert,
    "Not, bit by bit: of bools the logical one.",
)
isnan: Operation = define("isnan", np.isnan, inputs=("x",), doc="Where the value is NaN.")
isinf: Operation = define("isinf", np.isinf, inputs=("x",), doc="Where the value is infinite.")
isfinite: Operation = define(
    "isfinite", np.isfinite, inputs=("x",), doc="Where the value is finite."
)

_INTEGERS = {np.dtype(f"float{n}"): np.dtype(f"int{n}") for n in (16, 32, 64)}


def _masked_fill(x: Any, condition: Any, value: float) -> Any:
    if value == 0 and x.size > 512 and x.shape == condition.shape:
        integer = _INTEGERS.get(x.dtype)
        if integer is not None:
            # x & 0 is +0.0 whatever x is, x & -1 is x: branch-free, where a mask of random bits
            # makes every conditional copy wait for mispredicted branches (some 10 times slower).
            bits = np.subtract(condition.view(np.int8), 1, dtype=integer)
            bits &= x.view(integer)
            return bits.view(x.dtype)
    filled = np.array(x)
    if filled.shape != condition.shape:
        return np.where(condition, filled.dtype.type(value), filled)
    np.putmask(filled, condition, value)
    return filled


filled_where: Operation = define(
    "masked_fill",
    _masked_fill,
    inputs=("x", "condition"),
    params=("value",),
    x=lambda g, condition: filled_where(g, condition, 0.0),
    notation=notation.FILLED_WHERE,
    doc="Replace values by a number where a condition holds.",
)

select_where: Operation = define(
    "where",
    np.where,
    inputs=("condition", "a", "b"),
    a=lambda g, condition: filled_where(g, ~condition, 0.0),
    b=lambda g, condition: filled_where(g, condition, 0.0),
    notation=notation.WHERE,
    doc="Choose a where the condition holds, b elsewhere.",
)
fmax: Operation = define(
    "fmax",
    np.fmax,
    a=lambda g, a, b: filled_where(g, ~((a >= b) | isnan(b)), 0.0),
    b=lambda g, a, b: filled_where(g, (a >= b) | isnan(b), 0.0),
    doc="""The larger of two, the number beside NaN; in a tie, a has the gradient.

    >>> import chainrule as cr
    >>> cr.fmax(cr.tensor([1.0, float("nan")]), cr.tensor([2.0, 3.0]))
    tensor([2., 3.])
    """,
)
fmin: Operation = define(
    "fmin",
    np.fmin,
    a=lambda g, a, b: filled_where(g, ~((a <= b) | isnan(b)), 0.0),
    b=lambda g, a, b: filled_where(g, (a <= b) | isnan(b), 0.0),
    doc="""The smaller of two, the number beside NaN; in a tie, a has the gradient.

    >>> import chainrule as cr
    >>> cr.fmin(cr.tensor([1.0, float("nan")]), cr.tensor([2.0, 3.0]))
    tensor([1., 3.])
    """,
)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Choose ``input`` where the condition holds and ``other`` elsewhere.

    With the condition alone, return the indices where it holds, one tensor a dimension.

    >>> import chainrule as cr
    >>> x = cr.tensor([-1.0, 2.0])
    >>> cr.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    if input is None and other is None:
        from chainrule.ops.indexing import nonzero

        return nonzero(condition, as_tuple=True)
    if input is None or other is None:
        raise TypeError("where() needs both values to choose from, or only a condition")
    kind = getattr(condition, "dtype", boolean)
    if kind is not boolean and kind == np.uint8:
        condition = ne(condition, 0)
    elif kind is not boolean and kind != np.bool_:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {kind}; "
            "compare first (x != 0), or convert with .bool()"
        )
    try:
        return select_where(condition, input, other)
    except ValueError as error:
        arrays = [getattr(v, "_array", v) for v in (condition, input, other)]
        raise operand_error(select_where.primitive, arrays, error) from None  # type: ignore[attr-defined]


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """Return the input with a number (or a 0-d tensor) where a mask holds.

    Args:
        input: any shape; the result has its dtype.
        mask: a bool tensor that broadcasts with the input.
        value: what to fill in.

    >>> import chainrule as cr
    >>> x = cr.tensor([1.0, 2.0, 3.0])
    >>> cr.masked_fill(x, x > 2, 0.0)
    tensor([1., 2., 0.])
    """
    if not hasattr(input, "_array"):
        return filled_where(input, mask, value)
    kind = getattr(mask, "dtype", type(mask).__name__)
    if kind != np.bool_:
        raise RuntimeError(
            f"masked_fill only supports boolean masks, but got mask with dtype {kind}; convert it "
            "with .bool()"
        )
    dtype = input._array.dtype
    if hasattr(value, "_array"):
        if value._array.ndim:
            raise RuntimeError(
                "masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s); use cr.where(mask, value, input)"
            )
        return select_where(mask, value.to(dtype), input)
    return filled_where(input, mask, representable("masked_fill", value, dtype))
