"""Samples as rows or as columns: rewriting a derivation from one convention to the other.

The program holds samples in rows (``x @ W.T``) or in columns (``W @ x``). In the other convention
every value that has one row per sample is its transpose, and each formula is rewritten so that it
says so: v is replaced by vᵀ and the transposes are moved inward until they cancel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.explanation.algebra import (
    ELEMENTWISE,
    PRODUCTS,
    call,
    name_of,
    ndim,
    simplify,
    substitute,
    transposed,
    with_plain_shapes,
)
from chainrule.explanation.derivation import Derivation, Form, Step, Value
from chainrule.explanation.formulas import difference
from chainrule.explanation.layers import FoundLayer
from chainrule.explanation.tracing import Trace
from chainrule.symbol import Expr, Symbol

_KEEP_LAYOUT = ELEMENTWISE | PRODUCTS | {"softmax", "log_softmax", "linear", "linear_without_bias"}
_LOSSES = frozenset({"mse_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"})


def convention_of(layers: list[FoundLayer]) -> str:
    """Return how the program holds samples: "row" or "column"."""
    columns = sum(layer.samples == "column" for layer in layers)
    return "column" if layers and columns > len(layers) / 2 else "row"


def change_convention(derivation: Derivation, trace: Trace, layers: list[FoundLayer]) -> None:
    """Rewrite a derivation so that samples lie the other way."""
    turned = _with_samples(trace, layers)
    old = {value.key: (value.symbol, value.gradient_symbol) for value in turned}
    replacements: dict[Symbol, Expr] = {}
    exact: dict[Symbol, Expr] = {}
    for value in turned:
        shape = value.shape
        symbol, gradient = old[value.key]
        value.array = _turn(value.array)
        value.transposed = True
        value.symbol = Symbol(symbol.name, symbol.latex_name, value.shape)
        replacements[symbol] = value.symbol.mT
        if gradient is not None:
            value.gradient = _turn(value.gradient)
            value.gradient_symbol = _like(gradient, value.shape)
            replacements[gradient] = value.gradient_symbol.mT
        for before, after in ((symbol, value.symbol), (gradient, value.gradient_symbol)):
            if before is not None and after is not None:
                vector = call("reshape", after, params=(shape,))
                exact[before] = vector if len(shape) == 1 else after.mT
    rewriter = _Rewriter(replacements, exact, derivation.numbers())
    for value in derivation.values.values():
        if value.formula is not None:
            value.formula, _ = rewriter.rewritten(value.formula, value, value.array)
    for step in derivation.steps:
        _rewrite_step(step, derivation.values[step.of], rewriter)


class _Rewriter:
    """Writes formulas for turned values, and checks them on the numbers.

    Attributes:
        replacements: the transposes that stand for the symbols of values that were turned.
        exact: what a symbol stood for, a bias as a vector included.
        numbers: what each symbol stands for now.
        names: of the values that were turned.
    """

    def __init__(
        self,
        replacements: dict[Symbol, Expr],
        exact: dict[Symbol, Expr],
        numbers: dict[Symbol, Any],
    ) -> None:
        self.replacements = replacements
        self.exact = exact
        self.numbers = numbers
        self.names = {symbol.name for symbol in replacements}

    def rewritten(self, formula: Any, value: Value, array: Any) -> tuple[Any, float]:
        """Return a formula in the new layout and its error, None and 0 if it has none.

        Where the transposes cannot be moved to where a textbook has them, they stay outside.
        """
        # A shape by name would now be that of the turned value.
        formula = with_plain_shapes(formula, self.names)
        plain = substitute(formula, self.exact)
        if value.transposed:
            vector = len(value.node.shape or ()) == 1 if value.node is not None else False
            plain = call("reshape", plain, params=(value.shape,)) if vector else plain.mT
        for candidate in (_rewritten(formula, self.replacements, value), simplify(plain)):
            error = difference(candidate, self.numbers, array)
            if error is not None:
                return candidate, error
        return None, 0.0


def _like(symbol: Symbol, shape: tuple[int, ...]) -> Symbol:
    copy = Symbol(symbol.name, symbol.latex_name, shape)
    copy.level = symbol.level
    return copy


def _turn(array: Any) -> Any:
    """Turn a matrix; a vector (a bias) becomes a column."""
    return np.reshape(array, (-1, 1)) if np.ndim(array) == 1 else np.transpose(array)


def _with_samples(trace: Trace, layers: list[FoundLayer]) -> list[Value]:
    """Return the values that have a row (or a column) per sample, and the biases added to them."""
    weights = {w.key for layer in layers for w in layer.weights}
    found: dict[str, Value] = {}
    waiting = [v for layer in layers for v in (*layer.inputs, layer.z) if len(v.shape) == 2]
    while waiting:
        value = waiting.pop()
        if value.key in found or value.key in weights or len(value.shape) != 2:
            continue
        found[value.key] = value
        neighbours = [use for use, _ in trace.uses[value.key]]
        if value.key in trace.maker:
            neighbours.append(trace.maker[value.key])
        for operation in neighbours:
            if operation.name not in _KEEP_LAYOUT:
                continue
            around = [*operation.operands, *operation.outputs]
            waiting += [
                v
                for v in around
                if isinstance(v, Value)
                and v.key not in weights
                and not _is_turned_weight(trace, v, weights)
                and (operation.name not in ELEMENTWISE or v.shape == value.shape)
            ]
    biases = {b.key: b for layer in layers for b in layer.biases if len(b.shape) in (1, 2)}
    return list((found | biases).values())


def _is_turned_weight(trace: Trace, value: Value, weights: set[str]) -> bool:
    maker = trace.maker.get(value.key)
    if maker is None or maker.name != "transpose":
        return False
    source = maker.operands[0]
    return isinstance(source, Value) and source.key in weights


def _rewritten(formula: Any, replacements: dict[Symbol, Expr], value: Value) -> Any:
    changed = substitute(formula, replacements)
    if not value.transposed:
        return simplify(_without_turning_back(changed))
    # A sum over the samples that made a vector makes a column.
    if name_of(changed) == "sum" and changed.params == ((0,), False) and ndim(changed.args[0]) == 2:
        return simplify(call("sum", transposed(changed.args[0]), params=((1,), True)))
    return simplify(transposed(changed))


def _without_turning_back(formula: Any) -> Any:
    """Write a reduction over everything without the transposes inside it."""
    if name_of(formula) in ("sum", "mean") and formula.params[0] is None:
        return call(name_of(formula), transposed(formula.args[0]), params=formula.params)
    if name_of(formula) in _LOSSES and formula.params[0] != 0:
        turned = (transposed(a) for a in formula.args)
        return call(name_of(formula), *turned, params=formula.params)
    return formula


def _rewrite_step(step: Step, value: Value, rewriter: _Rewriter) -> None:
    if value.transposed:
        for term in step.terms:
            term.array = _turn(term.array)
    for term in step.terms:
        if term.formula is not None:
            term.formula, _ = rewriter.rewritten(term.formula, value, term.array)
            if term.formula is None:
                term.note = "no formula in this convention"
    kept: list[Form] = []
    for form in step.forms:
        formula, error = rewriter.rewritten(form.formula, value, value.gradient)
        if formula is not None and all(formula.text() != k.formula.text() for k in kept):
            form.formula, form.error = formula, error
            kept.append(form)
    step.forms = kept
    if not kept and not step.note:
        step.note = "no formula in this convention; ask for the program's own"
