"""Expressions: what the derivative rules become when they are read on symbols.

An `Expr` is a symbol, a constant or the call of a primitive on expressions. Operators and the
primitives themselves build them, so a rule written for arrays, handed symbols instead, returns its
own formula. Formulas print as Unicode text and as LaTeX, in one notation that can be read back
without knowing the library (`tests/formulas` does):

- ``a b`` is the matrix product and binds tightest; ``a ⊙ b`` (``2·a`` with a number) the
  elementwise product and ``a / b`` the quotient, from left to right;
- ``aᵀ`` swaps the last two dimensions, ``a²`` and ``a^b`` are powers, ``√a`` and ``|a|`` as usual;
- ``Σ₁(a)`` sums over dimension 1 and keeps it with size 1, ``sum₁(a)`` drops it; without an index
  they run over all dimensions. ``Mean`` and ``mean``, ``Max`` and ``max`` and so on are written
  alike, and ``softmax₁``, ``unsqueeze₀``, ``cat₀`` also name their dimension so;
- ``[a > b]`` is 1 where the condition holds and 0 elsewhere (Iverson's bracket), with ∧, ∨, ⊕ and ¬
  inside; a product with a bracket is 0 where the bracket is 0, whatever the other factor is
  (Knuth, "Two notes on notation", 1992);
- ``a[0:2, i]`` takes elements as in NumPy, ``a[i ↦ v]`` is a with those elements replaced by v, and
  ``scatter(v, [i], shape(a))`` is zeros with v added there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from chainrule.primitive import Primitive

# How tightly a printed formula binds, loosest first. A part is put in parentheses where the
# template asks for something tighter.
LEVELS = {"sum": 0, "term": 1, "factor": 2, "power": 3, "atom": 4}

# What the operators of an expression call; `primitive` fills it as the table is defined.
operators: dict[str, Callable[..., Any]] = {}


class Expr:
    """A formula: build it with operators and primitives, read it with `text` and `latex`."""

    __slots__ = ()
    # NumPy's arrays and scalars leave arithmetic with an expression to the expression.
    __array_ufunc__ = None

    def __add__(self, other: Any) -> Any:
        return operators["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return operators["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return operators["sub"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return operators["sub"](other, self)

    def __mul__(self, other: Any) -> Any:
        return operators["mul"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return operators["mul"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return operators["div"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return operators["div"](other, self)

    def __pow__(self, other: Any) -> Any:
        return operators["pow"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return operators["pow"](other, self)

    def __matmul__(self, other: Any) -> Any:
        return operators["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return operators["matmul"](other, self)

    def __neg__(self) -> Any:
        return operators["neg"](self)

    def __eq__(self, other: Any) -> Any:
        return operators["eq"](self, other)

    def __ne__(self, other: Any) -> Any:
        return operators["ne"](self, other)

    # Equality builds a formula, so an expression is the same as another only if it is that one.
    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Any:
        return operators["lt"](self, other)

    def __le__(self, other: Any) -> Any:
        return operators["le"](self, other)

    def __gt__(self, other: Any) -> Any:
        return operators["gt"](self, other)

    def __ge__(self, other: Any) -> Any:
        return operators["ge"](self, other)

    def __invert__(self) -> Any:
        return operators["logical_not"](self)

    def __and__(self, other: Any) -> Any:
        return operators["logical_and"](self, other)

    def __or__(self, other: Any) -> Any:
        return operators["logical_or"](self, other)

    def __getitem__(self, index: Any) -> Any:
        if type(index) is int:
            return Part(self, index)
        return operators["getitem"](self, index)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"the formula {self} cannot be iterated: its length is not known")

    def __bool__(self) -> bool:
        raise TypeError(
            f"the formula {self} has no truth value: a rule read on symbols may branch on its "
            "static parameters and shapes only"
        )

    @property
    def mT(self) -> Any:
        """The formula with its last two dimensions swapped."""
        return operators["transpose"](self, -2, -1)

    def text(self) -> str:
        """Return the formula as Unicode text."""
        return write(self, TEXT)[0]

    def latex(self) -> str:
        """Return the formula as LaTeX."""
        return write(self, LATEX)[0]

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"Expr({self.text()})"


class Symbol(Expr):
    """A named value.

    Args:
        name: as it prints in text, for example ``"x"`` or ``"fc1.weight"``.
        latex_name: as it prints in LaTeX; derived from ``name`` if None.
        shape: its shape, where known.
        level: how tightly the name binds; a name like ∂L/∂x takes parentheses where ᵀ follows.
    """

    __slots__ = ("latex_name", "level", "name", "shape")

    def __init__(
        self,
        name: str,
        latex_name: str | None = None,
        shape: tuple[int, ...] | None = None,
        level: str = "atom",
    ) -> None:
        self.name = name
        self.latex_name = latex_name if latex_name is not None else latex_identifier(name)
        self.shape = shape
        self.level = LEVELS[level]


class Constant(Expr):
    """A number (or an array that no name stands for) inside a formula."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class NamedNumber(float):
    """A number that remembers how it came about, so that a formula can say ``log(2)``."""

    __slots__ = ("latex", "text")

    text: str
    latex: str

    def __new__(cls, value: float, text: str, latex: str) -> NamedNumber:
        """Make the number from its value and how it is written."""
        self = super().__new__(cls, value)
        self.text = text
        self.latex = latex
        return self


