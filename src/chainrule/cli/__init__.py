"""The `chainrule` command: every module of this package is a subcommand.

A module's ``command`` function is the subcommand of the module's name; Typer reads its signature
and docstring. A module is imported only when its subcommand is asked for (or all are listed), so
that the command starts fast.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class _OnDemand(TyperGroup):
    """A group whose subcommands are the modules of this package."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # For a name that does not exist Typer suggests the closest of these.
        self.commands = dict.fromkeys(self.list_commands(None))  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            return None
        module = importlib.import_module(f"chainrule.cli.{cmd_name}")
        single = typer.Typer(add_completion=False, rich_markup_mode=self.rich_markup_mode)
        single.command(cmd_name)(module.command)
        return typer.main.get_command(single)


app = typer.Typer(
    cls=_OnDemand,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from chainrule import __version__

        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def chainrule(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Backpropagation you can see through, prove, and run at full speed.

    Example: **chainrule demo** trains a network on real handwritten digits, walks one digit forward
    and backward through it, and proves every gradient.
    """


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # An output that cannot write δ shows "?" in its place rather than fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="chainrule")
