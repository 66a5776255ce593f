"""Functions of complex numbers, on real ones, from their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "angle": lambda x: np.angle(x + 0.0),  # −0 counts as 0
}
