"""The derivation as one page that needs no network: graph, stepper, formulas, heat maps."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib import resources
from typing import Any

import numpy as np

from chainrule.explanation.derivation import Derivation, Step, Value
from chainrule.explanation.numbers import Amount, entries, number, summarise
from chainrule.explanation.observations import delta_norms
from chainrule.explanation.render.mathml import labelled
from chainrule.explanation.render.svg import STYLE, draw
from chainrule.explanation.render.text import convention_sentence
from chainrule.explanation.render.views import View, shown, views_of
from chainrule.explanation.render.words import heading, place, reason, size, through
from chainrule.primitive import Primitive
from chainrule.symbol import Expr, Symbol

# Cells of a heat map; larger arrays are shown by every second, third, … row and column.
CELLS = 32
# All heat maps of a page together; with more values each gets fewer cells.
BUDGET = 400_000
# Bars of the overview; of a deeper net every second, third, … delta is shown.
BARS = 32


def render(derivation: Derivation, amount: Amount) -> str:
    """Return the page."""
    views = views_of(derivation)
    values = shown(derivation)
    side = int(max(4, min(CELLS, (BUDGET / max(2 * len(values), 1)) ** 0.5)))
    page = {
        "values": {v.key: _value(derivation, v, amount, side) for v in values},
        "steps": _steps(derivation, values),
        "views": [_view(view, amount) for view in views],
        "loss": derivation.loss,
        "focus": derivation.focus,
        "deltas": [
            {
                "key": layer.z,
                "name": _symbol(derivation.values[layer.z].gradient_symbol),
                "norm": number(norm),
                "rms": rms,
            }
            for layer, norm, rms in _every(delta_norms(derivation), BARS)
        ],
        "observations": [
            {"level": o.level, "text": o.text, "advice": o.advice, "values": list(o.values)}
            for o in derivation.observations
        ],
    }
    loss = derivation.values[derivation.loss]
    what = f"The derivation of {loss.name}"
    if derivation.focus:
        what = f"How {loss.name} depends on {derivation.values[derivation.focus].name}"
    named = f" ({derivation.loss_name} in the program)" if derivation.loss_name else ""
    sentence = convention_sentence(derivation) if derivation.layers else ""
    return _filled(
        _asset("page.html"),
        title=escape(what),
        subtitle=escape(f"{what}{named}"),
        sentence=escape(sentence),
        style=STYLE + _asset("page.css"),
        data=_script_safe(json.dumps(page, ensure_ascii=False, separators=(",", ":"))),
        script=_asset("page.js"),
    )


def _every(rows: list[Any], most: int) -> list[Any]:
    """Return at most about ``most`` of the rows, spread evenly, the last one among them."""
    stride = -(-len(rows) // most)
    return rows[::-stride][::-1] if stride else []


def _asset(name: str) -> str:
    folder = resources.files("chainrule.explanation.render") / "assets"
    return (folder / name).read_text(encoding="utf-8")


def _filled(template: str, **parts: str) -> str:
    """Put parts into a template at once, so that nothing in a part is taken for a place."""
    pieces = template.split("<!--[")
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("]-->")
        out += [parts[name], rest]
    return "".join(out)


def _script_safe(text: str) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _symbol(symbol: Symbol | None) -> str:
    return "" if symbol is None else labelled(symbol.latex_name, symbol.name)


def _formula(formula: Expr | None) -> str:
    return "" if formula is None else labelled(formula.latex(), formula.text())


def _steps(derivation: Derivation, values: list[Value]) -> list[list[str]]:
    """Return the steps in the order they run: the phase, and the value's key."""
    known = {value.key for value in values}
    steps = [["forward", value.key] for value in derivation.forward() if not value.folded]
    steps += [["backward", step.of] for step in derivation.steps if step.of in known]
    return steps


def _view(view: View, amount: Amount) -> dict[str, Any]:
    picture, body = draw(view, amount)
    inside = {v.key: m.key for m in view.part.members for v in _inside(m)}
    return {
        "key": view.part.key,
        "label": view.part.label,
        "parent": view.part.parent.key if view.part.parent is not None else "",
        "width": round(picture.width),
        "height": round(picture.height),
        "body": body,
        "inside": inside,
        "outside": sorted(view.outside),
    }


def _inside(member: Any) -> list[Value]:
    return [member] if isinstance(member, Value) else member.values()


