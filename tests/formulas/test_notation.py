"""How formulas look: numbers and signs in front, no parentheses more or less than needed."""

import pytest

import chainrule as cr
from chainrule.primitive import table
from chainrule.symbol import Symbol
from tests.formulas.tokens import of_latex

a, b, c = Symbol("a"), Symbol("b"), Symbol("c")
W = Symbol("W⁽²⁾", r"W^{(2)}")

WRITTEN = [
    (a + b - c, "a + b − c", "a + b - c"),
    (a - (b + c), "a − (b + c)", r"a - \left(b + c\right)"),
    (a + -b, "a − b", "a - b"),
    (a - -b, "a + b", "a + b"),
    (a + -2.0, "a − 2", "a - 2"),
    (-(a + b), "−(a + b)", r"-\left(a + b\right)"),
    (cr.neg(-a), "a", "a"),
    (a * 2, "2·a", r"2 \cdot a"),
    (a * (b * 2), "2·a ⊙ b", r"2 \cdot a \odot b"),
    (a * -b, "−a ⊙ b", r"-a \odot b"),
    (-a * -b, "a ⊙ b", r"a \odot b"),
    (1 * a, "a", "a"),
    (-1 * a, "−a", "-a"),
    (a * a, "a²", "{a}^{2}"),
    (a * a * a, "a³", "{a}^{3}"),
    (1 - a * a, "1 − a²", "1 - {a}^{2}"),
    ((a + b) * c, "(a + b) ⊙ c", r"\left(a + b\right) \odot c"),
    (2 * (a / 3), "2·a / 3", r"2 \cdot \frac{a}{3}"),
    (a * (b / c), "a ⊙ (b / c)", r"a \odot \frac{b}{c}"),
    (a / b * c, "a / b ⊙ c", r"\frac{a}{b} \odot c"),
    (a / (b * c), "a / (b ⊙ c)", r"\frac{a}{b \odot c}"),
    (a / b / b, "a / b²", r"\frac{a}{{b}^{2}}"),
    (-a / b, "−a / b", r"-\frac{a}{b}"),
    (a @ b, "a b", r"a \, b"),
    (a @ (b + c), "a (b + c)", r"a \, \left(b + c\right)"),
    ((2 * a) @ b, "(2·a) b", r"\left(2 \cdot a\right) \, b"),
    (a.mT, "aᵀ", r"a^{\top}"),
    ((a @ b).mT, "(a b)ᵀ", r"\left(a \, b\right)^{\top}"),
    (W.mT, "W⁽²⁾ᵀ", r"{W^{(2)}}^{\top}"),
    (a**2, "a²", "{a}^{2}"),
    (a**-1, "a⁻¹", "{a}^{-1}"),
    (a**0.5, "a^0.5", "{a}^{0.5}"),
    ((a + b) ** c, "(a + b)^c", r"{\left(a + b\right)}^{c}"),
    (2**a, "2^a", "{2}^{a}"),
    (cr.sqrt(a), "√a", r"\sqrt{a}"),
    (cr.sqrt(a + b), "√(a + b)", r"\sqrt{a + b}"),
    (cr.sqrt(a) ** 2, "(√a)²", r"{\sqrt{a}}^{2}"),
    (a > 0, "[a > 0]", r"\left[a > 0\right]"),
    (~(a > 0), "[a ≤ 0]", r"\left[a \le 0\right]"),
    ((a > 0) & (b < 1), "[a > 0 ∧ b < 1]", r"\left[a > 0 \land b < 1\right]"),
    (
        ((a > 0) | (b < 1)) & (c == 2),
        "[(a > 0 ∨ b < 1) ∧ c = 2]",
        r"\left[\left(a > 0 \lor b < 1\right) \land c = 2\right]",
    ),
    (cr.where(a > 0, b, 0.0), "b ⊙ [a > 0]", r"b \odot \left[a > 0\right]"),
    (cr.where(a > 0, 0.0, -b), "−b ⊙ [a ≤ 0]", r"-b \odot \left[a \le 0\right]"),
    (
        cr.where(a > 0, b, c),
        "where([a > 0], b, c)",
        r"\operatorname{where}\left(\left[a > 0\right], b, c\right)",
    ),
    (a[1:, None], "a[1:, None]", r"a\left[1{:}, \mathrm{None}\right]"),
    (a * (1 / 3), "1/3·a", r"\frac{1}{3} \cdot a"),
    (a * 0.1, "0.1·a", r"0.1 \cdot a"),
    (a * 1e-12, "10⁻¹²·a", r"10^{-12} \cdot a"),
    (a * 2.5e-7, "2.5·10⁻⁷·a", r"2.5 \cdot 10^{-7} \cdot a"),
    (a + float("-inf"), "a − ∞", r"a - \infty"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "text", "latex"), WRITTEN, ids=[w[1] for w in WRITTEN])
def test_a_formula_is_written_as_in_a_lecture(formula, text, latex):
    assert formula.text() == text
    assert formula.latex() == latex


RULES = {
    "exp": {"x": "ȳ ⊙ y"},
    "log": {"x": "ȳ / x"},
    "sqrt": {"x": "ȳ / (2·y)"},
    "tanh": {"x": "ȳ ⊙ (1 − y²)"},
    "relu": {"x": "ȳ ⊙ [y > 0]"},
    "abs": {"x": "ȳ ⊙ sign(x)"},
    "add": {"a": "ȳ", "b": "ȳ"},
    "sub": {"a": "ȳ", "b": "−ȳ"},
    "mul": {"a": "ȳ ⊙ b", "b": "ȳ ⊙ a"},
    "div": {"a": "ȳ / b", "b": "−ȳ ⊙ (a / b²)"},
    "matmul": {"a": "ȳ bᵀ", "b": "aᵀ ȳ"},
}


@pytest.mark.parametrize("name", RULES)
def test_the_derivative_table_reads_like_a_formula_sheet(name):
    assert {k: f.text() for k, f in table[name].formula().items()} == RULES[name]


@pytest.mark.parametrize(("dims", "index"), [(None, ""), ((0,), "₀"), ((0, 2), "₀‚₂")])
def test_reductions_name_their_dimensions_and_capitals_keep_them(dims, index):
    for name, dropped, kept in (
        ("sum", "sum", "Σ"),
        ("mean", "mean", "Mean"),
        ("amax", "max", "Max"),
        ("logsumexp", "logsumexp", "LogSumExp"),
    ):
        call = cr.primitive.operators[name]
        assert call(a, dims, False).text() == f"{dropped}{index}(a)"
        assert call(a, dims, True).text() == f"{kept}{index}(a)"


def test_latex_never_has_two_superscripts_on_one_base():
    for formula in (W.mT, W**2, table["linear"].formula([a, W, b])["x"], (W**2).mT):
        latex = formula.latex()
        assert of_latex(latex)
        assert "}^{(2)}^" not in latex and "^{(2)}^" not in latex


def test_a_formula_has_no_truth_value_and_cannot_be_iterated():
    with pytest.raises(TypeError, match=r"\[a > 0\] has no truth value"):
        bool(a > 0)
    with pytest.raises(TypeError, match="cannot be iterated"):
        list(a)
