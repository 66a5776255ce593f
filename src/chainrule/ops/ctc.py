"""Connectionist temporal classification: the likelihood of labels whose places are not known.

A path names a class for every time step; it stands for the labels that remain when repetitions and
blanks are taken out. The loss sums the probabilities of all paths that stand for the target, by the
recursions of hidden Markov models over the target with blanks between, before and after its labels.

Source: Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data
with recurrent neural networks", 2006.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from chainrule.operation import Operation, define
from chainrule.ops.reductions import total
from chainrule.symbol import LEVELS, Notation, Style

Array = ndarray[Any, Any]


class Labels(NamedTuple):
    """The targets of a batch, with blanks: what the recursions need besides the probabilities.

    Attributes:
        states: the class of each state: blank, label, blank, label, …, blank; (N, 2 S + 1).
        skips: where a path may come from two states before: a label unlike the last; (N, 2 S + 1).
        last: the position of the last label's blank, 2 × the target's length; (N).
        steps: the number of time steps; (N).
    """

    states: Array
    skips: Array
    last: Array
    steps: Array


def extended(targets: Array, lengths: Array, steps: Array, blank: int) -> Labels:
    """Return targets of shape (N, S), of which the first ``lengths`` count, with blanks."""
    n, size = targets.shape
    states = np.full((n, 2 * size + 1), blank)
    states[:, 1::2] = targets
    skips = np.zeros(states.shape, np.bool_)
    skips[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    return Labels(states, skips, 2 * lengths, steps)


def _forward(logs: Array, labels: Labels) -> Array:
    """Return the log-probability of each state after each step, of all paths that lead there."""
    time = len(logs)
    n, width = labels.states.shape
    samples = np.arange(n)[:, None]
    alpha = np.full((time, n, width), -np.inf)
    alpha[0, :, 0] = logs[0, np.arange(n), labels.states[:, 0]]
    if width > 1:
        has_label = labels.last > 0
        first = logs[0, np.arange(n), labels.states[:, 1]]
        alpha[0, :, 1] = np.where(has_label, first, -np.inf)
    for t in range(1, time):
        before = alpha[t - 1]
        total = before.copy()
        total[:, 1:] = np.logaddexp(total[:, 1:], before[:, :-1])
        from_two_before = np.where(labels.skips[:, 2:], before[:, :-2], -np.inf)
        total[:, 2:] = np.logaddexp(total[:, 2:], from_two_before)
        alpha[t] = total + logs[t, samples, labels.states]
    return alpha


def _likelihood(alpha: Array, labels: Labels) -> Array:
    """Return log P(target) of each sample: its paths end in the last label or the blank after."""
    samples = np.arange(len(labels.last))
    at = np.maximum(labels.steps - 1, 0)
    ends = alpha[at, samples, labels.last]
    before = alpha[at, samples, np.maximum(labels.last - 1, 0)]
    ends = np.where(labels.last > 0, np.logaddexp(ends, before), ends)
    nothing = np.where(labels.last == 0, 0.0, -np.inf)
    return np.where(labels.steps > 0, ends, nothing)


def _losses(log_probs: Array, labels: Labels) -> tuple[Array, Array, Array]:
    """Return the losses, and what the gradient is made of: log α and the losses in float64."""
    alpha = _forward(log_probs.astype(np.float64), labels)
    losses = -_likelihood(alpha, labels)
    return losses.astype(log_probs.dtype), alpha, losses


def _shares(log_probs: Array, alpha: Array, losses: Array, labels: Labels) -> Array:
    """Return the probability that the target's paths are in each class at each step."""
    logs = log_probs.astype(np.float64)
    # Where no path stands for the target there are no shares.
    losses = np.where(np.isinf(losses), 0.0, losses)
    time, n, width = alpha.shape
    samples = np.arange(n)
    columns = samples[:, None]
    beta = np.full((n, width), -np.inf)
    shares = np.zeros(logs.shape)
    for t in reversed(range(time)):
        total = beta.copy()
        total[:, :-1] = np.logaddexp(total[:, :-1], beta[:, 1:])
        to_two_after = np.where(labels.skips[:, 2:], beta[:, 2:], -np.inf)
        total[:, :-2] = np.logaddexp(total[:, :-2], to_two_after)
        ending = samples[labels.steps - 1 == t]
        total[ending] = -np.inf
        total[ending, labels.last[ending]] = 0
        total[ending, np.maximum(labels.last[ending] - 1, 0)] = 0
        active = (labels.steps > t)[:, None]
        # Probability of a path through a state now: what led here times what follows.
        through = np.where(active, np.exp(alpha[t] + total + losses[:, None]), 0.0)
        np.add.at(shares[t], (columns, labels.states), through)
        beta = np.where(active, total + logs[t, columns, labels.states], -np.inf)
    return shares.astype(log_probs.dtype)


def _gradient(upstream: Array, log_probs: Array, labels: Labels) -> Array:
    shares = _shares(log_probs, *_losses(log_probs, labels)[1:], labels)
    gradient: Array = -upstream[None, :, None] * shares
    return gradient


def _written(name: str) -> Notation:
    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        operands = [f"{v}" for k, v in o.items() if k != "labels"]
        inner = ", ".join((*operands, *(style.parameter(part) for part in o["labels"])))
        return f"{style.function(name)}{style.parentheses(inner)}", LEVELS["atom"]

    return Notation(custom=custom)


def _by_upstream(g: Any, log_probs: Any, labels: Labels) -> Any:
    each = log_gradient(g[0, :, 0] * 0 + 1, log_probs, labels)
    return total(g * each, (0, 2), False)


# It has no rule for log_probs: a second derivative raises, as in PyTorch.
log_gradient: Operation = define(
    "ctc_gradient",
    _gradient,
    inputs=("upstream", "log_probs"),
    params=("labels",),
    upstream=_by_upstream,
    notation=_written("ctc_gradient"),
    doc="""The gradient of `ctc_losses`: minus the probability of each class at each step.

    That is, of the paths that stand for the target, the share that is in this class at this step.
    """,
)
ctc_losses: Operation = define(
    "ctc_loss",
    lambda log_probs, labels: _losses(log_probs, labels)[0],
    params=("labels",),
    log_probs=lambda g, log_probs, labels: log_gradient(g, log_probs, labels),
    notation=_written("ctc"),
    doc="Minus log of the probability of each sample's target, summed over all its paths.",
)
