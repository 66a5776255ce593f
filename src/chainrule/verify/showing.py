"""Reports as text, on a terminal, and as HTML."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.verify.report import Mistake, Report, Row

_MARKS = {"right": "✓", "root cause": "✗", "consequence": "↳", "unexplained": "✗"}
_COLOURS = {
    "right": "green",
    "root cause": "bold red",
    "consequence": "yellow",
    "unexplained": "red",
}
_BACKGROUNDS = {
    "right": "",
    "root cause": "#fde2e1",
    "consequence": "#fff4d6",
    "unexplained": "#fde2e1",
}


def headline(report: Report) -> str:
    """Return the outcome in one line."""
    wrong = [row for row in report.rows if not row.ok]
    count = _plural(len(report.rows), "gradient")
    if not report.rows:
        return "No gradients were claimed."
    if not wrong and not report.mistakes:
        return f"All right: {count} checked."
    if not wrong:
        return f"Right, with limited precision: {count} checked."
    consequences = sum(row.role == "consequence" for row in wrong)
    found = _plural(len(report.mistakes), "mistake")
    text = f"{len(wrong)} of {count} wrong: {found}"
    return text + (f", and {_plural(consequences, 'consequence')}." if consequences else ".")


def _plural(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _shape(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "–"
    return "×".join(map(str, shape)) if shape else "scalar"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    return f"{value:.1e}" if abs(value) < 1e-3 or abs(value) >= 1e4 else f"{value:.3g}"


def _worst(row: Row) -> str:
    m = row.measure
    if row.verdict == "wrong shape":
        return f"must be {_shape(row.expected_shape)}"
    if m.worst is None or row.verdict in ("exact", "missing"):
        return ""
    at = "[" + ", ".join(map(str, m.worst)) + "]" if m.worst else ""
    if row.verdict == "equal":
        return ""
    return f"{at} {_number(m.claimed)}, not {_number(m.right)}".strip()


def table(report: Report) -> list[tuple[str, ...]]:
    """Return the cells of the table of claims: mark, name, shape, verdict, errors, worst entry."""
    return [
        (
            _MARKS[row.role],
            row.name,
            _shape(row.shape),
            row.verdict,
            _number(row.max_abs_error),
            _number(row.max_rel_error),
            _number(row.ulps),
            _worst(row),
        )
        for row in report.rows
    ]


_HEAD = ("", "gradient", "shape", "verdict", "abs", "rel", "ulp", "worst entry")


def as_text(report: Report, width: int) -> str:
    """Return a report as text of at most ``width`` columns."""
    lines = [headline(report)]
    for note in report.notes:
        lines += textwrap.wrap(note, width, initial_indent="  ", subsequent_indent="  ")
    lines.append("")
    lines += _table_lines(report, width)
    for k, mistake in enumerate(report.mistakes, start=1):
        lines.append("")
        lines += _mistake_lines(mistake, k, width)
    told = legend(report)
    if told:
        lines += ["", *textwrap.wrap(told, width)]
    return "\n".join(lines)


def legend(report: Report) -> str:
    """Return what the signs in a report mean, of those that occur in it."""
    formulas = " ".join(m.expected + m.claimed for m in report.mistakes)
    said = []
    if any(row.role == "consequence" for row in report.rows):
        said.append("✗ a mistake made here, ↳ wrong only as a consequence.")
    if formulas:
        said.append("dz is the gradient of the loss with respect to z.")
    if "⊙" in formulas:
        said.append("⊙ multiplies entry by entry.")
    if "[" in formulas and ("> 0]" in formulas or "≥ 0]" in formulas or "< 0]" in formulas):
        said.append("[z > 0] is 1 where that holds, else 0.")
    if "sum₀" in formulas or "sum₁" in formulas:
        said.append("sum₀ adds up over dimension 0, and so on.")
    return " ".join(said)


def _table_lines(report: Report, width: int) -> list[str]:
    # The absolute error is left to HTML and to_dict(): 80 columns have no room for it.
    rows = [(*row[:4], *row[5:]) for row in (_HEAD, *table(report))]
    limits = [1, 20, 11, 11, 8, 8, 40]
    cells = [
        tuple(c if len(c) <= n else c[: n - 1] + "…" for c, n in zip(row, limits, strict=True))
        for row in rows
    ]
    widths = [max(len(row[k]) for row in cells) for k in range(len(limits))]
    lines = []
    for row in cells:
        left = [c.ljust(w) for c, w in zip(row[:4], widths[:4], strict=True)]
        right = [c.rjust(w) for c, w in zip(row[4:6], widths[4:6], strict=True)]
        line = "  ".join([*left, *right, row[6]]).rstrip()
        lines.append(line if len(line) <= width else line[: width - 1] + "…")
    return lines


def _mistake_lines(mistake: Mistake, number: int, width: int) -> list[str]:
    def wrapped(text: str, first: str = "   ") -> list[str]:
        return textwrap.wrap(
            text, width, initial_indent=first, subsequent_indent=" " * max(3, len(first)),
            break_long_words=False,
        ) or [first]  # fmt: skip

    lines = [f"{number}. {mistake.claim}: {mistake.kind.replace('_', ' ')}"]
    lines += wrapped(mistake.message)
    where = mistake.where
    if where.file:
        lines += wrapped(f"at {where}")
        if where.code:
            code = where.code if len(where.code) <= width - 8 else where.code[: width - 9] + "…"
            lines.append(f"      {code}")
    if mistake.expected:
        lines += wrapped(mistake.expected, "   right    ")
    if mistake.claimed:
        lines += wrapped(mistake.claimed, "   claimed  ")
    others = [n for n in mistake.explains if n != mistake.claim]
    if others:
        lines += wrapped(
            f"With this mistake in the rules {', '.join(others)} "
            f"{'comes' if len(others) == 1 else 'come'} out exactly as claimed: "
            f"{'a consequence' if len(others) == 1 else 'consequences'}."
        )
    if mistake.alternatives:
        kinds = ", ".join(dict.fromkeys(a.kind.replace("_", " ") for a in mistake.alternatives))
        lines += wrapped(f"The same numbers could also come from: {kinds}.")
    return lines


def as_rich(report: Report) -> Any:
    """Return a report for a terminal: the text, with colours."""
    from rich.text import Text

    text = Text(as_text(report, 80))
    lines = text.plain.split("\n")
    start = 0
    names = {row.name: row.role for row in report.rows}
    for k, line in enumerate(lines):
        end = start + len(line)
        if k == 0:
            text.stylize("bold green" if report.ok else "bold red", start, end)
        for role, mark in _MARKS.items():
            if line.startswith(mark + "  ") and any(
                n in line and r == role for n, r in names.items()
            ):
                text.stylize(_COLOURS[role], start, end)
        if line.startswith("   right "):
            text.stylize("green", start, end)
        if line.startswith("   claimed "):
            text.stylize("red", start, end)
        if line[:1].isdigit() and ". " in line[:5]:
            text.stylize("bold", start, end)
        start = end + 1
    return text


def as_html(report: Report) -> str:
    """Return a report as an HTML fragment with its styles written out."""
    cell = "padding:2px 10px;text-align:left;white-space:nowrap"
    head = "".join(f'<th style="{cell}">{escape(h)}</th>' for h in _HEAD)
    body = []
    for row, cells in zip(report.rows, table(report), strict=True):
        colour = _BACKGROUNDS[row.role]
        style = f' style="background:{colour};color:#222"' if colour else ""
        tds = "".join(f'<td style="{cell}">{escape(c)}</td>' for c in cells)
        body.append(f'<tr{style} title="{escape(row.diagnosis)}">{tds}</tr>')
    mistakes = "".join(_mistake_html(m, k) for k, m in enumerate(report.mistakes, start=1))
    notes = "".join(f"<p>{escape(n)}</p>" for n in report.notes)
    told = legend(report)
    if told:
        mistakes += f'<p style="font-size:85%">{escape(told)}</p>'
    colour = "#1a7f37" if report.ok else "#b3261e"
    return (
        '<div class="chainrule-report" style="font-family:sans-serif;max-width:60em">'
        f'<p style="font-weight:bold;color:{colour}">{escape(headline(report))}</p>{notes}'
        f'<table style="border-collapse:collapse;font-size:90%"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>{mistakes}</div>"
    )


def _mistake_html(mistake: Mistake, number: int) -> str:
    where = mistake.where
    code = f": <code>{escape(where.code)}</code>" if where.code else ""
    place = f"<p>at {escape(str(where))}{code}</p>" if where.file else ""
    formulas = ""
    for label, formula, colour in (
        ("right", mistake.expected, "#1a7f37"),
        ("claimed", mistake.claimed, "#b3261e"),
    ):
        if formula:
            cell = '<td style="padding:2px 10px;text-align:left">'
            code = f'<code style="color:{colour}">{escape(formula)}</code>'
            formulas += f"<tr>{cell}{label}</td>{cell}{code}</td></tr>"
    others = [n for n in mistake.explains if n != mistake.claim]
    consequences = ""
    if others:
        consequences = (
            f"<p>With this mistake in the rules {escape(', '.join(others))} "
            f"{'comes' if len(others) == 1 else 'come'} out exactly as claimed.</p>"
        )
    alternatives = ""
    if mistake.alternatives:
        kinds = ", ".join(dict.fromkeys(a.kind.replace("_", " ") for a in mistake.alternatives))
        alternatives = f"<p>The same numbers could also come from: {escape(kinds)}.</p>"
    title = f"{number}. {escape(mistake.claim)}: {escape(mistake.kind.replace('_', ' '))}"
    return (
        f'<div style="border-left:3px solid #b3261e;padding-left:1em;margin:1em 0">'
        f"<p><b>{title}</b><br>{escape(mistake.message)}</p>{place}"
        f'<table style="border-collapse:collapse">{formulas}</table>'
        f"{consequences}{alternatives}</div>"
    )
