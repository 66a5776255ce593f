"""`check_functions`: plain NumPy in, on the given data and on random data."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr


def loss(p, x, y):
    return np.mean((np.maximum(x @ p["W"], 0) @ p["v"] - y) ** 2)


def gradients(p, x, y):
    z = x @ p["W"]
    h = np.maximum(z, 0)
    d = 2 * (h @ p["v"] - y) / len(y)
    return {"W": x.T @ (np.outer(d, p["v"]) * (z > 0)), "v": h.T @ d}


def inputs(seed=0, n=5):
    random = np.random.default_rng(seed)
    p = {"W": random.standard_normal((3, 4)), "v": random.standard_normal(4)}
    return p, random.standard_normal((n, 3)), random.standard_normal(n)


def test_right_gradients_pass_on_every_trial():
    report = cr.check_functions(loss, gradients, *inputs(), trials=5)
    assert report.ok
    assert report.mistakes == []
    assert report.notes == []


def test_a_mistake_that_the_given_data_hides_shows_on_random_data():
    p, x, y = inputs()
    # With all pre-activations positive, nobody misses the relu's mask.
    p = {"W": np.abs(p["W"]), "v": p["v"]}
    x = np.abs(x)

    def without_mask(p, x, y):
        z = x @ p["W"]
        d = 2 * (np.maximum(z, 0) @ p["v"] - y) / len(y)
        return {"W": x.T @ np.outer(d, p["v"]), "v": np.maximum(z, 0).T @ d}

    assert cr.check_functions(loss, without_mask, p, x, y, trials=0).ok
    report = cr.check_functions(loss, without_mask, p, x - 0.1, y, trials=20)
    assert not report.ok
    assert report.mistakes[0].kind == "relu_mask"


def test_right_on_the_given_data_only_is_said():
    p, x, y = inputs(n=1)
    p["v"] = np.ones(4)

    def symmetric(p, x, y):
        grads = gradients(p, x, y)
        z = x @ p["W"]
        d = 2 * (np.maximum(z, 0) @ p["v"] - y) / len(y)
        grads["W"] = x.T @ (np.outer(d, np.ones(4)) * (z > 0))
        return grads

    report = cr.check_functions(loss, symmetric, p, x, y)
    assert not report.ok
    assert report.notes[0].startswith("Right on the given data only: on random data (trial")
    assert [row.name for row in report.rows if not row.ok] == ["W"]


def test_a_loss_may_come_with_the_gradients():
    def both(p, x, y):
        return loss(p, x, y), gradients(p, x, y)

    assert cr.check_functions(loss, both, *inputs()).ok


def test_lists_of_parameters_are_checked_by_position():
    def list_loss(p, x):
        return np.sum(np.tanh(x @ p[0] + p[1]))

    def list_gradients(p, x):
        d = 1 - np.tanh(x @ p[0] + p[1]) ** 2
        return [x.T @ d, d.mean(axis=0)]

    random = np.random.default_rng(0)
    params = [random.standard_normal((3, 2)), random.standard_normal(2)]
    report = cr.check_functions(list_loss, list_gradients, params, random.standard_normal((4, 3)))
    assert [(m.kind, m.claim) for m in report.mistakes] == [("scale", "[1]")]


def test_a_parameter_without_gradient_is_missing():
    def forgetful(p, x, y):
        return {"W": gradients(p, x, y)["W"]}

    report = cr.check_functions(loss, forgetful, *inputs(), trials=0)
    assert {row.name: row.verdict for row in report.rows}["v"] == "missing"


def test_arguments_are_not_changed_by_what_the_functions_do():
    def careless(p, x, y):
        found = gradients(p, x, y)
        p["W"] -= found["W"]
        x[:] = 0
        return found

    p, x, y = inputs()
    kept = p["W"].copy(), x.copy()
    assert cr.check_functions(loss, careless, p, x, y).ok
    assert np.array_equal(p["W"], kept[0]) and np.array_equal(x, kept[1])


def test_a_loss_that_left_the_graph_is_refused():
    with pytest.raises(TypeError, match=r"leave out float\(\.\.\.\)"):
        cr.check_functions(lambda p, x, y: 1.0, gradients, *inputs())


def test_gradients_that_are_no_dictionary_are_refused():
    with pytest.raises(TypeError, match="expected a dictionary"):
        cr.check_functions(loss, lambda p, x, y: p["W"], *inputs())


def test_a_random_trial_that_fails_is_noted():
    calls = []

    def once(p, x, y):
        calls.append(1)
        if len(calls) > 1:
            raise ValueError("only once")
        return gradients(p, x, y)

    report = cr.check_functions(loss, once, *inputs(), trials=1)
    assert report.ok
    assert report.notes == ["random trial 1 could not be run: ValueError: only once"]


def test_integer_parameters_are_differentiated_as_floats():
    report = cr.check_functions(
        lambda p: np.sum(p["w"] ** 2), lambda p: {"w": 2.0 * p["w"]}, {"w": np.array([1, 2, 3])}
    )
    assert report.ok
