"""Losses as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.ops.losses import binary_cross_entropy_of_probability, cross_entropy_of_rows
from chainrule.tensor import Tensor

_unsigned = np.dtype("uint64")
_largest = np.maximum.reduce


def binary_cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return −t log p − (1 − t) log(1 − p)."""
    p, t = input._array, target._array
    if p.shape != t.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    divisor = {"mean": p.size, "sum": 1, "none": 0}[reduction]
    return binary_cross_entropy_of_probability(input, target, divisor)


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return the cross-entropy of softmax(input)."""
    divisor = {"mean": target._array.size, "sum": 1, "none": 0}[reduction]
    return cross_entropy_of_rows(input, target._array, divisor)
