"""How the operations of the table are written: sums, products, conditions, indices.

Each notation is a custom writer as `chainrule.symbol.Notation` takes it. What they write can be
read back: `tests/formulas/reader.py` parses it, knowing nothing of this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy import ndarray

from chainrule.symbol import (
    LEVELS,
    Call,
    Constant,
    Expr,
    NamedNumber,
    Notation,
    Slot,
    Style,
    Symbol,
    write,
)

Written = tuple[str, int]

# --- Sums and products ----------------------------------------------------------------------------


class _Condition:
    """The bracket of a condition, or of its negation, as a factor of a product."""

    def __init__(self, condition: Any, holds: bool) -> None:
        self.condition = condition
        self.holds = holds


def _magnitude(style: Style, expression: Any) -> tuple[bool, str, int]:
    """Return whether an expression has a minus sign in front, and how it is written without it."""
    if _is_number(expression) and not isinstance(expression.value, NamedNumber):
        negative = expression.value < 0
        value = -expression.value if negative else expression.value
        return negative, *style.number(value)
    if isinstance(expression, Call):
        name = expression.primitive.name
        if name == "neg":
            negative, written, level = _magnitude(style, expression.args[0])
            return not negative, written, level
        if name == "div":
            return _quotient(style, *expression.args)
        factors = _factors(expression)
        if len(factors) > 1:
            return _product(style, factors)
    if isinstance(expression, _Condition):
        return False, bracket(style, expression.condition, expression.holds), LEVELS["atom"]
    return False, *write(expression, style)


def _signed(style: Style, negative: bool, written: str, level: int) -> Written:
    if not negative:
        return written, level
    if level < LEVELS["term"]:
        written = style.parentheses(written)
    return f"{style.minus}{written}", LEVELS["sum"]


def _factors(expression: Any) -> list[Any]:
    """Return the factors of nested elementwise products, selections with 0 included, in order."""
    if isinstance(expression, Call):
        name, args = expression.primitive.name, expression.args
        if name == "mul":
            return _factors(args[0]) + _factors(args[1])
        if name == "masked_fill" and expression.params[0] == 0:
            return [*_factors(args[0]), _Condition(args[1], False)]
        if name == "where" and _is_zero(args[2]):
            return [*_factors(args[1]), _Condition(args[0], True)]
        if name == "where" and _is_zero(args[1]):
            return [*_factors(args[2]), _Condition(args[0], False)]
    return [expression]


def _is_zero(expression: Any) -> bool:
    return _is_number(expression) and expression.value == 0


def _product(style: Style, factors: list[Any]) -> tuple[bool, str, int]:
    negative = False
    numbers: list[Written] = []
    others: list[Written] = []
    previous, times = None, 1
    for factor in factors:
        minus, written, level = _magnitude(style, factor)
        negative ^= minus
        if _is_number(factor):
            numbers.append((written, level))
        elif factor is previous and isinstance(factor, Symbol):
            times += 1
            others[-1] = _raised(style, factor, times)
        else:
            others.append((written, level))
            times = 1
        previous = factor
    if others and all(written == "1" for written, _ in numbers):
        numbers = []
    parts = numbers + others
    result, level = parts[0]
    if level < LEVELS["term"]:
        result, level = style.parentheses(result), LEVELS["atom"]
    for k, (written, tightness) in enumerate(parts[1:], 1):
        # 2·a / b is the same read from the left as 2·(a / b).
        asked = LEVELS["term" if k == len(numbers) else "factor"]
        part = written if tightness >= asked else style.parentheses(written)
        result += (style.dot if k <= len(numbers) else style.hadamard) + part
        level = LEVELS["term"]
    return negative, result, level


def _is_number(expression: Any) -> bool:
    return isinstance(expression, Constant) and isinstance(expression.value, int | float)


def _quotient(style: Style, a: Any, b: Any) -> tuple[bool, str, int]:
    if isinstance(a, Call) and a.primitive.name == "div" and a.args[1] is b:
        # a / b / b is a / b².
        denominator = Slot(style, *_raised(style, b, 2))
        a = a.args[0]
    else:
        denominator = Slot(style, *write(b, style))
    negative, written, level = _magnitude(style, a)
    numerator = Slot(style, written, level)
    if style.which == "latex":
        return negative, rf"\frac{{{numerator}}}{{{denominator}}}", LEVELS["factor"]
    return negative, f"{numerator:term} / {denominator:factor}", LEVELS["term"]


def _raised(style: Style, base: Any, exponent: Any) -> Written:
    written = Slot(style, *write(base, style))
    power, _ = style.number(exponent)
    if style.which == "latex":
        return f"{{{written:atom}}}^{{{power}}}", LEVELS["power"]
    return f"{written:atom}{style.superscript(exponent)}", LEVELS["power"]


def _write_sum(style: Style, o: Mapping[str, Any]) -> Written:
    negative, written, level = _magnitude(style, o["b"].expression)
    return _plus_or_minus(style, o["a"], negative, Slot(style, written, level))


def _write_difference(style: Style, o: Mapping[str, Any]) -> Written:
    negative, written, level = _magnitude(style, o["b"].expression)
    return _plus_or_minus(style, o["a"], not negative, Slot(style, written, level))


def _plus_or_minus(style: Style, a: Slot, negative: bool, b: Slot) -> Written:
    if negative:
        return f"{a:sum} {style.minus} {b:term}", LEVELS["sum"]
    return f"{a:sum} + {b:sum}", LEVELS["sum"]


def _write_negative(style: Style, o: Mapping[str, Any]) -> Written:
    negative, written, level = _magnitude(style, o["x"].expression)
    return _signed(style, not negative, written, level)


def _write_product(style: Style, o: Mapping[str, Any]) -> Written:
    factors = _factors(o["a"].expression) + _factors(o["b"].expression)
    return _signed(style, *_product(style, factors))


def _write_quotient(style: Style, o: Mapping[str, Any]) -> Written:
    return _signed(style, *_quotient(style, o["a"].expression, o["b"].expression))


def squared_difference(style: Style, a: Slot, b: Slot) -> Written:
    """Return (a − b)²."""
    difference = style.parentheses(f"{a:sum} {style.minus} {b:term}")
    if style.which == "latex":
        return f"{{{difference}}}^{{2}}", LEVELS["power"]
    return f"{difference}²", LEVELS["power"]


def _write_power(style: Style, o: Mapping[str, Any]) -> Written:
    a, b = o["a"], o["b"]
    if style.which == "latex":
        return f"{{{a:atom}}}^{{{b}}}", LEVELS["power"]
    exponent = b.number
    if exponent is not None and float(exponent).is_integer():
        return f"{a:atom}{style.superscript(int(exponent))}", LEVELS["power"]
    return f"{a:atom}^{b:atom}", LEVELS["power"]


def _write_root(style: Style, o: Mapping[str, Any]) -> Written:
    if style.which == "latex":
        return rf"\sqrt{{{o['x']}}}", LEVELS["atom"]
    # √x² would be ambiguous: the root of an atom takes parentheses under a power.
    return f"√{o['x']:atom}", LEVELS["factor"]


SUM = Notation(custom=_write_sum)
DIFFERENCE = Notation(custom=_write_difference)
NEGATIVE = Notation(custom=_write_negative)
PRODUCT = Notation(custom=_write_product)
QUOTIENT = Notation(custom=_write_quotient)
POWER = Notation(custom=_write_power)
ROOT = Notation(custom=_write_root)

# --- Conditions -----------------------------------------------------------------------------------
# [p] is 1 where the condition p holds and 0 elsewhere.

RELATIONS = {
    "eq": ("=", "="),
    "ne": ("≠", r"\ne"),
    "lt": ("<", "<"),
    "le": ("≤", r"\le"),
    "gt": (">", ">"),
    "ge": ("≥", r"\ge"),
}
_OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}
_CONNECTIVES = {
    "logical_xor": ("⊕", r"\oplus"),
    "logical_or": ("∨", r"\lor"),
    "logical_and": ("∧", r"\land"),
}
# How tightly a condition binds inside a bracket; the connectives in this order.
_XOR, _OR, _AND, _RELATION, _UNIT = range(5)


def _condition(style: Style, expression: Any, holds: bool = True) -> Written:
    """Return how a condition, or its negation, is written inside a bracket."""
    latex = style.which == "latex"
    if isinstance(expression, Call):
        name = expression.primitive.name
        if name in RELATIONS:
            sign = RELATIONS[name if holds else _OPPOSITE[name]][latex]
            a, b = (Slot(style, *write(arg, style)) for arg in expression.args if arg is not None)
            return f"{a:sum} {sign} {b:sum}", _RELATION
        if name == "logical_not":
            return _condition(style, expression.args[0], not holds)
        if name in _CONNECTIVES:
            level = list(_CONNECTIVES).index(name)
            parts = []
            for arg in expression.args:
                part, tightness = _condition(style, arg)
                parts.append(part if tightness >= level else style.parentheses(part))
            written = f" {_CONNECTIVES[name][latex]} ".join(parts)
            return (written, level) if holds else (_negated(style, written), _UNIT)
    written, level = write(expression, style)
    if level < LEVELS["power"]:
        written = style.parentheses(written)
    return (written if holds else _negated(style, written, False)), _UNIT


def _negated(style: Style, written: str, compound: bool = True) -> str:
    sign = "¬" if style.which == "text" else r"\lnot "
    return f"{sign}{style.parentheses(written) if compound else written}"


def bracket(style: Style, expression: Any, holds: bool = True) -> str:
    """Return Iverson's bracket of a condition, or of its negation."""
    inner, _ = _condition(style, expression, holds)
    return f"[{inner}]" if style.which == "text" else rf"\left[{inner}\right]"


