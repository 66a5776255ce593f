"""SciPy's special functions as forward functions, imported when one is first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def from_scipy(name: str) -> Callable[..., Any]:
    """Return a function of `scipy.special` that keeps the dtype of its first array.

    Args:
        name: the function's name there.
    """
    function: Callable[..., Any] | None = None

    def forward(*operands: Any) -> Any:
        nonlocal function
        if function is None:
            from scipy import special

            function = getattr(special, name)
        y = function(*operands)
        # SciPy has no float16: it computes in float32.
        for operand in operands:
            if isinstance(operand, np.ndarray):
                return y if y.dtype == operand.dtype else y.astype(operand.dtype)
        return y

    return forward
