"""The derivation as Markdown: formulas in ``$…$``, numbers in code blocks."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explanation.derivation import Derivation, Step, Value
from chainrule.explanation.numbers import Amount, array_lines, number
from chainrule.explanation.observations import delta_norms
from chainrule.explanation.render.text import convention_sentence
from chainrule.explanation.render.words import heading, listed, place, reason, size, through

_WIDTH = 78


def render(derivation: Derivation, amount: Amount) -> str:
    """Return the document."""
    loss = derivation.values[derivation.loss]
    named = f" (`{derivation.loss_name}`)" if derivation.loss_name else ""
    if derivation.focus:
        focus = derivation.values[derivation.focus].symbol.latex_name
        title = f"# How ${loss.symbol.latex_name}${named} depends on ${focus}$"
    else:
        title = f"# The derivation of ${loss.symbol.latex_name}${named}"
    lines = [title, ""]
    if derivation.layers:
        lines += [convention_sentence(derivation), ""]
    lines += _given(derivation, amount)
    lines += _forward(derivation, amount)
    lines += _backward(derivation, amount)
    lines += _sizes(derivation)
    lines += _observations(derivation)
    return "\n".join(lines).rstrip() + "\n"


def _block(array: object, amount: Amount) -> list[str]:
    return ["```text", *array_lines(array, amount, _WIDTH), "```", ""]


def _given(derivation: Derivation, amount: Amount) -> Iterator[str]:
    values = [v for v in derivation.given() if not v.folded]
    if not values:
        return
    yield from ("## Given", "")
    for value in values:
        kind = "constant, " if value.role == "constant" else ""
        yield from (f"${value.symbol.latex_name}$ ({kind}{size(value)})", "")
        yield from _block(value.array, amount)


def _title(derivation: Derivation, value: Value, before: str) -> tuple[list[str], str]:
    here = heading(derivation, value)
    if here and here != before:
        return [f"### {here}", ""], here
    return [], before


def _forward(derivation: Derivation, amount: Amount) -> Iterator[str]:
    values = [v for v in derivation.forward() if not v.folded]
    if not values:
        return
    yield from ("## Forward pass", "")
    title = ""
    for value in values:
        lines, title = _title(derivation, value, title)
        yield from lines
        formula = value.formula.latex() if value.formula is not None else r"\text{?}"
        where = f", `{place(value)}`" if value.source is not None else ""
        yield from (f"$${value.symbol.latex_name} = {formula}$$", "")
        yield from (f"{size(value)}{where}", "")
        yield from _block(value.array, amount)


def _backward(derivation: Derivation, amount: Amount) -> Iterator[str]:
    yield from ("## Backward pass", "")
    title = ""
    for step in derivation.steps:
        value = derivation.values[step.of]
        if value.folded:
            continue
        lines, title = _title(derivation, value, title)
        yield from lines
        yield from _step(derivation, step, value, amount)


def _step(derivation: Derivation, step: Step, value: Value, amount: Amount) -> Iterator[str]:
    symbol = value.gradient_symbol
    assert symbol is not None
    several = step.paths > 1
    equations = []
    notes = []
    if symbol.name.startswith("δ"):
        loss = derivation.values[derivation.loss].symbol.latex_name
        equations.append(rf"\frac{{\partial {loss}}}{{\partial {value.symbol.latex_name}}}")
    for form in step.forms:
        if several and form.kind != "closed form":
            continue
        equations.append(form.formula.latex())
        if form.latex_note:
            notes.append(f"- with ${form.latex_note}$")
        elif reason(form):
            notes.append(f"- ${form.formula.latex()}$: {reason(form)}")
    if several and all(term.formula is not None for term in step.terms):
        terms, more = listed(step)
        written = [t.formula.latex() for t in terms if t.formula is not None]
        written += [r"\cdots"] if more else []
        equations.append(" + ".join(written).replace("+ -", "- "))
        notes += [
            f"- ${t.formula.latex()}$ through {through(derivation, t.via)}"
            for t in terms
            if t.formula is not None
        ]
        notes += [f"- and {more} more paths"] if more else []
    if step.note:
        notes.append(f"- {step.note}")
    yield from (
        f"$${symbol.latex_name} = {' = '.join(equations)}$$"
        if equations
        else f"${symbol.latex_name}$",
        "",
    )
    if notes:
        yield from (*notes, "")
    yield from _block(value.gradient, amount)


def _sizes(derivation: Derivation) -> Iterator[str]:
    table = delta_norms(derivation)
    if len(table) < 2:
        return
    yield from ("## The deltas, layer by layer", "")
    yield from ("| delta | norm | root mean square |", "|---|---:|---:|")
    for layer, norm, rms in table:
        symbol = derivation.values[layer.z].gradient_symbol
        assert symbol is not None
        yield f"| ${symbol.latex_name}$ | {number(norm)} | {number(rms)} |"
    yield ""


def _observations(derivation: Derivation) -> Iterator[str]:
    if not derivation.observations:
        return
    yield from ("## Worth noticing", "")
    for found in derivation.observations:
        yield f"- {found.text} {found.advice}".rstrip()
