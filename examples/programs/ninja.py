"""A character model with batch normalisation, trained by gradients that are written by hand.

The exercise: derive the gradient of every intermediate value, from the loss back to the embedding,
and compare each with what the library computes. The network is that of Bengio et al., "A neural
probabilistic language model", 2003, with batch normalisation.
"""

import torch
import torch.nn.functional as F

from examples.programs.text import numbers, symbols

WIDTH, SPAN, HIDDEN, ROWS = 8, 3, 48, 32

torch.manual_seed(3)
tokens = torch.tensor(numbers)
n = len(symbols)
C = torch.randn((n, WIDTH))
W1 = torch.randn((SPAN * WIDTH, HIDDEN)) * (5 / 3) / (SPAN * WIDTH) ** 0.5
b1 = torch.randn(HIDDEN) * 0.1
gain = torch.randn((1, HIDDEN)) * 0.1 + 1.0
shift = torch.randn((1, HIDDEN)) * 0.1
W2 = torch.randn((HIDDEN, n)) * 0.1
b2 = torch.randn(n) * 0.1
parameters = [C, W1, b1, gain, shift, W2, b2]
for p in parameters:
    p.requires_grad = True

for _ in range(120):
    at = torch.randint(0, len(tokens) - SPAN, (ROWS,))
    X = torch.stack([tokens[at + k] for k in range(SPAN)], dim=1)
    Y = tokens[at + SPAN]

    # Forward, in pieces small enough to take the derivative of each.
    emb = C[X]
    cat = emb.view(ROWS, -1)
    z = cat @ W1 + b1
    mean = z.sum(0, keepdim=True) / ROWS
    centred = z - mean
    squares = centred**2
    variance = squares.sum(0, keepdim=True) / (ROWS - 1)
    inverse = (variance + 1e-5) ** -0.5
    raw = centred * inverse
    a = gain * raw + shift
    h = torch.tanh(a)
    logits = h @ W2 + b2
    highest = logits.max(1, keepdim=True).values
    shifted = logits - highest
    counts = shifted.exp()
    total = counts.sum(1, keepdim=True)
    reciprocal = total**-1
    probabilities = counts * reciprocal
    logarithms = probabilities.log()
    loss = -logarithms[range(ROWS), Y].mean()
    pieces = {
        "logarithms": logarithms, "probabilities": probabilities, "reciprocal": reciprocal,
        "total": total, "counts": counts, "shifted": shifted, "highest": highest,
        "logits": logits, "h": h, "a": a, "raw": raw, "inverse": inverse, "variance": variance,
        "squares": squares, "centred": centred, "mean": mean, "z": z, "cat": cat, "emb": emb,
    }  # fmt: skip
    named = dict(zip(["C", "W1", "b1", "gain", "shift", "W2", "b2"], parameters))
    for p in parameters:
        p.grad = None
    for piece in pieces.values():
        piece.retain_grad()
    loss.backward()

    # Backward by hand.
    with torch.no_grad():
        d = {}
        d["logarithms"] = torch.zeros_like(logarithms)
        d["logarithms"][range(ROWS), Y] = -1.0 / ROWS
        d["probabilities"] = d["logarithms"] / probabilities
        d["reciprocal"] = (counts * d["probabilities"]).sum(1, keepdim=True)
        d["total"] = -(total**-2) * d["reciprocal"]
        d["counts"] = reciprocal * d["probabilities"] + torch.ones_like(counts) * d["total"]
        d["shifted"] = counts * d["counts"]
        d["highest"] = -d["shifted"].sum(1, keepdim=True)
        d["logits"] = d["shifted"].clone()
        d["logits"] += F.one_hot(logits.max(1).indices, num_classes=n) * d["highest"]
        d["h"] = d["logits"] @ W2.T
        d["W2"] = h.T @ d["logits"]
        d["b2"] = d["logits"].sum(0)
        d["a"] = (1.0 - h**2) * d["h"]
        d["gain"] = (raw * d["a"]).sum(0, keepdim=True)
        d["shift"] = d["a"].sum(0, keepdim=True)
        d["raw"] = gain * d["a"]
        d["inverse"] = (centred * d["raw"]).sum(0, keepdim=True)
        d["variance"] = -0.5 * (variance + 1e-5) ** -1.5 * d["inverse"]
        d["squares"] = torch.ones_like(squares) / (ROWS - 1) * d["variance"]
        d["centred"] = inverse * d["raw"] + 2 * centred * d["squares"]
        d["mean"] = -d["centred"].sum(0, keepdim=True)
        d["z"] = d["centred"] + torch.ones_like(z) / ROWS * d["mean"]
        d["cat"] = d["z"] @ W1.T
        d["W1"] = cat.T @ d["z"]
        d["b1"] = d["z"].sum(0)
        d["emb"] = d["cat"].view(emb.shape)
        d["C"] = torch.zeros_like(C)
        for k in range(SPAN):
            d["C"].index_add_(0, X[:, k], d["emb"][:, k])
        for name, value in {**pieces, **named}.items():
            assert torch.allclose(d[name], value.grad, rtol=1e-3, atol=1e-5), name
        for name, p in named.items():
            p.data += -0.1 * d[name]
    print(loss.item())
