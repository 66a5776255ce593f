"""Networks built of modules: the architectures that people bring."""

from typing import Any

import chainrule as cr
import chainrule.nn.functional as F
from chainrule import nn


def _named(net: nn.Module, **more: Any) -> dict[str, Any]:
    return {"net": net, **more}


def convolutional() -> tuple[cr.Tensor, dict[str, Any]]:
    """Convolution, batch normalisation, ReLU, max pooling, a dense layer, cross-entropy."""
    cr.manual_seed(10)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip
    images, labels = cr.randn(3, 1, 4, 4), cr.tensor([0, 2, 1])
    return F.cross_entropy(net(images), labels), _named(net, images=images, labels=labels)


def _recurrent(net: Any) -> tuple[cr.Tensor, dict[str, Any]]:
    sequence = cr.randn(3, 2)
    states, _ = net(sequence)
    return (states[-1] ** 2).sum(), _named(net, sequence=sequence)


def lstm() -> tuple[cr.Tensor, dict[str, Any]]:
    """An LSTM over three steps."""
    cr.manual_seed(11)
    return _recurrent(nn.LSTM(2, 3))


def gru() -> tuple[cr.Tensor, dict[str, Any]]:
    """A GRU over three steps."""
    cr.manual_seed(12)
    return _recurrent(nn.GRU(2, 3))


def elman() -> tuple[cr.Tensor, dict[str, Any]]:
    """A plain recurrent network over three steps."""
    cr.manual_seed(13)
    return _recurrent(nn.RNN(2, 3))


def transformer() -> tuple[cr.Tensor, dict[str, Any]]:
    """Embedding, layer normalisation, causal attention of two heads, GELU, a residual."""
    cr.manual_seed(14)
    embedding, norm = nn.Embedding(5, 4), nn.LayerNorm(4)
    qkv, up = nn.Linear(4, 12), nn.Linear(4, 4)
    tokens = cr.tensor([[0, 3, 3], [1, 4, 2]])
    x = embedding(tokens)
    heads = (p.view(2, 3, 2, 2).transpose(1, 2) for p in qkv(norm(x)).chunk(3, dim=-1))
    out = F.scaled_dot_product_attention(*heads, is_causal=True)
    x = x + F.gelu(up(out.transpose(1, 2).reshape(2, 3, 4)))
    scope = {"embedding": embedding, "norm": norm, "qkv": qkv, "up": up, "tokens": tokens}
    return (x**2).mean(), scope


def variational() -> tuple[cr.Tensor, dict[str, Any]]:
    """The loss of a variational autoencoder, with the noise given (Kingma and Welling, 2014)."""
    cr.manual_seed(15)
    encoder, decoder = nn.Linear(4, 4), nn.Linear(2, 4)
    x, noise = cr.rand(3, 4), cr.randn(3, 2)
    mu, logvar = encoder(x).chunk(2, dim=1)
    z = mu + noise * cr.exp(0.5 * logvar)
    fit = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
    loss = fit - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
    scope = {"encoder": encoder, "decoder": decoder, "x": x, "noise": noise, "mu": mu}
    return loss, scope | {"logvar": logvar, "z": z, "fit": fit}


def multihead() -> tuple[cr.Tensor, dict[str, Any]]:
    """Multi-head attention of a sequence to itself."""
    cr.manual_seed(16)
    net = nn.MultiheadAttention(4, 2)
    x = cr.randn(3, 1, 4)
    out, _ = net(x, x, x, need_weights=False)
    return (out**2).sum(), _named(net, x=x)


ALL = {
    case.__name__: case
    for case in (convolutional, lstm, gru, elman, transformer, variational, multihead)
}
