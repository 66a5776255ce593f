"""Parametrized modules beside PyTorch's: values, gradients, state dicts, what is refused."""

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr


def with_state_of(theirs: Any, ours: Any) -> Any:
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    return ours


def assert_same(ours: Any, theirs: Any) -> None:
    expected = theirs.detach().numpy()
    assert tuple(ours.shape) == tuple(expected.shape)
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def run(library: Any, module: Any, steps: int = 3) -> list[Any]:
    """Train a module on constant data and return all that can be seen."""
    optimizer = library.optim.SGD(module.parameters(), lr=0.1)
    x = library.tensor(np.linspace(-1, 1, 6).reshape(2, 3), dtype=library.float32)
    seen = []
    for k in range(steps):
        module.train(k != 1)
        optimizer.zero_grad()
        y = module(x)
        (y * y).sum().backward()
        seen += [y, module.weight, *(p.grad for p in module.parameters())]
        optimizer.step()
    return [*seen, *module.state_dict().values()]


def classic(library: Any, name: str) -> Any:
    def apply(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return getattr(library.nn.utils, name)(*args, **kwargs)

    return apply


MAKERS = {
    "weight_norm": lambda library, m: library.nn.utils.parametrizations.weight_norm(m),
    "weight_norm of columns": lambda library, m: library.nn.utils.parametrizations.weight_norm(
        m, dim=1
    ),
    "weight_norm as a whole": lambda library, m: library.nn.utils.parametrizations.weight_norm(
        m, dim=None
    ),
    "weight_norm of the bias": lambda library, m: library.nn.utils.parametrizations.weight_norm(
        m, "bias"
    ),
    "spectral_norm": lambda library, m: library.nn.utils.parametrizations.spectral_norm(m),
    "spectral_norm, more": lambda library, m: library.nn.utils.parametrizations.spectral_norm(
        m, n_power_iterations=3, dim=1, eps=1e-3
    ),
    "spectral_norm of the bias": lambda library, m: library.nn.utils.parametrizations.spectral_norm(
        m, "bias"
    ),
    "two": lambda library, m: library.nn.utils.parametrizations.weight_norm(
        library.nn.utils.parametrizations.spectral_norm(m), "bias"
    ),
    "older weight_norm": lambda library, m: classic(library, "weight_norm")(m),
    "older weight_norm as a whole": lambda library, m: classic(library, "weight_norm")(m, dim=None),
    "older spectral_norm": lambda library, m: library.nn.utils.spectral_norm(m),
    "older spectral_norm, more": lambda library, m: library.nn.utils.spectral_norm(
        m, n_power_iterations=2, dim=1
    ),
    "orthogonal": lambda library, m: library.nn.utils.parametrizations.orthogonal(m),
    "orthogonal, exp": lambda library, m: library.nn.utils.parametrizations.orthogonal(
        m, orthogonal_map="matrix_exp"
    ),
    "orthogonal, cayley": lambda library, m: library.nn.utils.parametrizations.orthogonal(
        m, orthogonal_map="cayley"
    ),
    "orthogonal, cayley from 0": lambda library, m: library.nn.utils.parametrizations.orthogonal(
        m, orthogonal_map="cayley", use_trivialization=False
    ),
}


@pytest.mark.parametrize("outputs", [2, 3, 4])
@pytest.mark.parametrize("name", list(MAKERS))
def test_three_steps_are_those_of_pytorch(name: str, outputs: int) -> None:
    make = MAKERS[name]
    theirs = make(torch, torch.nn.Linear(3, outputs))
    ours = make(cr, cr.nn.Linear(3, outputs))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    with_state_of(theirs, ours)
    for mine, other in zip(run(cr, ours), run(torch, theirs), strict=True):
        assert_same(mine, other)


@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d"])
@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm", "older spectral_norm"])
def test_convolutions_are_normalised_as_in_pytorch(name: str, kind: str) -> None:
    make = MAKERS[name]
    theirs = make(torch, getattr(torch.nn, kind)(2, 3, 2))
    ours = with_state_of(theirs, make(cr, getattr(cr.nn, kind)(2, 3, 2)))
    x = np.linspace(-1, 1, 18).reshape(1, 2, 3, 3)
    for library, module in ((cr, ours), (torch, theirs)):
        y = module(library.tensor(x, dtype=library.float32))
        (y * y).sum().backward()
    assert_same(ours.weight, theirs.weight)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_same(mine.grad, other.grad)


@pytest.mark.parametrize("name", ["weight_norm", "weight_norm of columns", "orthogonal", "two"])
def test_the_value_stays_where_the_parametrization_can_begin_at_it(name: str) -> None:
    layer = cr.nn.Linear(3, 3)
    with cr.no_grad():
        layer.weight.copy_(cr.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]))
    before = layer.weight.detach().clone()
    assert cr.allclose(MAKERS[name](cr, layer).weight, before, atol=1e-6)


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_the_older_hooks_are_removed_again(name: str) -> None:
    for library in (cr, torch):
        layer = classic(library, name)(library.nn.Linear(3, 2))
        with pytest.raises(RuntimeError, match=f"Cannot register two {name} hooks"):
            classic(library, name)(layer)
        layer.eval()
        layer(library.ones(1, 3))
        value = layer.weight.detach().clone()
        assert getattr(library.nn.utils, f"remove_{name}")(layer) is layer
        assert sorted(n for n, _ in layer.named_parameters()) == ["bias", "weight"]
        assert not list(layer.buffers())
        assert (layer.weight == value).all()
        assert layer(library.ones(1, 3)).shape == (1, 2)
        with pytest.raises(ValueError, match=f"{name} of 'weight' not found in"):
            getattr(library.nn.utils, f"remove_{name}")(layer)