class Part(Expr):
    """One of several values: the k-th output of an operation, or its gradient."""

    __slots__ = ("index", "whole")

    def __init__(self, whole: Expr, index: int) -> None:
        self.whole = whole
        self.index = index


class Call(Expr):
    """A primitive applied to expressions, with its static parameters."""

    __slots__ = ("args", "params", "primitive")

    def __init__(self, primitive: Primitive, args: tuple[Any, ...], params: tuple[Any, ...]):
        self.primitive = primitive
        self.args = tuple(a if isinstance(a, Expr) or a is None else Constant(a) for a in args)
        self.params = params


class NamedShape(tuple[int, ...]):
    """A shape that remembers whose it is, so that a formula can say ``shape(x)``."""

    name: str
    latex_name: str

    def __new__(cls, shape: tuple[int, ...], name: str, latex_name: str) -> NamedShape:
        self = super().__new__(cls, shape)
        self.name = name
        self.latex_name = latex_name
        return self


# --- Printing -------------------------------------------------------------------------------------

# Numbers that formulas show under their names, as text and LaTeX.
CONSTANTS = {
    math.pi: ("π", r"\pi"),
    math.pi / 180: ("π/180", r"\frac{\pi}{180}"),
    180 / math.pi: ("180/π", r"\frac{180}{\pi}"),
    math.log(2): ("log(2)", r"\log\left(2\right)"),
    math.log(10): ("log(10)", r"\log\left(10\right)"),
    math.sqrt(2): ("√2", r"\sqrt{2}"),
    1 / math.sqrt(2): ("1/√2", r"\frac{1}{\sqrt{2}}"),
    2 / math.sqrt(math.pi): ("2/√π", r"\frac{2}{\sqrt{\pi}}"),
    math.sqrt(math.pi) / 2: ("√π/2", r"\frac{\sqrt{\pi}}{2}"),
    math.sqrt(2 / math.pi): ("√(2/π)", r"\sqrt{\frac{2}{\pi}}"),
    math.sqrt(2 * math.pi): ("√(2·π)", r"\sqrt{2 \cdot \pi}"),
    1 / math.sqrt(2 * math.pi): ("1/√(2·π)", r"\frac{1}{\sqrt{2 \cdot \pi}}"),
}
_SUBSCRIPTS = str.maketrans("0123456789-", "₀₁₂₃₄₅₆₇₈₉₋")
_SUPERSCRIPTS = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")


def latex_identifier(name: str) -> str:
    r"""Return a name as LaTeX: one letter as it is, a longer name upright.

    >>> latex_identifier("x"), latex_identifier("fc1.weight")
    ('x', '\\mathrm{fc1.weight}')
    """
    if len(name) == 1:
        return name
    escaped = re.sub(r"([_#%&$])", r"\\\1", name)
    return rf"\mathrm{{{escaped}}}"