def conditional(name: str) -> Notation:
    """Return the notation of a comparison or a logical operation: a bracket."""

    def custom(style: Style, o: Mapping[str, Any]) -> Written:
        args = tuple(operand.expression for operand in o.values())
        stand_in = type("_Condition", (), {"name": name})()
        return bracket(style, Call(stand_in, args, ())), LEVELS["atom"]

    return Notation(custom=custom)


def _write_where(style: Style, o: Mapping[str, Any]) -> Written:
    condition, a, b = o["condition"], o["a"], o["b"]
    if b.number == 0:
        return _selected(style, a, condition, True)
    if a.number == 0:
        return _selected(style, b, condition, False)
    return _called(style, "where", f"{condition}, {a}, {b}")


def _selected(style: Style, x: Any, condition: Any, holds: bool) -> Written:
    """Write a value where a condition holds and 0 elsewhere as their product."""
    factors = [*_factors(x.expression), _Condition(condition.expression, holds)]
    return _signed(style, *_product(style, factors))


def _write_filled_where(style: Style, o: Mapping[str, Any]) -> Written:
    x, condition, value = o["x"], o["condition"], o["value"]
    if value == 0:
        return _selected(style, x, condition, False)
    return _called(style, "where", f"{condition}, {style.number(value)[0]}, {x}")


