"""Dropout as a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.generator import default_generator
from chainrule.nn.functional.checks import torch_name
from chainrule.ops import draws, fills
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "dropout",
]


def check_probability(p: float) -> None:
    """Refuse a dropout probability outside [0, 1]."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set elements to 0 with probability ``p`` and divide the others by 1 − p.

    Args:
        input: any shape.
        p: the probability that an element is dropped.
        training: False returns the input as it is.
        inplace: overwrite the input.

    Source: Hinton et al., "Improving neural networks by preventing co-adaptation of feature
    detectors", 2012.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> sorted(set(cr.nn.functional.dropout(cr.ones(100), p=0.75).tolist()))
    [0.0, 4.0]
    """
    check_probability(p)
    if not training:
        return input
    x = input._array
    if x.dtype.kind != "f":
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {torch_name(x.dtype)}: "
            f"dropout needs floats, got dtype {x.dtype}; convert with .float()"
        )
    mask = attach(_factors(x, p), None)
    return input.mul_(mask) if inplace else input * mask


def _factors(x: ndarray[Any, Any], p: float) -> ndarray[Any, Any]:
    """Return 0 for elements that are dropped and 1 / (1 − p) for the others."""
    empty = np.empty_like(x)
    if p in (0.0, 1.0):  # nothing is drawn
        empty.fill(1.0 - p)
        return empty
    kept = draws.bernoulli(default_generator, x.size, 1 - p)
    kind = np.float32 if x.dtype == np.float16 else x.dtype.type
    scaled = np.multiply(kept, kind(1) / kind(1 - p), dtype=x.dtype, casting="same_kind")
    return fills.arranged(scaled, empty)