def bar(name: str) -> str:
    """Return the name of the gradient with respect to ``name``: ȳ for y."""
    return "ȳ" if name == "y" else name + "̄"


class Style:
    """One way of writing formulas: Unicode text or LaTeX."""

    def __init__(self, which: str) -> None:
        self.which = which

    def symbol(self, symbol: Symbol) -> str:
        return symbol.name if self.which == "text" else symbol.latex_name

    def parentheses(self, inner: str) -> str:
        return f"({inner})" if self.which == "text" else rf"\left({inner}\right)"

    @property
    def minus(self) -> str:
        """The sign of a difference and of a negative."""
        return "−" if self.which == "text" else "-"

    @property
    def dot(self) -> str:
        """The sign between a number and what it multiplies."""
        return "·" if self.which == "text" else r" \cdot "

    @property
    def hadamard(self) -> str:
        """The sign of the elementwise product."""
        return " ⊙ " if self.which == "text" else r" \odot "

    def function(self, name: str) -> str:
        """Return the name of a function as it stands in front of its parentheses."""
        if self.which == "text":
            return name
        return rf"\operatorname{{{latex_plain(name)}}}"

    def option(self, name: str, value: Any) -> str:
        """Return a named argument of a call."""
        return f"{name if self.which == 'text' else latex_identifier(name)}={self.number(value)[0]}"

    def superscript(self, exponent: int) -> str:
        """Return a whole number as an exponent of text."""
        return str(exponent).translate(_SUPERSCRIPTS)

    def number(self, value: Any) -> tuple[str, int]:
        """Return a number as it is written, and how tightly that binds."""
        if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
            value = value.item()
        if not isinstance(value, int | float):
            return f"array{list(np.shape(value))}", LEVELS["atom"]
        if isinstance(value, NamedNumber):
            return value.text if self.which == "text" else value.latex, LEVELS["atom"]
        if value < 0:
            written, level = self.number(-value)
            if level < LEVELS["term"]:
                written = self.parentheses(written)
            return f"{self.minus}{written}", LEVELS["sum"]
        if value != value:
            return ("nan" if self.which == "text" else r"\mathrm{nan}"), LEVELS["atom"]
        if value == float("inf"):
            return ("∞" if self.which == "text" else r"\infty"), LEVELS["atom"]
        return self._digits(value)

    def _digits(self, value: Any) -> tuple[str, int]:
        if float(value).is_integer() and value < 1e15:
            return str(int(value)), LEVELS["atom"]
        digits = repr(value)
        if len(digits) > 8:
            constant = CONSTANTS.get(value)
            if constant is not None:
                text, latex = constant
                if self.which == "text":
                    return text, LEVELS[
                        "term" if "/" in text else "factor" if "√" in text else "atom"
                    ]
                return latex, LEVELS["factor" if r"\frac" in latex else "atom"]
            # What came out of a division of small numbers is written as that division.
            near = Fraction(value).limit_denominator(1000)
            if near and near.numerator / near.denominator == value:
                if self.which == "text":
                    return f"{near.numerator}/{near.denominator}", LEVELS["term"]
                return rf"\frac{{{near.numerator}}}{{{near.denominator}}}", LEVELS["factor"]
        if "e" not in digits:
            return digits, LEVELS["atom"]
        mantissa, exponent = digits.split("e")
        if self.which == "text":
            ten = f"10{self.superscript(int(exponent))}"
        else:
            ten = f"10^{{{int(exponent)}}}"
        if mantissa == "1":
            return ten, LEVELS["power"]
        return f"{mantissa}{self.dot}{ten}", LEVELS["term"]

    def indices(self, dims: tuple[int, ...] | int | None) -> str:
        """Return the dimensions of a reduction as a subscript, nothing for all of them."""
        if dims is None:
            return ""
        every = (dims,) if isinstance(dims, int) else dims
        if self.which == "text":
            return "‚".join(str(d).translate(_SUBSCRIPTS) for d in every)
        return f"_{{{','.join(map(str, every))}}}"

    def parameter(self, value: Any) -> str:
        """Return a static parameter as it stands inside a call."""
        if isinstance(value, Symbol):
            return self.symbol(value)
        if isinstance(value, NamedShape):
            name = value.name if self.which == "text" else value.latex_name
            return f"{self.function('shape')}{self.parentheses(name)}"
        if isinstance(value, np.ndarray):
            return f"{self.function('array')}{list(value.shape)}"
        if isinstance(value, tuple) and all(isinstance(n, int) for n in value):
            return self.parentheses(", ".join(map(str, value)) + ("," if len(value) == 1 else ""))
        if isinstance(value, int | float):
            return self.number(value)[0]
        return str(value) if self.which == "text" else rf"\text{{{value}}}"


