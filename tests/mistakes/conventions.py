"""Right backward passes of small networks, in the conventions that books and courses differ in."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, right, sigmoid, softmax

# --- Samples as columns, biases as columns, half the squared error per sample ---------------------


def columns_loss(p, X, Y):
    A1 = sigmoid(p["W1"] @ X + p["b1"])
    A2 = p["W2"] @ A1 + p["b2"]
    return 0.5 * np.sum((A2 - Y) ** 2) / X.shape[1]


def make_columns(random):
    p = {
        "W1": random.standard_normal((4, 3)),
        "b1": random.standard_normal((4, 1)),
        "W2": random.standard_normal((2, 4)),
        "b2": random.standard_normal((2, 1)),
    }
    return p, (random.standard_normal((3, 6)), random.standard_normal((2, 6)))


columns = Problem("samples as columns", columns_loss, make_columns)


@right(columns)
def bias_by_a_product_with_ones(p, X, Y):
    m = X.shape[1]
    ones = np.ones((m, 1))
    Z1 = p["W1"] @ X + p["b1"]
    A1 = sigmoid(Z1)
    dZ2 = (p["W2"] @ A1 + p["b2"] - Y) / m
    dZ1 = (p["W2"].T @ dZ2) * sigmoid(Z1) * sigmoid(-Z1)
    return {"W1": dZ1 @ X.T, "b1": dZ1 @ ones, "W2": dZ2 @ A1.T, "b2": dZ2 @ ones}


@right(columns)
def column_by_column(p, X, Y):
    m = X.shape[1]
    g = {name: np.zeros_like(value) for name, value in p.items()}
    for j in range(m):
        x, y = X[:, j : j + 1], Y[:, j : j + 1]
        a = sigmoid(np.dot(p["W1"], x) + p["b1"])
        d2 = np.dot(p["W2"], a) + p["b2"] - y
        d1 = np.dot(p["W2"].T, d2) * a * (1 - a)
        g["W2"] += np.dot(d2, a.T)
        g["b2"] += d2
        g["W1"] += np.dot(d1, x.T)
        g["b1"] += d1
    return {name: value / m for name, value in g.items()}


@right(columns)
def every_sum_an_einsum(p, X, Y):
    A1 = sigmoid(np.einsum("hi,im->hm", p["W1"], X) + p["b1"])
    E = np.einsum("oh,hm->om", p["W2"], A1) + p["b2"] - Y
    D = np.einsum("oh,om,hm->hm", p["W2"], E, A1 - A1 * A1)
    m = X.shape[1]
    return {
        "W1": np.einsum("hm,im->hi", D, X) / m,
        "b1": np.einsum("hm->h", D)[:, None] / m,
        "W2": np.einsum("om,hm->oh", E, A1) / m,
        "b2": np.einsum("om->o", E)[:, None] / m,
    }


# --- Samples as rows, weights out x in as in torch.nn.Linear --------------------------------------


def transposed_loss(p, x, t):
    h = np.maximum(0.1 * (x @ p["W1"].T + p["b1"]), x @ p["W1"].T + p["b1"])
    z = h @ p["W2"].T + p["b2"]
    top = np.max(z, axis=1)
    log_sum = top + np.log(np.sum(np.exp(z - top[:, None]), axis=1))
    return np.mean(log_sum - np.sum(t * z, axis=1))


def make_transposed(random):
    p = {
        "W1": random.standard_normal((5, 4)),
        "b1": random.standard_normal(5),
        "W2": random.standard_normal((3, 5)),
        "b2": random.standard_normal(3),
    }
    return p, (random.standard_normal((7, 4)), softmax(random.standard_normal((7, 3))))


transposed = Problem("leaky relu and soft targets", transposed_loss, make_transposed)


@right(transposed)
def slope_chosen_by_where(p, x, t):
    z1 = x @ p["W1"].T + p["b1"]
    h = np.where(z1 > 0, z1, 0.1 * z1)
    prob = softmax(h @ p["W2"].T + p["b2"])
    # The soft targets of a row need not sum to one: the log-sum-exp enters once, whatever they do.
    dz2 = (prob - t) / x.shape[0]
    dz1 = dz2 @ p["W2"] * np.where(z1 > 0, 1.0, 0.1)
    return {"W1": dz1.T @ x, "b1": dz1.sum(0), "W2": dz2.T @ h, "b2": dz2.sum(0)}


@right(transposed)
def contracted_over_the_batch_by_tensordot(p, x, t):
    z1 = x @ p["W1"].T + p["b1"]
    slope = np.ones_like(z1)
    slope[z1 < 0] = 0.1
    h = slope * z1
    z2 = h @ p["W2"].T + p["b2"]
    e = np.exp(z2 - z2.max(axis=1)[:, np.newaxis])
    dz2 = (e / e.sum(axis=1)[:, np.newaxis] - t) / len(x)
    dz1 = np.tensordot(dz2, p["W2"], axes=1) * slope
    return {
        "W1": np.tensordot(dz1, x, axes=([0], [0])),
        "b1": np.ones(len(x)) @ dz1,
        "W2": np.tensordot(dz2, h, axes=([0], [0])),
        "b2": np.ones(len(x)) @ dz2,
    }


# --- The bias as a further row of the weights -----------------------------------------------------


def augmented_loss(p, x, y):
    ones = np.ones((len(x), 1))
    h = np.tanh(np.concatenate([x, ones], axis=1) @ p["V"])
    out = np.concatenate([h, ones], axis=1) @ p["U"]
    return np.sum((out - y) ** 2) / 2 + 0.05 * (np.sum(p["V"] ** 2) + np.sum(p["U"][:-1] ** 2))


def make_augmented(random):
    p = {"V": random.standard_normal((4, 5)), "U": random.standard_normal((6, 2))}
    return p, (random.standard_normal((5, 3)), random.standard_normal((5, 2)))


augmented = Problem("bias as a row of the weights", augmented_loss, make_augmented)


@right(augmented)
def row_of_the_bias_cut_off_on_the_way_back(p, x, y):
    x1 = np.hstack([x, np.ones((len(x), 1))])
    h = np.tanh(x1 @ p["V"])
    h1 = np.hstack([h, np.ones((len(x), 1))])
    d = h1 @ p["U"] - y
    dh = (d @ p["U"].T)[:, :-1]
    dU = h1.T @ d
    dU[:-1] += 0.1 * p["U"][:-1]
    return {"V": x1.T @ (dh * (1 - h**2)) + 0.1 * p["V"], "U": dU}


@right(augmented)
def derivative_of_tanh_of_the_appended_one_left_in(p, x, y):
    x1 = np.c_[x, np.ones(len(x))]
    h1 = np.c_[np.tanh(x1 @ p["V"]), np.ones(len(x))]
    d = h1 @ p["U"] - y
    # 1 - h1**2 is zero in the appended column, which has no weights in V.
    delta = (d @ p["U"].T) * (1 - h1**2)
    penalised = np.vstack([np.ones((5, 1)), np.zeros((1, 1))])
    return [x1.T @ delta[:, :5] + 0.1 * p["V"], h1.T @ d + 0.1 * penalised * p["U"]]


# --- One sample as a vector -----------------------------------------------------------------------


def vector_loss(p, x, k):
    h = np.log(1 + np.exp(p["W1"] @ x + p["b1"]))
    z = p["W2"] @ h + p["b2"]
    return np.log(np.sum(np.exp(z))) - z[k]


def make_vector(random):
    p = {
        "W1": random.standard_normal((4, 3)),
        "b1": random.standard_normal(4),
        "W2": random.standard_normal((3, 4)),
        "b2": random.standard_normal(3),
    }
    return p, (random.standard_normal(3), int(random.integers(0, 3)))


vector = Problem("softplus on one sample", vector_loss, make_vector)


@right(vector)
def outer_products(p, x, k):
    z1 = p["W1"] @ x + p["b1"]
    h = np.log1p(np.exp(z1))
    d2 = softmax(p["W2"] @ h + p["b2"])
    d2[k] -= 1
    d1 = p["W2"].T @ d2 * sigmoid(z1)
    return {"W1": np.outer(d1, x), "b1": d1, "W2": np.outer(d2, h), "b2": d2}


@right(vector)
def entry_by_entry(p, x, k):
    z1 = p["W1"] @ x + p["b1"]
    h = np.logaddexp(0, z1)
    prob = softmax(p["W2"] @ h + p["b2"])
    dW1, db1 = np.zeros((4, 3)), np.zeros(4)
    dW2, db2 = np.zeros((3, 4)), np.zeros(3)
    for i in range(3):
        db2[i] = prob[i] - (1 if i == k else 0)
        for j in range(4):
            dW2[i, j] = db2[i] * h[j]
    for j in range(4):
        dh = sum(db2[i] * p["W2"][i, j] for i in range(3))
        db1[j] = dh * (1 - np.exp(-h[j]))  # sigmoid(z) from softplus(z)
        for l in range(3):
            dW1[j, l] = db1[j] * x[l]
    return dW1, db1, dW2, db2


@right(vector)
def rows_of_one(p, x, k):
    x = x[None, :]
    z1 = x @ p["W1"].T + p["b1"]
    h = np.log(1 + np.exp(z1))
    d2 = softmax(h @ p["W2"].T + p["b2"]) - np.eye(3)[[k]]
    d1 = d2 @ p["W2"] * np.exp(z1) / (1 + np.exp(z1))
    return {"dW1": d1.T @ x, "db1": d1.squeeze(0), "dW2": d2.T @ h, "db2": d2.squeeze(0)}
