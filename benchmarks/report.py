"""Races as tables: for the terminal at 80 columns, as Markdown, and as JSON."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich import box
from rich.table import Table

from .contestants import CONTESTANTS
from .harness import Race
from .workloads import WORKLOADS

SUBJECT = "chainrule"


def duration(seconds: float) -> str:
    """Three significant digits in µs, ms or s, as ``"39.1 µs"``."""
    if seconds < 1e-3:
        value, unit = seconds * 1e6, "µs"
    elif seconds < 1:
        value, unit = seconds * 1e3, "ms"
    else:
        value, unit = seconds, "s"
    return f"{value:.{3 - len(str(int(value)))}f} {unit}"


def ratio(times: Sequence[float], subject_times: Sequence[float]) -> float:
    """How many times the subject's time the other took: the median of the rounds' ratios."""
    return median(other / subject for other, subject in zip(times, subject_times, strict=True))


def rows(race: Race, subject: str) -> list[tuple[str, str, str, str]]:
    """Per contestant: title, median, middle half of the rounds, time relative to the subject."""
    lines = []
    for name, times in race.seconds.items():
        low, _, high = quantiles(times, n=4) if len(times) > 1 else times * 3
        relative = f"{ratio(times, race.seconds[subject]):.2f}" if subject in race.seconds else "–"
        spread = f"{duration(low)} – {duration(high)}"
        lines.append((CONTESTANTS[name].title, duration(median(times)), spread, relative))
    return lines


def terminal_table(race: Race, subject: str = SUBJECT) -> Table:
    table = Table(
        title=f"{race.workload}: {WORKLOADS[race.workload].description}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        width=80,
    )
    for position, heading in enumerate(headings(subject)):
        table.add_column(heading, justify="left" if position == 0 else "right", no_wrap=True)
    for line in rows(race, subject):
        table.add_row(*line)
    return table


def headings(subject: str) -> tuple[str, str, str, str]:
    return "contestant", "step (median)", "middle half", f"÷ {CONTESTANTS[subject].title}"


def markdown(races: Iterable[Race], settings: dict[str, Any], subject: str = SUBJECT) -> str:
    races = list(races)
    versions = {name: version for race in races for name, version in race.versions.items()}
    lines = [
        "# Whole training steps",
        "",
        f"`python -m benchmarks.training_steps`: {settings['rounds']} interleaved rounds of "
        f"{settings['round_seconds'] * 1e3:g} ms, {settings['threads']} threads each.",
        f"{machine()}. "
        + ", ".join(f"{CONTESTANTS[name].title} {version}" for name, version in versions.items())
        + ".",
        "",
        f"The last column is the contestant's time divided by that of "
        f"{CONTESTANTS[subject].title} in the same round, median over the rounds.",
    ]
    for race in races:
        lines += ["", f"## {race.workload}", "", WORKLOADS[race.workload].description + ".", ""]
        lines += [
            "| " + " | ".join(headings(subject)) + " |",
            "|---|---:|---:|---:|",
            *("| " + " | ".join(line) + " |" for line in rows(race, subject)),
        ]
        for name, reason in race.skipped.items():
            lines += ["", f"{CONTESTANTS[name].title} {reason}."]
    return "\n".join(lines) + "\n"


def as_json(races: Iterable[Race], settings: dict[str, Any]) -> dict[str, Any]:
    return {"settings": settings, "machine": machine(), "races": [asdict(race) for race in races]}


def machine() -> str:
    """Processor, cores and interpreter, as far as the system tells."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"
