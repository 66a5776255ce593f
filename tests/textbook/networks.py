"""Random networks in every convention, and PyTorch's answer for each of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from chainrule import textbook
from chainrule.textbook.layout import SAMPLE_LAYOUTS, WEIGHT_LAYOUTS, Layout

F = torch.nn.functional

TORCH_ACTIVATIONS = {
    "identity": lambda z: z * 1,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    # By default PyTorch takes softplus(z) for z from 20 on, which is 2e-9 off.
    "softplus": lambda z: F.softplus(z, threshold=40),
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "softmax": lambda z: F.softmax(z, dim=-1),
    "log_softmax": lambda z: F.log_softmax(z, dim=-1),
}

# Hidden layers of log-probabilities drive the outputs into saturation, where the plain chain and
# PyTorch's BCE have no digits left to compare.
HIDDEN = sorted(set(textbook.ACTIVATIONS) - {"log_softmax"})
SMOOTH = sorted(set(HIDDEN) - {"relu", "leaky_relu", "elu"})

OUTPUT_ACTIVATIONS = {
    "bce": ["sigmoid"],
    "cross_entropy": ["softmax"],
    "nll": ["log_softmax"],
}


def torch_loss(name: str, y_hat: torch.Tensor, y: torch.Tensor, reduction: str) -> torch.Tensor:
    """The loss ``name`` of rows ``y_hat``, from PyTorch's own functions where it has them."""
    count = len(y_hat) if reduction == "mean" else 1
    match name:
        case "half_squared_error":
            return F.mse_loss(y_hat, y, reduction="sum") / 2 / count
        case "squared_error":
            return F.mse_loss(y_hat, y, reduction="sum") / count
        case "mse":
            return F.mse_loss(y_hat, y, reduction=reduction)
        case "bce":
            return F.binary_cross_entropy(y_hat, y, reduction=reduction)
        case "bce_with_logits":
            return F.binary_cross_entropy_with_logits(y_hat, y, reduction=reduction)
        case "softmax_cross_entropy":
            return F.cross_entropy(y_hat, y, reduction=reduction)
        case "cross_entropy":
            return -(y * torch.log(y_hat)).sum() / count
        case "nll":
            return -(y * y_hat).sum() / count
    raise AssertionError(name)


