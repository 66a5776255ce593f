"""`chainrule grade`: the gradients of a class of submissions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from chainrule.verify.grading import Spec
    from chainrule.verify.submission import Outcome


def command(
    spec: Annotated[Path, typer.Argument(help="What was asked, as TOML.", metavar="SPEC.toml")],
    folder: Annotated[
        Path, typer.Argument(help="A Python file or a folder for each student.", metavar="FOLDER")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Written as OUT.csv and OUT.html.", metavar="OUT")
    ] = Path("grades"),
    jobs: Annotated[
        int | None, typer.Option(help="Submissions at a time; else as many as processors.")
    ] = None,
) -> None:
    """Check every submission in a process of its own and write a table with the mistakes named.

    The exit status is 0 when the tables were written, whatever is in them, 2 for a wrong call.
    """
    from chainrule.verify import grading

    if not spec.is_file():
        _refuse(f"there is no file {spec}")
    if not folder.is_dir():
        _refuse(f"there is no folder {folder}")
    try:
        asked = grading.read_spec(spec)
        files = grading.submissions(folder, asked)
    except ValueError as error:
        _refuse(str(error))
    outcomes = _run(asked, files, jobs or os.cpu_count() or 1)
    table, page = output.with_suffix(".csv"), output.with_suffix(".html")
    table.write_text(grading.as_csv(outcomes, asked.scale), encoding="utf-8")
    page.write_text(grading.as_page(outcomes, asked.scale), encoding="utf-8")
    right = sum(outcome.ok for outcome in outcomes.values())
    typer.echo(f"{len(outcomes)} submissions, {right} right; see {table} and {page}")


def _run(asked: Spec, files: dict[str, Path], jobs: int) -> dict[str, Outcome]:
    """Run all submissions, a few at a time, with a progress bar; return them in order."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from rich.progress import Progress

    from chainrule.verify import grading
    from chainrule.verify.submission import Outcome, run_contained

    found: dict[str, Outcome] = {}
    with ThreadPoolExecutor(jobs) as pool, Progress(transient=True) as progress:
        bar = progress.add_task("Checking submissions", total=len(files))
        waiting = {}
        for student, file in files.items():
            if not file.is_file():
                found[student] = Outcome(error=f"there is no {file.name} in the submission")
                progress.advance(bar)
                continue
            task = grading.task_of(asked, file.resolve())
            waiting[pool.submit(run_contained, task, asked.timeout)] = student
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            progress.advance(bar)
    return {student: found[student] for student in files}


def _refuse(message: str) -> NoReturn:
    typer.echo(f"chainrule grade: {message}", err=True)
    raise typer.Exit(2)
