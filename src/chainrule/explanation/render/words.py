"""Phrases that several renderings share, so that they all tell the same story."""

from __future__ import annotations

import os

from chainrule.explanation.derivation import Derivation, Form, Step, Term, Value
from chainrule.explanation.numbers import shape_text

# Paths that are written down for one gradient; of more the rest is counted.
PATHS = 24


def heading(derivation: Derivation, value: Value) -> str:
    """Return the heading of the part of the network that a value belongs to."""
    if value.layer:
        return layer_title(derivation, value.layer)
    if not derivation.layers:
        return ""
    last = derivation.place_of(derivation.layers[-1].z)
    if derivation.place_of(value.key) > last:
        return "Loss"
    return value.group or "Between the layers"


def layer_title(derivation: Derivation, number: int) -> str:
    """Return what a layer is called: Layer 2 · fc2, 4 → 2, relu."""
    layer = next((item for item in derivation.layers if item.number == number), None)
    if layer is None:
        return f"Layer {number}"
    title = f"Layer {number}"
    if layer.name:
        title += f" · {layer.name}"
    if len(layer.weights) == 1 and len(layer.inputs) == 1:
        weight = derivation.values[layer.weights[0]].shape
        if len(weight) == 2:
            sample = 0 if derivation.convention == "column" else -1
            shape = derivation.values[layer.inputs[0]].shape
            fan_in = shape[sample] if shape else 0
            fan_out = weight[1] if weight[0] == fan_in and weight[1] != fan_in else weight[0]
            title += f": {fan_in} → {fan_out}"
    return f"{title}, {layer.activation}" if layer.activation else title


def place(value: Value) -> str:
    """Return the user's file and line, without the folders."""
    if value.source is None:
        return ""
    return f"{os.path.basename(value.source.file)}:{value.source.line}"


def size(value: Value) -> str:
    """Return a value's shape in words."""
    return shape_text(value.shape)


def reason(form: Form) -> str:
    """Return what stands beside a formula: its identity, or what its new symbols mean."""
    if form.kind == "closed form":
        return form.note
    if form.note:
        return f"with {form.note}"
    return ""


def listed(step: Step) -> tuple[list[Term], int]:
    """Return the contributions that are written down, and how many more there are."""
    return step.terms[:PATHS], max(len(step.terms) - PATHS, 0)


def through(derivation: Derivation, keys: tuple[str, ...]) -> str:
    """Name the value by which a contribution arrives."""
    names = []
    for key in keys:
        value = derivation.values.get(key)
        while value is not None and value.folded:
            users = [v for v in derivation.values.values() if value.key in v.inputs]
            value = users[0] if users else None
        if value is not None:
            names.append(value.name)
    return ", ".join(names)
