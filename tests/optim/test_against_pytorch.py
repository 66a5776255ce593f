"""Ten steps of every optimizer under every option, beside PyTorch's; states exchanged both ways."""

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.ops import updates

SHAPES = [(4, 3), (4,), (), (2, 0)]
# Two pieces and a bit.
LARGE = (updates.PIECE // 4 + 1, 9)

SGD_OPTIONS = [
    {"lr": 0.1, "momentum": m, "dampening": d, "weight_decay": w, "nesterov": n, "maximize": x}
    for m, d, w, n, x in itertools.product(
        (0, 0.9), (0, 0.3), (0, 0.2), (False, True), (False, True)
    )
    if not (n and (d or not m)) and not (d and not m)
]
ADAM_OPTIONS = [
    {"lr": 0.1, "weight_decay": w, "amsgrad": a, "maximize": x, **more}
    for w, a, x, more in itertools.product(
        (0, 0.2), (False, True), (False, True), ({}, {"betas": (0.5, 0.8), "eps": 1e-2})
    )
]


def grid(**options: Any) -> list[dict[str, Any]]:
    """Return every combination of the options' values."""
    return [
        dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())
    ]


BOTH = (False, True)
OTHERS = [
    *(("Adamax", o) for o in grid(lr=[0.1], weight_decay=[0, 0.2], maximize=BOTH)),
    *(
        ("NAdam", o)
        for o in grid(
            lr=[0.1],
            weight_decay=[0, 0.2],
            decoupled_weight_decay=BOTH,
            maximize=BOTH,
            momentum_decay=[4e-3, 0.1],
        )
    ),
    *(
        ("RAdam", o)
        for o in grid(
            lr=[0.1],
            weight_decay=[0, 0.2],
            decoupled_weight_decay=BOTH,
            maximize=BOTH,
            betas=[(0.9, 0.999), (0.5, 0.8)],
        )
    ),
    *(
        ("Adagrad", o)
        for o in grid(
            lr=[0.1],
            lr_decay=[0, 0.1],
            weight_decay=[0, 0.2],
            initial_accumulator_value=[0, 0.5],
            maximize=BOTH,
        )
    ),
    *(
        ("Adadelta", o)
        for o in grid(lr=[0.5], rho=[0.9, 0.5], weight_decay=[0, 0.2], maximize=BOTH)
    ),
    *(
        ("RMSprop", o)
        for o in grid(
            lr=[0.01], momentum=[0, 0.9], centered=BOTH, weight_decay=[0, 0.2], maximize=BOTH
        )
    ),
    *(("Rprop", o) for o in grid(lr=[0.1], step_sizes=[(1e-6, 50), (0.08, 0.15)], maximize=BOTH)),
    *(("ASGD", o) for o in grid(lr=[0.1], t0=[1e6, 3], weight_decay=[0, 0.2], maximize=BOTH)),
    ("ASGD", {"lr": 0.1, "lambd": 0.3, "alpha": 0.5, "t0": 0}),
    *((name, {}) for name in ("Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop")),
    *((name, {}) for name in ("Rprop", "ASGD")),
]
CASES = [
    *OTHERS,
    *(("SGD", o) for o in SGD_OPTIONS),
    *(("Adam", o) for o in ADAM_OPTIONS),
    *(("AdamW", o) for o in ADAM_OPTIONS),
    ("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("SGD", {}),
    ("Adam", {}),
    ("AdamW", {}),
]
ELEMENTWISE = sorted({name for name, _ in CASES})


def ids(case: Any) -> str:
    name, options = case
    return f"{name} {' '.join(f'{k}={v}' for k, v in options.items())}"


def parameters(library: Any, dtype: str, shapes: Any = SHAPES) -> list[Any]:
    generator = np.random.default_rng(0)
    values = (generator.standard_normal(shape) for shape in shapes)
    kind = getattr(library, dtype)
    return [library.tensor(v, dtype=kind).requires_grad_() for v in values]


def set_gradients(library: Any, params: list[Any], k: int) -> None:
    generator = np.random.default_rng(k + 1)
    for p in params:
        p.grad = library.tensor(generator.standard_normal(tuple(p.shape)), dtype=p.dtype)


def assert_close(ours: list[Any], theirs: list[Any], steps: int) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        expected = other.detach().numpy()
        eps = np.finfo(expected.dtype).eps
        actual = mine.detach().numpy()
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=40 * steps * eps, atol=40 * steps * eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_ten_steps_are_those_of_pytorch(case: Any, dtype: str) -> None:
    name, options = case
    ours, theirs = parameters(cr, dtype), parameters(torch, dtype)
    optimizer = getattr(cr.optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for k in range(10):
        set_gradients(cr, ours, k)
        set_gradients(torch, theirs, k)
        if k == 4:  # a parameter without a gradient is left alone
            ours[1].grad = theirs[1].grad = None
        if k == 6:
            optimizer.param_groups[0]["lr"] = reference.param_groups[0]["lr"] = 0.05
        optimizer.step()
        reference.step()
    assert_close(ours, theirs, 10)


ADAFACTOR = [
    *grid(lr=[0.1], weight_decay=[0, 0.2], maximize=BOTH),
    {},
    {"eps": (1e-2, 0.1), "d": 2.0, "beta2_decay": -0.5},
]
MUON = [
    *grid(lr=[0.1], weight_decay=[0, 0.2], nesterov=BOTH, adjust_lr_fn=[None, "match_rms_adamw"]),
    {},
    {"ns_steps": 2, "ns_coefficients": (1.5, -0.5, 0.1), "momentum": 0.5},
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "case", [*(("Adafactor", o) for o in ADAFACTOR), *(("Muon", o) for o in MUON)], ids=ids
)
def test_ten_steps_on_matrices_are_those_of_pytorch(
    case: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, options = case
    # PyTorch's Muon computes in bfloat16, which NumPy has not.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    shapes = [(4, 3), (3, 4), (1, 5)] if name == "Muon" else [(4, 3), (5,), (), (2, 3, 4), (1, 1)]
    ours, theirs = parameters(cr, dtype, shapes), parameters(torch, dtype, shapes)
    optimizer = getattr(cr.optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for k in range(10):
        set_gradients(cr, ours, k)
        set_gradients(torch, theirs, k)
        if k == 4:
            ours[1].grad = theirs[1].grad = None
        optimizer.step()
        reference.step()
    assert_close(ours, theirs, 10)


def test_muon_is_within_bfloat16_of_pytorch_as_it_is() -> None:
    ours, theirs = parameters(cr, "float32", [(6, 4)]), parameters(torch, "float32", [(6, 4)])
    optimizer, reference = cr.optim.Muon(ours, lr=0.1), torch.optim.Muon(theirs, lr=0.1)
    for k in range(10):
        set_gradients(cr, ours, k)
        set_gradients(torch, theirs, k)
        optimizer.step()
        reference.step()
    difference = np.abs(ours[0].detach().numpy() - theirs[0].detach().numpy()).max()
    assert 0 < difference < 0.1 * 10 * 2**-6


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_matrices_without_elements_are_left_alone(name: str) -> None:
    w = cr.zeros(3, 0, requires_grad=True)
    w.grad = cr.zeros(3, 0)
    if name == "Muon":
        getattr(cr.optim, name)([w], adjust_lr_fn="match_rms_adamw").step()
    else:
        getattr(cr.optim, name)([w]).step()
    assert tuple(w.shape) == (3, 0)


@pytest.mark.parametrize(
    "case",
    [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.2}),
        ("Adam", {"lr": 0.1, "weight_decay": 0.2}),
        ("AdamW", {"lr": 0.1, "amsgrad": True}),
        ("Adamax", {"lr": 0.1, "weight_decay": 0.2}),
        ("NAdam", {"lr": 0.1, "weight_decay": 0.2}),
        ("RAdam", {"lr": 0.1, "betas": (0.5, 0.6), "maximize": True}),
        ("Adagrad", {"lr": 0.1, "weight_decay": 0.2}),
        ("Adadelta", {"lr": 0.1, "weight_decay": 0.2}),
        ("RMSprop", {"lr": 0.1, "centered": True, "momentum": 0.5, "maximize": True}),
        ("Rprop", {"lr": 0.1, "maximize": True}),
        ("ASGD", {"lr": 0.1, "t0": 0, "weight_decay": 0.2}),
    ],
    ids=ids,
)
def test_large_parameters_are_those_of_pytorch(case: Any) -> None:
    name, options = case
    ours, theirs = parameters(cr, "float32", [LARGE]), parameters(torch, "float32", [LARGE])
    optimizer = getattr(cr.optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for k in range(3):
        set_gradients(cr, ours, k)
        set_gradients(torch, theirs, k)
        optimizer.step()
        reference.step()
    assert_close(ours, theirs, 3)


@given(
    st.sampled_from([0, 0.5, 0.99]),
    st.floats(0, 0.5),
    st.floats(1e-4, 1.0),
    st.lists(st.integers(0, 4), max_size=3),
    st.integers(1, 4),
)
def test_sgd_of_any_shape_and_rate_follows_pytorch(
    momentum: float, weight_decay: float, lr: float, shape: list[int], steps: int
) -> None:
    ours, theirs = parameters(cr, "float64", [shape]), parameters(torch, "float64", [shape])
    optimizer = cr.optim.SGD(ours, lr, momentum, weight_decay=weight_decay)
    reference = torch.optim.SGD(theirs, lr, momentum, weight_decay=weight_decay)
    for k in range(steps):
        set_gradients(cr, ours, k)
        set_gradients(torch, theirs, k)
        optimizer.step()
        reference.step()
    assert_close(ours, theirs, steps)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_memory_in_another_order_is_updated_alike(name: str) -> None:
    side = int(np.sqrt(updates.PIECE)) + 1
    options: dict[str, Any] = {"momentum": 0.1} if name in ("SGD", "RMSprop") else {}
    plain = cr.zeros(side, side, requires_grad=True)
    turned = cr.nn.Parameter(cr.zeros(side, side).T)
    assert not turned.is_contiguous()
    optimizer = getattr(cr.optim, name)([plain, turned], lr=0.1, **options)
    for k in range(3):
        set_gradients(cr, [plain], k)
        turned.grad = plain.grad.clone()
        optimizer.step()
    np.testing.assert_allclose(turned.detach().numpy(), plain.detach().numpy(), rtol=1e-6)


def in_pytorch(value: Any) -> Any:
    """Return a state dict of ours with PyTorch's tensors."""
    if isinstance(value, cr.Tensor):
        return torch.tensor(value.detach().numpy())
    if isinstance(value, dict):
        return {key: in_pytorch(item) for key, item in value.items()}
    return [in_pytorch(item) for item in value] if isinstance(value, list) else value


STATE_CASES = [
    *CASES,
    *(("Adafactor", o) for o in ADAFACTOR),
    ("Muon", {"lr": 0.1, "ns_steps": 1}),
]


@pytest.mark.parametrize("case", STATE_CASES, ids=ids)
def test_state_dicts_have_the_layout_of_pytorch_and_are_exchanged(
    case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, options = case
    shapes = [(4, 3), (2, 4)] if name == "Muon" else [(4, 3), (4,)]
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    ours, theirs = parameters(cr, "float32", shapes), parameters(torch, "float32", shapes)
    optimizer = getattr(cr.optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for k in range(3):
        for library, params, o in ((cr, ours, optimizer), (torch, theirs, reference)):
            set_gradients(library, params, k)
            o.step()
    mine, other = optimizer.state_dict(), reference.state_dict()
    assert mine["param_groups"] == other["param_groups"]
    assert list(mine["param_groups"][0]) == list(other["param_groups"][0])
    assert list(mine["state"]) == list(other["state"])
    for key, entries in other["state"].items():
        assert list(mine["state"][key]) == list(entries)
        assert_close(list(mine["state"][key].values()), list(entries.values()), 3)
    assert repr(optimizer) == repr(reference)

    crossed = getattr(cr.optim, name)(ours, lr=9.0)
    crossed.load_state_dict(other)
    back = getattr(torch.optim, name)(theirs, lr=9.0)
    back.load_state_dict(in_pytorch(mine))
    for k in range(3, 6):
        for library, params, o in ((cr, ours, crossed), (torch, theirs, back)):
            set_gradients(library, params, k)
            o.step()
    assert_close(ours, theirs, 6)


def test_a_loaded_state_is_a_copy_in_the_dtype_of_the_parameters() -> None:
    w = cr.ones(2, requires_grad=True)
    optimizer = cr.optim.Adam([w])
    moment = cr.ones(2, dtype=cr.float64)
    state = {
        "state": {0: {"step": 3, "exp_avg": moment, "exp_avg_sq": np.ones(2)}},
        "param_groups": [{"params": [0], "lr": 0.5}],
    }
    optimizer.load_state_dict(state)
    taken = optimizer.state[w]
    assert taken["exp_avg"].dtype == taken["exp_avg_sq"].dtype == cr.float32
    assert taken["step"].item() == 3.0
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)
    w.grad = cr.ones(2)
    optimizer.step()
    assert (moment == 1).all()
    assert state["param_groups"][0]["params"] == [0]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({}, KeyError, "not the state of an optimizer"),
        ({"state": {}, "param_groups": []}, ValueError, "different number of parameter groups"),
        ({"state": {}, "param_groups": [{"params": [0]}]}, ValueError, "doesn't match the size"),
        (
            {
                "state": {
                    0: {"momentum_buffer": cr.ones(2, 3)},
                    1: {"momentum_buffer": cr.ones(2, 3)},
                },
                "param_groups": [{"params": [0, 1], "lr": 5.0}],
            },
            ValueError,
            r"momentum_buffer of shape \[2, 3\] for parameter 1, whose shape is \[3\]",
        ),
    ],
)
def test_a_wrong_state_is_refused_and_changes_nothing(state: Any, error: Any, message: str) -> None:
    params = [cr.ones(2, 3, requires_grad=True), cr.ones(3, requires_grad=True)]
    optimizer = cr.optim.SGD(params, lr=0.1, momentum=0.9)
    set_gradients(cr, params, 0)
    optimizer.step()
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for k in (0, 1):
        kept = after["state"][k]["momentum_buffer"] == before["state"][k]["momentum_buffer"]
        assert kept.all()


@pytest.mark.parametrize("name", [*ELEMENTWISE, "Adafactor"])
def test_copies_and_pickles_go_on_alike(name: str) -> None:
    options: dict[str, Any] = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    model = cr.nn.Linear(3, 2)
    optimizer = getattr(cr.optim, name)(model.parameters(), lr=0.1, **options)

    def train(model: Any, optimizer: Any) -> None:
        optimizer.zero_grad()
        model(cr.ones(1, 3)).sum().backward()
        optimizer.step()

    train(model, optimizer)
    copied = copy.deepcopy((model, optimizer))
    pickled = pickle.loads(pickle.dumps((model, optimizer)))
    for pair in ((model, optimizer), copied, pickled):
        train(*pair)
        train(*pair)
    for twin, _ in (copied, pickled):
        for mine, other in zip(model.parameters(), twin.parameters(), strict=True):
            assert mine is not other
            assert (mine == other).all()
