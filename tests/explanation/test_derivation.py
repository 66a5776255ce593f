"""What a derivation says: names, formulas, numbers; and that saying it changes nothing."""

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.nn.functional as F
from chainrule.explanation import Derivation, explain
from chainrule.explanation.algebra import evaluate
from tests.explanation import networks

EVERY_CASE = pytest.mark.parametrize("name", networks.ALL)
CONVENTIONS = pytest.mark.parametrize("convention", [None, "row", "column"])


def derive(name: str, **options: Any) -> tuple[networks.Case, Derivation]:
    case = networks.ALL[name]()
    return case, explain(case.loss, scope=case.scope, **options).derivation


def gradient_of(derivation: Derivation, name: str) -> Any:
    return next(v for v in derivation.values.values() if v.name == name).gradient


def forms_of(derivation: Derivation, name: str) -> list[str]:
    value = next(
        v
        for v in derivation.values.values()
        if name in (v.name, v.gradient_symbol.name if v.gradient_symbol is not None else "")
    )
    step = derivation.step_of(value.key)
    assert step is not None
    return [form.formula.text() for form in step.forms]


class TestNumbers:
    @EVERY_CASE
    @CONVENTIONS
    def test_gradients_of_leaves_are_those_of_backward(
        self, name: str, convention: str | None
    ) -> None:
        case, derivation = derive(name, convention=convention)
        case.loss.backward()
        leaves = {k: t for k, t in case.scope.items() if isinstance(t, cr.Tensor) and t.is_leaf}
        for name, held in case.scope.items():
            if isinstance(held, cr.nn.Module):
                leaves |= dict(held.named_parameters())
                leaves |= {f"{name}.{k}": p for k, p in held.named_parameters()}
        compared = 0
        for value in derivation.values.values():
            tensor = leaves.get(value.name)
            if tensor is not None and value.gradient is not None:
                assert tensor.grad is not None
                shown = value.gradient.T if value.transposed else value.gradient
                np.testing.assert_allclose(
                    shown.reshape(tensor.shape), tensor.grad.numpy(), rtol=1e-5, atol=1e-7
                )
                compared += 1
        assert compared >= 1

    @EVERY_CASE
    @CONVENTIONS
    def test_every_formula_has_the_value_beside_it(self, name: str, convention: str | None) -> None:
        _, derivation = derive(name, convention=convention)
        numbers = derivation.numbers()
        checked = 0
        for value in derivation.forward():
            assert value.formula is not None
            np.testing.assert_allclose(
                evaluate(value.formula, numbers), value.array, rtol=1e-4, atol=1e-6
            )
        for step in derivation.steps:
            gradient = derivation.values[step.of].gradient
            for form in step.forms:
                found = evaluate(form.formula, numbers)
                np.testing.assert_allclose(found, gradient, rtol=1e-3, atol=1e-5)
                checked += 1
            for term in step.terms:
                assert term.formula is not None
                found = evaluate(term.formula, numbers)
                np.testing.assert_allclose(found, term.array, rtol=1e-3, atol=1e-5)
        assert checked >= len(derivation.steps)

    @EVERY_CASE
    def test_each_gradient_is_the_sum_over_its_paths(self, name: str) -> None:
        _, derivation = derive(name)
        for step in derivation.steps:
            if step.terms:
                total = sum(term.array for term in step.terms)
                gradient = derivation.values[step.of].gradient
                np.testing.assert_allclose(total, gradient, rtol=1e-4, atol=1e-6)

    def test_the_backward_pass_never_uses_a_gradient_before_it_is_there(self) -> None:
        for name in networks.ALL:
            _, derivation = derive(name)
            done: set[str] = set()
            for step in derivation.steps:
                for term in step.terms:
                    assert set(term.via) <= done
                done.add(step.of)

    def test_the_figures_of_lecture_002(self) -> None:
        _, derivation = derive("lecture_002")
        deltas = [derivation.values[layer.z].gradient for layer in derivation.layers]
        np.testing.assert_allclose(deltas[2], [[-0.5001]], atol=6e-5)
        np.testing.assert_allclose(deltas[1], [[0.1393, -0.2110]], atol=2e-4)
        np.testing.assert_allclose(deltas[0], [[-0.0018, 0.0089, -0.0500, 0.0302]], atol=2e-4)
        np.testing.assert_allclose(
            gradient_of(derivation, "W2"),
            [[0.1360, -0.0792, 0.0661, 0.1415], [-0.2061, 0.1200, -0.1001, -0.2144]],
            atol=4e-4,
        )
        np.testing.assert_allclose(gradient_of(derivation, "W3"), [[-0.3337, -0.2199]], atol=4e-4)

    def test_the_figures_of_lecture_001(self) -> None:
        _, derivation = derive("lecture_001")
        np.testing.assert_allclose(
            gradient_of(derivation, "w1"),
            [[-0.5130, -0.0770, 0.4361, 0.0513], [0.4947, 0.0742, -0.4205, -0.0495]],
            atol=2e-4,
        )
        np.testing.assert_allclose(gradient_of(derivation, "w2"), [[-0.0709, -0.2826]], atol=2e-4)


