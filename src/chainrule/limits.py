"""The limits of floating-point and integer types: PyTorch's `finfo` and `iinfo`."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import dtypes

__all__ = ["finfo", "iinfo"]


def _given(name: str, type: Any) -> dtypes.DType:
    if not isinstance(type, np.dtype):
        raise TypeError(
            f"{name}(): argument 'type' (position 1) must be a dtype such as cr.float32, not "
            f"{type!r}"
        )
    return dtypes.as_dtype(type)


class finfo:
    """The limits of a floating-point type, the default dtype if none is given.

    Attributes:
        bits: the size of a number.
        eps: the distance from 1 to the next larger number.
        max: the largest number.
        min: the smallest (most negative) number.
        tiny, smallest_normal: the smallest positive normal number.
        resolution: the decimal resolution.
        dtype: the type's name.

    >>> import chainrule as cr
    >>> cr.finfo(cr.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        dtype = dtypes.get_default_dtype() if type is None else _given("finfo", type)
        if dtype.kind != "f":
            raise TypeError(
                f"finfo() requires a floating point input type, got {dtype}; use cr.iinfo for "
                "integers"
            )
        limits = np.finfo(dtype)
        self.bits = limits.bits
        self.eps = float(limits.eps)
        self.max = float(limits.max)
        self.min = float(limits.min)
        self.tiny = self.smallest_normal = float(limits.smallest_normal)
        self.resolution = 10.0**-limits.precision
        self.dtype = dtype.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer type.

    Attributes:
        bits: the size of a number.
        max: the largest number.
        min: the smallest number.
        dtype: the type's name.

    >>> import chainrule as cr
    >>> cr.iinfo(cr.int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    def __init__(self, type: Any) -> None:
        dtype = _given("iinfo", type)
        if dtype.kind not in "iu":
            raise TypeError(
                f"iinfo() requires an integer input type, got {dtype}; use cr.finfo for floats"
            )
        limits = np.iinfo(dtype)
        self.bits = limits.bits
        self.max = int(limits.max)
        self.min = int(limits.min)
        self.dtype = dtype.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
