"""What the rules print is what they compute: every formula is read back and evaluated.

For every operation and sample, each recorded node of the forward graph and of the graph of its
backward pass prints its call and its rules, as text and as LaTeX. An independent reader evaluates
them with NumPy, and the values must be the engine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import replay
from chainrule.primitive import Cotangents, table
from chainrule.symbol import Call, Expr, Part, Symbol, bar
from tests.formulas.reader import read_latex, read_text
from tests.ops.comparison import REFUSALS, differentiable, on, run_here, upstream
from tests.ops.samples import CASES, OPERATIONS
from tests.ops.samples.description import Index

_LETTERS = "abcdefh"


def recorded_nodes(operation: Any, sample: Any) -> list[Any]:
    """Return the nodes of a sample's forward graph and of its recorded backward pass."""
    try:
        inputs, results = run_here(operation, sample, np.float64, requires_grad=True)
    except REFUSALS:
        return []
    active = [r for r in results if differentiable(r)]
    if not active:
        return []
    gradients = cr.autograd.grad(
        active,
        [x for x in inputs if x.requires_grad],
        [cr.tensor(g, requires_grad=True) for g in upstream(results)],
        create_graph=True,
        allow_unused=True,
    )
    roots = [r._node for r in (*active, *gradients) if r is not None and r._node is not None]
    found = {node for root in roots for node in replay.ancestors(root)}
    return sorted((n for n in found if n.primitive is not None), key=lambda n: n.index)


class Readable:
    """A node with a name for everything in it: operands, output, gradient, array parameters."""

    def __init__(self, node: Any, values: dict[Any, Any]) -> None:
        self.node = node
        self.primitive = node.primitive
        self.values: dict[str, Any] = {}
        self.arguments: list[Any] = []
        for letter, parent, saved in zip(_LETTERS, node.inputs, node.saved, strict=False):
            value = saved if parent is None else values[parent]
            if isinstance(value, int | float):
                self.arguments.append(value)
            else:
                self.arguments.append(self.named(letter, value))
        self.params = tuple(
            self.parameter(p, "ijkmnopqrs"[k]) for k, p in enumerate(replay.params_of(node))
        )
        self.value = values[node]
        self.output = self.named("y", self.value)

    def named(self, name: str, value: Any) -> Symbol:
        self.values[name] = value
        return Symbol(name, shape=None if isinstance(value, tuple) else np.shape(value))

    def parameter(self, param: Any, letter: str) -> Any:
        """Name the arrays of a parameter, those inside an index too."""
        if isinstance(param, np.ndarray):
            return self.named(letter, param)
        if isinstance(param, tuple) and any(isinstance(p, np.ndarray) for p in param):
            return tuple(
                self.parameter(p, f"{letter}{'₀₁₂₃'[k]}") if isinstance(p, np.ndarray) else p
                for k, p in enumerate(param)
            )
        return param

    def call(self) -> Expr:
        return Call(self.primitive, tuple(self.arguments), self.params)

    def calls(self) -> Iterator[tuple[Expr, Any]]:
        """Yield the call with its value, or each of several outputs with its own."""
        if self.primitive.several:
            yield from ((Part(self.call(), k), value) for k, value in enumerate(self.value))
        else:
            yield self.call(), self.value

    def upstream(self) -> Any:
        """Return a gradient arriving at the node."""
        rng = np.random.default_rng(3)
        if self.primitive.several:
            return Cotangents(rng.uniform(0.5, 2, np.shape(v)) for v in self.value)
        return rng.uniform(0.5, 2, self.node.shape)

    def gradients(self) -> Iterator[tuple[Expr, Any]]:
        """Yield each rule's formula with the gradient the engine computes for it."""
        g = self.upstream()
        gradient = Symbol(bar("y"), r"\bar{y}", g.shape)
        self.values[bar("y")] = g
        formulas = self.primitive.formula(
            self.arguments, self.params, output=self.output, upstream=gradient
        )
        names = self.primitive.input_names(len(self.arguments))
        rules = self.primitive.rules
        with_rules = {
            parent
            for parent, name in zip(self.node.inputs, names, strict=True)
            if parent is not None and (self.primitive.variadic or name in rules)
        }
        found = self.primitive.pull(self.node, g, False, with_rules)
        pulled = dict(zip_parents(self.node, found, with_rules))
        for k, name in enumerate(names):
            if k in pulled:
                yield formulas[name], pulled[k]


