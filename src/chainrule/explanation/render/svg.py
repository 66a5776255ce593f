"""The computation graph as a picture: boxes in layers, values and gradients on them."""

from __future__ import annotations

import unicodedata
from html import escape
from typing import Any

import numpy as np

from chainrule.explanation.derivation import Derivation, Value
from chainrule.explanation.numbers import Amount, entries, number, summarise
from chainrule.explanation.render.layout import Box, Picture, place
from chainrule.explanation.render.views import Part, View, views_of
from chainrule.explanation.render.words import size

# Average width of a character at the sizes used, in pixels; boxes are as wide as their lines.
_WIDE, _NARROW = 8.4, 6.7
_LINE, _PADDING = 17.0, 12.0
_LONGEST = 30
_SLIM = frozenset("⁽⁾⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉′ᵀ.,()[] |")

STYLE = """
.cr-graph { --paper: #fff; --ink: #1b2430; --quiet: #5b6675; --line: #8a94a3; --box: #f6f8fa;
  --edge: #aab2bd; --forward: #0b62a8; --backward: #b23c0e; --leaf: #eef5ee; --constant: #f3f1ec;
  --loss: #fdf0e9; --part: #eceef8; font-family: ui-sans-serif, system-ui, "Segoe UI", sans-serif; }
@media (prefers-color-scheme: dark) { .cr-graph { --paper: #12161c; --ink: #e6eaf0;
  --quiet: #9aa6b5; --line: #667284; --box: #1c222b; --edge: #4d5766; --forward: #6db7f2;
  --backward: #ff9d6b; --leaf: #1c2a20; --constant: #262420; --loss: #33221a; --part: #22263a; } }
.cr-graph .edge { fill: none; stroke: var(--edge); stroke-width: 1.4; }
.cr-graph .arrow { fill: var(--edge); }
.cr-graph rect { fill: var(--box); stroke: var(--line); stroke-width: 1; }
.cr-graph .parameter rect { fill: var(--leaf); }
.cr-graph .constant rect { fill: var(--constant); stroke-dasharray: 3 3; }
.cr-graph .loss rect { fill: var(--loss); }
.cr-graph .part rect { fill: var(--part); stroke-width: 1.6; }
.cr-graph .outside rect { fill: none; stroke-dasharray: 2 3; }
.cr-graph text { font-size: 12px; fill: var(--ink); text-anchor: middle; }
.cr-graph .name { font-size: 13.5px; font-weight: 600; }
.cr-graph .value { fill: var(--forward); font-variant-numeric: tabular-nums; }
.cr-graph .gradient { fill: var(--backward); font-variant-numeric: tabular-nums; }
.cr-graph .size { fill: var(--quiet); }
"""


def render(derivation: Derivation, amount: Amount) -> str:
    """Return the picture of the whole network as an SVG document; a large one is folded."""
    view = views_of(derivation)[0]
    picture, body = draw(view, amount)
    loss = derivation.values[derivation.loss].name
    title = f"How {loss} is computed"
    text = (
        f"{len(view.boxes)} boxes; blue numbers are values of the forward pass, orange numbers "
        "gradients of the backward pass."
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cr-graph" role="img" '
        f'viewBox="0 0 {picture.width:.0f} {picture.height:.0f}" width="{picture.width:.0f}" '
        f'height="{picture.height:.0f}" aria-labelledby="cr-title cr-text">\n'
        f'<title id="cr-title">{escape(title)}</title>\n<desc id="cr-text">{escape(text)}</desc>\n'
        f"<style>{STYLE}</style>\n"
        '<rect width="100%" height="100%" style="fill: var(--paper); stroke: none"/>\n'
        f"{body}</svg>\n"
    )


