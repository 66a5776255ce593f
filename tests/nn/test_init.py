"""Initial values are PyTorch's bit by bit, and so are the weights of new modules."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

SHAPES = [(3, 2), (5, 16), (40, 30), (16, 3, 5), (8, 4, 3, 3), (2, 3, 2, 2, 2)]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("uniform_", {}),
    ("uniform_", {"a": -0.3, "b": 0.7}),
    ("normal_", {}),
    ("normal_", {"mean": 0.3, "std": 0.2}),
    ("constant_", {"val": 0.3}),
    ("ones_", {}),
    ("zeros_", {}),
    ("xavier_uniform_", {}),
    ("xavier_uniform_", {"gain": 1.7}),
    ("xavier_normal_", {"gain": 5 / 3}),
    ("kaiming_uniform_", {"a": math.sqrt(5)}),
    ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}),
    ("kaiming_normal_", {"nonlinearity": "tanh"}),
    ("kaiming_normal_", {"a": 0.2, "mode": "FAN_OUT"}),
    ("trunc_normal_", {}),
    ("trunc_normal_", {"std": 0.02}),
    ("trunc_normal_", {"mean": 0.5, "std": 2.0, "a": 0.0, "b": 2.0}),
]


def both_filled(name: str, shape: Any, dtype: str, seed: int = 0, **options: Any) -> Any:
    results = []
    for library in (cr, torch):
        library.manual_seed(seed)
        target = library.empty(*shape, dtype=getattr(library, dtype), requires_grad=True)
        assert getattr(library.nn.init, name)(target, **options) is target
        assert target.requires_grad
        assert target.is_leaf
        results += [target.detach().numpy(), library.rand(1).item()]
    return results


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize(("name", "options"), CALLS, ids=str)
def test_values_are_pytorchs(name: str, options: dict[str, Any], dtype: str) -> None:
    for seed, shape in enumerate(SHAPES):
        ours, next_here, theirs, next_there = both_filled(name, shape, dtype, seed, **options)
        np.testing.assert_array_equal(ours, theirs)
        assert next_here == next_there


def test_transposed_weights_are_filled_as_in_pytorch() -> None:
    def drawn(library: Any) -> Any:
        library.manual_seed(3)
        w = library.empty(20, 30)
        library.nn.init.kaiming_normal_(w.T)
        return w.numpy()

    np.testing.assert_array_equal(drawn(cr), drawn(torch))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((3, 3), {}),
        ((2, 4), {}),
        ((5, 3), {}),
        ((4, 4, 3), {"groups": 2}),
        ((6, 2, 3, 4), {"groups": 3}),
        ((2, 5, 1, 2, 3), {}),
    ],
)
def test_identities_are_pytorchs(shape: Any, options: Any) -> None:
    name = "eye_" if len(shape) == 2 else "dirac_"
    ours, _, theirs, _ = both_filled(name, shape, "float32", **options)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (4, 3, 2), (20, 30)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_orthogonal_matrices_are_pytorchs_to_rounding(shape: Any, dtype: str) -> None:
    ours, next_here, theirs, next_there = both_filled("orthogonal_", shape, dtype, gain=1.5)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(ours, theirs, 0, 100 * eps)
    assert next_here == next_there
    w = ours.reshape(shape[0], -1)
    products = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(products, 1.5**2 * np.eye(len(products)), 0, 100 * eps)


def test_sparse_matrices_are_pytorchs() -> None:
    for seed, shape in enumerate([(10, 4), (3, 20), (40, 1)]):
        ours, next_here, theirs, next_there = both_filled(
            "sparse_", shape, "float32", seed, sparsity=0.3
        )
        np.testing.assert_array_equal(ours, theirs)
        assert next_here == next_there


def test_a_cut_off_normal_far_from_its_mean_is_drawn_by_density() -> None:
    options = {"mean": 0.0, "std": 1.0, "a": 1.5, "b": 2.5}
    ours, _, theirs, _ = both_filled("trunc_normal_", (50, 40), "float32", **options)
    # Whether a number is accepted is decided by a logarithm, in which the last bit may differ.
    assert (ours == theirs).mean() > 0.99
    assert ours.min() >= 1.5
    assert ours.max() <= 2.5


def test_generators_are_drawn_from() -> None:
    def drawn(library: Any, name: str) -> Any:
        g = library.Generator().manual_seed(5)
        w = library.empty(6, 20)
        getattr(library.nn.init, name)(w, generator=g)
        return w.numpy()

    for name in ("uniform_", "normal_", "xavier_uniform_", "kaiming_normal_", "trunc_normal_"):
        np.testing.assert_array_equal(drawn(cr, name), drawn(torch, name))


MODULES: dict[str, Callable[[Any], Any]] = {
    "Linear": lambda nn: nn.Linear(20, 30),
    "Linear without bias": lambda nn: nn.Linear(3, 2, bias=False),
    "Bilinear": lambda nn: nn.Bilinear(3, 4, 5),
    "Embedding": lambda nn: nn.Embedding(10, 20, padding_idx=3),
    "EmbeddingBag": lambda nn: nn.EmbeddingBag(4, 5),
    "LSTM": lambda nn: nn.LSTM(5, 6, 2, bidirectional=True, proj_size=3),
    "GRU": lambda nn: nn.GRU(5, 6, bias=False),
    "RNNCell": lambda nn: nn.RNNCell(5, 6),
    "PReLU": lambda nn: nn.PReLU(3),
    "a network": lambda nn: nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)),
}


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_new_modules_have_pytorchs_weights(name: str, seed: int) -> None:
    cr.manual_seed(seed)
    torch.manual_seed(seed)
    ours, theirs = MODULES[name](cr.nn).state_dict(), MODULES[name](torch.nn).state_dict()
    assert [*ours] == [*theirs]
    for key, weight in theirs.items():
        np.testing.assert_array_equal(ours[key].numpy(), weight.numpy())


@pytest.mark.parametrize(
    "arguments",
    [
        *(("linear",), ("conv_transpose3d",), ("sigmoid",), ("tanh",), ("relu",), ("selu",)),
        *(("leaky_relu",), ("leaky_relu", 0.2), ("leaky_relu", 2), ("relu", 3)),
    ],
    ids=str,
)
def test_gains_are_pytorchs(arguments: Any) -> None:
    assert cr.nn.init.calculate_gain(*arguments) == torch.nn.init.calculate_gain(*arguments)


def test_fans_are_pytorchs() -> None:
    for shape in SHAPES:
        expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
        assert cr.nn.init._calculate_fan_in_and_fan_out(cr.empty(shape)) == expected


@pytest.mark.parametrize(
    "name", ["uniform", "normal", "eye", "xavier_uniform", "xavier_normal", "kaiming_normal"]
)
def test_former_names_still_work_and_warn(name: str) -> None:
    with pytest.warns(FutureWarning, match=f"`nn.init.{name}` is now deprecated in favor of"):
        assert getattr(cr.nn.init, name)(cr.empty(2, 2)).shape == (2, 2)


@pytest.mark.parametrize(
    "misuse",
    [
        *("eye_(empty(3))", "dirac_(empty(3, 3))", "dirac_(empty(3, 3, 3), 2)"),
        *("orthogonal_(empty(3))", "sparse_(empty(3), 0.1)", "xavier_uniform_(empty(3))"),
        *("kaiming_normal_(empty(3))", "kaiming_uniform_(empty(3, 3), mode='fan')"),
        *("calculate_gain('swish')", "calculate_gain('leaky_relu', True)"),
        "kaiming_uniform_(empty(3, 3), nonlinearity='softmax')",
    ],
)
def test_misuse_raises_what_pytorch_raises(misuse: str) -> None:
    def refusal(library: Any) -> Exception:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            eval(misuse, {**vars(library.nn.init), "empty": library.empty})
        return caught.value

    expected, actual = refusal(torch), refusal(cr)
    assert type(actual) is type(expected)
    assert str(actual).startswith(str(expected))


def test_what_is_suspicious_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        cr.nn.init.kaiming_uniform_(cr.empty(0, 3))
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        cr.nn.init.trunc_normal_(cr.empty(3), mean=9.0, a=-2, b=6.9)
    assert cr.nn.init.orthogonal_(cr.empty(0, 3)).shape == (0, 3)
