"""Loss functions and their derivatives, written stably in plain NumPy.

A loss is a sum over samples and outputs of one expression ``e(ŷ, y)``, divided by a count where
it is a mean. Outputs and targets are ``(N, K)``: one sample a row; class indices have become
one-hot rows before they come here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from chainrule.textbook.activations import (
    SIGMOID,
    SOFTMAX,
    Activation,
    Array,
    log_softmax,
    row_sum,
    sigmoid,
    softmax,
    softplus,
)

Reduction: TypeAlias = Literal["mean", "sum"]
Outputs: TypeAlias = Literal["any", "between 0 and 1", "probabilities", "log-probabilities"]
Targets: TypeAlias = Literal["any", "between 0 and 1", "classes"]

# PyTorch's BCELoss bounds log(ŷ) from below and its derivative's denominator likewise, so that a
# saturated probability gives a large finite loss.
_LOG_FLOOR = -100.0
_VARIANCE_FLOOR = 1e-12


@dataclass(frozen=True)
class ClosedForm:
    """A loss after its own output activation, taken on the logits in one step.

    Attributes:
        activation: the output activation that the loss swallows.
        on_logits: the loss on ``z`` that equals the original one on ``activation(z)``, without the
            round trip through probabilities that saturate.
        delta: its derivative in Unicode text, before the division by ``D``.
    """

    activation: Activation
    on_logits: Loss
    delta: str


@dataclass(frozen=True)
class Loss:
    """A loss ``L = Σₙ Σₖ e(ŷₙₖ, yₙₖ) / D`` and its derivative.

    Attributes:
        name: what ``loss="name"`` selects and what messages print.
        e: ``(ŷ, y) -> e(ŷ, y)``, shapes ``(N, K), (N, K) -> (N, K)``.
        derivative: ``(ŷ, y) -> ∂(Σₖ e)/∂ŷ``, shape ``(N, K)``, before the division by ``D``.
        formula: ``e`` in Unicode text, in brackets where it is a sum.
        derivative_formula: its derivative in Unicode text, likewise.
        mean_over: what ``reduction="mean"`` counts: ``"samples"`` (``D = N``) or ``"elements"``
            (``D = N K``, as PyTorch's elementwise losses do). With ``"sum"``, ``D = 1``.
        outputs: what ``ŷ`` must be, checked before the loss is taken.
        targets: what ``y`` must be; ``"classes"`` also admits integer class indices.
        closed_form: the output activation with which this loss simplifies, if there is one.
    """

    name: str
    e: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array], Array]
    formula: str = ""
    derivative_formula: str = ""
    mean_over: Literal["samples", "elements"] = "samples"
    outputs: Outputs = "any"
    targets: Targets = "any"
    closed_form: ClosedForm | None = None

    def closed_form_after(self, activation: Activation) -> ClosedForm | None:
        """The closed form of this loss after ``activation``, or None where there is none."""
        if self.closed_form is not None and self.closed_form.activation == activation:
            return self.closed_form
        return None

    def divisor(self, shape: tuple[int, int], reduction: Reduction) -> int:
        """``D`` for outputs of ``shape`` ``(N, K)``."""
        samples, outputs = shape
        if reduction == "sum":
            return 1
        return samples if self.mean_over == "samples" else samples * outputs


def _half_squared_error(y_hat: Array, y: Array) -> Array:
    return (y_hat - y) ** 2 / 2


def _half_squared_error_derivative(y_hat: Array, y: Array) -> Array:
    return y_hat - y


def _squared_error(y_hat: Array, y: Array) -> Array:
    return (y_hat - y) ** 2


def _squared_error_derivative(y_hat: Array, y: Array) -> Array:
    return 2 * (y_hat - y)


def _bce(y_hat: Array, y: Array) -> Array:
    with np.errstate(divide="ignore"):
        log_p = np.maximum(np.log(y_hat), _LOG_FLOOR)
        log_q = np.maximum(np.log1p(-y_hat), _LOG_FLOOR)
    return -(y * log_p + (1 - y) * log_q)


def _bce_derivative(y_hat: Array, y: Array) -> Array:
    return (y_hat - y) / np.maximum(y_hat * (1 - y_hat), _VARIANCE_FLOOR)


def _bce_with_logits(z: Array, y: Array) -> Array:
    return softplus(z) - y * z


def _bce_with_logits_derivative(z: Array, y: Array) -> Array:
    return sigmoid(z) - y


def _expected_surprise(log_p: Array, y: Array) -> Array:
    # A class of target zero contributes nothing, even where its log-probability is -inf.
    return -np.multiply(y, log_p, where=y != 0, out=np.zeros_like(log_p))


def _cross_entropy(y_hat: Array, y: Array) -> Array:
    return _expected_surprise(np.log(np.maximum(y_hat, np.finfo(y_hat.dtype).tiny)), y)


def _cross_entropy_derivative(y_hat: Array, y: Array) -> Array:
    return -y / np.maximum(y_hat, np.finfo(y_hat.dtype).tiny)


def _softmax_cross_entropy(z: Array, y: Array) -> Array:
    return _expected_surprise(log_softmax(z), y)


def _softmax_cross_entropy_derivative(z: Array, y: Array) -> Array:
    # Soft targets sum to one only up to their rounding, and the exact derivative sees the rest.
    return softmax(z) * row_sum(y) - y


def _nll(log_p: Array, y: Array) -> Array:
    return _expected_surprise(log_p, y)


def _nll_derivative(log_p: Array, y: Array) -> Array:
    return -y


HALF_SQUARED_ERROR = Loss(
    "half_squared_error",
    _half_squared_error,
    _half_squared_error_derivative,
    formula="½ (ŷ − y)²",
    derivative_formula="(ŷ − y)",
)
SQUARED_ERROR = Loss(
    "squared_error",
    _squared_error,
    _squared_error_derivative,
    formula="(ŷ − y)²",
    derivative_formula="2 (ŷ − y)",
)
MSE = Loss(
    "mse",
    _squared_error,
    _squared_error_derivative,
    formula="(ŷ − y)²",
    derivative_formula="2 (ŷ − y)",
    mean_over="elements",
)
BCE_WITH_LOGITS = Loss(
    "bce_with_logits",
    _bce_with_logits,
    _bce_with_logits_derivative,
    formula="[log(1 + exp(ŷ)) − y ŷ]",
    derivative_formula="(σ(ŷ) − y)",
    mean_over="elements",
    targets="between 0 and 1",
)
BCE = Loss(
    "bce",
    _bce,
    _bce_derivative,
    formula="[−y log ŷ − (1 − y) log(1 − ŷ)]",
    derivative_formula="(ŷ − y) / (ŷ (1 − ŷ))",
    mean_over="elements",
    outputs="between 0 and 1",
    targets="between 0 and 1",
    closed_form=ClosedForm(SIGMOID, BCE_WITH_LOGITS, "(ŷ − y)"),
)
SOFTMAX_CROSS_ENTROPY = Loss(
    "softmax_cross_entropy",
    _softmax_cross_entropy,
    _softmax_cross_entropy_derivative,
    formula="(−y log softmax(ŷ))",
    derivative_formula="(softmax(ŷ) − y)",
    targets="classes",
)
CROSS_ENTROPY = Loss(
    "cross_entropy",
    _cross_entropy,
    _cross_entropy_derivative,
    formula="(−y log ŷ)",
    derivative_formula="−y / ŷ",
    outputs="probabilities",
    targets="classes",
    closed_form=ClosedForm(SOFTMAX, SOFTMAX_CROSS_ENTROPY, "(ŷ − y)"),
)
NLL = Loss(
    "nll",
    _nll,
    _nll_derivative,
    formula="(−y ŷ)",
    derivative_formula="−y",
    outputs="log-probabilities",
    targets="classes",
)

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        HALF_SQUARED_ERROR,
        SQUARED_ERROR,
        MSE,
        BCE,
        BCE_WITH_LOGITS,
        CROSS_ENTROPY,
        SOFTMAX_CROSS_ENTROPY,
        NLL,
    )
}
"""The losses by name: what ``loss="name"`` may say."""
