"""What the rules must offer so that an explanation can print them."""

from chainrule.primitive import table
from chainrule.symbol import LATEX, Symbol


def test_equality_of_expressions_is_a_formula_and_not_a_verdict() -> None:
    assert (Symbol("a") == Symbol("b")).text() == "[a = b]"
    assert (Symbol("a") != 0).text() == "[a ≠ 0]"


def test_a_rule_that_shares_a_tie_prints_the_condition() -> None:
    assert table["maximum"].formula()["a"].text() == "where([a = b], ȳ / 2, ȳ ⊙ [a ≥ b])"


def test_a_name_that_binds_loosely_takes_parentheses_where_it_is_transposed() -> None:
    gradient = Symbol("∂L/∂z", r"\frac{\partial L}{\partial z}", level="power")
    assert gradient.mT.text() == "(∂L/∂z)ᵀ"
    assert (gradient @ Symbol("W")).text() == "∂L/∂z W"


def test_a_symbol_may_stand_for_a_static_parameter() -> None:
    assert LATEX.parameter(Symbol("labels")) == r"\mathrm{labels}"
