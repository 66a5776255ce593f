"""A long short-term memory through time (Hochreiter and Schmidhuber, 1997), written by hand."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, right, sigmoid, wrong

STEPS, SIZE = 3, 4


def lstm_loss(p, xs, y):
    h, c = np.zeros((1, SIZE)), np.zeros((1, SIZE))
    for t in range(STEPS):
        z = np.concatenate([xs[t], h], axis=1)
        i = 1 / (1 + np.exp(-(z @ p["Wi"] + p["bi"])))
        f = 1 / (1 + np.exp(-(z @ p["Wf"] + p["bf"])))
        o = 1 / (1 + np.exp(-(z @ p["Wo"] + p["bo"])))
        g = np.tanh(z @ p["Wg"] + p["bg"])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum((h - y) ** 2) / 2


def make_lstm(random):
    p = {f"W{k}": random.standard_normal((3 + SIZE, SIZE)) / 2 for k in "ifog"}
    p |= {f"b{k}": random.standard_normal((1, SIZE)) / 2 for k in "ifog"}
    return p, (random.standard_normal((STEPS, 1, 3)), random.standard_normal((1, SIZE)))


lstm = Problem("long short-term memory", lstm_loss, make_lstm)


def backward(p, xs, y, **slips):
    """Go back through time; a slip replaces the line of its name."""
    h, c, tape = np.zeros((1, SIZE)), np.zeros((1, SIZE)), []
    for t in range(STEPS):
        z = np.concatenate([xs[t], h], axis=1)
        i, f, o = (sigmoid(z @ p["W" + k] + p["b" + k]) for k in "ifo")
        g = np.tanh(z @ p["Wg"] + p["bg"])
        before, c = c, f * c + i * g
        h = o * np.tanh(c)
        tape.append((z, i, f, o, g, before, c))
    lines = {
        "dc": lambda dh, o, c: dh * o * (1 - np.tanh(c) ** 2),
        "di": lambda dc, i, g: dc * g * i * (1 - i),
        "df": lambda dc, f, before: dc * before * f * (1 - f),
        "do": lambda dh, o, c: dh * np.tanh(c) * o * (1 - o),
        "dg": lambda dc, i, g: dc * i * (1 - g**2),
        "later": lambda dc, f: dc * f,
        **slips,
    }
    grads = {name: np.zeros_like(v) for name, v in p.items()}
    dh, later = h - y, np.zeros((1, SIZE))
    for z, i, f, o, g, before, c in reversed(tape):
        dc = later + lines["dc"](dh, o, c)
        into = {
            "i": lines["di"](dc, i, g),
            "f": lines["df"](dc, f, before),
            "o": lines["do"](dh, o, c),
            "g": lines["dg"](dc, i, g),
        }
        for k, d in into.items():
            grads["W" + k] += z.T @ d
            grads["b" + k] += d
        dh = sum(d @ p["W" + k].T for k, d in into.items())[:, 3:]
        later = lines["later"](dc, f)
    return grads


@right(lstm)
def back_through_the_gates(p, xs, y):
    return backward(p, xs, y)


@wrong(lstm, "missing_activation_derivative")
def input_gate_without_its_slope(p, xs, y):
    return backward(p, xs, y, di=lambda dc, i, g: dc * g)


@wrong(lstm, "wrong_activation_derivative")
def candidate_with_the_slope_of_a_sigmoid(p, xs, y):
    return backward(p, xs, y, dg=lambda dc, i, g: dc * i * g * (1 - g))


@wrong(lstm, "missing_path")
def memory_forgotten_between_steps(p, xs, y):
    return backward(p, xs, y, later=lambda dc, f: 0 * dc)


@wrong(lstm, "missing_activation_derivative")
def output_gate_without_its_slope(p, xs, y):
    return backward(p, xs, y, do=lambda dh, o, c: dh * np.tanh(c))
