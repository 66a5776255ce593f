"""Numbers that formulas show under their names."""

import math

import pytest

import chainrule as cr
from chainrule.symbol import CONSTANTS, LATEX, TEXT, Symbol
from tests.formulas.reader import read_latex, read_text


@pytest.mark.parametrize("value", CONSTANTS)
def test_a_name_of_a_number_reads_as_the_number(value):
    text, latex = CONSTANTS[value]
    assert read_text(text, {}) == pytest.approx(value, rel=1e-15)
    assert read_latex(latex, {}) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize(
    "formula",
    [
        lambda c, x: c * x,
        lambda c, x: x / c,
        lambda c, x: c / x,
        lambda c, x: c - x,
        lambda c, x: x**c,
        lambda c, x: c**x,
        lambda c, x: -c * x * c,
        lambda c, x: cr.exp(x * c) + c,
    ],
)
def test_a_named_number_keeps_its_place_among_operators(formula, value):
    expected = formula(value, cr.tensor(0.75, dtype=cr.float64)).item()
    written = formula(value, Symbol("x"))
    assert read_text(written.text(), {"x": 0.75}) == pytest.approx(expected, rel=1e-12)
    assert read_latex(written.latex(), {"x": 0.75}) == pytest.approx(expected, rel=1e-12)


def test_negative_named_numbers_have_their_sign():
    assert TEXT.number(-math.pi)[0] == "−π"
    assert LATEX.number(-2 / math.sqrt(math.pi))[0] == r"-\frac{2}{\sqrt{\pi}}"
