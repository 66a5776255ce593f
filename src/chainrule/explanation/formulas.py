"""Reading the rules on the names of one graph, and checking what was read against the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.explanation.algebra import (
    call,
    evaluate,
    name_of,
    rebuilt,
    simplify,
    substitute,
    symbols_in,
)
from chainrule.explanation.derivation import Form, Step, Value
from chainrule.explanation.layers import FoundLayer
from chainrule.explanation.naming import transposes
from chainrule.explanation.tracing import Operation, Trace
from chainrule.primitive import Cotangents, Primitive
from chainrule.symbol import Call, Constant, Expr, NamedShape, Part, Symbol

UNREADABLE = "no readable formula: the rule of {} is code"


class Reader:
    """Formulas of one graph.

    Attributes:
        numbers: what each symbol stands for.
        owner: the value that a symbol names.
        inline: what stands for a symbol that is only a transpose of another.
        plumbing: keys of values that a textbook does not write down: products without their bias,
            transposed weights.
    """

    def __init__(self, trace: Trace, layers: list[FoundLayer], passing: set[str]) -> None:
        self.trace = trace
        self.numbers: dict[Symbol, Any] = {}
        for value in trace.values.values():
            self.numbers[value.symbol] = value.array
            if value.gradient_symbol is not None:
                self.numbers[value.gradient_symbol] = value.gradient
        self.owner = {value.symbol: value for value in trace.values.values()}
        self.inline: dict[Symbol, Expr] = {}
        self.plumbing: set[str] = set()
        for value in trace.values.values():
            source = transposes(trace, value)
            if source is not None:
                self.inline[value.symbol] = source.symbol.mT
                self.plumbing.add(value.key)
        for layer in layers:
            for value in layer.inner:
                if not value.named and value is not layer.z:
                    self.plumbing.add(value.key)
        self.plumbing.update(passing)

    # --- Forward ----------------------------------------------------------------------------------

    def read_forward(self) -> None:
        """Give every computed value its formula."""
        for operation in self.trace.operations:
            for value, number in zip(operation.outputs, operation.output_numbers, strict=True):
                formula: Any = self._call(operation)
                if operation.primitive.several or operation.node.shape is None:
                    formula = Part(formula, number)
                value.formula = self.inlined(formula)

    def _call(self, operation: Operation) -> Call:
        args = tuple(v.symbol if isinstance(v, Value) else v for v in operation.operands)
        params = tuple(p.symbol if isinstance(p, Value) else p for p in operation.params)
        if not isinstance(operation.primitive, Primitive):
            args = tuple(a for a in args if a is not None)
        return Call(operation.primitive, args, params)

    def inlined(self, formula: Any) -> Any:
        """Return a formula with transposes written out and tidied up."""
        return simplify(substitute(formula, self.inline))

    def unfolded(self, formula: Any) -> Any:
        """Return a forward formula with what a textbook would not write down put in."""
        replacements = {}
        for symbol in set(symbols_in(formula)):
            value = self.owner.get(symbol)
            if value is not None and value.key in self.plumbing and value.formula is not None:
                replacements[symbol] = self.unfolded(value.formula)
        return simplify(substitute(formula, replacements)) if replacements else formula

    # --- Backward ---------------------------------------------------------------------------------

    def read_rules(self) -> None:
        """Give every term its formula: the local rule with the actual names in it."""
        for operation in self.trace.operations:
            if not any(operation.terms):
                continue
            formulas, note = self._rules(operation)
            for k, term in enumerate(operation.terms):
                if term is None:
                    continue
                term.note = note
                formula = formulas.get(k)
                if formula is not None:
                    shape = np.shape(operation.operands[k].array)
                    term.formula = self.checked(formula, term.array, operation.operands[k], shape)
                if term.formula is None and not term.note:
                    term.note = self._by_hand(operation, k) or UNREADABLE.format(operation.name)

    def _rules(self, operation: Operation) -> tuple[dict[int, Expr], str]:
        if not isinstance(operation.primitive, Primitive):
            return {}, f"no formula: {operation.name} has a backward pass written by hand"
        arguments = [v.symbol if isinstance(v, Value) else v for v in operation.operands]
        shapes = [np.shape(v.array if isinstance(v, Value) else v) for v in operation.operands]
        upstream: Any = [self._upstream(value) for value in operation.outputs]
        output: Any = [value.symbol for value in operation.outputs]
        if operation.primitive.several:
            upstream = _by_output(operation, upstream, lambda k: Constant(0))
            # An output that nobody used has no name: rules that read it say how it comes about.
            output = _by_output(operation, output, lambda k: Part(self._call(operation), k))
        else:
            upstream, output = upstream[0], output[0]
        named = tuple(p.symbol if isinstance(p, Value) else p for p in operation.params)
        plain = tuple(p.array if isinstance(p, Value) else p for p in operation.params)
        for params in (named, plain):
            try:
                found: dict[str, Any] = operation.primitive.formula(
                    arguments, params, output=output, upstream=upstream, shapes=shapes
                )
            except Exception:
                # A rule may do anything with what it is given; what cannot be read has no formula.
                continue
            places = {n: k for k, n in enumerate(operation.primitive.input_names(len(arguments)))}
            return {places[n]: f for n, f in found.items() if isinstance(f, Expr)}, ""
        return {}, ""

    def _upstream(self, value: Value) -> Expr:
        if value is self.trace.root and np.ndim(value.array) == 0:
            return Constant(1)
        return value.gradient_symbol if value.gradient_symbol is not None else Constant(0)

    def _by_hand(self, operation: Operation, k: int) -> str:
        names = operation.primitive.input_names(len(operation.operands))
        written = operation.primitive.by_hand.get(names[k])
        return f"as a rule: {written[0]}" if written else ""

    def checked(
        self, formula: Any, array: Any, like: Value | None, shape: tuple[int, ...]
    ) -> Expr | None:
        """Return a formula tidied up and summed to a shape, None unless it gives the array."""
        tidy = self.inlined(formula)
        try:
            found = np.shape(evaluate(tidy, self.numbers))
            tidy = self._without_idle(tidy)
        except Exception:
            return None
        if found != shape:
            tidy = _summed(tidy, found, shape, like)
        return tidy if self.error_of(tidy, array) is not None else None

    def _without_idle(self, formula: Any) -> Any:
        """Return a formula without the reshapes and sums that change nothing in it."""
        tidy = rebuilt(formula, self._without_idle)
        if name_of(tidy) in ("reshape", "sum_to", "broadcast_to"):
            shape = np.shape(evaluate(tidy.args[0], self.numbers))
            if shape == tuple(tidy.params[0]):
                return tidy.args[0]
        return tidy

    def error_of(self, formula: Any, array: Any) -> float | None:
        """Return the largest difference between a formula's value and an array.

        None if it is more than rounding, if the shapes differ, or the formula cannot be evaluated.
        """
        return difference(formula, self.numbers, array)

    # --- Steps ------------------------------------------------------------------------------------

    def steps(self) -> list[Step]:
        """Return the backward pass: each value once its gradient is complete, leaves first."""
        ordered: list[tuple[tuple[int, int, int], Value]] = []
        for count, value in enumerate(self.trace.values.values()):
            if value.gradient is None:
                continue
            rank = -1 if value.key in self.plumbing else 0 if value.role == "parameter" else 1
            ordered.append(((-self._complete_at(value), rank, count), value))
        ordered.sort(key=lambda pair: pair[0])
        return [self._step(value) for _, value in ordered]

    def _complete_at(self, value: Value) -> int:
        """Return the index of the last operation of the backward pass that adds to a gradient.

        A weight that is only turned before it is used counts as used where its transpose is.
        """
        indices = []
        for operation, _ in self.trace.uses[value.key]:
            output = operation.outputs[0] if operation.outputs else None
            turned = value.role == "parameter" and output is not None
            if turned and output is not None and output.key in self.plumbing:
                indices.append(min(self._complete_at(output), 1 << 61))
            else:
                indices.append(operation.node.index)
        return min(indices, default=1 << 62)

    def _step(self, value: Value) -> Step:
        terms = [
            term
            for operation, k in self.trace.uses[value.key]
            if operation.terms and (term := operation.terms[k]) is not None
        ]
        step = Step(value.key, terms)
        if value is self.trace.root and not terms:
            one: Any = Constant(1)
            if np.ndim(value.array):
                one = call("broadcast_to", one, params=(value.shape,))
            step.forms.append(Form("rule", one))
            return step
        formulas = [term.formula for term in terms]
        readable = [f for f in formulas if f is not None]
        if len(readable) < len(terms) or not readable:
            step.note = next((t.note for t in terms if t.note), UNREADABLE.format(value.operation))
            return step
        total: Any = readable[0]
        if len({formula.text() for formula in readable}) == 1:
            total = total if len(readable) == 1 else len(readable) * total
        else:
            total = _sum(readable)
        total = simplify(total)
        error = self.error_of(total, value.gradient)
        if error is None:
            step.note = "no readable formula"
        else:
            step.forms.append(Form("rule", total, error=error))
        return step


def _sum(formulas: list[Any]) -> Any:
    """Add formulas in pairs, so that a sum over a thousand uses is not a thousand levels deep."""
    while len(formulas) > 1:
        pairs = [a + b for a, b in zip(formulas[::2], formulas[1::2], strict=False)]
        formulas = pairs + formulas[len(pairs) * 2 :]
    return formulas[0]


def difference(formula: Any, numbers: Mapping[Symbol, Any], array: Any) -> float | None:
    """Return how far a formula's value is from an array; None if further than rounding."""
    try:
        found = np.asarray(evaluate(formula, numbers))
    except Exception:
        return None
    expected = np.asarray(array)
    if found.shape != expected.shape:
        return None
    if found.size == 0:
        return 0.0
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return None
    scale = float(np.max(np.abs(expected[finite]), initial=0.0))
    error = float(np.max(np.abs(found[finite] - expected[finite]), initial=0.0))
    return (
        error if error <= _TOLERANCE[np.asarray(array).dtype.itemsize] * max(scale, 1e-30) else None
    )


# Rounding relative to the largest entry, by the size of a number in bytes.
_TOLERANCE = {2: 5e-2, 4: 1e-4, 8: 1e-9, 16: 1e-9}


def _by_output(operation: Operation, found: list[Any], missing: Callable[[int], Any]) -> Cotangents:
    assert operation.node.saved is not None
    count = len(operation.node.saved[-1])
    by_number = dict(zip(operation.output_numbers, found, strict=True))
    return Cotangents(by_number[k] if k in by_number else missing(k) for k in range(count))


def _summed(formula: Any, found: tuple[int, ...], shape: tuple[int, ...], like: Any) -> Any:
    """Sum a gradient over the dimensions along which its value was broadcast."""
    extra = len(found) - len(shape)
    kept = tuple(
        d + extra for d, n in enumerate(shape) if n == 1 and extra >= 0 and found[d + extra] != 1
    )
    if extra > 0 and not kept:
        return call("sum", formula, params=(tuple(range(extra)), False))
    if extra == 0 and kept:
        return call("sum", formula, params=(kept, True))
    target: Any = shape
    if isinstance(like, Value):
        target = NamedShape(shape, like.symbol.name, like.symbol.latex_name)
    return call("sum_to", formula, params=(target,))
