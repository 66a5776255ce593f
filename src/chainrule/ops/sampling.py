"""Drawing from distributions that are given as tensors: categories by weight, counts by rate."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.generator import Generator, chosen
from chainrule.ops import draws, fills
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "multinomial",
    "poisson",
]


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Return indices drawn with probabilities proportional to weights.

    Args:
        input: weights, not negative and not all 0; shape (n,) or (m, n) for m distributions.
        num_samples: how many indices to draw from each distribution.
        replacement: whether an index may be drawn again.
        generator: where the numbers come from; the default generator if None.

    Returns:
        int64 indices of shape (num_samples,) or (m, num_samples).

    Source: without replacement, the indices of the largest weight / exponential number: Efraimidis
    and Spirakis, "Weighted random sampling with a reservoir", 2006.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> cr.multinomial(cr.tensor([0.0, 10.0, 3.0, 0.0]), 4, replacement=True)
    tensor([2, 1, 1, 2])
    """
    weights = input._array
    count = operator.index(num_samples)
    source = chosen(generator)
    _check(weights, count, replacement)
    if replacement and count > 1:
        return attach(_with_replacement(source, weights, count), None)
    drawn = fills.arranged(
        draws.exponential(source, weights.size, weights.dtype, 1.0), np.empty_like(weights)
    )
    scores = weights / drawn
    if count == 1:
        chosen_ones = scores.argmax(-1, keepdims=True)
    else:
        chosen_ones = np.argsort(-scores, -1, kind="stable")[..., :count]
    return attach(np.ascontiguousarray(chosen_ones), None)


def _check(weights: Any, count: int, replacement: bool) -> None:
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got shape {list(weights.shape)}")
    if weights.dtype.kind != "f":
        raise RuntimeError(
            "multinomial only supports floating-point dtypes for input, got: "
            f"{dtypes.torch_name(weights.dtype)}; convert the weights with .float()"
        )
    if count <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {count}")
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: "
            f"{count} of {weights.shape[-1]} categories; pass replacement=True to draw a category "
            "more than once"
        )
    if not ((weights >= 0) & (weights < np.inf)).all():
        raise RuntimeError(
            "probability tensor contains either `inf`, `nan` or element < 0, which make an invalid "
            "multinomial distribution"
        )
    if weights.shape[0] and not (weights.sum(-1) > 0).all():
        raise RuntimeError(
            "invalid multinomial distribution (sum of probabilities <= 0): give every distribution "
            "a positive weight"
        )


def _with_replacement(source: Generator, weights: Any, count: int) -> Any:
    kind = np.float32 if weights.dtype == np.float16 else weights.dtype
    rows = np.atleast_2d(weights)
    drawn = draws.unit_doubles(source, len(rows) * count).reshape(len(rows), count)
    out = np.empty((len(rows), count), np.int64)
    for row, found, u in zip(rows, out, drawn):
        cumulative = np.add.accumulate(row, dtype=kind)
        cumulative /= cumulative[-1]
        cumulative[-1] = 1.0
        found[:] = np.searchsorted(cumulative.astype(np.float64), u)
    return out[0] if weights.ndim == 1 else out


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Return a Poisson distributed count for each rate, in the dtype of the rates.

    Args:
        input: rates, not negative, any shape.
        generator: where the numbers come from; the default generator if None.

    >>> import chainrule as cr
    >>> cr.poisson(cr.zeros(2))
    tensor([0., 0.])
    """
    rates = input._array
    fills.require_floats("poisson", "poisson_cpu", rates.dtype)
    if not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    counts = draws.poisson(chosen(generator), rates.reshape(-1))
    return attach(np.array(counts, rates.dtype).reshape(rates.shape), None)
