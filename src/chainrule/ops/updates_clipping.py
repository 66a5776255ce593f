"""Gradients kept within bounds, in place: the norm of many arrays, and clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.ops.updates import Array


def norm(a: Array, order: float) -> Any:
    """Return the norm (Σ |x|ᵖ)^(1/p) of all elements, a scalar of their dtype.

    >>> float(norm(np.array([3.0, -4.0]), 2.0)), float(norm(np.array([3.0, -4.0]), math.inf))
    (5.0, 4.0)
    """
    flat = a.ravel(order="K")
    dtype = flat.dtype.type
    if dtype is np.float16:
        # Its squares leave the range of half precision soon.
        flat = flat.astype(np.float32)
    if order == 2:
        return dtype(math.sqrt(np.dot(flat, flat)))
    if order == math.inf:
        return dtype(np.maximum.reduce(np.absolute(flat), initial=0))
    if order == -math.inf:
        return dtype(np.minimum.reduce(np.absolute(flat)))
    if order == 0:
        return dtype(np.count_nonzero(flat))
    if order == 1:
        return dtype(np.add.reduce(np.absolute(flat)))
    return dtype(np.add.reduce(np.absolute(flat) ** order) ** (1 / order))


def total_norm(arrays: Sequence[Array], order: float) -> Array:
    """Return the norm of all elements of several arrays, 0-d: the norm of their norms.

    >>> total_norm([np.array([3.0]), np.array([[4.0]])], 2.0)
    array(5.)
    """
    norms = [norm(a, order) for a in arrays]
    return np.asarray(norm(np.array(norms), order))


def scale_down(arrays: Iterable[Array], largest: float, total: Array) -> bool:
    """Scale arrays in place so that their norm is at most ``largest``; return whether it did.

    >>> a = np.array([3.0, 4.0])
    >>> scale_down([a], 1.0, np.array(5.0))
    True
    >>> a.round(4)
    array([0.6, 0.8])
    """
    factor = np.minimum(largest / (total + total.dtype.type(1e-6)), total.dtype.type(1))
    if factor == 1:
        return False
    for a in arrays:
        np.multiply(a, factor.astype(a.dtype), a)
    return True


def clip(arrays: Iterable[Array], largest: float) -> None:
    """Bring all elements between −c and c, in place; NaN stays.

    >>> a = np.array([-3.0, 0.5])
    >>> clip([a], 1.0)
    >>> a
    array([-1. ,  0.5])
    """
    for a in arrays:
        np.maximum(a, a.dtype.type(-largest), out=a)
        np.minimum(a, a.dtype.type(largest), out=a)
