"""Gradients, products with Jacobians, whole Jacobians: compared with torch.func."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both

X = [0.3, -1.2, 2.0]
Y = [1.5, 0.4, -0.7]
W = [[0.5, -1.0, 2.0], [1.0, 0.3, -0.2]]

# From a vector of three to a tensor, written for either library.
FUNCTIONS = {
    "elementwise": lambda t, x: x.sin() * x + x**3,
    "reduction": lambda t, x: (x * x).sum(),
    "softmax": lambda t, x: t.softmax(x, 0),
    "logsumexp": lambda t, x: t.logsumexp(x, 0),
    "matrix product": lambda t, x: t.tensor(W, dtype=t.float64) @ x,
    "outer": lambda t, x: t.outer(x, x.exp()),
    "indexing": lambda t, x: x[[0, 0, 2]] * x[1],
    "flip and cumsum": lambda t, x: x.flip(0).cumsum(0),
    "cumprod": lambda t, x: x.cumprod(0),
    "max": lambda t, x: x.max() * x,
    "norm": lambda t, x: x.norm(),
    "identity": lambda t, x: x,
    "constant": lambda t, x: t.ones(2, dtype=t.float64),
    "partly": lambda t, x: t.stack([x[0] * x[0], t.tensor(1.0, dtype=t.float64)]),
    "layer norm": lambda t, x: t.nn.functional.layer_norm(x, (3,)),
    "gelu": lambda t, x: t.nn.functional.gelu(x),
    "sorted": lambda t, x: x.sort()[0] * t.arange(3, dtype=t.float64),
    "in place": lambda t, x: (x * 1).mul_(x).add_(1),
    "where": lambda t, x: t.where(x > 0, x * x, -x),
    "inverse": lambda t, x: t.linalg.inv(t.outer(x, x) + t.eye(3, dtype=t.float64)),
}

# PyTorch's forward mode refuses the one, and differentiates the other twice wrongly.
HIGHER = [name for name in FUNCTIONS if name not in ("in place", "layer norm")]


def vector(torch: Any, values: Any = X) -> Any:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobians_and_products_of_many_functions(name: str) -> None:
    def program(torch: Any) -> Any:
        def f(x):
            return FUNCTIONS[name](torch, x)

        x = vector(torch)
        output, pull = torch.func.vjp(f, x)
        return [
            torch.func.jacrev(f)(x),
            torch.func.jacfwd(f)(x),
            output,
            pull(torch.ones_like(output)),
            torch.func.jvp(f, (x,), (vector(torch, Y),)),
            torch.autograd.functional.jacobian(f, x),
            torch.autograd.functional.jvp(f, x, vector(torch, Y)),
            torch.autograd.functional.vjp(f, x, torch.ones_like(output)),
        ]

    same_in_both(program)


@pytest.mark.parametrize("name", HIGHER)
def test_higher_derivatives_of_many_functions(name: str) -> None:
    def program(torch: Any) -> Any:
        def scalar(x):
            return (FUNCTIONS[name](torch, x) ** 2).sum()

        x = vector(torch)
        F, A = torch.func, torch.autograd.functional
        return [
            F.hessian(scalar)(x),
            F.jacrev(F.jacrev(scalar))(x),
            F.jacrev(F.jacfwd(scalar))(x),
            F.jacfwd(F.jacfwd(scalar))(x),
            F.jvp(F.grad(scalar), (x,), (vector(torch, Y),)),
            F.grad(lambda x: F.jvp(scalar, (x,), (vector(torch, Y),))[1])(x),
            A.hessian(scalar, x),
            A.hvp(scalar, x, vector(torch, Y)),
            A.vhp(scalar, x, vector(torch, Y)),
        ]

    same_in_both(program)


def test_second_derivatives_of_layer_norm_agree_with_each_other() -> None:
    F = cr.func
    x = cr.tensor([0.3, -1.2, 2.0], dtype=cr.float64)

    def scalar(x: Any) -> Any:
        return (FUNCTIONS["layer norm"](cr, x) * x**2).sum()

    hessians = [o(i(scalar))(x).numpy() for o in (F.jacrev, F.jacfwd) for i in (F.jacrev, F.jacfwd)]
    for other in hessians[1:]:
        np.testing.assert_allclose(other, hessians[0], rtol=1e-9, atol=1e-9)


def test_outputs_without_elements_have_jacobians_without_rows() -> None:
    x = cr.tensor(X)
    for jacobian in (cr.func.jacrev, cr.func.jacfwd):
        assert jacobian(lambda x: x[:0])(x).shape == (0, 3)
        assert jacobian(lambda x: x.sum())(x[:0]).shape == (0,)
    assert cr.autograd.functional.jacobian(lambda x: x[:0], x).shape == (0, 3)


def test_derivatives_of_any_order() -> None:
    def program(torch: Any) -> Any:
        def f(x):
            return x.sin() * x.exp()

        x = torch.tensor(0.7, dtype=torch.float64)
        reverse, forward = f, f
        for _ in range(4):
            reverse, forward = torch.func.grad(reverse), torch.func.jacfwd(forward)
        return reverse(x), forward(x)

    same_in_both(program)


def test_the_inner_variable_and_the_outer_are_not_confused() -> None:
    """The example in which a differentiation mistakes another's variable for its own."""

    def program(torch: Any) -> Any:
        x = torch.tensor(2.0, dtype=torch.float64)
        F = torch.func
        one = torch.ones_like(x)
        return [
            F.grad(lambda x: x * F.grad(lambda y: x + y)(one))(x),
            F.grad(lambda x: x * F.grad(lambda y: x * y * y)(x))(x),
            F.jvp(lambda x: x * F.jvp(lambda y: x * y, (one,), (one,))[1], (x,), (one,))[1],
            F.grad(lambda x: F.vjp(lambda y: y * x, x)[1](x)[0])(x),
            F.grad(lambda x: F.grad(lambda y: y**3)(one) * 1.0 + x)(x),
        ]

    same_in_both(program)


