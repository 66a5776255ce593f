"""Slips in a backward pass of `nn` modules, one line of it replaced at a time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

N, CLASSES = 12, 4


def network():
    random = np.random.default_rng(5)
    model = nn.Sequential(
        nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, CLASSES)
    )
    with cr.no_grad():
        for p in model.parameters():
            p.copy_(cr.Tensor(random.standard_normal(p.shape).astype(np.float32) / 3))
    return model, random.standard_normal((N, 8)).astype(np.float32), random.integers(0, CLASSES, N)


def by_hand(model, x, y, **slips):
    """Go backward line by line; a slip replaces the line of its name."""
    v = SimpleNamespace(x=x, Y=np.eye(CLASSES)[y])
    arrays = [p.detach().numpy() for p in model.parameters()]
    v.W1, b1, v.W2, b2, v.W3, b3 = arrays
    v.z1 = x @ v.W1.T + b1
    v.h1 = np.maximum(v.z1, 0)
    v.z2 = v.h1 @ v.W2.T + b2
    v.h2 = 1 / (1 + np.exp(-v.z2))
    v.z3 = v.h2 @ v.W3.T + b3
    e = np.exp(v.z3 - v.z3.max(1, keepdims=True))
    v.p = e / e.sum(1, keepdims=True)
    lines = {
        "d3": lambda v: (v.p - v.Y) / N,
        "dh2": lambda v: v.d3 @ v.W3,
        "d2": lambda v: v.dh2 * v.h2 * (1 - v.h2),
        "dh1": lambda v: v.d2 @ v.W2,
        "d1": lambda v: v.dh1 * (v.z1 > 0),
        "dW3": lambda v: v.d3.T @ v.h2,
        "db3": lambda v: v.d3.sum(0),
        "dW2": lambda v: v.d2.T @ v.h1,
        "db2": lambda v: v.d2.sum(0),
        "dW1": lambda v: v.d1.T @ v.x,
        "db1": lambda v: v.d1.sum(0),
    }
    for name, line in lines.items():
        setattr(v, name, slips.get(name, line)(v))
    return {
        "0.weight": v.dW1,
        "0.bias": v.db1,
        "2.weight": v.dW2,
        "2.bias": v.db2,
        "4.weight": v.dW3,
        "4.bias": v.db3,
    }


def diagnosed(**slips):
    model, x, y = network()
    loss = nn.functional.cross_entropy(model(cr.tensor(x)), cr.tensor(y))
    return cr.check(loss, by_hand(model, x, y, **slips), model=model)


SLIPS = [
    ("scale", {"d3": lambda v: v.p - v.Y}),
    ("scale", {"d3": lambda v: 2 * (v.p - v.Y) / N}),
    ("scale", {"d3": lambda v: (v.p - v.Y) / CLASSES}),
    ("sign", {"d3": lambda v: (v.Y - v.p) / N}),
    ("missing_one_hot", {"d3": lambda v: v.p / N}),
    ("wrong_loss_derivative", {"d3": lambda v: (v.z3 - v.Y) / N}),
    ("wrong_loss_derivative", {"d3": lambda v: (v.p - v.Y) * v.p * (1 - v.p) / N}),
    ("elementwise_softmax", {"d3": lambda v: -v.Y / v.p / N}),
    ("missing_activation_derivative", {"d2": lambda v: v.dh2}),
    ("activation_derivative_at_wrong_point", {"d2": lambda v: v.dh2 * v.z2 * (1 - v.z2)}),
    ("wrong_activation_derivative", {"d2": lambda v: v.dh2 * v.h2}),
    ("wrong_activation_derivative", {"d2": lambda v: v.dh2 * (1 - v.h2**2)}),
    ("wrong_activation_derivative", {"d1": lambda v: v.dh1 * v.h1}),
    ("scale", {"d2": lambda v: 2 * v.dh2 * v.h2 * (1 - v.h2)}),
    ("wrong_weights", {"dh1": lambda v: v.d2 @ v.W2.T}),
    ("wrong_weights", {"dh2": lambda v: v.d3 @ (v.W3 - 0.1 * v.d3.T @ v.h2)}),
    ("relu_mask", {"d1": lambda v: v.dh1}),
    ("relu_mask", {"d1": lambda v: v.dh1 * (v.dh1 > 0)}),
    ("relu_mask", {"d1": lambda v: v.dh1 * (v.h1 >= 0)}),
    ("wrong_activation", {"dW2": lambda v: v.d2.T @ v.h2}),
    ("wrong_activation", {"dW2": lambda v: v.d2.T @ v.z1}),
    ("wrong_activation", {"dW3": lambda v: v.d3.T @ v.z2}),
    ("transpose", {"dW2": lambda v: v.h1.T @ v.d2}),
    ("wrong_delta", {"dW2": lambda v: v.dh2.T @ v.h1}),
    ("wrong_delta", {"dW1": lambda v: v.dh1.T @ v.x}),
    ("scale", {"db2": lambda v: v.d2.mean(0)}),
    ("scale", {"dW2": lambda v: -0.1 * v.d2.T @ v.h1}),
    ("not_summed", {"db1": lambda v: v.d1}),
    ("not_summed", {"db3": lambda v: v.d3[0]}),
    ("summed_over_wrong_axis", {"db3": lambda v: v.d3.sum(1)}),
    ("zero", {"dW1": lambda v: 0 * v.W1}),
]


@pytest.mark.parametrize(
    ("kind", "slips"),
    SLIPS,
    ids=[f"{kind}-{next(iter(s))}-{k}" for k, (kind, s) in enumerate(SLIPS)],
)
def test_a_replaced_line_is_named(kind, slips):
    report = diagnosed(**slips)
    assert [m.kind for m in report.mistakes] == [kind], report.text()


def test_no_slip_no_mistake():
    report = diagnosed()
    assert report.ok
    assert report.mistakes == []


def test_two_replaced_lines_are_two_mistakes():
    report = diagnosed(d2=lambda v: v.dh2, db1=lambda v: v.d1.mean(0))
    assert {(m.kind, m.claim) for m in report.mistakes} == {
        ("missing_activation_derivative", "2.weight"),
        ("scale", "0.bias"),
    }
    assert {row.name: row.role for row in report.rows} == {
        "4.weight": "right",
        "4.bias": "right",
        "2.weight": "root cause",
        "2.bias": "consequence",
        "0.weight": "consequence",
        "0.bias": "root cause",
    }
