"""autograd.Function: operations with a hand-written backward pass."""

import gc
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both


def function(
    library: Any,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    **more: Any,
) -> Any:
    """Return a Function of a library with these two methods."""
    members = {"forward": staticmethod(forward), **more}
    if backward is not None:
        members["backward"] = staticmethod(backward)
    return type("Custom", (library.autograd.Function,), members)


def ones(library: Any, *shape: int) -> Any:
    return library.ones(*shape, dtype=library.float64, requires_grad=True)


def save_input(ctx: Any, x: Any) -> Any:
    ctx.save_for_backward(x)
    return x**3


def cubed(ctx: Any, g: Any) -> Any:
    (x,) = ctx.saved_tensors
    return 3 * x**2 * g


# --- Values and gradients -------------------------------------------------------------------------


def test_the_written_backward_is_used() -> None:
    def program(library: Any) -> Any:
        wrong = function(library, lambda ctx, x: x * 2, lambda ctx, g: g * 100)
        x = ones(library, 3)
        y = wrong.apply(x)
        (y * y).sum().backward()
        return y.detach(), x.grad

    same_in_both(program)


def test_several_inputs_of_which_some_need_no_gradient() -> None:
    def program(library: Any) -> Any:
        needed = []

        def forward(ctx: Any, a: Any, b: Any, n: float, c: Any) -> Any:
            needed.append(ctx.needs_input_grad)
            ctx.save_for_backward(a, b)
            ctx.n = n
            return a * b * n + c

        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            return g * b * ctx.n, g * a * ctx.n if ctx.needs_input_grad[1] else None, None, g

        a, b, c = ones(library, 3), library.full((3,), 2.0, dtype=library.float64), ones(library, 3)
        y = function(library, forward, backward).apply(a, b, 5.0, c)
        y.sum().backward()
        return y.detach(), a.grad, b.grad, c.grad, needed

    same_in_both(program)


def test_setup_context_divides_forward_in_two() -> None:
    def program(library: Any) -> Any:
        def setup(ctx: Any, inputs: Any, output: Any) -> None:
            x, n = inputs
            ctx.save_for_backward(x, output)
            ctx.n = n

        def backward(ctx: Any, g: Any) -> Any:
            x, y = ctx.saved_tensors
            return g * ctx.n * y / x, None

        power = function(library, lambda x, n: x**n, backward, setup_context=staticmethod(setup))
        x = library.tensor([2.0, 3.0], dtype=library.float64, requires_grad=True)
        y = power.apply(x, 3)
        y.sum().backward()
        return y.detach(), x.grad

    same_in_both(program)


def test_keyword_arguments_go_to_their_places() -> None:
    def program(library: Any) -> Any:
        def forward(ctx: Any, x: Any, factor: float = 3.0, offset: float = 0.0) -> Any:
            ctx.factor = factor
            return x * factor + offset

        scale = function(library, forward, lambda ctx, g: (g * ctx.factor, None, None))
        x = ones(library, 2)
        y = scale.apply(x, offset=1.0, factor=5.0)
        return y.detach()

    same_in_both(program)


def test_several_outputs() -> None:
    def program(library: Any) -> Any:
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.exp(), x * 2

        def backward(ctx: Any, first: Any, second: Any) -> Any:
            (x,) = ctx.saved_tensors
            return first * x.exp() + second * 2

        x = library.tensor([0.5, 1.0], dtype=library.float64, requires_grad=True)
        a, b = function(library, forward, backward).apply(x)
        (a * b).sum().backward()
        return a.detach(), b.detach(), x.grad

    same_in_both(program)


@pytest.mark.parametrize("materialize", [True, False])
def test_outputs_that_were_not_used_have_gradients_of_zeros_or_none(materialize: bool) -> None:
    def program(library: Any) -> Any:
        seen = []

        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(materialize)
            return x * 2, x.sum(), x * 3

        def backward(ctx: Any, *gradients: Any) -> Any:
            seen.extend(None if g is None else g.clone() for g in gradients)
            return gradients[0] * 2

        x = ones(library, 2)
        function(library, forward, backward).apply(x)[0].sum().backward()
        return seen, x.grad

    same_in_both(program)


