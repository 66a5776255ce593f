"""Three and four layers: lists of weights, the lecture's loop, a residual connection."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, one_hot, right, sigmoid, softmax, wrong

# --- The lecture's network: three sigmoid layers, one sample in a column --------------------------


def lecture_loss(p, x, y):
    a = x
    for W, b in zip(p["W"], p["b"], strict=True):
        a = 1 / (1 + np.exp(-(W @ a + b)))
    return 0.5 * np.sum((a - y) ** 2)


def make_lecture(random):
    shapes = ((5, 7), (3, 5), (1, 3))
    W = [random.standard_normal(s) for s in shapes]
    b = [random.standard_normal((s[0], 1)) for s in shapes]
    return {"W": W, "b": b}, (random.standard_normal((7, 1)), random.standard_normal((1, 1)))


lecture = Problem("lecture network", lecture_loss, make_lecture)


def lecture_forward(p, x):
    a = []
    for W, b in zip(p["W"], p["b"], strict=True):
        a.append(sigmoid(W @ (a[-1] if a else x) + b))
    return a


@right(lecture)
def the_loop_of_the_lecture(p, x, y):
    a = lecture_forward(p, x)
    L = len(a) - 1
    dW, db = [None] * (L + 1), [None] * (L + 1)
    delta = (a[L] - y) * a[L] * (1 - a[L])
    for l in range(L, -1, -1):
        if l < L:
            delta = (p["W"][l + 1].T @ delta) * a[l] * (1 - a[l])
        dW[l] = delta @ (a[l - 1] if l > 0 else x).T
        db[l] = delta
    return {"W": dW, "b": db}


@right(lecture)
def input_counted_as_activation(p, x, y):
    a = [x, *lecture_forward(p, x)]
    delta = (a[-1] - y) * a[-1] * (1 - a[-1])
    dW, db = [], []
    for l in range(3, 0, -1):
        dW.insert(0, delta @ a[l - 1].T)
        db.insert(0, delta)
        delta = (p["W"][l - 1].T @ delta) * a[l - 1] * (1 - a[l - 1])
    return dW, db


@wrong(lecture, "wrong_activation", "W[0]")
def index_minus_one_wraps_round(p, x, y):
    a = lecture_forward(p, x)
    L = len(a) - 1
    dW, db = [None] * (L + 1), [None] * (L + 1)
    delta = (a[L] - y) * a[L] * (1 - a[L])
    dW[L], db[L] = delta @ a[L - 1].T, delta
    for l in range(L - 1, -1, -1):
        delta = (p["W"][l + 1].T @ delta) * a[l] * (1 - a[l])
        dW[l], db[l] = delta @ a[l - 1].T, delta
    return {"W": dW, "b": db}


@wrong(lecture, "missing_activation_derivative")
def derivative_only_at_the_output(p, x, y):
    a = lecture_forward(p, x)
    delta = (a[2] - y) * a[2] * (1 - a[2])
    dW, db = [None] * 3, [None] * 3
    dW[2], db[2] = delta @ a[1].T, delta
    for l in (1, 0):
        delta = p["W"][l + 1].T @ delta
        dW[l], db[l] = delta @ (a[l - 1] if l else x).T, delta
    return {"W": dW, "b": db}


@wrong(lecture, "activation_derivative_at_wrong_point")
def derivative_of_the_layer_below(p, x, y):
    a = [x, *lecture_forward(p, x)]
    delta = (a[3] - y) * a[3] * (1 - a[3])
    dW, db = [None] * 3, [None] * 3
    for l in (2, 1, 0):
        dW[l], db[l] = delta @ a[l].T, delta
        if l:
            delta = (p["W"][l].T @ delta) * sigmoid(a[l]) * (1 - sigmoid(a[l]))
    return {"W": dW, "b": db}


@wrong(lecture, "sign", "b[2]", "W[2]")
def target_minus_output(p, x, y):
    a = [x, *lecture_forward(p, x)]
    delta = (y - a[3]) * a[3] * (1 - a[3])
    dW, db = [None] * 3, [None] * 3
    for l in (2, 1, 0):
        dW[l], db[l] = delta @ a[l].T, delta
        delta = (p["W"][l].T @ delta) * a[l] * (1 - a[l])
    return {"W": dW, "b": db}


@wrong(lecture, "zero", "b[0]", "b[1]", "b[2]")
def biases_left_at_zero(p, x, y):
    dW, _ = input_counted_as_activation(p, x, y)
    return {"W": dW, "b": [np.zeros_like(b) for b in p["b"]]}


# --- Four relu layers of one width, softmax cross-entropy, no biases ------------------------------


def deep_loss(p, x, y):
    h1 = np.maximum(x @ p["W1"], 0)
    h2 = np.maximum(h1 @ p["W2"], 0)
    h3 = np.maximum(h2 @ p["W3"], 0)
    z = h3 @ p["W4"]
    m = np.max(z, axis=1, keepdims=True)
    lse = np.log(np.sum(np.exp(z - m), axis=1)) + m[:, 0]
    return np.mean(lse - z[np.arange(len(y)), y])


def make_deep(random):
    p = {f"W{k}": random.standard_normal((6, 6)) / 2 for k in (1, 2, 3)}
    p["W4"] = random.standard_normal((6, 4))
    return p, (random.standard_normal((12, 6)), random.integers(0, 4, 12))


deep = Problem("four relu layers", deep_loss, make_deep)


def deep_forward(p, x):
    h1 = np.maximum(x @ p["W1"], 0)
    h2 = np.maximum(h1 @ p["W2"], 0)
    h3 = np.maximum(h2 @ p["W3"], 0)
    return h1, h2, h3, softmax(h3 @ p["W4"])


@right(deep)
def layer_by_layer(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = (d4 @ p["W4"].T) * (h3 > 0)
    d2 = (d3 @ p["W3"].T) * (h2 > 0)
    d1 = (d2 @ p["W2"].T) * (h1 > 0)
    return {"W4": h3.T @ d4, "W3": h2.T @ d3, "W2": h1.T @ d2, "W1": x.T @ d1}


@wrong(deep, "relu_mask")
def no_masks_at_all(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = d4 @ p["W4"].T
    d2 = d3 @ p["W3"].T
    d1 = d2 @ p["W2"].T
    return {"W4": h3.T @ d4, "W3": h2.T @ d3, "W2": h1.T @ d2, "W1": x.T @ d1}


@wrong(deep, "relu_mask", "W2")
def mask_of_the_next_layer(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = (d4 @ p["W4"].T) * (h3 > 0)
    d2 = (d3 @ p["W3"].T) * (h3 > 0)
    d1 = (d2 @ p["W2"].T) * (h1 > 0)
    return {"W4": h3.T @ d4, "W3": h2.T @ d3, "W2": h1.T @ d2, "W1": x.T @ d1}


@wrong(deep, "wrong_weights", "W2")
def weights_of_the_layer_before(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = (d4 @ p["W4"].T) * (h3 > 0)
    d2 = (d3 @ p["W2"].T) * (h2 > 0)
    d1 = (d2 @ p["W2"].T) * (h1 > 0)
    return {"W4": h3.T @ d4, "W3": h2.T @ d3, "W2": h1.T @ d2, "W1": x.T @ d1}


@wrong(deep, "wrong_weights", "W2")
def no_transposes(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = (d4 @ p["W4"].T) * (h3 > 0)
    d2 = (d3 @ p["W3"]) * (h2 > 0)
    d1 = (d2 @ p["W2"]) * (h1 > 0)
    return {"W4": h3.T @ d4, "W3": h2.T @ d3, "W2": h1.T @ d2, "W1": x.T @ d1}


@wrong(deep, "wrong_delta", "W2")
def delta_of_the_layer_after(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = (d4 @ p["W4"].T) * (h3 > 0)
    d2 = (d3 @ p["W3"].T) * (h2 > 0)
    d1 = (d2 @ p["W2"].T) * (h1 > 0)
    return {"W4": h3.T @ d4, "W3": h2.T @ d3, "W2": h1.T @ d3, "W1": x.T @ d1}


@wrong(deep, "wrong_activation", "W3")
def activation_of_the_layer_itself(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = (d4 @ p["W4"].T) * (h3 > 0)
    d2 = (d3 @ p["W3"].T) * (h2 > 0)
    d1 = (d2 @ p["W2"].T) * (h1 > 0)
    return {"W4": h3.T @ d4, "W3": h3.T @ d3, "W2": h1.T @ d2, "W1": x.T @ d1}


@wrong(deep, "transpose", "W2")
def one_product_the_wrong_way_round(p, x, y):
    h1, h2, h3, prob = deep_forward(p, x)
    d4 = (prob - one_hot(y, 4)) / len(y)
    d3 = (d4 @ p["W4"].T) * (h3 > 0)
    d2 = (d3 @ p["W3"].T) * (h2 > 0)
    d1 = (d2 @ p["W2"].T) * (h1 > 0)
    return {"W4": h3.T @ d4, "W3": h2.T @ d3, "W2": d2.T @ h1, "W1": x.T @ d1}


# --- Three layers with a residual connection, tanh, mean squared error ----------------------------


def residual_loss(p, x, y):
    h = np.tanh(x @ p["W1"] + p["b1"])
    r = h + np.tanh(h @ p["W2"] + p["b2"])
    return np.mean((r @ p["W3"] - y) ** 2)


def make_residual(random):
    p = {
        "W1": random.standard_normal((4, 5)),
        "b1": random.standard_normal(5),
        "W2": random.standard_normal((5, 5)),
        "b2": random.standard_normal(5),
        "W3": random.standard_normal((5, 2)),
    }
    return p, (random.standard_normal((8, 4)), random.standard_normal((8, 2)))


residual = Problem("residual network", residual_loss, make_residual)


def residual_forward(p, x):
    h = np.tanh(x @ p["W1"] + p["b1"])
    t = np.tanh(h @ p["W2"] + p["b2"])
    return h, t, h + t


@right(residual)
def both_paths(p, x, y):
    h, t, r = residual_forward(p, x)
    do = 2 * (r @ p["W3"] - y) / y.size
    dr = do @ p["W3"].T
    dt = dr * (1 - t**2)
    dz = (dr + dt @ p["W2"].T) * (1 - h**2)
    return {
        "W3": r.T @ do,
        "W2": h.T @ dt,
        "b2": dt.sum(0),
        "W1": x.T @ dz,
        "b1": dz.sum(0),
    }


@wrong(residual, "missing_path", "W1", "b1")
def identity_forgotten(p, x, y):
    h, t, r = residual_forward(p, x)
    do = 2 * (r @ p["W3"] - y) / y.size
    dr = do @ p["W3"].T
    dt = dr * (1 - t**2)
    dz = (dt @ p["W2"].T) * (1 - h**2)
    return {"W3": r.T @ do, "W2": h.T @ dt, "b2": dt.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(residual, "missing_path", "W1", "b1")
def block_forgotten(p, x, y):
    h, t, r = residual_forward(p, x)
    do = 2 * (r @ p["W3"] - y) / y.size
    dr = do @ p["W3"].T
    dt = dr * (1 - t**2)
    dz = dr * (1 - h**2)
    return {"W3": r.T @ do, "W2": h.T @ dt, "b2": dt.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(residual, "scale")
def mean_over_the_samples_only(p, x, y):
    h, t, r = residual_forward(p, x)
    do = 2 * (r @ p["W3"] - y) / len(y)
    dr = do @ p["W3"].T
    dt = dr * (1 - t**2)
    dz = (dr + dt @ p["W2"].T) * (1 - h**2)
    return {"W3": r.T @ do, "W2": h.T @ dt, "b2": dt.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(residual, "wrong_activation", "W3")
def residual_forgotten_in_the_output_layer(p, x, y):
    h, t, r = residual_forward(p, x)
    do = 2 * (r @ p["W3"] - y) / y.size
    dr = do @ p["W3"].T
    dt = dr * (1 - t**2)
    dz = (dr + dt @ p["W2"].T) * (1 - h**2)
    return {"W3": t.T @ do, "W2": h.T @ dt, "b2": dt.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}
