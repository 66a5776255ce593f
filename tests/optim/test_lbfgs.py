"""L-BFGS beside PyTorch's: the losses of every evaluation, states, and refusals."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.optim.line_search import Point, strong_wolfe

OPTIONS: list[dict[str, Any]] = [
    {"lr": 0.1},
    {"lr": 0.1, "history_size": 3, "max_iter": 6},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 4},
    {"line_search_fn": "strong_wolfe", "max_eval": 5},
    {"line_search_fn": "strong_wolfe", "lr": 20.0, "max_iter": 6},
    {"line_search_fn": "strong_wolfe", "tolerance_grad": 1e-2},
    {"lr": 0.1, "tolerance_change": 1e-2},
]


class Sine:
    """A network with one hidden layer that learns a sine wave, in one of the libraries."""

    def __init__(self, library: Any, dtype: str, options: dict[str, Any]) -> None:
        generator = np.random.default_rng(0)
        kind = getattr(library, dtype)
        x = np.linspace(-3, 3, 50)[:, None]
        self.x, self.y = (library.tensor(v, dtype=kind) for v in (x, np.sin(x)))
        self.params = [
            library.tensor(generator.normal(size=shape) * 0.5, dtype=kind).requires_grad_()
            for shape in ((1, 8), (8,), (8, 1), (1,))
        ]
        self.optimizer = library.optim.LBFGS(self.params, **options)
        self.losses: list[float] = []

    def closure(self) -> Any:
        self.optimizer.zero_grad()
        a, b, c, d = self.params
        hidden = (self.x @ a + b).tanh()
        loss = ((hidden @ c + d - self.y) ** 2).mean()
        loss.backward()
        self.losses.append(loss.item())
        return loss

    def train(self, steps: int) -> list[float]:
        return [self.optimizer.step(self.closure).item() for _ in range(steps)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_evaluation_is_that_of_pytorch(options: dict[str, Any]) -> None:
    ours, theirs = Sine(cr, "float64", options), Sine(torch, "float64", options)
    assert ours.train(4) == pytest.approx(theirs.train(4), rel=1e-6)
    assert len(ours.losses) == len(theirs.losses)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-6)


@pytest.mark.parametrize("options", OPTIONS[:4], ids=str)
def test_in_single_precision_the_first_evaluations_agree(options: dict[str, Any]) -> None:
    ours, theirs = Sine(cr, "float32", options), Sine(torch, "float32", options)
    ours.train(1)
    theirs.train(1)
    np.testing.assert_allclose(ours.losses[:12], theirs.losses[:12], rtol=1e-3)


@pytest.mark.parametrize("options", OPTIONS[:4], ids=str)
def test_states_are_exchanged_with_pytorch(options: dict[str, Any]) -> None:
    ours, theirs = Sine(cr, "float64", options), Sine(torch, "float64", options)
    ours.train(2)
    theirs.train(2)
    mine, other = ours.optimizer.state_dict(), theirs.optimizer.state_dict()
    assert mine["param_groups"] == other["param_groups"]
    assert set(mine["state"][0]) == set(other["state"][0])
    for name, value in other["state"][0].items():
        kept = mine["state"][0][name]
        if isinstance(value, list):
            assert len(kept) == len(value)
        elif isinstance(value, torch.Tensor):
            assert tuple(kept.shape) == tuple(value.shape)
        else:
            assert kept == pytest.approx(value, rel=1e-6)

    ours.optimizer.load_state_dict(other)
    theirs.optimizer.load_state_dict(in_pytorch(mine))
    ours.losses.clear()
    theirs.losses.clear()
    ours.train(2)
    theirs.train(2)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-6)


def in_pytorch(value: Any) -> Any:
    if isinstance(value, cr.Tensor):
        return torch.tensor(value.detach().numpy())
    if isinstance(value, dict):
        return {key: in_pytorch(item) for key, item in value.items()}
    return [in_pytorch(item) for item in value] if isinstance(value, list) else value


def test_a_copy_goes_on_alike() -> None:
    one = Sine(cr, "float64", {"line_search_fn": "strong_wolfe"})
    one.train(1)
    two = copy.deepcopy(one)
    assert one.train(2) == two.train(2)


def test_at_the_minimum_nothing_moves() -> None:
    w = cr.zeros(2, requires_grad=True)
    optimizer = cr.optim.LBFGS([w])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 0.0
    assert optimizer.state[w] == {"func_evals": 1, "n_iter": 0}


def test_a_parameter_without_gradient_stays() -> None:
    w, unused = cr.ones(1, requires_grad=True), cr.ones(1, requires_grad=True)
    optimizer = cr.optim.LBFGS([w, unused])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert unused.item() == 1.0
    assert abs(w.item()) < 1e-3


def test_a_found_step_fulfils_the_strong_wolfe_conditions() -> None:
    def loss(t: float) -> tuple[float, Any]:
        return (t - 3) ** 4 + t, np.array([4 * (t - 3) ** 3 + 1.0])

    direction = np.array([1.0])
    value, gradient = loss(0.0)
    start = Point(0, value, gradient, gradient @ direction)
    for first in (1e-3, 0.5, 2.0, 50.0):
        found, evaluations = strong_wolfe(loss, start, first, direction, evaluations=25)
        assert found.loss <= start.loss + 1e-4 * found.t * start.slope
        assert abs(found.slope) <= 0.9 * abs(start.slope)
        assert evaluations <= 26


def test_refusals_are_in_the_words_of_pytorch() -> None:
    w, v = cr.ones(1, requires_grad=True), cr.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        cr.optim.LBFGS([{"params": [w]}, {"params": [v]}])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'closure'"):
        cr.optim.LBFGS([w]).step()
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        cr.optim.LBFGS([w], line_search_fn="armijo").step(lambda: w)
