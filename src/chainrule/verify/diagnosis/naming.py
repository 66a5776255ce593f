"""Names for the values of a graph, as the user would call them, and formulas in those names."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.graph import Node, source_line
from chainrule.symbol import TEXT, Call, Constant, Expr, Symbol
from chainrule.verify.diagnosis.recording import IDENTITIES, Edge, Recording

_LONG = 34
_BROADCASTING = frozenset(
    (
        "add",
        "broadcast_to",
        "clamp_max",
        "clamp_min",
        "div",
        "maximum",
        "minimum",
        "mul",
        "pow",
        "sub",
    )
)


class Names:
    """The names of a graph's values.

    Args:
        recording: the graph.
        known: names that were given: of parameters and of claims.
        variables: the caller's variables; a variable that a loop assigns again and again names only
            the last of its values, so the source lines are asked first.
        constants: names of arrays without a gradient, with the arrays.
    """

    def __init__(
        self,
        recording: Recording,
        known: Mapping[Node, str],
        variables: Mapping[Node, str] | None = None,
        constants: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self.recording = recording
        self._names = dict(known)
        self._constants = list(constants)
        self._by_source()
        for node, name in (variables or {}).items():
            if name not in self._names.values():
                self._names.setdefault(node, name)
        self._by_module()
        self._inherit()
        # Hypotheses are worded by the thousand, from the same few names.
        self._texts: dict[Node, str] = {}
        self._gradients: dict[Node, str] = {}

    def _by_source(self) -> None:
        """Name a value after the variable its source line assigns it to."""
        counts: dict[str, int] = {}
        repeated: list[tuple[Node, str]] = []
        for run in _runs(self.recording.nodes):
            variable = _assigned(*source_line(run[0]))
            if variable is None:
                continue
            for node in _ends(run):
                if node not in self._names:
                    repeated.append((node, variable))
                    counts[variable] = counts.get(variable, 0) + 1
        number: dict[str, int] = {}
        for node, variable in sorted(repeated, key=lambda item: item[0].index):
            if variable in self._names.values() or counts[variable] > 1:
                number[variable] = number.get(variable, 0) + 1
                self._names[node] = f"{variable}[{number[variable]}]"
            else:
                self._names[node] = variable

    def _by_module(self) -> None:
        """Name what a module's weight makes after the module: fc1.output for fc1.weight."""
        for node in self.recording.nodes:
            for parent in node.inputs:
                name = "" if parent is None else self._names.get(parent, "")
                output = name.removesuffix(".weight") + ".output"
                if name.endswith(".weight") and output not in self._names.values():
                    self._names.setdefault(node, output)

    def _inherit(self) -> None:
        """Let a copy share the name of what it copies, in both directions."""
        for node in self.recording.nodes:
            if node.name in IDENTITIES and node.inputs[0] is not None:
                original = node.inputs[0]
                if node in self._names:
                    self._names.setdefault(original, self._names[node])
                elif original in self._names:
                    self._names[node] = self._names[original]

    def given(self, node: Node) -> str | None:
        """Return a node's name, None if it has none of its own."""
        return self._names.get(node)

    def symbol(self, node: Node | None, value: Any = None, depth: int = 3) -> Expr:
        """Return a node as a symbol if it has a name, else as the formula it was computed by."""
        if node is None:
            return self.constant(value)
        name = self._names.get(node)
        if name is not None:
            return Symbol(name, shape=node.shape)
        if node.primitive is None or depth == 0 or node.primitive.several:
            return Symbol(self._described(node), shape=node.shape)
        values = self.recording.inputs(node)
        args = tuple(
            self.symbol(parent, given, depth - 1)
            for parent, given in zip(node.inputs, values, strict=True)
        )
        call = Call(node.primitive, args, self.recording.params(node))
        if len(call.text()) > _LONG:
            return Symbol(self._described(node), shape=node.shape)
        return call

    def constant(self, value: Any) -> Expr:
        """Return a constant as a number, or as the name that stands for its array."""
        if value is None or getattr(value, "ndim", 0) == 0:
            return Constant(value)
        for name, array in self._constants:
            for turned, mark in ((array, ""), (np.asarray(array).T, "ᵀ")):
                if turned is value or (
                    np.shape(turned) == value.shape and np.array_equal(turned, value)
                ):
                    return Symbol(name + mark, shape=value.shape)
        return Symbol(f"array{list(value.shape)}", shape=value.shape)

    def _described(self, node: Node) -> str:
        if node.primitive is None:
            return f"leaf{list(node.shape or ())}"
        _, line = source_line(node)
        return f"⟨{node.name}, line {line}⟩"

    def text(self, node: Node | None, value: Any = None) -> str:
        """Return how a value is called in messages."""
        if node is None:
            return self.symbol(node, value).text()
        if node not in self._texts:
            self._texts[node] = self.symbol(node).text()
        return self._texts[node]

    def gradient(self, node: Node) -> str:
        """Return how a value's gradient is called: dW1 for W1."""
        if node not in self._gradients:
            self._gradients[node] = self._gradient(self._shown_by(node))
        return self._gradients[node]

    def _gradient(self, node: Node) -> str:
        text = self.text(node)
        simple = text.replace(".", "").replace("[", "").replace("]", "")
        plain = simple.isidentifier() and "ᵀ" not in text
        return f"d{text}" if plain else f"d({text})"

    def _shown_by(self, node: Node) -> Node:
        """Return the named value with the same gradient: z = x W + b for the product x W."""
        start = node
        while node not in self._names:
            consumers = self.recording.consumers[node]
            if len(consumers) != 1:
                return start
            after = consumers[0][0]
            same = after.name in ("add", "clone", "cast") and after.shape == node.shape
            if not (same or (after.name == "sub" and after.inputs[0] is node)):
                return start
            node = after
        return node

    def rule(
        self,
        edge: Edge,
        *,
        inputs: Mapping[int, Expr] | None = None,
        output: Expr | None = None,
        upstream: str | None = None,
        summed: bool = True,
    ) -> str:
        """Return what an operation sends to one of its inputs, as a formula in the user's names.

        Args:
            edge: the operation and the input's number.
            inputs: symbols in place of some inputs.
            output: a symbol in place of the output.
            upstream: the arriving gradient's name.
            summed: write the sum over the dimensions along which the input was broadcast.
        """
        node, number = edge
        reader = node.primitive
        assert reader is not None
        values = self.recording.inputs(node)
        arguments: list[Any] = []
        for k, (parent, value) in enumerate(zip(node.inputs, values, strict=True)):
            if inputs is not None and k in inputs:
                arguments.append(inputs[k])
            else:
                arguments.append(self.symbol(parent, value))
        by_hand = reader.by_hand.get(reader.inputs[0 if reader.variadic else number])
        if by_hand:
            return by_hand[0]
        shapes = [
            p.shape if p is not None and p.shape is not None else getattr(v, "shape", ())
            for p, v in zip(node.inputs, values, strict=True)
        ]
        result = output if output is not None else self.symbol(node)
        arriving = upstream if upstream is not None else self.gradient(node)
        try:
            gradients = reader.formula(
                arguments,
                self.recording.params(node),
                output=result,  # type: ignore[arg-type]
                upstream=Symbol(arriving),
                shapes=shapes,
            )
        except (AttributeError, TypeError, ValueError):
            gradients = {}  # code that only arrays can run: a custom backward pass, a loop
        formula = gradients.get(reader.input_names(len(arguments))[number])
        if formula is None:
            return f"{node.name}.backward({arriving})"
        text = formula.text()
        return self._reduced(edge, text) if summed else text

    def _reduced(self, edge: Edge, text: str) -> str:
        """Write the sum over the dimensions along which an operand was broadcast."""
        node, number = edge
        target = node.inputs[number]
        if node.name not in _BROADCASTING or target is None or target.shape == node.shape:
            return text
        full, own = node.shape or (), target.shape or ()
        padded = (1,) * (len(full) - len(own)) + tuple(own)
        dims = [d for d, (n, m) in enumerate(zip(padded, full, strict=True)) if n == 1 and m != 1]
        if len(dims) == len(full):
            return f"sum({text})"
        return f"sum{TEXT.indices(tuple(dims))}({text})"


