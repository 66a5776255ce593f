"""Numbers in ranges: evenly spaced, and powers that are."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.creation import _made, check_device

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "arange",
    "linspace",
    "logspace",
    "range",
]


def _numbers(name: str, *values: Any) -> list[Any]:
    """Return numbers, 0-d tensors as the number they hold."""
    for word, value in zip(("start", "end"), values, strict=False):
        dims = getattr(getattr(value, "_array", value), "ndim", 0)
        if dims:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got {word} with "
                f"{dims} dimension(s)."
            )
    return [value.item() if hasattr(value, "item") else value for value in values]


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return numbers from ``start`` (0 if left out) up to, not including, ``end``.

    >>> import chainrule as cr
    >>> cr.arange(1, 4)
    tensor([1, 2, 3])
    """
    check_device(device)
    if end is None:
        start, end = 0, start
    start, end, step = _numbers("arange", start, end, step)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: {start}, {end}, {step}"
        )
    if dtype is None:
        floating = any(isinstance(v, float) for v in (start, end, step))
        dtype = dtypes.get_default_dtype() if floating else dtypes.int64
    count = int(np.ceil((end - start) / step))
    values = start + step * np.arange(count)
    return _made(values.astype(dtypes.as_dtype(dtype)), requires_grad)


def range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return numbers from ``start`` up to ``end``, which is included: PyTorch's older `arange`.

    The default dtype is that of Python floats, also for integers.

    >>> import chainrule as cr
    >>> cr.range(1, 3)
    tensor([1., 2., 3.])
    """
    check_device(device)
    if end is None:
        start, end = 0, start
    start, end, step = _numbers("range", start, end, step)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: {start}, {end}, {step}"
        )
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    count = int(np.floor((end - start) / step)) + 1
    return _made((start + step * np.arange(count)).astype(kind), requires_grad)


def _evenly_spaced(name: str, start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """Return evenly spaced numbers, computed in the dtype from both ends towards the middle.

    PyTorch does it so: the distances to both ends are exact, and the numbers its own.
    """
    first, last = _numbers(name, start, end)
    count = operator.index(steps)
    if count < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {count} ({name})")
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    precise = np.dtype(np.float32) if kind is dtypes.float16 else kind
    if kind.kind != "f":
        first, last, precise = int(first), int(last), dtypes.float64
    if count <= 1:
        return np.full(count, first, precise)
    begin, finish = precise.type(first), precise.type(last)
    step = (finish - begin) / precise.type(count - 1)
    k = np.arange(count, dtype=precise)
    values = begin + step * k
    half = count // 2
    values[half:] = finish - step * (precise.type(count - 1) - k[half:])
    return values


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return ``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    >>> import chainrule as cr
    >>> cr.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_device(device)
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    values = _evenly_spaced("linspace", start, end, steps, kind)
    return _made(values.astype(kind, copy=False), requires_grad)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return ``steps`` powers of a base whose exponents are evenly spaced, both ends included.

    >>> import chainrule as cr
    >>> cr.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    check_device(device)
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    exponents = _evenly_spaced("logspace", start, end, steps, kind).astype(np.float64)
    return _made(np.power(float(base), exponents).astype(kind), requires_grad)
