"""Connectionist temporal classification, by going through all paths."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def _stands_for(path: tuple[int, ...], blank: int) -> list[int]:
    """Return a path without repetitions, then without blanks."""
    return [k for k, _ in itertools.groupby(path) if k != blank]


def _paths(logs: Any, states: Any, last: Any, steps: Any) -> Iterator[Any]:
    """Yield the sample, the path and the log-probability of each path for a target."""
    for n in range(logs.shape[1]):
        blank = int(states[n, 0])
        target = [int(k) for k in states[n, 1 : int(last[n]) : 2]]
        for path in itertools.product(range(logs.shape[2]), repeat=int(steps[n])):
            if _stands_for(path, blank) == target:
                yield n, path, sum(logs[t, n, k] for t, k in enumerate(path))


def _ctc(logs: Any, states: Any, skips: Any, last: Any, steps: Any) -> Any:
    likelihood = np.zeros(logs.shape[1])
    for n, _, score in _paths(logs, states, last, steps):
        likelihood[n] += np.exp(score)
    return -np.log(likelihood)


def _gradient(g: Any, logs: Any, states: Any, skips: Any, last: Any, steps: Any) -> Any:
    likelihood = np.exp(-_ctc(logs, states, skips, last, steps))
    shares = np.zeros(logs.shape)
    for n, path, score in _paths(logs, states, last, steps):
        for t, k in enumerate(path):
            shares[t, n, k] += np.exp(score) / likelihood[n]
    return -g[:, None] * shares


FUNCTIONS: dict[str, Callable[..., Any]] = {"ctc": _ctc, "ctc_gradient": _gradient}
