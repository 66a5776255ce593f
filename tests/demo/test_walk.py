"""The walk: a lecture's formulas, and beside each the number that it stands for."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn, textbook
from chainrule.demo.digits import build
from chainrule.demo.walk import walk
from chainrule.symbol import Call, Constant, Symbol

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)


def network(sizes, seed):
    cr.manual_seed(seed)
    model = build(sizes)
    random = np.random.default_rng(seed)
    sample = random.standard_normal(sizes[0]).astype(np.float32)
    return model, sample, int(random.integers(sizes[-1]))


def recursion(model, sample, label):
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    forward = textbook.forward(
        sample.astype(np.float64),
        [layer.weight.detach().numpy() for layer in layers],
        [layer.bias.detach().numpy() for layer in layers],
        activations=["relu"] * (len(layers) - 1) + ["identity"],
        targets=label,
        loss="softmax_cross_entropy",
    )
    return forward, textbook.backward(forward)


def raised(number):
    return "⁽" + str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")) + "⁾"


@settings(max_examples=40)
@given(SIZES, st.integers(0, 1000))
def test_every_number_is_that_of_the_delta_recursion(sizes, seed):
    model, sample, label = network(sizes, seed)
    steps = walk(model, sample, label)
    forward, backward = recursion(model, sample, label)
    tolerances = {"rtol": 1e-4, "atol": 1e-5}
    for l in range(1, len(sizes)):
        column = (-1, 1)
        expected = {
            "z": forward.z[l].reshape(column),
            "δ": backward.delta[l].reshape(column),
            "∇W": backward.dW[l],
            "∇b": backward.db[l].reshape(column),
        }
        if l < len(sizes) - 1:
            expected["a"] = forward.a[l].reshape(column)
        for letter, array in expected.items():
            np.testing.assert_allclose(steps[letter + raised(l)].array, array, **tolerances)
    np.testing.assert_allclose(steps["L"].array, forward.loss, **tolerances)
    assert steps["p"].array.sum() == pytest.approx(1)


@settings(max_examples=20)
@given(SIZES, st.integers(0, 1000))
def test_the_gradients_are_those_that_backward_leaves_in_the_parameters(sizes, seed):
    model, sample, label = network(sizes, seed)
    steps = walk(model, sample, label)
    loss = nn.CrossEntropyLoss()(model(cr.from_numpy(sample[None])), cr.tensor([label]))
    loss.backward()
    found = {step.parameter: step.array for step in steps.backward if step.parameter}
    assert set(found) == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        gradient = parameter.grad.numpy().reshape(found[name].shape)
        np.testing.assert_allclose(found[name], gradient, rtol=1e-5, atol=1e-6)


def value(expression, numbers):
    """Return what a formula stands for, given the numbers of the names in it."""
    if isinstance(expression, Symbol):
        return numbers[expression.name]
    if isinstance(expression, Constant):
        return expression.value
    assert isinstance(expression, Call)
    arguments = [value(a, numbers) for a in expression.args]
    params = [value(p, numbers) if isinstance(p, Symbol) else p for p in expression.params]
    forward = expression.primitive.forward
    if expression.primitive.name in ("cross_entropy", "minus_one_hot"):
        # Their operand is a column here, and their forward functions want rows.
        return np.transpose(forward(*(a.T for a in arguments), *params))
    return forward(*arguments, *params)


@settings(max_examples=40)
@given(SIZES, st.integers(0, 1000))
def test_every_formula_has_the_value_beside_it(sizes, seed):
    model, sample, label = network(sizes, seed)
    steps = walk(model, sample, label)
    numbers = {step.name: step.array for step in (*steps.forward, *steps.backward)}
    numbers["y"] = np.array([label])
    for number, layer in enumerate((m for m in model if isinstance(m, nn.Linear)), start=1):
        numbers["W" + raised(number)] = layer.weight.detach().numpy()
        numbers["b" + raised(number)] = layer.bias.detach().numpy()[:, None]
    for step in (*steps.forward[1:], *steps.backward):
        found = value(step.formula, numbers)
        np.testing.assert_allclose(
            np.reshape(found, step.array.shape), step.array, rtol=1e-4, atol=1e-6
        )


def test_the_forward_pass_reads_as_a_lecture_writes_it():
    steps = walk(*network((3, 4, 2), 0))
    assert [step.equation for step in steps.forward] == [
        "x",
        "z⁽¹⁾ = W⁽¹⁾ x + b⁽¹⁾",
        "a⁽¹⁾ = relu(z⁽¹⁾)",
        "z⁽²⁾ = W⁽²⁾ a⁽¹⁾ + b⁽²⁾",
        "p = softmax(z⁽²⁾)",
        "L = cross_entropy(z⁽²⁾, y)",
    ]


def test_the_formulas_come_from_the_rules_and_change_with_them(monkeypatch):
    product = cr.primitive.table["matmul"]
    reader = product._readers[0]
    doubled = (lambda g, b: 2 * (g @ b.mT), reader[1])
    monkeypatch.setattr(product, "_readers", [doubled, product._readers[1]])
    steps = walk(*network((3, 2), 0))
    assert steps["∇W⁽¹⁾"].equation == "∇W⁽¹⁾ = 2·δ⁽¹⁾ xᵀ"


def test_latex_numbers_its_layers_above_the_letters():
    data = walk(*network((3, 12, 2), 0)).to_dict()
    gradient = next(s for s in data["backward"] if s["name"] == "∇W⁽¹⁾")
    assert gradient["latex"] == r"\delta^{(1)} \, x^{\top}"


def test_walking_leaves_the_gradients_of_the_parameters_alone():
    model, sample, label = network((3, 4, 2), 0)
    walk(model, sample, label)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_ten_layers_are_numbered_in_decimal():
    steps = walk(*network((2,) * 11, 0))
    assert steps["δ⁽¹⁰⁾"].equation == "δ⁽¹⁰⁾ = p − onehot(y)"


@pytest.mark.parametrize("layer", [nn.Tanh(), nn.Linear(4, 4, bias=False)])
def test_other_layers_are_refused_by_name(layer):
    model = nn.Sequential(nn.Linear(3, 4), layer)
    with pytest.raises(TypeError, match=re.escape(f"got 1 = {type(layer).__name__}")):
        walk(model, [1.0, 2.0, 3.0], 0)


def test_a_step_is_found_by_its_name_and_a_wrong_name_lists_them():
    steps = walk(*network((3, 2), 0))
    assert steps["x"].array.shape == (3, 1)
    with pytest.raises(KeyError, match=r"no step is called 'q'; there are x, z"):
        steps["q"]


def test_the_data_is_json_with_whole_columns_and_summarised_matrices():
    data = walk(*network((3, 2), 0)).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert len(data["forward"][0]["values"]) == 3
    matrix = next(s for s in data["backward"] if s["parameter"] == "fc1.weight")
    assert matrix["values"] is None
    assert matrix["shape"] == [2, 3]
    assert matrix["smallest"] <= matrix["largest"]
