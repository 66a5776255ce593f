"""Hooks of modules: when they run, what they see and what they may replace."""

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import nn


def flat(value: Any) -> Any:
    """Return tensors of either library, in tuples or not, as nested lists."""
    if isinstance(value, tuple):
        return tuple(flat(part) for part in value)
    return None if value is None else value.detach().numpy().round(5).tolist()


def test_forward_hooks_see_and_replace_arguments_and_output() -> None:
    layer = nn.ReLU()
    seen: list[Any] = []

    def before(module: Any, args: Any) -> Any:
        seen.append((module is layer, flat(args)))
        return args[0] * 2

    def after(module: Any, args: Any, output: Any) -> Any:
        seen.append((flat(args), flat(output)))
        return output + 1

    handles = [layer.register_forward_pre_hook(before), layer.register_forward_hook(after)]
    assert layer(cr.tensor([-1.0, 1.0])).tolist() == [1.0, 3.0]
    assert seen == [(True, ([-1.0, 1.0],)), (([-2.0, 2.0],), [0.0, 2.0])]
    for handle in handles:
        handle.remove()
    assert layer(cr.tensor([-1.0, 1.0])).tolist() == [0.0, 1.0]
    assert len(seen) == 2


def test_hooks_run_in_order_of_registration_unless_prepended() -> None:
    def order(library: Any) -> list[str]:
        seen: list[str] = []
        layer = library.nn.ReLU()
        layer.register_forward_hook(lambda *_: seen.append("a"))
        layer.register_forward_hook(lambda *_: seen.append("b"), prepend=True)
        layer.register_forward_pre_hook(lambda *_: seen.append("c"))
        layer.register_forward_pre_hook(lambda *_: seen.append("d"), prepend=True)
        layer(library.ones(1))
        return seen

    assert order(cr) == order(torch) == ["d", "c", "b", "a"]


def test_hooks_with_keyword_arguments() -> None:
    class Scale(nn.Module):
        def forward(self, x: Any, *, by: float) -> Any:
            return x * by

    scale = Scale()
    seen: list[Any] = []
    scale.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True
    )
    scale.register_forward_hook(
        lambda m, args, kwargs, output: seen.append(kwargs), with_kwargs=True
    )
    assert scale(cr.ones(1), by=2.0).item() == 3.0
    assert seen == [{"by": 3.0}]
    scale.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple of"):
        scale(cr.ones(1), by=2.0)


def test_always_call_runs_the_hook_of_a_forward_that_failed() -> None:
    class Broken(nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("broken")

    seen: list[Any] = []
    broken = Broken()
    broken.register_forward_hook(lambda m, args, output: seen.append(output), always_call=True)
    broken.register_forward_hook(lambda m, args, output: seen.append("never"))
    with pytest.raises(ValueError, match="broken"):
        broken(cr.ones(1))
    assert seen == [None]


class Two:
    """A module with two inputs and two outputs, of either library."""

    def __new__(cls, library: Any) -> Any:
        class Pair(library.nn.Module):
            def forward(self, a: Any, factor: float, b: Any) -> Any:
                return a * b * factor, a + b

        return Pair()


@pytest.mark.parametrize("second_requires_grad", [True, False])
@pytest.mark.parametrize("used", ["both", "first"])
def test_full_backward_hooks_see_what_they_see_in_pytorch(
    second_requires_grad: bool, used: str
) -> None:
    def run(library: Any) -> Any:
        seen: list[Any] = []
        module = Two(library)
        module.register_full_backward_pre_hook(lambda m, out: seen.append(flat(out)))
        module.register_full_backward_hook(
            lambda m, into, out: seen.append((flat(into), flat(out)))
        )
        a = library.tensor([1.0, 2.0], requires_grad=True)
        b = library.tensor([3.0, 4.0], requires_grad=second_requires_grad)
        product, total = module(a, 10.0, b)
        ((product * product).sum() + (total.sum() if used == "both" else 0)).backward()
        return seen, flat(a.grad), flat(b.grad)

    assert run(cr) == run(torch)


def test_full_backward_hooks_replace_gradients() -> None:
    def run(library: Any) -> Any:
        layer = library.nn.ReLU()
        layer.register_full_backward_pre_hook(lambda m, out: (out[0] * 10,))
        layer.register_full_backward_hook(lambda m, into, out: (into[0] + out[0],))
        x = library.tensor([1.0, -1.0], requires_grad=True)
        layer(x).sum().backward()
        return flat(x.grad)

    assert run(cr) == run(torch)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_full_backward_hook_runs_where_no_input_needs_a_gradient() -> None:
    def run(library: Any) -> Any:
        layer = library.nn.Linear(2, 1)
        seen: list[Any] = []
        layer.register_full_backward_hook(lambda m, into, out: seen.append((into, flat(out))))
        layer(library.ones(3, 2)).sum().backward()
        return seen

    assert run(cr) == run(torch)


def test_a_backward_hook_must_return_as_many_gradients_as_it_got() -> None:
    layer = nn.ReLU()
    layer.register_full_backward_hook(lambda m, into, out: (into[0], into[0]))
    loss = layer(cr.tensor([1.0], requires_grad=True)).sum()
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        loss.backward()


def test_backward_hooks_leave_second_derivatives_right() -> None:
    class Cube(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * x * x

    cube = Cube()
    cube.register_full_backward_hook(lambda m, into, out: None)
    x = cr.tensor(2.0, requires_grad=True)
    (first,) = cr.autograd.grad(cube(x), x, create_graph=True)
    (second,) = cr.autograd.grad(first, x)
    assert (first.item(), second.item()) == (12.0, 12.0)


def test_hooks_do_nothing_to_evaluation_without_gradients() -> None:
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda m, into, out: None)
    x = cr.ones(1, 2)
    with cr.no_grad():
        expected = layer.weight.sum() + layer.bias
        np.testing.assert_allclose(layer(x).numpy()[0], expected.numpy(), rtol=1e-6)