class TestTextbookForms:
    def test_the_delta_recursion_in_columns(self) -> None:
        _, derivation = derive("lecture_001", convention="column")
        assert forms_of(derivation, "δ⁽¹⁾")[0] == "(w2ᵀ δ⁽²⁾) ⊙ relu′(z⁽¹⁾)"
        assert forms_of(derivation, "w1")[0] == "δ⁽¹⁾ featuresᵀ"
        assert forms_of(derivation, "w2")[0] == "δ⁽²⁾ a⁽¹⁾ᵀ"

    def test_the_delta_recursion_in_rows(self) -> None:
        _, derivation = derive("lecture_001")
        assert forms_of(derivation, "δ⁽¹⁾")[0] == "(δ⁽²⁾ w2) ⊙ relu′(z⁽¹⁾)"
        assert forms_of(derivation, "w1")[0] == "δ⁽¹⁾ᵀ features"

    def test_layers_without_activation_pass_the_delta_on(self) -> None:
        _, derivation = derive("lecture_002", convention="column")
        assert forms_of(derivation, "δ⁽¹⁾")[0] == "W2ᵀ δ⁽²⁾"

    def test_a_net_written_out_reads_like_one_of_modules(self) -> None:
        _, derivation = derive("by_hand")
        z = derivation.values[derivation.layers[0].z]
        assert z.formula is not None
        assert z.formula.text() == "X A + b"
        assert forms_of(derivation, "A")[0] == "Xᵀ δ⁽¹⁾"
        assert forms_of(derivation, "B")[0] == "δ⁽²⁾ᵀ out".replace("out", "a⁽¹⁾")
        assert forms_of(derivation, "b")[0] == "sum₀(δ⁽¹⁾)"

    def test_shared_weights_sum_over_time(self) -> None:
        _, derivation = derive("recurrent")
        assert len(derivation.layers) == 6
        value = next(v for v in derivation.values.values() if v.name == "U")
        step = derivation.step_of(value.key)
        assert step is not None and len(step.terms) == 5
        formulas = {term.formula.text() for term in step.terms if term.formula is not None}
        assert "δ⁽²⁾ᵀ states[0]" in formulas and "δ⁽⁵⁾ᵀ states[3]" in formulas

    def test_a_time_step_adds_its_share_of_all_inputs_to_its_pre_activation(self) -> None:
        _, derivation = derive("lstm")
        z = derivation.values[derivation.layers[2].z]
        assert z.formula is not None
        assert z.formula.text() == "u₃ + h₁ weight_hh_l0ᵀ"

    def test_steps_of_a_rearrangement_are_written_as_one(self) -> None:
        _, derivation = derive("transformer")
        shown = [v.formula for v in derivation.forward() if not v.folded]
        formulas = [formula.text() for formula in shown if formula is not None]
        assert any(
            re.fullmatch(r"transpose₁‚₂\(reshape\(split₂\(u., .*\)\[0\], .*\)\)", f)
            for f in formulas
        )

    def test_a_reshape_that_changes_nothing_is_not_written(self) -> None:
        _, derivation = derive("convolutional")
        assert forms_of(derivation, "net.1.bias")[0].startswith("sum₀‚₂‚₃(")


