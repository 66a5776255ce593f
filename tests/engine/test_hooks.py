"""Hooks on tensors: they see gradients on their way and may replace them."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both


def test_hooks_see_the_whole_gradient_once() -> None:
    def program(library: Any) -> Any:
        seen = []
        x = library.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        x.register_hook(lambda g: seen.append(g.clone()))
        y.register_hook(lambda g: seen.append(g.clone()))
        (y * y + y.exp() + x).sum().backward()
        return seen, x.grad

    same_in_both(program)


def test_what_a_hook_returns_replaces_the_gradient_for_all_that_follows() -> None:
    def program(library: Any) -> Any:
        x = library.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        if library is not cr:
            y.retain_grad()
        y.register_hook(lambda g: g * 10)
        y.register_hook(lambda g: None)
        y.register_hook(lambda g: g + 1)
        x.register_hook(lambda g: -g)
        y.sum().backward()
        return y.grad, x.grad

    same_in_both(program)


def test_hooks_run_for_autograd_grad_as_well() -> None:
    def program(library: Any) -> Any:
        x = library.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        y.register_hook(lambda g: g * 10)
        x.register_hook(lambda g: g + 1)
        return library.autograd.grad(y.sum(), x)

    same_in_both(program)


def test_removed_hooks_run_no_more_and_may_be_removed_twice() -> None:
    def program(library: Any) -> Any:
        x = library.tensor([1.0, 2.0], requires_grad=True)
        handle = x.register_hook(lambda g: g * 10)
        other = x.register_hook(lambda g: g + 1)
        handle.remove()
        handle.remove()
        (x * 2).sum().backward()
        other.remove()
        (x * 2).sum().backward()
        with x.register_hook(lambda g: g * 0):
            (x * 2).sum().backward()
        (x * 2).sum().backward()
        return x.grad

    same_in_both(program)


def test_hooks_are_differentiated_under_create_graph() -> None:
    def program(library: Any) -> Any:
        x = library.tensor([1.0, 2.0], dtype=library.float64, requires_grad=True)
        y = x**2
        y.register_hook(lambda g: g * y)
        (g,) = library.autograd.grad(y.sum(), x, create_graph=True)
        return g.detach(), *library.autograd.grad(g.sum(), x)

    same_in_both(program)


def test_a_hook_may_not_change_shape_or_kind() -> None:
    def hooked(library: Any, hook: Any) -> None:
        y = library.ones(2, requires_grad=True) * 2
        y.register_hook(hook)
        y.sum().backward()

    refused_in_both(
        lambda library: hooked(library, lambda g: g[:1]),
        r"hook .* returned a Tensor of shape \[1\], expected a Tensor of shape \[2\]",
        "has changed the size of value",
    )
    with pytest.raises((RuntimeError, TypeError), match="returned float, expected a Tensor"):
        hooked(cr, lambda g: 3.0)


def test_a_gradient_of_another_dtype_is_converted_back() -> None:
    x = cr.ones(2, requires_grad=True)
    x.register_hook(lambda g: g.double() * 2)
    (x * 3).sum().backward()
    assert x.grad is not None and x.grad.dtype == cr.float32
    np.testing.assert_array_equal(x.grad, [6, 6])


def test_hooks_on_constants_are_refused() -> None:
    refused_in_both(
        lambda library: library.ones(2).register_hook(lambda g: g),
        "cannot register a hook on a tensor that doesn't require gradient",
    )


def test_a_hook_that_changes_its_argument_changes_no_other_gradient() -> None:
    a, b = (cr.ones(2, requires_grad=True) for _ in range(2))
    a.register_hook(lambda g: g.mul_(5))
    upstream = cr.tensor([1.0, 2.0])
    (a + b).backward(upstream)
    np.testing.assert_array_equal(a.grad, [5, 10])
    np.testing.assert_array_equal(b.grad, [1, 2])
    np.testing.assert_array_equal(upstream, [1, 2])


def test_hooks_stay_through_several_passes() -> None:
    def program(library: Any) -> Any:
        x = library.ones(2, requires_grad=True)
        x.register_hook(lambda g: g * 2)
        for _ in range(3):
            (x * 3).sum().backward()
        return x.grad

    same_in_both(program)
