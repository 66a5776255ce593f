"""Reading printed formulas: a small language, parsed and evaluated with NumPy.

The grammar is the one that the docstring of `chainrule.symbol` describes; nothing of the library is
used, so that what a formula says is compared with what the engine computes, not with itself.

    formula   = [−] term {(+ | −) term}
    term      = factor {(⊙ | · | /) factor}
    factor    = power {space power}                  a space is the matrix product
    power     = atom {ᵀ | superscript | ^ atom | [index]}
    atom      = number | name | name dims? (arguments) | (formula) | [condition] | |formula|
              | ⌊formula⌋ | ⌈formula⌉ | √atom
    condition = disjunction {⊕ disjunction}
    disjunction = conjunction {∨ conjunction}
    conjunction = statement {∧ statement}
    statement = ¬ statement | (condition) | formula [(= | ≠ | < | ≤ | > | ≥) formula]
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.formulas.functions import ALONG, FUNCTIONS, OneHot
from tests.formulas.tokens import Token, decomposed, of_latex, of_text

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "≠": np.not_equal,
    "<": np.less,
    "≤": np.less_equal,
    ">": np.greater,
    "≥": np.greater_equal,
}
_CONSTANTS = {"nan": np.nan, "π": np.pi, "None": None, "True": True, "False": False}


class Bracket:
    """The value of [condition]: 1 where it holds and 0 elsewhere, and a strong 0 in products."""

    def __init__(self, holds: Any) -> None:
        self.holds = np.asarray(holds, bool)


def plain(value: Any) -> Any:
    """Return a value as numbers."""
    return value.holds.astype(float) if isinstance(value, Bracket) else value


def multiplied(a: Any, b: Any) -> Any:
    if isinstance(b, Bracket):
        return np.where(b.holds, plain(a), 0.0)
    if isinstance(a, Bracket):
        return np.where(a.holds, b, 0.0)
    return a * b


class Reader:
    """A recursive-descent reader that computes as it reads."""

    def __init__(self, tokens: list[Token], values: Mapping[str, Any], source: str) -> None:
        self.tokens = tokens
        self.values = {decomposed(name): value for name, value in values.items()}
        self.source = source
        self.at = 0

    # --- Tokens

    def peek(self, ahead: int = 0) -> Token:
        k = self.at + ahead
        return self.tokens[k] if k < len(self.tokens) else ("end", "")

    def take(self, value: str | None = None) -> Token:
        token = self.peek()
        if value is not None and token[1] != value:
            raise self.error(f"{value!r} was expected")
        self.at += 1
        return token

    def found(self, *values: str) -> bool:
        return self.peek()[0] == "sign" and self.peek()[1] in values

    def error(self, problem: str) -> SyntaxError:
        rest = "".join(value for _, value in self.tokens[self.at :])
        return SyntaxError(f"{problem} before {rest!r} in {self.source!r}")

    # --- Formulas

    def whole(self) -> Any:
        value = self.formula()
        if self.peek()[0] != "end":
            raise self.error("nothing more was expected")
        return plain(value)

    def formula(self) -> Any:
        if self.found("−", "-"):
            self.take()
            value = -plain(self.term())
        else:
            value = self.term()
        while self.found("+", "−", "-"):
            sign = self.take()[1]
            other = plain(self.term())
            value = plain(value)
            if isinstance(other, OneHot):
                other = other.beside(value)
            value = value + other if sign == "+" else value - other
        return value

    def term(self) -> Any:
        value = self.factor()
        while self.found("⊙", "·", "/"):
            sign = self.take()[1]
            other = self.factor()
            if sign == "/":
                with np.errstate(divide="ignore", invalid="ignore"):
                    value = np.true_divide(plain(value), plain(other))
            else:
                value = multiplied(value, other)
        return value

    def factor(self) -> Any:
        value = self.power()
        while self.peek()[0] == "space":
            self.take()
            value = np.matmul(plain(value), plain(self.power()))
        return value

    def power(self) -> Any:
        rooted = self.found("√")
        value = self.atom()
        while True:
            kind, sign = self.peek()
            if kind == "power" or (kind == "sign" and sign in ("ᵀ", "^")):
                if rooted:
                    raise self.error("a root without parentheses is ambiguous")
                self.take()
                if sign == "ᵀ":
                    value = np.swapaxes(plain(value), -1, -2)
                else:
                    exponent = int(sign) if kind == "power" else plain(self.atom())
                    value = np.power(np.asarray(plain(value), float), exponent)
            elif kind == "sign" and sign == "[":
                value = self.indexed(value)
            else:
                return value

    def atom(self) -> Any:
        kind, value = self.take()
        if kind == "number":
            return float(value)
        if kind == "name":
            return self.named(value)
        if value == "(":
            inner = self.formula()
            self.take(")")
            return inner
        if value == "[":
            condition = self.condition()
            self.take("]")
            return Bracket(condition)
        if value == "|":
            inner = self.formula()
            self.take("|")
            return np.abs(plain(inner))
        if value == "⌊":
            inner = self.formula()
            self.take("⌋")
            return np.floor(plain(inner))
        if value == "⌈":
            inner = self.formula()
            self.take("⌉")
            return np.ceil(plain(inner))
        if value == "√":
            return np.sqrt(plain(self.atom()))
        if value == "∞":
            return np.inf
        self.at -= 1
        raise self.error("a value was expected")

    # --- Conditions

    def condition(self) -> Any:
        value = self.disjunction()
        while self.found("⊕"):
            self.take()
            value = np.logical_xor(value, self.disjunction())
        return value

    def disjunction(self) -> Any:
        value = self.conjunction()
        while self.found("∨"):
            self.take()
            value = np.logical_or(value, self.conjunction())
        return value

    def conjunction(self) -> Any:
        value = self.statement()
        while self.found("∧"):
            self.take()
            value = np.logical_and(value, self.statement())
        return value

    def statement(self) -> Any:
        if self.found("¬"):
            self.take()
            return np.logical_not(self.statement())
        if self.found("("):
            # Either a condition in parentheses, or a formula that begins with one.
            start = self.at
            try:
                self.take()
                value = self.condition()
                self.take(")")
                if self.peek()[1] in ("⊕", "∨", "∧", "]", ")"):
                    return value
            except SyntaxError:
                pass
            self.at = start
        a = plain(self.formula())
        if not self.found(*_RELATIONS):
            return np.asarray(a, bool)
        return _RELATIONS[self.take()[1]](a, plain(self.formula()))

    # --- Names and calls

    def named(self, name: str) -> Any:
        dims = None
        if self.peek()[0] == "dims":
            dims = tuple(int(d) for d in self.take()[1].split(","))
        if not self.found("("):
            if name in _CONSTANTS:
                return _CONSTANTS[name]
            if name not in self.values:
                raise self.error(f"{name!r} is not known")
            return self.values[name]
        args, options = self.arguments(name)
        if dims is not None or (name in ALONG and name not in FUNCTIONS):
            return ALONG[name](*args, dims=dims, **options)
        return FUNCTIONS[name](*args, **options)

    def arguments(self, name: str) -> tuple[list[Any], dict[str, Any]]:
        self.take("(")
        args: list[Any] = []
        options: dict[str, Any] = {}
        if name == "einsum":
            args.append(self.equation())
        while not self.found(")"):
            if self.peek()[0] == "name" and self.peek(1) == ("sign", "="):
                option = self.take()[1]
                self.take("=")
                is_tuple = self.found("(") and self.is_tuple()
                options[option] = self.tuple() if is_tuple else plain(self.formula())
            elif self.found("[") and name == "scatter" and args:
                self.take()
                args.append(self.index())
                self.take("]")
            elif self.found("(") and self.is_tuple():
                args.append(self.tuple())
            else:
                args.append(plain(self.formula()))
            if not self.found(")"):
                self.take(",")
        self.take(")")
        return args, options

    def equation(self) -> str:
        """Read which indices the operands and the result of a sum of products have."""
        written = ""
        while not self.found(";"):
            written += self.take()[1]
        self.take(";")
        return written.replace("→", "->")

    def is_tuple(self) -> bool:
        """Tell whether the parenthesis ahead holds whole numbers and commas only, as shapes do."""
        k = 1
        while self.peek(k)[0] == "number" or self.peek(k)[1] in (",", "-", "−"):
            k += 1
        return self.peek(k)[1] == ")" and (k == 1 or any(self.peek(j)[1] == "," for j in range(k)))

    def tuple(self) -> tuple[int, ...]:
        self.take("(")
        sizes = []
        while not self.found(")"):
            size = self.integer()
            if size is not None:
                sizes.append(size)
            if not self.found(")"):
                self.take(",")
        self.take(")")
        return tuple(sizes)

    # --- Indices

    def indexed(self, value: Any) -> Any:
        self.take("[")
        index = self.index()
        if self.found("↦"):
            self.take()
            replaced = np.array(plain(value))
            replaced[index] = plain(self.formula())
            value = replaced
        elif isinstance(value, tuple | list):
            value = value[operator.index(index)]
        else:
            value = np.asarray(plain(value))[index]
        self.take("]")
        return value

    def index(self) -> Any:
        parts = [self.index_part()]
        several = False
        while self.found(","):
            self.take()
            several = True
            if self.found("]", "↦"):
                break
            parts.append(self.index_part())
        return tuple(parts) if several else parts[0]

    def index_part(self) -> Any:
        if self.found("..."):
            self.take()
            return ...
        if self.found("["):
            self.take()
            items = []
            while not self.found("]"):
                items.append(self.index_part())
                if self.found(","):
                    self.take()
            self.take()
            return np.array(items, dtype=None if items else np.int64)
        if self.peek()[0] == "name":
            return self.named(self.take()[1])
        ends: list[int | None] = [self.integer()]
        while self.found(":"):
            self.take()
            ends.append(self.integer())
        if len(ends) > 1:
            return slice(*ends)
        if ends[0] is None:
            return ()
        return ends[0]

    def integer(self) -> int | None:
        negative = self.found("-", "−")
        if negative:
            self.take()
        if self.peek()[0] != "number":
            return None
        value = int(self.take()[1])
        return -value if negative else value


def read_text(formula: str, values: Mapping[str, Any]) -> Any:
    """Return the value of a formula printed as Unicode text.

    Args:
        formula: what was printed.
        values: an array, or a number, for every name in it.
    """
    return Reader(of_text(formula), values, formula).whole()


def read_latex(formula: str, values: Mapping[str, Any]) -> Any:
    """Return the value of a formula printed as LaTeX."""
    return Reader(of_latex(formula), values, formula).whole()
