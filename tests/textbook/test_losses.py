"""Losses: values and derivatives against PyTorch, their printed formulas, and saturation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule import textbook
from chainrule.textbook.activations import sigmoid, softmax
from chainrule.textbook.losses import Loss
from tests.textbook.equations import evaluate
from tests.textbook.networks import assert_close, torch_loss

NAMES = sorted(textbook.LOSSES)


def outputs_and_targets(loss: Loss, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and targets ``(3, 4)`` that ``loss`` is defined for."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (3, 4))
    y_hat = {
        "any": logits,
        "between 0 and 1": sigmoid(logits),
        "probabilities": softmax(logits),
        "log-probabilities": np.log(softmax(logits)),
    }[loss.outputs]
    y = {
        "any": rng.normal(size=(3, 4)),
        "between 0 and 1": rng.integers(2, size=(3, 4)).astype(float),
        "classes": rng.dirichlet(np.ones(4), 3),
    }[loss.targets]
    return y_hat, y


def loss_of_outputs(name: str, y_hat: np.ndarray, y: np.ndarray, reduction: str) -> np.floating:
    """The loss of given outputs, through a network that passes its input on."""
    forward = textbook.forward(
        y_hat,
        [np.eye(y_hat.shape[1])],
        activations="identity",
        targets=y,
        loss=name,
        reduction=reduction,
    )
    assert forward.loss is not None
    return forward.loss


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@given(seed=st.integers(0, 2**32 - 1))
def test_value_and_derivative_are_pytorchs(name: str, reduction: str, seed: int) -> None:
    y_hat, y = outputs_and_targets(textbook.LOSSES[name], seed)
    outputs = torch.tensor(y_hat, requires_grad=True)
    expected = torch_loss(name, outputs, torch.tensor(y), reduction)
    expected.backward()

    assert_close(loss_of_outputs(name, y_hat, y, reduction), expected.item(), 1e-12, "loss")
    forward = textbook.forward(
        y_hat,
        [np.eye(4)],
        activations="identity",
        targets=y,
        loss=name,
        reduction=reduction,
    )
    assert_close(textbook.backward(forward).dy_hat, outputs.grad.numpy(), 1e-10, "derivative")


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**32 - 1))
def test_printed_formulas_give_the_numbers(name: str, seed: int) -> None:
    loss = textbook.LOSSES[name]
    y_hat, y = outputs_and_targets(loss, seed)
    functions = {"log": np.log, "exp": np.exp, "sigmoid": sigmoid, "softmax": softmax}
    names = {"y": y, "y_hat": y_hat, **functions}
    assert_close(evaluate(loss.formula, **names), loss.e(y_hat, y), 1e-12, loss.formula)
    assert_close(
        evaluate(loss.derivative_formula, **names),
        loss.derivative(y_hat, y),
        1e-10,
        loss.derivative_formula,
    )


@pytest.mark.parametrize("name", ["bce", "cross_entropy"])
@given(seed=st.integers(0, 2**32 - 1))
def test_the_closed_form_equals_the_plain_chain_and_its_printed_formula(
    name: str, seed: int
) -> None:
    loss = textbook.LOSSES[name]
    closed = loss.closed_form
    assert closed is not None
    z = np.random.default_rng(seed).normal(size=(3, 4))
    _, y = outputs_and_targets(loss, seed)
    y_hat = closed.activation.f(z)
    assert_close(closed.on_logits.e(z, y), loss.e(y_hat, y), 1e-12, "value")
    delta = closed.on_logits.derivative(z, y)
    plain = closed.activation.pull_back(loss.derivative(y_hat, y), z, y_hat)
    assert_close(delta, plain, 1e-12, "delta")
    assert_close(delta, evaluate(closed.delta, y_hat=y_hat, y=y), 1e-14, closed.delta)


@given(seed=st.integers(0, 2**32 - 1))
def test_a_loss_after_an_activation_without_closed_form_takes_the_plain_chain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z, y = rng.normal(size=(3, 4)), rng.integers(2, size=(3, 4)).astype(float)
    logits = torch.tensor(z, requires_grad=True)
    probabilities = torch.softmax(logits, dim=1)
    expected = torch.nn.functional.binary_cross_entropy(probabilities, torch.tensor(y))
    expected.backward()
    forward = textbook.forward(z, [np.eye(4)], activations="softmax", targets=y, loss="bce")
    assert_close(forward.loss, expected.item(), 1e-12, "loss")
    assert_close(textbook.backward(forward).delta[1], logits.grad.numpy(), 1e-12, "delta")


@pytest.mark.parametrize("name", ["cross_entropy", "softmax_cross_entropy", "nll"])
def test_class_indices_and_one_hot_rows_are_the_same_targets(name: str) -> None:
    y_hat, _ = outputs_and_targets(textbook.LOSSES[name], seed=0)
    classes = np.array([3, 0, 1])
    one_hot = np.eye(4)[classes]
    for targets in (classes, classes.astype(np.uint8), classes.tolist(), one_hot.astype(int)):
        assert loss_of_outputs(name, y_hat, targets, "mean") == loss_of_outputs(
            name, y_hat, one_hot, "mean"
        )


def test_soft_targets_may_miss_a_sum_of_one_by_their_rounding() -> None:
    logits = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    targets = np.array([[0.2, 0.3, 0.5005]])
    torch.nn.functional.cross_entropy(logits, torch.tensor(targets)).backward()
    forward = textbook.forward(
        logits.detach(),
        [np.eye(3)],
        activations="identity",
        targets=targets,
        loss="softmax_cross_entropy",
    )
    np.testing.assert_allclose(textbook.backward(forward).delta[1], logits.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bce_of_a_certain_and_wrong_probability_is_bounded_as_in_pytorch(dtype: type) -> None:
    y_hat, y = np.array([[0.0, 1.0]], dtype), np.array([[1.0, 0.0]], dtype)
    assert loss_of_outputs("bce", y_hat, y, "mean") == 100
    outputs = torch.tensor(y_hat, requires_grad=True)
    torch.nn.functional.binary_cross_entropy(outputs, torch.tensor(y)).backward()
    forward = textbook.forward(
        y_hat, [np.eye(2, dtype=dtype)], activations="identity", targets=y, loss="bce"
    )
    np.testing.assert_allclose(textbook.backward(forward).dy_hat, outputs.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["bce_with_logits", "softmax_cross_entropy"])
def test_losses_on_logits_stay_exact_for_huge_logits(name: str) -> None:
    with np.errstate(all="raise", under="ignore"):
        wrong = loss_of_outputs(name, np.array([[1e4, -1e4]]), np.array([[0.0, 1.0]]), "sum")
        right = loss_of_outputs(name, np.array([[1e4, -1e4]]), np.array([[1.0, 0.0]]), "sum")
    assert (wrong, right) == (2e4, 0)


def test_an_excluded_class_costs_nothing_unless_it_is_the_target() -> None:
    logits = np.array([[0.0, -np.inf]])
    assert textbook.LOSSES["softmax_cross_entropy"].e(logits, np.array([[1.0, 0.0]])).sum() == 0
    forward = textbook.forward(
        [1.0, 2.0], [np.eye(2)], activations="softmax", targets=0, loss="cross_entropy"
    )
    assert np.isfinite(forward.loss)


def test_a_loss_of_ones_own_takes_part() -> None:
    absolute = Loss(
        "absolute", lambda y_hat, y: np.abs(y_hat - y), lambda y_hat, y: np.sign(y_hat - y)
    )
    forward = textbook.forward(
        [[3.0], [-1.0]], [[[1.0]]], activations="identity", targets=[1.0, 1.0], loss=absolute
    )
    assert forward.loss == 2
    np.testing.assert_array_equal(textbook.backward(forward).delta[1], [[0.5], [-0.5]])
