"""What nets on text share: sequences of symbols, each to be predicted from those before it."""

from collections.abc import Callable
from typing import Any

import numpy as np


def sequences(symbols: int, rows: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Symbols (rows, steps) and those that follow them, from a random table of who follows whom."""
    generator = np.random.default_rng(seed)
    table = generator.integers(0, symbols, (symbols, 4))
    text = np.empty((rows, steps + 1), np.int64)
    text[:, 0] = generator.integers(0, symbols, rows)
    for step in range(steps):
        text[:, step + 1] = table[text[:, step], generator.integers(0, 4, rows)]
    return np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])


def cross_entropy(nn: Any) -> Callable[[Any, Any], Any]:
    """Softmax cross-entropy of logits (rows, steps, symbols), the mean over all steps."""
    loss = nn.CrossEntropyLoss()
    return lambda logits, targets: loss(logits.flatten(0, 1), targets.flatten())
