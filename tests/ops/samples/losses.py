"""Losses: every reduction, class weights, targets as indices and as probabilities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform

REDUCTIONS = ("mean", "sum", "none")


def loss(name: str, samples: Iterable[Sample]) -> Operation:
    return Operation(
        name,
        getattr(cr.nn.functional, name),
        getattr(torch.nn.functional, name),
        tuple(samples),
        # What they do with integers is checked with the layers, where messages matter.
        integers=False,
        ulps=16,
        summing=True,
    )


def reduced(name: str, *args: Any, smooth: bool = True, **kwargs: Any) -> Iterable[Sample]:
    """Yield a sample for every reduction."""
    for reduction in REDUCTIONS:
        yield Sample(f"{name}, {reduction}", args, {**kwargs, "reduction": reduction}, smooth)


def squared() -> Iterable[Sample]:
    yield from reduced("matrix", uniform(2, 3), uniform(2, 3, seed=1))
    yield from reduced("0-d", uniform(), uniform(seed=1))
    yield from reduced("no rows", uniform(0, 3), uniform(0, 3))
    yield from reduced("not contiguous", strided(2, 3), uniform(2, 3))
    yield from reduced("not finite", np.array([np.nan, np.inf, 1.0]), uniform(3), smooth=False)
    yield from reduced("weighted", uniform(3), uniform(3, seed=1), weight=np.array([1.0, 2.0, 0.5]))


def _probabilities(*shape: int, seed: int = 0) -> Any:
    return uniform(*shape, low=0.05, high=0.95, seed=seed)


def of_probabilities() -> Iterable[Sample]:
    yield from reduced("matrix", _probabilities(2, 3), _probabilities(2, 3, seed=1))
    yield from reduced("0-d", _probabilities(), _probabilities(seed=1))
    yield from reduced(
        "weighted", _probabilities(3), _probabilities(3), weight=np.array([1.0, 2, 3])
    )
    yield from reduced("no rows", _probabilities(0, 3), _probabilities(0, 3))
    yield from reduced(
        "certain and right", np.array([0.0, 1.0]), np.array([0.0, 1.0]), smooth=False
    )


def of_logits() -> Iterable[Sample]:
    yield from reduced("matrix", uniform(2, 3), _probabilities(2, 3, seed=1))
    yield from reduced("0-d", uniform(), _probabilities(seed=1))
    yield from reduced("weighted", uniform(3), _probabilities(3), weight=np.array([1.0, 2, 3]))
    yield from reduced(
        "positive weights", uniform(2, 3), _probabilities(2, 3), pos_weight=np.array([1.0, 2, 3])
    )
    yield from reduced("no rows", uniform(0, 3), _probabilities(0, 3))
    yield from reduced("zero", np.zeros(2), np.array([0.0, 1.0]))
    yield from reduced(
        "large", np.array([800.0, -800.0, 90.0]), np.array([1.0, 1.0, 0.0]), smooth=False
    )
    yield from reduced("not finite", np.array([np.nan, np.inf]), np.array([1.0, 1.0]), smooth=False)


_CLASSES = np.array([2, 0, 1, 2])
_WEIGHT = np.array([1.0, 0.5, 3.0])


def of_classes(logits: bool) -> Iterable[Sample]:
    def given(*shape: int) -> Any:
        x = uniform(*shape)
        return x if logits else x - 3.0

    yield from reduced("rows", given(4, 3), Index(_CLASSES))
    yield from reduced("one sample", given(3), Index(np.array(1)))
    yield from reduced("weighted", given(4, 3), Index(_CLASSES), weight=_WEIGHT)
    yield from reduced("ignored", given(4, 3), Index(_CLASSES), ignore_index=2)
    yield from reduced(
        "weighted and ignored", given(4, 3), Index(_CLASSES), weight=_WEIGHT, ignore_index=0
    )
    yield from reduced(
        "images", given(2, 3, 2, 2), Index(_CLASSES[:2].reshape(2, 1, 1).repeat(2, 1).repeat(2, 2))
    )
    yield from reduced("sequences", given(2, 3, 4), Index(np.array([[0, 1, 2, 0], [2, 2, 1, 1]])))
    yield from reduced("no rows", given(0, 3), Index(np.zeros(0, np.int64)), smooth=False)
    yield from reduced("not contiguous", strided(4, 3), Index(_CLASSES))
    yield from reduced(
        "everything ignored", given(2, 3), Index(np.array([1, 1])), ignore_index=1, smooth=False
    )


def cross_entropies() -> Iterable[Sample]:
    yield from of_classes(logits=True)
    yield from reduced("smoothed", uniform(4, 3), Index(_CLASSES), label_smoothing=0.1)
    yield from reduced(
        "smoothed, weighted, ignored",
        uniform(4, 3),
        Index(_CLASSES),
        label_smoothing=0.2,
        weight=_WEIGHT,
        ignore_index=1,
    )
    target = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    yield from reduced("probabilities", uniform(2, 3), target)
    yield from reduced("probabilities, weighted", uniform(2, 3), target, weight=_WEIGHT)
    yield from reduced("probabilities, smoothed", uniform(2, 3), target, label_smoothing=0.1)
    yield from reduced("large", 800 * uniform(4, 3), Index(_CLASSES), smooth=False)
    yield from reduced(
        "infinite",
        np.array([[np.inf, 0.0, 1.0], [-np.inf, 0.0, 1.0]]),
        Index(np.array([0, 1])),
        smooth=False,
    )


OPERATIONS = (
    loss("mse_loss", squared()),
    loss("binary_cross_entropy", of_probabilities()),
    loss("binary_cross_entropy_with_logits", of_logits()),
    loss("nll_loss", of_classes(logits=False)),
    loss("cross_entropy", cross_entropies()),
)