def test_arguments_may_be_chosen_and_nested() -> None:
    def program(torch: Any) -> Any:
        F, x, y = torch.func, vector(torch), vector(torch, Y)

        def product(a, b):
            return (a * b * b).sum()

        def nested(p, s):
            return ((p["w"] * p["b"][0]).sum() * s, {"aux": p["w"] * 2})

        p = {"w": x, "b": [y, x]}
        gradients, (value, aux) = F.grad_and_value(nested, has_aux=True)(p, 2.0)
        tree, pulled = F.vjp(lambda p: {"u": p["w"] * 2, "v": (p["b"][0],)}, p)
        (back,) = pulled({"u": x, "v": (y,)})
        return [
            F.grad(product, argnums=1)(x, y),
            F.grad(product, argnums=(0, -1))(x, y),
            F.grad(lambda a, *, k: (a * k).sum())(x, k=y),
            F.jacrev(product, argnums=(1, 0))(x, y),
            F.jacfwd(product, argnums=(1, 0))(x, y),
            *F.hessian(product, argnums=(0, 1))(x, y),
            gradients["w"],
            list(gradients["b"]),
            value,
            aux["aux"],
            F.grad(nested, has_aux=True)(p, 2.0)[1]["aux"],
            tree["u"],
            tree["v"],
            back["w"],
            back["b"],
            F.jacrev(lambda p: (p["w"] * p["b"][0], p["w"].sum()))(p)[0]["w"],
            F.jacrev(lambda x: (x * x, x), has_aux=True)(x),
            F.jacfwd(lambda x: (x * x, x), has_aux=True)(x),
            F.jvp(lambda x: (x * x, x.sum()), (x,), (y,), has_aux=True),
            F.vjp(lambda x: (x * x, x.sum()), x, has_aux=True)[2],
        ]

    same_in_both(program)


def test_gradients_flow_through_what_requires_them_outside() -> None:
    def program(torch: Any) -> Any:
        F = torch.func
        x = vector(torch).requires_grad_()
        w = vector(torch, Y).requires_grad_()

        def f(x):
            return (w * x**3).sum()

        found = [
            F.grad(f)(x),
            F.jacrev(f)(x),
            F.jacfwd(f)(x),
            F.vjp(lambda x: w * x**2, x)[1](torch.ones_like(x))[0],
            F.jvp(lambda x: w * x**2, (x,), (vector(torch, Y),))[1],
        ]
        sum(t.sum() for t in found).backward()
        return found, x.grad, w.grad

    same_in_both(program)


def test_results_that_depend_on_nothing_outside_are_constants() -> None:
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    x = cr.tensor([3.0, 4.0])
    assert not cr.func.grad(lambda x: (x**3).sum())(x).requires_grad
    assert cr.func.grad(lambda x: (w * x**3).sum())(x).requires_grad
    with cr.no_grad():
        assert not cr.func.grad(lambda x: (w * x**3).sum())(w).requires_grad
    assert x.requires_grad is False
    assert w.grad is None


def test_a_vjp_may_be_differentiated_by_its_cotangent() -> None:
    def program(torch: Any) -> Any:
        x = vector(torch)
        v = vector(torch, Y).requires_grad_()
        _, pull = torch.func.vjp(lambda x: x.sin(), x)
        (pulled,) = pull(v)
        (pulled * x).sum().backward()
        return pulled, v.grad, pull(torch.ones_like(x))

    same_in_both(program)


