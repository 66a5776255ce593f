"""Time single operations, forward and backward, in chainrule and in PyTorch.

Each library runs in its own process, and they take turns in short rounds. What is quoted is the
median over the rounds of PyTorch's time divided by chainrule's in the same round: above 1,
chainrule is faster. Both must agree on the results before anything is timed.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from benchmarks.harness import Worker, launch, steps_in
from benchmarks.operations.cases import CASES, LAYERS, OPERATIONS, SIZES
from benchmarks.report import duration, machine

RESULTS = Path(__file__).resolve().parent.parent / "results" / "operations.md"
TOLERANCE = 2e-3
Result = tuple[float, float, float]


class ResultsDisagree(Exception):
    """The libraries compute different things: no time means anything."""


def measure(workers: list[Worker], name: str, elements: int, rounds: int, length: float) -> Result:
    """Median seconds of chainrule, of PyTorch, and the median of the rounds' ratios."""
    ours, theirs = (w.prepare(name, elements) for w in workers)
    scale = [max(abs(a) for a in ours[k - k % 2 : k - k % 2 + 2]) for k in range(len(ours))]
    if len(ours) != len(theirs) or not all(
        abs(a - b) <= TOLERANCE * s + 1e-5 for a, b, s in zip(ours, theirs, scale, strict=True)
    ):
        raise ResultsDisagree(f"{name} of {elements} elements: {ours} and {theirs}")
    calls = [steps_in(length, w) for w in workers]
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for worker, count, series in zip(workers, calls, times, strict=True):
            series.append(worker.seconds(count, warm_up=1 + count // 10) / count)
    ratio = median(b / a for a, b in zip(*times, strict=True))
    return median(times[0]), median(times[1]), ratio


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operations", description=__doc__)
    parser.add_argument("--operations", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="elements")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each library (7)")
    parser.add_argument("--round-ms", type=float, default=10, help="length of a turn (10 ms)")
    parser.add_argument("--threads", type=int, default=1, help="of each library (1)")
    parser.add_argument("--markdown", type=Path, metavar="OUT", help="write the tables here")
    options = parser.parse_args(argv)
    if options.markdown is None and {*options.operations} == {*CASES} and options.threads == 1:
        options.markdown = RESULTS
    return options


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    console = Console(width=80)
    results: dict[tuple[str, int], Result] = {}
    failures = 0
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                launch(library, ["benchmarks.operations.worker", library], options.threads)
            )
            for library in ("chainrule", "torch")
        ]
        progress = stack.enter_context(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                console=console,
                auto_refresh=False,
                transient=True,
            )
        )
        task = progress.add_task("", total=len(options.operations) * len(options.sizes))
        for name in options.operations:
            for elements in options.sizes:
                progress.update(task, description=f"{name}, {elements}", refresh=True)
                try:
                    results[name, elements] = measure(
                        workers, name, elements, options.rounds, options.round_ms / 1e3
                    )
                except ResultsDisagree as problem:
                    console.print(f"not timed: {problem}", style="red", markup=False)
                    failures += 1
                progress.advance(task)
        versions = ", ".join(f"{w.contestant} {w.version}" for w in workers)

    console.print(terminal_table(results, options.sizes))
    if options.markdown and not failures:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(markdown(results, options, versions), encoding="utf-8")
        console.print(f"Written: {options.markdown}", soft_wrap=True, highlight=False)
    return 1 if failures else 0


def terminal_table(results: dict[tuple[str, int], Result], sizes: list[int]) -> Table:
    table = Table(
        title="PyTorch's time ÷ chainrule's (above 1: chainrule is faster)",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("forward and backward")
    for n in sizes:
        table.add_column(f"{n:,}", justify="right")
    for name in dict.fromkeys(name for name, _ in results):
        cells = []
        for n in sizes:
            if (name, n) not in results:
                cells.append("–")
                continue
            ratio = results[name, n][2]
            style = "red" if ratio < 1 / 3 else "green" if ratio >= 1 else ""
            cells.append(f"[{style}]{ratio:.2f}[/]" if style else f"{ratio:.2f}")
        table.add_row(escape(name), *cells)
    return table


def markdown(
    results: dict[tuple[str, int], Result], options: argparse.Namespace, versions: str
) -> str:
    lines = [
        "# Single operations, forward and backward",
        "",
        f"`python -m benchmarks.operations`: {options.rounds} interleaved rounds of "
        f"{options.round_ms:g} ms, {options.threads} thread{'s' * (options.threads > 1)} each, "
        f"float32. {machine()}. {versions}.",
        "",
        "PyTorch's time divided by chainrule's in the same round, median over the rounds (above 1, "
        "chainrule is faster), and chainrule's time.",
    ]
    for title, cases in (("Operations", OPERATIONS), ("Layers", LAYERS)):
        lines += ["", f"## {title}", ""]
        lines.append("| elements | " + " | ".join(f"{n:,} | " for n in options.sizes) + "|")
        lines.append("|---|" + "---:|" * 2 * len(options.sizes))
        for name in cases:
            cells = []
            for n in options.sizes:
                ours, _, ratio = results[name, n]
                cells.append(f"{ratio:.2f} | {duration(ours)}")
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    every = [(key, result[2]) for key, result in results.items()]
    lines += ["", "## Summary", ""]
    for n in options.sizes:
        ratios = [ratio for (_, size), ratio in every if size == n]
        faster = sum(r > 1 for r in ratios)
        lines.append(
            f"- {n:,} elements: faster than PyTorch in {faster} of {len(ratios)}, median ratio "
            f"{median(ratios):.2f}, lowest {min(ratios):.2f}."
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
