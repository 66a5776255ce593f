"""From a recorded graph to values, operations and contributions, without changing anything.

The forward pass is run again from the leaves and the backward pass from the rules, on copies of the
graph's nodes, so neither a ``.grad`` nor the graph's own memory is touched.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.explanation.derivation import Source, Term, Value
from chainrule.graph import Node, source_line
from chainrule.primitive import Cotangents, Primitive
from chainrule.replay import ancestors, forward_values, inputs_of, params_of, root_of

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


@dataclass(slots=True, eq=False)
class Operation:
    """One operation: its operands (values, or numbers as they stand), its parameters, its outputs.

    ``output_numbers`` says which outputs of an operation with several ``outputs`` are.
    """

    node: Node
    # A Primitive, or the stand-in of a custom operation, which has no rules to read.
    primitive: Any
    operands: list[Value | Any]
    params: tuple[Any, ...]
    outputs: list[Value] = field(default_factory=list)
    output_numbers: list[int] = field(default_factory=list)
    # One per operand: what its rule sent to it, None for a constant.
    terms: list[Term | None] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.primitive.name)


@dataclass(slots=True, eq=False)
class Trace:
    """A graph as it was read: values in order, operations in order, the loss.

    Attributes:
        values: by key.
        operations: in the order in which they ran.
        root: the value that is differentiated.
        by_node: the value of a node.
        uses: the operations, with the operand's position, that read a value.
        maker: the operation that made a value.
        arrays: arrays among the static parameters, as constants.
    """

    values: dict[str, Value]
    operations: list[Operation]
    root: Value
    by_node: dict[Node, Value]
    uses: dict[str, list[tuple[Operation, int]]]
    maker: dict[str, Operation]

    def only_use(self, value: Value) -> Operation | None:
        """Return the operation that uses a value if exactly one does, once."""
        uses = self.uses[value.key]
        return uses[0][0] if len(uses) == 1 else None


class _Sources:
    """The user's lines; each place in the code is looked up once."""

    def __init__(self) -> None:
        self._known: dict[tuple[CodeType, int], Source] = {}

    def of(self, node: Node) -> Source:
        if node.where not in self._known:
            file, line = source_line(node)
            text = linecache.getline(file, line).strip()
            self._known[node.where] = Source(file, line, text, node.where[0].co_name)
        return self._known[node.where]


def read(tensor: Tensor, leaves: Mapping[Node, Any] | None = None) -> Trace:
    """Read the graph of a tensor.

    Args:
        tensor: what is differentiated; of any shape, a gradient of ones arrives at it.
        leaves: values that leaves had when the tensor was computed, where they changed since.

    Raises:
        RuntimeError: if there is no graph, it was freed, or values in it changed.
    """
    root = root_of(tensor)
    arrays = forward_values(tensor, leaves)
    order = ancestors(root)
    trace = _read_forward(order, arrays, root)
    _read_backward(trace, order, arrays, root)
    return trace


