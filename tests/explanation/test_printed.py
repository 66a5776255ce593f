"""Honesty: every formula that an explanation shows is read back as printed, and evaluated.

The reader knows nothing of the library. Names are put in as letters first, because a name may be
anything that a program can call a tensor.
"""

import re
from typing import Any

import numpy as np
import pytest

from chainrule.explanation import Derivation, explain
from chainrule.symbol import Expr, Symbol
from tests.explanation import networks
from tests.formulas.functions import FUNCTIONS
from tests.formulas.reader import read_latex, read_text

# The derivatives that textbook forms name, from their definitions.
DERIVATIVES = {
    "σ′": (r"\sigma'", "sigmaprime", lambda z: 0.25 / np.cosh(np.asarray(z) / 2) ** 2),
    "tanh′": (r"\tanh'", "tanhprime", lambda z: 1 / np.cosh(z) ** 2),
    "relu′": (r"\operatorname{relu}'", "reluprime", lambda z: (np.asarray(z) > 0) * 1.0),
}


def letters(k: int) -> str:
    """Return a name of letters only that no function has."""
    return "q" + "".join("abcdefghij"[int(d)] for d in f"{k:03d}")


class Printed:
    """Formulas of one derivation with letters for names, read back and evaluated."""

    def __init__(self, derivation: Derivation) -> None:
        self.values: dict[str, Any] = {}
        self.text: list[tuple[str, str]] = []
        self.latex: list[tuple[str, str]] = []
        for k, (symbol, array) in enumerate(derivation.numbers().items()):
            array = np.asarray(array)
            kept = array.astype(np.float64) if array.dtype.kind == "f" else array
            self.values[letters(k)] = kept
            self._name(symbol, letters(k))
            if array.dtype.kind in "iu" and array.ndim == 1:
                # One-hot columns: the reader's own one-hot rows, turned.
                classes = np.arange(int(array.max()) + 1)
                self.values[letters(k) + "turned"] = (classes[:, None] == array) * 1.0
                self.text.append((f"onehot({symbol.name})ᵀ", letters(k) + "turned"))
                latex = rf"\operatorname{{onehot}}\left({symbol.latex_name}\right)^{{\top}}"
                self.latex.append((latex, rf"\mathrm{{{letters(k)}turned}}"))
        for name, (latex, plain, _) in DERIVATIVES.items():
            self.text.append((name, plain))
            self.latex.append((latex, rf"\operatorname{{{plain}}}"))

    def _name(self, symbol: Symbol, plain: str) -> None:
        self.text.append((symbol.name, plain))
        self.latex.append((symbol.latex_name, rf"\mathrm{{{plain}}}"))

    def of_text(self, formula: Expr) -> Any:
        return read_text(_replaced(formula.text(), self.text), self.values)

    def of_latex(self, formula: Expr) -> Any:
        return read_latex(_replaced(formula.latex(), self.latex), self.values)


def _replaced(formula: str, names: list[tuple[str, str]]) -> str:
    by_length = sorted(names, key=lambda pair: -len(pair[0]))
    known = dict(by_length)
    pattern = "|".join(
        rf"(?<![A-Za-z0-9_\\]){re.escape(n)}(?![A-Za-z0-9_])" if n[0].isalpha() else re.escape(n)
        for n in known
    )
    return re.sub(pattern, lambda match: known[match.group()], formula)


@pytest.fixture(autouse=True)
def _derivatives(monkeypatch: pytest.MonkeyPatch) -> None:
    for _, plain, function in DERIVATIVES.values():
        monkeypatch.setitem(FUNCTIONS, plain, function)


@pytest.mark.parametrize("name", networks.ALL)
@pytest.mark.parametrize("convention", ["row", "column"])
@pytest.mark.parametrize("style", ["of_text", "of_latex"])
def test_what_is_printed_is_what_stands_beside_it(name: str, convention: str, style: str) -> None:
    case = networks.ALL[name]()
    derivation = explain(case.loss, scope=case.scope, convention=convention).derivation
    read = getattr(Printed(derivation), style)
    shown: list[tuple[Expr, Any]] = []
    for value in derivation.forward():
        assert value.formula is not None
        shown.append((value.formula, value.array))
    for step in derivation.steps:
        gradient = derivation.values[step.of].gradient
        shown += [(form.formula, gradient) for form in step.forms]
        shown += [(term.formula, term.array) for term in step.terms if term.formula is not None]
    assert len(shown) > 2 * len(derivation.steps)
    for formula, array in shown:
        found = np.broadcast_to(read(formula), np.shape(array))
        np.testing.assert_allclose(found, array, rtol=2e-3, atol=2e-5, err_msg=formula.text())
