"""How far a claimed gradient is from the right one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.diagnosis.recording import Array, Recording

RIGHT = frozenset(("exact", "equal", "close"))


@dataclass(frozen=True)
class Measure:
    """The verdict on one claim.

    Attributes:
        verdict: exact, equal (within rounding), close, wrong, wrong shape, not finite or missing.
        absolute: the largest absolute error; None where arrays cannot be compared.
        relative: that, relative to the largest entry of the right gradient.
        ulps: that, in units in the last place of the largest entry.
        worst: the index of the worst entry.
        claimed: the claimed value there.
        right: the right value there.
    """

    verdict: str
    absolute: float | None = None
    relative: float | None = None
    ulps: float | None = None
    worst: tuple[int, ...] | None = None
    claimed: float | None = None
    right: float | None = None


def precision_of(dtype: Any) -> float:
    """Return the relative error that rounding explains in a gradient of a dtype."""
    kind = np.dtype(dtype)
    if kind == np.float16:
        return 5e-3
    if kind == np.float32:
        return 1e-4
    return 5e-10


def measure(
    recording: Recording,
    node: Node,
    native: Array,
    claim: Array | None,
    rtol: float | None,
    atol: float | None,
    rounding: float = 0.0,
) -> Measure:
    """Compare a claim with the right gradient.

    Args:
        recording: the graph.
        node: what the claim is the gradient of.
        native: the gradient in the graph's own precision.
        claim: the claimed gradient.
        rtol: with ``atol``, what counts as equal, entry by entry; what rounding explains if None.
        atol: see ``rtol``.
        rounding: the error that rounding made in the right gradient itself.
    """
    if claim is None:
        return Measure("missing")
    right = np.asarray(recording.gradients.get(node, np.zeros(node.shape or ())), np.float64)
    if claim.shape != right.shape:
        if not _same_but_ones(claim.shape, right.shape):
            return Measure("wrong shape")
        claim = claim.reshape(right.shape)
    given = claim.astype(np.float64)
    if not np.all(np.isfinite(given)) and np.all(np.isfinite(right)):
        at = np.unravel_index(int(np.argmin(np.isfinite(given))), given.shape)
        index = tuple(int(i) for i in at)
        return Measure(
            "not finite", worst=index, claimed=float(given[index]), right=float(right[index])
        )
    if not right.size:
        return Measure("exact", 0.0, 0.0, 0.0)
    error = np.asarray(np.abs(given - right))
    error[np.isnan(given) & np.isnan(right)] = 0
    error[given == right] = 0
    at = np.unravel_index(int(np.argmax(error)), error.shape)
    index = tuple(int(i) for i in at)
    largest = float(np.max(np.abs(right), where=np.isfinite(right), initial=0))
    absolute = float(error[index])
    relative = absolute / largest if largest else (0.0 if absolute == 0 else float("inf"))
    unit = float(np.spacing(native.dtype.type(largest or np.finfo(native.dtype).tiny)))
    verdict = _verdict(
        recording, node, native, claim, given, right, absolute, largest, rtol, atol, rounding
    )
    return Measure(
        verdict,
        absolute,
        relative,
        absolute / unit,
        index,
        float(given[index]),
        float(right[index]),
    )


def _same_but_ones(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return tuple(n for n in a if n != 1) == tuple(n for n in b if n != 1)


def _verdict(
    recording: Recording,
    node: Node,
    native: Array,
    claim: Array,
    given: Array,
    right: Array,
    absolute: float,
    largest: float,
    rtol: float | None,
    atol: float | None,
    rounding: float,
) -> str:
    if np.array_equal(claim.astype(native.dtype), native, equal_nan=True):
        return "exact"
    if rtol is not None or atol is not None:
        near = np.allclose(given, right, rtol=rtol or 0.0, atol=atol or 0.0, equal_nan=True)
        return "equal" if near else "wrong"
    precision = precision_of(recording.dtype)
    if claim.dtype.kind == "f":
        precision = max(precision, precision_of(claim.dtype))
    noise = _cancelled(recording, node, precision) + 4 * rounding
    if absolute <= precision * largest + noise:
        return "equal"
    return "close" if absolute <= 1e-3 * largest else "wrong"


def _cancelled(recording: Recording, node: Node, precision: float) -> float:
    """Return what rounding leaves of terms that cancel: a bias in front of a normalisation."""
    size = 0.0
    for consumer, k in recording.consumers[node]:
        g = recording.gradients.get(consumer)
        if not isinstance(g, np.ndarray):
            continue
        inputs = [v for i, v in enumerate(recording.inputs(consumer)) if i != k]
        factor = max(
            (float(np.max(np.abs(v), initial=0)) for v in inputs if _is_number(v)), default=1.0
        )
        size = max(size, float(np.sum(np.abs(g))) * max(1.0, factor))
    return 1e-3 * precision * size


def _is_number(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f" and bool(np.all(np.isfinite(value)))