def _read_forward(order: list[Node], arrays: Mapping[Node, Any], root: Node) -> Trace:
    sources = _Sources()
    values: dict[str, Value] = {}
    by_node: dict[Node, Value] = {}
    by_array: dict[int, Value] = {}
    uses: dict[str, list[tuple[Operation, int]]] = {}
    maker: dict[str, Operation] = {}
    operations: list[Operation] = []
    by_main: dict[Node, Operation] = {}

    def new(role: str, array: Any, node: Node | None) -> Value:
        value = Value(f"v{len(values)}", role, array, node=node)
        values[value.key] = value
        uses[value.key] = []
        return value

    def constant(array: Any) -> Any:
        if array is None or isinstance(array, bool | int | float):
            return array
        if np.ndim(array) == 0 and np.asarray(array).dtype.kind != "b":
            return np.asarray(array).item()
        if id(array) not in by_array:
            by_array[id(array)] = new("constant", array, None)
        return by_array[id(array)]

    def leaf(node: Node) -> Value:
        if node not in by_node:
            by_node[node] = new("parameter", arrays[node], node)
        return by_node[node]

    for node in order:
        if node.primitive is None:
            continue
        if node.name == "output" and node.inputs[0] in by_main:
            operation = by_main[node.inputs[0]]
            number = params_of(node)[0]
        else:
            operands = []
            for parent, array in zip(node.inputs, _operands(node, arrays), strict=True):
                if parent is None:
                    operands.append(constant(array))
                else:
                    operands.append(leaf(parent) if parent.primitive is None else by_node[parent])
            params = tuple(
                constant(p) if isinstance(p, np.ndarray) and p.ndim else p for p in params_of(node)
            )
            operation = Operation(node, node.primitive, operands, params)
            operations.append(operation)
            for k, operand in enumerate(operands):
                if isinstance(operand, Value):
                    uses[operand.key].append((operation, k))
            if node.primitive.several or node.shape is None:
                by_main[node] = operation
                continue
            number = 0
        value = new("intermediate", arrays[node], node)
        by_node[node] = value
        maker[value.key] = operation
        operation.outputs.append(value)
        operation.output_numbers.append(number)
        value.operation = operation.name
        value.source = sources.of(operation.node)
        read_values = [*operation.operands, *operation.params]
        value.inputs = tuple(v.key for v in read_values if isinstance(v, Value))
    found = leaf(root) if root.primitive is None else by_node[root]
    found.role = "loss"
    return Trace(values, operations, found, by_node, uses, maker)


def _operands(node: Node, arrays: Mapping[Node, Any]) -> tuple[Any, ...]:
    """Return what an operation was given; of a custom one only the recorded inputs are known."""
    if not isinstance(node.primitive, Primitive):
        return tuple(None if p is None else arrays[p] for p in node.inputs)
    return inputs_of(node, arrays)


def _read_backward(
    trace: Trace, order: Iterable[Node], arrays: Mapping[Node, Any], root: Node
) -> None:
    arriving: dict[Node, Any] = {root: np.ones_like(arrays[root])}
    by_operation = {operation.node: operation for operation in trace.operations}
    for node in reversed(list(order)):
        gradient = arriving.get(node)
        if gradient is None or node.primitive is None:
            continue
        pulled = list(node.primitive.pull(_copy(node, arrays), gradient, False, None))
        for parent, contribution in pulled:
            known = arriving.get(parent)
            arriving[parent] = contribution if known is None else known + contribution
        operation = by_operation.get(node)
        if operation is not None:
            operation.terms = _terms(operation, pulled)
    for node, value in trace.by_node.items():
        if node in arriving:
            value.gradient = np.asarray(arriving[node])


def _copy(node: Node, arrays: Mapping[Node, Any]) -> Node:
    """Return a node that keeps everything any rule might read, all of it replayed."""
    if not isinstance(node.primitive, Primitive):
        return node
    assert node.saved is not None
    copy = object.__new__(Node)
    copy.primitive, copy.inputs, copy.index = node.primitive, node.inputs, node.index
    copy.shape, copy.where = node.shape, node.where
    operands = inputs_of(node, arrays)
    copy.saved = (*operands, arrays[node], *node.saved[len(operands) + 1 :])
    return copy


def _terms(operation: Operation, pulled: list[tuple[Node, Any]]) -> list[Term | None]:
    via = tuple(value.key for value in operation.outputs)
    rest = iter(pulled)
    upcoming = next(rest, None)
    terms: list[Term | None] = []
    for parent in operation.node.inputs:
        if parent is None or upcoming is None or upcoming[0] is not parent:
            terms.append(None)
            continue
        array = upcoming[1]
        array = array if isinstance(array, Cotangents) else np.asarray(array)
        terms.append(Term(via, operation.name, None, array))
        upcoming = next(rest, None)
    return terms
