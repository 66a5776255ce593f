"""Printed equations: each, evaluated on the caller's own arrays, gives what was computed."""

import re

import numpy as np
import pytest
from hypothesis import given

from chainrule import textbook
from chainrule.textbook import Backward, Forward
from chainrule.textbook.notation import backward_equations, forward_equations
from tests.textbook.equations import evaluate
from tests.textbook.networks import Drawn, assert_close, networks

ELEMENTWISE = [name for name, f in textbook.ACTIVATIONS.items() if f.derivative is not None]


def numbers(net: Drawn, forward: Forward, backward: Backward) -> dict[str, object]:
    """Everything the equations name; single samples as columns, as the equations mean them."""
    layout = net.layout

    def shaped(value: np.ndarray) -> np.ndarray:
        return value[:, np.newaxis] if layout.single else value

    def bias(value: np.ndarray | None) -> np.ndarray | None:
        return None if value is None else value.reshape((-1, 1) if layout.columns else (1, -1))

    sample_axis = 1 if layout.columns else 0
    functions: dict[str, object] = {}
    for name, activation in textbook.ACTIVATIONS.items():
        if activation.derivative is not None:
            functions[name] = activation.f
            functions[f"{name}_derivative"] = lambda z, f=activation: f.derivative(z, f.f(z))
        elif sample_axis == 0:
            functions[name] = activation.f
        else:
            functions[name] = lambda z, f=activation.f: f(z.T).T
    return {
        **functions,
        "a": list(map(shaped, forward.a)),
        "z": [None, *map(shaped, forward.z)],
        "W": [None, *forward.W],
        "b": [None, *map(bias, forward.b)],
        "δ": [None, *map(shaped, backward.delta)],
        "da": list(map(shaped, backward.da)),
        "dW": [None, *backward.dW],
        "db": [None, *map(bias, backward.db)],
        "dx": shaped(backward.dx),
        "x": shaped(forward.x),
        "y": shaped(forward.targets),
        "y_hat": shaped(forward.y_hat),
        "N": len(net.x),
        "K": net.targets.shape[1],
        "sum_over_samples": _SumOver(sample_axis),
    }


class _SumOver:
    """``sum_over_samples * δ`` sums over the axis of the samples."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def __mul__(self, value: np.ndarray) -> np.ndarray:
        return value.sum(axis=self.axis, keepdims=True)


@given(networks(hidden=ELEMENTWISE))
def test_every_equation_holds_for_the_numbers_it_stands_beside(net: Drawn) -> None:
    forward = textbook.forward(**net.arguments())
    backward = textbook.backward(forward)
    known = numbers(net, forward, backward)
    lines = forward_equations(forward).splitlines()[1:-1]
    lines += backward_equations(backward).splitlines()[1:]
    for line in lines:
        if "= J_" in line:
            continue  # One Jacobian per sample: not a formula of whole arrays.
        equation, shape = re.fullmatch(r"(.*?) +(\([\d, ]+\))", line).groups()
        left, right = (side.strip() for side in equation.split("=", 1))
        value = evaluate(left, **known)
        assert_close(evaluate(right, **known), value, 1e-9, line)
        dimensions = tuple(int(n) for n in re.findall(r"\d+", shape))
        assert int(np.prod(dimensions)) == value.size, line


def printed(**options: object) -> tuple[str, str]:
    forward = textbook.forward(
        options.pop("x", np.ones((2, 3))),
        [np.ones((2, 3))],
        **{"activations": "identity", "targets": np.ones((2, 2)), "loss": "mse", **options},
    )
    return str(forward), str(textbook.backward(forward))


@pytest.mark.parametrize(
    ("loss", "reduction", "factor"),
    [
        ("mse", "mean", "1/(N K) Σₙ Σₖ "),
        ("squared_error", "mean", "1/N Σₙ Σₖ "),
        ("mse", "sum", "Σₙ Σₖ "),
    ],
)
def test_the_loss_says_what_it_is_the_mean_of(loss: str, reduction: str, factor: str) -> None:
    forward, backward = printed(loss=loss, reduction=reduction)
    assert f"L = {factor}(ŷ − y)²" in forward
    assert backward.splitlines()[0] == f"Backward pass, L = {factor}(ŷ − y)²"


def test_softmax_is_printed_with_its_jacobian() -> None:
    _, backward = printed(activations="softmax", loss="mse")
    assert "δ[1]  = J_softmax(z[1])ᵀ da[1]" in backward


def test_losses_and_gradients_of_ones_own_are_named() -> None:
    loss = textbook.Loss("pinball", lambda y_hat, y: y_hat - y, lambda y_hat, y: 0 * y_hat + 1)
    forward, backward = printed(loss=loss)
    assert "L = 1/N Σₙ Σₖ pinball(ŷ, y), ŷ = a[1]" in forward
    assert "da[1] = pinball′(ŷ, y) / N" in backward
    without = textbook.forward([1.0], [[[1.0]]], activations="relu")
    assert "L =" not in str(without)
    assert "da[1] = dL/dŷ as given" in str(textbook.backward(without, dy_hat=[1.0]))


@pytest.mark.parametrize(
    ("x", "samples", "words"),
    [
        (np.ones(3), "rows", "1 sample, 1 layer, weights (outputs, inputs)"),
        (np.ones((1, 3)), "rows", "1 sample as row, 1 layer"),
        (np.ones((2, 3)), "rows", "2 samples as rows, 1 layer"),
        (np.ones((3, 2)), "columns", "2 samples as columns, 1 layer"),
    ],
)
def test_the_header_states_the_conventions(x: np.ndarray, samples: str, words: str) -> None:
    forward = textbook.forward(x, [np.ones((2, 3))], activations="relu", samples=samples)
    assert words in str(forward)


def test_an_equation_fits_into_80_columns() -> None:
    forward = textbook.forward(
        np.ones((128, 784)),
        [np.ones((100, 784)) / 784, np.ones((10, 100)) / 100],
        [np.ones(100), np.ones(10)],
        activations=["gelu_tanh", "sigmoid"],
        targets=np.ones((128, 10)),
        loss="bce",
    )
    text = f"{forward}\n{textbook.backward(forward)}"
    assert max(map(len, text.splitlines())) <= 80
