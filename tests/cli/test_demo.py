"""`chainrule demo` from the outside: what it says, in which form, and its exit status."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import chainrule as cr
from chainrule.cli import app
from chainrule.demo import digits

SOURCE = Path(cr.__file__).parents[1]


def refuse_constant(name):
    raise AssertionError(f"{name} is not JSON")


def strictly(text):
    return json.loads(text, parse_constant=refuse_constant)


@pytest.fixture
def run(monkeypatch):
    """Run the demo after one epoch, asking for no accuracy and comparing with quick methods."""

    def invoke(*arguments, methods=("textbook", "PyTorch"), accuracy=0.0, columns=80):
        monkeypatch.setattr(digits, "prove", functools.partial(digits.prove, methods=methods))
        monkeypatch.setattr(digits, "REQUIRED_ACCURACY", accuracy)
        environment = {"COLUMNS": str(columns), "NO_COLOR": None, "FORCE_COLOR": None}
        return CliRunner().invoke(app, ["demo", "--epochs", "1", *arguments], env=environment)

    return invoke


@pytest.fixture
def sabotage(monkeypatch):
    """Let a ReLU pass every gradient on, as if it were the identity."""

    def unmasked(node, g, tensors, only):
        return [(node.inputs[0], g)]

    monkeypatch.setattr(cr.relu.primitive, "pull", unmasked)


def test_the_whole_demo_succeeds_and_prints_one_json_object():
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    command = "from chainrule.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", command, "demo", "--json"],
        capture_output=True,
        env=environment,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stderr == b""
    report = strictly(ran.stdout.decode())
    assert report["ok"]
    assert report["training"]["accuracy"] >= 0.97
    assert report["walk"]["backward"][0]["formula"] == "p − onehot(y)"
    names = [row["name"] for row in report["proof"]["rows"]]
    assert names == [f"fc{k}.{kind}" for k in (1, 2, 3) for kind in ("weight", "bias")]
    for row in report["proof"]["rows"]:
        assert set(row["errors"]) == {"textbook", "finite differences", "complex step", "PyTorch"}
        assert all(error < 64 for error in row["errors"].values())


def test_a_pipe_gets_plain_text_of_80_columns(run):
    result = run()
    assert result.exit_code == 0, result.output
    assert not set(result.stdout) & {"\x1b", "\r"}
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "epoch" in result.stdout


def test_it_trains_walks_and_proves_in_a_lecture_s_words(run):
    shown = run().stdout
    for expected in (
        "1  Train on real digits",
        "held-out digits right",
        "z⁽¹⁾ = W⁽¹⁾ x + b⁽¹⁾",
        "p = softmax(z⁽³⁾)",
        "δ⁽³⁾ = p − onehot(y)",
        "δ⁽¹⁾ = (W⁽²⁾ᵀ δ⁽²⁾) ⊙ [a⁽¹⁾ > 0]",
        "∇W⁽¹⁾ = δ⁽¹⁾ xᵀ",
        "fc1.weight  32×64",
        "✓ Proof: all 6 gradients agree with every method.",
    ):
        assert expected in shown


def test_a_wide_terminal_shows_more_numbers_and_no_line_is_too_long_to_read(run):
    narrow, wide = run().stdout, run(columns=200).stdout
    assert max(map(len, wide.splitlines())) <= 120

    def entries(text):
        line = next(line for line in text.splitlines() if line.strip().startswith("z⁽¹⁾ ="))
        return line.split("32×1")[1].split()

    assert len(entries(wide)) > len(entries(narrow)) + 2


def test_a_narrow_terminal_cuts_off_entries_before_formulas(run):
    shown = run(columns=60).stdout
    assert max(map(len, shown.splitlines())) <= 60
    assert "δ⁽¹⁾ = (W⁽²⁾ᵀ δ⁽²⁾) ⊙ [a⁽¹⁾ > 0]   32×1" in shown


def test_too_little_training_fails_and_says_what_is_missing(run):
    result = run(accuracy=0.97)
    assert result.exit_code == 1
    assert "of the held-out digits is short of 97 %" in result.stdout
    assert "✓ Proof" in result.stdout


def test_a_wrong_rule_fails_and_the_wrong_gradients_are_named(run, sabotage):
    result = run()
    assert result.exit_code == 1
    lines = " ".join(result.stdout.split())
    assert "✗ Proof: the gradient of fc1.weight, fc1.bias, fc2.weight, fc2.bias is wrong." in lines
    marks = {
        line.split()[0]: line.split()[-1]
        for line in result.stdout.splitlines()
        if line.strip().startswith("fc") and "×" in line
    }
    assert marks == {"fc1.weight": "✗", "fc2.weight": "✗", "fc3.weight": "✓"}


def test_json_of_a_wrong_rule_says_so_too(run, sabotage):
    result = run("--json")
    assert result.exit_code == 1
    report = strictly(result.stdout)
    assert not report["ok"]
    assert [row["name"] for row in report["proof"]["rows"] if row["ok"]] == [
        "fc3.weight",
        "fc3.bias",
    ]


def test_json_has_no_nan_even_where_a_gradient_is_one(run, monkeypatch):
    def not_a_number(node, g, tensors, only):
        return [(node.inputs[0], g * float("nan"))]

    monkeypatch.setattr(cr.relu.primitive, "pull", not_a_number)
    result = run("--json")
    assert result.exit_code == 1
    assert strictly(result.stdout)["proof"]["rows"][0]["errors"]["textbook"] is None


def test_without_pytorch_the_proof_says_that_it_is_missing_and_holds(run, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    result = run()
    assert result.exit_code == 0
    assert "PyTorch: left out: PyTorch is not installed" in result.stdout


def test_no_comparison_is_no_proof(run):
    result = run(methods=())
    assert result.exit_code == 1
    assert "✗ Proof: nothing to compare with." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["--epochs", "0"], "--epochs"), (["--seed", "-1"], "--seed"), (["--seed", "x"], "--seed")],
)
def test_options_out_of_range_are_refused_by_name(arguments, complaint):
    result = CliRunner().invoke(app, ["demo", *arguments])
    assert result.exit_code == 2
    assert complaint in result.output


def test_the_help_gives_an_example():
    result = CliRunner().invoke(app, ["demo", "--help"])
    assert result.exit_code == 0
    assert "chainrule demo --seed 7" in result.stdout
