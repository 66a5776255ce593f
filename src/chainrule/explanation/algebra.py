"""School algebra on formulas: putting numbers in, putting formulas in, tidying up, transposing.

Every function returns an equal formula (up to rounding); `evaluate` is how the rest of the package
checks that before it shows one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from fractions import Fraction
from typing import Any, cast

import numpy as np

from chainrule.primitive import Primitive
from chainrule.symbol import (
    LEVELS,
    Call,
    Constant,
    Expr,
    NamedShape,
    Notation,
    Part,
    Style,
    Symbol,
    operators,
)

# Operations that work element by element, so that a transpose passes through them.
ELEMENTWISE = frozenset(
    {
        "add", "sub", "mul", "div", "neg", "pow", "abs", "sign", "sqrt", "exp", "log",
        "relu", "sigmoid", "tanh", "maximum", "minimum", "clamp_min", "clamp_max", "eq",
        "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not",
        "masked_fill", "where", "cast", "clone", "silu", "gelu", "elu", "leaky_relu",
        "softplus", "sin", "cos", "mse_loss", "binary_cross_entropy",
    }
)  # fmt: skip
PRODUCTS = frozenset({"matmul", "mm"})
# Operations that only move entries about, or pick some of them.
REARRANGEMENTS = frozenset(
    {
        "contiguous", "getitem", "permute", "reshape", "split", "squeeze", "transpose", "unbind",
        "unsqueeze",
    }
)  # fmt: skip
_ALONG = frozenset({"softmax", "log_softmax"})
_REDUCTIONS = frozenset({"sum", "mean", "amax", "amin", "max", "min", "var", "std", "logsumexp"})
_OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}


def primitive_of(name: str) -> Primitive:
    """Return a primitive of the table by name."""
    found: Primitive = operators[name].primitive  # type: ignore[attr-defined]
    return found


def call(name: str, *args: Any, params: tuple[Any, ...] = ()) -> Call:
    """Return the call of a primitive on formulas."""
    return Call(primitive_of(name), args, params)


def name_of(expression: Expr) -> str:
    """Return the name of the primitive that a formula calls, "" if it calls none."""
    return expression.primitive.name if isinstance(expression, Call) else ""


def evaluate(expression: Any, values: Mapping[Symbol, Any]) -> Any:
    """Return the value of a formula.

    Args:
        expression: the formula.
        values: the array that each symbol in it stands for.

    Raises:
        KeyError: for a symbol without a value.
    """
    if isinstance(expression, Symbol):
        return values[expression]
    if isinstance(expression, Constant):
        return expression.value
    if isinstance(expression, Part):
        return evaluate(expression.whole, values)[expression.index]
    if not isinstance(expression, Call):
        return expression
    args = [evaluate(a, values) for a in expression.args]
    params = [evaluate(p, values) if isinstance(p, Expr) else p for p in expression.params]
    forward: Any = expression.primitive.forward
    if expression.primitive.variadic:
        return forward(tuple(args), *params)
    # As a rule would: Python numbers stay weak, everything else is an array.
    arrays = [a if isinstance(a, int | float) or a is None else np.asarray(a) for a in args]
    return forward(*arrays, *params)


def symbols_in(expression: Any) -> Iterator[Symbol]:
    """Yield the symbols of a formula, each as often as it occurs."""
    if isinstance(expression, Symbol):
        yield expression
    elif isinstance(expression, Part):
        yield from symbols_in(expression.whole)
    elif isinstance(expression, Call):
        for part in (*expression.args, *expression.params):
            yield from symbols_in(part)


def rebuilt(expression: Any, change: Callable[[Any], Any]) -> Any:
    """Return a formula whose parts are replaced by ``change`` of them."""
    if isinstance(expression, Part):
        return Part(change(expression.whole), expression.index)
    if not isinstance(expression, Call):
        return expression
    args = tuple(a if a is None else change(a) for a in expression.args)
    params = tuple(change(p) if isinstance(p, Expr) else p for p in expression.params)
    return Call(expression.primitive, args, params)


def substitute(expression: Any, replacements: Mapping[Symbol, Expr]) -> Any:
    """Return a formula with symbols replaced by formulas."""
    if isinstance(expression, Symbol):
        return replacements.get(expression, expression)
    return rebuilt(expression, lambda part: substitute(part, replacements))


def with_plain_shapes(formula: Any, names: Collection[str]) -> Any:
    """Return a formula that gives the shapes of some values as numbers, not by name."""

    def plain(param: Any) -> Any:
        return tuple(param) if isinstance(param, NamedShape) and param.name in names else param

    tidy = rebuilt(formula, lambda part: with_plain_shapes(part, names))
    if not isinstance(tidy, Call):
        return tidy
    return Call(tidy.primitive, tidy.args, tuple(plain(p) for p in tidy.params))


# --- Tidying up -----------------------------------------------------------------------------------


def simplify(expression: Any) -> Any:
    """Return a formula as one would write it: numbers in front, no double signs or transposes."""
    tidy = rebuilt(expression, simplify)
    name = name_of(tidy)
    if name in ("mul", "div", "neg") or name in PRODUCTS:
        return _with_square(*_coefficient(tidy))
    if name in ("add", "sub"):
        a, b = tidy.args
        p, q, core = _coefficient(b)
        if p < 0 and core is not None:
            positive = _with_coefficient(-p, q, core)
            return call("sub" if name == "add" else "add", a, positive)
    elif name == "transpose" and swaps_last_two(tidy):
        return _transposed_product(tidy)
    elif name == "transpose" and isinstance(tidy.args[0], Call) and set(tidy.params) == {0, 1}:
        # Written as ᵀ it would be taken for the exchange of the last two.
        return call("permute", tidy.args[0], params=((1, 0, *range(2, ndim(tidy.args[0]))),))
    elif name == "logical_not":
        inner = tidy.args[0]
        if name_of(inner) == "logical_not":
            return inner.args[0]
        if name_of(inner) in _OPPOSITE:
            return call(_OPPOSITE[name_of(inner)], *inner.args)
    elif name == "masked_fill" and tidy.params[0] == 0:
        x, condition = tidy.args
        p, q, core = _coefficient(x)
        keep = simplify(call("logical_not", condition))
        if core is None:
            return _with_coefficient(p, q, keep)
        if (p, q) != (1, 1):
            return _with_coefficient(p, q, Call(tidy.primitive, (core, condition), tidy.params))
    elif name == "clone":
        return tidy.args[0]
    elif name == "reshape" and name_of(tidy.args[0]) == "reshape":
        return Call(tidy.primitive, tidy.args[0].args, tidy.params)
    elif name == "squeeze" and name_of(tidy.args[0]) == "unsqueeze":
        return tidy.args[0].args[0] if tidy.params == tidy.args[0].params else tidy
    return tidy


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _coefficient(e: Any) -> tuple[float, float, Any]:
    """Split a formula into p / q times a formula without number in front (None for 1)."""
    if isinstance(e, Constant) and _is_number(e.value) and math.isfinite(e.value):
        # Numbers like 1 / 3 that a rule worked out are written as the fraction they came from.
        fraction = Fraction(e.value).limit_denominator(1000)
        if fraction.denominator > 1 and len(repr(e.value)) > 8 and float(fraction) == e.value:
            return fraction.numerator, fraction.denominator, None
        return e.value, 1, None
    name = name_of(e)
    if name == "neg":
        p, q, core = _coefficient(e.args[0])
        return -p, q, core
    if name == "mul" or name in PRODUCTS:
        p, q, a = _coefficient(e.args[0])
        r, s, b = _coefficient(e.args[1])
        if a is None or b is None:
            return p * r, q * s, b if a is None else a
        return p * r, q * s, Call(e.primitive, (a, b), e.params)
    if name == "div":
        p, q, a = _coefficient(e.args[0])
        r, s, b = _coefficient(e.args[1])
        if b is None and r != 0:
            return p * s, q * r, a
        if a is not None:
            return p, q, call("div", a, e.args[1])
    return 1, 1, e


def _with_square(p: float, q: float, core: Any) -> Any:
    """Return p / q times a formula, a product of equal factors written as a square."""
    if name_of(core) == "mul":
        a, b = core.args
        if isinstance(a, Expr) and isinstance(b, Expr) and a.text() == b.text():
            core = call("square", a)
    return _with_coefficient(p, q, core)


def _with_coefficient(p: float, q: float, core: Any) -> Any:
    if q < 0:
        p, q = -p, -q
    if float(p).is_integer() and float(q).is_integer():
        divisor = math.gcd(int(p), int(q))
        p, q = int(p) // divisor, int(q) // divisor
    if core is None:
        return Constant(p) if q == 1 else call("div", Constant(p), Constant(q))
    size = abs(p)
    result = core if size == 1 else call("mul", Constant(size), core)
    if q != 1:
        result = call("div", result, Constant(q))
    return call("neg", result) if p < 0 else result


def swaps_last_two(e: Call) -> bool:
    """Tell whether a transpose is the matrix transpose, ᵀ."""
    dims = set(e.params[:2])
    return dims == {-2, -1} or dims == {ndim(e.args[0]) - 2, ndim(e.args[0]) - 1}


def _transposed_product(e: Call) -> Any:
    inner = e.args[0]
    if isinstance(inner, Call) and name_of(inner) == "transpose" and swaps_last_two(inner):
        return inner.args[0]
    if isinstance(inner, Call) and name_of(inner) in PRODUCTS:
        a, b = cast("tuple[Expr, Expr]", inner.args)
        return Call(inner.primitive, (simplify(b.mT), simplify(a.mT)), ())
    return e


# --- Transposing whole formulas -------------------------------------------------------------------


def ndim(expression: Any) -> int:
    """Return the number of dimensions of a formula's value, as far as its symbols tell."""
    if isinstance(expression, Symbol):
        return len(expression.shape or ())
    if isinstance(expression, Constant):
        return int(np.ndim(expression.value))
    if not isinstance(expression, Call):
        return 0
    inner = max((ndim(a) for a in expression.args if a is not None), default=0)
    name = expression.primitive.name
    if name in _REDUCTIONS:
        dim, keepdim = expression.params[0], expression.params[-1]
        if keepdim:
            return inner
        return 0 if dim is None else inner - (1 if isinstance(dim, int) else len(dim))
    if name in ("broadcast_to", "reshape", "sum_to"):
        return len(expression.params[0])
    if name in ("mse_loss", "binary_cross_entropy", "cross_entropy") and expression.params[-1] != 0:
        return 0
    return inner


