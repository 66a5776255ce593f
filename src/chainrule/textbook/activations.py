"""Activation functions and their derivatives, written stably in plain NumPy.

Arrays are ``(N, n)``: one sample a row, so that a softmax runs over the last axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Activation:
    """An activation ``a = f(z)`` and how a gradient passes back through it.

    Give ``derivative`` for a function of each entry alone, ``vjp`` for one that mixes the entries
    of a sample, as softmax does; exactly one of the two.

    Attributes:
        name: what ``activations="name"`` selects and what messages print.
        f: ``z -> a``, shapes ``(N, n) -> (N, n)``.
        derivative: ``(z, a) -> f'(z)``, entry by entry, shape ``(N, n)``.
        vjp: ``(g, z, a) -> J(z)^T g`` with ``g = dL/da`` and the result ``dL/dz``, each ``(N, n)``.

    >>> import numpy as np
    >>> from chainrule import textbook
    >>> square = textbook.Activation("square", f=lambda z: z**2, derivative=lambda z, a: 2 * z)
    >>> textbook.forward([3.0], [np.eye(1)], activations=square).y_hat
    array([9.])
    """

    name: str
    f: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array] | None = None
    vjp: Callable[[Array, Array, Array], Array] | None = None

    def __post_init__(self) -> None:
        if (self.derivative is None) == (self.vjp is None):
            given = "neither" if self.derivative is None else "both"
            raise TypeError(
                f"activation {self.name!r}: expected either derivative= or vjp=, {given} given; "
                "derivative= is for functions of each entry alone, vjp= for all others"
            )

    def pull_back(self, g: Array, z: Array, a: Array) -> Array:
        """The chain rule through this activation: ``dL/dz`` from ``g = dL/da``, all ``(N, n)``."""
        if self.derivative is not None:
            return g * self.derivative(z, a)
        assert self.vjp is not None
        return self.vjp(g, z, a)


def sigmoid(z: Array) -> Array:
    """``1 / (1 + exp(-z))``; the exponential is of ``-|z|``, so it cannot overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def softplus(z: Array) -> Array:
    """``log(1 + exp(z))``, exact to rounding for large ``|z|`` of either sign."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def row_sum(rows: Array) -> Array:
    """The sum over the last axis, which is kept with length one."""
    total: Array = np.sum(rows, axis=-1, keepdims=True)
    return total


def _below_its_maximum(z: Array) -> Array:
    # Softmax is unchanged by a shift; this one keeps its exponentials at or below one. The
    # initial value admits layers without outputs.
    maximum: Array = np.max(z, axis=-1, keepdims=True, initial=-np.inf)
    return z - maximum


def log_softmax(z: Array) -> Array:
    """``z - log(sum(exp(z)))`` over the last axis, shifted by the maximum."""
    shifted = _below_its_maximum(z)
    return shifted - np.log(row_sum(np.exp(shifted)))


def softmax(z: Array) -> Array:
    """``exp(z) / sum(exp(z))`` over the last axis, shifted by the maximum."""
    e = np.exp(_below_its_maximum(z))
    return e / row_sum(e)


def _identity(z: Array) -> Array:
    return z


def _identity_derivative(z: Array, a: Array) -> Array:
    return np.ones_like(z)


def _relu(z: Array) -> Array:
    return np.maximum(z, 0)


def _relu_derivative(z: Array, a: Array) -> Array:
    return (z > 0).astype(z.dtype)


def _leaky_relu(z: Array, *, slope: float) -> Array:
    return np.where(z > 0, z, slope * z)


def _leaky_relu_derivative(z: Array, a: Array, *, slope: float) -> Array:
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(slope))


def _elu(z: Array, *, alpha: float) -> Array:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _elu_derivative(z: Array, a: Array, *, alpha: float) -> Array:
    return np.where(z > 0, z.dtype.type(1), alpha * np.exp(np.minimum(z, 0)))


def _sigmoid_derivative(z: Array, a: Array) -> Array:
    # 1 - a is computed as sigmoid(-z): for large z the subtraction would cancel to zero.
    return a * sigmoid(-z)


def _tanh_derivative(z: Array, a: Array) -> Array:
    # 1 - a^2 written as 1 / cosh(z)^2, which keeps its digits where a rounds to one.
    e: Array = np.exp(-np.abs(z))
    sech = 2 * e / (1 + e * e)
    return sech * sech


def _softplus_derivative(z: Array, a: Array) -> Array:
    return sigmoid(z)


def _silu(z: Array) -> Array:
    return z * sigmoid(z)


def _silu_derivative(z: Array, a: Array) -> Array:
    return sigmoid(z) * (1 + z * sigmoid(-z))


_erfc = np.frompyfunc(math.erfc, 1, 1)


def _normal_cdf(z: Array) -> Array:
    # NumPy has no error function. erfc keeps the digits of the lower tail, where 1 + erf cancels.
    return np.asarray(_erfc(-z / math.sqrt(2)) / 2, dtype=z.dtype)


def _without_overflow(z: Array) -> Array:
    # Beyond 40 both forms of GELU are flat to the last digit, while squares and cubes overflow.
    return np.clip(z, -40, 40)


def _gelu(z: Array) -> Array:
    return z * _normal_cdf(z)


def _gelu_derivative(z: Array, a: Array) -> Array:
    density: Array = np.exp(-(_without_overflow(z) ** 2) / 2) / math.sqrt(2 * math.pi)
    return _normal_cdf(z) + z * density


_GELU_CUBIC = 0.044715


def _gelu_tanh_argument(z: Array) -> Array:
    return 2 * math.sqrt(2 / math.pi) * (z + _GELU_CUBIC * z**3)


def _gelu_tanh(z: Array) -> Array:
    # (1 + tanh(v / 2)) / 2 is sigmoid(v), without the cancellation for negative v.
    return z * sigmoid(_gelu_tanh_argument(_without_overflow(z)))


def _gelu_tanh_derivative(z: Array, a: Array) -> Array:
    z = _without_overflow(z)
    v = _gelu_tanh_argument(z)
    dv: Array = 2 * math.sqrt(2 / math.pi) * (1 + 3 * _GELU_CUBIC * z**2)
    return sigmoid(v) * (1 + z * sigmoid(-v) * dv)


def _softmax_vjp(g: Array, z: Array, a: Array) -> Array:
    # The Jacobian diag(a) - a a^T, applied without being formed.
    return a * (g - row_sum(a * g))


def _log_softmax_vjp(g: Array, z: Array, a: Array) -> Array:
    return g - np.exp(a) * row_sum(g)


IDENTITY = Activation("identity", _identity, _identity_derivative)
RELU = Activation("relu", _relu, _relu_derivative)
SIGMOID = Activation("sigmoid", sigmoid, _sigmoid_derivative)
TANH = Activation("tanh", np.tanh, _tanh_derivative)
SOFTPLUS = Activation("softplus", softplus, _softplus_derivative)
SILU = Activation("silu", _silu, _silu_derivative)
GELU = Activation("gelu", _gelu, _gelu_derivative)
GELU_TANH = Activation("gelu_tanh", _gelu_tanh, _gelu_tanh_derivative)
SOFTMAX = Activation("softmax", softmax, vjp=_softmax_vjp)
LOG_SOFTMAX = Activation("log_softmax", log_softmax, vjp=_log_softmax_vjp)


def leaky_relu(slope: float = 0.01) -> Activation:
    """Leaky ReLU: ``z`` where ``z > 0``, ``slope * z`` elsewhere (Maas et al., 2013).

    >>> from chainrule import textbook
    >>> textbook.forward([-1.0], [[[1.0]]], activations=textbook.leaky_relu(0.2)).y_hat
    array([-0.2])
    """
    return Activation(
        "leaky_relu",
        partial(_leaky_relu, slope=slope),
        partial(_leaky_relu_derivative, slope=slope),
    )


def elu(alpha: float = 1.0) -> Activation:
    """ELU: ``z`` where ``z > 0``, ``alpha * (exp(z) - 1)`` elsewhere (Clevert et al., 2016).

    >>> from chainrule import textbook
    >>> textbook.forward([-1.0], [[[1.0]]], activations=textbook.elu(2.0)).y_hat.round(4)
    array([-1.2642])
    """
    return Activation("elu", partial(_elu, alpha=alpha), partial(_elu_derivative, alpha=alpha))


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        IDENTITY,
        RELU,
        leaky_relu(),
        elu(),
        SIGMOID,
        TANH,
        SOFTPLUS,
        SILU,
        GELU,
        GELU_TANH,
        SOFTMAX,
        LOG_SOFTMAX,
    )
}
"""The activations by name: what ``activations="name"`` may say."""
