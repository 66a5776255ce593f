"""The training steps that are timed. A new one is an entry in `WORKLOADS`, or a file.

A workload is data, initial parameters and a program. The program is written once, against
PyTorch's interface, and runs on every library that has it; other contestants are written for a
*class* of workloads (`MLP`), whose fields say all there is to know, and pass on the rest.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from .gpt import GPT
from .lenet import LeNet
from .lstm import LSTM
from .mlp import MLP


class Workload(Protocol):
    """What the harness and the contestants with PyTorch's interface need of a workload."""

    @property
    def description(self) -> str:
        """One line for people: the net, the rows, the loss, the optimizer."""

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets, the same arrays on every call."""

    def parameters(self) -> dict[str, np.ndarray]:
        """Initial parameters under the names and in the layout of the model's ``state_dict``."""

    def model(self, nn: Any) -> Any:
        """The module, built from the ``nn`` namespace given."""

    def loss(self, nn: Any) -> Any:
        """The loss function of (outputs, targets), built from the ``nn`` namespace given."""

    def optimizer(self, optim: Any, parameters: Iterable[Any]) -> Any:
        """The optimizer, built from the ``optim`` namespace given."""


WORKLOADS: dict[str, Workload] = {
    "3-4-2-1": MLP((3, 4, 2, 1), rows=1, binary=True, seed=2),
    "64-32-10": MLP((64, 32, 10), rows=32),
    "784-128-10": MLP((784, 128, 10), rows=64),
    "784-512-512-10": MLP((784, 512, 512, 10), rows=128),
    "4x1024": MLP((1024, 1024, 1024, 1024, 1024), rows=512, learning_rate=0.5),
    "lenet": LeNet(),
    "gpt": GPT(),
    "lstm": LSTM(),
    "small-lenet": LeNet(size=8, rows=4, channels=(4, 8), kernel=3, hidden=16),
    "small-gpt": GPT(symbols=27, layers=1, width=16, heads=2, tokens=8, rows=4),
    "small-lstm": LSTM(symbols=27, embedded=8, hidden=16, steps=5, rows=4),
}
