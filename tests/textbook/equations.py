"""Printed equations read back as Python, so that tests can evaluate what people are shown."""

import re
from typing import Any

_REPLACEMENTS = {
    "−": "-",
    "½": "0.5 *",
    "²": "**2",
    "ᵀ": ".T",
    "∘": "*",
    "′": "_derivative",
    "Σₙ": "sum_over_samples *",
    "[ŷ": "(ŷ",
    "σ(": "sigmoid(",
}


def python_of(formula: str) -> str:
    """``2 (ŷ − y) / (N K)`` as ``2 * (y_hat - y) / (N * K)``, ``W[1] a[0]`` as ``W[1] @ a[0]``."""
    if formula.startswith("["):
        formula = f"({formula[1:-1]})"
    for printed, python in _REPLACEMENTS.items():
        formula = formula.replace(printed, python)
    formula = formula.replace("y\u0302", "ŷ").replace("ŷ", "y_hat")
    formula = re.sub(r"log (softmax\(y_hat\)|y_hat)", r"log(\1)", formula)
    # A matrix product is two indexed names side by side, any other neighbours are a product.
    formula = re.sub(r"(\]|\]\.T) (?=\w+\[)", r"\1 @ ", formula)
    return re.sub(r"([\w)]) (?=[\w(])", r"\1 * ", formula)


def evaluate(formula: str, **names: Any) -> Any:
    """The value of a printed formula, given its names."""
    return eval(python_of(formula), {"__builtins__": {}}, names)
