"""vmap: compared with PyTorch's over dimensions, nesting, randomness and errors."""

from typing import Any

import pytest

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both


def tensors(torch: Any) -> Any:
    x = torch.arange(24.0).reshape(2, 3, 4) / 7
    return x, torch.arange(3.0), torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]])


def test_batched_dimensions_of_inputs_and_outputs() -> None:
    def program(torch: Any) -> Any:
        x, v, m = tensors(torch)
        return [
            torch.vmap(torch.dot)(m, m + 1),
            torch.vmap(torch.dot, in_dims=(0, None))(m, v),
            torch.vmap(lambda a: a.sum(0), in_dims=1)(x),
            torch.vmap(lambda a: a.sum(0), in_dims=-1)(x),
            torch.vmap(lambda a: a * 2, in_dims=2, out_dims=1)(x),
            torch.vmap(lambda a: a * 2, out_dims=-1)(x),
            torch.vmap(lambda a, b: (a + b, a), in_dims=(0, None), out_dims=(1, 0))(m, 1.0),
            torch.vmap(lambda d: d["a"] + d["b"], in_dims=({"a": 1, "b": None},))(
                {"a": m, "b": torch.ones(2)}
            ),
            torch.vmap(lambda a: {"s": a.sum(), "p": [a, a.prod()]})(m)["p"],
            torch.vmap(lambda a, *, k: a * k)(m, k=torch.tensor([2.0, 3.0, 4.0])),
            torch.vmap(lambda a: torch.ones(2))(m),
            torch.vmap(lambda a: torch.ones(2), out_dims=None)(m),
            torch.vmap(lambda a: a.sum(), chunk_size=1)(m),
            torch.vmap(lambda a: a.sum())(torch.ones(0, 3)),
            torch.vmap(lambda a: a * 2, out_dims=1)(torch.ones(0, 3)),
            torch.vmap(torch.vmap(torch.dot, in_dims=(None, 0)), in_dims=(0, None))(m, m),
            torch.vmap(torch.vmap(torch.sum))(x),
        ]

    same_in_both(program)


def test_gradients_flow_through() -> None:
    def program(torch: Any) -> Any:
        _, v, m = tensors(torch)
        m.requires_grad_()
        w = v.clone().requires_grad_()
        y = torch.vmap(lambda a, w: (a * w).sin().sum(), in_dims=(0, None))(m, w)
        (y * y).sum().backward()
        return y, m.grad, w.grad

    same_in_both(program)


def test_gradients_per_sample() -> None:
    def program(torch: Any) -> Any:
        F = torch.func
        _, v, m = tensors(torch)

        def loss(w, x, t):
            return ((w * x).sum() - t) ** 2

        targets = torch.tensor([1.0, 2.0])
        return [
            torch.vmap(F.grad(loss), in_dims=(None, 0, 0))(v, m, targets),
            torch.vmap(F.jacrev(lambda x: x * x))(m),
            torch.vmap(F.hessian(lambda x: (x**3).sum()))(m),
            F.grad(lambda v: torch.vmap(loss, in_dims=(None, 0, 0))(v, m, targets).sum())(v),
            F.jacrev(lambda v: torch.vmap(loss, in_dims=(None, 0, 0))(v, m, targets))(v),
            F.jacfwd(lambda v: torch.vmap(loss, in_dims=(None, 0, 0))(v, m, targets))(v),
            torch.vmap(lambda t: F.jvp(torch.sin, (v,), (t,))[1])(torch.eye(3)),
        ]

    same_in_both(program)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (lambda t: t.vmap(t.dot)(t.ones(2, 3), t.ones(3, 3)), r"got sizes \[2, 3\]"),
        (lambda t: t.vmap(lambda a: 1.0)(t.ones(2)), "must only return Tensors"),
        (lambda t: t.vmap(t.sin, in_dims=None)(t.ones(2)), "expected `in_dims` to be int"),
        (lambda t: t.vmap(t.sin, in_dims=[0])(t.ones(2)), "expected `in_dims` to be int"),
        (lambda t: t.vmap(t.sin, in_dims=(0, 0))(t.ones(2)), "not compatible"),
        (lambda t: t.vmap(t.sin, in_dims=(None,))(t.ones(2)), "at least one|None"),
        (lambda t: t.vmap(t.sin, in_dims=("a",))(t.ones(2)), "Got in_dim=a"),
        (lambda t: t.vmap(t.sin, in_dims=2)(t.ones(2, 2)), "-2 <= in_dim < 2"),
        (lambda t: t.vmap(t.sin)(t.tensor(1.0)), "dimensionality 0"),
        (lambda t: t.vmap(t.sin)(1.0), "non-Tensor arguments"),
        (lambda t: t.vmap(lambda: t.ones(1))(), "got no inputs"),
        (lambda t: t.vmap(t.sin, out_dims=3)(t.ones(2, 2)), "Dimension out of range"),
        (lambda t: t.vmap(t.sin, out_dims="a")(t.ones(2, 2)), "`out_dims` must be an int"),
        (lambda t: t.vmap(lambda a: (a, a), out_dims=(0,))(t.ones(2)), "not compatible"),
        (lambda t: t.vmap(t.sin, out_dims=None)(t.arange(2.0)), "when out_dim is None"),
        (
            lambda t: t.vmap(t.sin, out_dims=None)(t.ones(2, requires_grad=True)),
            "when out_dim is None",
        ),
        (lambda t: t.vmap(t.sin, chunk_size=0)(t.ones(2)), "chunk_size should be None or"),
        (lambda t: t.vmap(t.sin, randomness="no")(t.ones(2)), "Only allowed values"),
        (lambda t: t.vmap(lambda a: a + t.rand(2))(t.ones(2)), "randomness error mode"),
    ],
)
def test_what_is_refused(program: Any, words: str) -> None:
    refused_in_both(program, words)


def test_random_numbers_are_the_same_or_different_as_asked() -> None:
    def program(torch: Any) -> Any:
        def draw(randomness: str) -> Any:
            torch.manual_seed(0)
            return torch.vmap(lambda a: a + torch.rand(3), randomness=randomness)(torch.zeros(2))

        same, different = draw("same"), draw("different")
        return [
            same,
            bool((same[0] == same[1]).all()),
            bool((different[0] == different[1]).all()),
        ]

    same_in_both(program)


def test_a_function_may_branch_on_values() -> None:
    absolute = cr.vmap(lambda a: a if a.item() > 0 else -a)
    assert absolute(cr.tensor([-1.0, 2.0])).tolist() == [1.0, 2.0]
