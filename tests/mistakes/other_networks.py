"""Right backward passes of further networks: shared weights, several heads, other activations."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, one_hot, right, sigmoid, softmax

# --- Two heads on one trunk -----------------------------------------------------------------------


def heads_loss(p, x, y, k):
    h = np.tanh(x @ p["W"] + p["b"])
    value = h @ p["v"]
    logits = h @ p["C"]
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    logp = np.log(e / np.sum(e, axis=1, keepdims=True))
    return np.mean((value - y) ** 2) - 0.5 * np.mean(logp[np.arange(len(k)), k])


def make_heads(random):
    p = {
        "W": random.standard_normal((4, 5)),
        "b": random.standard_normal(5),
        "v": random.standard_normal(5),
        "C": random.standard_normal((5, 3)),
    }
    data = random.standard_normal((6, 4)), random.standard_normal(6), random.integers(0, 3, 6)
    return p, data


heads = Problem("two heads", heads_loss, make_heads)


@right(heads)
def deltas_of_both_heads_added(p, x, y, k):
    n = len(x)
    h = np.tanh(x @ p["W"] + p["b"])
    dvalue = 2 * (h @ p["v"] - y) / n
    dlogits = 0.5 * (softmax(h @ p["C"]) - one_hot(k, 3)) / n
    dh = np.outer(dvalue, p["v"]) + dlogits @ p["C"].T
    dz = dh * (1 - np.square(h))
    return {"W": x.T @ dz, "b": dz.sum(0), "v": h.T @ dvalue, "C": h.T @ dlogits}


@right(heads)
def one_head_after_the_other(p, x, y, k):
    h = np.tanh(x @ p["W"] + p["b"])
    dtanh = 1 - h**2
    g = {"W": 0, "b": 0}
    dvalue = 2 * (h @ p["v"] - y)[:, None] / len(x)
    g["v"] = (h * dvalue).sum(axis=0)
    dz = dvalue * p["v"] * dtanh
    g["W"] = g["W"] + x.T @ dz
    g["b"] = g["b"] + dz.sum(axis=0)
    dlogits = softmax(h @ p["C"])
    dlogits[range(len(k)), k] -= 1
    dlogits *= 0.5 / len(x)
    g["C"] = h.T.dot(dlogits)
    dz = dlogits.dot(p["C"].T) * dtanh
    g["W"] = g["W"] + x.T.dot(dz)
    g["b"] = g["b"] + dz.sum(axis=0)
    return g


# --- One matrix in every layer --------------------------------------------------------------------


def shared_loss(p, x, y):
    h = x
    for _ in range(3):
        h = h + np.tanh(h @ p["W"] + p["b"])
    return np.mean(np.sum((h - y) ** 2, axis=1))


def make_shared(random):
    p = {"W": random.standard_normal((4, 4)) / 2, "b": random.standard_normal(4)}
    return p, (random.standard_normal((5, 4)), random.standard_normal((5, 4)))


shared = Problem("residual blocks that share weights", shared_loss, make_shared)


@right(shared)
def skip_connection_keeps_the_delta(p, x, y):
    hs, ts = [x], []
    for _ in range(3):
        ts.append(np.tanh(hs[-1] @ p["W"] + p["b"]))
        hs.append(hs[-1] + ts[-1])
    dW, db = np.zeros_like(p["W"]), np.zeros_like(p["b"])
    dh = 2 * (hs[-1] - y) / len(x)
    for h, t in zip(reversed(hs[:-1]), reversed(ts), strict=True):
        dz = dh * (1 - t**2)
        dW += h.T @ dz
        db += dz.sum(axis=0)
        dh += dz @ p["W"].T
    return {"W": dW, "b": db}


@right(shared)
def jacobian_of_a_block_in_full(p, x, y):
    dW, db = np.zeros_like(p["W"]), np.zeros_like(p["b"])
    for xi, yi in zip(x, y, strict=True):
        hs = [xi]
        for _ in range(3):
            hs.append(hs[-1] + np.tanh(hs[-1] @ p["W"] + p["b"]))
        row = 2 * (hs[3] - yi) / len(x)
        for k in (2, 1, 0):
            slope = np.diag(1 - (hs[k + 1] - hs[k]) ** 2)
            db += row @ slope
            dW += np.outer(hs[k], row @ slope)
            row = row @ (np.eye(4) + slope @ p["W"].T)
    return {"W": dW, "b": db}


# --- SiLU, and the Huber loss by np.where ---------------------------------------------------------


def silu_loss(p, x, y):
    z = x @ p["W1"] + p["b1"]
    r = (z / (1 + np.exp(-z))) @ p["W2"] - y
    return np.mean(np.where(np.abs(r) < 1, 0.5 * r**2, np.abs(r) - 0.5))


def make_silu(random):
    p = {
        "W1": random.standard_normal((3, 5)),
        "b1": random.standard_normal(5),
        "W2": random.standard_normal((5, 2)),
    }
    return p, (random.standard_normal((6, 3)), random.standard_normal((6, 2)))


silu = Problem("silu and the Huber loss", silu_loss, make_silu)


@right(silu)
def residual_clipped(p, x, y):
    z = x @ p["W1"] + p["b1"]
    s = sigmoid(z)
    d = np.clip((z * s) @ p["W2"] - y, -1, 1) / y.size
    dz = d @ p["W2"].T * (s + z * s * (1 - s))
    return {"W1": x.T @ dz, "b1": dz.sum(0), "W2": (z * s).T @ d}


@right(silu)
def derivative_from_the_output(p, x, y):
    z = x @ p["W1"] + p["b1"]
    s = sigmoid(z)
    a = z * s
    r = a @ p["W2"] - y
    d = np.where(np.abs(r) < 1, r, np.sign(r)) / (len(y) * 2)
    dz = (d @ p["W2"].T) * (a + s * (1 - a))
    return {"dW1": np.dot(x.T, dz), "db1": np.dot(np.ones(len(x)), dz), "dW2": np.dot(a.T, d)}


# --- ELU, and binary cross-entropy with a clipped probability -------------------------------------


def elu_loss(p, x, y):
    z = x @ p["W1"] + p["b1"]
    h = np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
    prob = np.clip(1 / (1 + np.exp(-(h @ p["w2"] + p["b2"]))), 1e-7, 1 - 1e-7)
    return -np.sum(y * np.log(prob) + (1 - y) * np.log(1 - prob))


def make_elu(random):
    p = {
        "W1": random.standard_normal((4, 3)) / 2,
        "b1": random.standard_normal(3) / 2,
        "w2": random.standard_normal(3) / 2,
        "b2": random.standard_normal() / 2,
    }
    # Small enough that no probability comes near the limits of the clipping.
    return p, (random.standard_normal((7, 4)) / 2, (random.random(7) > 0.5).astype(float))


elu = Problem("elu and clipped cross-entropy", elu_loss, make_elu)


@right(elu)
def clipping_without_effect(p, x, y):
    z = x @ p["W1"] + p["b1"]
    h = np.where(z > 0, z, np.expm1(z))
    d = sigmoid(h @ p["w2"] + p["b2"]) - y
    dz = np.outer(d, p["w2"]) * np.where(z > 0, 1, np.exp(z))
    return {"W1": x.T @ dz, "b1": dz.sum(0), "w2": d @ h, "b2": d.sum()}


@right(elu)
def slope_from_the_output_sample_by_sample(p, x, y):
    g = {name: np.zeros_like(value) for name, value in p.items()}
    for xi, yi in zip(x, y, strict=True):
        z = xi @ p["W1"] + p["b1"]
        h = np.where(z > 0, z, np.exp(z) - 1)
        a = sigmoid(h @ p["w2"] + p["b2"])
        da = (a - yi) / (a * (1 - a))
        d = da * a * (1 - a)
        dz = d * p["w2"] * np.where(h > 0, 1, h + 1)
        g["W1"] += np.outer(xi, dz)
        g["b1"] += dz
        g["w2"] += d * h
        g["b2"] += d
    return g
