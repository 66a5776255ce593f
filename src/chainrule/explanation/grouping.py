"""Which part of the network a value belongs to: its layer, and the module a graph folds it into.

The graph does not record modules, but parameters have qualified names: an operation that reads
``encoder.0.fc1.weight`` belongs to ``encoder.0.fc1``, and what lies between two such operations to
the module that encloses both. Without modules the functions of the user's program take their part.
"""

from __future__ import annotations

from chainrule.explanation.derivation import Derivation, Value
from chainrule.explanation.layers import FoundLayer, parameter_behind
from chainrule.explanation.tracing import Operation, Trace

# A run of operations of one function this long is cut, so that no group is too large to be seen.
LONGEST_RUN = 40


def assign_groups(derivation: Derivation, trace: Trace, layers: list[FoundLayer]) -> None:
    """Give every value its layer and its group."""
    for number, layer in enumerate(layers, 1):
        every = [*layer.inner, *layer.weights, *layer.biases, layer.z]
        if layer.a is not None:
            every.append(layer.a)
        for value in every:
            value.layer = value.layer or number
    modules = [_module_of(trace, operation) for operation in trace.operations]
    if any(modules):
        activations = {layer.activation for layer in layers if layer.activation is not None}
        follows = [operation in activations for operation in trace.operations]
        paths = _filled(modules, follows)
    else:
        paths = _by_program(trace)
    for operation, path in zip(trace.operations, paths, strict=True):
        for value in operation.outputs:
            value.group = path
    for value in derivation.values.values():
        uses = trace.uses[value.key]
        if not value.operation and uses and uses[0][0].outputs:
            value.group = uses[0][0].outputs[0].group
            if value.named and value.role == "parameter" and "." in value.name:
                value.group = value.name.rpartition(".")[0]


def _module_of(trace: Trace, operation: Operation) -> str | None:
    """Return the module whose parameter an operation reads."""
    for operand in operation.operands:
        leaf = parameter_behind(trace, operand)
        if leaf is not None and leaf.named and "." in leaf.name:
            return leaf.name.rpartition(".")[0]
    return None


def _filled(modules: list[str | None], follows: list[bool]) -> list[str]:
    """Give operations between two modules the path that both have in common.

    An activation (``follows``) stays with the linear map before it.
    """
    before: list[str | None] = []
    last: str | None = None
    for module in modules:
        last = module if module is not None else last
        before.append(last)
    after: list[str | None] = []
    last = None
    for module in reversed(modules):
        last = module if module is not None else last
        after.append(last)
    paths = []
    for module, left, right, stays in zip(modules, before, reversed(after), follows, strict=True):
        if module is not None:
            paths.append(module)
        elif stays and left is not None:
            paths.append(left.rpartition(".")[0])
        elif left is None or right is None:
            paths.append("")
        elif left == right:
            paths.append(left)
        else:
            paths.append(_common(left, right))
    return paths


def _common(a: str, b: str) -> str:
    shared = []
    for x, y in zip(a.split("."), b.split("."), strict=False):
        if x != y:
            break
        shared.append(x)
    return ".".join(shared)


def _by_program(trace: Trace) -> list[str]:
    """Group runs of operations by the function of the user's program that they stand in."""
    paths: list[str] = []
    counts: dict[str, int] = {}
    current, length = "", 0
    for operation in trace.operations:
        function = _function_of(operation.outputs[0]) if operation.outputs else current
        if function != current or length >= LONGEST_RUN:
            counts[function] = counts.get(function, 0) + 1
            current, length = function, 0
        length += 1
        number = counts.get(function, 1)
        paths.append(f"{function} {number}" if function else "")
    if len(counts) <= 1 and sum(counts.values()) <= 1:
        return [""] * len(paths)
    return paths


def _function_of(value: Value) -> str:
    if value.source is None:
        return ""
    name = value.source.function
    return "program" if name.startswith("<") else f"{name}()"
