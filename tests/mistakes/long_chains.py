"""Right backward passes of normalisations and likelihoods, in long chains and in short forms."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, right

EPS = 1e-5

# --- Batch normalisation by the standard deviation, sum of squares --------------------------------


def standardised_loss(p, x, y):
    xhat = (x @ p["W"] - np.mean(x @ p["W"], axis=0)) / np.sqrt(np.var(x @ p["W"], axis=0) + EPS)
    return np.sum((p["gamma"] * xhat + p["beta"] - y) ** 2)


def make_standardised(random):
    p = {
        "W": random.standard_normal((3, 4)),
        "gamma": random.standard_normal(4),
        "beta": random.standard_normal(4),
    }
    return p, (random.standard_normal((9, 3)), random.standard_normal((9, 4)))


standardised = Problem("standardised columns", standardised_loss, make_standardised)


@right(standardised)
def one_line_for_each_operation(p, x, y):
    n = len(x)
    z = x @ p["W"]
    mu = 1 / n * np.sum(z, axis=0)
    xmu = z - mu
    sq = xmu**2
    var = 1 / n * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + EPS)
    ivar = 1 / sqrtvar
    xhat = xmu * ivar
    dout = 2 * (p["gamma"] * xhat + p["beta"] - y)
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * p["gamma"]
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1 / sqrtvar**2 * divar
    dvar = 0.5 / np.sqrt(var + EPS) * dsqrtvar
    dsq = np.ones(sq.shape) / n * dvar
    dxmu2 = 2 * xmu * dsq
    dz1 = dxmu1 + dxmu2
    dmu = -np.sum(dz1, axis=0)
    dz = dz1 + np.ones(z.shape) / n * dmu
    return {"W": x.T @ dz, "gamma": dgamma, "beta": dbeta}


@right(standardised)
def jacobian_of_each_column(p, x, y):
    n = len(x)
    z = x @ p["W"]
    s = np.sqrt(z.var(axis=0) + EPS)
    xhat = (z - z.mean(axis=0)) / s
    dout = 2 * (p["gamma"] * xhat + p["beta"] - y)
    dz = np.empty_like(z)
    for j in range(z.shape[1]):
        J = (np.eye(n) - 1 / n - np.outer(xhat[:, j], xhat[:, j]) / n) / s[j]
        dz[:, j] = p["gamma"][j] * J @ dout[:, j]
    return {"W": x.T @ dz, "gamma": np.einsum("nj,nj->j", dout, xhat), "beta": dout.sum(0)}


# --- Normalisation by the root mean square of each row --------------------------------------------


def root_mean_square_loss(p, x, y):
    h = x @ p["W"]
    rms = np.sqrt(np.mean(h**2, axis=1, keepdims=True) + EPS)
    return np.mean((h / rms * p["g"] - y) ** 2)


def make_root_mean_square(random):
    p = {"W": random.standard_normal((3, 5)), "g": random.standard_normal(5)}
    return p, (random.standard_normal((4, 3)), random.standard_normal((4, 5)))


root_mean_square = Problem("root mean square", root_mean_square_loss, make_root_mean_square)


@right(root_mean_square)
def projected_off_the_row(p, x, y):
    h = x @ p["W"]
    rms = np.sqrt((h * h).mean(1, keepdims=True) + EPS)
    u = h / rms
    d = 2 * (u * p["g"] - y) / y.size
    du = d * p["g"]
    return {"W": x.T @ ((du - u * (du * u).mean(1, keepdims=True)) / rms), "g": (d * u).sum(0)}


@right(root_mean_square)
def quotient_rule_row_by_row(p, x, y):
    dW, dg = np.zeros_like(p["W"]), np.zeros_like(p["g"])
    for xi, yi in zip(x, y, strict=True):
        h = xi @ p["W"]
        r = np.sqrt(np.mean(h**2) + EPS)
        d = 2 * (h / r * p["g"] - yi) / y.size
        dg += d * h / r
        dr = -np.sum(d * p["g"] * h) / r**2
        dh = d * p["g"] / r + dr * h / (len(h) * r)
        dW += xi[:, None] * dh[None, :]
    return [dW, dg]


# --- A Gaussian whose mean and spread are predicted -----------------------------------------------


def gaussian_loss(p, x, y):
    mean = x @ p["m"]
    log_s = x @ p["s"]
    return np.sum(log_s + 0.5 * (y - mean) ** 2 * np.exp(-2 * log_s))


def make_gaussian(random):
    p = {"m": random.standard_normal(3), "s": random.standard_normal(3) / 4}
    return p, (random.standard_normal((6, 3)), random.standard_normal(6))


gaussian = Problem("Gaussian likelihood", gaussian_loss, make_gaussian)


@right(gaussian)
def standardised_residual(p, x, y):
    sigma = np.exp(x @ p["s"])
    r = (y - x @ p["m"]) / sigma
    return {"m": -(r / sigma) @ x, "s": (1 - r**2) @ x}


# --- A batch of one -------------------------------------------------------------------------------


def alone_loss(p, x, y):
    h = np.maximum(x @ p["W1"] + p["b1"], 0)
    return np.mean((h @ p["W2"] + p["b2"] - y) ** 2)


def make_alone(random):
    p = {
        "W1": random.standard_normal((3, 8)).astype(np.float32),
        "b1": random.standard_normal((1, 8)).astype(np.float32),
        "W2": random.standard_normal((8, 1)).astype(np.float32),
        "b2": random.standard_normal((1, 1)).astype(np.float32),
    }
    x = random.standard_normal((1, 3)).astype(np.float32)
    return p, (x, random.standard_normal((1, 1)).astype(np.float32))


alone = Problem("batch of one in single precision", alone_loss, make_alone)


@right(alone)
def written_for_a_batch(p, x, y):
    z = x @ p["W1"] + p["b1"]
    h = z * (z > 0)
    d = 2 / len(x) * (h @ p["W2"] + p["b2"] - y)
    dz = (d @ p["W2"].T) * (z > 0)
    return {
        "W1": x.T @ dz,
        "b1": dz.sum(0, keepdims=True),
        "W2": h.T @ d,
        "b2": d.sum(0, keepdims=True),
    }


@right(alone)
def written_for_a_sample(p, x, y):
    x = x[0]
    z = x @ p["W1"] + p["b1"][0]
    h = np.maximum(z, 0)
    d = 2 * float(h @ p["W2"][:, 0] + p["b2"][0, 0] - y[0, 0])
    dz = d * p["W2"][:, 0] * np.heaviside(z, 0)
    return np.outer(x, dz), dz[None, :], d * h[:, None], np.array([[d]])
