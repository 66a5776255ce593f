"""Pages that are written from the code say what the code does now."""

from pathlib import Path

import docs.numerics
import docs.operations
from tests.ops.test_stability import CASES

FOLDER = Path(__file__).resolve().parents[2] / "docs"


def test_the_operations_page_is_current():
    written = (FOLDER / "operations.md").read_text(encoding="utf-8")
    assert written == docs.operations.page(), "run python -m docs.operations"


def test_every_differentiable_operation_has_its_derivative_on_the_page():
    for entry in docs.operations.entries():
        found = docs.operations.derivation(entry)
        if found is not None:
            assert found.rules or found.parts, entry.names


def test_the_numerics_page_has_every_case():
    written = (FOLDER / "numerics.md").read_text(encoding="utf-8")
    for name, kind in CASES:
        assert f"| {name} | {kind} |" in written, "run python -m docs.numerics"
    assert written.startswith(docs.numerics.INTRODUCTION)
