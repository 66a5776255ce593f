"""Batch and layer normalisation written out."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, right, wrong

EPS = 1e-5

# --- Batch normalisation after a linear layer, tanh and squared error -----------------------------


def batch_norm_loss(p, x, y):
    z = x @ p["W"]
    mean = np.mean(z, axis=0)
    var = np.mean((z - mean) ** 2, axis=0)
    xhat = (z - mean) / np.sqrt(var + EPS)
    out = np.tanh(p["gamma"] * xhat + p["beta"])
    return np.sum((out - y) ** 2) / 2


def make_batch_norm(random):
    p = {
        "W": random.standard_normal((4, 3)),
        "gamma": random.standard_normal(3),
        "beta": random.standard_normal(3),
    }
    return p, (random.standard_normal((8, 4)), random.standard_normal((8, 3)))


batch_norm = Problem("batch normalisation", batch_norm_loss, make_batch_norm)


def batch_norm_forward(p, x, y):
    z = x @ p["W"]
    centred = z - z.mean(axis=0)
    std = np.sqrt(z.var(axis=0) + EPS)
    xhat = centred / std
    out = np.tanh(p["gamma"] * xhat + p["beta"])
    dy = (out - y) * (1 - out**2)
    return centred, std, xhat, dy


def collect(p, x, dy, xhat, dz):
    return {"W": x.T @ dz, "gamma": (dy * xhat).sum(0), "beta": dy.sum(0)}


@right(batch_norm)
def in_one_formula(p, x, y):
    _, std, xhat, dy = batch_norm_forward(p, x, y)
    dxhat = dy * p["gamma"]
    dz = (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)) / std
    return collect(p, x, dy, xhat, dz)


@right(batch_norm)
def step_by_step(p, x, y):
    centred, std, xhat, dy = batch_norm_forward(p, x, y)
    n = len(x)
    dxhat = dy * p["gamma"]
    dvar = np.sum(dxhat * centred, axis=0) * -0.5 * std**-3
    dmean = -np.sum(dxhat, axis=0) / std - 2 * dvar * centred.mean(axis=0)
    dz = dxhat / std + dvar * 2 * centred / n + dmean / n
    return collect(p, x, dy, xhat, dz)


@wrong(batch_norm, "missing_path", "W")
def mean_and_variance_constant(p, x, y):
    _, std, xhat, dy = batch_norm_forward(p, x, y)
    dz = dy * p["gamma"] / std
    return collect(p, x, dy, xhat, dz)


@wrong(batch_norm, "missing_path", "W")
def variance_constant(p, x, y):
    _, std, xhat, dy = batch_norm_forward(p, x, y)
    dxhat = dy * p["gamma"]
    dz = (dxhat - dxhat.mean(0)) / std
    return collect(p, x, dy, xhat, dz)


@wrong(batch_norm, "missing_path", "W")
def mean_constant(p, x, y):
    _, std, xhat, dy = batch_norm_forward(p, x, y)
    dxhat = dy * p["gamma"]
    dz = (dxhat - xhat * (dxhat * xhat).mean(0)) / std
    return collect(p, x, dy, xhat, dz)


@wrong(batch_norm, "scale", "W")
def two_of_the_variance_forgotten(p, x, y):
    centred, std, xhat, dy = batch_norm_forward(p, x, y)
    n = len(x)
    dxhat = dy * p["gamma"]
    dvar = np.sum(dxhat * centred, axis=0) * -0.5 * std**-3
    dmean = -np.sum(dxhat, axis=0) / std
    dz = dxhat / std + dvar * centred / n + dmean / n
    return collect(p, x, dy, xhat, dz)


@wrong(batch_norm, "scale", "W")
def unbiased_variance(p, x, y):
    centred, std, xhat, dy = batch_norm_forward(p, x, y)
    n = len(x)
    dxhat = dy * p["gamma"]
    dvar = np.sum(dxhat * centred, axis=0) * -0.5 * std**-3
    dmean = -np.sum(dxhat, axis=0) / std
    dz = dxhat / std + dvar * 2 * centred / (n - 1) + dmean / n
    return collect(p, x, dy, xhat, dz)


@wrong(batch_norm, "sign", "W")
def variance_with_the_wrong_sign(p, x, y):
    _, std, xhat, dy = batch_norm_forward(p, x, y)
    dxhat = dy * p["gamma"]
    dz = (dxhat - dxhat.mean(0) + xhat * (dxhat * xhat).mean(0)) / std
    return collect(p, x, dy, xhat, dz)


@wrong(batch_norm, "not_summed", "beta")
def shift_not_summed(p, x, y):
    grads = in_one_formula(p, x, y)
    _, _, _, dy = batch_norm_forward(p, x, y)
    return {**grads, "beta": dy}


@wrong(batch_norm, "summed_over_wrong_axis", "gamma")
def scale_summed_over_the_features(p, x, y):
    grads = in_one_formula(p, x, y)
    _, _, xhat, dy = batch_norm_forward(p, x, y)
    return {**grads, "gamma": (dy * xhat).sum(axis=1)}


@wrong(batch_norm, "wrong_derivative", "gamma")
def scale_without_the_normalised_value(p, x, y):
    grads = in_one_formula(p, x, y)
    _, _, _, dy = batch_norm_forward(p, x, y)
    return {**grads, "gamma": dy.sum(axis=0)}


# --- Layer normalisation --------------------------------------------------------------------------


def layer_norm_loss(p, x, y):
    z = np.tanh(x @ p["W"])
    mu = np.mean(z, axis=-1, keepdims=True)
    centred = z - mu
    var = np.mean(centred * centred, axis=-1, keepdims=True)
    inv = (var + EPS) ** -0.5
    out = centred * inv * p["g"] + p["b"]
    return np.mean((out - y) ** 2)


def make_layer_norm(random):
    p = {
        "W": random.standard_normal((3, 6)),
        "g": random.standard_normal(6),
        "b": random.standard_normal(6),
    }
    return p, (random.standard_normal((5, 3)), random.standard_normal((5, 6)))


layer_norm = Problem("layer normalisation", layer_norm_loss, make_layer_norm)


def layer_norm_forward(p, x, y):
    z = np.tanh(x @ p["W"])
    centred = z - z.mean(axis=-1, keepdims=True)
    inv = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS)
    xhat = centred * inv
    dout = 2 * (xhat * p["g"] + p["b"] - y) / y.size
    return z, inv, xhat, dout


def layer_norm_collect(p, x, z, xhat, dout, dz):
    return {
        "W": x.T @ (dz * (1 - z**2)),
        "g": (dout * xhat).sum(0),
        "b": dout.sum(0),
    }


@right(layer_norm)
def over_the_features(p, x, y):
    z, inv, xhat, dout = layer_norm_forward(p, x, y)
    d = dout * p["g"]
    dz = inv * (d - d.mean(-1, keepdims=True) - xhat * (d * xhat).mean(-1, keepdims=True))
    return layer_norm_collect(p, x, z, xhat, dout, dz)


@right(layer_norm)
def sums_written_out(p, x, y):
    z, inv, xhat, dout = layer_norm_forward(p, x, y)
    d, m = dout * p["g"], z.shape[-1]
    total, along = d.sum(-1, keepdims=True), (d * xhat).sum(-1, keepdims=True)
    dz = inv / m * (m * d - total - xhat * along)
    return layer_norm_collect(p, x, z, xhat, dout, dz)


@wrong(layer_norm, "missing_path", "W")
def statistics_constant(p, x, y):
    z, inv, xhat, dout = layer_norm_forward(p, x, y)
    dz = inv * dout * p["g"]
    return layer_norm_collect(p, x, z, xhat, dout, dz)


@wrong(layer_norm, "missing_path", "W")
def inverse_deviation_constant(p, x, y):
    z, inv, xhat, dout = layer_norm_forward(p, x, y)
    d = dout * p["g"]
    dz = inv * (d - d.mean(-1, keepdims=True))
    return layer_norm_collect(p, x, z, xhat, dout, dz)


@wrong(layer_norm, "wrong_derivative", "W")
def exponent_not_lowered(p, x, y):
    z, inv, xhat, dout = layer_norm_forward(p, x, y)
    d, m = dout * p["g"], z.shape[-1]
    centred = xhat / inv
    dvar = (d * centred).sum(-1, keepdims=True) * -0.5 * inv
    dcentred = d * inv + dvar * 2 * centred / m
    dz = dcentred - dcentred.mean(-1, keepdims=True)
    return layer_norm_collect(p, x, z, xhat, dout, dz)


@wrong(layer_norm, "missing_activation_derivative", "W")
def tanh_in_front_forgotten(p, x, y):
    _, inv, xhat, dout = layer_norm_forward(p, x, y)
    d = dout * p["g"]
    dz = inv * (d - d.mean(-1, keepdims=True) - xhat * (d * xhat).mean(-1, keepdims=True))
    return {"W": x.T @ dz, "g": (dout * xhat).sum(0), "b": dout.sum(0)}