@dataclass(frozen=True)
class Drawn:
    """A network with its data: arrays as rows and (outputs, inputs), and a layout to give it in."""

    x: np.ndarray[Any, Any]
    W: list[np.ndarray[Any, Any]]
    b: list[np.ndarray[Any, Any] | None]
    activations: list[str]
    loss: str
    targets: np.ndarray[Any, Any]
    classes: np.ndarray[Any, Any] | None
    reduction: str
    layout: Layout

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of ``textbook.forward``, in the drawn layout."""
        layout = self.layout
        targets = layout.from_rows(self.targets)
        if self.classes is not None:
            targets = self.classes[0] if layout.single else self.classes
        return {
            "x": layout.from_rows(self.x),
            "W": [layout.out_in(matrix) for matrix in self.W],
            "b": self.b,
            "activations": self.activations,
            "targets": targets,
            "loss": self.loss,
            "reduction": self.reduction,
            "weights": layout.weights,
            "samples": layout.samples,
        }

    def as_rows(self, values: Any) -> list[np.ndarray[Any, Any]]:
        """Batches of a record in the drawn layout, brought back to rows."""
        return [self.layout.to_rows(value) for value in values]

    def in_double_precision(self) -> Drawn:
        return replace(
            self,
            x=self.x.astype(np.float64),
            W=[matrix.astype(np.float64) for matrix in self.W],
            b=[None if bias is None else bias.astype(np.float64) for bias in self.b],
            targets=self.targets.astype(np.float64),
        )

    def in_layout(self, layout: Layout) -> Drawn:
        return replace(self, layout=layout)


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    dtype: type = np.float64,
    hidden: list[str] | None = None,
    losses: list[str] | None = None,
) -> Drawn:
    """Networks of 1 to 4 layers with 1 to 5 units each, on one sample or a batch of 1 to 5."""
    hidden = hidden or HIDDEN
    layers = draw(st.integers(1, 4), label="layers")
    sizes = draw(st.lists(st.integers(1, 5), min_size=layers + 1, max_size=layers + 1))
    layout = Layout(
        weights=draw(st.sampled_from(WEIGHT_LAYOUTS)),
        samples=draw(st.sampled_from(SAMPLE_LAYOUTS)),
        single=draw(st.booleans(), label="single"),
    )
    count = 1 if layout.single else draw(st.integers(1, 5), label="samples")
    loss = draw(st.sampled_from(losses or sorted(textbook.LOSSES)))
    activations = [draw(st.sampled_from(hidden)) for _ in range(layers - 1)]
    activations.append(draw(st.sampled_from(OUTPUT_ACTIVATIONS.get(loss, hidden))))
    has_bias = draw(st.lists(st.booleans(), min_size=layers, max_size=layers), label="biases")

    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    W = [rng.normal(0, 0.5, (m, n)).astype(dtype) for n, m in itertools.pairwise(sizes)]
    b = [
        rng.normal(0, 0.5, m).astype(dtype) if bias else None
        for m, bias in zip(sizes[1:], has_bias, strict=True)
    ]
    outputs = sizes[-1]
    classes = None
    if loss in ("cross_entropy", "softmax_cross_entropy", "nll"):
        if draw(st.booleans(), label="class indices"):
            classes = rng.integers(outputs, size=count)
            targets = np.eye(outputs)[classes]
        else:
            targets = rng.dirichlet(np.ones(outputs), count)
    elif loss in ("bce", "bce_with_logits"):
        targets = rng.integers(2, size=(count, outputs))
    else:
        targets = rng.normal(size=(count, outputs))
    return Drawn(
        x=rng.normal(size=(count, sizes[0])).astype(dtype),
        W=W,
        b=b,
        activations=activations,
        loss=loss,
        targets=targets.astype(dtype),
        classes=classes,
        reduction=draw(st.sampled_from(["mean", "sum"])),
        layout=layout,
    )


@dataclass(frozen=True)
class Reference:
    """What PyTorch's autograd gives, in rows and (outputs, inputs)."""

    z: list[np.ndarray[Any, Any]]
    a: list[np.ndarray[Any, Any]]
    loss: float
    delta: list[np.ndarray[Any, Any]]
    da: list[np.ndarray[Any, Any]]
    dW: list[np.ndarray[Any, Any]]
    db: list[np.ndarray[Any, Any] | None]


def by_pytorch(net: Drawn) -> Reference:
    W = [torch.tensor(matrix, requires_grad=True) for matrix in net.W]
    b = [None if bias is None else torch.tensor(bias, requires_grad=True) for bias in net.b]
    a = [torch.tensor(net.x, requires_grad=True)]
    z = []
    for matrix, bias, name in zip(W, b, net.activations, strict=True):
        z.append(F.linear(a[-1], matrix, bias))
        a.append(TORCH_ACTIVATIONS[name](z[-1]))
    for value in [*z, *a]:
        value.retain_grad()
    loss = torch_loss(net.loss, a[-1], torch.tensor(net.targets), net.reduction)
    loss.backward()
    return Reference(
        z=[value.detach().numpy() for value in z],
        a=[value.detach().numpy() for value in a],
        loss=loss.item(),
        delta=[value.grad.numpy() for value in z],
        da=[value.grad.numpy() for value in a],
        dW=[matrix.grad.numpy() for matrix in W],
        db=[None if bias is None else bias.grad.numpy() for bias in b],
    )


def assert_close(actual: Any, expected: Any, tolerance: float, what: str) -> None:
    """Equal shapes, and errors below ``tolerance`` of the largest magnitude or of one."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, what
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale, err_msg=what)
