"""How a lecture lays out its arrays, and the way to and from the one layout used inside.

Inside, samples are rows and weights are ``(outputs, inputs)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

WeightLayout: TypeAlias = Literal["out_in", "in_out"]
SampleLayout: TypeAlias = Literal["rows", "columns"]

WEIGHT_LAYOUTS: tuple[WeightLayout, ...] = ("out_in", "in_out")
SAMPLE_LAYOUTS: tuple[SampleLayout, ...] = ("rows", "columns")

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True)
class Layout:
    """The layout of the caller's arrays.

    Attributes:
        weights: ``"out_in"`` for weights of shape (outputs, inputs), ``"in_out"`` for (inputs,
            outputs).
        samples: ``"rows"`` for a batch of shape (N, features), ``"columns"`` for (features, N).
        single: the input is one sample of shape (features,); ``samples`` is then without effect.
    """

    weights: WeightLayout
    samples: SampleLayout
    single: bool

    @property
    def columns(self) -> bool:
        """Whether a sample stands to the right of its weights: ``W a`` rather than ``a W``."""
        return self.single or self.samples == "columns"

    def out_in(self, matrix: NDArray[ScalarT]) -> NDArray[ScalarT]:
        """A weight matrix, or its gradient, between the caller's layout and (outputs, inputs)."""
        return matrix if self.weights == "out_in" else matrix.T

    def size_of(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """(number of samples, features of each) of a batch, or single sample, of ``shape``."""
        if self.single:
            return 1, shape[0]
        return (shape[0], shape[1]) if self.samples == "rows" else (shape[1], shape[0])

    def to_rows(self, batch: NDArray[ScalarT]) -> NDArray[ScalarT]:
        """The caller's batch, or single sample, as (N, features)."""
        if self.single:
            return batch[np.newaxis]
        return batch if self.samples == "rows" else batch.T

    def from_rows(self, rows: NDArray[ScalarT]) -> NDArray[ScalarT]:
        """An array of shape (N, features) as the caller lays it out."""
        if self.single:
            sample: NDArray[ScalarT] = rows[0]
            return sample
        return rows if self.samples == "rows" else rows.T

    def batch_shape(self, features: int | str, samples: int | str = "N") -> str:
        """The shape of a batch, or single sample, in the caller's layout."""
        if self.single:
            return f"({features},)"
        first, second = (samples, features) if self.samples == "rows" else (features, samples)
        return f"({first}, {second})"
