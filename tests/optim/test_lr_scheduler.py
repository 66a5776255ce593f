"""Schedules step by step beside PyTorch's: rates, momenta, states, warnings, refusals."""

import copy
import importlib
import pickle
import warnings
from typing import Any

import pytest
import torch

import chainrule as cr


def half(t: int) -> float:
    return 0.5**t


def thirds(t: int) -> float:
    return 1 / (1 + t / 3)


class Slope:
    """A function with state."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def __call__(self, t: float) -> float:
        return 1 / (1 + self.slope * t)


CASES: list[tuple[str, dict[str, Any]]] = [
    ("LambdaLR", {"lr_lambda": half}),
    ("LambdaLR", {"lr_lambda": [half, thirds]}),
    ("LambdaLR", {"lr_lambda": Slope(0.5)}),
    ("MultiplicativeLR", {"lr_lambda": thirds}),
    ("MultiplicativeLR", {"lr_lambda": (half, Slope(0.25))}),
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.5}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.25, "end_factor": 0.5, "total_iters": 7}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 4}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 8, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 5}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 3}),
    ("CyclicLR", {"base_lr": [0.1, 0.2], "max_lr": [1.0, 2.0], "step_size_up": 2}),
    (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 1.0,
            "step_size_up": 2,
            "step_size_down": 3,
            "mode": "triangular2",
            "base_momentum": 0.7,
            "max_momentum": [0.8, 0.95],
        },
    ),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 2, "mode": "exp_range", "gamma": 0.9},
    ),
    (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 1.0,
            "step_size_up": 2,
            "scale_fn": Slope(0.5),
            "scale_mode": "iterations",
            "cycle_momentum": False,
        },
    ),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 20}),
    ("OneCycleLR", {"max_lr": [1.0, 2.0], "epochs": 4, "steps_per_epoch": 5, "pct_start": 0.4}),
    (
        "OneCycleLR",
        {
            "max_lr": 1.0,
            "total_steps": 20,
            "three_phase": True,
            "anneal_strategy": "linear",
            "div_factor": 10.0,
            "final_div_factor": 100.0,
            "base_momentum": 0.5,
        },
    ),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 20, "cycle_momentum": False}),
    ("SWALR", {"swa_lr": 0.05}),
    ("SWALR", {"swa_lr": [0.05, 0.5], "anneal_epochs": 4, "anneal_strategy": "linear"}),
    ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}),
]
OPTIMIZERS = {"SGD": {"momentum": 0.9}, "Adam": {}}
STEPS = 16


def ids(case: Any) -> str:
    name, options = case
    return f"{name} {' '.join(options)}"


def schedules(library: Any) -> Any:
    package = "chainrule" if library is cr else "torch"
    return importlib.import_module(f"{package}.optim.lr_scheduler")


def schedule_type(library: Any, name: str) -> Any:
    return library.optim.swa_utils.SWALR if name == "SWALR" else getattr(schedules(library), name)


def optimizer_of(library: Any, name: str = "SGD", tensor_rate: bool = False) -> Any:
    rate: Any = library.tensor(0.5, dtype=library.float64) if tensor_rate else 0.5
    first, second = (library.zeros(1, requires_grad=True) for _ in range(2))
    groups = [{"params": [first]}, {"params": [second], "lr": 0.25}]
    return getattr(library.optim, name)(groups, lr=rate, **OPTIMIZERS[name])


def rates(optimizer: Any) -> list[Any]:
    return [
        (float(group["lr"]), group.get("momentum"), group.get("betas"))
        for group in optimizer.param_groups
    ]


def course(library: Any, case: Any, optimizer_name: str, tensor_rate: bool = False) -> list[Any]:
    name, options = case
    optimizer = optimizer_of(library, optimizer_name, tensor_rate)
    schedule = schedule_type(library, name)(optimizer, **copy.deepcopy(options))
    seen = []
    for _ in range(STEPS):
        seen.append((rates(optimizer), [float(rate) for rate in schedule.get_last_lr()]))
        optimizer.step()
        schedule.step()
    return seen


@pytest.mark.parametrize("optimizer_name", list(OPTIMIZERS))
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_every_step_is_exactly_that_of_pytorch(case: Any, optimizer_name: str) -> None:
    assert course(cr, case, optimizer_name) == course(torch, case, optimizer_name)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c[0] not in ("CyclicLR", "OneCycleLR", "SWALR")], ids=ids
)
def test_a_rate_in_a_tensor_is_set_in_place(case: Any) -> None:
    ours, theirs = (course(library, case, "SGD", tensor_rate=True) for library in (cr, torch))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine[1] == pytest.approx(other[1], rel=1e-12)
    rate = cr.tensor(0.5)
    optimizer = cr.optim.SGD([cr.zeros(1)], lr=rate)
    schedule = cr.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25
    assert optimizer.param_groups[0]["initial_lr"].item() == 0.5


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize(
    "case", [c for c in CASES if c[0] not in ("MultiplicativeLR", "SWALR")], ids=ids
)
def test_a_jump_goes_where_pytorch_goes(case: Any) -> None:
    name, options = case
    seen = []
    for library in (cr, torch):
        optimizer = optimizer_of(library)
        schedule = schedule_type(library, name)(optimizer, **copy.deepcopy(options))
        optimizer.step()
        seen.append([])
        for epoch in (3, 0, 7, 14, None, 2):
            schedule.step(epoch)
            seen[-1].append(schedule.get_last_lr())
    assert seen[0] == seen[1]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_states_are_exchanged_with_pytorch_and_continue(case: Any) -> None:
    name, options = case
    pairs = []
    for library in (cr, torch):
        optimizer = optimizer_of(library)
        schedule = schedule_type(library, name)(optimizer, **copy.deepcopy(options))
        for _ in range(5):
            optimizer.step()
            schedule.step()
        pairs.append((optimizer, schedule))
    (ours, mine), (theirs, other) = pairs
    state = other.state_dict()
    # PyTorch keeps what it derives from `anneal_strategy` and the mode too.
    assert set(mine.state_dict()) == set(state)
    assert mine.state_dict() == state

    fresh_optimizer = optimizer_of(cr)
    fresh = schedule_type(cr, name)(fresh_optimizer, **copy.deepcopy(options))
    fresh.load_state_dict(copy.deepcopy(state))
    fresh_optimizer.load_state_dict(theirs.state_dict())
    back_optimizer = optimizer_of(torch)
    back = schedule_type(torch, name)(back_optimizer, **copy.deepcopy(options))
    back.load_state_dict(copy.deepcopy(mine.state_dict()))
    back_optimizer.load_state_dict(ours.state_dict())
    for _ in range(5):
        for o, s in ((fresh_optimizer, fresh), (back_optimizer, back), (ours, mine)):
            o.step()
            s.step()
        assert rates(fresh_optimizer) == rates(back_optimizer) == rates(ours)


@pytest.mark.parametrize("case", [c for c in CASES if c[0] != "SWALR"], ids=ids)
def test_a_schedule_is_resumed_by_last_epoch(case: Any) -> None:
    name, options = case
    seen = []
    for library in (cr, torch):
        first = optimizer_of(library)
        schedule = schedule_type(library, name)(first, **copy.deepcopy(options))
        for _ in range(4):
            first.step()
            schedule.step()
        second = optimizer_of(library)
        second.load_state_dict(first.state_dict())
        schedule = schedule_type(library, name)(second, last_epoch=4, **copy.deepcopy(options))
        seen.append([rates(second)])
        for _ in range(4):
            second.step()
            schedule.step()
            seen[-1].append(rates(second))
    assert seen[0] == seen[1]


METRICS = [
    5.0,
    4.0,
    4.0,
    3.9999,
    4.1,
    3.0,
    3.2,
    3.1,
    3.0,
    3.0,
    2.0,
    float("nan"),
    2.5,
    2.5,
    2.5,
    9.0,
]


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 0, "factor": 0.5, "cooldown": 2},
        {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "min_lr": 0.01},
        {"mode": "max", "patience": 0, "threshold": 0.1, "min_lr": [0.1, 0.02]},
        {"mode": "max", "patience": 1, "threshold_mode": "abs", "eps": 0.1},
    ],
    ids=str,
)
def test_a_plateau_is_seen_where_pytorch_sees_it(options: dict[str, Any]) -> None:
    seen, states = [], []
    for library in (cr, torch):
        optimizer = optimizer_of(library)
        schedule = schedules(library).ReduceLROnPlateau(optimizer, **options)
        seen.append([])
        for k, metric in enumerate(METRICS):
            optimizer.step()
            schedule.step(library.tensor(metric) if k % 2 else metric)
            seen[-1].append((rates(optimizer), schedule.best, schedule.num_bad_epochs))
        states.append(schedule.state_dict())
    assert seen[0] == seen[1]
    assert states[0] == states[1]
    fresh = cr.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(cr))
    fresh.load_state_dict(states[1])
    assert fresh.state_dict() == states[1]


def test_a_plateau_takes_in_groups_that_were_added() -> None:
    optimizer = optimizer_of(cr)
    schedule = cr.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.01)
    strict = cr.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1, 0.1])
    optimizer.add_param_group({"params": [cr.zeros(1)]})
    for _ in range(2):
        schedule.step(1.0)
    assert optimizer.param_groups[2]["lr"] == pytest.approx(0.05)
    strict.step(1.0)
    with pytest.raises(RuntimeError, match="The number of param groups in the `optimizer` \\(3\\)"):
        strict.step(1.0)


def combined(library: Any, kind: str) -> tuple[Any, Any]:
    module = schedules(library)
    optimizer = optimizer_of(library)
    if kind == "nested":
        inner = module.SequentialLR(
            optimizer,
            [module.LinearLR(optimizer, 0.5, total_iters=2), module.ExponentialLR(optimizer, 0.9)],
            [2],
        )
        return optimizer, module.SequentialLR(
            optimizer, [inner, module.StepLR(optimizer, 2, gamma=0.5)], [5]
        )
    parts = [
        module.LinearLR(optimizer, start_factor=0.1, total_iters=4),
        module.CosineAnnealingLR(optimizer, T_max=6, eta_min=0.01),
        module.MultiStepLR(optimizer, [1, 3], gamma=0.5),
    ]
    if kind == "chained":
        return optimizer, module.ChainedScheduler(parts)
    milestones = {"sequential": [4, 9], "at once": [0, 3]}[kind]
    return optimizer, module.SequentialLR(optimizer, parts, milestones)


# PyTorch warns about its own doing when one sequence is part of another.
@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("kind", ["sequential", "at once", "chained", "nested"])
def test_combined_schedules_are_those_of_pytorch(kind: str) -> None:
    seen, pairs = [], []
    for library in (cr, torch):
        optimizer, schedule = combined(library, kind)
        seen.append([])
        for _ in range(7):
            seen[-1].append((rates(optimizer), schedule.get_last_lr()))
            optimizer.step()
            schedule.step()
        pairs.append((optimizer, schedule))
    assert seen[0] == seen[1]
    (ours, mine), (theirs, other) = pairs
    assert mine.state_dict() == other.state_dict()
    fresh_optimizer, fresh = combined(cr, kind)
    fresh.load_state_dict(copy.deepcopy(other.state_dict()))
    fresh_optimizer.load_state_dict(theirs.state_dict())
    for _ in range(7):
        for o, s in ((fresh_optimizer, fresh), (theirs, other), (ours, mine)):
            o.step()
            s.step()
        assert rates(fresh_optimizer) == rates(theirs) == rates(ours)


def messages(act: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return [str(warning.message)[:60] for warning in caught]


def test_the_order_of_steps_is_warned_about_as_in_pytorch() -> None:
    def without_a_step(library: Any) -> None:
        schedule = schedules(library).StepLR(optimizer_of(library), 2)
        schedule.step()
        schedule.step()

    def step_before_only(library: Any) -> None:
        optimizer = optimizer_of(library)
        schedules(library).StepLR(optimizer, 2)
        optimizer.step()
        schedules(library).StepLR(optimizer, 2).step()

    def overridden(library: Any) -> None:
        optimizer = optimizer_of(library)
        schedule = schedules(library).StepLR(optimizer, 2)
        optimizer.step = lambda: None
        optimizer.step()
        schedule.step()

    def asked(library: Any) -> None:
        schedules(library).StepLR(optimizer_of(library), 2).get_lr()

    def step_before_any_schedule(library: Any) -> None:
        optimizer = optimizer_of(library)
        optimizer.step()
        schedules(library).StepLR(optimizer, 2).step()

    for program in (
        without_a_step,
        step_before_only,
        overridden,
        asked,
        step_before_any_schedule,
    ):
        ours, theirs = messages(lambda p=program: p(cr)), messages(lambda p=program: p(torch))
        assert ours == theirs
        assert len(ours) == (program is not step_before_only)


def test_a_step_that_the_user_wrapped_is_no_mistake() -> None:
    optimizer = optimizer_of(cr)
    inner, taken = optimizer.step, []

    def step(closure: Any = None) -> None:
        taken.append(1)
        inner(closure)

    optimizer.step = step
    schedule = cr.optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    schedule.step()
    assert taken == [1]


def test_a_schedule_of_the_users_own() -> None:
    seen = []
    for library in (cr, torch):

        class Warm(schedules(library).LRScheduler):  # type: ignore[misc]
            def get_lr(self) -> list[float]:
                assert self._get_lr_called_within_step
                return [rate * min(1, (self.last_epoch + 1) / 4) for rate in self.base_lrs]

        optimizer = optimizer_of(library)
        schedule = Warm(optimizer)
        seen.append([])
        for _ in range(6):
            seen[-1].append(schedule.get_last_lr())
            optimizer.step()
            schedule.step()
    assert seen[0] == seen[1]
    with pytest.raises(NotImplementedError, match="does not define get_lr"):
        cr.optim.lr_scheduler.LRScheduler(optimizer_of(cr))


def test_copies_and_pickles_go_on_alike() -> None:
    optimizer = optimizer_of(cr)
    schedule = cr.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, step_size_up=3)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    twins = [copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))]
    for one in (schedule, *twins):
        one.optimizer.step()
        one.step()
    for one in twins:
        assert one.optimizer is not optimizer
        assert rates(one.optimizer) == rates(optimizer)


REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("LambdaLR", {"lr_lambda": [half]}),
    ("MultiplicativeLR", {"lr_lambda": [1, 2]}),
    ("MultiplicativeLR", {"lr_lambda": [half]}),
    ("ConstantLR", {"factor": 2.0}),
    ("LinearLR", {"start_factor": 0.0}),
    ("LinearLR", {"end_factor": -1.0}),
    ("CosineAnnealingWarmRestarts", {"T_0": 0}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1.5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 0}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "eta_min": "low"}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "mode": "square"}),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": 1.0}),
    ("OneCycleLR", {"max_lr": 1.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 0}),
    ("OneCycleLR", {"max_lr": 1.0, "epochs": -1, "steps_per_epoch": 3}),
    ("OneCycleLR", {"max_lr": 1.0, "epochs": 2, "steps_per_epoch": 1.5}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 4, "pct_start": 1}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 4, "anneal_strategy": "step"}),
    ("ReduceLROnPlateau", {"factor": 1.0}),
    ("ReduceLROnPlateau", {"mode": "least"}),
    ("ReduceLROnPlateau", {"threshold_mode": "both"}),
    ("ReduceLROnPlateau", {"min_lr": [0.1]}),
    ("StepLR", {"step_size": 2, "last_epoch": 3}),
    ("SequentialLR", {"schedulers": [], "milestones": []}),
    ("SequentialLR", {"schedulers": [1], "milestones": []}),
    ("SWALR", {"swa_lr": [0.1]}),
    ("SWALR", {"swa_lr": 0.1, "anneal_strategy": "step"}),
    ("SWALR", {"swa_lr": 0.1, "anneal_epochs": -1}),
]


@pytest.mark.parametrize("case", REFUSALS, ids=ids)
def test_bad_arguments_are_refused_as_in_pytorch(case: Any) -> None:
    name, options = case
    caught = []
    for library in (cr, torch):
        with pytest.raises((ValueError, TypeError, KeyError)) as refusal:
            schedule_type(library, name)(optimizer_of(library), **options)
        caught.append(refusal)
    assert caught[0].type is caught[1].type
    assert str(caught[0].value)[:15] == str(caught[1].value)[:15]


def test_other_refusals() -> None:
    module = cr.optim.lr_scheduler
    optimizer, other = optimizer_of(cr), optimizer_of(cr)
    plain = cr.optim.Adagrad([cr.zeros(1)])
    step = module.StepLR(optimizer, 2)
    for make, error, message in (
        (lambda: module.StepLR(3, 2), TypeError, "int is not an Optimizer"),
        (lambda: module.CyclicLR(plain, 0.1, 1.0), ValueError, "must support momentum or beta1"),
        (lambda: module.SequentialLR(other, [step], []), ValueError, "belong to the same optim"),
        (lambda: module.SequentialLR(optimizer, [step], [1]), ValueError, "one more than the num"),
        (
            lambda: module.ChainedScheduler([module.ReduceLROnPlateau(optimizer)]),
            ValueError,
            "does not support `ReduceLROnPlateau`",
        ),
        (lambda: module.ChainedScheduler([]), ValueError, "expects at least one scheduler"),
        (lambda: module.ChainedScheduler([step], other), ValueError, "different from SGD"),
        (lambda: cr.optim.nothing, AttributeError, "has no attribute 'nothing'"),
    ):
        with pytest.raises(error, match=message):
            make()
    ended = module.OneCycleLR(optimizer, 1.0, total_steps=2)
    optimizer.step()
    for _ in range(2):
        ended.step()
    with pytest.raises(ValueError, match="Tried to step 3 times"):
        ended.step()
    with pytest.raises(ValueError, match="Expected non-negative epoch"):
        module.CosineAnnealingWarmRestarts(optimizer, 2).step(-1)
