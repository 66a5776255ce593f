"""`chainrule explain` from the outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from chainrule.cli import app

SCRIPT = """
import chainrule as cr

w = cr.tensor([[1.0, -2.0]], requires_grad=True)
x = cr.tensor([[0.5, 0.25]])
z = x @ w.T
loss = (z - 1) ** 2
loss = loss.sum()
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, script=None):
        if script is not None:
            (tmp_path / "net.py").write_text(script, encoding="utf-8")
        return CliRunner().invoke(app, ["explain", *arguments])

    return invoke


def test_a_script_is_explained_with_its_names(run) -> None:
    result = run("net.py", script=SCRIPT)
    assert result.exit_code == 0, result.output
    assert "The derivation of L (your loss)" in result.stdout
    assert "∂L/∂w = δ⁽¹⁾ᵀ x" in result.stdout
    assert "net.py:6" in result.stdout


def test_a_script_that_trains_is_explained_as_it_was_at_its_last_backward(run) -> None:
    training = SCRIPT + (
        "loss.backward()\n"
        "gradient = w.grad.numpy().tolist()\n"
        "with cr.no_grad():\n    w -= 0.1 * w.grad\n"
        "import json\nprint(json.dumps(gradient))\n"
    )
    result = run("net.py", "--format", "json", script=training)
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    weights = next(v for v in data["values"] if v["name"]["text"] == "w")
    step = next(s for s in data["backward"] if s["of"] == weights["key"])
    assert weights["array"]["entries"] == [[1.0, -2.0]]
    np.testing.assert_allclose(step["array"]["entries"], json.loads(result.stderr))


def test_a_loss_inside_a_function_is_found_by_its_backward(run) -> None:
    inside = (
        "import chainrule as cr\n"
        "w = cr.tensor([2.0], requires_grad=True)\n"
        "def step():\n    (w * 3).sum().backward()\n"
        "step()\n"
    )
    result = run("net.py", script=inside)
    assert result.exit_code == 0, result.output
    assert "∂L/∂w" in result.stdout


def test_target_and_of_choose(run) -> None:
    two = SCRIPT + "other = (w * w).sum()\n"
    assert "your other" in run("net.py", script=two).stdout
    assert "your loss" in run("net.py", "--target", "loss").stdout
    assert run("net.py", "--target", "loss", "--of", "w").stdout.startswith("How L (your loss)")


def test_an_error_in_the_script_is_shown_as_the_scripts_own(run) -> None:
    broken = "import chainrule as cr\nx = cr.ones(3, 1)\ny = x @ cr.ones(3, 4)\n"
    result = run("net.py", script=broken)
    assert result.exit_code == 1
    assert 'File "net.py", line 3' in result.stderr
    assert "mat1 and mat2 shapes cannot be multiplied" in result.stderr
    assert "chainrule/" not in result.stderr.replace(os.sep, "/")


def test_a_syntax_error_names_the_line(run) -> None:
    result = run("net.py", script="x = = 1\n")
    assert result.exit_code == 1
    assert "SyntaxError" in result.stderr and "line 1" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "nowhere.py"),
        ([], "give a script"),
        (["--layers", "3"], "at least two sizes"),
        (["--layers", "3-0-1"], "at least two sizes"),
        (["--layers", "3-1", "--loss", "l1"], "use one of bce, mse, ce"),
        (["--layers", "3-1", "--out", "tanh"], "use --out sigmoid"),
        (["--layers", "3-1", "--loss", "ce", "--out", "softmax"], "use --out none"),
        (["--layers", "3-1", "--activation", "maxout"], "--activation maxout"),
        (["--layers", "3-1", "--format", "pdf"], "unknown format 'pdf'"),
        (["--layers", "3-1", "--convention", "diagonal"], "convention"),
        (["--layers", "3-1", "--of", "nothing"], "no value is called 'nothing'"),
        (["--layers", "3-1", "-o", "net.pdf"], "names no format"),
        (["--layers", "3-1", "--batch", "0"], "at least one sample"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(run, arguments, message) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_script_without_a_loss_is_told_so(run) -> None:
    result = run("net.py", script="x = 1\n")
    assert result.exit_code == 2 and "ends without a scalar" in result.stderr
    result = run("net.py", "--target", "x")
    assert result.exit_code == 2 and "not a Tensor" in result.stderr


class TestQuickNets:
    @pytest.mark.parametrize("loss", ["bce", "mse", "ce"])
    @pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "none"])
    def test_any_combination_explains_itself(self, run, loss: str, activation: str) -> None:
        result = run(
            "--layers", "3-4-2", "--loss", loss, "--activation", activation, "--batch", "5"
        )
        assert result.exit_code == 0, result.output
        assert "∂L/∂W⁽¹⁾ = δ⁽¹⁾ᵀ x" in result.stdout
        assert ".py:" not in result.stdout

    def test_the_same_seed_gives_the_same_net(self, run) -> None:
        first = run("--layers", "3-2-1", "--seed", "7").stdout
        assert first == run("--layers", "3-2-1", "--seed", "7").stdout
        assert first != run("--layers", "3-2-1", "--seed", "8").stdout

    def test_weights_of_a_file(self, run, tmp_path: Path) -> None:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
        torch.save(model.state_dict(), tmp_path / "net.pth")
        result = run("net.pth", "--layers", "3-2-1", "--format", "json")
        assert result.exit_code == 0, result.output
        values = {v["name"]["text"]: v for v in json.loads(result.stdout)["values"]}
        np.testing.assert_array_equal(
            np.float32(values["0.weight"]["array"]["entries"]), model[0].weight.detach().numpy()
        )

    def test_weights_that_do_not_fit(self, run, tmp_path: Path) -> None:
        torch.save({"w": torch.ones(2, 5)}, tmp_path / "net.pth")
        result = run("net.pth", "--layers", "3-2")
        assert result.exit_code == 2
        assert "the file holds w [2, 5]" in result.stderr


class TestOutput:
    @pytest.mark.parametrize("ending", ["txt", "md", "tex", "html", "svg", "json"])
    def test_the_ending_of_the_file_chooses_the_format(
        self, run, tmp_path: Path, ending: str
    ) -> None:
        result = run("--layers", "2-1", "-o", f"net.{ending}")
        assert result.exit_code == 0, result.output
        assert result.stdout == ""
        assert len((tmp_path / f"net.{ending}").read_text(encoding="utf-8")) > 200

    def test_open_shows_a_page(self, run, monkeypatch) -> None:
        opened = []
        monkeypatch.setattr("webbrowser.open", opened.append)
        assert run("--layers", "2-1", "--open").exit_code == 0
        assert opened[0].startswith("file:") and opened[0].endswith(".html")

    def test_a_file_that_cannot_be_written(self, run) -> None:
        result = run("--layers", "2-1", "-o", "missing/net.txt")
        assert result.exit_code == 2 and "cannot write" in result.stderr


def test_importing_the_package_loads_no_command_line() -> None:
    code = (
        "import chainrule, sys; print([m for m in ('typer', 'rich', 'scipy') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
