"""Classifying heads are PyTorch's: losses, log-probabilities, gradients, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.nn.twins import assert_close, here


def twins(name: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*args, **kwargs)
    ours = getattr(cr.nn, name)(*args, **{k: here(v) for k, v in kwargs.items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(here(dict(theirs.state_dict())))
    assert repr(ours) == repr(theirs)
    return ours, theirs


def assert_same_gradients(ours: Any, theirs: Any, loss_here: Any, loss_there: Any) -> None:
    assert_close(loss_here, loss_there)
    loss_there.sum().backward()
    loss_here.sum().backward()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None)
        if b.grad is not None:
            assert_close(a.grad, b.grad)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": True, "reduction": "none", "label_smoothing": 0.1},
        {"out_features": (2,), "bias": True, "weight": torch.tensor([1.0, 2.0, 0.5, 1.0])},
        {"ignore_index": 1, "reduction": "sum"},
    ],
)
def test_a_linear_layer_with_its_cross_entropy(options: dict[str, Any]) -> None:
    ours, theirs = twins("LinearCrossEntropyLoss", 3, 4, **options)
    x = torch.randn(5, 3)
    target = torch.randint(0, 4, (5, *options.get("out_features", ())))
    assert_same_gradients(ours, theirs, ours(here(x), here(target)), theirs(x, target))


@pytest.mark.parametrize("head_bias", [False, True])
def test_adaptive_softmax(head_bias: bool) -> None:
    ours, theirs = twins("AdaptiveLogSoftmaxWithLoss", 16, 20, [4, 10], 2.0, head_bias)
    x, target = torch.randn(9, 16), torch.tensor([0, 3, 4, 9, 10, 19, 19, 1, 5])
    assert_close(ours.log_prob(here(x)), theirs.log_prob(x))
    np.testing.assert_array_equal(ours.predict(here(x)).numpy(), theirs.predict(x).numpy())
    found, expected = ours(here(x), here(target)), theirs(x, target)
    assert_close(found.output, expected.output)
    assert_same_gradients(ours, theirs, found.loss, expected.loss)
    assert_close(ours(here(x[0]), here(target[0])).output, theirs(x[0], target[0]).output)
    few = torch.tensor([0, 1])
    assert_close(ours(here(x[:2]), here(few)).loss, theirs(x[:2], few).loss)


@pytest.mark.parametrize(
    ("cutoffs", "inputs"),
    [
        ([], ()),
        ([5, 3], ()),
        ([0, 3], ()),
        ([3, 20], ()),
        ([3], (torch.ones(2, 4), torch.tensor([0, 20]))),
        ([3], (torch.ones(2, 4), torch.tensor([0]))),
        ([3], (torch.ones(4), torch.tensor([0]))),
        ([3], (torch.ones(2, 4), torch.tensor([[0], [1]]))),
    ],
)
def test_refusals_are_pytorchs(cutoffs: list[int], inputs: tuple[Any, ...]) -> None:
    with pytest.raises(Exception, match=r".") as theirs:
        torch.nn.AdaptiveLogSoftmaxWithLoss(4, 20, cutoffs)(*inputs)
    with pytest.raises(type(theirs.value)) as ours:
        cr.nn.AdaptiveLogSoftmaxWithLoss(4, 20, cutoffs)(*map(here, inputs))
    assert str(ours.value)[:30] == str(theirs.value)[:30]


def test_chunking_options_are_refused() -> None:
    with pytest.raises(TypeError, match="options"):
        cr.nn.LinearCrossEntropyLoss(3, 4, options=1)
    with pytest.raises(RuntimeError, match="expected weight shape"):
        cr.nn.LinearCrossEntropyLoss(3, 4, weight=cr.ones(3))
