"""Every operation of the library, with every sample it is tested on, can be explained."""

from typing import Any

import numpy as np
import pytest

from chainrule.explanation import Explanation, explain
from chainrule.explanation.algebra import evaluate
from tests.ops.comparison import REFUSALS, differentiable, run_here
from tests.ops.samples import OPERATIONS

ENDINGS = ("text", "markdown", "latex", "svg", "html", "json")


def explanations(operation: Any, convention: str | None) -> list[Explanation]:
    """Return the explanation of the sum of squares of each sample's results."""
    found = []
    for sample in operation.samples:
        try:
            _, results = run_here(operation, sample, np.float64, requires_grad=True)
        except REFUSALS:
            continue
        losses = [(r * r).sum() for r in results if differentiable(r)]
        if losses:
            found.append(explain(sum(losses[1:], losses[0]), scope={}, convention=convention))
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestEveryOperation:
    @pytest.mark.parametrize("convention", [None, "column"])
    def test_it_has_a_formula_and_the_formula_holds(self, operation: Any, convention: Any) -> None:
        for explanation in explanations(operation, convention):
            derivation = explanation.derivation
            numbers = derivation.numbers()
            for step in derivation.steps:
                assert step.forms, step.note
                gradient = derivation.values[step.of].gradient
                for form in step.forms:
                    np.testing.assert_allclose(
                        evaluate(form.formula, numbers), gradient, rtol=1e-6, atol=1e-9
                    )

    def test_it_can_be_shown_in_every_way(self, operation: Any) -> None:
        for explanation in explanations(operation, None)[:3]:
            for ending in ENDINGS:
                assert explanation.render(ending)
