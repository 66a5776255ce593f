"""A lecture's own code: its first layer's gradient is formed with the last activation."""

from __future__ import annotations

import itertools

import pytest
import torch

import chainrule as cr


def as_in_the_lecture(x, y, W, b):
    """Go forward and backward through sigmoid layers numbered from 0, as the lecture does."""
    L = len(W) - 1
    a = []
    for l in range(L + 1):
        a.append(torch.sigmoid(torch.matmul(W[l], x if l == 0 else a[l - 1]) + b[l]))
    deltas, W_grads = [None] * (L + 1), [None] * (L + 1)
    deltas[L] = (a[L] - y) * a[L] * (1 - a[L])
    W_grads[L] = torch.matmul(deltas[L], a[L - 1].T)
    for l in range(L - 1, -1, -1):
        deltas[l] = torch.matmul(W[l + 1].T, deltas[l + 1]) * a[l] * (1 - a[l])
        W_grads[l] = torch.matmul(deltas[l], a[l - 1].T)
    return W_grads, deltas


@pytest.mark.parametrize("first", [7, 1, 3])
def test_the_wrapped_index_is_named(first):
    torch.manual_seed(0)
    x, y = torch.randn(first, 1), torch.randn(1, 1)
    sizes = (first, 5, 3, 1)
    W = [torch.randn(m, n) for n, m in itertools.pairwise(sizes)]
    b = [torch.randn(m, 1) for m in sizes[1:]]
    W_grads, b_grads = as_in_the_lecture(x, y, W, b)

    ours = [cr.Tensor(w.numpy(), requires_grad=True) for w in W]
    biases = [cr.Tensor(v.numpy(), requires_grad=True) for v in b]
    x_ours = cr.Tensor(x.numpy())
    a = x_ours
    for Wl, bl in zip(ours, biases, strict=True):
        z = Wl @ a + bl
        a = cr.sigmoid(z)
    loss = 1.0 / 2 * (a - cr.Tensor(y.numpy())) ** 2

    claims = {f"W{l}": g for l, g in enumerate(W_grads)}
    claims |= {f"b{l}": g for l, g in enumerate(b_grads)}
    names = {f"W{l}": w for l, w in enumerate(ours)} | {f"b{l}": v for l, v in enumerate(biases)}
    report = cr.check(loss, claims, names=names)
    (mistake,) = report.mistakes
    assert (mistake.kind, mistake.claim, mistake.where.layer) == ("wrong_activation", "W0", "1")
    assert "index −1 wraps round" in mistake.message
    assert mistake.expected == "dW0 = dz[1] x_oursᵀ"
    assert mistake.claimed == "dW0 = dz[1] a[3]ᵀ"
    assert [row.name for row in report.rows if not row.ok] == ["W0"]
    if first == 7:
        assert {row.name: row.verdict for row in report.rows}["W0"] == "wrong shape"
