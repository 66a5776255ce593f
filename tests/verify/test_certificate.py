"""Certificates: every method agrees on right gradients, and a wrong rule is caught by all."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.verify.certificate import METHODS, prove
from chainrule.verify.reevaluation import Reevaluation


class Dense:
    """A stack of dense layers with tanh between them."""

    def __init__(self, *sizes: int, dtype: str = "float64", seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.parameters = {}
        for k, (n, m) in enumerate(itertools.pairwise(sizes), start=1):
            weight = random.standard_normal((n, m)).astype(dtype) / np.sqrt(n)
            self.parameters[f"W{k}"] = cr.Tensor(weight.astype(dtype), requires_grad=True)
            bias = random.standard_normal(m).astype(dtype)
            self.parameters[f"b{k}"] = cr.Tensor(bias, requires_grad=True)
        self.depth = len(sizes) - 1

    def named_parameters(self):
        return self.parameters.items()

    def __call__(self, x):
        for k in range(1, self.depth + 1):
            x = x @ self.parameters[f"W{k}"] + self.parameters[f"b{k}"]
            if k < self.depth:
                x = x.tanh()
        return x


def squared(y, t):
    return ((y - t) ** 2).mean()


def batch(n, features, outputs, dtype="float64"):
    random = np.random.default_rng(1)
    return (
        random.standard_normal((n, features)).astype(dtype),
        random.standard_normal((n, outputs)).astype(dtype),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_four_methods_agree_on_a_dense_stack(dtype):
    certificate = prove(Dense(3, 4, 2, dtype=dtype), *batch(5, 3, 2, dtype), squared)
    assert certificate.ok, certificate.text()
    assert [row.name for row in certificate.rows] == ["W1", "b1", "W2", "b2"]
    assert all(set(row.errors) == set(METHODS) for row in certificate.rows)
    assert all(row.errors["textbook"] < 50 for row in certificate.rows)


def test_a_large_model_is_compared_along_random_directions():
    certificate = prove(
        Dense(40, 30, 5), *batch(8, 40, 5), squared, methods=["finite differences", "complex step"]
    )
    assert certificate.ok, certificate.text()
    assert "random directions" in certificate.methods["complex step"]


def test_the_complex_step_moves_the_bias_of_a_linear_layer_too():
    layer = cr.nn.Linear(3, 2)
    certificate = prove(layer, *batch(5, 3, 2, "float32"), squared, methods=["complex step"])
    assert certificate.ok, certificate.text()
    assert [row.name for row in certificate.rows] == ["weight", "bias"]


@pytest.mark.parametrize("method", METHODS)
def test_each_method_alone_catches_a_wrong_rule(method, monkeypatch):

    def wrong(node, g, tensors, only):
        return [(node.inputs[0], g * (1 - node.saved[1]))]

    monkeypatch.setattr(cr.tanh.primitive, "pull", wrong)
    certificate = prove(Dense(3, 4, 2), *batch(5, 3, 2), squared, methods=[method])
    assert not certificate.ok
    by_name = {row.name: row.ok for row in certificate.rows}
    assert by_name == {"W1": False, "b1": False, "W2": True, "b2": True}
    assert "DISAGREE" in certificate.text()


def test_methods_that_do_not_apply_say_why():
    w = cr.tensor([0.5, 2.0], requires_grad=True)
    certificate = prove(lambda x: (x * w).lgamma() * w, [1.0, 2.0], [0.0, 0.0], squared)
    assert "lgamma takes no complex numbers" in certificate.methods["complex step"]
    assert "does not apply" in certificate.methods["textbook"]


def test_no_applicable_method_is_not_a_proof():
    w = cr.tensor([0.5], requires_grad=True)
    certificate = prove(lambda x: w * w * x, [1.0], [0.0], squared, methods=["textbook"])
    assert not certificate.ok
    assert "nothing to compare with" in certificate.text()


def test_the_complex_step_agrees_through_kinks_and_stable_functions():
    random = np.random.default_rng(3)
    w = cr.Tensor(random.standard_normal((3, 4)), requires_grad=True)

    def model(x):
        z = x @ w
        return cr.softmax(z.relu() + z.sigmoid() + z.abs(), dim=1).log() - cr.amax(z, 1, True)

    certificate = prove(
        model, random.standard_normal((5, 3)), random.standard_normal((5, 4)), squared
    )
    assert certificate.ok, certificate.text()
    assert certificate.rows[0].errors["complex step"] < 100


def test_a_loss_with_several_elements_is_refused():
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="one element"):
        prove(lambda x: x * w, [1.0, 1.0], [0.0, 0.0], lambda y, t: y - t)


def test_unknown_methods_are_refused():
    with pytest.raises(TypeError, match="unknown method 'guess'"):
        prove(lambda x: x, 0.0, 0.0, squared, methods=["guess"])


def test_the_certificate_fits_80_columns_and_serialises():
    certificate = prove(Dense(3, 4, 2), *batch(5, 3, 2), squared)
    assert max(map(len, certificate.text().splitlines())) <= 80
    assert json.loads(certificate.json()) == certificate.to_dict()
    assert "<table" in certificate._repr_html_()


def test_reevaluation_reproduces_the_loss_in_double_precision():
    model = Dense(3, 4, 2, dtype="float32")
    x, t = batch(5, 3, 2, "float32")
    loss = squared(model(cr.Tensor(x)), cr.Tensor(t))
    assert Reevaluation(loss)({}) == pytest.approx(loss.item(), rel=1e-5)


def test_a_gradient_lost_to_cancellation_is_told_from_a_wrong_one():
    # In float32, 1 − σ(z) keeps less than a digit at z = 16; the rules are right all the same.
    layer = Dense(1, 1, dtype="float32")
    layer.parameters["W1"].data[:] = 4.0
    layer.parameters["b1"].data[:] = 0.3

    def loss(y, t):
        a = 1 / (1 + cr.exp(-y))
        return -cr.log(1 - a).mean() * t.mean()

    batch = np.full((1, 1), 3.9, np.float32), np.ones((1, 1), np.float32)
    certificate = prove(layer, *batch, loss)
    assert not certificate.ok
    assert all(row.spent for row in certificate.rows), certificate.text()
    assert certificate.verdict == "the rules agree, the precision is spent"
    assert "float64" in certificate.text()
    assert "~" in certificate.html()
    assert certificate.to_dict()["rows"][0]["spent"]


def prove_with_modules(model, inputs, targets, loss):
    certificate = prove(model, inputs, targets, loss, directions=2)
    assert certificate.ok, certificate.text()
    assert certificate.applied >= {"finite differences", "complex step", "PyTorch"}, certificate
    return certificate


def test_a_convolutional_network_is_proven():
    cr.manual_seed(0)
    net = cr.nn.Sequential(
        cr.nn.Conv2d(1, 2, 3, padding=1), cr.nn.BatchNorm2d(2), cr.nn.ReLU(), cr.nn.MaxPool2d(2),
        cr.nn.Flatten(), cr.nn.Linear(8, 3),
    )  # fmt: skip
    x, y = cr.randn(3, 1, 4, 4, dtype=cr.float64), cr.tensor([0, 2, 1])
    prove_with_modules(net.double(), x, y, cr.nn.CrossEntropyLoss())


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_a_recurrent_network_is_proven(kind):
    cr.manual_seed(1)
    net = getattr(cr.nn, kind)(2, 3, dtype=cr.float64)
    x = cr.randn(4, 2, dtype=cr.float64)
    prove_with_modules(net, x, None, lambda found, _: (found[0][-1] ** 2).sum())


def test_attention_with_layer_normalisation_and_gelu_is_proven():
    cr.manual_seed(2)
    net = cr.nn.TransformerEncoderLayer(
        4, 2, 8, dropout=0.0, activation="gelu", batch_first=True, dtype=cr.float64
    )
    x = cr.randn(2, 3, 4, dtype=cr.float64)
    prove_with_modules(net, x, x, lambda found, wanted: (found * wanted).sum())
