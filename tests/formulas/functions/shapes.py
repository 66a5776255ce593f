"""The functions that rearrange, cut, assemble and place elements."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

Dims = tuple[int, ...]


def _split(x: Any, bounds: tuple[int, ...], dims: Dims) -> tuple[Any, ...]:
    return tuple(np.take(x, range(a, b), dims[0]) for a, b in pairwise(bounds))


def _block_diag(*xs: Any) -> Any:
    out = np.zeros((0, 0))
    for x in xs:
        right = np.zeros((out.shape[0], x.shape[1]))
        below = np.zeros((x.shape[0], out.shape[1]))
        out = np.block([[out, right], [below, x]])
    return out


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "block_diag": _block_diag,
}
ALONG: dict[str, Callable[..., Any]] = {
    "split": _split,
    "unbind": lambda x, count, dims: tuple(np.moveaxis(x, dims[0], 0)),
}
