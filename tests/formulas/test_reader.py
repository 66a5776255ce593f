"""The reader of formulas itself: what it accepts, how tightly it binds, what it refuses."""

import numpy as np
import pytest

from tests.formulas.reader import read_latex, read_text

A = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([[0.5, -1.0], [2.0, 0.0]])
X = np.array([1.0, -2.0])
VALUES = {"a": A, "b": B, "x": X, "ȳ": A + 1, "i": np.array([1, 0]), "m": np.array([True, False])}
SOFTMAX = np.exp(A) / np.exp(A).sum(1, keepdims=True)

READINGS = [
    ("a b", r"a \, b", A @ B),
    ("a (b + a)", r"a \, \left(b + a\right)", A @ (B + A)),
    ("aᵀ b", r"a^{\top} \, b", A.T @ B),
    ("a b ⊙ a", r"a \, b \odot a", (A @ B) * A),
    ("2·a ⊙ b", r"2 \cdot a \odot b", 2 * A * B),
    ("a / 2 ⊙ b", r"\frac{a}{2} \odot b", A / 2 * B),
    ("a / (2·a)", r"\frac{a}{2 \cdot a}", A / (2 * A)),
    ("1/3·a", r"\frac{1}{3} \cdot a", A / 3),
    ("−a ⊙ b + a", r"-a \odot b + a", -(A * B) + A),
    ("a − b − a", "a - b - a", -B),
    ("a² ⊙ b", r"{a}^{2} \odot b", A**2 * B),
    ("a⁻¹", "{a}^{-1}", 1 / A),
    ("2^x", "{2}^{x}", 2.0**X),
    ("10⁻³·x", r"10^{-3} \cdot x", 1e-3 * X),
    ("√a", r"\sqrt{a}", np.sqrt(A)),
    ("|x|", r"\left|x\right|", np.abs(X)),
    ("⌊a / 2⌋", r"\left\lfloor \frac{a}{2} \right\rfloor", A // 2),
    ("ȳ ⊙ [a > b]", r"\bar{y} \odot \left[a > b\right]", (A + 1) * (A > B)),
    ("[x ≥ 0 ∧ ¬m]", r"\left[x \ge 0 \land \lnot m\right]", [0.0, 0.0]),
    ("[x < 0 ∨ m]", r"\left[x < 0 \lor m\right]", [1.0, 1.0]),
    ("[m ⊕ x < 0]", r"\left[m \oplus x < 0\right]", [1.0, 1.0]),
    ("[(x < 0 ∨ m) ∧ m]", r"\left[\left(x < 0 \lor m\right) \land m\right]", [1.0, 0.0]),
    ("Σ₁(a)", r"{\textstyle\sum}_{1}\left(a\right)", A.sum(1, keepdims=True)),
    ("sum₀‚₁(a)", r"\operatorname{sum}_{0,1}\left(a\right)", A.sum()),
    ("max(a, b)", r"\max\left(a, b\right)", np.maximum(A, B)),
    ("max₀(a)", r"\max_{0}\left(a\right)", A.max(0)),
    ("σ(x)", r"\sigma\left(x\right)", 1 / (1 + np.exp(-X))),
    ("softmax₁(a)", r"\operatorname{softmax}_{1}\left(a\right)", SOFTMAX),
    ("a[1]", r"a\left[1\right]", A[1]),
    ("a[:, -1]", r"a\left[{:}, -1\right]", A[:, -1]),
    ("a[..., 0:1]", r"a\left[\dots, 0{:}1\right]", A[..., 0:1]),
    ("a[i, 0]", r"a\left[i, 0\right]", A[[1, 0], 0]),
    ("a[[0, 0]]", r"a\left[\left[0, 0\right]\right]", A[[0, 0]]),
    ("a[0 ↦ x]", r"a\left[0 \mapsto x\right]", np.array([X, A[1]])),
    ("scatter(x, [i], shape(x))",
     r"\operatorname{scatter}\left(x, \left[i\right], \operatorname{shape}\left(x\right)\right)",
     X[::-1]),
    ("reshape(a, (4,))", r"\operatorname{reshape}\left(a, \left(4,\right)\right)", A.reshape(4)),
    ("a − onehot(i)", r"a - \operatorname{onehot}\left(i\right)", A - np.eye(2)[[1, 0]]),
    ("var₁(a, correction=0)",
     r"\operatorname{var}_{1}\left(a, \mathrm{correction}=0\right)", A.var(1)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "latex", "expected"), READINGS, ids=[r[0] for r in READINGS])
def test_both_notations_mean_the_same(text, latex, expected):
    np.testing.assert_allclose(read_text(text, VALUES), expected, rtol=1e-12)
    np.testing.assert_allclose(read_latex(latex, VALUES), expected, rtol=1e-12)


def test_a_product_with_a_bracket_is_0_where_the_bracket_is():
    values = {"x": np.array([np.nan, np.inf, 2.0]), "y": np.array([-1.0, 0.0, 1.0])}
    np.testing.assert_array_equal(read_text("x ⊙ [y > 0]", values), [0.0, 0.0, 2.0])
    np.testing.assert_array_equal(read_text("−∞·y ⊙ [y > 2]", values), [0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "formula",
    ["√a²", "√aᵀ", "a +", "(a", "[a > b", "a ⊙", "unknown", "a b)", "a ? b", "max(a b", "a[0"],
)
def test_what_is_ambiguous_or_unfinished_is_refused(formula):
    with pytest.raises(SyntaxError):
        read_text(formula, VALUES)


@pytest.mark.parametrize("formula", [r"\frac{a}", r"\left(a", r"a \odot", r"{a", r"\unknown a"])
def test_unfinished_latex_is_refused(formula):
    with pytest.raises(SyntaxError):
        read_latex(formula, VALUES)
