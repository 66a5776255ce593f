"""What every kind of test shares: Markdown files whose code is run, and Hypothesis's settings."""

from hypothesis import settings
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

# A deadline is an assertion on wall-clock time, which a busy machine breaks.
settings.register_profile("chainrule", settings.default, deadline=None)
settings.load_profile("chainrule")

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"]).pytest()