def test_outputs_that_are_not_floats_or_declared_constant_have_no_gradient() -> None:
    def program(library: Any) -> Any:
        def forward(ctx: Any, x: Any) -> Any:
            rounded = x * 0
            ctx.mark_non_differentiable(rounded)
            return x * 2, x.argmax(), rounded

        x = ones(library, 2)
        a, b, c = function(library, forward, lambda ctx, ga, gb, gc: ga * 2).apply(x)
        a.sum().backward()
        return a.requires_grad, b, c, c.is_leaf, x.grad

    same_in_both(program)


def test_results_that_are_not_tensors_pass_through() -> None:
    def program(library: Any) -> Any:
        both = function(
            library, lambda ctx, x: ("text", x * 2, None), lambda ctx, a, g, b: g * 2
        ).apply
        x = ones(library, 2)
        text, y, nothing = both(x)
        y.sum().backward()
        alone = function(library, lambda ctx, x: "text").apply(x)
        return text, nothing, x.grad, alone

    same_in_both(program)


def test_an_input_returned_as_it_is_is_another_tensor() -> None:
    def program(library: Any) -> Any:
        x = ones(library, 2)
        y = function(library, lambda ctx, x: x, lambda ctx, g: g * 3).apply(x)
        y.sum().backward()
        return y is x, x.is_leaf, y.detach(), x.grad

    same_in_both(program)


def test_a_view_of_an_input_as_output_can_be_changed_without_harm() -> None:
    x = ones(cr, 2)
    t = x * 1
    y = function(cr, lambda ctx, t: t.view(2, 1), lambda ctx, g: g.view(2)).apply(t)
    y.mul_(5.0)
    y.sum().backward()
    np.testing.assert_array_equal(t.detach(), [1, 1])
    np.testing.assert_array_equal(x.grad, [5, 5])


def test_a_tensor_from_outside_as_output_keeps_its_own_graph() -> None:
    w = ones(cr, 2)
    outside = w * 7
    x = ones(cr, 2)
    y = function(cr, lambda ctx, x: outside, lambda ctx, g: g * 2).apply(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2])
    assert w.grad is None
    outside.sum().backward()
    np.testing.assert_array_equal(w.grad, [7, 7])


