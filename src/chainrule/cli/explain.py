"""`chainrule explain`: the derivation of a script's loss, or of a small net made on the spot."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from chainrule.explanation import Explanation

FORMATS = ("text", "markdown", "latex", "html", "svg", "json")
_ENDINGS = {"text": ".txt", "markdown": ".md", "latex": ".tex"}


def command(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A script that computes a loss, or with --layers a file of weights.",
            metavar="[FILE]",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The variable to differentiate; else the last scalar made.")
    ] = None,
    of: Annotated[str | None, typer.Option(help="Explain only this value's gradient.")] = None,
    format: Annotated[
        str | None, typer.Option("--format", "-f", help=f"One of {', '.join(FORMATS)}.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to a file.", metavar="OUT")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show the result in a browser.")] = False,
    convention: Annotated[
        str | None, typer.Option(help="Samples as row or column; else as the program has them.")
    ] = None,
    precision: Annotated[int, typer.Option(help="Digits after the point.")] = 4,
    max_entries: Annotated[int, typer.Option(help="Larger arrays are summarised.")] = 64,
    layers: Annotated[
        str | None, typer.Option(help="A net on the spot: its layer sizes.", metavar="3-4-2-1")
    ] = None,
    activation: Annotated[str, typer.Option(help="Of the hidden layers of --layers.")] = "relu",
    out: Annotated[
        str | None, typer.Option(help="Activation of the last layer of --layers.")
    ] = None,
    loss: Annotated[str, typer.Option(help="Loss of --layers: bce, mse or ce.")] = "bce",
    batch: Annotated[int, typer.Option(help="Samples of --layers.")] = 1,
    bias: Annotated[bool, typer.Option(help="Biases in the layers of --layers.")] = True,
    seed: Annotated[int, typer.Option(help="Random numbers of --layers.")] = 0,
) -> None:
    """Explain every gradient of a loss: formulas with your names, and the numbers."""
    from chainrule.explanation.quick import build, parse_layers, read_weights
    from chainrule.explanation.scripts import ScriptError, run

    chosen = _format(format, output, open_it)
    shown = {"convention": convention, "precision": precision, "max_entries": max_entries}
    try:
        if layers is not None:
            weights = read_weights(file) if file is not None else None
            net = build(
                parse_layers(layers), activation, out, loss, batch, bias, seed, weights=weights
            )
            explanation = net.explain(**shown)
        elif file is None:
            _fail("give a script, or a net with --layers; see chainrule explain --help")
        else:
            explanation = run(file, target).explain(**shown)
        if of is not None:
            explanation = explanation[of]
    except ScriptError as error:
        typer.echo(error.report, err=True, nl=False)
        raise typer.Exit(1) from None
    except KeyError as error:
        _fail(str(error.args[0]))
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        _fail(str(error))
    _deliver(explanation, chosen, output, open_it)


def _fail(message: str) -> NoReturn:
    typer.echo(f"chainrule explain: {message}", err=True)
    raise typer.Exit(2)


def _format(format: str | None, output: Path | None, open_it: bool) -> str:
    """Return the format asked for: by name, by the file's ending, or for where it is shown."""
    from chainrule.explanation.facade import FORMATS as BY_ENDING

    if format is not None:
        if format not in FORMATS:
            _fail(f"unknown format {format!r}; use one of {', '.join(FORMATS)}")
        return format
    if output is not None:
        if output.suffix.lower() not in BY_ENDING:
            _fail(f"the ending of {output.name} names no format; add --format")
        return BY_ENDING[output.suffix.lower()]
    return "html" if open_it else "text"


def _deliver(explanation: Explanation, format: str, output: Path | None, open_it: bool) -> None:
    on_terminal = output is None and not open_it
    if format == "text" and on_terminal:
        written = explanation.text(color=sys.stdout.isatty())
    else:
        written = explanation.render(format)
    if on_terminal:
        typer.echo(written, nl=False)
        return
    if output is None:
        folder = Path(tempfile.mkdtemp(prefix="chainrule-"))
        output = folder / f"explanation{_ENDINGS.get(format, '.' + format)}"
    try:
        output.write_text(written, encoding="utf-8")
    except OSError as error:
        _fail(f"cannot write {output}: {error.strerror}")
    typer.echo(str(output), err=True)
    if open_it:
        webbrowser.open(output.resolve().as_uri())
