"""Modules that learn their sizes from the first input, beside PyTorch's."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr


@pytest.mark.parametrize("library", [cr, torch])
def test_a_lazy_layer_becomes_an_ordinary_one(library: Any) -> None:
    layer = library.nn.LazyLinear(4)
    assert repr(layer) == "LazyLinear(in_features=0, out_features=4, bias=True)"
    assert layer.has_uninitialized_params()
    weight, bias = layer.parameters()
    assert repr(weight) == "<UninitializedParameter>"
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        weight.shape  # noqa: B018
    optimizer = library.optim.SGD(layer.parameters(), lr=0.1)
    assert layer(library.ones(2, 3)).shape == (2, 4)
    assert type(layer) is library.nn.Linear
    assert layer.weight is weight
    assert layer.bias is bias
    assert weight.shape == (4, 3)
    assert type(weight) is library.nn.Parameter
    before = weight.detach().clone()
    layer(library.ones(2, 3)).sum().backward()
    optimizer.step()
    assert not (weight == before).any()
    assert not hasattr(layer, "_initialize_hook")


def test_it_keeps_the_hooks_of_the_user_and_no_others() -> None:
    layer, called = cr.nn.LazyLinear(2), []
    layer.register_forward_hook(lambda *_: called.append(1))
    layer(cr.ones(1, 3))
    layer(cr.ones(1, 3))
    assert called == [1, 1]
    plain = cr.nn.LazyLinear(2)
    plain(cr.ones(1, 3))
    assert "_hooks" not in vars(plain)


def test_its_numbers_are_those_of_the_ordinary_layer() -> None:
    cr.manual_seed(0)
    lazy = cr.nn.Sequential(cr.nn.LazyLinear(4, bias=False), cr.nn.LazyLinear(1, dtype=cr.float32))
    y = lazy(cr.ones(2, 3))
    cr.manual_seed(0)
    ordinary = cr.nn.Sequential(cr.nn.Linear(3, 4, bias=False), cr.nn.Linear(4, 1))
    assert (ordinary(cr.ones(2, 3)) == y).all()


@pytest.mark.parametrize("library", [cr, torch])
def test_states_go_between_lazy_and_ordinary_layers(library: Any) -> None:
    known = library.nn.Linear(3, 4)
    layer = library.nn.LazyLinear(4)
    layer.load_state_dict(known.state_dict())
    assert not layer.has_uninitialized_params()
    assert (layer(library.ones(1, 3)) == known(library.ones(1, 3))).all()
    assert layer.in_features == 3
    empty = library.nn.LazyLinear(4)
    assert list(empty.state_dict()) == ["weight", "bias"]
    other = library.nn.LazyLinear(4)
    other.load_state_dict(empty.state_dict())
    assert other.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="ninitialized"):
        known.load_state_dict(empty.state_dict())


def test_lazy_layers_are_converted_copied_and_pickled() -> None:
    layer = cr.nn.LazyLinear(4).double()
    for twin in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin.has_uninitialized_params()
        y = twin(cr.ones(1, 2, dtype=cr.float64))
        assert y.dtype == cr.float64
        assert type(twin) is cr.nn.Linear


@pytest.mark.parametrize("library", [cr, torch])
def test_a_module_that_stays_unknown_is_refused(library: Any) -> None:
    if library is cr:
        from chainrule.nn.lazy import LazyModuleMixin as Mixin
    else:
        from torch.nn.modules.lazy import LazyModuleMixin as Mixin

    class Lazy(Mixin, library.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.buffer = library.nn.UninitializedBuffer()

        def forward(self, x: Any) -> Any:
            return x

    with pytest.raises(NotImplementedError, match="initialize_parameters is not implemented for L"):
        Lazy()(library.ones(1))

    class Forgetful(Lazy):
        def initialize_parameters(self, x: Any) -> None:
            pass

    with pytest.raises(RuntimeError, match="module Forgetful has not been fully initialized"):
        Forgetful()(library.ones(1))

    class Complete(Lazy):
        def initialize_parameters(self, x: Any) -> None:
            self.buffer.materialize(x.shape)

    module = Complete()
    module(library.ones(3))
    assert module.buffer.shape == (3,)
    assert [name for name, _ in module.named_buffers()] == ["buffer"]


NORMS = {
    "LazyBatchNorm1d": (4, 3),
    "LazyBatchNorm2d": (4, 3, 2, 2),
    "LazyBatchNorm3d": (2, 3, 2, 2, 2),
    "LazyInstanceNorm1d": (2, 3, 4),
    "LazyInstanceNorm2d": (2, 3, 4, 4),
    "LazyInstanceNorm3d": (2, 3, 4, 4, 4),
}


@pytest.mark.parametrize(
    "options", [{}, {"bias": False}, {"affine": False}, {"track_running_stats": False}], ids=str
)
@pytest.mark.parametrize("name", list(NORMS))
def test_lazy_norms_are_those_of_pytorch(name: str, options: dict[str, Any]) -> None:
    ours, theirs = (getattr(library.nn, name)(**options) for library in (cr, torch))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = np.random.default_rng(0).standard_normal(NORMS[name])
    y = ours(cr.tensor(x, dtype=cr.float32))
    expected = theirs(torch.tensor(x, dtype=torch.float32))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert repr(ours) == repr(theirs)
    assert type(ours).__name__ == type(theirs).__name__
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=1e-5)


def test_states_go_between_lazy_and_ordinary_norms() -> None:
    known = cr.nn.BatchNorm1d(3)
    known(cr.tensor([[1.0, 2.0, 3.0], [5.0, 4.0, 3.0]]))
    lazy = cr.nn.LazyBatchNorm1d()
    lazy.load_state_dict(known.state_dict())
    assert lazy.running_mean.tolist() == known.running_mean.tolist()
    assert lazy.num_batches_tracked.item() == 1
