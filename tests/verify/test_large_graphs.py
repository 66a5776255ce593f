"""Claims about graphs so large that hypotheses are screened before they are tried."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.verify.diagnosis.recording import Recording
from chainrule.verify.diagnosis.screen import is_large

STEPS = 30


def recurrent():
    random = np.random.default_rng(0)
    Wh = cr.Tensor(random.standard_normal((6, 6)) / 3, requires_grad=True)
    Wx = cr.Tensor(random.standard_normal((6, 3)), requires_grad=True)
    xs = random.standard_normal((STEPS, 3, 1))
    h = cr.Tensor(np.zeros((6, 1)))
    loss = cr.Tensor(0.0).double()
    for t in range(STEPS):
        h = (Wx @ cr.Tensor(xs[t]) + Wh @ h).tanh()
        loss = loss + (h * h).sum()
    return loss, Wh, Wx, xs


def back_through_time(Wh, Wx, xs, slip=""):
    Wh, Wx = Wh.detach().numpy(), Wx.detach().numpy()
    hs = [np.zeros((6, 1))]
    for x in xs:
        hs.append(np.tanh(Wx @ x + Wh @ hs[-1]))
    dWh, dWx, later = np.zeros_like(Wh), np.zeros_like(Wx), 0.0
    for t in range(STEPS, 0, -1):
        dh = 2 * hs[t] + later
        dz = dh if slip == "tanh" else dh * (1 - hs[t] ** 2)
        dWh += dz @ hs[t if slip == "state" else t - 1].T
        dWx += dz @ xs[t - 1].T
        later = 0 if slip == "time" else (Wh if slip == "transpose" else Wh.T) @ dz
    return {"Wh": -dWh if slip == "sign" else dWh, "Wx": dWx}


def test_thirty_steps_are_a_large_graph():
    assert is_large(Recording(recurrent()[0]))


@pytest.mark.parametrize(
    ("slip", "kind"),
    [
        ("tanh", "missing_activation_derivative"),
        ("state", "wrong_activation"),
        ("time", "not_accumulated"),
        ("transpose", "wrong_weights"),
        ("sign", "sign"),
    ],
)
def test_mistakes_are_found_through_thirty_steps(slip, kind):
    loss, Wh, Wx, xs = recurrent()
    report = cr.check(loss, back_through_time(Wh, Wx, xs, slip))
    assert [m.kind for m in report.mistakes] == [kind], report.text()


def test_right_gradients_through_thirty_steps():
    loss, Wh, Wx, xs = recurrent()
    report = cr.check(loss, back_through_time(Wh, Wx, xs))
    assert report.ok
    assert report.mistakes == []


def test_a_claim_about_a_value_on_the_way_is_screened_too():
    random = np.random.default_rng(1)
    W1 = cr.Tensor(random.standard_normal((300, 400)) / 17, requires_grad=True)
    W2 = cr.Tensor(random.standard_normal((400, 10)) / 20, requires_grad=True)
    h = (cr.Tensor(random.standard_normal((256, 300))) @ W1).tanh()
    out = (h @ W2).sigmoid()
    loss = out.sum()
    assert is_large(Recording(loss))
    a = out.detach().numpy()
    dh = (2 * a * (1 - a)) @ W2.detach().numpy().T
    (mistake,) = cr.check(loss, {"h": dh}).mistakes
    assert (mistake.kind, mistake.claim) == ("scale", "h")
