"""Averages of weights beside PyTorch's."""

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr


class Line:
    """A linear layer with a buffer of numbers and one of counts, in one of the libraries."""

    @staticmethod
    def made(library: Any) -> Any:
        class Counted(library.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.linear = library.nn.Linear(3, 2)
                self.register_buffer("mean", library.zeros(2))
                self.register_buffer("count", library.tensor(0))

            def forward(self, x: Any) -> Any:
                return self.linear(x) - self.mean

        return Counted()


def train(library: Any, model: Any, k: int) -> None:
    """Set all parameters and buffers as if training had."""
    generator = np.random.default_rng(k)
    with library.no_grad():
        for t in (*model.parameters(), model.mean):
            t.copy_(library.tensor(generator.standard_normal(tuple(t.shape)), dtype=t.dtype))
        model.count.copy_(library.tensor(3 * k))


def averaged(library: Any, **options: Any) -> Any:
    model = Line.made(library)
    average = library.optim.swa_utils.AveragedModel(model, **options)
    for k in range(4):
        train(library, model, k)
        average.update_parameters(model)
    return average


def functions(library: Any, name: str) -> dict[str, Any]:
    utils = library.optim.swa_utils
    return {
        "mean": {},
        "mean of many": {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
        "mean of one": {"avg_fn": utils.get_swa_avg_fn()},
        "moving": {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.9)},
        "moving slowly": {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.3)},
        "moving, one": {"avg_fn": utils.get_ema_avg_fn(0.9)},
        "the user's": {"avg_fn": lambda mean, value, count: mean + value * count},
    }[name]


@pytest.mark.parametrize("buffers", [False, True])
@pytest.mark.parametrize(
    "name",
    ["mean", "mean of many", "mean of one", "moving", "moving slowly", "moving, one", "the user's"],
)
def test_averages_are_those_of_pytorch(name: str, buffers: bool) -> None:
    if buffers and name in ("mean", "mean of many"):
        pytest.skip("PyTorch cannot average counts")
    ours = averaged(cr, use_buffers=buffers, **functions(cr, name)).state_dict()
    theirs = averaged(torch, use_buffers=buffers, **functions(torch, name)).state_dict()
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key].numpy(), value.numpy(), rtol=1e-5, atol=1e-6)


def test_counts_are_averaged_and_rounded_towards_zero() -> None:
    average = averaged(cr, use_buffers=True)
    assert average.module.count.item() == 3  # of 0, 3, 6, 9: 1, 2, 3
    assert average.n_averaged.item() == 4


def test_the_average_runs_as_the_model_and_leaves_it_alone() -> None:
    model = Line.made(cr)
    train(cr, model, 0)
    average = cr.optim.swa_utils.AveragedModel(model, device="cpu")
    x = cr.ones(1, 3)
    assert (average(x) == model(x)).all()
    before = average.module.linear.weight.detach().clone()
    train(cr, model, 1)
    assert (average.module.linear.weight == before).all()
    assert not any(p is q for p in average.parameters() for q in model.parameters())


def test_a_graph_notices_that_its_weights_were_averaged() -> None:
    model = cr.nn.Linear(2, 1)
    average = cr.optim.swa_utils.AveragedModel(model)
    loss = average(cr.ones(1, 2, requires_grad=True)).sum()
    average.update_parameters(model)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_refusals_are_in_the_words_of_pytorch() -> None:
    utils = cr.optim.swa_utils
    for make in (utils.get_ema_multi_avg_fn, utils.get_ema_avg_fn):
        with pytest.raises(ValueError, match="Invalid decay value 2 provided"):
            make(2)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        utils.AveragedModel(
            cr.nn.Linear(1, 1),
            avg_fn=utils.get_swa_avg_fn(),
            multi_avg_fn=utils.get_swa_multi_avg_fn(),
        )


@pytest.mark.parametrize("momentum", [0.1, None])
def test_statistics_of_batches_are_computed_anew_as_in_pytorch(momentum: float | None) -> None:
    generator = np.random.default_rng(0)
    batches = [generator.standard_normal((4, 3)) for _ in range(3)]
    states = []
    for library in (cr, torch):
        nn = library.nn
        model = nn.Sequential(
            nn.BatchNorm1d(3, momentum=momentum), nn.BatchNorm1d(3, track_running_stats=False)
        )
        loader = [(library.tensor(b, dtype=library.float32), 1) for b in batches]
        model(loader[0][0] * 100)
        model.eval()
        library.optim.swa_utils.update_bn(loader, model, device="cpu")
        assert not model.training
        assert model[0].momentum == momentum
        states.append(model.state_dict())
    for key, value in states[1].items():
        np.testing.assert_allclose(states[0][key].numpy(), value.numpy(), rtol=1e-5, atol=1e-6)
