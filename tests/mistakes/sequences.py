"""Right backward passes over sequences and images: recurrence, attention, convolution, tokens."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, one_hot, right, sigmoid, softmax

# --- A recurrent network on a batch, of which the last state is read ------------------------------


def last_state_loss(p, x, y):
    h = np.zeros((x.shape[0], 4))
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ p["U"] + h @ p["W"] + p["b"])
    return np.mean((h @ p["v"] - y) ** 2)


def make_last_state(random):
    p = {
        "U": random.standard_normal((2, 4)),
        "W": random.standard_normal((4, 4)) / 2,
        "b": random.standard_normal(4),
        "v": random.standard_normal(4),
    }
    return p, (random.standard_normal((3, 5, 2)), random.standard_normal(3))


last_state = Problem("recurrent network on a batch", last_state_loss, make_last_state)


def states(p, x):
    h = [np.zeros((len(x), 4))]
    for t in range(x.shape[1]):
        h.append(np.tanh(x[:, t] @ p["U"] + h[t] @ p["W"] + p["b"]))
    return h


@right(last_state)
def whole_batch_at_every_step(p, x, y):
    h = states(p, x)
    d = 2 * (h[-1] @ p["v"] - y) / len(y)
    dU, dW, db = (np.zeros_like(p[name]) for name in ("U", "W", "b"))
    dh = d[:, None] * p["v"]
    for t in range(x.shape[1] - 1, -1, -1):
        dz = dh * (1 - h[t + 1] ** 2)
        dU += x[:, t].T @ dz
        dW += h[t].T @ dz
        db += dz.sum(axis=0)
        dh = dz @ p["W"].T
    return {"U": dU, "W": dW, "b": db, "v": h[-1].T @ d}


@right(last_state)
def deltas_of_all_steps_in_one_product(p, x, y):
    h = np.stack(states(p, x), axis=1)
    d = 2 * (h[:, -1] @ p["v"] - y) / len(y)
    dz = np.zeros_like(h[:, 1:])
    dh = np.outer(d, p["v"])
    for t in reversed(range(x.shape[1])):
        dz[:, t] = dh * (1 - h[:, t + 1] * h[:, t + 1])
        dh = dz[:, t] @ p["W"].T
    return {
        "U": np.tensordot(x, dz, axes=([0, 1], [0, 1])),
        "W": np.einsum("nti,ntj->ij", h[:, :-1], dz),
        "b": dz.reshape(-1, 4).sum(axis=0),
        "v": d @ h[:, -1],
    }


# --- A gated unit ---------------------------------------------------------------------------------


def gated_loss(p, x, y):
    h = np.zeros(3)
    loss = 0
    for t in range(len(x)):
        u = 1 / (1 + np.exp(-(p["Wu"] @ x[t] + p["Uu"] @ h)))
        c = np.tanh(p["Wc"] @ x[t] + p["Uc"] @ h)
        h = (1 - u) * h + u * c
        loss = loss + np.sum((h - y[t]) ** 2) / 2
    return loss


def make_gated(random):
    p = {
        "Wu": random.standard_normal((3, 2)),
        "Uu": random.standard_normal((3, 3)) / 2,
        "Wc": random.standard_normal((3, 2)),
        "Uc": random.standard_normal((3, 3)) / 2,
    }
    return p, (random.standard_normal((4, 2)), random.standard_normal((4, 3)))


gated = Problem("gated unit", gated_loss, make_gated)


@right(gated)
def all_four_ways_back_to_the_state(p, x, y):
    h, cache = np.zeros(3), []
    for t in range(len(x)):
        u = sigmoid(p["Wu"] @ x[t] + p["Uu"] @ h)
        c = np.tanh(p["Wc"] @ x[t] + p["Uc"] @ h)
        cache.append((h, u, c))
        h = (1 - u) * h + u * c
    g = {name: np.zeros_like(value) for name, value in p.items()}
    later = np.zeros(3)
    for t in range(len(x) - 1, -1, -1):
        before, u, c = cache[t]
        dh = later + (1 - u) * before + u * c - y[t]
        du = dh * (c - before) * u * (1 - u)
        dc = dh * u * (1 - c**2)
        g["Wu"] += np.outer(du, x[t])
        g["Uu"] += np.outer(du, before)
        g["Wc"] += np.outer(dc, x[t])
        g["Uc"] += np.outer(dc, before)
        later = dh * (1 - u) + p["Uu"].T @ du + p["Uc"].T @ dc
    return g


# --- Causal attention with two heads --------------------------------------------------------------


def causal_loss(p, x, y):
    n = len(x)
    mask = np.triu(np.full((n, n), -1e9), 1)
    loss = 0
    for i in range(2):
        q, k, v = x @ p["Q"][i], x @ p["K"][i], x @ p["V"][i]
        s = q @ k.T / np.sqrt(3) + mask
        e = np.exp(s - np.max(s, axis=1, keepdims=True))
        out = e / np.sum(e, axis=1, keepdims=True) @ v
        loss = loss + np.sum((out - y[i]) ** 2)
    return loss


def make_causal(random):
    p = {name: random.standard_normal((2, 4, 3)) / 2 for name in ("Q", "K", "V")}
    return p, (random.standard_normal((5, 4)), random.standard_normal((2, 5, 3)))


causal = Problem("causal attention", causal_loss, make_causal)


@right(causal)
def only_the_positions_before(p, x, y):
    g = {name: np.zeros_like(value) for name, value in p.items()}
    for i in range(2):
        q, k, v = x @ p["Q"][i], x @ p["K"][i], x @ p["V"][i]
        dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
        for t in range(len(x)):
            a = softmax(k[: t + 1] @ q[t] / np.sqrt(3))
            dout = 2 * (a @ v[: t + 1] - y[i, t])
            da = v[: t + 1] @ dout
            mean = np.sum(a * da)
            for s in range(t + 1):
                ds = a[s] * (da[s] - mean) / np.sqrt(3)
                dq[t] += ds * k[s]
                dk[s] += ds * q[t]
                dv[s] += a[s] * dout
        g["Q"][i], g["K"][i], g["V"][i] = x.T @ dq, x.T @ dk, x.T @ dv
    return g


@right(causal)
def both_heads_in_one_einsum(p, x, y):
    q, k, v = (np.einsum("td,hde->hte", x, p[name]) for name in ("Q", "K", "V"))
    scores = np.einsum("hte,hse->hts", q, k) / np.sqrt(3)
    a = softmax(np.where(np.tri(len(x), dtype=bool), scores, -np.inf))
    dout = 2 * (a @ v - y)
    da = np.einsum("hte,hse->hts", dout, v)
    ds = (a * da - a * np.einsum("hts,hts->ht", a, da)[..., None]) / np.sqrt(3)
    return {
        "Q": x.T @ (ds @ k),
        "K": x.T @ (np.swapaxes(ds, 1, 2) @ q),
        "V": np.einsum("td,hst,hse->hde", x, a, dout),
    }


# --- Tokens in and out of one table ---------------------------------------------------------------


def table_loss(p, tokens):
    logits = np.tanh(p["E"][tokens[:-1]] @ p["W"]) @ p["E"].T
    top = np.max(logits, axis=1, keepdims=True)
    lse = np.log(np.sum(np.exp(logits - top), axis=1)) + top[:, 0]
    return np.mean(lse - logits[np.arange(len(tokens) - 1), tokens[1:]])


def make_table(random):
    p = {"E": random.standard_normal((5, 3)), "W": random.standard_normal((3, 3))}
    return p, (random.integers(0, 5, 9),)


table = Problem("one table for tokens in and out", table_loss, make_table)


@right(table)
def looked_up_rows_added_to_the_output(p, tokens):
    before, after = tokens[:-1], tokens[1:]
    h = np.tanh(p["E"][before] @ p["W"])
    d = softmax(h @ p["E"].T)
    d[np.arange(len(after)), after] -= 1
    d /= len(after)
    dz = d @ p["E"] * (1 - h**2)
    dE = d.T @ h
    np.add.at(dE, before, dz @ p["W"].T)
    return {"E": dE, "W": p["E"][before].T @ dz}


@right(table)
def look_up_as_a_product(p, tokens):
    onehot, target = one_hot(tokens[:-1], 5), one_hot(tokens[1:], 5)
    h = np.tanh(onehot @ p["E"] @ p["W"])
    d = (softmax(h @ p["E"].T) - target) / len(target)
    dz = (1 - h**2) * (d @ p["E"])
    return {"E": onehot.T @ dz @ p["W"].T + (h.T @ d).T, "W": (onehot @ p["E"]).T @ dz}


# --- A convolution along one axis -----------------------------------------------------------------


def convolution_loss(p, x, y):
    out = p["b"]
    for k in range(3):
        out = out + x[:, k : k + 4] * p["f"][k]
    return np.mean((np.mean(np.maximum(out, 0), axis=1) - y) ** 2)


def make_convolution(random):
    p = {"f": random.standard_normal(3), "b": random.standard_normal(1)}
    return p, (random.standard_normal((8, 6)), random.standard_normal(8))


convolution = Problem("convolution", convolution_loss, make_convolution)


@right(convolution)
def position_by_position(p, x, y):
    df, db = np.zeros_like(p["f"]), np.zeros_like(p["b"])
    for xi, yi in zip(x, y, strict=True):
        z = np.array([p["f"] @ xi[j : j + 3] + p["b"][0] for j in range(4)])
        d = 2 * (np.mean(np.maximum(z, 0)) - yi) / len(y) / 4
        for j in range(4):
            if z[j] > 0:
                df += d * xi[j : j + 3]
                db += d
    return {"f": df, "b": db}


@right(convolution)
def windows_as_rows_of_a_matrix(p, x, y):
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1)
    z = windows @ p["f"] + p["b"]
    d = 2 * (np.maximum(z, 0).mean(axis=1) - y) / len(y)
    dz = np.repeat(d[:, None] / 4, 4, axis=1) * (z > 0)
    return {"f": windows.reshape(-1, 3).T @ dz.ravel(), "b": dz.sum(keepdims=True)[0]}
