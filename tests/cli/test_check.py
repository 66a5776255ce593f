"""`chainrule check`: scripts and functions in a process of their own, formats, exit statuses."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from chainrule.cli import app

WRONG = """
import chainrule as cr
w = cr.tensor([1.0, 2.0], requires_grad=True)
v = cr.tensor([3.0, 5.0], requires_grad=True)
loss = (w * w * v).sum()
cr.check(loss, {"w": [-6.0, -20.0], "v": [1.0, 4.0]})
"""
FUNCTIONS = """
import numpy as np
def loss(p, x, y):
    return np.mean((x @ p["w"] - y) ** 2)
def gradients(p, x, y):
    return {"w": 2 * x.T @ (x @ p["w"] - y) / len(y)}
def wrong(p, x, y):
    return {"w": x.T @ (x @ p["w"] - y) / len(y)}
"""


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return str(path)

    return write


def check(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_a_wrong_gradient_is_named_and_gives_status_1(script):
    result = check(script(WRONG), "--points", "w=3,v=1")
    assert result.exit_code == 1
    assert "w: sign" in result.output
    assert "Points: 1 of 4" in result.output


def test_right_gradients_give_status_0(script):
    result = check(script(WRONG.replace("-6.0, -20.0", "6.0, 20.0")))
    assert result.exit_code == 0
    assert "All right: 2 gradients checked." in result.output


def test_json_junit_and_html_hold_the_same_verdicts(script, tmp_path):
    path = script(WRONG)
    data = json.loads(check(path, "--format", "json").output)
    assert data["ok"] is False
    assert data["reports"][0]["mistakes"][0]["kind"] == "sign"
    suites = ElementTree.fromstring(check(path, "--format", "junit").output.encode())
    failed = [
        case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["w"]
    page = tmp_path / "out.html"
    assert check(path, "--format", "html", "--output", page).exit_code == 1
    assert "<!doctype html>" in page.read_text(encoding="utf-8")


def test_functions_are_checked_on_data_from_a_file(script, tmp_path):
    data = tmp_path / "data.npz"
    random = np.random.default_rng(0)
    np.savez(data, w=random.normal(size=3), x=random.normal(size=(5, 3)), y=random.normal(size=5))
    path = script(FUNCTIONS)
    assert check(path, "--functions", "loss,gradients", "--params", data).exit_code == 0
    result = check(path, "--functions", "loss,wrong", "--params", data)
    assert result.exit_code == 1
    assert "1/2 times" in result.output


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero at script.py:1: 1 / 0"),
        ("while True: pass", "stopped after 3 s"),
        ("import os; os._exit(7)", "ended with status 7 and no result"),
        ("import sys; sys.exit(4)", "exit status 4"),
        ("print('hello')", "no gradient was checked"),
    ],
)
def test_whatever_a_script_does_is_contained_and_reported(script, code, message):
    result = check(script(code), "--timeout", "3")
    assert result.exit_code == 1
    assert message in result.output


def test_endless_output_is_cut(script):
    result = check(script("print('x' * 1_000_000)\nraise ValueError('here')"))
    assert "ValueError: here" in result.output
    assert len(result.output) < 30_000


@pytest.mark.parametrize(
    "arguments",
    [
        ("missing.py",),
        (__file__, "--format", "pdf"),
        (__file__, "--functions", "loss"),
        (__file__, "--functions", "loss,gradient"),
        (__file__, "--functions", "loss,gradient", "--params", "missing.npz"),
        (__file__, "--points", "many"),
    ],
)
def test_wrong_calls_give_status_2(arguments):
    assert check(*arguments).exit_code == 2