TEXT = Style("text")
LATEX = Style("latex")


class Slot:
    """An operand in a notation's template: ``{a:term}`` asks for at least that tightness."""

    def __init__(self, style: Style, written: str, level: int) -> None:
        self.style = style
        self.written = written
        self.level = level

    def __format__(self, tightness: str) -> str:
        if tightness and self.level < LEVELS[tightness]:
            return self.style.parentheses(self.written)
        return self.written


class Notation:
    """How a primitive is written: a template for text, one for LaTeX, and how tightly it binds.

    Templates name the primitive's inputs and static parameters; ``{a:factor}`` puts the operand in
    parentheses unless it binds at least as tightly as a factor. A callable in place of templates
    receives the style and the operands by name, and returns the written formula and its level.
    """

    def __init__(
        self,
        text: str = "",
        latex: str = "",
        level: str = "atom",
        custom: Callable[[Style, Mapping[str, Any]], tuple[str, int]] | None = None,
    ) -> None:
        self.templates = {"text": text, "latex": latex}
        self.level = LEVELS[level]
        self.custom = custom

    def __call__(self, style: Style, operands: Mapping[str, Any]) -> tuple[str, int]:
        if self.custom is not None:
            return self.custom(style, operands)
        return self.templates[style.which].format_map(operands), self.level


def function_notation(name: str, latex: str | None = None) -> Notation:
    """Return the notation ``name(operands, parameters)``, used where nothing better is known."""

    def custom(style: Style, operands: Mapping[str, Any]) -> tuple[str, int]:
        written = ", ".join(
            v.written if isinstance(v, Slot) else style.parameter(v) for v in operands.values()
        )
        if style.which == "text":
            return f"{name}({written})", LEVELS["atom"]
        head = latex if latex is not None else rf"\operatorname{{{latex_plain(name)}}}"
        return rf"{head}\left({written}\right)", LEVELS["atom"]

    return Notation(custom=custom)


def latex_plain(name: str) -> str:
    """Return a name with LaTeX's special characters escaped."""
    return name.replace("_", r"\_")


def write(expression: Expr, style: Style) -> tuple[str, int]:
    """Return a formula written in a style, and how tightly it binds."""
    if isinstance(expression, Symbol):
        return style.symbol(expression), expression.level
    if isinstance(expression, Constant):
        return style.number(expression.value)
    if isinstance(expression, Part):
        whole = Slot(style, *write(expression.whole, style))
        if style.which == "text":
            return f"{whole:atom}[{expression.index}]", LEVELS["atom"]
        return rf"{whole:atom}\left[{expression.index}\right]", LEVELS["atom"]
    assert isinstance(expression, Call)
    primitive = expression.primitive
    operands: dict[str, Any] = {}
    for name, arg in zip(primitive.input_names(len(expression.args)), expression.args, strict=True):
        if arg is not None:
            operands[name] = Operand(style, *write(arg, style), arg)
    operands.update(zip(primitive.param_names, expression.params, strict=False))
    return primitive.notation(style, operands)


class Operand(Slot):
    """A slot that still knows its expression, for notations that look at what they print."""

    def __init__(self, style: Style, written: str, level: int, expression: Expr) -> None:
        super().__init__(style, written, level)
        self.expression = expression

    @property
    def number(self) -> float | None:
        """Its value, if it is a plain number."""
        value = self.expression.value if isinstance(self.expression, Constant) else None
        return value if isinstance(value, int | float) else None
