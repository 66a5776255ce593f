"""The derivation as text for a terminal: Unicode formulas, 80 columns, coloured on request."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from chainrule.explanation.derivation import Derivation, Step, Value
from chainrule.explanation.numbers import Amount, array_lines, number
from chainrule.explanation.observations import delta_norms
from chainrule.explanation.render.words import heading, listed, place, reason, size, through

# Styles by the names that Rich knows.
TITLE, HEADING, NAME, QUIET, NOTE, BAD = "bold", "bold cyan", "bold", "dim", "green", "yellow"
Segment = tuple[str, str]
BAR = 24
# Deltas that are listed; of a deeper net every second, third, … one.
BARS = 32


def columns(text: str) -> int:
    """Return how many columns a text takes; combining marks take none."""
    return sum(1 for c in text if not unicodedata.combining(c))


class Page:
    """Lines of styled segments, at most ``width`` columns wide where words allow it."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[list[Segment]] = []

    def add(self, *segments: Segment) -> None:
        self.lines.append(list(segments))

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append([])

    def with_right(self, left: list[Segment], right: str) -> None:
        """Add a line with something at its right end, below it if there is no room."""
        used = sum(columns(text) for text, _ in left)
        room = self.width - used - columns(right)
        if right and room >= 2:
            left = [*left, (" " * room + right, QUIET)]
            right = ""
        self.add(*left)
        if right:
            self.add((right.rjust(self.width), QUIET))

    def wrapped(self, text: str, indent: int, style: str = "") -> None:
        """Add text broken at spaces, hanging by ``indent``."""
        for line in wrap(text, self.width - indent):
            self.add((" " * indent + line.strip(), style))

    def plain(self) -> str:
        return "\n".join("".join(t for t, _ in line).rstrip() for line in self.lines) + "\n"

    def coloured(self) -> str:
        from rich.console import Console
        from rich.text import Text

        console = Console(
            width=self.width, force_terminal=True, color_system="standard", highlight=False
        )
        with console.capture() as capture:
            for line in self.lines:
                console.print(Text.assemble(*line), soft_wrap=True)
        return capture.get()


def wrap(text: str, width: int) -> list[str]:
    """Break a text or formula at spaces, preferably before an operator."""
    lines: list[str] = []
    words = text.split(" ")
    current = words[0]
    for word in words[1:]:
        if columns(current) + 1 + columns(word) > width and current.strip():
            # An operator does not stay behind at the end of a line.
            head, _, tail = current.rpartition(" ")
            if head and tail in ("+", "−", "⊙", "/", "="):
                lines.append(head)
                current = f"  {tail} {word}"
            else:
                lines.append(current)
                current = "  " + word
        else:
            current += " " + word
    return [*lines, current]


def render(derivation: Derivation, amount: Amount, width: int = 80, color: bool = False) -> str:
    """Return the derivation as text.

    Args:
        derivation: what to write.
        amount: how much of each array to show.
        width: columns of the terminal.
        color: with ANSI colours.
    """
    page = Page(width)
    _title(page, derivation, amount)
    _given(page, derivation, amount)
    _forward(page, derivation, amount)
    _backward(page, derivation, amount)
    _sizes(page, derivation)
    _observations(page, derivation)
    return page.coloured() if color else page.plain()


def _title(page: Page, derivation: Derivation, amount: Amount) -> None:
    loss = derivation.values[derivation.loss]
    what = f" (your {derivation.loss_name})" if derivation.loss_name else ""
    if derivation.focus:
        name = derivation.values[derivation.focus].name
        page.add((f"How {loss.name}{what} depends on {name}", TITLE))
    else:
        page.add((f"The derivation of {loss.name}{what}", TITLE))
    if derivation.layers:
        page.wrapped(convention_sentence(derivation), 0, QUIET)


def convention_sentence(derivation: Derivation) -> str:
    """Say how samples lie and what the symbols mean."""
    loss = derivation.values[derivation.loss].name
    side = "rows" if derivation.convention == "row" else "columns"
    turned = any(v.transposed for v in derivation.values.values())
    note = " (your program holds the transposes)" if turned else ""
    return (
        f"Samples are {side}{note}. δ⁽ˡ⁾ = ∂{loss}/∂z⁽ˡ⁾ is the delta of layer l; "
        "⊙ multiplies entry by entry."
    )


def _given(page: Page, derivation: Derivation, amount: Amount) -> None:
    values = [v for v in derivation.given() if not v.folded]
    if not values:
        return
    page.blank()
    page.add(("Given", HEADING))
    for value in values:
        kind = "constant, " if value.role == "constant" else ""
        _array(page, value.name, value.array, amount, f"{kind}{size(value)}")


def _array(page: Page, name: str, array: object, amount: Amount, right: str) -> None:
    head = f"  {name} = "
    indent = columns(head)
    lines = array_lines(array, amount, page.width - indent)
    room = page.width - indent - columns(right) - 2
    if max(map(columns, lines)) > room and len(lines) > 1:
        page.with_right([(head.rstrip(), NAME)], right)
        head, right = " " * indent, ""
    page.with_right([(head, NAME), (lines[0], "")], right)
    for line in lines[1:]:
        page.add((" " * indent + line, ""))