def _runs(nodes: list[Node]) -> Iterator[list[Node]]:
    """Yield the operations of each execution of each source line."""
    run: list[Node] = []
    seen: set[int] = set()
    for node in nodes:
        if node.primitive is None:
            continue
        code, offset = node.where
        if run:
            same_line = run[-1].where[0] is code and source_line(run[-1]) == source_line(node)
            # The same instruction again, others having run in between: a loop came round.
            again = offset in seen and offset != run[-1].where[1]
            if not same_line or again:
                yield run
                run, seen = [], set()
        run.append(node)
        seen.add(offset)
    if run:
        yield run


def _ends(nodes: list[Node]) -> list[Node]:
    """Return of the operations of a run those that no other one of them consumes."""
    inside = set(nodes)
    used = {p for n in nodes for p in n.inputs if p in inside}
    return [n for n in nodes if n not in used]


_assignments: dict[tuple[str, int, str], str | None] = {}


def _assigned(file: str, line: int) -> str | None:
    """Return the variable that a source line assigns its value to, if it is one."""
    text = linecache.getline(file, line).strip()
    key = (file, line, text)
    if key not in _assignments:
        _assignments[key] = _target(text)
    return _assignments[key]


def _target(text: str) -> str | None:
    try:
        (statement,) = ast.parse(text.rstrip("\\").strip() if "=" in text else "").body
    except (SyntaxError, ValueError):
        # The first line of a longer statement; the spaces tell it from a keyword argument.
        head, equals, _ = text.partition(" = ")
        return head if equals and head.isidentifier() else None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id
        if isinstance(target, ast.Attribute):
            return target.attr
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            key = target.slice.value
            return key if isinstance(key, str) else None
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return None
