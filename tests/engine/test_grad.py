"""autograd.grad: gradients as a function, higher derivatives, unused inputs."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both


def leaves(library: Any) -> tuple[Any, Any, Any]:
    """Return three leaves of which the last is used by nobody."""
    a = library.tensor([1.0, 2.0], dtype=library.float64, requires_grad=True)
    b = library.tensor([[3.0], [0.5]], dtype=library.float64, requires_grad=True)
    unused = library.ones(3, dtype=library.float64, requires_grad=True)
    return a, b, unused


def test_gradients_come_in_the_order_of_the_inputs_and_grad_stays_untouched() -> None:
    def program(library: Any) -> Any:
        a, b, _ = leaves(library)
        found = library.autograd.grad((a * b).exp().sum(), [b, a])
        return [*found, a.grad, b.grad]

    same_in_both(program)


def test_intermediate_tensors_are_inputs_too() -> None:
    def program(library: Any) -> Any:
        a, b, _ = leaves(library)
        c = a * b
        d = c.exp()
        return library.autograd.grad(d.sum(), (c, a, d))

    same_in_both(program)


def test_the_output_itself_may_be_an_input() -> None:
    def program(library: Any) -> Any:
        a, _, _ = leaves(library)
        s = a.sum()
        return library.autograd.grad(s, (s, a))

    same_in_both(program)


def test_an_input_named_twice_has_its_gradient_twice() -> None:
    def program(library: Any) -> Any:
        a, _, _ = leaves(library)
        return library.autograd.grad((a * a).sum(), (a, a))

    first, second = same_in_both(program)
    assert not np.shares_memory(first.numpy(), second.numpy())


def test_several_outputs_add_up() -> None:
    def program(library: Any) -> Any:
        a, b, _ = leaves(library)
        y = a * b
        return library.autograd.grad(
            [y, a.sum()], [a, b], [library.ones(2, 2, dtype=library.float64), None]
        )

    same_in_both(program)


def test_grad_outputs_weigh_the_outputs() -> None:
    def program(library: Any) -> Any:
        a, _, _ = leaves(library)
        v = library.tensor([10.0, 100.0], dtype=library.float64)
        return library.autograd.grad(a * a, a, grad_outputs=v)

    same_in_both(program)


def test_arrays_and_numbers_are_grad_outputs_too() -> None:
    a = leaves(cr)[0]
    (by_array,) = cr.autograd.grad(a * a, a, np.array([1.0, 2.0]))
    (by_number,) = cr.autograd.grad(a * a, a, 3.0)
    np.testing.assert_array_equal(by_array, [2, 8])
    np.testing.assert_array_equal(by_number, [6, 12])


def test_unused_inputs_are_refused_allowed_or_zero() -> None:
    def unused(library: Any, **options: Any) -> Any:
        a, _, c = leaves(library)
        return library.autograd.grad((a * a).sum(), (a, c), **options)

    refused_in_both(unused, "The differentiated Tensor at index 1 appears to not have been used")
    same_in_both(lambda library: unused(library, allow_unused=True))
    same_in_both(lambda library: unused(library, materialize_grads=True))
    same_in_both(lambda library: unused(library, allow_unused=True, materialize_grads=True))
    refused_in_both(
        lambda library: unused(library, allow_unused=False, materialize_grads=True),
        "Expected allow_unused to be True or not passed when materialize_grads=True",
    )


def test_inputs_of_another_graph_count_as_unused() -> None:
    def program(library: Any) -> Any:
        a, b, _ = leaves(library)
        later = a * 3
        return library.autograd.grad((a * b).sum(), later, allow_unused=True)

    same_in_both(program)


def test_constant_inputs_and_outputs_are_refused() -> None:
    refused_in_both(
        lambda library: library.autograd.grad(leaves(library)[0].sum(), library.ones(2)),
        "One of the differentiated Tensors does not require grad",
    )
    refused_in_both(
        lambda library: library.autograd.grad(library.ones(1), leaves(library)[0]),
        "does not require grad and does not have a grad_fn",
    )
    refused_in_both(
        lambda library: library.autograd.grad(leaves(library)[0].sum(), []), "cannot be empty"
    )
    refused_in_both(
        lambda library: library.autograd.grad(leaves(library)[0] * 2, leaves(library)[0]),
        "grad can be implicitly created only for scalar outputs",
    )


def test_number_of_grad_outputs_must_match() -> None:
    a = leaves(cr)[0]
    with pytest.raises(RuntimeError, match="got 1 outputs and 2 grad_outputs"):
        cr.autograd.grad(a * 2, a, [cr.ones(2), cr.ones(2)])


def test_only_the_path_to_the_inputs_is_computed() -> None:
    class Refusing(cr.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: cr.Tensor) -> cr.Tensor:
            raise AssertionError("not on the path")

    a, b, _ = leaves(cr)
    (gradient,) = cr.autograd.grad((Refusing.apply(a) * b).sum(), b)
    np.testing.assert_array_equal(gradient, [[3], [3]])


def test_the_graph_is_freed_unless_retained() -> None:
    a, _, _ = leaves(cr)
    y = a.exp().sum()
    cr.autograd.grad(y, a, retain_graph=True)
    cr.autograd.grad(y, a)
    with pytest.raises(RuntimeError, match="a second time"):
        cr.autograd.grad(y, a)


def test_batched_gradients_are_refused_by_name() -> None:
    a, _, _ = leaves(cr)
    with pytest.raises(NotImplementedError, match="is_grads_batched"):
        cr.autograd.grad(a * 2, a, cr.ones(3, 2), is_grads_batched=True)


# --- Higher derivatives ---------------------------------------------------------------------------


def test_derivatives_of_every_order() -> None:
    def program(library: Any) -> Any:
        x = library.tensor(0.7, dtype=library.float64, requires_grad=True)
        y = x.exp() * x**4
        orders = [y]
        for _ in range(5):
            (y,) = library.autograd.grad(y, x, create_graph=True)
            orders.append(y)
        return orders

    same_in_both(program)


def test_backward_with_create_graph_makes_a_differentiable_gradient() -> None:
    def program(library: Any) -> Any:
        a, b, _ = leaves(library)
        ((a * b).exp()).sum().backward(create_graph=True)
        first = a.grad.clone(), b.grad.clone()
        penalty = (a.grad**2).sum()
        a.grad = b.grad = None
        penalty.backward()
        return *first, a.grad, b.grad

    same_in_both(program)


def test_gradient_penalty_trains() -> None:
    def program(library: Any) -> Any:
        a, b, _ = leaves(library)
        values = []
        for _ in range(4):
            out = ((a @ b).tanh() + (a * a).sum()).sum()
            (g,) = library.autograd.grad(out, a, create_graph=True)
            loss = out + ((g**2).sum() - 1.0) ** 2
            loss.backward()
            with library.no_grad():
                for p in (a, b):
                    p -= 0.001 * p.grad
                    p.grad = None
            values.append(loss.detach())
        return values

    same_in_both(program)


def test_hessian_vector_product() -> None:
    def program(library: Any) -> Any:
        a, b, _ = leaves(library)
        v = library.tensor([1.0, -2.0], dtype=library.float64)
        (g,) = library.autograd.grad((a.sigmoid() * b).pow(3).sum(), a, create_graph=True)
        return library.autograd.grad((g * v).sum(), (a, b))

    same_in_both(program)


def test_the_gradient_passed_is_differentiable_under_create_graph() -> None:
    def program(library: Any) -> Any:
        a, _, _ = leaves(library)
        v = library.tensor([1.0, -2.0], dtype=library.float64, requires_grad=True)
        (g,) = library.autograd.grad(a**3, a, v, create_graph=True)
        return library.autograd.grad(g.sum(), (v, a))

    same_in_both(program)


def test_a_recorded_gradient_of_a_linear_function_is_a_constant() -> None:
    def program(library: Any) -> Any:
        a, _, _ = leaves(library)
        (g,) = library.autograd.grad((a * 3).sum(), a, create_graph=True)
        return g.detach(), g.requires_grad

    same_in_both(program)
