"""Losses of classification: of logits or log-probabilities, with class indices or probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.nn.functional.checks import check_reduction, largest, reduction_of, torch_name
from chainrule.nn.functional.loss import reduced
from chainrule.ops.arithmetic import neg
from chainrule.ops.comparison import masked_fill
from chainrule.ops.exponential import log_softmax_along
from chainrule.ops.indexing import taken_along
from chainrule.ops.losses import cross_entropy_of_rows
from chainrule.primitive import attach

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.tensor import Tensor

__all__ = [
    "cross_entropy",
    "nll_loss",
]

Array = ndarray[Any, Any]
_int64, _uint64 = np.dtype("int64"), np.dtype("uint64")


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross-entropy between softmax(input) and the target, its mean by default.

    Args:
        input: logits of shape (N, C), (C) for one sample, or (N, C, d₁, …).
        target: class indices (int64) of shape (N), (), or (N, d₁, …); or probabilities of the
            input's shape.
        weight: a factor per class, of shape (C). The mean over class indices is then divided by
            the sum of the targets' factors.
        size_average: old form of ``reduction``.
        ignore_index: the index of targets that count nothing.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: between 0 and 1: how much of the target's probability is spread evenly
            over all classes (Szegedy et al., "Rethinking the Inception architecture", 2015).

    Raises:
        ValueError: if the batch sizes differ.
        IndexError: if a class index is outside 0 … C − 1.
        RuntimeError: if shapes or dtypes do not fit otherwise.

    >>> import chainrule as cr
    >>> logits = cr.tensor([[2.0, 0.0], [0.0, 0.0]])
    >>> cr.nn.functional.cross_entropy(logits, cr.tensor([0, 1]))
    tensor(0.4100)
    """
    z, t = input._array, target._array
    shape = z.shape
    if (
        weight is None
        and not label_smoothing
        and t.dtype is _int64
        and len(shape) == 2
        and t.shape == shape[:1]
        and shape[0]
        and z.dtype.kind == "f"
        and size_average is None
        and reduce is None
        # A negative index is a huge unsigned one, so this refuses both ends.
        and largest(t.view(_uint64)) < shape[1]
        and (ignore_index < 0 or ignore_index not in t)
    ):
        if reduction == "mean":
            return cross_entropy_of_rows(input, t, len(t))
        check_reduction(reduction)
        return cross_entropy_of_rows(input, t, 1 if reduction == "sum" else 0)
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    check_reduction(reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if z.dtype.kind != "f":
        raise NotImplementedError(
            f"\"log_softmax\" not implemented for '{torch_name(z.dtype)}': cross_entropy needs "
            f"floating-point logits, got dtype {z.dtype}; convert them with .float()"
        )
    if shape == t.shape:
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)

    def terms(rows: Tensor, index: Array, class_weight: Tensor | None) -> Tensor:
        loss = cross_entropy_of_rows(rows, index, 0)
        if class_weight is not None:
            loss = loss * class_weight[index]
        if not label_smoothing:
            return loss
        logs = log_softmax_along(rows, 1)
        spread = neg((logs if class_weight is None else logs * class_weight).sum(1))
        share = label_smoothing / rows._array.shape[1]
        smoothed: Tensor = loss * (1 - label_smoothing) + spread * share
        return smoothed

    return _of_indices("cross_entropy", terms, input, target, weight, ignore_index, reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of the target classes, its mean by default.

    Args:
        input: log-probabilities of shape (N, C), (C) for one sample, or (N, C, d₁, …).
        target: class indices (int64) of shape (N), (), or (N, d₁, …).
        weight: a factor per class, of shape (C). The mean is then divided by the sum of the
            targets' factors.
        size_average: old form of ``reduction``.
        ignore_index: the index of targets that count nothing.
        reduce: old form of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if the batch sizes differ.
        IndexError: if a class index is outside 0 … C − 1.
        RuntimeError: if shapes or dtypes do not fit otherwise.

    >>> import chainrule as cr
    >>> logs = cr.log_softmax(cr.zeros(1, 2), dim=1)
    >>> cr.nn.functional.nll_loss(logs, cr.tensor([0]))
    tensor(0.6931)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    check_reduction(reduction)

    def terms(rows: Tensor, index: Array, class_weight: Tensor | None) -> Tensor:
        picked = neg(taken_along(rows, index[:, None], 1).reshape(-1))
        return picked if class_weight is None else picked * class_weight[index]

    return _of_indices("nll_loss", terms, input, target, weight, ignore_index, reduction)


def _of_indices(
    name: str,
    terms: Callable[[Tensor, Array, Tensor | None], Tensor],
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
) -> Tensor:
    """Return a loss given by its terms: one for each row of scores and its class index."""
    _check_shapes(name, input, target)
    classes = input._array.shape[0 if input._array.ndim == 1 else 1]
    _check_weight(name, weight, classes, input)
    rows = _as_rows(input, classes)
    index = np.asarray(target._array, _int64).reshape(-1)
    ignored = index == ignore_index
    some_ignored = bool(ignored.any())
    if some_ignored:
        index = np.where(ignored, 0, index)
    wrong = index[(index < 0) | (index >= classes)]
    if wrong.size:
        raise IndexError(
            f"Target {wrong[0]} is out of bounds. {name} got scores of {classes} classes, so class "
            f"indices go from 0 to {classes - 1}"
        )
    loss = terms(rows, index, weight)
    if some_ignored:
        loss = masked_fill(loss, attach(ignored, None), 0.0)
    if reduction == "none":
        shape = input._array.shape
        return loss.reshape((shape[:1] + shape[2:]) if len(shape) > 1 else ())
    if reduction == "sum":
        return loss.sum()
    if weight is None:
        count = int(index.size - np.count_nonzero(ignored))
        return loss.sum() / count if count else loss.sum() * float("nan")
    factors = weight[index]
    if some_ignored:
        factors = masked_fill(factors, attach(ignored, None), 0.0)
    return loss.sum() / factors.sum()


def _check_shapes(name: str, input: Tensor, target: Tensor) -> None:
    z, t = input._array.shape, target._array.shape
    got = f"{name} got scores of shape {list(z)} and targets of shape {list(t)}"
    if not z:
        raise ValueError(f"Expected 1 or more dimensions (got 0): {got}")
    if len(z) == 1:
        if len(t) > 1:
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported: {got}"
            )
        if t not in ((), (1,)):
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {t[0]}. {got}; "
                "a batch needs scores of shape (N, C)"
            )
    else:
        if z[0] != (t[0] if t else 0):
            raise ValueError(
                f"Expected input batch_size ({z[0]}) to match target batch_size "
                f"({t[0] if t else 0}): {got}"
            )
        if len(z) == 2 and len(t) != 1:
            hint = "; squeeze the targets to one dimension" if t[1:] == (1,) else ""
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported: {got}{hint}"
            )
        if len(z) > 2 and t != z[:1] + z[2:]:
            raise RuntimeError(f"Expected target size {list(z[:1] + z[2:])}, got {list(t)}: {got}")
    dtype = target._array.dtype
    if dtype not in (_int64, np.dtype("uint8")):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {torch_name(dtype)}: {name} takes "
            f"class indices of dtype int64 in the shape {list(z[:1] + z[2:]) if len(z) > 1 else []}"
            f", got dtype {dtype}; convert them with .long()"
            + (", or give probabilities in the shape of the scores" if dtype.kind == "f" else "")
        )


