"""`check`: claims, verdicts, root causes and consequences, names, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.verify.catalogue import KINDS


class Net:
    """Three tanh layers without classes, with everything one could claim a gradient of."""

    def __init__(self, dtype=np.float64, seed=0):
        random = np.random.default_rng(seed)

        def leaf(*shape):
            return cr.Tensor(random.standard_normal(shape).astype(dtype), requires_grad=True)

        self.W1, self.W2, self.W3 = leaf(4, 5), leaf(5, 5), leaf(5, 2)
        self.b1, self.b2 = leaf(5), leaf(5)
        self.x = random.standard_normal((6, 4)).astype(dtype)
        self.t = random.standard_normal((6, 2)).astype(dtype)
        x, t = cr.Tensor(self.x), cr.Tensor(self.t)
        self.z1 = x @ self.W1 + self.b1
        self.h1 = self.z1.tanh()
        self.z2 = self.h1 @ self.W2 + self.b2
        self.h2 = self.z2.tanh()
        self.out = self.h2 @ self.W3
        self.loss = ((self.out - t) ** 2).mean()

    names = ("W3", "h2", "b2", "W2", "h1", "b1", "W1")

    def tensors(self, *names):
        return {name: getattr(self, name) for name in names or self.names}

    def gradients(self):
        tensors = self.tensors()
        found = cr.autograd.grad(self.loss, list(tensors.values()), retain_graph=True)
        return {name: g.numpy() for name, g in zip(tensors, found, strict=True)}

    def by_hand(self, slip=""):
        """Return all gradients, with a slip in one line."""
        a = {k: getattr(self, k).detach().numpy() for k in ("W2", "W3", "h1", "h2", "out")}
        dout = 2 * (a["out"] - self.t) / self.t.size
        dh2 = dout @ a["W3"].T
        dz2 = dh2 if slip == "tanh" else dh2 * (1 - a["h2"] ** 2)
        dh1 = dz2 @ (a["W2"] if slip == "transpose" else a["W2"].T)
        dz1 = dh1 * (1 - a["h1"] ** 2)
        return {
            "W3": a["h2"].T @ dout,
            "h2": -dh2 if slip == "sign" else dh2,
            "b2": dz2.sum(0),
            "W2": a["h1"].T @ dz2,
            "h1": dh1,
            "b1": dz1.mean(0) if slip == "mean" else dz1.sum(0),
            "W1": self.x.T @ dz1,
        }


def checked(net, claims, **options):
    return cr.check(net.loss, claims, names=net.tensors(), **options)


def test_right_claims_have_no_mistakes_and_stand_in_backward_order():
    net = Net()
    report = checked(net, net.by_hand())
    assert report.ok
    assert report.mistakes == []
    assert [row.name for row in report.rows] == ["W3", "h2", "b2", "W2", "h1", "b1", "W1"]
    assert {row.role for row in report.rows} == {"right"}


def test_the_engines_own_gradients_are_exact():
    net = Net()
    report = checked(net, net.gradients())
    assert {row.verdict for row in report.rows} == {"exact"}
    assert all(row.max_abs_error < 1e-12 for row in report.rows)


def test_an_error_is_told_from_its_consequences():
    net = Net()
    report = checked(net, net.by_hand("tanh"))
    (mistake,) = report.mistakes
    assert mistake.kind == "missing_activation_derivative"
    assert mistake.claim == "b2"
    assert mistake.explains == ("b2", "W2", "h1", "b1", "W1")
    roles = {row.name: row.role for row in report.rows}
    assert roles["h2"] == "right"
    assert roles["b2"] == "root cause"
    assert roles["h1"] == roles["W1"] == "consequence"


def test_two_mistakes_are_two_root_causes():
    net = Net()
    claims = net.by_hand("tanh")
    claims["b1"] = claims["b1"] / len(net.x)
    report = checked(net, claims)
    assert {(m.kind, m.claim) for m in report.mistakes} == {
        ("missing_activation_derivative", "b2"),
        ("scale", "b1"),
    }


def test_a_wrong_value_on_the_way_that_nothing_follows_from_is_its_own_mistake():
    net = Net()
    report = checked(net, net.by_hand("sign"))
    (mistake,) = report.mistakes
    assert (mistake.kind, mistake.claim, mistake.explains) == ("sign", "h2", ("h2",))


def test_formulas_and_place_are_given_in_the_users_names():
    net = Net()
    (mistake,) = checked(net, net.by_hand("transpose")).mistakes
    assert mistake.kind == "wrong_weights"
    assert "W2ᵀ" in mistake.expected
    assert "W2" in mistake.claimed and "W2ᵀ" not in mistake.claimed
    assert mistake.where.operation == "matmul"
    assert mistake.where.file == __file__
    assert mistake.where.code == "self.z2 = self.h1 @ self.W2 + self.b2"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision_claims_are_equal(dtype):
    net = Net(np.float32)
    claims = {name: g.astype(dtype) for name, g in net.by_hand().items()}
    report = checked(net, claims)
    assert report.ok
    assert report.mistakes == []


def test_a_mistake_is_found_in_single_precision():
    net = Net(np.float32)
    assert checked(net, net.by_hand("tanh")).mistakes[0].kind == "missing_activation_derivative"


def test_claims_may_be_lists_and_tensors_of_both_libraries():
    net = Net()
    right = net.by_hand()
    report = checked(
        net,
        {
            "W1": right["W1"].tolist(),
            "W2": cr.Tensor(right["W2"]),
            "W3": torch.tensor(right["W3"], requires_grad=True),
        },
    )
    assert report.ok
    assert len(report.rows) == 3


def test_claims_may_be_keyed_by_tensors():
    net = Net()
    right = net.by_hand()
    report = cr.check(net.loss, {net.W1: right["W1"], net.h1: -right["h1"]})
    assert [row.ok for row in report.rows] == [False, True]


def test_names_are_found_among_the_callers_variables_with_a_leading_d():
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    h = w * w
    loss = h.sum()
    report = cr.check(loss, {"dw": [2.0, 4.0], "grad_h": [1.0, 1.0]})
    assert report.ok


def test_an_unknown_name_is_refused_with_the_near_ones():
    net = Net()
    with pytest.raises(KeyError, match=r"no tensor is called 'W9'.*did you mean"):
        checked(net, {"W9": np.zeros(3)})


def test_a_tensor_outside_the_graph_is_refused():
    net = Net()
    other = cr.tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="the loss does not depend on"):
        cr.check(net.loss, {other: [1.0]})


def test_the_same_tensor_twice_is_refused():
    net = Net()
    g = net.by_hand()["W1"]
    with pytest.raises(ValueError, match="are the same tensor"):
        checked(net, {"W1": g, "dW1": g})


def test_a_loss_of_several_elements_is_refused():
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match="expected one element"):
        cr.check(w * w, {w: [2.0, 4.0]})


def test_a_freed_graph_is_refused_with_what_to_do():
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        cr.check(loss, {w: [2.0, 4.0]})


def test_what_is_no_array_is_refused():
    net = Net()
    with pytest.raises(TypeError, match="the claim 'W1'"):
        checked(net, {"W1": "zero"})


def test_checking_changes_nothing():
    net = Net()
    checked(net, net.by_hand("tanh"))
    assert net.W1.grad is None
    net.loss.backward()
    assert np.allclose(net.W1.grad.numpy(), net.by_hand()["W1"])


def test_missing_and_not_finite_claims():
    net = Net()
    claims = net.by_hand()
    claims["W1"] = None
    claims["W2"] = claims["W2"].copy()
    claims["W2"][1, 2] = np.nan
    report = checked(net, claims)
    rows = {row.name: row for row in report.rows}
    assert rows["W1"].verdict == "missing"
    assert rows["W2"].verdict == "not finite"
    assert rows["W2"].worst == (1, 2)
    assert not report.ok


def test_parameters_of_a_model_without_a_claim_are_left_alone():
    model = cr.nn.Linear(3, 2)
    loss = model(cr.ones(4, 3)).sum()
    report = cr.check(loss, {"bias": [4.0, 4.0]}, model=model)
    assert {row.name: row.verdict for row in report.rows} == {"bias": "exact"}
    assert report.ok


def test_tolerances_can_be_chosen():
    net = Net()
    claims = {"W1": net.by_hand()["W1"] + 0.05}
    assert not checked(net, claims).ok
    assert checked(net, claims, atol=0.1).ok
    assert checked(net, claims, atol=0.1).rows[0].verdict == "equal"


def test_finite_differences_are_close_and_called_imprecise():
    net = Net()
    noise = np.random.default_rng(1).standard_normal((4, 5))
    report = checked(net, {"W1": net.by_hand()["W1"] + 1e-6 * noise})
    assert report.ok
    assert report.rows[0].verdict == "close"
    assert report.mistakes[0].kind == "precision"


def test_what_nothing_explains_is_localised():
    net = Net()
    claims = net.by_hand()
    claims["W1"] = np.random.default_rng(2).standard_normal((4, 5))
    report = checked(net, claims)
    (mistake,) = report.mistakes
    assert mistake.kind == "unknown"
    assert "up to b1 is right" in mistake.message
    assert "the rule of matmul" in mistake.message


def test_an_unknown_mistake_on_the_way_still_explains_its_consequences():
    net = Net()
    claims = net.by_hand()
    dh2 = np.random.default_rng(3).standard_normal((6, 5))
    h1, h2 = net.h1.detach().numpy(), net.h2.detach().numpy()
    dz2 = dh2 * (1 - h2**2)
    dh1 = dz2 @ net.W2.detach().numpy().T
    dz1 = dh1 * (1 - h1**2)
    claims.update(h2=dh2, b2=dz2.sum(0), W2=h1.T @ dz2, h1=dh1, b1=dz1.sum(0), W1=net.x.T @ dz1)
    report = checked(net, claims)
    assert [m.claim for m in report.mistakes] == ["h2"]
    assert report.mistakes[0].explains == ("h2", "b2", "W2", "h1", "b1", "W1")
    assert {row.role for row in report.rows} == {"right", "root cause", "consequence"}


def test_a_gradient_of_the_previous_check_is_stale():
    w = cr.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    claims = []
    for x in (np.array([[1.0, 2.0]]), np.array([[-1.0, 0.5]])):
        loss = ((cr.Tensor(x.astype(np.float32)) @ w) ** 2).sum()
        claims.append(2 * x.T @ (x @ w.detach().numpy()))
        report = cr.check(loss, {"w": claims[0]})
    assert report.mistakes[0].kind == "stale"


def test_a_gradient_added_to_the_one_in_grad_is_stale():
    w = cr.tensor([1.0, -2.0], requires_grad=True)
    (w**3).sum().backward()
    loss = (w**2).sum()
    report = cr.check(loss, {"w": [2.0 + 3.0, -4.0 + 12.0]})
    assert report.mistakes[0].kind == "stale"


def test_two_layers_with_the_same_slip_where_only_the_first_is_claimed():
    net = Net()
    a = {k: getattr(net, k).detach().numpy() for k in ("W2", "W3", "out")}
    dout = 2 * (a["out"] - net.t) / net.t.size
    claim = net.x.T @ (dout @ a["W3"].T @ a["W2"].T)
    assert checked(net, {"W1": claim}).mistakes[0].kind == "missing_activation_derivative"


def test_a_pair_of_mistakes_in_one_claim_is_found():
    net = Net()
    a = {k: getattr(net, k).detach().numpy() for k in ("W2", "W3", "h1", "h2", "out")}
    dout = 2 * (a["out"] - net.t) / net.t.size
    dz2 = dout @ a["W3"].T
    dz1 = (dz2 @ a["W2"]) * (1 - a["h1"] ** 2)
    report = checked(net, {"W1": net.x.T @ dz1})
    assert report.mistakes[0].kind in ("missing_activation_derivative", "wrong_weights")
    assert "Also:" in report.mistakes[0].message


def test_layer_names_come_from_the_model():
    model = cr.nn.Sequential(cr.nn.Linear(3, 4), cr.nn.Tanh(), cr.nn.Linear(4, 2))
    x, t = cr.ones(5, 3), cr.zeros(5, 2)
    loss = cr.nn.functional.mse_loss(model(x), t)
    params = dict(model.named_parameters())
    grads = cr.autograd.grad(loss, list(params.values()), retain_graph=True)
    claims = {name: g.numpy() for name, g in zip(params, grads, strict=True)}
    claims["2.weight"] = -claims["2.weight"]
    (mistake,) = cr.check(loss, claims, model=model).mistakes
    assert (mistake.kind, mistake.claim, mistake.where.layer) == ("sign", "2.weight", "2")


@given(
    n=st.integers(1, 6),
    inputs=st.integers(1, 5),
    outputs=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_right_gradients_of_any_shape_raise_no_alarm(n, inputs, outputs, seed):
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, inputs))
    W = cr.Tensor(random.standard_normal((inputs, outputs)), requires_grad=True)
    b = cr.Tensor(random.standard_normal(outputs), requires_grad=True)
    loss = (cr.Tensor(x) @ W + b).sigmoid().sum()
    a = 1 / (1 + np.exp(-(x @ W.detach().numpy() + b.detach().numpy())))
    d = a * (1 - a)
    report = cr.check(loss, {"W": x.T @ d, "b": d.sum(0)})
    assert report.ok
    assert report.mistakes == []


@given(seed=st.integers(0, 99), factor=st.sampled_from([-1.0, 2.0, 0.5, 6.0, 1 / 6]))
def test_a_factor_is_named_whatever_the_numbers_are(seed, factor):
    net = Net(seed=seed)
    claims = net.by_hand()
    claims["W2"] = claims["W2"] * factor
    (mistake,) = checked(net, claims).mistakes
    assert mistake.kind == ("sign" if factor == -1 else "scale")
    assert mistake.explains == ("W2",)


def test_empty_and_scalar_tensors_can_be_claimed():
    s = cr.tensor(2.0, requires_grad=True)
    e = cr.zeros(0, 3, requires_grad=True)
    loss = s * s + e.sum()
    report = cr.check(loss, {"s": 4.0, "e": np.zeros((0, 3))})
    assert report.ok


class Cube(cr.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x * x


@pytest.mark.parametrize("size", [5, 250_000])
def test_graphs_with_custom_operations_can_be_checked(size):
    x = cr.Tensor(np.linspace(-1, 1, size).astype(np.float32), requires_grad=True)
    y = Cube.apply(x)
    loss = y.sum()
    right = 3 * x.detach().numpy() ** 2
    assert cr.check(loss, {x: right}).ok
    assert cr.check(loss, {x: right / 3}).mistakes[0].kind == "scale"


def test_every_kind_documents_its_formulas():
    for kind in KINDS.values():
        assert kind.summary and kind.right and kind.wrong
        assert kind.right != kind.wrong


def test_a_report_is_plain_data():
    net = Net()
    report = checked(net, net.by_hand("tanh"))
    data = json.loads(report.json())
    assert data["ok"] is False
    assert data["mistakes"][0]["kind"] == "missing_activation_derivative"
    assert [row["name"] for row in data["rows"]] == [row.name for row in report.rows]


def test_the_text_fits_80_columns_and_says_what_matters():
    net = Net()
    report = checked(net, net.by_hand("tanh"))
    text = report.text()
    assert max(map(len, text.splitlines())) <= 80
    assert str(report) == text
    for part in ("missing activation derivative", "right", "claimed", "consequences", "W1"):
        assert part in text


def test_the_html_escapes_names_and_has_every_row():
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    report = cr.check((w * w).sum(), {"<b>": [0.0, 1.0]}, names={"<b>": w})
    html = report._repr_html_()
    assert "<b>w" not in html
    assert "&lt;b&gt;" in html
    assert html.count("<tr") >= 2


def test_a_terminal_gets_colours():
    from rich.console import Console

    net = Net()
    console = Console(force_terminal=True, width=100, record=True, file=None)
    with console.capture() as captured:
        console.print(checked(net, net.by_hand("tanh")))
    assert "\x1b[" in captured.get()


def test_a_loss_that_cancels_in_double_precision_raises_no_alarm():
    # 1 − a has seven digits left at z = 17: the engine's gradient is imprecise, the claim is not.
    z = cr.tensor([[17.0, 17.5], [16.0, 18.0]], dtype=cr.float64, requires_grad=True)
    a = 1 / (1 + cr.exp(-z))
    loss = -cr.log(1 - a).sum()
    report = cr.check(loss, {"z": a.detach().numpy()})
    assert report.ok, report.text()
    assert not cr.check(loss, {"z": 1.001 * a.detach().numpy()}).ok
