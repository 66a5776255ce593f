"""The page on PyTorch says what the code has."""

import pytest

pytest.importorskip("torch")

from docs import pytorch


def test_the_page_is_current():
    written = pytorch.PAGE.read_text(encoding="utf-8")
    assert written == pytorch.page(), "write it anew: python -m docs.pytorch"


def test_a_name_that_is_missing_without_a_reason_is_reported():
    with pytest.raises(LookupError, match=r"torch\.nothing_of_the_kind is missing here"):
        pytorch.reason("", "nothing_of_the_kind")
