"""Points for checked gradients, and what graders read: JUnit, CSV, HTML."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from chainrule.verify.submission import Outcome, Task


@dataclass(frozen=True)
class Scale:
    """How many points each gradient is worth.

    Attributes:
        by_name: points by the gradient's name.
        default: points of a gradient that is not named.
        consequences: whether a gradient that is wrong only as a consequence of an earlier mistake
            counts as right.
    """

    by_name: Mapping[str, float]
    default: float = 1.0
    consequences: bool = False

    def score(self, outcome: Outcome) -> tuple[float, float]:
        """Return the points reached and the points there were."""
        reached = possible = 0.0
        named: set[str] = set()
        for report in outcome.reports:
            for row in report["rows"]:
                worth = self.by_name.get(row["name"], self.default)
                named.add(row["name"])
                possible += worth
                if row["ok"] or (self.consequences and row["role"] == "consequence"):
                    reached += worth
        possible += sum(worth for name, worth in self.by_name.items() if name not in named)
        return reached, possible


def scale_of(text: str, consequences: bool = False) -> Scale:
    """Read points as they are written on the command line: ``2`` or ``W1=3,b1=1``.

    Raises:
        ValueError: for anything else.

    >>> scale_of("W1=3,b1=1").by_name
    {'W1': 3.0, 'b1': 1.0}
    """
    try:
        if "=" not in text:
            return Scale({}, float(text), consequences)
        pairs = (part.split("=") for part in text.split(","))
        return Scale({name.strip(): float(worth) for name, worth in pairs}, 0.0, consequences)
    except ValueError:
        raise ValueError(f"points are a number, or NAME=NUMBER,…; got {text!r}") from None


def junit(outcomes: Mapping[str, Outcome]) -> str:
    """Return outcomes as JUnit XML, a test case per gradient."""
    suites = ElementTree.Element("testsuites")
    for name, outcome in outcomes.items():
        rows = [(k, row) for k, report in enumerate(outcome.reports, 1) for row in report["rows"]]
        failures = sum(not row["ok"] for _, row in rows)
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=name,
            tests=str(len(rows) + bool(outcome.error)),
            failures=str(failures),
            errors=str(int(bool(outcome.error))),
        )
        for k, row in rows:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"{name}.check{k}", name=row["name"]
            )
            if not row["ok"]:
                failure = ElementTree.SubElement(
                    case, "failure", type=row["verdict"], message=_printable(row["diagnosis"])
                )
                failure.text = _printable(outcome.reports[k - 1]["text"])
        if outcome.error:
            case = ElementTree.SubElement(suite, "testcase", classname=name, name="runs")
            problem = ElementTree.SubElement(case, "error", message=_printable(outcome.error))
            problem.text = _printable(outcome.output)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, "unicode")


def _printable(text: str) -> str:
    """Drop the control characters that XML does not allow."""
    return "".join(c for c in text if c in "\n\t" or c >= " ")


def page(title: str, body: str) -> str:
    """Return an HTML page around fragments."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>"
        '<body style="font-family:sans-serif;margin:2em;max-width:70em">'
        f"<h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def outcome_html(outcome: Outcome) -> str:
    """Return an outcome's reports, or what went wrong, as HTML."""
    parts = [report["html"] for report in outcome.reports]
    if outcome.error:
        parts.append(f'<p style="color:#b3261e"><b>{escape(outcome.error)}</b></p>')
        if outcome.output:
            parts.append(
                '<pre style="white-space:pre-wrap;overflow-wrap:anywhere">'
                f"{escape(outcome.output[-2000:])}</pre>"
            )
    return "".join(parts)


# --- A class of submissions -----------------------------------------------------------------------


@dataclass(frozen=True)
class Spec:
    """What a class was asked to do, read from a TOML file.

    Attributes:
        gradient: the name of the function that each submission defines; None for submissions that
            are scripts with their own checks.
        loss: the loss function's name.
        loss_file: the file it is defined in.
        params: the .npz file of parameters and data.
        file: the file's name inside each submission's folder, where submissions are folders.
        timeout: seconds for each submission.
        trials: random inputs besides the given one.
        scale: the points.
    """

    gradient: str | None
    loss: str | None
    loss_file: Path | None
    params: Path | None
    file: str | None
    timeout: float
    trials: int
    scale: Scale


_KEYS = {
    "gradient", "loss", "params", "file", "timeout", "trials", "points", "default_points",
    "forgive_consequences",
}  # fmt: skip