class TestClosedForms:
    @pytest.mark.parametrize(
        ("name", "of", "formula"),
        [
            ("lecture_002", "δ⁽³⁾", "a⁽³⁾ − y"),
            ("columns", "δ⁽¹⁾", "(a − y) / 5"),
            ("classifier", "δ⁽²⁾", "(softmax₁(z⁽²⁾) − onehot(labels)) / 5"),
            ("by_hand", "δ⁽²⁾", "(out − T) / 6"),
        ],
    )
    def test_the_loss_meets_its_activation(self, name: str, of: str, formula: str) -> None:
        _, derivation = derive(name)
        assert forms_of(derivation, of)[0] == formula

    def test_normalisation(self) -> None:
        _, derivation = derive("normalised")
        value = next(v for v in derivation.values.values() if v.name == "x")
        step = derivation.step_of(value.key)
        assert step is not None
        assert step.forms[0].kind == "closed form"
        assert "Mean₀(∂L/∂normal ⊙ normal)" in step.forms[0].formula.text()

    def test_a_loss_that_only_looks_like_cross_entropy_gets_none(self) -> None:
        z = cr.tensor([[0.3, -0.2]], requires_grad=True)
        y = cr.tensor([[1.0, 0.0]])
        a = z.sigmoid()
        loss = -(y * cr.log(a) + (1 - y) * cr.log(2 - a)).mean()
        derivation = explain(loss, scope={"z": z, "y": y, "a": a}).derivation
        kinds = {form.kind for step in derivation.steps for form in step.forms}
        assert "closed form" not in kinds