def test_linearize_runs_the_function_once() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return {"y": x.sin() * x}

    x = cr.tensor(X, dtype=cr.float64)
    output, push = cr.func.linearize(f, x)
    for direction in np.eye(3):
        t = cr.from_numpy(direction)
        expected = cr.func.jvp(lambda x: x.sin() * x, (x,), (t,))[1]
        assert np.allclose(push(t)["y"].numpy(), expected.numpy())
    assert len(calls) == 1
    assert np.allclose(output["y"].numpy(), np.sin(X) * X)


@pytest.mark.parametrize(
    ("program", "words", "theirs"),
    [
        (lambda t: t.func.grad(lambda x: x)(t.ones(3)), "scalar Tensor, got tensor with 1", None),
        (lambda t: t.func.grad(lambda x: 1.0)(t.ones(3)), "to return a Tensor", None),
        (lambda t: t.func.grad(t.sum, argnums=2)(t.ones(3)), "Got argnum=2", None),
        (lambda t: t.func.grad(t.sum, argnums=(0, 0))(t.ones(3)), "must be unique", None),
        (lambda t: t.func.grad(t.sum)(1.0), "must be Tensor", None),
        (lambda t: t.func.grad(t.sum)(t.tensor([1])), "[Oo]nly Tensors of floating", None),
        (lambda t: t.func.grad(t.sum, has_aux=True)(t.ones(3)), "should be a tuple", None),
        (lambda t: t.func.vjp(t.sin, t.ones(3))[1](t.ones(2)), "Mismatch in shape", None),
        (
            lambda t: t.func.vjp(lambda x: (x, x), t.ones(3))[1](t.ones(3)),
            "structure of cotangents",
            None,
        ),
        (lambda t: t.func.vjp(lambda x: 1.0, t.ones(3)), "unsupported type", None),
        (lambda t: t.func.jvp(t.sin, t.ones(3), t.ones(3)), "primals to be a tuple", None),
        (lambda t: t.func.jvp(t.sin, (t.ones(3),), (t.ones(2),)), "size", None),
        (lambda t: t.func.jvp(t.sin, (t.ones(3),), (t.ones(3),) * 2), "structure", None),
        (
            lambda t: t.func.jvp(lambda x: t.ones(1), (t.ones(3),), (t.ones(3),), strict=True),
            "independent|strict",
            None,
        ),
        (lambda t: t.func.jacrev(t.sin, chunk_size=0)(t.ones(3)), "greater than 0", None),
        (lambda t: t.autograd.functional.hessian(t.sin, t.ones(3)), "single element", None),
        (lambda t: t.autograd.functional.vjp(t.sin, t.ones(3)), "v can only be None", None),
        (lambda t: t.autograd.functional.jvp(t.sin, t.ones(3)), "v can only be None", None),
        (
            lambda t: t.autograd.functional.vjp(t.sin, t.ones(3), t.ones(2)),
            "invalid size",
            None,
        ),
        (lambda t: t.autograd.functional.jacobian(t.sin, 1.0), "either a Tensor or a tuple", None),
        (
            lambda t: t.autograd.functional.jacobian(lambda x: 1.0, t.ones(3)),
            "either a Tensor or a tuple",
            None,
        ),
        (
            lambda t: t.autograd.functional.jacobian(lambda x: t.ones(1), t.ones(3), strict=True),
            "strict mode",
            None,
        ),
    ],
)
def test_what_is_refused(program: Any, words: str, theirs: Any) -> None:
    refused_in_both(program, words, theirs)


def test_a_refused_function_leaves_recording_as_it_was() -> None:
    with cr.no_grad(), pytest.raises(ZeroDivisionError):
        cr.func.grad(lambda x: 1 / 0)(cr.ones(2))
    assert cr.is_grad_enabled()


def test_tuples_of_inputs_and_outputs_of_autograd_functional() -> None:
    def program(torch: Any) -> Any:
        A, x, y = torch.autograd.functional, vector(torch), vector(torch, Y)

        def f(a, b):
            return (a * b, a.sum() * b)

        def g(a, b):
            return (a * b * b).sum()

        leaf = vector(torch).requires_grad_()
        kept = A.jacobian(lambda a: a**3, leaf, create_graph=True)
        kept.sum().backward()
        return [
            *A.jacobian(f, (x, y)),
            *A.hessian(g, (x, y)),
            A.vjp(f, (x, y), (x, y)),
            A.jvp(f, (x, y), (x, y)),
            A.vhp(g, (x, y), (x, y)),
            A.hvp(g, (x, y), (x, y)),
            A.jacobian(f, (x, y), strategy="reverse-mode", vectorize=True)[0],
            leaf.grad,
            kept.requires_grad,
        ]

    same_in_both(program)