def _value(derivation: Derivation, value: Value, amount: Amount, side: int) -> dict[str, Any]:
    step = derivation.step_of(value.key) if value.gradient is not None else None
    found: dict[str, Any] = {
        "name": value.name,
        "symbol": _symbol(value.symbol),
        "role": value.role,
        "operation": value.operation,
        "formula": _formula(value.formula),
        "size": size(value),
        "part": heading(derivation, value),
        "inputs": [k for k in value.inputs if not derivation.values[k].folded],
        "place": place(value),
        "line": value.source.text if value.source is not None else "",
        "heat": _heat(value.array, amount, side),
    }
    if step is not None:
        found["gradient"] = _gradient(derivation, step, value, amount, side)
    return found


def _general_rules(derivation: Derivation, step: Step) -> list[dict[str, Any]]:
    """Return the rules, in general letters, of the operations that use a value."""
    rules: dict[str, list[str]] = {}
    for term in step.terms:
        made = derivation.values.get(term.via[0]) if term.via else None
        if made is not None and made.operation not in rules:
            rules[made.operation] = _general_rule(made)
    return [{"operation": name, "formulas": found} for name, found in rules.items() if found]


def _general_rule(value: Value) -> list[str]:
    """Return an operation's rules in general letters, as MathML."""
    primitive: Any = value.node.primitive if value.node is not None else None
    if not isinstance(primitive, Primitive) or primitive.variadic or primitive.param_names:
        return []
    return _rules_of(primitive)


@cache
def _rules_of(primitive: Primitive) -> list[str]:
    try:
        formulas = primitive.formula()
    except Exception:
        # A rule that needs shapes or more has no form in general letters.
        return []
    return [
        labelled(rf"\bar{{{name}}} = {formula.latex()}", f"{name}̄ = {formula.text()}")
        for name, formula in formulas.items()
    ]


def _gradient(
    derivation: Derivation, step: Step, value: Value, amount: Amount, side: int
) -> dict[str, Any]:
    symbol = value.gradient_symbol
    assert symbol is not None
    several = step.paths > 1
    loss = derivation.values[derivation.loss].symbol
    meaning = ""
    if symbol.name.startswith("δ"):
        meaning = labelled(
            rf"\frac{{\partial {loss.latex_name}}}{{\partial {value.symbol.latex_name}}}",
            f"∂{loss.name}/∂{value.name}",
        )
    forms = []
    for form in step.forms:
        if several and form.kind != "closed form":
            continue
        note = reason(form)
        if form.latex_note:
            note = "with " + labelled(form.latex_note, form.note)
        else:
            note = escape(note)
        forms.append({"kind": form.kind, "formula": _formula(form.formula), "note": note})
    terms = [
        {
            "formula": _formula(term.formula),
            "note": term.note,
            "through": through(derivation, term.via),
        }
        for term in step.terms
    ]
    return {
        "symbol": _symbol(symbol),
        "name": symbol.name,
        "meaning": meaning,
        "forms": forms,
        "terms": terms if several else [],
        "note": step.note,
        "rules": _general_rules(derivation, step),
        "heat": _heat(value.gradient, amount, side),
    }


def _heat(array: Any, amount: Amount, side: int) -> dict[str, Any]:
    """Return an array as rows of written numbers with their strength from -1 to 1."""
    array = np.asarray(array)
    if array.size == 0:
        return {"cells": [], "strength": [], "every": []}
    matrix = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    every = [max(-(-n // side), 1) for n in matrix.shape]
    picked = matrix[:: every[0], :: every[1]]
    written = entries(picked, amount.precision)
    numbers = picked.astype(np.float64)
    top = float(np.max(np.abs(numbers[np.isfinite(numbers)]), initial=0.0))
    strength = np.nan_to_num(numbers / top if top else numbers, nan=0.0, posinf=1.0, neginf=-1.0)
    heat: dict[str, Any] = {
        "cells": written.tolist(),
        "strength": np.round(strength, 2).tolist(),
        "every": every if max(every) > 1 else [],
    }
    if array.size > 1:
        summary = summarise(array)
        heat["norm"] = number(np.float64(summary.norm), amount.precision)
        heat["range"] = [
            number(np.float64(v), amount.precision) for v in (summary.smallest, summary.largest)
        ]
    return heat
