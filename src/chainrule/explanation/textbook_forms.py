"""The delta recursion: gradients of layers in the form in which textbooks write them.

    δ⁽ˡ⁾ = (∂L/∂a⁽ˡ⁾) ⊙ f′(z⁽ˡ⁾)      with ∂L/∂a⁽ˡ⁾ written out where one layer follows another
    ∇W⁽ˡ⁾ = δ⁽ˡ⁾ a⁽ˡ⁻¹⁾ᵀ

Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986; the
notation is that of Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.explanation.algebra import (
    PRODUCTS,
    simplify,
    substitute,
    symbols_in,
    with_plain_shapes,
)
from chainrule.explanation.derivation import Form, Step, Value
from chainrule.explanation.formulas import Reader
from chainrule.explanation.layers import FoundLayer
from chainrule.explanation.tracing import Operation
from chainrule.primitive import Primitive
from chainrule.symbol import (
    LATEX,
    LEVELS,
    TEXT,
    Call,
    Constant,
    Expr,
    Notation,
    Style,
    Symbol,
    write,
)

# Parentheses that a textbook writes where the rules of precedence ask for none.
GROUP = Primitive(
    "group",
    lambda x: x,
    ("x",),
    (),
    {},
    Notation(
        custom=lambda style, operands: (style.parentheses(f"{operands['x']}"), LEVELS["atom"])
    ),
)


def derivative_of(operation: Operation) -> Primitive | None:
    """Return f′ of an elementwise activation f as an operation: its rule for a gradient of ones."""
    primitive: Any = operation.primitive
    if not isinstance(primitive, Primitive):
        return None
    if len(primitive.inputs) != 1 or primitive.several:
        return None
    if not primitive.needs.get(primitive.inputs[0], frozenset()) & {primitive.inputs[0], "y"}:
        return None
    params = operation.params
    if any(isinstance(p, Value) for p in params) or "dim" in primitive.param_names:
        return None
    argument, output, ones = Symbol("z"), Symbol("y"), Symbol("g")
    try:
        formula = primitive.formula([argument], params, output=output, upstream=ones)
    except TypeError:
        return None
    rule = formula[primitive.inputs[0]]

    def forward(z: Any) -> Any:
        from chainrule.explanation.algebra import evaluate

        z = np.asarray(z)
        compute: Any = primitive.forward
        y = np.asarray(compute(z, *params))
        return evaluate(rule, {argument: z, output: y, ones: np.ones_like(y)})

    def notation(style: Style, operands: Any) -> tuple[str, int]:
        inner = style.parentheses(f"{operands['x']}")
        return f"{_head(primitive, params, style)}{inner}", LEVELS["atom"]

    name = f"{primitive.name}′"
    return Primitive(name, forward, ("x",), (), {}, Notation(custom=notation))


def _head(primitive: Primitive, params: tuple[Any, ...], style: Style) -> str:
    """Return the function's name with a prime: σ′, relu′."""
    written, _ = write(Call(primitive, (Symbol("z"),), params), style)
    opening = "(" if style.which == "text" else r"\left("
    prime = "′" if style.which == "text" else "'"
    if written.count(opening) == 1 and not params:
        return written.split(opening)[0] + prime
    if style.which == "text":
        return f"{primitive.name}′"
    plain = primitive.name.replace("_", r"\_")
    return rf"\operatorname{{{plain}}}'"


def add_textbook_forms(reader: Reader, steps: list[Step], layers: list[FoundLayer]) -> None:
    """Put the textbook form of each gradient of a layer in front of its other forms."""
    by_key = {step.of: step for step in steps}
    resolver = Resolver(reader, steps)
    done = set(reader.plumbing)
    for layer in layers:
        for value in (*layer.weights, *layer.biases, *layer.inputs, layer.z, layer.a):
            # Weights may be shared by many layers; their gradient is written once.
            if value is None or value.key in done or value.key not in by_key:
                continue
            done.add(value.key)
            step = by_key[value.key]
            if step.forms:
                _offer(reader, step, resolver.gradient(value.key), value)
        _add_delta(reader, by_key, layer, resolver)
    for step in steps:
        if step.of not in done and step.forms:
            value = reader.trace.values[step.of]
            formula = resolver.resolved(step.forms[-1].formula)
            if formula is not step.forms[-1].formula:
                _offer(reader, step, formula, value)
    resolver.rewrite_terms(steps)


