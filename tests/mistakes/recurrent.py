"""A recurrent network through time."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, one_hot, right, softmax, wrong

STEPS = 4


def rnn_loss(p, xs, ys):
    h = np.zeros((5, 1))
    loss = 0
    for t in range(STEPS):
        h = np.tanh(p["Wx"] @ xs[t] + p["Wh"] @ h + p["bh"])
        logits = p["Wy"] @ h + p["by"]
        e = np.exp(logits - np.max(logits))
        loss = loss - np.log(e[ys[t], 0] / np.sum(e))
    return loss


def make_rnn(random):
    p = {
        "Wx": random.standard_normal((5, 3)),
        "Wh": random.standard_normal((5, 5)) / 2,
        "Wy": random.standard_normal((4, 5)),
        "bh": random.standard_normal((5, 1)),
        "by": random.standard_normal((4, 1)),
    }
    return p, (random.standard_normal((STEPS, 3, 1)), random.integers(0, 4, STEPS))


rnn = Problem("recurrent network", rnn_loss, make_rnn)


def unrolled(p, xs):
    hs, ps = {-1: np.zeros((5, 1))}, {}
    for t in range(STEPS):
        hs[t] = np.tanh(p["Wx"] @ xs[t] + p["Wh"] @ hs[t - 1] + p["bh"])
        ps[t] = softmax((p["Wy"] @ hs[t] + p["by"]).T).T
    return hs, ps


def zeros(p):
    return {name: np.zeros_like(v) for name, v in p.items()}


@right(rnn)
def back_through_time(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g, dnext = zeros(p), np.zeros((5, 1))
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = (p["Wy"].T @ dy + dnext) * (1 - hs[t] ** 2)
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
        dnext = p["Wh"].T @ dz
    return g


@right(rnn)
def all_deltas_first(p, xs, ys):
    hs, ps = unrolled(p, xs)
    dys = [ps[t] - one_hot(ys[t], 4)[:, None] for t in range(STEPS)]
    dzs, later = [None] * STEPS, 0
    for t in range(STEPS - 1, -1, -1):
        dzs[t] = (1 - hs[t] * hs[t]) * (p["Wy"].T @ dys[t] + later)
        later = p["Wh"].T @ dzs[t]
    return {
        "Wx": sum(dzs[t] @ xs[t].T for t in range(STEPS)),
        "Wh": sum(dzs[t] @ hs[t - 1].T for t in range(1, STEPS)),
        "bh": sum(dzs),
        "Wy": sum(dys[t] @ hs[t].T for t in range(STEPS)),
        "by": sum(dys),
    }


@wrong(rnn, "not_accumulated")
def assigned_instead_of_added(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g, dnext = zeros(p), np.zeros((5, 1))
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = (p["Wy"].T @ dy + dnext) * (1 - hs[t] ** 2)
        g["Wx"] = dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
        dnext = p["Wh"].T @ dz
    return g


@wrong(rnn, "not_accumulated", "by")
def output_bias_of_the_last_step(p, xs, ys):
    g = back_through_time(p, xs, ys)
    _, ps = unrolled(p, xs)
    g["by"] = ps[STEPS - 1] - one_hot(ys[STEPS - 1], 4)[:, None]
    return g


@wrong(rnn, "not_accumulated")
def nothing_flows_back_in_time(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g = zeros(p)
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = (p["Wy"].T @ dy) * (1 - hs[t] ** 2)
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
    return g


@wrong(rnn, "not_accumulated")
def only_the_next_step_counts(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g, dnext = zeros(p), None
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dh = p["Wy"].T @ dy if dnext is None else dnext
        dz = dh * (1 - hs[t] ** 2)
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
        dnext = p["Wh"].T @ dz
    return g


@wrong(rnn, "missing_activation_derivative")
def tanh_forgotten_at_every_step(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g, dnext = zeros(p), np.zeros((5, 1))
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = p["Wy"].T @ dy + dnext
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
        dnext = p["Wh"].T @ dz
    return g


@wrong(rnn, "wrong_activation", "Wh")
def state_of_the_same_step(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g, dnext = zeros(p), np.zeros((5, 1))
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = (p["Wy"].T @ dy + dnext) * (1 - hs[t] ** 2)
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t].T
        g["bh"] += dz
        dnext = p["Wh"].T @ dz
    return g


@wrong(rnn, "wrong_activation", "Wh")
def states_in_a_list_without_the_initial_one(p, xs, ys):
    hs, ps = unrolled(p, xs)
    hs = [hs[t] for t in range(STEPS)]
    g, dnext = zeros(p), np.zeros((5, 1))
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = (p["Wy"].T @ dy + dnext) * (1 - hs[t] ** 2)
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
        dnext = p["Wh"].T @ dz
    return g


@wrong(rnn, "wrong_weights")
def recurrence_not_transposed(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g, dnext = zeros(p), np.zeros((5, 1))
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = (p["Wy"].T @ dy + dnext) * (1 - hs[t] ** 2)
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
        dnext = p["Wh"] @ dz
    return g


@wrong(rnn, "activation_derivative_at_wrong_point")
def tanh_twice_at_every_step(p, xs, ys):
    hs, ps = unrolled(p, xs)
    g, dnext = zeros(p), np.zeros((5, 1))
    for t in reversed(range(STEPS)):
        dy = ps[t] - one_hot(ys[t], 4)[:, None]
        g["Wy"] += dy @ hs[t].T
        g["by"] += dy
        dz = (p["Wy"].T @ dy + dnext) * (1 - np.tanh(hs[t]) ** 2)
        g["Wx"] += dz @ xs[t].T
        g["Wh"] += dz @ hs[t - 1].T
        g["bh"] += dz
        dnext = p["Wh"].T @ dz
    return g
