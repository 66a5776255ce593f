"""The command as a whole: its help, its version, its errors, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import chainrule
from chainrule.cli import app, main


def invoke(*arguments):
    return CliRunner().invoke(app, arguments, prog_name="chainrule")


def test_the_version_is_that_of_the_package():
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout == f"chainrule {chainrule.__version__}\n"


def test_the_help_lists_the_commands_and_starts_with_an_example():
    result = invoke("--help")
    assert result.exit_code == 0
    assert "chainrule demo" in result.stdout
    assert "prove them all" in result.stdout


def test_without_a_command_the_help_is_shown():
    result = invoke()
    assert result.exit_code == 2
    assert "Usage: chainrule" in result.output


def test_a_misspelt_command_is_refused_with_the_one_that_was_meant():
    result = invoke("dmeo")
    assert result.exit_code == 2
    assert "No such command 'dmeo'" in result.output
    assert "Did you mean 'demo'?" in result.output


def test_the_name_of_no_command_is_not_imported():
    assert invoke("__main__").exit_code == 2
    assert invoke("os").exit_code == 2


def test_main_runs_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["chainrule", "--version"])
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 0
    assert capsys.readouterr().out.startswith("chainrule ")


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_importing_the_library_loads_nothing_of_the_command_line():
    loaded = loaded_by("import chainrule")
    assert "chainrule.tensor" in loaded
    assert not loaded & {"typer", "rich", "scipy", "torch", "chainrule.cli", "chainrule.demo"}


def test_the_command_line_loads_a_command_only_when_it_is_run():
    loaded = loaded_by("import chainrule.cli")
    assert "typer" in loaded
    assert not loaded & {"chainrule.cli.demo", "chainrule.demo", "chainrule.verify", "torch"}
