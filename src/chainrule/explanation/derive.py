"""From a tensor to its derivation: the one path through this package."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from chainrule.explanation.algebra import symbols_in
from chainrule.explanation.convention import change_convention, convention_of
from chainrule.explanation.derivation import Derivation, Layer, Step, Value
from chainrule.explanation.formulas import Reader
from chainrule.explanation.grouping import assign_groups
from chainrule.explanation.identities import add_closed_forms
from chainrule.explanation.layers import FoundLayer, find_layers
from chainrule.explanation.naming import give_symbols, names_of, steps_of_rearrangements
from chainrule.explanation.observations import observe
from chainrule.explanation.textbook_forms import add_textbook_forms
from chainrule.explanation.tracing import Trace, read

if TYPE_CHECKING:
    from chainrule.graph import Node
    from chainrule.tensor import Tensor


def derive(
    loss: Tensor,
    model: Any = None,
    names: Mapping[str, Any] | None = None,
    scope: FrameType | Mapping[str, Any] | None = None,
    convention: str | None = None,
    leaves: Mapping[Node, Any] | None = None,
) -> Derivation:
    """Return the derivation of every gradient of a tensor.

    Args:
        loss: what is differentiated.
        model: a module that names its parameters.
        names: names with the tensors they stand for.
        scope: the caller's frame or variables, where more names are found.
        convention: "row" or "column"; None for the program's own.
        leaves: arrays that leaves held when the loss was computed, where they changed since.
    """
    trace = read(loss, leaves)
    layers = find_layers(trace)
    users = names_of(trace, model, names, scope)
    passing = steps_of_rearrangements(trace, layers, users)
    loss_name = give_symbols(trace, layers, users, passing)
    reader = Reader(trace, layers, passing)
    reader.read_forward()
    reader.read_rules()
    steps = reader.steps()
    add_textbook_forms(reader, steps, layers)
    add_closed_forms(reader, steps)
    _fold(trace, reader, layers, steps)
    own = convention_of(layers)
    derivation = Derivation(
        trace.values, steps, trace.root.key, _layers(layers), [], own, loss_name
    )
    assign_groups(derivation, trace, layers)
    if convention is not None and convention != own and layers:
        change_convention(derivation, trace, layers)
        derivation.convention = convention
    derivation.observations = observe(derivation)
    return derivation


def _fold(trace: Trace, reader: Reader, layers: list[FoundLayer], steps: list[Step]) -> None:
    """Leave out what a textbook does not write down, where nothing else needs its name."""
    for operation in trace.operations:
        for value in operation.outputs:
            if value.formula is not None and value.key not in reader.plumbing:
                value.formula = reader.unfolded(value.formula)
    hidden = set(reader.plumbing)
    names = {}
    for value in trace.values.values():
        names[value.symbol] = value.key
        if value.gradient_symbol is not None:
            names[value.gradient_symbol] = value.key

    def mentions(formula: Any) -> set[str]:
        return {names[symbol] for symbol in symbols_in(formula) if symbol in names} & hidden

    changed = True
    while changed:
        # What is mentioned by the only form of something shown must itself be shown.
        needed: set[str] = set()
        for value in trace.values.values():
            if value.key not in hidden and value.formula is not None:
                needed |= mentions(value.formula)
        for step in steps:
            if step.of not in hidden and step.forms:
                needed |= min((mentions(form.formula) for form in step.forms), key=len)
                for term in step.terms if step.paths > 1 else ():
                    needed |= mentions(term.formula)
        hidden -= needed
        changed = bool(needed)
    for key in hidden:
        trace.values[key].folded = True
    for step in steps:
        if step.of not in hidden:
            step.forms = [form for form in step.forms if not mentions(form.formula)]


def _layers(found: list[FoundLayer]) -> list[Layer]:
    layers = []
    for number, layer in enumerate(found, 1):
        names = [w.symbol.name for w in layer.weights if w.named and "." in w.symbol.name]
        module = names[0].rpartition(".")[0] if len(names) == len(layer.weights) else ""
        layers.append(
            Layer(
                number,
                module,
                layer.z.key,
                layer.a.key if layer.a is not None else "",
                layer.activation.name if layer.activation is not None else "",
                tuple(v.key for v in layer.inputs),
                tuple(v.key for v in layer.weights),
                tuple(v.key for v in layer.biases),
            )
        )
    return layers


def focused(derivation: Derivation, value: Value) -> Derivation:
    """Return the part of a derivation that leads from one value's gradient back to the loss."""
    path = {value.key}
    children: dict[str, list[str]] = {}
    for made in derivation.values.values():
        for key in made.inputs:
            children.setdefault(key, []).append(made.key)
    waiting = [value.key]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in path:
                path.add(child)
                waiting.append(child)
    steps: list[Step] = [step for step in derivation.steps if step.of in path]
    needed = set(path)
    for key in path:
        needed.update(derivation.values[key].inputs)
    values = {key: v for key, v in derivation.values.items() if key in needed}
    layers = [layer for layer in derivation.layers if layer.z in path]
    observations = [
        o for o in derivation.observations if not o.values or any(k in path for k in o.values)
    ]
    return Derivation(
        values,
        steps,
        derivation.loss,
        layers,
        observations,
        derivation.convention,
        derivation.loss_name,
        value.key,
    )