def draw(view: View, amount: Amount) -> tuple[Picture, str]:
    """Return a picture's geometry and its drawing, without the element around it."""
    lines: dict[str, list[tuple[str, str]]] = {}
    kinds: dict[str, str] = {}
    labels: dict[str, str] = {}
    boxes: list[Box] = []
    feeds = {a for a, _ in view.edges}
    for member in view.boxes:
        if isinstance(member, Part):
            lines[member.key] = _part_lines(member)
            kinds[member.key] = "part"
            labels[member.key] = f"{member.label}, {len(member.values())} values, folded"
        elif member.key in view.outside:
            lines[member.key] = [("name", member.name)]
            kinds[member.key] = "outside"
            labels[member.key] = f"{member.name}, outside of this part"
        else:
            lines[member.key] = _lines(member, amount)
            kinds[member.key] = member.role
            labels[member.key] = _label(member)
        width = max(_width(text, kind) for kind, text in lines[member.key]) + 2 * _PADDING
        height = _LINE * len(lines[member.key]) + _PADDING
        source = isinstance(member, Value) and not member.operation and member.key in feeds
        boxes.append(Box(member.key, max(width, 54.0), height, source))
    picture = place(boxes, view.edges)
    out = []
    for a, b, points in picture.edges:
        out.append(f'<path class="edge" data-from="{a}" data-to="{b}" d="{_curve(points)}"/>')
        x, y = points[-1]
        out.append(
            f'<path class="arrow" data-from="{a}" data-to="{b}" '
            f'd="M{x - 4:.1f} {y - 7:.1f}L{x + 4:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}Z"/>'
        )
    for box in boxes:
        out.append(_box(box, lines[box.key], kinds[box.key], labels[box.key]))
    return picture, "\n".join(out) + "\n"


def _part_lines(part: Part) -> list[tuple[str, str]]:
    values = part.values()
    made = sum(1 for v in values if v.operation)
    parameters = sum(1 for v in values if v.role == "parameter")
    what = f"{made} operation{'s' if made != 1 else ''}"
    if parameters:
        what += f", {parameters} parameter{'s' if parameters != 1 else ''}"
    return [("name", _short(part.label)), ("size", what)]


def _lines(value: Value, amount: Amount) -> list[tuple[str, str]]:
    lines = [("name", _short(value.name))]
    if value.formula is not None:
        lines.append(("formula", _short(value.formula.text())))
    elif value.operation:
        lines.append(("formula", value.operation))
    lines.append(("value", brief(value.array, amount)))
    if value.gradient is not None:
        lines.append(("gradient", f"∂ {brief(value.gradient, amount)}"))
    return lines


def _label(value: Value) -> str:
    made = f" = {value.formula.text()}" if value.formula is not None else ""
    return f"{value.name}{made}, {size(value)}"


def brief(array: Any, amount: Amount) -> str:
    """Return an array in a few characters: a number, a short row, or shape and norm."""
    array = np.asarray(array)
    if array.size == 1:
        return number(array.reshape(()), amount.precision)
    if array.dtype.kind in "iub" and array.size > 4:
        return f"[{', '.join(map(str, array.ravel()[:3].tolist()))}, …]"
    if array.size <= 4 and max(array.shape) == array.size:
        row = ", ".join(entries(array.ravel(), min(amount.precision, 3)))
        return f"[{row}]"
    shape = " × ".join(map(str, array.shape))
    return f"{shape}  ‖{number(np.float64(summarise(array).norm), min(amount.precision, 3))}‖"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def _width(text: str, kind: str) -> float:
    visible = [c for c in text if not unicodedata.combining(c)]
    count = sum(0.62 if c in _SLIM else 1 for c in visible)
    return count * (_WIDE if kind == "name" else _NARROW)


def _curve(points: list[tuple[float, float]]) -> str:
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        middle = (y + next_y) / 2
        path.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return "".join(path)


def _box(box: Box, lines: list[tuple[str, str]], kind: str, label: str) -> str:
    left, top = box.x - box.width / 2, box.y - box.height / 2
    text = []
    for k, (style, line) in enumerate(lines):
        y = top + _PADDING / 2 + _LINE * (k + 0.75)
        text.append(f'<text class="{style}" x="{box.x:.1f}" y="{y:.1f}">{escape(line)}</text>')
    corner = 14 if kind in ("parameter", "constant") else 6
    return (
        f'<g class="node {kind}" data-key="{box.key}" aria-label="{escape(label)}">'
        f'<title>{escape(label)}</title><rect x="{left:.1f}" y="{top:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner}"/>{"".join(text)}</g>'
    )