def _check_weight(name: str, weight: Tensor | None, classes: int, input: Tensor) -> None:
    if weight is None:
        return
    if weight._array.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but "
            f"got weight tensor of shape: {list(weight.shape)}"
        )
    if weight._array.dtype is not input._array.dtype:
        raise RuntimeError(
            f"expected scalar type {torch_name(input._array.dtype)} but found "
            f"{torch_name(weight._array.dtype)}: the weight of {name} must have the dtype of the "
            f"scores, {input._array.dtype}; convert it with .to(cr.{input._array.dtype})"
        )


def _as_rows(input: Tensor, classes: int) -> Tensor:
    """Return scores of any layout with a row for each sample."""
    n = input._array.ndim
    if n == 1:
        return input.reshape(1, classes)
    if n == 2:
        return input
    rows = input.permute(0, *range(2, n), 1)
    return rows.reshape(rows._array.size // classes if classes else 0, classes)


def _of_probabilities(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    if target._array.dtype.kind != "f":
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{torch_name(target._array.dtype)}: cross_entropy got a target of the scores' shape "
            f"{list(input.shape)}. Class indices have one dimension less; probabilities are floats"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    if not input._array.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0): cross_entropy needs classes")
    dim = 0 if input._array.ndim == 1 else 1
    classes = input._array.shape[dim]
    _check_weight("cross_entropy", weight, classes, input)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = log_softmax_along(input, dim) * target
    if weight is not None:
        terms = terms * weight.reshape(classes, *[1] * (input._array.ndim - dim - 1))
    return reduced(neg(terms.sum(dim)), reduction)
