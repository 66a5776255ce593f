"""Regularised, tied, normalised and hinge losses."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, right, sigmoid, wrong

# --- Logistic regression with weight decay --------------------------------------------------------


def regularised_loss(p, x, y):
    a = sigmoid(x @ p["w"] + p["b"])
    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)) + 0.1 * np.sum(p["w"] ** 2)


def make_regularised(random):
    p = {"w": random.standard_normal(6), "b": random.standard_normal(1)}
    return p, (random.standard_normal((20, 6)), (random.random(20) > 0.5).astype(float))


regularised = Problem("regularised regression", regularised_loss, make_regularised)


@right(regularised)
def both_terms(p, x, y):
    d = (sigmoid(x @ p["w"] + p["b"]) - y) / len(y)
    return {"w": x.T @ d + 0.2 * p["w"], "b": d.sum()}


@wrong(regularised, "not_accumulated", "w")
def penalty_forgotten(p, x, y):
    d = (sigmoid(x @ p["w"] + p["b"]) - y) / len(y)
    return {"w": x.T @ d, "b": d.sum()}


@wrong(regularised, "scale", "w")
def half_a_penalty(p, x, y):
    d = (sigmoid(x @ p["w"] + p["b"]) - y) / len(y)
    return {"w": x.T @ d + 0.1 * p["w"], "b": d.sum()}


@wrong(regularised, "sign", "w")
def penalty_subtracted(p, x, y):
    d = (sigmoid(x @ p["w"] + p["b"]) - y) / len(y)
    return {"w": x.T @ d - 0.2 * p["w"], "b": d.sum()}


# --- An autoencoder with tied weights -------------------------------------------------------------


def tied_loss(p, x):
    h = np.tanh(x @ p["W"] + p["b"])
    out = h @ p["W"].T + p["c"]
    return 0.5 * np.sum((out - x) ** 2) / len(x)


def make_tied(random):
    p = {
        "W": random.standard_normal((5, 3)),
        "b": random.standard_normal(3),
        "c": random.standard_normal(5),
    }
    return p, (random.standard_normal((7, 5)),)


tied = Problem("tied autoencoder", tied_loss, make_tied)


def tied_parts(p, x):
    h = np.tanh(x @ p["W"] + p["b"])
    d = (h @ p["W"].T + p["c"] - x) / len(x)
    dz = d @ p["W"] * (1 - h**2)
    return x.T @ dz, d.T @ h, {"b": dz.sum(0), "c": d.sum(0)}


@right(tied)
def encoder_and_decoder(p, x):
    encoder, decoder, rest = tied_parts(p, x)
    return {"W": encoder + decoder, **rest}


@wrong(tied, "not_accumulated", "W")
def encoder_only(p, x):
    encoder, _, rest = tied_parts(p, x)
    return {"W": encoder, **rest}


@wrong(tied, "not_accumulated", "W")
def decoder_only(p, x):
    _, decoder, rest = tied_parts(p, x)
    return {"W": decoder, **rest}


# --- Rows normalised to length 1 ------------------------------------------------------------------


def unit_loss(p, x, t):
    z = x @ p["W"]
    n = np.sqrt(np.sum(z * z, axis=1, keepdims=True))
    return np.mean((z / n - t) ** 2)


def make_unit(random):
    p = {"W": random.standard_normal((4, 3))}
    return p, (random.standard_normal((6, 4)), random.standard_normal((6, 3)))


unit = Problem("unit rows", unit_loss, make_unit)


def unit_parts(p, x, t):
    z = x @ p["W"]
    n = np.sqrt((z * z).sum(axis=1, keepdims=True))
    u = z / n
    return u, n, 2 * (u - t) / t.size


@right(unit)
def projected(p, x, t):
    u, n, du = unit_parts(p, x, t)
    return {"W": x.T @ ((du - u * (du * u).sum(1, keepdims=True)) / n)}


@wrong(unit, "missing_path")
def length_constant(p, x, t):
    _, n, du = unit_parts(p, x, t)
    return {"W": x.T @ (du / n)}


@wrong(unit, "sign")
def projection_added(p, x, t):
    u, n, du = unit_parts(p, x, t)
    return {"W": x.T @ ((du + u * (du * u).sum(1, keepdims=True)) / n)}


# --- A linear classifier with the hinge loss ------------------------------------------------------


def hinge_loss(p, x, y):
    return np.mean(np.maximum(0, 1 - y * (x @ p["w"])))


def make_hinge(random):
    p = {"w": random.standard_normal(4)}
    return p, (random.standard_normal((9, 4)), np.sign(random.standard_normal(9)))


hinge = Problem("hinge loss", hinge_loss, make_hinge)


@right(hinge)
def margins_below_one(p, x, y):
    inside = y * (x @ p["w"]) < 1
    return {"w": -(x * (y * inside)[:, None]).mean(axis=0)}


@wrong(hinge, "relu_mask")
def every_margin_counts(p, x, y):
    return {"w": -(x * y[:, None]).mean(axis=0)}


@wrong(hinge, "wrong_derivative")
def label_forgotten(p, x, y):
    inside = y * (x @ p["w"]) < 1
    return {"w": -(x * inside[:, None]).mean(axis=0)}


@wrong(hinge, "sign")
def uphill(p, x, y):
    inside = y * (x @ p["w"]) < 1
    return {"w": (x * (y * inside)[:, None]).mean(axis=0)}
