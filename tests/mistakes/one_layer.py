"""One layer: linear, logistic and softmax regression."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, one_hot, right, sigmoid, softmax, wrong

# --- Linear regression ----------------------------------------------------------------------------


def linear_loss(p, x, y):
    return np.mean((x @ p["w"] + p["b"] - y) ** 2)


def make_linear(random):
    p = {"w": random.standard_normal((4, 1)), "b": random.standard_normal(1)}
    return p, (random.standard_normal((7, 4)), random.standard_normal((7, 1)))


linear = Problem("linear regression", linear_loss, make_linear)


@right(linear)
def as_derived(p, x, y):
    r = x @ p["w"] + p["b"] - y
    return {"w": 2 * x.T @ r / len(x), "b": 2 * r.mean(axis=0)}


@right(linear)
def sample_by_sample(p, x, y):
    dw, db = np.zeros_like(p["w"]), np.zeros_like(p["b"])
    for xi, yi in zip(x, y, strict=True):
        r = xi @ p["w"] + p["b"] - yi
        dw += 2 * np.outer(xi, r)
        db += 2 * r
    return {"dw": dw / len(x), "db": db / len(x)}


@right(linear)
def bias_as_a_row(p, x, y):
    r = (x @ p["w"] + p["b"] - y) / len(x)
    return {"w": 2 * np.einsum("ni,nj->ij", x, r), "b": 2 * r.sum(axis=0, keepdims=True)}


@right(linear)
def in_single_precision(p, x, y):
    r = x @ p["w"] + p["b"] - y
    dw, db = 2 * x.T @ r / len(x), 2 * r.mean(axis=0)
    return {"w": dw.astype(np.float32), "b": db.astype(np.float32)}


@wrong(linear, "scale")
def the_two_of_the_square_is_missing(p, x, y):
    r = x @ p["w"] + p["b"] - y
    return {"w": x.T @ r / len(x), "b": r.mean(axis=0)}


@wrong(linear, "scale")
def sum_for_mean(p, x, y):
    r = x @ p["w"] + p["b"] - y
    return {"w": 2 * x.T @ r, "b": 2 * r.sum(axis=0)}


@wrong(linear, "sign")
def target_minus_prediction(p, x, y):
    r = y - (x @ p["w"] + p["b"])
    return {"w": 2 * x.T @ r / len(x), "b": 2 * r.mean(axis=0)}


@wrong(linear, "scale")
def learning_rate_included(p, x, y):
    r = x @ p["w"] + p["b"] - y
    lr = 0.01
    return {"w": lr * 2 * x.T @ r / len(x), "b": lr * 2 * r.mean(axis=0)}


@wrong(linear, "scale", "b")
def bias_is_summed_where_the_weight_is_averaged(p, x, y):
    r = x @ p["w"] + p["b"] - y
    return {"w": 2 * x.T @ r / len(x), "b": 2 * r.sum(axis=0)}


@wrong(linear, "not_summed", "b")
def bias_gets_every_residual(p, x, y):
    r = 2 * (x @ p["w"] + p["b"] - y) / len(x)
    return {"w": x.T @ r, "b": r}


@wrong(linear, "wrong_loss_derivative")
def derivative_of_the_absolute_error(p, x, y):
    r = np.sign(x @ p["w"] + p["b"] - y) / len(x)
    return {"w": x.T @ r, "b": r.sum(axis=0)}


@wrong(linear, "zero", "b")
def bias_forgotten(p, x, y):
    r = 2 * (x @ p["w"] + p["b"] - y) / len(x)
    return {"w": x.T @ r, "b": np.zeros_like(p["b"])}


@wrong(linear, "precision")
def by_finite_differences(p, x, y):
    grads = {}
    for name in p:
        g = np.zeros_like(p[name])
        for i in np.ndindex(g.shape):
            moved = {k: v.copy() for k, v in p.items()}
            moved[name][i] += 1e-5
            g[i] = (linear_loss(moved, x, y) - linear_loss(p, x, y)) / 1e-5
        grads[name] = g
    return grads


# --- Logistic regression --------------------------------------------------------------------------


def logistic_loss(p, x, y):
    a = sigmoid(x @ p["w"] + p["b"])
    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))


def make_logistic(random):
    p = {"w": random.standard_normal(5), "b": random.standard_normal()}
    return p, (random.standard_normal((8, 5)), (random.random(8) > 0.5).astype(float))


logistic = Problem("logistic regression", logistic_loss, make_logistic)


@right(logistic)
def prediction_minus_target(p, x, y):
    delta = (sigmoid(x @ p["w"] + p["b"]) - y) / len(y)
    return {"w": x.T @ delta, "b": delta.sum()}


@right(logistic)
def through_the_sigmoid(p, x, y):
    a = sigmoid(x @ p["w"] + p["b"])
    da = (-y / a + (1 - y) / (1 - a)) / len(y)
    dz = da * a * (1 - a)
    return {"w": dz @ x, "b": np.sum(dz)}


@right(logistic)
def with_tanh(p, x, y):
    z = x @ p["w"] + p["b"]
    delta = (0.5 * (1 + np.tanh(z / 2)) - y) / len(y)
    return {"w": (delta[:, None] * x).sum(axis=0), "b": delta.sum()}


@wrong(logistic, "missing_activation_derivative")
def sigmoid_forgotten(p, x, y):
    a = sigmoid(x @ p["w"] + p["b"])
    da = (-y / a + (1 - y) / (1 - a)) / len(y)
    return {"w": x.T @ da, "b": da.sum()}


@wrong(logistic, "wrong_loss_derivative")
def squared_error_in_front_of_the_sigmoid(p, x, y):
    a = sigmoid(x @ p["w"] + p["b"])
    da = (a - y) / len(y)
    dz = da * a * (1 - a)
    return {"w": x.T @ dz, "b": dz.sum()}


@wrong(logistic, "activation_derivative_at_wrong_point")
def sigmoid_applied_twice(p, x, y):
    a = sigmoid(x @ p["w"] + p["b"])
    da = (-y / a + (1 - y) / (1 - a)) / len(y)
    dz = da * sigmoid(a) * (1 - sigmoid(a))
    return {"w": x.T @ dz, "b": dz.sum()}


@wrong(logistic, "wrong_activation_derivative")
def derivative_of_tanh(p, x, y):
    a = sigmoid(x @ p["w"] + p["b"])
    da = (-y / a + (1 - y) / (1 - a)) / len(y)
    dz = da * (1 - a**2)
    return {"w": x.T @ dz, "b": dz.sum()}


@wrong(logistic, "sign")
def step_instead_of_gradient(p, x, y):
    delta = (y - sigmoid(x @ p["w"] + p["b"])) / len(y)
    return {"w": x.T @ delta, "b": delta.sum()}


# --- Softmax regression ---------------------------------------------------------------------------


def softmax_loss(p, x, y):
    logits = x @ p["W"] + p["b"]
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(logp[np.arange(len(y)), y])


def make_softmax(random):
    p = {"W": random.standard_normal((4, 3)), "b": random.standard_normal(3)}
    return p, (random.standard_normal((9, 4)), random.integers(0, 3, 9))


softmax_regression = Problem("softmax regression", softmax_loss, make_softmax)


@right(softmax_regression)
def subtract_one_at_the_target(p, x, y):
    d = softmax(x @ p["W"] + p["b"])
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    return {"W": x.T @ d, "b": d.sum(0)}


@right(softmax_regression)
def with_one_hot_rows(p, x, y):
    d = (softmax(x @ p["W"] + p["b"]) - one_hot(y, 3)) / len(y)
    return {"dW": (d.T @ x).T, "db": d.sum(0, keepdims=True)}


@right(softmax_regression)
def with_the_full_jacobian(p, x, y):
    prob = softmax(x @ p["W"] + p["b"])
    dW, db = np.zeros_like(p["W"]), np.zeros_like(p["b"])
    for i in range(len(y)):
        q = prob[i]
        dq = np.zeros(3)
        dq[y[i]] = -1 / q[y[i]]
        dz = (np.diag(q) - np.outer(q, q)) @ dq
        dW += np.outer(x[i], dz) / len(y)
        db += dz / len(y)
    return {"W": dW, "b": db}


@right(softmax_regression)
def with_a_guarded_logarithm(p, x, y):
    z = x @ p["W"] + p["b"]
    e = np.exp(z)
    d = (e / (e.sum(axis=1, keepdims=True) + 1e-15) - one_hot(y, 3)) / len(y)
    return {"W": x.T @ d, "b": d.sum(axis=0)}


@wrong(softmax_regression, "missing_one_hot")
def targets_not_subtracted(p, x, y):
    d = softmax(x @ p["W"] + p["b"]) / len(y)
    return {"W": x.T @ d, "b": d.sum(0)}


@wrong(softmax_regression, "missing_one_hot")
def one_subtracted_from_whole_columns(p, x, y):
    d = softmax(x @ p["W"] + p["b"])
    d[:, y] -= 1
    d /= len(y)
    return {"W": x.T @ d, "b": d.sum(0)}


@wrong(softmax_regression, "elementwise_softmax")
def softmax_differentiated_entry_by_entry(p, x, y):
    prob = softmax(x @ p["W"] + p["b"])
    dprob = -one_hot(y, 3) / prob / len(y)
    d = dprob * prob * (1 - prob)
    return {"W": x.T @ d, "b": d.sum(0)}


@wrong(softmax_regression, "scale")
def not_averaged_over_the_batch(p, x, y):
    d = softmax(x @ p["W"] + p["b"])
    d[np.arange(len(y)), y] -= 1
    return {"W": x.T @ d, "b": d.sum(0)}


@wrong(softmax_regression, "scale", "b")
def mean_of_the_mean_for_the_bias(p, x, y):
    d = (softmax(x @ p["W"] + p["b"]) - one_hot(y, 3)) / len(y)
    return {"W": x.T @ d, "b": d.mean(0)}


@wrong(softmax_regression, "transpose", "W")
def factors_in_the_wrong_order(p, x, y):
    d = (softmax(x @ p["W"] + p["b"]) - one_hot(y, 3)) / len(y)
    return {"W": d.T @ x, "b": d.sum(0)}


@wrong(softmax_regression, "summed_over_wrong_axis", "b")
def bias_summed_over_the_classes(p, x, y):
    d = (softmax(x @ p["W"] + p["b"]) - one_hot(y, 3)) / len(y)
    return {"W": x.T @ d, "b": d.sum(axis=1)}


@wrong(softmax_regression, "wrong_loss_derivative")
def squared_error_of_the_softmax(p, x, y):
    prob = softmax(x @ p["W"] + p["b"])
    diff = prob - one_hot(y, 3)
    d = prob * (diff - (diff * prob).sum(axis=1, keepdims=True)) / len(y)
    return {"W": x.T @ d, "b": d.sum(0)}
