"""float16 computed in float32 and rounded once, as PyTorch computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def in_single_precision(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward function that computes float16 arrays in float32.

    Without it each step of a formula would round to eleven bits.
    """

    def computed(x: Any, *rest: Any) -> Any:
        if getattr(x, "dtype", None) != np.float16:
            return forward(x, *rest)
        wide = (
            v.astype(np.float32) if getattr(v, "dtype", None) == np.float16 else v
            for v in (x, *rest)
        )
        return np.asarray(forward(*wide)).astype(np.float16)

    return computed
