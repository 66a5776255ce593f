"""Layers: outputs, gradients, text and initial values against PyTorch's."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn
from chainrule.nn import functional as F
from tests.nn.twins import assert_close, assert_same_run, here


def twins(build: Any) -> tuple[Any, Any]:
    """Return the same module of both libraries, with PyTorch's parameters."""
    ours, theirs = build(nn), build(torch.nn)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


LAYERS = {
    "identity": (lambda nn: nn.Identity(3, unused=4), (2, 3)),
    "linear": (lambda nn: nn.Linear(3, 4), (2, 3)),
    "linear without bias": (lambda nn: nn.Linear(3, 4, bias=False), (2, 3)),
    "linear on a vector": (lambda nn: nn.Linear(3, 4), (3,)),
    "linear on a batch of matrices": (lambda nn: nn.Linear(3, 4), (2, 5, 3)),
    "linear on no rows": (lambda nn: nn.Linear(3, 4), (0, 3)),
    "flatten": (lambda nn: nn.Flatten(), (2, 3, 4)),
    "flatten a range": (lambda nn: nn.Flatten(0, 1), (2, 3, 4)),
    "unflatten": (lambda nn: nn.Unflatten(1, (2, -1)), (3, 6)),
    "relu": (lambda nn: nn.ReLU(), (2, 3)),
    "relu in place": (lambda nn: nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True)), (2, 3)),
    "sigmoid": (lambda nn: nn.Sigmoid(), (2, 3)),
    "tanh": (lambda nn: nn.Tanh(), (2, 3)),
    "softmax": (lambda nn: nn.Softmax(dim=1), (2, 3)),
    "log-softmax": (lambda nn: nn.LogSoftmax(dim=-1), (2, 3)),
    "dropout in evaluation": (lambda nn: nn.Dropout(0.7).eval(), (2, 3)),
    "dropout of nothing": (lambda nn: nn.Dropout(0.0), (2, 3)),
    "dropout of everything": (lambda nn: nn.Dropout(1.0), (2, 3)),
    "multilayer perceptron": (
        lambda nn: nn.Sequential(
            nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2), nn.Sigmoid()
        ),
        (6, 3),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_gradients_and_text_are_those_of_pytorch(name: str) -> None:
    build, shape = LAYERS[name]
    ours, theirs = twins(build)
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, random(*shape))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_guesses_its_dimension_with_a_warning(name: str, shape: Any) -> None:
    x = random(*shape)
    module = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[name]
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        expected = getattr(torch.nn.functional, name)(x)
    with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name}.*dim=-1") as seen:
        assert_close(getattr(F, name)(here(x)), expected)
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match="Implicit dimension choice") as seen:
        assert_close(getattr(nn, module)()(here(x)), expected)
    assert seen[0].filename == __file__


def test_softmax_converts_its_input_first() -> None:
    x = random(2, 3)
    expected = torch.nn.functional.softmax(x, 1, dtype=torch.float64)
    assert_close(F.softmax(here(x), 1, dtype=cr.float64), expected)
    expected = torch.nn.functional.log_softmax(x, 1, dtype=torch.float64)
    assert_close(F.log_softmax(here(x), 1, dtype=cr.float64), expected)


def test_functional_relu_in_place_overwrites_its_input() -> None:
    x = cr.tensor([-1.0, 1.0])
    assert F.relu(x, inplace=True) is x is F.relu_(x)
    assert x.tolist() == [0.0, 1.0]
    assert F.relu(cr.tensor([-1.0, 1.0])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 4), r"mat1 and mat2 shapes cannot be multiplied \(2x4 and 3x5\)"),
        ((3, 2), r"mat1 and mat2 shapes cannot be multiplied \(3x2 and 3x5\)"),
        ((2, 2, 4), r"mat1 and mat2 shapes cannot be multiplied \(4x4 and 3x5\)"),
    ],
)
def test_linear_refuses_wrong_shapes_in_the_words_of_pytorch(shape: Any, message: str) -> None:
    for layer, x in (
        (torch.nn.Linear(3, 5), torch.ones(shape)),
        (nn.Linear(3, 5), cr.ones(shape)),
    ):
        with pytest.raises(RuntimeError, match=message):
            layer(x)


def test_linear_refuses_another_dtype() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2 must have the same dtype"):
        nn.Linear(3, 5)(cr.ones(2, 3, dtype=cr.float64))


def test_linear_takes_a_dtype_and_only_the_cpu() -> None:
    assert nn.Linear(2, 1, dtype=cr.float64).bias.dtype == cr.float64
    assert nn.Linear(2, 1, device="cpu").weight.shape == (1, 2)
    with pytest.raises(RuntimeError, match="cuda"):
        nn.Linear(2, 1, device="cuda")
    with pytest.raises(RuntimeError, match="negative dimension"):
        nn.Linear(-1, 2)


def test_dropout_keeps_the_mean_and_masks_the_gradient_alike() -> None:
    cr.manual_seed(0)
    x = cr.ones(10000, requires_grad=True)
    y = nn.Dropout(0.25)(x)
    kept = y.detach().numpy() != 0
    assert abs(kept.mean() - 0.75) < 0.02
    np.testing.assert_allclose(y.detach().numpy()[kept], 1 / 0.75, rtol=1e-6)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())