WHERE = Notation(custom=_write_where)
FILLED_WHERE = Notation(custom=_write_filled_where)

# --- Matrices -------------------------------------------------------------------------------------


def transpose(style: Style, matrix: Slot) -> str:
    """Return the transpose of a matrix."""
    if style.which == "text":
        return f"{matrix:atom}ᵀ"
    written = f"{matrix:atom}"
    # LaTeX refuses a second superscript.
    return rf"{{{written}}}^{{\top}}" if "^" in written else rf"{written}^{{\top}}"


def _write_affine(style: Style, o: Mapping[str, Any]) -> Written:
    space = " " if style.which == "text" else r" \, "
    product = f"{o['x']:factor}{space}{transpose(style, o['W'])}"
    return (f"{product} + {o['b']:sum}", LEVELS["sum"]) if "b" in o else (product, LEVELS["factor"])


MATRIX_PRODUCT = Notation("{a:factor} {b:factor}", r"{a:factor} \, {b:factor}", "factor")
AFFINE = Notation(custom=_write_affine)

# --- Calls and their parameters -------------------------------------------------------------------


def _called(style: Style, name: str, inner: str, dims: Any = None) -> Written:
    where = style.indices(dims)
    return f"{style.function(name)}{where}{style.parentheses(inner)}", LEVELS["atom"]


def along(name: str, latex: str | None = None, dims: tuple[str, ...] = ("dim",)) -> Notation:
    """Return the notation of a function along dimensions: ``softmax₁(x)``.

    Args:
        name: the function's name.
        latex: the same in LaTeX; derived from ``name`` if None.
        dims: the static parameters that are dimensions; they become the index, others follow the
            operands in parentheses.
    """

    def custom(style: Style, o: Mapping[str, Any]) -> Written:
        index: list[int] = []
        for d in dims:
            value = o[d]
            if value is not None:
                index += [value] if isinstance(value, int) else value
        inner = ", ".join(
            f"{v}" if isinstance(v, Slot) else style.parameter(v)
            for k, v in o.items()
            if k not in dims and k != "keepdim"
        )
        head = latex if latex is not None and style.which == "latex" else style.function(name)
        where = style.indices(tuple(index) if index else None)
        return f"{head}{where}{style.parentheses(inner)}", LEVELS["atom"]

    return Notation(custom=custom)