def _picked_columns(x: Any, index: Any) -> Any:
    out = np.array(x)
    out[index, np.arange(len(index))] -= 1
    return out


def _write_picked_columns(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    target = f"{style.function('onehot')}{style.parentheses(style.parameter(o['index']))}"
    turn, minus = ("ᵀ", "−") if style.which == "text" else (r"^{\top}", "-")
    return f"{o['x']:sum} {minus} {target}{turn}", LEVELS["sum"]


_MINUS_ONE_HOT_COLUMNS = Primitive(
    "minus_one_hot_columns",
    _picked_columns,
    ("x",),
    ("index",),
    {},
    Notation(custom=_write_picked_columns),
)


def transposed(expression: Any) -> Any:
    """Return the formula of the transposed value, with the transpose moved inward.

    Where it cannot be moved further it stays, as ᵀ.
    """
    if ndim(expression) < 2:
        return expression
    name = name_of(expression)
    if not isinstance(expression, Call):
        return expression.mT
    args = expression.args
    if name == "transpose" and swaps_last_two(expression):
        return args[0]
    if name in PRODUCTS:
        return Call(expression.primitive, (transposed(args[1]), transposed(args[0])), ())
    if name in ("linear", "linear_without_bias"):
        product = call("mm", args[1], transposed(args[0]))
        return product if name == "linear_without_bias" else product + transposed(args[2])
    if name in ELEMENTWISE or name == "group" or name.endswith("′"):
        return Call(expression.primitive, tuple(map(transposed, args)), expression.params)
    if name in _ALONG and ndim(args[0]) == 2:
        return Call(expression.primitive, (transposed(args[0]),), (1 - expression.params[0],))
    if name == "sum" and expression.params[1] and ndim(args[0]) == 2:
        dim = expression.params[0]
        swapped = None if dim is None else tuple(sorted(1 - d for d in dim))
        return Call(expression.primitive, (transposed(args[0]),), (swapped, True))
    if name == "broadcast_to" and ndim(args[0]) == 0:
        return Call(expression.primitive, args, (tuple(expression.params[0])[::-1],))
    if name == "minus_one_hot":
        return Call(_MINUS_ONE_HOT_COLUMNS, (transposed(args[0]),), expression.params)
    return expression.mT
