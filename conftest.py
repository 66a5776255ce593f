"""What every kind of test shares: Markdown files whose code is run, and Hypothesis's settings."""

from collections.abc import Generator

import pytest
from hypothesis import settings
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import PythonCodeBlockParser

# A deadline is an assertion on wall-clock time, which a busy machine breaks.
settings.register_profile("chainrule", settings.default, deadline=None)
settings.load_profile("chainrule")

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"]).pytest()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Keep the examples of one page on one worker: each uses the names of those before it.

    A wrapper runs before xdist's own hook, which reads the marks.
    """
    for item in items:
        if isinstance(item, SybilItem):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    return (yield)
