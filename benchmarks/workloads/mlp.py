"""Multilayer perceptrons: linear layers with biases, ReLU between them, float32 throughout."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True)
class MLP:
    """A net of linear layers and ReLUs that learns one batch by plain SGD.

    Args:
        sizes: Widths from the input to the output.
        rows: Rows of the batch.
        binary: A sigmoid on the output and binary cross-entropy; otherwise the outputs are
            logits of ``sizes[-1]`` classes and the loss is softmax cross-entropy.
        learning_rate: Large enough that a wrong gradient shows in the losses of a few steps,
            small enough that a million steps neither diverge nor die.
        seed: Of the generator of data and initial parameters.
    """

    sizes: tuple[int, ...]
    rows: int
    binary: bool = False
    learning_rate: float = 0.05
    seed: int = 0

    @property
    def description(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        loss = "sigmoid, BCE" if self.binary else "softmax cross-entropy"
        return f"{'-'.join(map(str, self.sizes))}, {rows}, ReLU, {loss}, SGD"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (rows, in); targets (rows, out) if binary, else (rows,) labels.

        Binary targets are probabilities strictly between 0 and 1: the steps timed are more than
        it takes to reach a target of 1 exactly, and the logarithm of 0 would be timed instead.
        """
        generator = np.random.default_rng(self.seed)
        inputs = generator.standard_normal((self.rows, self.sizes[0]), dtype=np.float32)
        if self.binary:
            targets = generator.uniform(0.1, 0.9, (self.rows, self.sizes[-1])).astype(np.float32)
        else:
            targets = generator.integers(0, self.sizes[-1], self.rows)
        return inputs, targets

    def layers(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Initial weight (in, out) and bias (out,) of each layer, uniform in ±1/√in.

        The layout is that of ``x @ weight + bias``, as one writes it without a framework.
        """
        generator = np.random.default_rng([self.seed, 1])
        for fan_in, fan_out in pairwise(self.sizes):
            bound = fan_in**-0.5
            weight = generator.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
            bias = generator.uniform(-bound, bound, fan_out).astype(np.float32)
            yield weight, bias

    def parameters(self) -> dict[str, np.ndarray]:
        """The same parameters as the ``state_dict`` of `model`: weights are (out, in)."""
        state = {}
        for layer, (weight, bias) in enumerate(self.layers()):
            state[f"{2 * layer}.weight"] = np.ascontiguousarray(weight.T)
            state[f"{2 * layer}.bias"] = bias
        return state

    def model(self, nn: Any) -> Any:
        modules = []
        for fan_in, fan_out in pairwise(self.sizes):
            modules += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        modules[-1:] = [nn.Sigmoid()] if self.binary else []
        return nn.Sequential(*modules)

    def loss(self, nn: Any) -> Any:
        return nn.BCELoss() if self.binary else nn.CrossEntropyLoss()

    def optimizer(self, optim: Any, parameters: Iterable[Any]) -> Any:
        return optim.SGD(parameters, lr=self.learning_rate)
