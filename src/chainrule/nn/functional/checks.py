"""What the functions here have in common in refusing bad arguments."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.dtypes import torch_name as torch_name

# The bits of a float that is neither negative nor NaN grow with its value.
_UNIT = {
    np.dtype(kind): (np.dtype(bits), int(np.ones((), kind).view(bits)))
    for kind, bits in (("float16", "uint16"), ("float32", "uint32"), ("float64", "uint64"))
}


def largest(array: ndarray[Any, Any]) -> Any:
    """Return the largest element; on a small array this costs half of what ``array.max()`` does.

    >>> largest(np.array([[1, 3], [2, 0]]))
    3
    """
    return array.item(array.argmax())


def within_unit_interval(array: ndarray[Any, Any]) -> bool:
    """Tell whether all values are between 0 and 1; NaN is not.

    >>> within_unit_interval(np.array([0.0, 1.0])), within_unit_interval(np.array([np.nan]))
    (True, False)
    """
    known = _UNIT.get(array.dtype)
    if known is not None and array.size:
        kind, one = known
        if largest(array.view(kind)) <= one:
            return True
    return bool(((array >= 0) & (array <= 1)).all())


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction that PyTorch's old arguments mean, with its warning."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        meant = "none"
    elif size_average is False:
        meant = "sum"
    else:
        meant = "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{meant}' instead.",
        stacklevel=3,
    )
    return meant


def check_reduction(reduction: str) -> None:
    """Refuse anything but ``"mean"``, ``"sum"`` and ``"none"``."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{reduction} is not a valid value for reduction: use 'mean', 'sum' or 'none'"
        )