def reduction(name: str, kept: str, latex: str, latex_kept: str) -> Notation:
    """Write a reduction with its dimensions as an index: Σ₁ keeps them, sum₁ drops them."""
    dropping, keeping = along(name, latex), along(kept, latex_kept)

    def custom(style: Style, o: Mapping[str, Any]) -> Written:
        return (keeping if o["keepdim"] else dropping)(style, o)

    return Notation(custom=custom)


def _write_inner(style: Style, o: Mapping[str, Any]) -> Written:
    """Write a sum of products, with its dimension kept: Σ₁(a ⊙ b)."""
    product = f"{o['a']:term}{style.hadamard}{o['b']:factor}"
    return _KEPT_SUM(style, {"x": Slot(style, product, LEVELS["term"]), "dim": o["dim"]})


_KEPT_SUM = along("Σ", r"{\textstyle\sum}")
INNER = Notation(custom=_write_inner)


def _write_rearranged(name: str) -> Notation:
    """Write a rearrangement of dimensions; one of none is not seen."""
    named = along(name, dims=("dims",))

    def custom(style: Style, o: Mapping[str, Any]) -> Written:
        return named(style, o) if o["dims"] else (o["x"].written, o["x"].level)

    return Notation(custom=custom)


SQUEEZE = _write_rearranged("squeeze")
UNSQUEEZE = _write_rearranged("unsqueeze")
PERMUTE = _write_rearranged("permute")

# --- Indices --------------------------------------------------------------------------------------


def index_parts(style: Style, index: Any) -> str:
    """Return an index as it stands between brackets: ``0:2, :, i``."""
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(_index_part(style, p) for p in parts)


def _index_part(style: Style, part: Any) -> str:
    latex = style.which == "latex"
    if isinstance(part, slice):
        colon = "{:}" if latex else ":"
        ends = ["" if e is None else str(e) for e in (part.start, part.stop)]
        written = colon.join(ends)
        return written if part.step is None else f"{written}{colon}{part.step}"
    if part is Ellipsis:
        return r"\dots" if latex else "..."
    if isinstance(part, Symbol):
        return style.symbol(part)
    if isinstance(part, Expr):
        return write(part, style)[0]
    if isinstance(part, ndarray):
        if part.ndim == 1 and part.size <= 8:
            values = ", ".join(_index_part(style, v) for v in part.tolist())
            return rf"\left[{values}\right]" if latex else f"[{values}]"
        kind = "mask" if part.dtype.kind == "b" else "index"
        return style.function(kind) + str(list(part.shape))
    if part is None or isinstance(part, bool):
        return rf"\mathrm{{{part}}}" if latex else str(part)
    return str(part)


def between_brackets(style: Style, inner: str) -> str:
    """Return an index in its brackets."""
    return f"[{inner}]" if style.which == "text" else rf"\left[{inner}\right]"


def _write_item(style: Style, o: Mapping[str, Any]) -> Written:
    inner = index_parts(style, o["index"])
    return f"{o['x']:atom}{between_brackets(style, inner)}", LEVELS["atom"]


def _write_put(style: Style, o: Mapping[str, Any]) -> Written:
    """Write x with the elements at an index replaced as ``x[index ↦ value]``."""
    arrow = "↦" if style.which == "text" else r"\mapsto"
    inner = f"{index_parts(style, o['index'])} {arrow} {o['value']}"
    return f"{o['x']:atom}{between_brackets(style, inner)}", LEVELS["atom"]


def _write_scatter(style: Style, o: Mapping[str, Any]) -> Written:
    index = between_brackets(style, index_parts(style, o["index"]))
    return _called(style, "scatter", f"{o['x']}, {index}, {style.parameter(o['shape'])}")


ITEM = Notation(custom=_write_item)
PUT = Notation(custom=_write_put)
SCATTER = Notation(custom=_write_scatter)
