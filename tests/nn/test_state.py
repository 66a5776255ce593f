"""State dicts: layout, exchange with PyTorch, and refusals that change nothing."""

import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import nn
from tests.nn.test_module import net


def values(module: Any) -> dict[str, Any]:
    return {name: t.detach().numpy().copy() for name, t in module.state_dict().items()}


def test_layout_is_that_of_pytorch() -> None:
    ours, theirs = net(cr), net(torch)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert isinstance(mine, OrderedDict)
    assert list(mine) == list(other)
    assert [tuple(t.shape) for t in mine.values()] == [tuple(t.shape) for t in other.values()]
    assert mine._metadata == other._metadata
    assert list(ours.state_dict(prefix="m.")) == list(theirs.state_dict(prefix="m."))


def test_destination_is_filled() -> None:
    given: dict[str, Any] = {"epoch": 3}
    assert nn.Linear(1, 1).state_dict(destination=given) is given
    assert list(given) == ["epoch", "weight", "bias"]


def test_values_share_memory_and_are_outside_the_graph() -> None:
    layer = nn.Linear(2, 1)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    assert np.shares_memory(state["weight"].numpy(), layer.weight.detach().numpy())
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight


def test_state_dicts_are_exchanged_with_pytorch() -> None:
    ours, theirs = net(cr), net(torch)
    assert repr(ours.load_state_dict(theirs.state_dict())) == "<All keys matched successfully>"
    x = np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32)
    expected = theirs(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours(cr.tensor(x)).detach().numpy(), expected, rtol=1e-5)
    fresh = net(torch)
    fresh.load_state_dict({name: torch.tensor(v) for name, v in values(ours).items()})
    np.testing.assert_array_equal(fresh(torch.tensor(x)).detach().numpy(), expected)


def test_loading_copies_and_keeps_identity_and_dtype() -> None:
    layer = nn.Linear(2, 1)
    weight, memory = layer.weight, layer.weight.detach().numpy()
    given = {"weight": cr.tensor([[1, 2]], dtype=cr.float64), "bias": np.array([3], np.int32)}
    layer.load_state_dict(given)
    assert layer.weight is weight
    assert weight.dtype == cr.float32
    assert memory.tolist() == [[1.0, 2.0]]
    given["weight"][0, 0] = 9.0
    assert memory.tolist() == [[1.0, 2.0]]


def test_assign_takes_the_given_tensors_themselves() -> None:
    layer = nn.Linear(2, 1)
    layer.weight.requires_grad_(False)
    weight = cr.ones(1, 2, dtype=cr.float64)
    bias = nn.Parameter(cr.zeros(1))
    layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    assert layer.bias is bias
    assert isinstance(layer.weight, nn.Parameter)
    assert not layer.weight.requires_grad
    assert np.shares_memory(layer.weight.numpy(), weight.numpy())


def test_loading_inside_a_graph_is_noticed() -> None:
    layer = nn.Linear(2, 1)
    loss = (layer.weight * layer.weight).sum()
    layer.load_state_dict(copy.deepcopy(layer.state_dict()))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_all_problems_are_named_in_one_error_and_nothing_changes() -> None:
    module = net(cr)
    before = values(module)
    bad = {
        "first.weight": cr.zeros(2, 2),
        "inner.mean": cr.zeros(3),
        "last.0.weight": 3,
        "extra": cr.zeros(1),
    }
    with pytest.raises(RuntimeError) as caught:
        module.load_state_dict(bad)
    text = str(caught.value)
    assert text.startswith("Error(s) in loading state_dict for Outer:\n\tMissing key(s) in state_")
    assert (
        '\n\tMissing key(s) in state_dict: "inner.scale", "again.weight", "last.0.bias". ' in text
    )
    assert '\n\tUnexpected key(s) in state_dict: "extra". ' in text
    assert (
        "\n\tsize mismatch for inner.mean: copying a param with shape chainrule.Size([3]) from "
        "checkpoint, the shape in current model is chainrule.Size([2])." in text
    )
    assert '\n\tWhile copying the parameter named "last.0.weight", expected' in text
    assert "Nothing was changed" in text
    for name, value in values(module).items():
        np.testing.assert_array_equal(value, before[name])


def test_without_strict_keys_may_differ_but_sizes_may_not() -> None:
    layer = nn.Linear(2, 1)
    result = layer.load_state_dict({"weight": cr.ones(1, 2), "extra": cr.ones(1)}, strict=False)
    assert result.missing_keys == ["bias"]
    assert result.unexpected_keys == ["extra"]
    assert repr(result) == "IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['extra'])"
    assert (layer.weight == 1).all()
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        layer.load_state_dict({"weight": cr.ones(2, 2)}, strict=False)


def test_read_only_memory_is_refused_before_anything_changes() -> None:
    layer = nn.Linear(2, 1)
    frozen = np.zeros(1, np.float32)
    frozen.flags.writeable = False
    layer.bias = nn.Parameter(cr.from_numpy(frozen))
    before = layer.weight.detach().numpy().copy()
    state = {"weight": cr.ones(1, 2), "bias": cr.ones(1)}
    with pytest.raises(RuntimeError, match=r"bias: the memory .* read-only; pass assign=True"):
        layer.load_state_dict(state)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)
    layer.load_state_dict(state, assign=True)
    assert (layer.bias == 1).all()


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'list'>"):
        nn.Linear(1, 1).load_state_dict([])  # type: ignore[arg-type]


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(RuntimeError, match="complex64 is not one of numbers"):
        nn.Linear(1, 1, bias=False).load_state_dict({"weight": np.ones((1, 1), np.complex64)})


def test_extra_state_is_saved_and_loaded() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def get_extra_state(self) -> int:
            return self.count

        def set_extra_state(self, state: int) -> None:
            self.count = state

    first, second = nn.Sequential(Counting()), nn.Sequential(Counting())
    first[0].count = 7
    state = first.state_dict()
    assert dict(state) == {"0._extra_state": 7}
    second.load_state_dict(state)
    assert second[0].count == 7
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        second.load_state_dict({})
