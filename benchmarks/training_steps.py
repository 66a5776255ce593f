"""Time whole training steps: forward pass, loss, backward pass, update, gradients reset.

``python -m benchmarks.training_steps --help`` lists workloads and contestants.
"""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from .contestants import CONTESTANTS
from .harness import ContestantFailed, LossesDisagree, race
from .report import as_json, markdown, terminal_table
from .workloads import WORKLOADS

RESULTS = Path(__file__).resolve().parent / "results" / "training_steps.md"


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_steps", description=__doc__
    )
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=40, help="turns of each contestant (40)")
    parser.add_argument("--round-ms", type=float, default=20, help="length of a turn (20 ms)")
    parser.add_argument("--threads", type=int, default=2, help="for BLAS and OpenMP, each (2)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every round's times here")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="OUT",
        help="write the tables here; a full run writes benchmarks/results/training_steps.md",
    )
    options = parser.parse_args(argv)
    if (
        options.markdown is None
        and {*options.workloads} == {*WORKLOADS}
        and {*options.contestants} == {*CONTESTANTS}
    ):
        options.markdown = RESULTS
    return options


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    console = Console(width=80)
    settings = {
        "rounds": options.rounds,
        "round_seconds": options.round_ms / 1e3,
        "threads": options.threads,
    }
    races, failures = [], 0
    for name in options.workloads:
        # Without a refresh thread: the bar moves between rounds, when nobody is being timed.
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
        ) as progress:
            task = progress.add_task(name, total=options.rounds)
            progress.refresh()

            def on_round(progress=progress, task=task):
                progress.advance(task)
                progress.refresh()

            try:
                outcome = race(
                    name,
                    options.contestants,
                    rounds=options.rounds,
                    round_seconds=settings["round_seconds"],
                    threads=options.threads,
                    on_round=on_round,
                )
            except (ContestantFailed, LossesDisagree) as problem:
                console.print(f"{name} not timed: {problem}", style="red", markup=False)
                failures += 1
                continue
        races.append(outcome)
        console.print(terminal_table(outcome))
        for contestant, reason in outcome.skipped.items():
            console.print(f"  skipped: {contestant} {reason}", markup=False, highlight=False)

    if options.json:
        options.json.write_text(json.dumps(as_json(races, settings), indent=1) + "\n")
    if options.markdown and not failures:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(markdown(races, settings), encoding="utf-8")
        console.print(f"Written: {options.markdown}", soft_wrap=True, highlight=False)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
