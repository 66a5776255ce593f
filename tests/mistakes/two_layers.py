"""Two layers, in the usual conventions."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, one_hot, right, sigmoid, softmax, wrong

# --- tanh, then softmax cross-entropy, a batch of rows --------------------------------------------


def classifier_loss(p, x, y):
    h = np.tanh(x @ p["W1"] + p["b1"])
    logits = h @ p["W2"] + p["b2"]
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    prob = e / np.sum(e, axis=1, keepdims=True)
    return -np.mean(np.log(prob[np.arange(len(y)), y]))


def make_classifier(random):
    p = {
        "W1": random.standard_normal((5, 4)),
        "b1": random.standard_normal(4),
        "W2": random.standard_normal((4, 3)),
        "b2": random.standard_normal(3),
    }
    return p, (random.standard_normal((6, 5)), random.integers(0, 3, 6))


classifier = Problem("tanh classifier", classifier_loss, make_classifier)


def classify(p, x):
    h = np.tanh(x @ p["W1"] + p["b1"])
    return h, softmax(h @ p["W2"] + p["b2"])


@right(classifier)
def as_in_every_course(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - h**2)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@right(classifier)
def derivative_by_cosh(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T / np.cosh(x @ p["W1"] + p["b1"]) ** 2
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@right(classifier)
def averaged_at_the_end(p, x, y):
    h, prob = classify(p, x)
    dlogits = prob - one_hot(y, 3)
    dz = dlogits @ p["W2"].T * (1 - h * h)
    n = len(y)
    return {"W2": h.T @ dlogits / n, "b2": dlogits.mean(0), "W1": x.T @ dz / n, "b1": dz.mean(0)}


@right(classifier)
def with_samples_as_columns(p, x, y):
    h, prob = classify(p, x)
    delta2 = ((prob - one_hot(y, 3)) / len(y)).T
    delta1 = (p["W2"] @ delta2) * (1 - h.T**2)
    return {
        "W2": (delta2 @ h).T,
        "b2": delta2.sum(axis=1),
        "W1": (delta1 @ x).T,
        "b1": delta1.sum(axis=1),
    }


@right(classifier)
def loss_and_gradients_together(p, x, y):
    h, prob = classify(p, x)
    loss = -np.log(prob[np.arange(len(y)), y]).mean()
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - h**2)
    return loss, {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "missing_activation_derivative", "W1", "b1")
def tanh_forgotten(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "wrong_delta", "W1")
def weights_get_dh_where_the_bias_gets_dz(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dh = dlogits @ p["W2"].T
    dz = dh * (1 - h**2)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dh, "b1": dz.sum(0)}


@wrong(classifier, "activation_derivative_at_wrong_point", "W1", "b1")
def square_of_the_pre_activation(p, x, y):
    z = x @ p["W1"] + p["b1"]
    h = np.tanh(z)
    dlogits = (softmax(h @ p["W2"] + p["b2"]) - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - z**2)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "activation_derivative_at_wrong_point", "W1", "b1")
def tanh_of_tanh(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - np.tanh(h) ** 2)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "wrong_activation_derivative", "W1", "b1")
def derivative_of_the_sigmoid(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * h * (1 - h)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "wrong_activation", "W2")
def pre_activation_for_activation(p, x, y):
    z = x @ p["W1"] + p["b1"]
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - h**2)
    return {"W2": z.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "wrong_weights", "W1", "b1")
def weights_updated_before_they_were_used(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dW2 = h.T @ dlogits
    W2 = p["W2"] - 0.1 * dW2
    dz = dlogits @ W2.T * (1 - h**2)
    return {"W2": dW2, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "missing_one_hot")
def softmax_alone(p, x, y):
    h, prob = classify(p, x)
    dlogits = prob / len(y)
    dz = dlogits @ p["W2"].T * (1 - h**2)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "sign", "W1", "b1")
def minus_between_the_layers(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = -dlogits @ p["W2"].T * (1 - h**2)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}


@wrong(classifier, "scale", "W1")
def averaged_twice_in_the_first_layer(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - h**2)
    return {"W2": h.T @ dlogits, "b2": dlogits.sum(0), "W1": x.T @ dz / len(y), "b1": dz.sum(0)}


@wrong(classifier, "not_summed", "b1", "b2")
def biases_not_summed(p, x, y):
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - h**2)
    return {"W2": h.T @ dlogits, "b2": dlogits, "W1": x.T @ dz, "b1": dz}


@wrong(classifier, "zero", "W1")
def first_layer_never_filled(p, x, y):
    grads = {name: np.zeros_like(v) for name, v in p.items()}
    h, prob = classify(p, x)
    dlogits = (prob - one_hot(y, 3)) / len(y)
    dz = dlogits @ p["W2"].T * (1 - h**2)
    grads["W2"], grads["b2"], grads["b1"] = h.T @ dlogits, dlogits.sum(0), dz.sum(0)
    return grads


@wrong(classifier, "stale", stateful=True)
def gradients_of_the_call_before():
    kept = []

    def gradient(p, x, y):
        kept.append(as_in_every_course(p, x, y))
        return kept[max(0, len(kept) - 2)]

    return gradient


@wrong(classifier, "stale", stateful=True)
def never_set_to_zero():
    total = {}

    def gradient(p, x, y):
        for name, g in as_in_every_course(p, x, y).items():
            total[name] = total.get(name, 0) + g
        return {name: g.copy() for name, g in total.items()}

    return gradient


# --- relu, then BCE, square hidden layers, integers that hit the kink -----------------------------


def relu_loss(p, x, y):
    h = np.maximum(x @ p["W1"] + p["b1"], 0)
    a = sigmoid(h @ p["W2"] + p["b2"])
    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))


def make_relu(random):
    p = {
        "W1": random.integers(-2, 3, (3, 3)).astype(float),
        "b1": random.integers(-1, 2, 3).astype(float),
        "W2": random.standard_normal((3, 1)) / 2,
        "b2": random.standard_normal(1),
    }
    x = random.integers(-2, 3, (10, 3)).astype(float)
    return p, (x, (random.random((10, 1)) > 0.5).astype(float))


relu_net = Problem("relu net", relu_loss, make_relu)


def relu_forward(p, x):
    z = x @ p["W1"] + p["b1"]
    h = np.maximum(z, 0)
    return z, h, sigmoid(h @ p["W2"] + p["b2"])


def relu_gradients(p, x, y, mask):
    _, h, a = relu_forward(p, x)
    d2 = (a - y) / len(y)
    d1 = (d2 @ p["W2"].T) * mask
    return {"W2": h.T @ d2, "b2": d2.sum(0), "W1": x.T @ d1, "b1": d1.sum(0)}


@right(relu_net)
def mask_of_the_pre_activation(p, x, y):
    z, _, _ = relu_forward(p, x)
    return relu_gradients(p, x, y, z > 0)


@right(relu_net)
def mask_of_the_output(p, x, y):
    _, h, _ = relu_forward(p, x)
    return relu_gradients(p, x, y, (h > 0).astype(float))


@right(relu_net)
def zeroed_in_place(p, x, y):
    z, h, a = relu_forward(p, x)
    d2 = (a - y) / len(y)
    d1 = d2 @ p["W2"].T
    d1[z <= 0] = 0
    return {"W2": h.T @ d2, "b2": d2.sum(0), "W1": x.T @ d1, "b1": d1.sum(0)}


@wrong(relu_net, "relu_mask", "W1", "b1")
def no_mask(p, x, y):
    return relu_gradients(p, x, y, 1.0)


@wrong(relu_net, "relu_mask", "W1", "b1")
def passes_at_the_kink(p, x, y):
    z, _, _ = relu_forward(p, x)
    return relu_gradients(p, x, y, z >= 0)


@wrong(relu_net, "relu_mask", "W1", "b1")
def mask_of_the_input(p, x, y):
    return relu_gradients(p, x, y, x > 0)


@wrong(relu_net, "relu_mask", "W1", "b1")
def mask_of_the_gradient(p, x, y):
    _, h, a = relu_forward(p, x)
    d2 = (a - y) / len(y)
    d1 = d2 @ p["W2"].T
    d1 = d1 * (d1 > 0)
    return {"W2": h.T @ d2, "b2": d2.sum(0), "W1": x.T @ d1, "b1": d1.sum(0)}


@wrong(relu_net, "relu_mask", "W1", "b1")
def mask_reversed(p, x, y):
    z, _, _ = relu_forward(p, x)
    return relu_gradients(p, x, y, z < 0)


@wrong(relu_net, "transpose", "W1")
def square_weights_transposed(p, x, y):
    z, _, _ = relu_forward(p, x)
    grads = relu_gradients(p, x, y, z > 0)
    grads["W1"] = grads["W1"].T
    return grads


@wrong(relu_net, "summed_over_wrong_axis", "b1")
def bias_summed_to_one_number(p, x, y):
    z, _, _ = relu_forward(p, x)
    grads = relu_gradients(p, x, y, z > 0)
    grads["b1"] = np.full(3, grads["b1"].sum())
    return grads


# --- No biases, sigmoid, half the squared error of one sample in columns --------------------------


def single_loss(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    return 0.5 * np.sum((a2 - y) ** 2)


def make_single(random):
    p = {"W1": random.standard_normal((4, 4)), "W2": random.standard_normal((4, 4))}
    return p, (random.standard_normal((4, 1)), random.random((4, 1)))


single = Problem("one sample in a column", single_loss, make_single)


@right(single)
def delta_rule(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = (p["W2"].T @ d2) * a1 * (1 - a1)
    return {"W1": d1 @ x.T, "W2": d2 @ a1.T}


@right(single)
def delta_rule_with_vectors(p, x, y):
    x, y = x.ravel(), y.ravel()
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = (d2 @ p["W2"]) * (a1 - a1**2)
    return [np.outer(d1, x), np.outer(d2, a1)]


@wrong(single, "wrong_weights", "W1")
def transpose_forgotten(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = (p["W2"] @ d2) * a1 * (1 - a1)
    return {"W1": d1 @ x.T, "W2": d2 @ a1.T}


@wrong(single, "wrong_weights", "W1")
def weights_of_the_layer_itself(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = (p["W1"].T @ d2) * a1 * (1 - a1)
    return {"W1": d1 @ x.T, "W2": d2 @ a1.T}


@wrong(single, "wrong_activation", "W2")
def input_in_every_layer(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = (p["W2"].T @ d2) * a1 * (1 - a1)
    return {"W1": d1 @ x.T, "W2": d2 @ x.T}


@wrong(single, "activation_derivative_at_wrong_point", "W1")
def derivative_at_the_other_layer(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = (p["W2"].T @ d2) * a2 * (1 - a2)
    return {"W1": d1 @ x.T, "W2": d2 @ a1.T}


@wrong(single, "transpose")
def outer_products_the_wrong_way_round(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = (p["W2"].T @ d2) * a1 * (1 - a1)
    return {"W1": x @ d1.T, "W2": a1 @ d2.T}


@wrong(single, "wrong_delta", "W1")
def delta_of_the_layer_above(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * a2 * (1 - a2)
    return {"W1": d2 @ x.T, "W2": d2 @ a1.T}


@wrong(single, "missing_activation_derivative")
def no_derivative_at_the_output(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = a2 - y
    d1 = (p["W2"].T @ d2) * a1 * (1 - a1)
    return {"W1": d1 @ x.T, "W2": d2 @ a1.T}


@wrong(single, "missing_activation_derivative")
def no_derivative_anywhere(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = a2 - y
    d1 = p["W2"].T @ d2
    return {"W1": d1 @ x.T, "W2": d2 @ a1.T}


@wrong(single, "wrong_activation_derivative")
def one_factor_of_the_derivative_forgotten(p, x, y):
    a1 = sigmoid(p["W1"] @ x)
    a2 = sigmoid(p["W2"] @ a1)
    d2 = (a2 - y) * (1 - a2)
    d1 = (p["W2"].T @ d2) * (1 - a1)
    return {"W1": d1 @ x.T, "W2": d2 @ a1.T}
