"""The derivation as a LaTeX document that compiles with pdflatex."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from chainrule.explanation.derivation import Derivation, Step, Value
from chainrule.explanation.numbers import CORNER, Amount, entries, number, summarise
from chainrule.explanation.observations import delta_norms
from chainrule.explanation.render.text import convention_sentence
from chainrule.explanation.render.words import heading, listed, place, reason, size, through

_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{lmodern}
\usepackage[margin=25mm]{geometry}
\usepackage[fleqn]{amsmath}
\usepackage{amssymb}
\usepackage{booktabs}
\usepackage{xcolor}
\setcounter{MaxMatrixCols}{64}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\allowdisplaybreaks
\newcommand{\why}[1]{\qquad\text{\footnotesize\color{black!60}#1}}
"""

# What notes and names contain beyond ASCII, as LaTeX text.
_CHARACTERS = {
    "−": "$-$", "×": r"$\times$", "⊙": r"$\odot$", "Σ": r"$\sum$", "σ": r"$\sigma$",
    "δ": r"$\delta$", "∂": r"$\partial$", "ŷ": r"$\hat{y}$", "x̂": r"$\hat{x}$", "′": "$'$",
    "→": r"$\to$", "‖": r"$\|$", "ᵀ": r"$^{\top}$", "²": "$^2$", "·": r"$\cdot$",
    "…": r"\dots{}", "√": r"$\sqrt{}$", "ε": r"$\varepsilon$", "θ": r"$\theta$",
    "≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$", "∞": r"$\infty$", "ĝ": r"$\hat{g}$",
    "μ": r"$\mu$", "ȳ": r"$\bar{y}$", "∇": r"$\nabla$",
}  # fmt: skip
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₋", "0123456789-", strict=True))
_SPECIAL = {
    "\\": r"\textbackslash{}", "_": r"\_", "#": r"\#", "%": r"\%", "&": r"\&", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def plain(text: str) -> str:
    r"""Return a note or a name as LaTeX text.

    >>> plain("ŷ − y"), plain("z⁽²⁾"), plain("fc_1")
    ('$\\hat{y}$ $-$ y', 'z$^{(2)}$', 'fc\\_1')
    """
    # A layer's number in raised parentheses is one superscript; the rest goes letter by letter.
    pieces = re.split("(⁽.*?⁾|x̂)", text)
    return "".join(_raised(p) if k % 2 else "".join(map(_letter, p)) for k, p in enumerate(pieces))


def _raised(piece: str) -> str:
    if piece == "x̂":
        return r"$\hat{x}$"
    inner = "".join(_SUPERSCRIPTS.get(c, "l") for c in piece[1:-1])
    return f"$^{{({inner})}}$"


def _letter(c: str) -> str:
    if c in _SPECIAL:
        return _SPECIAL[c]
    if c in _CHARACTERS:
        return _CHARACTERS[c]
    if c in _SUPERSCRIPTS:
        return f"$^{{{_SUPERSCRIPTS[c]}}}$"
    if c in _SUBSCRIPTS:
        return f"$_{{{_SUBSCRIPTS[c]}}}$"
    # Of other letters the fonts have those of Latin-1 and Latin Extended-A.
    return c if c.isascii() or (c.isalpha() and ord(c) < 384) else "?"


def render(derivation: Derivation, amount: Amount) -> str:
    """Return the document."""
    loss = derivation.values[derivation.loss]
    named = rf" (\texttt{{{plain(derivation.loss_name)}}})" if derivation.loss_name else ""
    title = rf"The derivation of ${loss.symbol.latex_name}${named}"
    if derivation.focus:
        focus = derivation.values[derivation.focus].symbol.latex_name
        title = rf"How ${loss.symbol.latex_name}${named} depends on ${focus}$"
    parts = [_PREAMBLE, r"\begin{document}", rf"\section*{{{title}}}"]
    if derivation.layers:
        parts.append(plain(convention_sentence(derivation)))
    parts += _given(derivation, amount)
    parts += _forward(derivation, amount)
    parts += _backward(derivation, amount)
    parts += _sizes(derivation)
    parts += _observations(derivation)
    parts.append(r"\end{document}")
    return "\n".join(parts) + "\n"


def _aligned(lines: list[str]) -> str:
    body = "\\\\[3pt]\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def _given(derivation: Derivation, amount: Amount) -> list[str]:
    values = [v for v in derivation.given() if not v.folded]
    if not values:
        return []
    lines = []
    for value in values:
        kind = "constant, " if value.role == "constant" else ""
        right = f"&&{_size(value, kind)}"
        lines.append(f"{value.symbol.latex_name} &= {matrix(value.array, amount)} {right}")
    return [r"\subsection*{Given}", _aligned(lines)]


def _size(value: Value, before: str = "", after: str = "") -> str:
    said = f"{before}{size(value)}{after}"
    return rf"\text{{\footnotesize\color{{black!60}}{plain(said)}}}"


def _sections(derivation: Derivation, blocks: list[tuple[Value, list[str]]]) -> list[str]:
    """Return aligned blocks under the heading of their layer."""
    parts: list[str] = []
    title = ""
    for value, lines in blocks:
        here = heading(derivation, value)
        if here and here != title:
            parts.append(rf"\paragraph{{{plain(here)}}}")
            title = here
        parts.append(_aligned(lines))
    return parts


def _forward(derivation: Derivation, amount: Amount) -> list[str]:
    blocks = []
    for value in derivation.forward():
        if value.folded:
            continue
        formula = value.formula.latex() if value.formula is not None else r"\text{?}"
        where = place(value)
        after = rf", \texttt{{{plain(where)}}}" if where else ""
        said = rf"\text{{\footnotesize\color{{black!60}}{plain(size(value))}{after}}}"
        blocks.append(
            (
                value,
                [
                    f"{value.symbol.latex_name} &= {formula} &&{said}",
                    f"&= {matrix(value.array, amount)}",
                ],
            )
        )
    return [r"\subsection*{Forward pass}", *_sections(derivation, blocks)] if blocks else []


def _backward(derivation: Derivation, amount: Amount) -> list[str]:
    blocks = []
    for step in derivation.steps:
        value = derivation.values[step.of]
        if not value.folded:
            blocks.append((value, _step(derivation, step, value, amount)))
    return [r"\subsection*{Backward pass}", *_sections(derivation, blocks)]


def _step(derivation: Derivation, step: Step, value: Value, amount: Amount) -> list[str]:
    symbol = value.gradient_symbol
    assert symbol is not None
    several = step.paths > 1
    rights = []
    if symbol.name.startswith("δ"):
        loss = derivation.values[derivation.loss].symbol.latex_name
        rights.append(rf"\frac{{\partial {loss}}}{{\partial {value.symbol.latex_name}}}")
    for form in step.forms:
        if several and form.kind != "closed form":
            continue
        why = reason(form)
        if form.latex_note:
            note = rf"\why{{with ${form.latex_note}$}}"
        else:
            note = rf"\why{{{plain(why)}}}" if why else ""
        rights.append(form.formula.latex() + note)
    if several and all(term.formula is not None for term in step.terms):
        terms, more = listed(step)
        for k, term in enumerate(terms):
            assert term.formula is not None
            why = plain(f"through {through(derivation, term.via)}")
            sign = r"\phantom{{}+{}}" if k == 0 else "{}+{}"
            formula = term.formula.latex()
            if k and formula.startswith("-"):
                sign, formula = "{}-{}", formula[1:]
            rights.append(rf"{sign}{formula}\why{{{why}}}")
        if more:
            rights.append(rf"{{}}+{{}}\cdots\why{{and {more} more paths}}")
    if step.note:
        rights.append(rf"\text{{\footnotesize {plain(step.note)}}}")
    if not (len(step.forms) == 1 and step.forms[0].formula.text() == "1"):
        rights.append(matrix(value.gradient, amount))
    lines = []
    for k, right in enumerate(rights):
        left = symbol.latex_name if k == 0 else ""
        continued = right.startswith(("{}+{}", "{}-{}"))
        lines.append(f"{left} &{'' if continued else '='} {right}")
    return lines


def matrix(array: Any, amount: Amount) -> str:
    """Return an array as a LaTeX matrix, a large one as its summary and a corner."""
    array = np.asarray(array)
    if amount.whole(array) and array.ndim <= 2 and (array.ndim == 0 or array.shape[-1] <= 8):
        return _matrix(array, amount.precision)
    summary = summarise(array)
    low, high, norm = (
        number(np.float64(v), amount.precision)
        for v in (summary.smallest, summary.largest, summary.norm)
    )
    shape = array.shape[-2:]
    more = (len(shape) == 2 and shape[0] > CORNER, bool(shape) and shape[-1] > CORNER)
    corner = _matrix(summary.corner, amount.precision, more)
    return rf"{corner} \quad \|\cdot\| = {norm},\; {low} \text{{ to }} {high}"


def _matrix(array: Any, precision: int, more: tuple[bool, bool] = (False, False)) -> str:
    strings = entries(array, precision)
    if strings.ndim == 0:
        return str(strings.item())
    rows = strings.reshape(1, -1) if strings.ndim == 1 else strings
    written = [" & ".join(row) + (r" & \cdots" if more[1] else "") for row in rows]
    if more[0]:
        written.append(r"\vdots")
    body = r" \\ ".join(written)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def _sizes(derivation: Derivation) -> list[str]:
    table = delta_norms(derivation)
    if len(table) < 2:
        return []
    rows = []
    for layer, norm, rms in table:
        symbol = derivation.values[layer.z].gradient_symbol
        assert symbol is not None
        rows.append(rf"${symbol.latex_name}$ & {number(norm)} & {number(rms)} \\")
    return [
        r"\subsection*{The deltas, layer by layer}",
        r"\begin{tabular}{lrr}\toprule & $\|\delta\|$ & root mean square \\ \midrule",
        *rows,
        r"\bottomrule\end{tabular}",
    ]


def _observations(derivation: Derivation) -> list[str]:
    if not derivation.observations:
        return []
    items = [rf"\item {plain(f'{o.text} {o.advice}'.strip())}" for o in derivation.observations]
    return [
        r"\subsection*{Worth noticing}",
        r"\begin{itemize}",
        *items,
        r"\end{itemize}",
    ]
