"""A language model of symbols: an embedding, an LSTM, a linear layer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import text
from .initial import drawn, layer


@dataclass(frozen=True)
class LSTM:
    """An LSTM over sequences of symbols, trained by Adam.

    Args:
        symbols: How many there are.
        embedded: Width of their embedding.
        hidden: Width of the LSTM's state.
        steps: Length of the sequences.
        rows: Sequences in the batch.
        learning_rate: Of Adam.
        seed: Of data and initial parameters.
    """

    symbols: int = 65
    embedded: int = 64
    hidden: int = 128
    steps: int = 32
    rows: int = 32
    learning_rate: float = 1e-3
    seed: int = 0

    @property
    def description(self) -> str:
        return (
            f"{self.rows} rows of {self.steps} steps, {self.symbols} symbols, {self.embedded} "
            f"embedded, {self.hidden} hidden, Adam"
        )

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Symbols (rows, steps) and those that follow."""
        return text.sequences(self.symbols, self.rows, self.steps, self.seed)

    def parameters(self) -> dict[str, np.ndarray]:
        shapes = {
            "embedding.weight": (self.symbols, self.embedded),
            "lstm.weight_ih_l0": (4 * self.hidden, self.embedded),
            "lstm.weight_hh_l0": (4 * self.hidden, self.hidden),
            "lstm.bias_ih_l0": (4 * self.hidden,),
            "lstm.bias_hh_l0": (4 * self.hidden,),
            **layer("head", self.symbols, self.hidden),
        }
        return drawn(shapes, self.seed)

    def model(self, nn: Any) -> Any:
        class Model(nn.Module):
            def __init__(self, symbols: int, embedded: int, hidden: int) -> None:
                super().__init__()
                self.embedding = nn.Embedding(symbols, embedded)
                self.lstm = nn.LSTM(embedded, hidden, batch_first=True)
                self.head = nn.Linear(hidden, symbols)

            def forward(self, x: Any) -> Any:
                outputs, _ = self.lstm(self.embedding(x))
                return self.head(outputs)

        return Model(self.symbols, self.embedded, self.hidden)

    def loss(self, nn: Any) -> Any:
        return text.cross_entropy(nn)

    def optimizer(self, optim: Any, parameters: Iterable[Any]) -> Any:
        return optim.Adam(parameters, lr=self.learning_rate)
