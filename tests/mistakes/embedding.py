"""An embedding by indexing, averaged and classified."""

from __future__ import annotations

import numpy as np

from tests.mistakes.corpus import Problem, one_hot, right, softmax, wrong


def embedding_loss(p, tokens, y):
    e = p["E"][tokens]
    m = np.mean(e, axis=1)
    logits = m @ p["W"] + p["b"]
    z = logits - np.max(logits, axis=1, keepdims=True)
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.sum(logp * np.eye(3)[y]) / len(y)


def make_embedding(random):
    p = {
        "E": random.standard_normal((6, 4)),
        "W": random.standard_normal((4, 3)),
        "b": random.standard_normal(3),
    }
    return p, (random.integers(0, 6, (5, 3)), random.integers(0, 3, 5))


embedding = Problem("embedding", embedding_loss, make_embedding)


def embedding_forward(p, tokens, y):
    m = p["E"][tokens].mean(axis=1)
    d = (softmax(m @ p["W"] + p["b"]) - one_hot(y, 3)) / len(y)
    dm = d @ p["W"].T
    de = np.repeat(dm[:, None, :], tokens.shape[1], axis=1) / tokens.shape[1]
    return m, d, de


@right(embedding)
def added_at_the_indices(p, tokens, y):
    m, d, de = embedding_forward(p, tokens, y)
    dE = np.zeros_like(p["E"])
    np.add.at(dE, tokens, de)
    return {"E": dE, "W": m.T @ d, "b": d.sum(0)}


@right(embedding)
def by_one_hot_products(p, tokens, y):
    m, d, de = embedding_forward(p, tokens, y)
    return {"E": np.einsum("ntv,ntd->vd", one_hot(tokens, 6), de), "W": m.T @ d, "b": d.sum(0)}


@right(embedding)
def token_by_token(p, tokens, y):
    m, d, de = embedding_forward(p, tokens, y)
    dE = np.zeros_like(p["E"])
    for n, row in enumerate(tokens):
        for t, token in enumerate(row):
            dE[token] += de[n, t]
    return {"E": dE, "W": m.T @ d, "b": d.sum(0)}


@wrong(embedding, "not_accumulated", "E")
def assigned_at_the_indices(p, tokens, y):
    m, d, de = embedding_forward(p, tokens, y)
    dE = np.zeros_like(p["E"])
    dE[tokens] = de
    return {"E": dE, "W": m.T @ d, "b": d.sum(0)}


@wrong(embedding, "not_accumulated", "E")
def fancy_indexing_adds_once(p, tokens, y):
    m, d, de = embedding_forward(p, tokens, y)
    dE = np.zeros_like(p["E"])
    dE[tokens] += de
    return {"E": dE, "W": m.T @ d, "b": d.sum(0)}


@wrong(embedding, "scale", "E")
def mean_over_the_tokens_forgotten(p, tokens, y):
    m, d, de = embedding_forward(p, tokens, y)
    dE = np.zeros_like(p["E"])
    np.add.at(dE, tokens, de * tokens.shape[1])
    return {"E": dE, "W": m.T @ d, "b": d.sum(0)}


@wrong(embedding, "sign", "E")
def embedding_with_a_minus(p, tokens, y):
    m, d, de = embedding_forward(p, tokens, y)
    dE = np.zeros_like(p["E"])
    np.subtract.at(dE, tokens, de)
    return {"E": dE, "W": m.T @ d, "b": d.sum(0)}