def _forward(page: Page, derivation: Derivation, amount: Amount) -> None:
    values = [v for v in derivation.forward() if not v.folded]
    if not values:
        return
    page.blank()
    page.add(("Forward pass", HEADING))
    title = ""
    for value in values:
        title = _heading(page, derivation, value, title)
        formula = value.formula.text() if value.formula is not None else f"{value.operation}(…)"
        head = f"  {value.name}"
        right = f"{size(value)}  {place(value)}".rstrip()
        _equation(page, head, [(formula, "")], right)
        _numbers(page, columns(head), value.array, amount)


def _heading(page: Page, derivation: Derivation, value: Value, before: str) -> str:
    title = heading(derivation, value)
    if title and title != before:
        page.add((f" {title}", NAME))
    return title or before


def _equation(page: Page, head: str, rights: Iterable[tuple[str, str]], right: str) -> None:
    """Add ``head = formula``, each further formula below it, reasons at the right."""
    indent = columns(head)
    for k, (formula, note) in enumerate(rights):
        lead = head if k == 0 else " " * indent
        beside = right if k == 0 else ""
        lines = wrap(formula, page.width - indent - 3)
        page.with_right([(lead, NAME), (" = ", ""), (lines[0], "")], beside)
        for line in lines[1:]:
            page.add((" " * (indent + 3) + line, ""))
        if note:
            used = indent + 3 + columns(lines[-1])
            if len(lines) == 1 and not beside and used + 3 + columns(note) <= page.width:
                page.lines[-1].append((" " * (page.width - used - columns(note)) + note, NOTE))
            else:
                for line in wrap(note, page.width - indent - 7):
                    page.add((" " * (indent + 7) + line, NOTE))


def _numbers(page: Page, indent: int, array: object, amount: Amount) -> None:
    for k, line in enumerate(array_lines(array, amount, page.width - indent - 3)):
        page.add((" " * indent + (" = " if k == 0 else "   "), ""), (line, ""))


def _backward(page: Page, derivation: Derivation, amount: Amount) -> None:
    page.blank()
    page.add(("Backward pass", HEADING))
    title = ""
    for step in derivation.steps:
        value = derivation.values[step.of]
        if value.folded:
            continue
        title = _heading(page, derivation, value, title)
        _step(page, derivation, step, value, amount)


def _step(page: Page, derivation: Derivation, step: Step, value: Value, amount: Amount) -> None:
    assert value.gradient_symbol is not None
    name = value.gradient_symbol.name
    head = f"  {name}"
    rights: list[tuple[str, str]] = []
    if name.startswith("δ"):
        loss = derivation.values[derivation.loss].name
        rights.append((f"∂{loss}/∂{value.name}", ""))
    several = step.paths > 1
    for form in step.forms:
        if several and form.kind != "closed form":
            continue
        rights.append((form.formula.text(), reason(form)))
    right = f"{size(value)}"
    if several and all(term.formula is not None for term in step.terms):
        rights.append((f"the sum over {len(step.terms)} paths", ""))
    if not rights:
        rights.append(("as its rule computes it", ""))
    _equation(page, head, rights, right)
    indent = columns(head)
    if several:
        _paths(page, derivation, step, indent)
    if step.note:
        page.wrapped(f"({step.note})", indent + 3, QUIET)
    is_one = len(step.forms) == 1 and step.forms[0].formula.text() == "1"
    if not is_one:
        _numbers(page, indent, value.gradient, amount)


def _paths(page: Page, derivation: Derivation, step: Step, indent: int) -> None:
    terms, more = listed(step)
    for k, term in enumerate(terms):
        formula = term.formula.text() if term.formula is not None else f"({term.note})"
        sign = "  " if k == 0 else "+ "
        if k and formula.startswith("−"):
            sign, formula = "− ", formula[1:]
        lines = wrap(formula, page.width - indent - 7)
        for j, line in enumerate(lines):
            page.add((" " * (indent + 5) + (sign if j == 0 else "  "), ""), (line, ""))
        note = f"through {through(derivation, term.via)}"
        used = indent + 7 + columns(lines[-1])
        if used + 3 + columns(note) <= page.width:
            page.lines[-1].append((" " * (page.width - used - columns(note)) + note, QUIET))
    if more:
        page.add((" " * (indent + 5) + f"+ … and {more} more paths", QUIET))


def _sizes(page: Page, derivation: Derivation) -> None:
    table = delta_norms(derivation)
    if len(table) < 2:
        return
    page.blank()
    page.add(("The deltas, layer by layer", HEADING))
    stride = -(-len(table) // BARS)
    table = table[::-stride][::-1]
    top = max((rms for _, _, rms in table), default=0.0)
    width = max(columns(derivation.values[layer.z].gradient_symbol.name) for layer, _, _ in table)  # type: ignore[union-attr]
    for layer, norm, rms in table:
        symbol = derivation.values[layer.z].gradient_symbol
        assert symbol is not None
        head = f"  {symbol.name.ljust(width)}  "
        said = f"‖δ‖ = {number(norm)}   root mean square {number(rms)}  "
        room = min(BAR, page.width - columns(head) - columns(said))
        bar = "█" * max(round(room * rms / top), 1) if top > 0 and rms > 0 else ""
        page.add((head, NAME), (said, ""), (bar, "cyan"))


def _observations(page: Page, derivation: Derivation) -> None:
    if not derivation.observations:
        return
    page.blank()
    page.add(("Worth noticing", HEADING))
    for found in derivation.observations:
        style = "" if found.level == "note" else BAD if found.level == "warning" else "bold red"
        lines = wrap(f"{found.text} {found.advice}".strip(), page.width - 4)
        for k, line in enumerate(lines):
            page.add(("  · " if k == 0 else "    ", style), (line.strip() if k else line, style))
