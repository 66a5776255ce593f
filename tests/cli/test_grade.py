"""`chainrule grade`: a class of submissions in one table."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from chainrule.cli import app
from chainrule.verify.grading import read_spec, submissions

LOSS = """
import numpy as np
def loss(p, x, y):
    return np.mean((np.tanh(x @ p["W1"] + p["b1"]) @ p["W2"] - y) ** 2)
"""
RIGHT = """
import numpy as np
def gradients(p, x, y):
    h = np.tanh(x @ p["W1"] + p["b1"])
    d = 2 * (h @ p["W2"] - y) / y.size
    dz = d @ p["W2"].T * (1 - h**2)
    return {"W1": x.T @ dz, "b1": dz.sum(0), "W2": h.T @ d}
"""
SPEC = """
loss = "loss.py:loss"
gradient = "gradients"
params = "data.npz"
timeout = 20
forgive_consequences = true
[points]
W1 = 3
b1 = 1
W2 = 2
"""


@pytest.fixture
def course(tmp_path):
    random = np.random.default_rng(0)
    arrays = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "x": (6, 3), "y": (6, 2)}
    np.savez(tmp_path / "data.npz", **{k: random.normal(size=s) for k, s in arrays.items()})
    (tmp_path / "loss.py").write_text(LOSS)
    (tmp_path / "spec.toml").write_text(SPEC)
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "ada.py").write_text(RIGHT)
    (folder / "bo.py").write_text(RIGHT.replace(" * (1 - h**2)", ""))
    (folder / "cy").mkdir()
    (folder / "cy" / "homework.py").write_text("def gradients(p, x, y):\n    return 1 / 0\n")
    return tmp_path


def test_each_student_has_a_line_with_points_and_the_mistake(course):
    out = course / "out"
    result = CliRunner().invoke(
        app,
        ["grade", str(course / "spec.toml"), str(course / "submissions"), "--output", str(out)],
    )
    assert result.exit_code == 0, result.output
    assert "3 submissions, 1 right" in result.output
    with out.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        lines = {line["student"]: line for line in csv.DictReader(file)}
    assert (lines["ada"]["points"], lines["ada"]["status"], lines["ada"]["mistake"]) == (
        "6",
        "right",
        "",
    )
    assert lines["bo"]["mistake"] == "missing activation derivative"
    # W1's gradient is wrong only as a consequence of what shows in b1's, and is forgiven.
    assert (lines["bo"]["points"], lines["bo"]["of"]) == ("5", "6")
    assert (lines["cy"]["points"], lines["cy"]["status"]) == ("0", "error")
    assert "ZeroDivisionError" in lines["cy"]["message"]
    page = out.with_suffix(".html").read_text(encoding="utf-8")
    assert page.count("<h2") == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= 1", "not valid TOML"),
        ("colour = 1", "unknown key 'colour'"),
        ('gradient = "g"', "the key 'loss' is needed"),
        ('gradient = "g"\nloss = "loss"\nparams = "p"', "FILE.py:FUNCTION"),
    ],
)
def test_a_specification_that_cannot_be_read_says_why(tmp_path, text, message):
    path = tmp_path / "spec.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_spec(path)


def test_a_folder_without_submissions_is_refused(course):
    empty = course / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="holds no submissions"):
        submissions(empty, read_spec(course / "spec.toml"))


def test_wrong_calls_give_status_2(tmp_path):
    result = CliRunner().invoke(app, ["grade", str(tmp_path / "no.toml"), str(tmp_path)])
    assert result.exit_code == 2
