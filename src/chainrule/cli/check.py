"""`chainrule check`: every gradient that a script claims, with the mistakes named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer

FORMATS = ("text", "json", "junit", "html")


def command(
    file: Annotated[
        Path, typer.Argument(help="A script that calls cr.check, or defines two functions.")
    ],
    functions: Annotated[
        str | None,
        typer.Option(help="Check two functions of the file instead.", metavar="LOSS,GRAD"),
    ] = None,
    params: Annotated[
        Path | None,
        typer.Option(
            help="With --functions: parameters, and data under the loss's argument names.",
            metavar="FILE.npz",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(help="With --functions: random inputs besides.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the random inputs.")] = 0,
    format: Annotated[
        str, typer.Option("--format", "-f", help=f"One of {', '.join(FORMATS)}.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to a file.", metavar="OUT")
    ] = None,
    points: Annotated[
        str | None, typer.Option(help="Score: 1 for each gradient, or W1=3,b1=1.")
    ] = None,
    forgive_consequences: Annotated[
        bool, typer.Option(help="Give points for what an earlier mistake alone makes wrong.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds before the script is stopped.")] = 60.0,
) -> None:
    """Check the gradients that a script claims and name the mistakes.

    The script runs in a process of its own: a crash or an endless loop in it is reported, not
    shared. The exit status is 0 if all is right, 1 if anything is wrong, 2 for a wrong call.
    """
    from chainrule.verify import grading
    from chainrule.verify.submission import Task, run_contained

    if format not in FORMATS:
        _refuse(f"--format is one of {', '.join(FORMATS)}, not {format!r}")
    if not file.is_file():
        _refuse(f"there is no file {file}")
    loss = gradient = None
    if functions is not None:
        loss, _, gradient = (part.strip() for part in functions.partition(","))
        if not loss or not gradient:
            _refuse("--functions takes two names: --functions loss,gradients")
        if params is None:
            _refuse("--functions needs --params FILE.npz with the parameters and the data")
        if not params.is_file():
            _refuse(f"there is no file {params}")
    try:
        scale = None if points is None else grading.scale_of(points, forgive_consequences)
    except ValueError as error:
        _refuse(str(error))
    task = Task(
        file.resolve(),
        gradient,
        loss,
        None,
        None if params is None else params.resolve(),
        trials,
        seed,
    )
    outcome = run_contained(task, timeout)
    score = "" if scale is None else "Points: {:g} of {:g}".format(*scale.score(outcome))
    if format == "json":
        data = grading.outcome_dict(outcome)
        if scale is not None:
            data["points"], data["possible_points"] = scale.score(outcome)
        written = json.dumps(data, indent=2, ensure_ascii=False)
    elif format == "junit":
        written = grading.junit({file.stem: outcome})
    elif format == "html":
        body = grading.outcome_html(outcome) + (f"<p><b>{score}</b></p>" if score else "")
        written = grading.page(f"Gradients of {file.name}", body)
    else:
        parts = [report["text"] for report in outcome.reports]
        if outcome.error:
            parts.append(f"{file.name}: {outcome.error}")
            if outcome.output:
                parts.append("It printed:\n" + outcome.output[-2000:].rstrip())
        written = "\n\n".join([*parts, *([score] if score else [])])
    if output is None:
        typer.echo(written)
    else:
        output.write_text(written + "\n", encoding="utf-8")
    raise typer.Exit(0 if outcome.ok else 1)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"chainrule check: {message}", err=True)
    raise typer.Exit(2)