def read_spec(path: Path) -> Spec:
    """Read a specification.

    Raises:
        ValueError: for a file that is no TOML, an unknown key, or one that is missing.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is not valid TOML: {error}") from None
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise ValueError(
            f"{path.name}: unknown key {unknown[0]!r}; the keys are {', '.join(sorted(_KEYS))}"
        )
    gradient = table.get("gradient")
    loss_file, loss, params = None, None, None
    if gradient is not None:
        for key in ("loss", "params"):
            if key not in table:
                raise ValueError(f"{path.name}: with gradient = … the key {key!r} is needed, too")
        file, _, loss = str(table["loss"]).rpartition(":")
        if not file:
            raise ValueError(
                f'{path.name}: loss = "FILE.py:FUNCTION" is expected, got {table["loss"]!r}'
            )
        loss_file, params = (
            (path.parent / file).resolve(),
            (path.parent / table["params"]).resolve(),
        )
    points = table.get("points", {})
    scale = Scale(
        {name: float(worth) for name, worth in points.items()},
        float(table.get("default_points", 0.0 if points else 1.0)),
        bool(table.get("forgive_consequences", False)),
    )
    return Spec(
        gradient,
        loss,
        loss_file,
        params,
        table.get("file"),
        float(table.get("timeout", 60)),
        int(table.get("trials", 3)),
        scale,
    )


def submissions(folder: Path, spec: Spec) -> dict[str, Path]:
    """Return each student's file: ``NAME.py`` in the folder, or one Python file in a folder NAME.

    Raises:
        ValueError: if there are none.
    """
    found: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "_")):
            continue
        if entry.is_dir():
            files = [entry / spec.file] if spec.file else sorted(entry.glob("*.py"))
            if files:
                found[entry.name] = files[0]
        elif entry.suffix == ".py":
            found[entry.stem] = entry
    if not found:
        raise ValueError(
            f"{folder} holds no submissions: neither Python files nor folders with one in each"
        )
    return found


def task_of(spec: Spec, file: Path) -> Task:
    """Return what is to be run for one submission."""
    return Task(file, spec.gradient, spec.loss, spec.loss_file, spec.params, spec.trials)


_COLUMNS = ("student", "points", "of", "status", "mistake", "gradient", "message")


def line_of(student: str, outcome: Outcome, scale: Scale) -> dict[str, str]:
    """Return one student's line of the table."""
    reached, possible = scale.score(outcome)
    mistakes = [m for report in outcome.reports for m in report["mistakes"]]
    status = "error" if outcome.error else "right" if outcome.ok else "wrong"
    return {
        "student": student,
        "points": f"{reached:g}",
        "of": f"{possible:g}",
        "status": status,
        "mistake": ", ".join(dict.fromkeys(m["kind"].replace("_", " ") for m in mistakes)),
        "gradient": ", ".join(dict.fromkeys(m["claim"] for m in mistakes)),
        "message": outcome.error or " ".join(m["message"] for m in mistakes),
    }


def as_csv(outcomes: Mapping[str, Outcome], scale: Scale) -> str:
    """Return the table of a class as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for student, outcome in outcomes.items():
        line = line_of(student, outcome, scale)
        # A spreadsheet runs cells that start like this as formulas.
        writer.writerow(
            {k: f"'{v}" if v.startswith(("=", "+", "@")) else v for k, v in line.items()}
        )
    return text.getvalue()


def as_page(outcomes: Mapping[str, Outcome], scale: Scale) -> str:
    """Return the table of a class as an HTML page, each student's reports below it."""
    cell = "padding:4px 12px;text-align:left;vertical-align:top;border-bottom:1px solid #ddd"
    head = "".join(f'<th style="{cell}">{c}</th>' for c in _COLUMNS)
    rows, details = [], []
    for k, (student, outcome) in enumerate(outcomes.items()):
        line = line_of(student, outcome, scale)
        cells = [escape(line[c]) for c in _COLUMNS]
        cells[0] = f'<a href="#s{k}">{cells[0]}</a>'
        colour = {"right": "#e7f6ea", "wrong": "#fff4d6", "error": "#fde2e1"}[line["status"]]
        tds = "".join(f'<td style="{cell}">{c}</td>' for c in cells)
        rows.append(f'<tr style="background:{colour};color:#222">{tds}</tr>')
        details.append(f'<h2 id="s{k}">{escape(student)}</h2>{outcome_html(outcome)}')
    table = (
        f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return page("Gradients of a class", table + "".join(details))


def outcome_dict(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain data, without what is only another view of it."""
    reports = [{k: v for k, v in r.items() if k not in ("text", "html")} for r in outcome.reports]
    return {
        "ok": outcome.ok,
        "error": outcome.error,
        "reports": reports,
        "output": outcome.output,
    }