def test_state_dicts_of_the_older_weight_norm_are_read() -> None:
    old = classic(cr, "weight_norm")(cr.nn.Linear(3, 2))
    new = cr.nn.utils.parametrizations.weight_norm(cr.nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    assert cr.allclose(new.weight, old.weight)


class Both:
    """Parametrizations of a test, in one of the libraries."""

    def __init__(self, library: Any) -> None:
        class Double(library.nn.Module):  # type: ignore[misc]
            def forward(self, x: Any) -> Any:
                return 2 * x

            def right_inverse(self, x: Any) -> Any:
                return x / 2

        class Symmetric(library.nn.Module):  # type: ignore[misc]
            def forward(self, x: Any) -> Any:
                return x.triu() + x.triu(1).T

        class LowRank(library.nn.Module):  # type: ignore[misc]
            def forward(self, a: Any, b: Any) -> Any:
                return a @ b

            def right_inverse(self, w: Any) -> Any:
                return [w[:, :1], w[:1]]

        class Returns(library.nn.Module):  # type: ignore[misc]
            def __init__(self, value: Any) -> None:
                super().__init__()
                self.function = value

            def forward(self, x: Any) -> Any:
                return self.function(x)

        class Back(Returns):
            def forward(self, x: Any) -> Any:
                return x

            def right_inverse(self, x: Any) -> Any:
                return self.function(x)

        self.double, self.symmetric, self.low_rank = Double, Symmetric, LowRank
        self.returns, self.back = Returns, Back


@pytest.mark.parametrize("library", [cr, torch])
def test_parametrizations_are_chained_assigned_and_removed(library: Any) -> None:
    these, parametrize = Both(library), library.nn.utils.parametrize
    layer = library.nn.Linear(3, 3)
    weight = layer.weight
    value = weight.detach().clone()
    assert parametrize.register_parametrization(layer, "weight", these.double()) is layer
    assert layer.parametrizations.weight.original is weight
    assert library.allclose(layer.weight, value)
    assert library.allclose(weight, value / 2)
    parametrize.register_parametrization(layer, "weight", these.double())
    assert library.allclose(layer.weight, value * 2)
    layer.weight = library.ones(3, 3)
    assert weight.tolist() == [[0.25] * 3] * 3
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert type(layer).__name__ == "ParametrizedLinear"
    assert isinstance(layer, library.nn.Linear)
    assert parametrize.type_before_parametrizations(layer) is library.nn.Linear
    parametrize.register_parametrization(layer, "bias", these.double())
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight
    assert weight.tolist() == [[1.0] * 3] * 3
    parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert type(layer) is library.nn.Linear
    assert not parametrize.is_parametrized(layer)
    assert sorted(name for name, _ in layer.named_parameters()) == ["bias", "weight"]
    assert layer(library.ones(1, 3)).shape == (1, 3)


@pytest.mark.parametrize("library", [cr, torch])
def test_a_tensor_may_be_made_of_several(library: Any) -> None:
    these, parametrize = Both(library), library.nn.utils.parametrize
    layer = library.nn.Linear(3, 2)
    parametrize.register_parametrization(layer, "weight", these.low_rank(), unsafe=True)
    names = [name for name, _ in layer.named_parameters()]
    assert names == [
        "bias",
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    ]
    layer.weight = library.ones(2, 3)
    assert layer.weight.tolist() == [[1.0] * 3] * 2
    layer.weight.sum().backward()
    assert layer.parametrizations.weight.original0.grad.tolist() == [[3.0]] * 2
    with pytest.raises(ValueError, match="parametrized in terms of a sequence of tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf


@pytest.mark.parametrize("library", [cr, torch])
def test_inside_cached_everything_is_computed_once(library: Any) -> None:
    these, parametrize = Both(library), library.nn.utils.parametrize
    layer = parametrize.register_parametrization(library.nn.Linear(2, 2), "weight", these.double())
    assert layer.weight is not layer.weight
    with parametrize.cached():
        first = layer.weight
        with parametrize.cached():
            assert layer.weight is first
        assert layer.weight is first
    assert layer.weight is not first


@pytest.mark.parametrize("library", [cr, torch])
def test_a_buffer_a_copy_and_a_transfer(library: Any) -> None:
    these, parametrize = Both(library), library.nn.utils.parametrize
    module = library.nn.Module()
    module.register_buffer("b", library.ones(2, 2))
    parametrize.register_parametrization(module, "b", these.symmetric())
    assert list(module.state_dict()) == ["parametrizations.b.original"]
    parametrize.remove_parametrizations(module, "b")
    assert [name for name, _ in module.named_buffers()] == ["b"]

    layer = parametrize.register_parametrization(
        library.nn.Linear(2, 2), "weight", these.symmetric()
    )
    twin = copy.deepcopy(layer)
    assert twin.parametrizations.weight.original is not layer.parametrizations.weight.original
    assert (twin.weight == layer.weight).all()
    with pytest.raises(RuntimeError, match=r"only supported through state_dict\(\)"):
        pickle.dumps(layer)
    other = parametrize.transfer_parametrizations_and_params(layer, library.nn.Linear(2, 2))
    assert other.parametrizations.weight.original is layer.parametrizations.weight.original
    plain = library.nn.Linear(2, 2)
    assert parametrize.transfer_parametrizations_and_params(plain, other) is other


def test_a_copy_keeps_its_parametrizations_when_the_other_loses_them() -> None:
    these, parametrize = Both(cr), cr.nn.utils.parametrize
    layer = parametrize.register_parametrization(cr.nn.Linear(2, 2), "weight", these.double())
    twin = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert cr.allclose(twin.weight, 2 * twin.parametrizations.weight.original)


def refusals(library: Any) -> dict[str, Any]:
    these, utils = Both(library), library.nn.utils
    register = utils.parametrize.register_parametrization
    layer = library.nn.Linear(3, 2)
    done = register(library.nn.Linear(3, 2), "weight", these.returns(lambda x: x))
    low_rank = register(library.nn.Linear(3, 2), "weight", these.low_rank(), unsafe=True)
    inverse = register(library.nn.Linear(3, 2), "weight", these.back(lambda x: x))
    inverse.parametrizations.weight[0].function = lambda x: 3

    def change(value: Any) -> None:
        low_rank.parametrizations.weight[0].right_inverse = lambda w: value
        low_rank.weight = library.ones(2, 3)

    return {
        "no tensor": lambda: register(layer, "w", these.double()),
        "shape": lambda: register(layer, "weight", these.returns(lambda x: x.T)),
        "dtype": lambda: register(layer, "weight", these.returns(lambda x: x.double())),
        "type": lambda: register(layer, "weight", these.returns(lambda x: 3)),
        "second shape": lambda: register(done, "weight", these.returns(lambda x: x.T)),
        "second dtype": lambda: register(done, "weight", these.returns(lambda x: x.double())),
        "second inverse": lambda: register(done, "weight", these.back(lambda x: x.T)),
        "second inverse type": lambda: register(done, "weight", these.back(lambda x: 3)),
        "inverse type": lambda: register(layer, "weight", these.back(lambda x: 3)),
        "inverse dtype": lambda: register(layer, "weight", these.back(lambda x: x.double())),
        "inverse of several": lambda: register(layer, "weight", these.back(lambda x: [x, 3])),
        "assign": lambda: setattr(done, "weight", library.ones(2, 3)),
        "assign type": lambda: setattr(inverse, "weight", library.ones(2, 3)),
        "assign number": lambda: change(3),
        "assign too many": lambda: change([library.ones(1)] * 3),
        "assign other dtype": lambda: change([library.ones(1), library.ones(1).double()]),
        "assign other type": lambda: change([library.ones(1), 3]),
        "not parametrized": lambda: utils.parametrize.remove_parametrizations(layer, "weight"),
        "empty": lambda: utils.parametrize.ParametrizationList([], library.ones(1)),
        "iterations": lambda: utils.parametrizations.spectral_norm(layer, n_power_iterations=0),
        "dim": lambda: utils.parametrizations.spectral_norm(layer, dim=2),
        "no weight": lambda: utils.parametrizations.spectral_norm(layer, "w"),
        "older iterations": lambda: utils.spectral_norm(layer, n_power_iterations=0),
        "orthogonal vector": lambda: utils.parametrizations.orthogonal(layer, "bias"),
        "orthogonal none": lambda: utils.parametrizations.orthogonal(layer, "w"),
        "orthogonal map": lambda: utils.parametrizations.orthogonal(layer, orthogonal_map="givens"),
        "orthogonal shape": lambda: setattr(
            utils.parametrizations.orthogonal(library.nn.Linear(2, 2)),
            "weight",
            library.ones(3, 3),
        ),
    }


@pytest.mark.parametrize("name", list(refusals(cr)))
def test_refusals_are_those_of_pytorch(name: str) -> None:
    caught = []
    for library in (cr, torch):
        with pytest.raises((ValueError, RuntimeError, IndexError)) as refusal:
            refusals(library)[name]()
        caught.append(refusal)
    assert caught[0].type is caught[1].type
    words = " ".join(str(caught[1].value).split()[:3])
    assert str(caught[0].value).startswith(words[:20])


def test_what_is_not_supported_says_so() -> None:
    orthogonal = cr.nn.utils.parametrizations.orthogonal
    with pytest.raises(NotImplementedError, match="householder without trivialization"):
        orthogonal(cr.nn.Linear(3, 2), use_trivialization=False)
    layer = orthogonal(cr.nn.Linear(2, 2), orthogonal_map="cayley", use_trivialization=False)
    with pytest.raises(NotImplementedError, match="not possible to assign"):
        layer.weight = cr.eye(2)


@pytest.mark.parametrize("library", [cr, torch])
def test_initialisation_is_skipped(library: Any) -> None:
    skip_init = library.nn.utils.skip_init
    library.manual_seed(0)
    expected = library.nn.Linear(2, 2).weight
    library.manual_seed(0)
    assert tuple(skip_init(library.nn.Linear, 5, 4, bias=False).weight.shape) == (4, 5)
    assert (library.nn.Linear(2, 2).weight == expected).all()
    with pytest.raises(RuntimeError, match="Expected a Module"):
        skip_init(dict)
    with pytest.raises(RuntimeError, match="Module must support a 'device' arg"):
        skip_init(library.nn.ReLU)