def test_dropout_is_repeatable_and_differs_between_calls() -> None:
    x, layer = cr.ones(100), nn.Dropout()
    cr.manual_seed(3)
    first, second = layer(x), layer(x)
    cr.manual_seed(3)
    assert (layer(x) == first).all()
    assert (first != second).any()


def test_dropout_in_place_overwrites_its_input() -> None:
    x = cr.ones(10)
    assert nn.Dropout(1.0, inplace=True)(x) is x
    assert (x == 0).all()


def test_dropout_of_everything_lets_nan_through_as_pytorch_does() -> None:
    x = torch.tensor([1.0, float("nan"), float("inf")])
    expected = torch.nn.functional.dropout(x, 1.0)
    np.testing.assert_array_equal(F.dropout(here(x), 1.0).numpy(), expected.numpy())


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_dropout_refuses_what_is_no_probability(p: float) -> None:
    for refuse in (lambda: nn.Dropout(p), lambda: F.dropout(cr.ones(1), p)):
        with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
            refuse()


def test_dropout_refuses_integers_in_training_only() -> None:
    x = cr.tensor([1, 2])
    with pytest.raises(RuntimeError, match="result type Float can't be cast"):
        F.dropout(x)
    assert F.dropout(x, training=False) is x


# --- Initial values -------------------------------------------------------------------------------


def draws(fill: Any, *shape: int) -> Any:
    cr.manual_seed(0)
    return fill(cr.empty(*shape)).numpy().astype(np.float64)


@given(st.integers(1, 400))
def test_linear_starts_uniformly_within_one_over_the_root_of_its_inputs(n: int) -> None:
    layer = nn.Linear(n, 3)
    bound = np.float32(1 / np.sqrt(n))
    for parameter in layer.parameters():
        assert abs(parameter.detach().numpy()).max() <= bound
    if n * 3 > 100:
        assert abs(layer.weight.detach().numpy()).max() > 0.8 * bound


def test_initial_values_draw_from_the_seeded_generator() -> None:
    cr.manual_seed(1)
    first = nn.Linear(4, 3)
    cr.manual_seed(1)
    second = nn.Linear(4, 3)
    assert (first.weight == second.weight).all()
    assert (first.bias == second.bias).all()
    first.reset_parameters()
    assert (first.weight != second.weight).any()


FAMILIES = [
    ("uniform_", {"a": -2.0, "b": 3.0}),
    ("normal_", {"mean": 2.0, "std": 3.0}),
    ("xavier_uniform_", {"gain": 2.0}),
    ("xavier_normal_", {}),
    ("kaiming_uniform_", {"a": 0.2}),
    ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "tanh"}),
    ("kaiming_normal_", {}),
]


@pytest.mark.parametrize(("name", "options"), FAMILIES)
@pytest.mark.parametrize("shape", [(200, 100), (50, 20, 3, 4)])
def test_initial_distributions_are_those_of_pytorch(
    name: str, options: dict[str, Any], shape: Any
) -> None:
    ours = draws(lambda t: getattr(nn.init, name)(t, **options), *shape)
    torch.manual_seed(0)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **options).numpy()
    scale = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < 0.05 * scale
    assert abs(ours.std() - theirs.std()) < 0.03 * scale
    if "uniform" in name:
        assert abs(ours.max() - theirs.max()) < 0.02 * scale


def test_constant_initial_values() -> None:
    parameter = nn.Parameter(cr.empty(2, 2))
    assert nn.init.constant_(parameter, 3.0) is parameter
    assert (parameter == 3).all()
    assert (nn.init.ones_(parameter) == 1).all()
    assert (nn.init.zeros_(parameter) == 0).all()
    assert parameter.is_leaf
    assert parameter.requires_grad


def test_initial_values_from_a_given_generator_leave_the_default_one_alone() -> None:
    cr.manual_seed(0)
    expected = cr.rand(3)
    cr.manual_seed(0)
    nn.init.kaiming_uniform_(cr.empty(3, 3), generator=cr.Generator().manual_seed(1))
    assert (cr.rand(3) == expected).all()


@pytest.mark.parametrize(
    "nonlinearity", ["linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"]
)
def test_gains_are_those_of_pytorch(nonlinearity: str) -> None:
    for param in (None, 0.3, 2):
        expected = torch.nn.init.calculate_gain(nonlinearity, param)
        assert nn.init.calculate_gain(nonlinearity, param) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.init.xavier_uniform_(cr.empty(3)), "fewer than 2 dimensions"),
        (lambda: nn.init.kaiming_normal_(cr.empty(3, 3), mode="x"), "Mode x not supported"),
        (lambda: nn.init.calculate_gain("gelu"), "Unsupported nonlinearity gelu"),
        (lambda: nn.init.calculate_gain("leaky_relu", "x"), "negative_slope x not a valid number"),
    ],
)
def test_init_refuses_bad_arguments_in_the_words_of_pytorch(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_empty_weights_are_left_alone_with_a_warning() -> None:
    for fill in (nn.init.kaiming_uniform_, nn.init.kaiming_normal_):
        with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
            fill(cr.empty(0, 3))
