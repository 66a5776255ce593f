"""The page about check: its examples run, and it lists the whole catalogue."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from chainrule.verify.catalogue import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")


def test_the_examples_run(tmp_path):
    # In a process of its own: the page adds a kind to the catalogue.
    script = tmp_path / "page.py"
    script.write_text("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), "utf-8")
    source = Path(sys.modules["chainrule"].__file__).parents[1]
    result = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        env={"PYTHONPATH": str(source), "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    assert "missing activation derivative" in result.stdout.decode()


def test_every_kind_is_listed_with_its_formulas():
    for kind in KINDS.values():
        (line,) = [text for text in PAGE.splitlines() if text.startswith(f"| `{kind.name}` |")]
        assert kind.summary in line