class Resolver:
    """Writes gradients without those of plumbing: values that a textbook does not write down."""

    def __init__(self, reader: Reader, steps: list[Step]) -> None:
        self.reader = reader
        self._plain = {step.of: step.forms[0].formula for step in steps if step.forms}
        self._known: dict[str, Any] = {}
        self._owner = {
            value.gradient_symbol: key
            for key, value in reader.trace.values.items()
            if value.gradient_symbol is not None
        }

    def gradient(self, key: str) -> Any:
        """Return the formula of a value's gradient in which no gradient of plumbing is left."""
        if key not in self._known:
            self._known[key] = self.resolved(self._plain[key])
        return self._known[key]

    def resolved(self, formula: Any) -> Any:
        """Return a formula with the gradients of plumbing written out."""
        replacements = {}
        for symbol in set(symbols_in(formula)):
            other = self._owner.get(symbol)
            if other in self.reader.plumbing and other in self._plain:
                replacements[symbol] = self.gradient(other)
        if not replacements:
            return formula
        hidden = {self.reader.trace.values[key].name for key in self.reader.plumbing}
        return with_plain_shapes(simplify(substitute(formula, replacements)), hidden)

    def rewrite_terms(self, steps: list[Step]) -> None:
        """Write the contributions of single uses in the same way."""
        for step in steps:
            for term in step.terms:
                if term.formula is None:
                    continue
                formula = self.resolved(term.formula)
                if (
                    formula is not term.formula
                    and self.reader.error_of(formula, term.array) is not None
                ):
                    term.formula = formula


def _add_delta(
    reader: Reader, by_key: dict[str, Step], layer: FoundLayer, resolver: Resolver
) -> None:
    operation, a, z = layer.activation, layer.a, layer.z
    if operation is None or a is None or z.key not in by_key or a.gradient is None:
        return
    if len(reader.trace.uses[z.key]) != 1:
        return
    derivative = derivative_of(operation)
    if derivative is None:
        return
    assert a.gradient_symbol is not None
    upstream: Any = a.gradient_symbol
    step = by_key.get(a.key)
    if a is reader.trace.root:
        upstream = Constant(1)
    elif step is not None and step.forms and len(step.terms) == 1 and _is_product(step):
        upstream = Call(GROUP, (resolver.gradient(a.key),), ())
    formula = simplify(upstream * Call(derivative, (z.symbol,), ()))
    note, latex = _definition(operation, derivative, a, z)
    _offer(reader, by_key[z.key], formula, z, note, latex)


def _is_product(step: Step) -> bool:
    return step.terms[0].operation in PRODUCTS | {"linear", "linear_without_bias"}


def _definition(operation: Operation, derivative: Primitive, a: Value, z: Value) -> tuple[str, str]:
    """Return what f′ is, with the activation's own values in it: σ′(z) = (1 − a) ⊙ a."""
    rule = operation.primitive.formula(
        [z.symbol], operation.params, output=a.symbol, upstream=Constant(1)
    )
    right = simplify(next(iter(rule.values())))
    left = Call(derivative, (z.symbol,), ())
    return (
        f"{write(left, TEXT)[0]} = {write(right, TEXT)[0]}",
        f"{write(left, LATEX)[0]} = {write(right, LATEX)[0]}",
    )


def _offer(
    reader: Reader, step: Step, formula: Expr, value: Value, note: str = "", latex: str = ""
) -> None:
    error = reader.error_of(formula, value.gradient)
    if error is None or any(form.formula.text() == formula.text() for form in step.forms):
        return
    step.forms.insert(0, Form("textbook", formula, note, latex, error))
