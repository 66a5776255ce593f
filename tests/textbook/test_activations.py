"""Activations: values and derivatives against PyTorch, and their behaviour far from zero."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule import textbook
from chainrule.textbook.activations import Activation
from tests.textbook.networks import TORCH_ACTIVATIONS, assert_close

NAMES = sorted(textbook.ACTIVATIONS)
ELEMENTWISE = [name for name in NAMES if textbook.ACTIVATIONS[name].derivative is not None]

rows = arrays(np.float64, (3, 4), elements=st.floats(-30, 30))


def by_pytorch(name: str, z: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    z_torch = torch.tensor(z, requires_grad=True)
    a = TORCH_ACTIVATIONS[name](z_torch)
    a.backward(torch.tensor(g))
    return a.detach().numpy(), z_torch.grad.numpy()


@pytest.mark.parametrize("name", NAMES)
@given(z=rows, g=rows)
def test_value_and_pulled_back_gradient_are_pytorchs(
    name: str, z: np.ndarray, g: np.ndarray
) -> None:
    activation = textbook.ACTIVATIONS[name]
    a, dz = by_pytorch(name, z, g)
    assert_close(activation.f(z), a, 1e-12, "value")
    assert_close(activation.pull_back(g, z, activation.f(z)), dz, 1e-12, "gradient")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtype_is_kept(name: str, dtype: type) -> None:
    activation = textbook.ACTIVATIONS[name]
    z = np.linspace(-3, 3, 12, dtype=dtype).reshape(3, 4)
    a = activation.f(z)
    assert a.dtype == dtype
    assert activation.pull_back(np.ones_like(z), z, a).dtype == dtype


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nothing_overflows_or_is_invalid_for_the_largest_numbers(name: str, dtype: type) -> None:
    activation = textbook.ACTIVATIONS[name]
    largest = float(np.finfo(dtype).max)
    magnitudes = [0, 1, 20, 300, math.sqrt(largest), largest / 4]
    z = np.array([magnitudes, [-m for m in magnitudes]], dtype)
    with np.errstate(all="raise", under="ignore"):
        a = activation.f(z)
        gradient = activation.pull_back(np.ones_like(z), z, a)
    assert np.isfinite(a).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_the_derivative_at_the_kink_is_pytorchs(name: str) -> None:
    z, g = np.array([[0.0, -0.0]]), np.ones((1, 2))
    np.testing.assert_array_equal(
        textbook.ACTIVATIONS[name].pull_back(g, z, np.zeros((1, 2))), by_pytorch(name, z, g)[1]
    )


def test_tails_keep_their_digits() -> None:
    def derivative(name: str, z: float) -> float:
        activation = textbook.ACTIVATIONS[name]
        at = np.array([[float(z)]])
        return float(activation.pull_back(np.ones((1, 1)), at, activation.f(at))[0, 0])

    def value(name: str, z: float) -> float:
        return float(textbook.ACTIVATIONS[name].f(np.array([[float(z)]]))[0, 0])

    def assert_leading_term(actual: float, term: float) -> None:
        np.testing.assert_allclose(actual, term, rtol=1e-12, atol=0)

    assert_leading_term(derivative("sigmoid", 50), math.exp(-50))
    assert_leading_term(derivative("sigmoid", -50), math.exp(-50))
    assert_leading_term(derivative("tanh", 30), 4 * math.exp(-60))
    assert_leading_term(value("sigmoid", -700), math.exp(-700))
    assert_leading_term(value("softplus", -50), math.exp(-50))
    assert_leading_term(value("elu", -1e-13), -1e-13)
    assert_leading_term(value("gelu", -20), -10 * math.erfc(20 / math.sqrt(2)))
    assert_leading_term(
        value("gelu_tanh", -8),
        -8 * math.exp(-2 * math.sqrt(2 / math.pi) * (8 + 0.044715 * 512)),
    )


@given(z=rows)
def test_softmax_is_a_distribution_and_its_logarithm_agrees(z: np.ndarray) -> None:
    p = textbook.ACTIVATIONS["softmax"].f(z)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(np.exp(textbook.ACTIVATIONS["log_softmax"].f(z)), p, rtol=1e-12)


def test_softmax_gives_an_excluded_class_no_probability() -> None:
    z = np.array([[0.0, -np.inf]])
    np.testing.assert_array_equal(textbook.ACTIVATIONS["softmax"].f(z), [[1, 0]])


@pytest.mark.parametrize("make", [textbook.leaky_relu, textbook.elu])
@pytest.mark.parametrize("coefficient", [0.0, 0.3, 2.0])
def test_coefficients_of_parametrised_activations(make: object, coefficient: float) -> None:
    activation: Activation = make(coefficient)
    z = torch.tensor([[-2.0, -0.5, 0.5, 2.0]], dtype=torch.float64, requires_grad=True)
    functions = {
        "leaky_relu": torch.nn.functional.leaky_relu,
        "elu": torch.nn.functional.elu,
    }
    a = functions[activation.name](z, coefficient)
    a.sum().backward()
    z_array = z.detach().numpy()
    np.testing.assert_allclose(activation.f(z_array), a.detach().numpy(), rtol=1e-15)
    np.testing.assert_allclose(
        activation.pull_back(np.ones((1, 4)), z_array, a.detach().numpy()),
        z.grad.numpy(),
        rtol=1e-14,
    )


def test_an_activation_of_ones_own_takes_part() -> None:
    cube = textbook.Activation("cube", lambda z: z**3, lambda z, a: 3 * z**2)
    forward = textbook.forward(
        [2.0], [[[1.0]]], activations=cube, targets=0, loss="half_squared_error"
    )
    assert textbook.backward(forward).delta[1] == [8 * 12]


def test_an_activation_needs_exactly_one_way_back() -> None:
    with pytest.raises(TypeError, match="'lost': expected either derivative= or vjp=, neither"):
        textbook.Activation("lost", np.sin)
    with pytest.raises(TypeError, match="both given"):
        textbook.Activation("torn", np.sin, lambda z, a: np.cos(z), lambda g, z, a: g)


def test_an_activation_that_changes_the_shape_is_refused() -> None:
    total = textbook.Activation("total", lambda z: z.sum(axis=1), lambda z, a: 1 + 0 * z)
    with pytest.raises(ValueError, match=r"layer 1: activation 'total' gave shape \(1,\)"):
        textbook.forward([1.0, 2.0], [np.eye(2)], activations=total)
