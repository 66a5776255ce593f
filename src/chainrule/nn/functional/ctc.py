"""Connectionist temporal classification as a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.nn.functional.checks import check_reduction
from chainrule.ops.comparison import filled_where
from chainrule.ops.ctc import Labels, ctc_losses, extended
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "ctc_loss",
]

Array = ndarray[Any, Any]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return minus log of the probability of label sequences whose places in time are not known.

    Args:
        log_probs: log-probabilities of the classes at each step, (T, N, C) or (T, C).
        targets: labels (integers, not blank): (N, S), or those of all samples one after another.
        input_lengths: how many steps each sample has, (N) or ().
        target_lengths: how many labels each sample has, (N) or ().
        blank: the class that stands for no label.
        reduction: ``"none"``, ``"sum"``, or ``"mean"``: the mean over the samples of the loss
            divided by the target's length.
        zero_infinity: count a target too long for its sample as 0, and not as ∞.

    The gradient is that of the recursions, minus the share of the paths in each class. PyTorch adds
    exp(log_probs) to it, which what comes before, a log-softmax, takes away again: behind one both
    give the same gradient. There is no second derivative, as in PyTorch.

    Raises:
        RuntimeError: for lengths, labels or dtypes that do not fit.

    Source: Graves et al., "Connectionist temporal classification", 2006.

    >>> import chainrule as cr
    >>> x = cr.log_softmax(cr.zeros(2, 1, 2), 2)
    >>> F = cr.nn.functional
    >>> F.ctc_loss(x, cr.tensor([[1]]), cr.tensor([2]), cr.tensor([1]), reduction="sum")
    tensor(0.2877)
    """
    check_reduction(reduction)
    batched = log_probs._array.ndim == 3
    if not batched:
        log_probs = log_probs.unsqueeze(1)
    x = log_probs._array
    steps, sizes = (_lengths(v, x.shape[1]) for v in (input_lengths, target_lengths))
    labels = _labels(x, targets._array, steps, sizes, blank)
    losses = ctc_losses(log_probs, labels)
    if zero_infinity:
        losses = filled_where(losses, attach(np.isinf(losses._array), None), 0.0)
    if reduction == "mean":
        return (losses / attach(np.maximum(sizes, 1).astype(x.dtype), None)).mean()
    if reduction == "sum":
        return losses.sum()
    return losses if batched else losses.squeeze(0)


def _lengths(given: Any, n: int) -> Array:
    lengths = np.asarray(getattr(given, "_array", given)).reshape(-1)
    if lengths.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: lengths must be integral, got {lengths.dtype}")
    if len(lengths) != n:
        raise RuntimeError(
            f"ctc_loss: input_lengths and target_lengths must be of size batch_size: got "
            f"{len(lengths)} lengths for {n} samples"
        )
    return lengths.astype(np.int64)


def _labels(x: Array, targets: Array, steps: Array, sizes: Array, blank: int) -> Labels:
    time, n, classes = x.shape
    if x.dtype.kind != "f":
        raise RuntimeError(f"ctc_loss needs log-probabilities, got {x.dtype}; apply log_softmax")
    if targets.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: targets must be integral, got {targets.dtype}")
    if not 0 <= blank < classes:
        raise RuntimeError(
            f"blank must be in label range: ctc_loss got blank={blank} for {classes} classes"
        )
    if steps.size and (steps.max() > time or steps.min() < 0):
        raise RuntimeError(
            f"Expected input_lengths to have value at most {time}, but got value {steps.max()} "
            "(ctc_loss; the log-probabilities have as many steps)"
        )
    if sizes.size and sizes.min() < 0:
        raise RuntimeError("Expected target_lengths to be non-negative (ctc_loss)")
    widest = int(sizes.max()) if sizes.size else 0
    rows = np.full((n, widest), blank)
    if targets.ndim == 1 and not (n == 1 and targets.size == sizes[0]):
        if targets.size != sizes.sum():
            raise RuntimeError(
                f"Expected targets of {sizes.sum()} labels, the sum of target_lengths, got "
                f"{targets.size} (ctc_loss)"
            )
        ends = np.cumsum(sizes)
        for k, (end, size) in enumerate(zip(ends, sizes, strict=True)):
            rows[k, :size] = targets[end - size : end]
    else:
        table = targets.reshape(n, -1)
        if table.shape[1] < widest:
            raise RuntimeError(
                f"Expected tensor to have size at least {widest} at dimension 1, but got size "
                f"{table.shape[1]} (targets of ctc_loss)"
            )
        counted = np.arange(widest) < sizes[:, None]
        rows = np.where(counted, table[:, :widest], blank)
    if rows.size and (rows.min() < 0 or rows.max() >= classes):
        raise RuntimeError(
            f"ctc_loss: labels go from 0 to {classes - 1}, got {rows.min()} to {rows.max()}"
        )
    return extended(rows, sizes, steps, blank)
