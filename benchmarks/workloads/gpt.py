"""A language model of symbols in the manner of GPT-2: causal attention, norms before the blocks.

Source: Radford et al., "Language models are unsupervised multitask learners", 2019.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import text
from .initial import drawn, layer


@dataclass(frozen=True)
class GPT:
    """A transformer over sequences of symbols, trained by AdamW.

    Args:
        symbols: How many there are.
        layers: Blocks of attention and a perceptron.
        width: Of every token's vector.
        heads: Of the attention; they share the width.
        tokens: Length of the sequences.
        rows: Sequences in the batch.
        learning_rate: Of AdamW.
        seed: Of data and initial parameters.
    """

    symbols: int = 65
    layers: int = 2
    width: int = 128
    heads: int = 4
    tokens: int = 64
    rows: int = 16
    learning_rate: float = 1e-3
    seed: int = 0

    @property
    def description(self) -> str:
        return (
            f"{self.rows} rows of {self.tokens} tokens, {self.symbols} symbols, {self.layers} "
            f"layers, {self.width} wide, {self.heads} heads, AdamW"
        )

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Symbols (rows, tokens) and those that follow."""
        return text.sequences(self.symbols, self.rows, self.tokens, self.seed)

    def parameters(self) -> dict[str, np.ndarray]:
        width = self.width
        shapes = {
            "tokens.weight": (self.symbols, width),
            "positions.weight": (self.tokens, width),
        }
        for k in range(self.layers):
            shapes |= {
                **layer(f"blocks.{k}.norm1", width),
                **layer(f"blocks.{k}.attend", 3 * width, width),
                **layer(f"blocks.{k}.join", width, width),
                **layer(f"blocks.{k}.norm2", width),
                **layer(f"blocks.{k}.expand", 4 * width, width),
                **layer(f"blocks.{k}.contract", width, 4 * width),
            }
        shapes |= {**layer("norm", width), **layer("head", self.symbols, width)}
        return drawn(shapes, self.seed)

    def model(self, nn: Any) -> Any:
        F = nn.functional

        class Block(nn.Module):
            def __init__(self, width: int, heads: int) -> None:
                super().__init__()
                self.heads = heads
                self.norm1 = nn.LayerNorm(width)
                self.attend = nn.Linear(width, 3 * width)
                self.join = nn.Linear(width, width)
                self.norm2 = nn.LayerNorm(width)
                self.expand = nn.Linear(width, 4 * width)
                self.contract = nn.Linear(4 * width, width)

            def forward(self, x: Any) -> Any:
                rows, tokens, width = x.shape
                q, k, v = (
                    part.view(rows, tokens, self.heads, width // self.heads).transpose(1, 2)
                    for part in self.attend(self.norm1(x)).split(width, dim=2)
                )
                mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
                x = x + self.join(mixed.transpose(1, 2).reshape(rows, tokens, width))
                return x + self.contract(F.gelu(self.expand(self.norm2(x))))

        class Model(nn.Module):
            def __init__(
                self, symbols: int, layers: int, width: int, heads: int, tokens: int
            ) -> None:
                super().__init__()
                self.tokens = nn.Embedding(symbols, width)
                self.positions = nn.Embedding(tokens, width)
                self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
                self.norm = nn.LayerNorm(width)
                self.head = nn.Linear(width, symbols)

            def forward(self, x: Any) -> Any:
                x = self.tokens(x) + self.positions.weight[: x.shape[1]]
                return self.head(self.norm(self.blocks(x)))

        return Model(self.symbols, self.layers, self.width, self.heads, self.tokens)

    def loss(self, nn: Any) -> Any:
        return text.cross_entropy(nn)

    def optimizer(self, optim: Any, parameters: Iterable[Any]) -> Any:
        return optim.AdamW(parameters, lr=self.learning_rate)
