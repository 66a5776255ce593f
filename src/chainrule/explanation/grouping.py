"""Which part of the network a value belongs to: its layer, and the module a graph folds it into.

The graph does not record modules, but parameters have qualified names: an operation that reads
``encoder.0.fc1.weight`` belongs to ``encoder.0.fc1``. One without parameters belongs to the module
around the latest of its operands. Without modules the functions of the user's program take their
part.
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
    paths = _by_module(trace, modules) if any(modules) else _by_program(trace)
    for operation, path in zip(trace.operations, paths, strict=True):
        for value in operation.outputs:
            value.group = path
    for value in derivation.values.values():
        if value.operation:
            continue
        if value.named and value.role == "parameter" and "." in value.name:
            value.group = value.name.rpartition(".")[0]
        else:
            groups = [out.group for use, _ in trace.uses[value.key] for out in use.outputs]
            value.group = _common(groups)


def _module_of(trace: Trace, operation: Operation) -> str | None:
    """Return the module whose parameter an operation reads."""
    for operand in operation.operands:
        leaf = parameter_behind(trace, operand)
        if leaf is not None and leaf.named and "." in leaf.name:
            return leaf.name.rpartition(".")[0]
    return None


def _by_module(trace: Trace, modules: list[str | None]) -> list[str]:
    """Give every operation its module's path, or that of the module around its latest operand."""
    around: dict[str, str] = {}
    paths = []
    for operation, module in zip(trace.operations, modules, strict=True):
        operands = [v for v in operation.operands if isinstance(v, Value) and v.key in around]
        latest = max(
            operands, key=lambda v: v.node.index if v.node is not None else 0, default=None
        )
        path = module if module is not None else around[latest.key] if latest is not None else ""
        paths.append(path)
        for value in operation.outputs:
            around[value.key] = path.rpartition(".")[0] if module is not None else path
    return paths


def _common(paths: list[str]) -> str:
    """Return the path that all paths begin with."""
    shared = paths[0].split(".") if paths else []
    for path in paths[1:]:
        parts = path.split(".")
        while shared != parts[: len(shared)]:
            shared.pop()
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
