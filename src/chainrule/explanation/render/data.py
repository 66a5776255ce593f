"""The derivation as plain data, in the versioned schema of docs/explanation-schema.md."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from chainrule.explanation.derivation import Derivation, Form, Step, Term, Value
from chainrule.explanation.numbers import corner_of, summarise
from chainrule.primitive import Cotangents
from chainrule.symbol import Expr

SCHEMA = "chainrule.explanation"
VERSION = 1
# Arrays with more entries are given by their summary and corner only.
WHOLE = 4096


def render(derivation: Derivation) -> dict[str, Any]:
    """Return the derivation as dicts, lists, strings and numbers."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "loss": derivation.loss,
        "loss_name": derivation.loss_name,
        "focus": derivation.focus or None,
        "convention": derivation.convention,
        "values": [_value(value) for value in derivation.values.values()],
        "backward": [_step(derivation, step) for step in derivation.steps],
        "layers": [
            {
                "number": layer.number,
                "name": layer.name,
                "z": layer.z,
                "a": layer.a or None,
                "activation": layer.activation or None,
                "inputs": list(layer.inputs),
                "weights": list(layer.weights),
                "biases": list(layer.biases),
            }
            for layer in derivation.layers
        ],
        "observations": [
            {
                "kind": found.kind,
                "level": found.level,
                "text": found.text,
                "advice": found.advice,
                "values": list(found.values),
            }
            for found in derivation.observations
        ],
    }


def to_json(derivation: Derivation) -> str:
    """Return the derivation as JSON text; NaN and the infinities are the strings that name them."""
    return json.dumps(render(derivation), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _formula(formula: Expr | None) -> dict[str, str] | None:
    return None if formula is None else {"text": formula.text(), "latex": formula.latex()}


def _value(value: Value) -> dict[str, Any]:
    return {
        "key": value.key,
        "name": {"text": value.symbol.name, "latex": value.symbol.latex_name},
        "role": value.role,
        "operation": value.operation or None,
        "formula": _formula(value.formula),
        "inputs": list(value.inputs),
        "array": array(value.array),
        "layer": value.layer or None,
        "group": value.group,
        "named_by_the_program": value.named,
        "folded": value.folded,
        "transposed": value.transposed,
        "source": None
        if value.source is None
        else {
            "file": value.source.file,
            "line": value.source.line,
            "text": value.source.text,
            "function": value.source.function,
        },
    }


def _step(derivation: Derivation, step: Step) -> dict[str, Any]:
    value = derivation.values[step.of]
    symbol = value.gradient_symbol
    assert symbol is not None
    return {
        "of": step.of,
        "name": {"text": symbol.name, "latex": symbol.latex_name},
        "forms": [_form(form) for form in step.forms],
        "terms": [_term(term) for term in step.terms],
        "note": step.note,
        "array": array(value.gradient),
    }


def _form(form: Form) -> dict[str, Any]:
    return {
        "kind": form.kind,
        "formula": _formula(form.formula),
        "note": form.note,
        "error": form.error,
    }


def _term(term: Term) -> dict[str, Any]:
    return {
        "via": list(term.via),
        "operation": term.operation,
        "formula": _formula(term.formula),
        "note": term.note,
        "array": None if isinstance(term.array, Cotangents) else array(term.array),
    }


def array(value: Any) -> dict[str, Any]:
    """Return an array as its shape, dtype, summary, and entries (or a corner of a large one)."""
    numbers = np.asarray(value)
    summary = summarise(numbers)
    whole = numbers.size <= WHOLE
    return {
        "shape": list(numbers.shape),
        "dtype": str(numbers.dtype),
        "norm": _plain(summary.norm),
        "min": _plain(summary.smallest),
        "max": _plain(summary.largest),
        "mean": _plain(summary.mean),
        "whole": whole,
        "entries": _plain((numbers if whole else corner_of(numbers)).tolist()),
    }


def _plain(value: Any) -> Any:
    """Return numbers that JSON knows; NaN and the infinities as strings."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
