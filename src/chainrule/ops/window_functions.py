"""Window functions: weights that let a stretch of a signal begin and end softly.

Source: F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier
transform", Proceedings of the IEEE 66 (1978).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.creation import check_device
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "bartlett_window",
    "blackman_window",
    "hamming_window",
    "hann_window",
    "kaiser_window",
]


def _window(
    name: str,
    length: int,
    periodic: bool,
    weights: Callable[[Any], Any],
    dtype: Any,
    requires_grad: bool,
    device: Any,
) -> Tensor:
    """Return a window from its weights as a function of the place, from 0 to 1."""
    check_device(device)
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    if kind.kind != "f":
        raise RuntimeError(f"{name} expects floating point dtypes, got: {kind}")
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )
    # A periodic window is the longer symmetric one without its last weight.
    last = length if periodic else length - 1
    values = np.ones(length) if length <= 1 else weights(np.arange(length) / last)
    tensor = attach(values.astype(kind), None)
    return tensor.requires_grad_() if requires_grad else tensor


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return the Hann window sin²(π t), t from 0 to 1.

    Args:
        window_length: how many weights.
        periodic: for use with Fourier transforms: the weights of one period; False: symmetric.
        dtype: the dtype, the default one if None.
        requires_grad: record what is computed from it.
        device: only ``"cpu"``.

    >>> import chainrule as cr
    >>> cr.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    weights = lambda t: np.sin(np.pi * t) ** 2
    return _window("hann_window", window_length, periodic, weights, dtype, requires_grad, device)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return the Hamming window α − β cos(2π t), t from 0 to 1; arguments as `hann_window`'s.

    >>> import chainrule as cr
    >>> cr.hamming_window(3, periodic=False)
    tensor([0.0800, 1.0000, 0.0800])
    """
    weights = lambda t: alpha - beta * np.cos(2 * np.pi * t)
    return _window("hamming_window", window_length, periodic, weights, dtype, requires_grad, device)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return the Bartlett window 1 − |2t − 1|, t from 0 to 1; arguments as `hann_window`'s.

    >>> import chainrule as cr
    >>> cr.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    weights = lambda t: 1 - np.abs(2 * t - 1)
    return _window(
        "bartlett_window", window_length, periodic, weights, dtype, requires_grad, device
    )


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return the Blackman window 0.42 − 0.5 cos(2π t) + 0.08 cos(4π t); as `hann_window`.

    >>> import chainrule as cr
    >>> cr.blackman_window(5, periodic=False)[1:4]
    tensor([0.3400, 1.0000, 0.3400])
    """
    weights = lambda t: 0.42 - 0.5 * np.cos(2 * np.pi * t) + 0.08 * np.cos(4 * np.pi * t)
    return _window(
        "blackman_window", window_length, periodic, weights, dtype, requires_grad, device
    )


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return the Kaiser window I₀(β √(1 − (2t − 1)²)) / I₀(β); arguments as `hann_window`'s.

    >>> import chainrule as cr
    >>> cr.kaiser_window(3, periodic=False, beta=0.0)
    tensor([1., 1., 1.])
    """
    weights = lambda t: np.i0(beta * np.sqrt(np.maximum(0, 1 - (2 * t - 1) ** 2))) / np.i0(beta)
    return _window("kaiser_window", window_length, periodic, weights, dtype, requires_grad, device)