def zip_parents(node: Any, pulled: Any, only: set[Any]) -> Iterator[tuple[int, Any]]:
    """Yield the position of each operand that has a rule with the gradient for it."""
    parents = [k for k, parent in enumerate(node.inputs) if parent in only]
    for k, (_, gradient) in zip(parents, pulled, strict=True):
        yield k, gradient


def values_of(nodes: list[Any]) -> dict[Any, Any]:
    """Return the value of every node, and of the leaves they hang on, by running forward."""
    values: dict[Any, Any] = {}
    order = sorted(
        {n for node in nodes for n in replay.ancestors(node)}, key=lambda node: node.index
    )
    for node in order:
        if node.primitive is None:
            values[node] = node.saved[0]
            continue
        inputs = replay.inputs_of(node, values)
        arguments = (inputs,) if node.primitive.variadic else inputs
        result = node.primitive.forward(*arguments, *replay.params_of(node))
        values[node] = tuple(result) if node.primitive.several else np.asarray(result)
    return values


def fitted(value: Any, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting, as the engine does after every rule."""
    value = np.asarray(value, float)
    while value.ndim > len(shape):
        value = value.sum(0)
    for d, n in enumerate(shape):
        if n == 1 and value.shape[d] != 1:
            value = value.sum(d, keepdims=True)
    return np.broadcast_to(value, shape)


def assert_reads_as(formula: Expr, values: dict[str, Any], expected: Any, what: str) -> None:
    expected = np.asarray(expected, float)
    for written, read in ((formula.text(), read_text), (formula.latex(), read_latex)):
        found = fitted(read(written, values), expected.shape)
        np.testing.assert_allclose(
            found, expected, rtol=1e-10, atol=1e-12, err_msg=f"{what}: {written}"
        )


def is_finite(readable: Readable) -> bool:
    parts = [p for v in readable.values.values() for p in (v if isinstance(v, tuple) else (v,))]
    return all(np.all(np.isfinite(a)) for a in parts if isinstance(a, np.ndarray))


def check(node: Any, values: dict[Any, Any]) -> None:
    if node.name == "output":
        return  # which formulas write as y[k]
    readable = Readable(node, values)
    if not is_finite(readable):
        return  # what is not finite follows PyTorch, which formulas do not describe
    for call, value in readable.calls():
        assert_reads_as(call, readable.values, value, node.name)
    for formula, gradient in readable.gradients():
        assert_reads_as(formula, readable.values, gradient, f"gradient of {node.name}")


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_printed_calls_and_rules_evaluate_to_what_the_engine_computes(operation):
    for sample in operation.samples:
        nodes = recorded_nodes(operation, sample)
        values = values_of(nodes)
        with on(sample):
            for node in nodes:
                check(node, values)


def constant_operations() -> list[Any]:
    """Return the operations that are a primitive without rules: no graph shows their call."""
    return [o for o in OPERATIONS if hasattr(o.ours, "primitive") and not o.ours.primitive.rules]


@pytest.mark.parametrize("operation", constant_operations(), ids=repr)
def test_printed_conditions_evaluate_to_what_the_engine_computes(operation):
    for sample in operation.samples:
        given = [a.value if isinstance(a, Index) else a for a in sample.args]
        values = {_LETTERS[k]: a for k, a in enumerate(given) if isinstance(a, np.ndarray)}
        if not all(np.all(np.isfinite(v)) for v in values.values()):
            continue
        arguments = [
            Symbol(_LETTERS[k]) if _LETTERS[k] in values else a for k, a in enumerate(given)
        ]
        try:
            expected = operation.ours(
                *(cr.from_numpy(a) if isinstance(a, np.ndarray) else a for a in given)
            )
        except REFUSALS:
            continue
        formula = operation.ours(*arguments)
        assert_reads_as(formula, values, expected.numpy(), operation.name)


def test_every_primitive_is_covered_by_a_sample():
    covered = {o.ours.primitive.name for o in OPERATIONS if hasattr(o.ours, "primitive")}
    for operation, sample in CASES:
        covered |= {node.name for node in recorded_nodes(operation, sample)}
    if not any(primitive.several for primitive in table.values()):
        covered.add("output")  # which picks one of several outputs
    missing = set(table) - covered
    assert not missing, f"describe these operations in tests/ops/samples: {sorted(missing)}"