def test_no_recording_without_need() -> None:
    def program(library: Any) -> Any:
        double = function(library, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
        plain = double.apply(library.ones(2))
        with library.no_grad():
            silent = double.apply(ones(library, 2))
        return plain, silent

    same_in_both(program)


def test_forward_runs_without_and_backward_as_create_graph_says() -> None:
    def program(library: Any) -> Any:
        modes = []

        def forward(ctx: Any, x: Any) -> Any:
            modes.append(library.is_grad_enabled())
            return x * 2

        def backward(ctx: Any, g: Any) -> Any:
            modes.append(library.is_grad_enabled())
            return g * 2

        double = function(library, forward, backward)
        x = ones(library, 2)
        double.apply(x).sum().backward()
        library.autograd.grad(double.apply(x).sum(), x, create_graph=True)
        return modes, library.is_grad_enabled()

    same_in_both(program)


def test_a_backward_that_raises_restores_the_mode() -> None:
    def fail(ctx: Any, g: Any) -> Any:
        raise KeyError("mine")

    y = function(cr, lambda ctx, x: x * 2, fail).apply(ones(cr, 2))
    with pytest.raises(KeyError, match="mine"):
        y.sum().backward()
    assert cr.is_grad_enabled()


def test_gradients_of_another_dtype_or_a_wider_shape_are_fitted() -> None:
    def program(library: Any) -> Any:
        x = library.ones(2, 1, requires_grad=True)
        wide = function(
            library,
            lambda ctx, x: x.expand(2, 3) * 2,
            lambda ctx, g: g.to(library.float64) * 2,
        )
        wide.apply(x).sum().backward()
        return x.grad

    same_in_both(program)


# --- Higher derivatives ---------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["input", "output"])
def test_second_derivatives_through_saved_tensors(what: str) -> None:
    def program(library: Any) -> Any:
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(x if what == "input" else y)
            return y

        def backward(ctx: Any, g: Any) -> Any:
            (saved,) = ctx.saved_tensors
            return g * (saved.exp() if what == "input" else saved)

        x = library.tensor([0.5, 1.0], dtype=library.float64, requires_grad=True)
        y = function(library, forward, backward).apply(x)
        orders = [y.detach()]
        total = y.sum()
        for _ in range(3):
            (g,) = library.autograd.grad(total, x, create_graph=True)
            orders.append(g.detach())
            total = g.sum()
        return orders

    same_in_both(program)


def test_second_derivatives_through_one_of_several_saved_outputs() -> None:
    def program(library: Any) -> Any:
        def forward(ctx: Any, x: Any) -> Any:
            y, z = x.exp(), x**2
            ctx.save_for_backward(y, x)
            return y, z

        def backward(ctx: Any, gy: Any, gz: Any) -> Any:
            y, x = ctx.saved_tensors
            return gy * y + gz * 2 * x

        x = library.tensor([0.5, 1.0], dtype=library.float64, requires_grad=True)
        y, z = function(library, forward, backward).apply(x)
        (g,) = library.autograd.grad((y * z).sum(), x, create_graph=True)
        return g.detach(), *library.autograd.grad((g**2).sum(), x)

    same_in_both(program)


def test_gradgradcheck_of_a_custom_operation() -> None:
    x = cr.tensor([0.5, 1.0], dtype=cr.float64, requires_grad=True)
    cube = function(cr, save_input, cubed).apply
    assert cr.autograd.gradcheck(cube, x)
    assert cr.autograd.gradgradcheck(cube, x)


def test_once_differentiable_refuses_the_second_derivative() -> None:
    class Cube(cr.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
            return save_input(ctx, x)

        @staticmethod
        @cr.autograd.function.once_differentiable
        def backward(ctx: Any, g: cr.Tensor) -> cr.Tensor:
            return cr.from_numpy(3 * np.square(ctx.saved_tensors[0].numpy(force=True)) * g.numpy())

    x = cr.tensor([2.0], requires_grad=True)
    Cube.apply(x).backward()
    np.testing.assert_array_equal(x.grad, [12])
    (g,) = cr.autograd.grad(Cube.apply(x), x, create_graph=True)
    np.testing.assert_array_equal(g.detach(), [12])
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        g.sum().backward()


# --- What is saved --------------------------------------------------------------------------------


def test_changed_saved_tensors_are_noticed_when_they_are_read() -> None:
    def program(library: Any) -> None:
        x = ones(library, 2)
        t = x * 1
        y = function(library, save_input, cubed).apply(t)
        t.add_(1.0)
        y.sum().backward()

    message = refused_in_both(program, "modified by an inplace operation")
    assert "saved tensor 1 of Custom" in message and "test_function.py" in message


def test_a_second_backward_is_refused_unless_the_graph_is_retained() -> None:
    def program(library: Any) -> None:
        x = ones(library, 2)
        y = function(library, save_input, cubed).apply(x)
        y.backward(library.ones(2, dtype=library.float64), retain_graph=True)
        y.backward(library.ones(2, dtype=library.float64))
        y.backward(library.ones(2, dtype=library.float64))

    refused_in_both(program, "Trying to backward through the graph a second time")


def test_saved_tensors_are_freed_by_backward_and_cannot_be_read_then() -> None:
    contexts = []

    def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
        contexts.append(ctx)
        kept = x * 2
        ctx.save_for_backward(kept)
        arrays.append(weakref.ref(kept._array))
        return x * 1

    arrays: list[Any] = []
    y = function(cr, forward, lambda ctx, g: g + ctx.saved_tensors[0] * 0).apply(ones(cr, 2))
    assert arrays[0]() is not None
    y.sum().backward()
    assert arrays[0]() is None
    with pytest.raises(RuntimeError, match="after they have already been freed"):
        _ = contexts[0].saved_tensors


def test_none_may_be_saved() -> None:
    def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
        ctx.save_for_backward(None, x)
        return x * 2

    def backward(ctx: Any, g: cr.Tensor) -> cr.Tensor:
        nothing, x = ctx.saved_tensors
        assert nothing is None
        return g * x

    x = ones(cr, 2)
    function(cr, forward, backward).apply(x).sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


@pytest.mark.parametrize("what", ["input", "output", "both outputs"])
def test_no_cycle_is_made_whatever_is_saved(what: str) -> None:
    def forward(ctx: Any, x: cr.Tensor) -> Any:
        y, z = x * 2, x * 3
        ctx.save_for_backward(*{"input": (x,), "output": (y,), "both outputs": (y, z)}[what])
        return (y, z) if what == "both outputs" else y

    gc.disable()
    try:
        x = ones(cr, 2)
        result = function(cr, forward, lambda ctx, *g: g[0]).apply(x * 1)
        outputs = result if isinstance(result, tuple) else (result,)
        alive = [weakref.ref(o) for o in outputs] + [weakref.ref(o._node) for o in outputs]
        del result, outputs
        assert [r() for r in alive] == [None] * len(alive)
    finally:
        gc.enable()


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "inputs", "message"),
    [
        (lambda g: (g, g), 1, r"incorrect number of gradients \(expected 1, got 2\)"),
        (lambda g: (g,), 2, r"incorrect number of gradients \(expected 2, got 1\)"),
        (lambda g: g.reshape(1, 2).sum(1), 1, None),
        (lambda g: g[:1].expand(3), 1, r"invalid gradient at index 0 - got \[3\] but expected"),
        (lambda g: 3.0, 1, r"expected Variable or None \(got float\)"),
    ],
)
def test_gradients_of_wrong_number_shape_or_kind(
    returned: Any, inputs: int, message: str | None
) -> None:
    def program(library: Any) -> Any:
        custom = function(library, lambda ctx, *xs: xs[0] * 2, lambda ctx, g: returned(g))
        leaves = [ones(library, 2) for _ in range(inputs)]
        custom.apply(*leaves).sum().backward()
        return leaves[0].grad

    if message is None:
        message = (
            r"invalid gradient at index 0 - got \[1\] but expected shape compatible with \[2\]"
        )
    refused_in_both(program, message)


