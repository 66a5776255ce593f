"""The page on PyTorch says what the code has."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")

from docs import pytorch


def test_the_page_is_current():
    # In a fresh interpreter: what other tests import adds rooms to PyTorch's namespaces.
    program = (
        "from docs import pytorch\n"
        "written = pytorch.PAGE.read_text(encoding='utf-8')\n"
        "assert written == pytorch.page(), 'write it anew: python -m docs.pytorch'\n"
    )
    paths = [str(pytorch.PAGE.parent.parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path[:0] = {paths!r}\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_missing_without_a_reason_is_reported():
    with pytest.raises(LookupError, match=r"torch\.nothing_of_the_kind is missing here"):
        pytorch.reason("", "nothing_of_the_kind")
