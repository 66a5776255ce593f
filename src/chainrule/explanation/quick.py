"""A small net on the spot: layer sizes, activations and a loss, random or with given weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.explanation.facade import Explanation, explain
from chainrule.tensor import Tensor

_ACTIVATIONS = ("relu", "sigmoid", "tanh", "softmax", "none")
_OUT = {"bce": "sigmoid", "mse": "none", "ce": "none"}


@dataclass(frozen=True, slots=True)
class QuickNet:
    """A loss and the names of the tensors it was made from (weights of a file keep theirs)."""

    loss: Tensor
    names: Mapping[str, Tensor]

    def explain(self, **options: Any) -> Explanation:
        """Explain the loss; what has no name gets the lecture's."""
        explanation = explain(self.loss, names=self.names, scope={}, **options)
        for value in explanation.derivation.values.values():
            value.source = None  # No line of a program of the user's made it.
        return explanation


def parse_layers(line: str) -> list[int]:
    """Return the sizes in a line like 3-4-2-1.

    >>> parse_layers("3-4-2-1")
    [3, 4, 2, 1]
    """
    sizes = [part.strip() for part in line.split("-")]
    if len(sizes) < 2 or not all(re.fullmatch("[1-9][0-9]*", part) for part in sizes):
        raise ValueError(
            f"--layers {line}: expected at least two sizes joined by -, for example 3-4-2-1"
        )
    return [int(part) for part in sizes]


def read_weights(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays in a .pth, .pt or .safetensors file, by name."""
    from chainrule.interop.weights import read

    return read(path)


def build(
    sizes: list[int],
    activation: str = "relu",
    out: str | None = None,
    loss: str = "bce",
    batch: int = 1,
    bias: bool = True,
    seed: int = 0,
    *,
    weights: Mapping[str, np.ndarray[Any, Any]] | None = None,
) -> QuickNet:
    """Build a net of linear layers, run it on a random batch and return its loss.

    Args:
        sizes: of the layers, input first.
        activation: of the hidden layers: relu, sigmoid, tanh or none.
        out: of the last layer, softmax too; the loss's own if None.
        loss: bce (with sigmoid), mse, or ce (softmax included, class labels).
        batch: how many samples.
        bias: whether layers have one.
        seed: of weights, inputs and targets.
        weights: matrices (out, in), each with a vector (out) if there is a bias, in order.

    Raises:
        ValueError: for something else, or weights that do not fit the sizes.
    """
    import chainrule as cr
    import chainrule.nn.functional as F

    last = _OUT.get(loss, "none") if out is None else out
    _check(activation, last, loss, batch)
    generator = np.random.default_rng(seed)
    names: dict[str, Tensor] = {}
    given = _by_layer(sizes, weights) if weights is not None else None
    a = cr.tensor(generator.normal(size=(batch, sizes[0])).astype(np.float32))
    for k, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        bound = fan_in**-0.5
        if given is None:
            W = _leaf(generator.uniform(-bound, bound, (fan_out, fan_in)))
            b = _leaf(generator.uniform(-bound, bound, fan_out)) if bias else None
        else:
            (name, array), vector = given[k]
            W = names[name] = _leaf(array)
            b = None
            if vector is not None:
                b = names[vector[0]] = _leaf(vector[1])
        z = F.linear(a, W, b)
        a = _activated(z, activation if k < len(sizes) - 2 else last)
    return QuickNet(_loss(a, loss, generator), names)


def _check(activation: str, last: str, loss: str, batch: int) -> None:
    for option, name in (("--activation", activation), ("--out", last)):
        if name not in _ACTIVATIONS:
            raise ValueError(f"{option} {name}: use one of {', '.join(_ACTIVATIONS)}")
    if loss not in _OUT:
        raise ValueError(f"--loss {loss}: use one of {', '.join(_OUT)}")
    if loss == "bce" and last != "sigmoid":
        raise ValueError(f"--loss bce compares probabilities: use --out sigmoid, not {last}")
    if loss == "ce" and last != "none":
        raise ValueError(f"--loss ce contains the softmax: use --out none, not {last}")
    if batch < 1:
        raise ValueError(f"--batch {batch}: at least one sample is needed")


def _leaf(array: Any) -> Tensor:
    import chainrule as cr

    return cr.tensor(np.asarray(array, np.float32), requires_grad=True)


def _activated(z: Tensor, name: str) -> Tensor:
    import chainrule as cr

    if name == "softmax":
        return cr.softmax(z, dim=1)
    return (
        z if name == "none" else {"relu": cr.relu, "sigmoid": cr.sigmoid, "tanh": cr.tanh}[name](z)
    )


def _loss(a: Tensor, name: str, generator: np.random.Generator) -> Tensor:
    import chainrule as cr
    import chainrule.nn.functional as F

    n, outputs = a.shape
    if name == "ce":
        return F.cross_entropy(a, cr.tensor(generator.integers(0, outputs, n)))
    if name == "bce":
        y = cr.tensor(generator.integers(0, 2, (n, outputs)).astype(np.float32))
        return F.binary_cross_entropy(a, y)
    y = cr.tensor(generator.normal(size=(n, outputs)).astype(np.float32))
    return F.mse_loss(a, y)


Named = tuple[str, np.ndarray[Any, Any]]


def _by_layer(
    sizes: list[int], weights: Mapping[str, np.ndarray[Any, Any]]
) -> list[tuple[Named, Named | None]]:
    """Pair a file's matrices and vectors with the layers, in the order of the file."""
    found: list[tuple[Named, Named | None]] = []
    for name, array in weights.items():
        if array.ndim == 2:
            found.append(((name, array), None))
        elif array.ndim == 1 and found and found[-1][1] is None:
            found[-1] = (found[-1][0], (name, array))
    expected = [(fan_out, fan_in) for fan_in, fan_out in pairwise(sizes)]
    shapes = [matrix[1].shape for matrix, _ in found]
    fitting = [v is None or v[1].shape == m[1].shape[:1] for m, v in found]
    if shapes != expected or not all(fitting):
        held = ", ".join(f"{n} {list(a.shape)}" for n, a in weights.items()) or "no arrays"
        raise ValueError(
            f"the weights do not fit --layers {'-'.join(map(str, sizes))}: expected matrices of "
            f"shapes {[list(s) for s in expected]} (outputs, inputs) in this order, each with a "
            f"bias or without; the file holds {held}"
        )
    return found
