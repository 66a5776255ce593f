"""One attention head."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, right, softmax, wrong


def attention_loss(p, x, y):
    q = x @ p["Wq"]
    k = x @ p["Wk"]
    v = x @ p["Wv"]
    scores = q @ k.T / np.sqrt(4)
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    a = e / np.sum(e, axis=-1, keepdims=True)
    out = a @ v @ p["Wo"]
    return np.mean((out - y) ** 2)


def make_attention(random):
    p = {name: random.standard_normal((4, 4)) for name in ("Wq", "Wk", "Wv")}
    p["Wo"] = random.standard_normal((4, 3))
    return p, (random.standard_normal((6, 4)), random.standard_normal((6, 3)))


attention = Problem("attention", attention_loss, make_attention)


def head(p, x):
    q, k, v = x @ p["Wq"], x @ p["Wk"], x @ p["Wv"]
    a = softmax(q @ k.T / 2)
    return q, k, v, a, a @ v


def last_part(p, x, y):
    q, k, v, a, c = head(p, x)
    dout = 2 * (c @ p["Wo"] - y) / y.size
    dc = dout @ p["Wo"].T
    return q, k, v, a, c, dout, dc


@right(attention)
def with_the_row_sums(p, x, y):
    q, k, v, a, c, dout, dc = last_part(p, x, y)
    da = dc @ v.T
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / 2
    return {"Wo": c.T @ dout, "Wv": x.T @ (a.T @ dc), "Wq": x.T @ (ds @ k), "Wk": x.T @ (ds.T @ q)}


@right(attention)
def row_by_row_jacobians(p, x, y):
    q, k, v, a, c, dout, dc = last_part(p, x, y)
    da = dc @ v.T
    rows = zip(a, da, strict=True)
    ds = np.stack([(np.diag(r) - np.outer(r, r)) @ d for r, d in rows])
    ds = ds / np.sqrt(4)
    return {"Wo": c.T @ dout, "Wv": x.T @ (a.T @ dc), "Wq": x.T @ (ds @ k), "Wk": x.T @ (ds.T @ q)}


@wrong(attention, "elementwise_softmax")
def diagonal_jacobian(p, x, y):
    q, k, v, a, c, dout, dc = last_part(p, x, y)
    ds = (dc @ v.T) * a * (1 - a) / 2
    return {"Wo": c.T @ dout, "Wv": x.T @ (a.T @ dc), "Wq": x.T @ (ds @ k), "Wk": x.T @ (ds.T @ q)}


@wrong(attention, "scale")
def root_of_the_dimension_forgotten(p, x, y):
    q, k, v, a, c, dout, dc = last_part(p, x, y)
    da = dc @ v.T
    ds = a * (da - (da * a).sum(-1, keepdims=True))
    return {"Wo": c.T @ dout, "Wv": x.T @ (a.T @ dc), "Wq": x.T @ (ds @ k), "Wk": x.T @ (ds.T @ q)}


@wrong(attention, "wrong_activation", "Wq")
def queries_from_the_values(p, x, y):
    q, _, v, a, c, dout, dc = last_part(p, x, y)
    da = dc @ v.T
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / 2
    return {"Wo": c.T @ dout, "Wv": x.T @ (a.T @ dc), "Wq": x.T @ (ds @ v), "Wk": x.T @ (ds.T @ q)}


@wrong(attention, "transpose", "Wk")
def keys_without_the_transpose(p, x, y):
    q, k, v, a, c, dout, dc = last_part(p, x, y)
    da = dc @ v.T
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / 2
    return {"Wo": c.T @ dout, "Wv": x.T @ (a.T @ dc), "Wq": x.T @ (ds @ k), "Wk": x.T @ (ds @ q)}


@wrong(attention, "transpose", "Wv")
def attention_not_transposed(p, x, y):
    q, k, v, a, c, dout, dc = last_part(p, x, y)
    da = dc @ v.T
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / 2
    return {"Wo": c.T @ dout, "Wv": x.T @ (a @ dc), "Wq": x.T @ (ds @ k), "Wk": x.T @ (ds.T @ q)}


@wrong(attention, "zero", "Wk")
def keys_forgotten(p, x, y):
    _, k, v, a, c, dout, dc = last_part(p, x, y)
    da = dc @ v.T
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / 2
    dWk = np.zeros_like(p["Wk"])
    return {"Wo": c.T @ dout, "Wv": x.T @ (a.T @ dc), "Wq": x.T @ (ds @ k), "Wk": dWk}