def test_surplus_gradients_may_be_none() -> None:
    def program(library: Any) -> Any:
        x = ones(library, 2)
        function(library, lambda ctx, x: x * 2, lambda ctx, g: (g * 2, None)).apply(
            x
        ).sum().backward()
        return x.grad

    same_in_both(program)


def test_an_input_without_gradient_stays_without() -> None:
    def program(library: Any) -> Any:
        x = ones(library, 2)
        function(library, lambda ctx, x: x * 2, lambda ctx, g: None).apply(x).sum().backward()
        return x.grad

    same_in_both(program)


def test_missing_methods_and_instances_are_named() -> None:
    refused_in_both(
        lambda library: (
            function(library, lambda ctx, x: x * 2).apply(ones(library, 2)).sum().backward()
        ),
        "You must implement",
    )
    refused_in_both(
        lambda library: type("Empty", (library.autograd.Function,), {}).apply(library.ones(1)),
        "You must implement the forward function for custom autograd.Function",
    )
    with pytest.raises(RuntimeError, match=r"Custom is not to be instantiated; call its apply"):
        function(cr, save_input, cubed)()


def test_saving_anything_but_tensors_is_refused() -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x, 3)
        return x * 2

    refused_in_both(
        lambda library: function(library, forward).apply(ones(library, 2)),
        "save_for_backward can only save variables, but argument 1 is of type int",
    )


def test_changing_inputs_in_place_is_refused_by_name() -> None:
    def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
        ctx.mark_dirty(x)
        return x

    with pytest.raises(NotImplementedError, match="in-place custom functions are not supported"):
        function(cr, forward).apply(ones(cr, 2))


def test_the_function_names_its_node() -> None:
    y = function(cr, save_input, cubed).apply(ones(cr, 2))
    assert y.grad_fn is not None and y.grad_fn.name == "Custom"
    assert "grad_fn=<Custom>" in repr(y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = function(torch, save_input, cubed).apply(ones(torch, 2))
    assert "Custom" in repr(theirs)


# --- Looking at the graph -------------------------------------------------------------------------


def test_the_forward_pass_can_be_replayed_also_when_outputs_are_gone() -> None:
    from chainrule import replay

    def forward(ctx: Any, x: cr.Tensor, c: cr.Tensor, n: int) -> Any:
        return x * c * n, x + 1

    two = function(cr, forward, lambda ctx, a, b: (a, None, None)).apply
    x, c = ones(cr, 2), cr.full((2,), 4.0, dtype=cr.float64)
    loss = two(x, c, 3)[0].sum() + function(cr, save_input, cubed).apply(x * 2).sum()
    values = {node.name: value for node, value in replay.forward_values(loss).items()}
    np.testing.assert_array_equal(values["output"], [12, 12])
    np.testing.assert_array_equal(values["Custom"], [8, 8])
