"""Hooks of optimizers beside PyTorch's: when they run, with what, and what they may replace."""

import importlib
from typing import Any

import pytest
import torch

import chainrule as cr


def made(library: Any) -> tuple[Any, Any]:
    w = library.tensor([1.0, 2.0], requires_grad=True)
    w.grad = library.tensor([1.0, 1.0])
    return w, library.optim.SGD([w], lr=0.5, momentum=0.5)


def diary(library: Any) -> list[Any]:
    """Register every hook, use the optimizer, and return what happened."""
    happened: list[Any] = []
    _, optimizer = made(library)

    def note(name: str) -> Any:
        def hook(first: Any, *rest: Any) -> None:
            assert first is optimizer
            happened.append((name, len(rest)))

        return hook

    optimizer.register_step_pre_hook(note("before step"))
    handle = optimizer.register_step_post_hook(note("after step"))
    optimizer.register_state_dict_pre_hook(note("before state"))
    optimizer.register_state_dict_pre_hook(note("first before state"), prepend=True)
    optimizer.register_state_dict_post_hook(note("after state"))
    optimizer.register_state_dict_post_hook(note("first after state"), prepend=True)
    optimizer.register_load_state_dict_pre_hook(note("before load"))
    optimizer.register_load_state_dict_pre_hook(note("first before load"), prepend=True)
    optimizer.register_load_state_dict_post_hook(note("after load"))
    optimizer.register_load_state_dict_post_hook(note("first after load"), prepend=True)
    optimizer.step()
    handle.remove()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return happened


def test_hooks_run_when_and_with_what_they_do_in_pytorch() -> None:
    assert diary(cr) == diary(torch)


@pytest.mark.parametrize("library", [cr, torch])
def test_a_hook_before_a_step_replaces_its_arguments(library: Any) -> None:
    w, optimizer = made(library)

    def closure() -> float:
        w.grad = library.tensor([2.0, 2.0])
        return 7.0

    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, closure), {}))
    assert optimizer.step() == 7.0
    assert w.tolist() == [0.0, 1.0]
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple of"):
        optimizer.step()


@pytest.mark.parametrize("library", [cr, torch])
def test_hooks_replace_state_dicts(library: Any) -> None:
    _, optimizer = made(library)
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    assert optimizer.state_dict()["more"] == 1

    def slower(o: Any, state: Any) -> Any:
        assert state.pop("more") == 1
        groups = [{**group, "lr": 0.125} for group in state["param_groups"]]
        return {**state, "param_groups": groups}

    optimizer.register_load_state_dict_pre_hook(slower)
    given = optimizer.state_dict()
    optimizer.load_state_dict(given)
    assert optimizer.param_groups[0]["lr"] == 0.125
    assert given["more"] == 1


def test_hooks_of_all_optimizers_run_around_the_own_ones() -> None:
    for library, package in ((cr, "chainrule"), (torch, "torch")):
        module = importlib.import_module(f"{package}.optim.optimizer")
        happened = []
        _, optimizer = made(library)
        optimizer.register_step_pre_hook(lambda *_, h=happened: h.append("own before"))
        optimizer.register_step_post_hook(lambda *_, h=happened: h.append("own after"))
        handles = [
            module.register_optimizer_step_pre_hook(lambda *_, h=happened: h.append("before all")),
            module.register_optimizer_step_post_hook(lambda *_, h=happened: h.append("after all")),
        ]
        optimizer.step()
        for handle in handles:
            handle.remove()
        optimizer.step()
        around = ["before all", "own before", "own after", "after all"]
        assert happened == [*around, "own before", "own after"]


def test_a_step_of_the_users_own_is_hooked_too() -> None:
    class Nothing(cr.optim.Optimizer):
        def step(self, closure: Any = None) -> str:
            return "nothing"

    optimizer = Nothing([cr.ones(1)], {})
    happened: list[str] = []
    optimizer.register_step_post_hook(lambda *_: happened.append("after"))
    assert optimizer.step() == "nothing"
    assert happened == ["after"]
