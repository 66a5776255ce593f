"""Modules against PyTorch's gradients: no alarm where they are right, the slip named where not."""

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr


def lenet(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 3, 3, padding=1),
        nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 4),
    )  # fmt: skip


def block(nn: Any) -> Any:
    return nn.TransformerEncoderLayer(
        4, 2, 8, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )


def result(found: Any) -> Any:
    return found[0] if isinstance(found, tuple) else found


NETS = {
    "lenet": (lenet, (5, 1, 8, 8)),
    "lstm": (lambda nn: nn.LSTM(3, 4), (5, 2, 3)),
    "gru": (lambda nn: nn.GRU(3, 4), (5, 2, 3)),
    "rnn": (lambda nn: nn.RNN(3, 4), (5, 2, 3)),
    "block of a transformer": (block, (2, 5, 4)),
}


def both(name: str, dtype: Any, seed: int) -> tuple[Any, Any, dict[str, Any]]:
    """Return a loss, its model, and PyTorch's gradients of the same."""
    make, shape = NETS[name]
    torch.manual_seed(seed)
    theirs = make(torch.nn).to(getattr(torch, dtype))
    ours = make(cr.nn).to(getattr(cr, dtype))
    ours.load_state_dict(
        {k: cr.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()}
    )
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    y = result(theirs(torch.from_numpy(x)))
    weights = np.random.default_rng(seed + 1).standard_normal(tuple(y.shape)).astype(dtype)
    (y.sigmoid() * torch.from_numpy(weights)).sum().backward()
    loss = (result(ours(cr.from_numpy(x))).sigmoid() * cr.from_numpy(weights)).sum()
    claims = {k: p.grad.numpy() for k, p in theirs.named_parameters()}
    return loss, ours, claims


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETS)
def test_gradients_of_pytorch_raise_no_alarm(name: str, dtype: str, seed: int) -> None:
    loss, model, claims = both(name, dtype, seed)
    report = cr.check(loss, claims, model=model)
    assert report.ok, report.text()
    assert report.mistakes == []


SLIPS = [
    ("lenet", "scale", "0.bias", lambda g: g / 64),
    ("lenet", "transpose", "8.weight", lambda g: g.T),
    ("lenet", "sign", "3.weight", lambda g: -g),
    ("lstm", "scale", "weight_hh_l0", lambda g: g / 5),
    ("lstm", "sign", "bias_ih_l0", lambda g: -g),
    ("block of a transformer", "scale", "linear1.weight", lambda g: 2 * g),
    ("block of a transformer", "zero", "norm1.weight", lambda g: 0 * g),
]


@pytest.mark.parametrize(("name", "kind", "claim", "slip"), SLIPS)
def test_a_slip_in_one_gradient_is_named(name: str, kind: str, claim: str, slip: Any) -> None:
    loss, model, claims = both(name, "float64", 0)
    claims[claim] = slip(claims[claim])
    report = cr.check(loss, claims, model=model)
    assert [(m.kind, m.claim) for m in report.mistakes] == [(kind, claim)], report.text()