class TestNames:
    def test_variables_of_the_caller(self) -> None:
        weight = cr.tensor([1.0, 2.0], requires_grad=True)
        error = weight * 3
        loss = error.sum()
        names = {v.name for v in cr.explain(loss).derivation.values.values()}
        assert {"weight", "error", "L"} <= names

    def test_names_given_win(self) -> None:
        w = cr.tensor([1.0], requires_grad=True)
        loss = (w * 2).sum()
        derivation = cr.explain(loss, names={"speed": w}).derivation
        assert next(v.name for v in derivation.given()) == "speed"

    def test_names_of_another_kind_are_refused(self) -> None:
        w = cr.tensor([1.0], requires_grad=True)
        with pytest.raises(TypeError, match="names maps a name to the tensor"):
            cr.explain(w.sum(), names={"w": 3})

    def test_a_model_that_is_no_module_is_refused(self) -> None:
        w = cr.tensor([1.0], requires_grad=True)
        with pytest.raises(TypeError, match="must be a module"):
            cr.explain(w.sum(), [w])

    def test_modules_give_qualified_names_and_attributes(self) -> None:
        class Net(cr.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.fc1 = cr.nn.Linear(3, 2, bias=False)
                self.fc2 = cr.nn.Linear(2, 1, bias=False)

            def forward(self, x: cr.Tensor) -> cr.Tensor:
                self.z1 = self.fc1(x)
                return self.fc2(cr.relu(self.z1))

        net = Net()
        loss = net(cr.ones(1, 3)).sum()
        for derivation in (
            cr.explain(loss).derivation,
            explain(loss, net, scope={}).derivation,
        ):
            names = {v.name for v in derivation.values.values()}
            assert {"fc1.weight", "fc2.weight", "z1"} <= names
            assert derivation.layers[0].name == "fc1"

    def test_without_names_the_lectures_notation(self) -> None:
        case = networks.lecture_001()
        derivation = explain(case.loss, scope={}).derivation
        names = {v.name for v in derivation.values.values()}
        assert names == {"x", "W⁽¹⁾", "z⁽¹⁾", "a⁽¹⁾", "W⁽²⁾", "z⁽²⁾", "a⁽²⁾", "y", "L"}

    def test_no_two_values_share_a_name(self) -> None:
        x = cr.tensor([[1.0, 2.0]], requires_grad=True)
        first = F.linear(cr.ones(1, 2), cr.ones(2, 2, requires_grad=True))
        loss = (first * x).sum()
        derivation = cr.explain(loss).derivation
        names = [v.name for v in derivation.values.values()]
        assert len(names) == len(set(names))


class TestNothingChanges:
    @EVERY_CASE
    def test_backward_works_as_if_nobody_had_looked(self, name: str) -> None:
        looked_at, left_alone = networks.ALL[name](), networks.ALL[name]()
        explain(looked_at.loss, scope=looked_at.scope)
        tensors = [t for t in looked_at.scope.values() if isinstance(t, cr.Tensor)]
        assert all(t.grad is None for t in tensors)
        looked_at.loss.backward()
        left_alone.loss.backward()
        for key, tensor in looked_at.scope.items():
            if isinstance(tensor, cr.Tensor) and tensor.grad is not None:
                np.testing.assert_array_equal(
                    tensor.grad.numpy(), left_alone.scope[key].grad.numpy()
                )

    def test_a_freed_graph_is_refused_with_what_to_do(self) -> None:
        case = networks.lecture_001()
        case.loss.backward()
        with pytest.raises(RuntimeError, match="retain_graph=True"):
            cr.explain(case.loss)

    def test_changed_parameters_are_noticed(self) -> None:
        case = networks.lecture_001()
        with cr.no_grad():
            case.scope["w2"].add_(1.0)
        with pytest.raises(RuntimeError, match="have changed since"):
            cr.explain(case.loss)

    def test_something_else_than_a_tensor_is_refused(self) -> None:
        with pytest.raises(TypeError, match="expected the Tensor"):
            cr.explain(3.0)  # type: ignore[arg-type]


class TestOneValue:
    def test_the_path_back_to_the_loss(self) -> None:
        case = networks.lecture_002()
        one = explain(case.loss, scope=case.scope)["W2"].derivation
        of = {one.values[step.of].name for step in one.steps}
        assert of == {"L", "a⁽³⁾", "z⁽³⁾", "z⁽²⁾", "W2"}
        assert "W1" not in {v.name for v in one.values.values()}

    def test_a_tensor_finds_its_value(self) -> None:
        case = networks.lecture_002()
        one = explain(case.loss, scope=case.scope)[case.scope["W3"]]
        assert one.derivation.values[one.derivation.focus].name == "W3"

    def test_an_unknown_name_is_answered_with_close_ones(self) -> None:
        case = networks.lecture_002()
        with pytest.raises(KeyError, match="did you mean W"):
            explain(case.loss, scope=case.scope)["W11"]

    def test_a_constant_has_no_gradient(self) -> None:
        case = networks.lecture_002()
        with pytest.raises(KeyError, match="no gradient was asked for"):
            explain(case.loss, scope=case.scope)["x"]


class TestObservations:
    def kinds(self, loss: cr.Tensor, **scope: Any) -> dict[str, str]:
        return {o.kind: o.text for o in explain(loss, scope=scope).derivation.observations}

    def test_dead_units(self) -> None:
        w = cr.tensor([[1.0, 0.0], [-1.0, -1.0]], requires_grad=True)
        found = self.kinds(F.linear(cr.ones(3, 2), w).relu().sum(), w=w)
        assert "1 of 2 units" in found["dead relu"] and "all 3 samples" in found["dead relu"]

    def test_the_units_of_a_convolution_are_its_channels(self) -> None:
        x, w = cr.ones(2, 1, 4, 5), cr.ones(3, 1, 1, 1, requires_grad=True)
        loss = F.conv2d(x, w, cr.tensor([0.0, -2.0, 0.0])).relu().sum()
        found = explain(loss).derivation.observations
        assert [o.kind for o in found] == ["dead relu"]
        assert found[0].text.startswith("1 of 3 units")
        assert "(unit 1)" in found[0].text

    def test_a_mask_of_infinities_is_no_accident(self) -> None:
        scores = cr.randn(3, 3, requires_grad=True)
        mask = cr.tensor([[0.0, -np.inf, -np.inf], [0.0, 0.0, -np.inf], [0.0, 0.0, 0.0]])
        for masked in (scores + mask, scores.masked_fill(mask < 0, -np.inf)):
            loss = (masked.softmax(1) ** 2).sum()
            assert not explain(loss).derivation.observations

    def test_saturation(self) -> None:
        w = cr.tensor([[30.0]], requires_grad=True)
        found = self.kinds((F.linear(cr.ones(3, 1), w).sigmoid() * 2).sum(), w=w)
        assert "100% of the entries" in found["saturated"]

    def test_a_saturated_sigmoid_before_its_cross_entropy_is_no_problem(self) -> None:
        w = cr.tensor([[8.0]], requires_grad=True)
        a = F.linear(cr.ones(3, 1), w).sigmoid()
        assert "saturated" not in self.kinds(F.binary_cross_entropy(a, cr.zeros(3, 1)), w=w)

    def test_vanishing_deltas(self) -> None:
        x = cr.ones(1, 2)
        weights = [cr.full((2, 2), 0.01, requires_grad=True) for _ in range(4)]
        for w in weights:
            x = F.linear(x, w)
        assert "vanish" in self.kinds(x.sum())["vanishing deltas"]

    def test_the_first_value_that_is_no_number(self) -> None:
        w = cr.tensor([-1.0], requires_grad=True)
        root = w.sqrt()
        found = self.kinds((root * 2).sum(), w=w, root=root)
        assert "root = √w" in found["not finite"]

    def test_the_rule_where_an_infinite_gradient_arises(self) -> None:
        w = cr.tensor([0.0], requires_grad=True)
        found = self.kinds(w.sqrt().sum(), w=w)
        assert "rule of sqrt" in found["gradient not finite"]

    def test_a_gradient_that_is_zero(self) -> None:
        w = cr.tensor([[1.0]], requires_grad=True)
        found = self.kinds((F.linear(cr.ones(1, 1), w) * 0).sum(), w=w)
        assert "gradient of w is exactly zero" in found["zero gradient"]


class TestLongPrograms:
    def test_a_weight_that_is_used_a_thousand_times(self) -> None:
        w = cr.tensor([[0.9]], requires_grad=True)
        h = cr.ones(1, 1)
        for _ in range(1000):
            h = cr.tanh(h @ w)
        loss = h.sum()
        explanation = explain(loss, scope={"w": w})
        value = next(v for v in explanation.derivation.values.values() if v.name == "w")
        step = explanation.derivation.step_of(value.key)
        assert step is not None and len(step.terms) == 1000 and step.forms
        assert "more paths" in explanation["w"].text()
        loss.backward()
        assert w.grad is not None
        np.testing.assert_allclose(value.gradient, w.grad.numpy(), rtol=1e-5)

    def test_a_sum_of_a_thousand_products(self) -> None:
        weights = [cr.ones(1, 1, requires_grad=True) for _ in range(1000)]
        total = cr.zeros(1, 1)
        for w in weights:
            total = total + cr.ones(1, 1) @ w
        derivation = explain(total.sum(), scope={}).derivation
        assert len(derivation.steps) > 2000


class TestWhatHasNoFormula:
    def test_a_backward_written_by_hand_is_said_to_be_one(self) -> None:
        class Double(cr.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
                return x * 2

            @staticmethod
            def backward(ctx: Any, g: cr.Tensor) -> cr.Tensor:
                return g * 2

        x = cr.tensor([1.0, 2.0], requires_grad=True)
        doubled = Double.apply(x)
        derivation = cr.explain((doubled * doubled).sum()).derivation
        value = next(v for v in derivation.values.values() if v.name == "x")
        step = derivation.step_of(value.key)
        assert step is not None
        assert step.forms == [] and "backward pass written by hand" in step.note
        np.testing.assert_array_equal(value.gradient, [8.0, 16.0])

    def test_several_outputs(self) -> None:
        x = cr.tensor([[3.0, 1.0, 2.0]], requires_grad=True)
        loss = (x.max(dim=1).values * 2).sum()
        derivation = cr.explain(loss).derivation
        np.testing.assert_array_equal(gradient_of(derivation, "x"), [[2.0, 0.0, 0.0]])
