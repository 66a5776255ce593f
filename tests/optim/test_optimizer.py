"""The base of optimizers: groups, closures, gradients, graphs, refusals."""

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import nn, optim

# What takes no vector or no step without a closure.
NO_VECTORS = ("Muon", "LBFGS", "Optimizer", "lr_scheduler", "swa_utils")


def leaf(*values: float) -> Any:
    return cr.tensor(list(values), requires_grad=True)


def test_groups_have_options_of_their_own() -> None:
    a, b, c = leaf(1.0), leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 10.0}], lr=0.1)
    optimizer.add_param_group({"params": [c], "maximize": True})
    for p in (a, b, c):
        p.grad = cr.ones(1)
    optimizer.step()
    assert [round(p.item(), 5) for p in (a, b, c)] == [0.9, -9.0, 1.1]


def test_named_parameters_keep_their_names_as_in_pytorch() -> None:
    ours = optim.SGD(nn.Linear(2, 1).named_parameters()).state_dict()
    theirs = torch.optim.SGD(torch.nn.Linear(2, 1).named_parameters()).state_dict()
    assert ours == theirs
    optimizer = optim.SGD(nn.Linear(2, 1).named_parameters())
    fresh = optim.SGD(nn.Linear(2, 1).parameters()).state_dict()
    optimizer.load_state_dict(fresh)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]


def test_zero_grad_forgets_or_zeroes() -> None:
    w, unused = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([w, unused])
    w.grad = cr.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.item() == 0.0
    assert unused.grad is None
    optimizer.zero_grad()
    assert w.grad is None


def test_a_step_leaves_gradients_as_they_are() -> None:
    for optimizer_type in (optim.SGD, optim.Adam, optim.AdamW):
        w = leaf(1.0, 2.0)
        w.grad = cr.tensor([3.0, 4.0])
        optimizer_type([w], lr=0.1, weight_decay=0.5, maximize=True).step()
        assert w.grad.tolist() == [3.0, 4.0]


def test_a_closure_runs_first_with_gradients_and_its_loss_is_returned() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with cr.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 1.0
    assert w.item() == 0.0
    assert optimizer.step() is None


def test_a_rate_given_as_a_tensor_is_followed() -> None:
    w, lr = leaf(1.0), cr.tensor(0.5)
    for optimizer in (optim.SGD([w], lr=lr), optim.SGD([w], lr=lr, momentum=0.9)):
        w.grad = cr.ones(1)
        optimizer.step()
    assert w.item() == 0.0
    w.grad = cr.ones(1)
    optim.Adam([w], lr=lr).step()
    assert w.item() == pytest.approx(-0.5)
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        optim.SGD([w], lr=cr.ones(2))


