"""Modules as functions of their parameters: compared with torch.func."""

from typing import Any

import pytest

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both


def model(torch: Any) -> Any:
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))


def test_a_module_is_called_with_other_parameters() -> None:
    def program(torch: Any) -> Any:
        m, call = model(torch), torch.func.functional_call
        x = torch.randn(5, 3)
        other = {k: v.detach() * 2 for k, v in m.named_parameters()}
        buffers = {k: v.clone() for k, v in m.named_buffers()}
        weight = {"0.weight": torch.ones(4, 3)}
        found = [
            call(m, weight, x),
            call(m, weight, (x,)),
            call(m, (other, buffers), (x,), strict=True),
            call(m, {"unknown": x}, kwargs={"input": x}),
            m(x),
            buffers["1.running_mean"],
            m[1].running_mean,
        ]
        m.eval()

        def loss(p):
            return (call(m, p, x) ** 2).sum()

        gradients = torch.func.grad(loss)(other)
        return found, [gradients[k] for k in other], [p.grad for p in m.parameters()]

    same_in_both(program)


def test_shared_parameters_stay_shared() -> None:
    def program(torch: Any) -> Any:
        m = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
        m[1].weight = m[0].weight
        m[1].bias = m[0].bias
        new = {"0.weight": torch.eye(2) * 2, "0.bias": torch.zeros(2)}
        with torch.no_grad():
            m[0].weight.fill_(1.0)
            m[0].bias.fill_(0.5)
        x = torch.tensor([1.0, 2.0])
        call = torch.func.functional_call
        return call(m, new, x), call(m, new, x, tie_weights=False), m(x)

    same_in_both(program)


def test_an_ensemble_is_one_call() -> None:
    def program(torch: Any) -> Any:
        F = torch.func
        torch.manual_seed(1)
        models = [model(torch).eval() for _ in range(3)]
        for k, m in enumerate(models):
            with torch.no_grad():
                m[0].weight.add_(k)
        parameters, buffers = F.stack_module_state(models)
        x = torch.randn(5, 3)
        together = torch.vmap(
            lambda p, b: F.functional_call(models[0], (p, b), (x,)), in_dims=(0, 0)
        )(parameters, buffers)
        together.sum().backward()
        return [
            together,
            torch.stack([m(x) for m in models]).detach(),
            parameters["0.weight"].grad,
            list(parameters),
            list(buffers),
        ]

    same_in_both(program)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            lambda t: t.func.functional_call(
                t.nn.Linear(2, 1), {"weight": t.ones(1, 2)}, t.ones(2), strict=True
            ),
            r"Missing key\(s\): 'bias'",
        ),
        (
            lambda t: t.func.functional_call(
                t.nn.ReLU(), {"weight": t.ones(1, 2)}, t.ones(2), strict=True
            ),
            r"Unexpected key\(s\): 'weight'",
        ),
        (
            lambda t: t.func.functional_call(t.nn.Linear(2, 1), {"weight": 1.0}, t.ones(2)),
            "Tensor",
        ),
        (
            lambda t: t.func.functional_call(
                t.nn.Linear(2, 1), [{"bias": t.ones(1)}, {"bias": t.ones(1)}], t.ones(2)
            ),
            "multiple dictionaries",
        ),
        (lambda t: t.func.stack_module_state([]), "at least one model"),
        (
            lambda t: t.func.stack_module_state([t.nn.Linear(2, 1), t.nn.ReLU()]),
            "of the same class",
        ),
        (
            lambda t: t.func.stack_module_state([t.nn.ReLU(), t.nn.ReLU().eval()]),
            "same training/eval mode",
        ),
    ],
)
def test_what_is_refused(program: Any, words: str) -> None:
    refused_in_both(program, words)


def test_a_call_that_fails_leaves_the_module_as_it_was() -> None:
    layer = cr.nn.Linear(2, 1)
    own = layer.weight
    with pytest.raises(RuntimeError):
        cr.func.functional_call(layer, {"weight": cr.ones(1, 2)}, cr.ones(5))
    assert layer.weight is own