@pytest.mark.parametrize("name", [name for name in optim.__all__ if name not in NO_VECTORS])
def test_a_step_inside_a_graph_is_noticed(name: str) -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    w.grad = cr.ones(2)
    getattr(optim, name)([w]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_values_that_are_not_finite_are_not_repaired(name: str) -> None:
    w = leaf(1.0, 1.0)
    w.grad = cr.tensor([float("nan"), 1.0])
    getattr(optim, name)([w], lr=0.5).step()
    assert np.isnan(w.detach().numpy()).tolist() == [True, False]


def test_parameters_keep_identity_memory_and_place_in_the_graph() -> None:
    w = leaf(1.0)
    memory = w.detach().numpy()
    w.grad = cr.ones(1)
    optim.Adam([w], lr=0.5).step()
    assert memory.tolist() == w.tolist() == [0.5]
    assert w.is_leaf
    assert w.requires_grad


def test_groups_of_mixed_dtypes() -> None:
    a, b = leaf(1.0), cr.tensor([1.0], dtype=cr.float64, requires_grad=True)
    for optimizer_type in (optim.SGD, optim.Adam, optim.AdamW):
        a.grad, b.grad = cr.ones(1), cr.ones(1, dtype=cr.float64)
        optimizer_type([a, b], lr=0.1).step()
    assert (a.dtype, b.dtype) == (cr.float32, cr.float64)
    assert a.item() == pytest.approx(b.item(), rel=1e-6)


def test_where_the_gradient_is_nan_rprop_stays_as_in_pytorch() -> None:
    for library in (cr, torch):
        w = library.tensor([1.0, 1.0], requires_grad=True)
        optimizer = library.optim.Rprop([w], lr=0.5)
        for _ in range(2):
            w.grad = library.tensor([float("nan"), 1.0])
            optimizer.step()
        assert w.tolist() == pytest.approx([1.0, -0.1])


def test_training_learns() -> None:
    for make in (
        lambda p: optim.SGD(p, lr=0.5, momentum=0.9),
        lambda p: optim.Adam(p, lr=0.05),
        lambda p: optim.AdamW(p, lr=0.05),
    ):
        cr.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
        x = cr.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        y = cr.tensor([[0.0], [1.0], [1.0], [0.0]])
        optimizer, loss_function = make(model.parameters()), nn.BCEWithLogitsLoss()
        for _ in range(300):
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
        assert loss.item() < 0.05
        assert ((model(x) > 0) == (y > 0.5)).all()


def test_a_subclass_may_define_its_own_step() -> None:
    class SignDescent(optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        @cr.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()
                    self.state[p]["steps"] = self.state[p].get("steps", 0) + 1

    w = leaf(1.0)
    optimizer = SignDescent([w], 0.5)
    w.grad = cr.tensor([9.0])
    optimizer.step()
    assert w.item() == 0.5
    assert optimizer.state_dict()["state"] == {0: {"steps": 1}}


W = leaf(1.0)
M = cr.ones(2, 2, requires_grad=True)
M.grad = cr.ones(2, 2)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: optim.SGD(W), TypeError, "should be an iterable of Tensors or dicts"),
        (lambda: optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
        (lambda: optim.SGD([3]), TypeError, "one of the params is int"),
        (lambda: optim.SGD([W * 2]), ValueError, "can't optimize a non-leaf Tensor.*mul"),
        (lambda: optim.SGD([{"params": {W}}]), TypeError, "organized in ordered collections"),
        (lambda: optim.SGD([{"params": [W]}, {"params": [W]}]), ValueError, "more than one param"),
        (lambda: optim.SGD([{"lr": 3.0}]), KeyError, "needs the key 'params'"),
        (lambda: optim.SGD([W]).add_param_group(3), TypeError, "param_group must be a dict"),
        (lambda: optim.SGD([("a", W), leaf(1.0)]), ValueError, "Some param names are missing"),
        (
            lambda: optim.SGD([("a", W)]).add_param_group({"params": [leaf(1.0)]}),
            ValueError,
            "cannot add param group without names",
        ),
        (lambda: optim.SGD([W], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda: optim.SGD([W], lr=float("nan")), ValueError, "Invalid learning rate: nan"),
        (lambda: optim.Adam([W], lr=float("inf")), ValueError, "Invalid learning rate: inf"),
        (lambda: optim.SGD([W], momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda: optim.SGD([W], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda: optim.SGD([W], nesterov=True), ValueError, "Nesterov momentum requires a mom"),
        (lambda: optim.Adam([W], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda: optim.Adam([W], betas=(1.0, 0.9)), ValueError, "beta parameter at index 0: 1.0"),
        (lambda: optim.AdamW([W], betas=(0.9, -1)), ValueError, "beta parameter at index 1: -1"),
        (lambda: optim.AdamW([W], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda: optim.Adam([W], foreach=True, fused=True), RuntimeError, "cannot be `True` tog"),
        (lambda: optim.Adamax([W], betas=(1.0, 0)), ValueError, "beta parameter at index 0: 1.0"),
        (lambda: optim.NAdam([W], momentum_decay=-1), ValueError, "Invalid momentum_decay value"),
        (lambda: optim.RAdam([W], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda: optim.Adagrad([W], lr_decay=-1), ValueError, "Invalid lr_decay value: -1"),
        (
            lambda: optim.Adagrad([W], initial_accumulator_value=-1),
            ValueError,
            "Invalid initial_accumulator_value value: -1",
        ),
        (lambda: optim.Adadelta([W], rho=1.5), ValueError, "Invalid rho value: 1.5"),
        (lambda: optim.RMSprop([W], alpha=-1), ValueError, "Invalid alpha value: -1"),
        (lambda: optim.Rprop([W], etas=(1.5, 2)), ValueError, "Invalid eta values: 1.5, 2"),
        (lambda: optim.ASGD([W], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda: optim.Adafactor([W], beta2_decay=1), ValueError, "beta2_decay should be <= 0"),
        (lambda: optim.Adafactor([W], eps=(-1, 0)), ValueError, "epsilon1 should be >= 0"),
        (lambda: optim.Adafactor([W], eps=(None, -1)), ValueError, "epsilon2 should be >= 0"),
        (lambda: optim.Adafactor([W], d=0.5), ValueError, "Clipping threshold d should be >= 1"),
        (lambda: optim.Adafactor([W], weight_decay=-1), ValueError, "weight_decay should be >= 0"),
        (lambda: optim.Muon([W]), ValueError, "Muon only supports 2D parameters whereas we found"),
        (lambda: optim.Muon([M], momentum=-1), ValueError, "momentum should be >= 0 but is: -1"),
        (lambda: optim.Muon([M], weight_decay=-1), ValueError, "weight decay should be >= 0"),
        (lambda: optim.Muon([M], adjust_lr_fn="x"), ValueError, "function x is not supported"),
        (lambda: optim.Muon([M], ns_steps=100).step(), ValueError, "must be less than 100"),
        (lambda: optim.SGD([W], differentiable=True), NotImplementedError, "create_graph"),
        (lambda: optim.Optimizer([W], {}).step(), NotImplementedError, "neither step.*nor update"),
    ],
)
def test_bad_arguments_are_refused_in_the_words_of_pytorch(
    act: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        act()


def test_a_parameter_given_twice_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="parameter group with duplicate parameters"):
        optim.SGD([W, W])
