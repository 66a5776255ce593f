"""Activations with a derivative of their own, element by element.

A smooth activation works out its slope together with its value: they share their exponentials, and
the backward pass is then one product. Large arrays go through in blocks that stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.operation import Operation, define
from chainrule.ops.arithmetic import clamp_max
from chainrule.ops.comparison import filled_where, select_where
from chainrule.ops.exponential import exp, logistic, sigmoid, tanh
from chainrule.ops.normal_distribution import cumulative_and_kernel
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = ndarray[Any, Any]

# A block of float32 with half a dozen intermediate results fits into a second-level cache.
_BLOCK = 1 << 15


def _refuse_integers(name: str, x: Array) -> None:
    if x.dtype.kind != "f":
        raise NotImplementedError(
            f"{name} is not implemented for {x.dtype}: it needs floats; convert with .float()"
        )


def smooth(
    name: str,
    compute: Callable[..., tuple[Array, Array]],
    slope: Callable[..., Any],
    *,
    params: tuple[str, ...] = (),
    notation: Notation | None = None,
    doc: str,
) -> Operation:
    """Define a smooth activation.

    Args:
        name: the operation's name.
        compute: returns the values and the slopes at an array of float32 or float64.
        slope: the derivative as a rule on tensors and symbols.
        params: the static parameters' names.
        notation: how a call is printed.
        doc: the docstring of the operation.
    """

    def forward(x: Array, *given: Any) -> tuple[Array, Array]:
        if x.dtype == np.float16:
            wide = forward(x.astype(np.float32), *given)
            return wide[0].astype(x.dtype), wide[1].astype(x.dtype)
        _refuse_integers(name, x)
        if x.size <= _BLOCK or not x.flags.c_contiguous:
            return compute(x, *given)
        y, d = np.empty_like(x), np.empty_like(x)
        xs, ys, ds = x.reshape(-1), y.reshape(-1), d.reshape(-1)
        for k in range(0, x.size, _BLOCK):
            block = slice(k, k + _BLOCK)
            ys[block], ds[block] = compute(xs[block], *given)
        return y, d

    return define(
        name,
        forward,
        params=params,
        x=lambda g, slope: g * slope,
        extras={"slope": slope},
        notation=notation,
        doc=doc,
    )


_INTEGERS = {np.dtype("f4"): np.dtype("i4"), np.dtype("f8"): np.dtype("i8")}


def chosen(condition: Any, a: float, b: float, dtype: np.dtype[Any]) -> Any:
    """Return a where a condition holds and b elsewhere, by their bits.

    Where the condition is as good as random, `np.where` waits for mispredicted branches.
    """
    if not condition.ndim:
        return dtype.type(a if condition else b)
    integer: Any = _INTEGERS[dtype]
    first, second = (np.array(v, dtype).view(integer) for v in (a, b))
    bits: Any = np.negative(condition.view(np.int8), dtype=integer)
    bits &= first ^ second
    bits ^= second
    return bits.view(dtype)


def zero_where(values: Any, condition: Any) -> Any:
    """Return values with 0 where a condition holds."""
    return filled_where.primitive.forward(values, condition, 0.0)  # type: ignore[attr-defined]


def _silu(x: Any) -> tuple[Any, Any]:
    s = logistic(x)
    y = x * s
    slope = 1 - s
    slope *= y
    slope += s
    return y, slope


silu: Operation = smooth(
    "silu",
    _silu,
    lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    doc="""Sigmoid-weighted linear unit (swish), x σ(x).

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", 2018.
    """,
)


def _mish(x: Any) -> tuple[Any, Any]:
    # With n = exp(x) and m = n (n + 2), tanh(log(1 + n)) is m / (m + 2): no logarithm, and for
    # large n it is 1 to the last bit long before n² overflows.
    n = np.exp(np.minimum(x, 30))
    m = n * (n + 2)
    q = np.reciprocal(m + 2)
    m *= q
    slope = n * q
    n += 1
    n *= q
    slope *= n
    slope *= 4
    slope *= x
    slope += m
    m *= x
    return m, slope


def _mish_slope(x: Any) -> Any:
    t = tanh(softplus(x, 1.0, 20.0))
    return t + x * sigmoid(x) * (1 - t**2)


mish: Operation = smooth(
    "mish",
    _mish,
    _mish_slope,
    doc="""Mish, x tanh(softplus(x)).

    Source: Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """,
)


def _softplus(x: Any, beta: float, threshold: float) -> tuple[Any, Any]:
    scaled = x * x.dtype.type(beta)
    linear = scaled > threshold
    slope = np.exp(np.minimum(scaled, threshold))
    y = np.log1p(slope)
    y /= x.dtype.type(beta)
    slope /= slope + 1
    if linear.any():
        y, slope = np.where(linear, x, y), np.where(linear, x.dtype.type(1), slope)
    return y, slope


def _called(style: Style, name: str, inner: str) -> tuple[str, int]:
    return f"{style.function(name)}{style.parentheses(inner)}", LEVELS["atom"]


def _write_softplus(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    options = "".join(
        f", {style.option(name, o[name])}"
        for name, usual in (("beta", 1), ("threshold", 20))
        if o[name] != usual
    )
    return _called(style, "softplus", f"{o['x']}{options}")


softplus: Operation = smooth(
    "softplus",
    _softplus,
    lambda x, beta, threshold: select_where(
        x * beta > threshold, 1.0, sigmoid(clamp_max(x * beta, threshold))
    ),
    params=("beta", "threshold"),
    notation=Notation(custom=_write_softplus),
    doc="""Softplus, log(1 + exp(βx)) / β, and x itself where βx exceeds the threshold.

    Source: Dugas et al., "Incorporating second-order functional knowledge for better option
    pricing", 2001.
    """,
)


def _logsigmoid(x: Any) -> tuple[Any, Any]:
    z = np.exp(-np.abs(x))
    y = np.minimum(x, 0)
    y -= np.log1p(z)
    slope = np.exp(-np.maximum(x, 0))
    z += 1
    slope /= z
    return y, slope


logsigmoid: Operation = smooth(
    "logsigmoid",
    _logsigmoid,
    lambda x: sigmoid(-x),
    doc="Logarithm of the sigmoid, −log(1 + exp(−x)), without overflow.",
)


def _elu(x: Any, alpha: float, scale: float, rate: float) -> tuple[Any, Any]:
    kind = x.dtype.type
    below = np.minimum(x, 0)
    if rate != 1:
        below *= kind(rate)
    y = np.maximum(x, 0)
    if scale != 1:
        y *= kind(scale)
    bent = np.expm1(below)
    bent *= kind(alpha * scale)
    y += bent
    # Not a NaN's, which counts as above 0, as in PyTorch.
    slope = np.exp(np.fmin(below, 0))
    slope *= kind(alpha * scale * rate)
    if alpha * rate != 1:  # else it is the scale above 0 already
        slope *= chosen(x <= 0, 1.0, 1 / (alpha * rate), x.dtype)
    return y, slope


def _write_elu(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    alpha, scale, rate = o["alpha"], o["scale"], o["rate"]
    if scale != 1:
        name, options = "selu", ""
    else:
        name = "elu" if rate == 1 else "celu"
        options = f", {style.option('alpha', alpha)}" if alpha != 1 else ""
    return _called(style, name, f"{o['x']}{options}")


elu: Operation = smooth(
    "elu",
    _elu,
    lambda x, alpha, scale, rate: select_where(
        x <= 0, (alpha * scale * rate) * exp(clamp_max(x, 0.0) * rate), scale
    ),
    params=("alpha", "scale", "rate"),
    notation=Notation(custom=_write_elu),
    doc="""Exponential linear unit: scale·x above 0, scale·alpha·(exp(rate·x) − 1) below.

    Sources: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
    exponential linear units", 2016 (elu); Klambauer et al., "Self-normalizing neural networks",
    2017 (selu); Barron, "Continuously differentiable exponential linear units", 2017 (celu).
    """,
)

# The fixed point of mean 0 and variance 1 (Klambauer et al., 2017, equation 14).
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _gelu(x: Any) -> tuple[Any, Any]:
    below, kernel = cumulative_and_kernel(x)
    y = x * below
    kernel *= x
    kernel *= x.dtype.type(1 / math.sqrt(2 * math.pi))
    kernel += below
    return y, kernel


def _density(x: Any) -> Any:
    """Return the density of the standard normal distribution, exp(−x²/2) / √(2π)."""
    return exp(-(x * x) / 2) * (1 / math.sqrt(2 * math.pi))


def _gelu_slope(x: Any) -> Any:
    from chainrule.ops.special.errors import ndtr  # which SciPy comes with

    return ndtr(x) + x * _density(x)


gelu: Operation = smooth(
    "gelu",
    _gelu,
    _gelu_slope,
    doc="""Gaussian error linear unit, x Φ(x), with the standard normal distribution function Φ.

    Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """,
)

_RATE = 2 * math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def _gelu_by_tanh(x: Any) -> tuple[Any, Any]:
    # (1 + tanh(u)) / 2 is σ(2u), which does not cancel far below 0.
    kind = x.dtype.type
    square = x * x
    u = square * kind(_RATE * _CUBIC)
    u += kind(_RATE)
    u *= x
    s = logistic(u)
    y = x * s
    slope = square
    slope *= kind(3 * _RATE * _CUBIC)
    slope += kind(_RATE)
    slope *= 1 - s
    slope *= y
    slope += s
    return y, slope


def _tanh_slope(x: Any) -> Any:
    s = sigmoid((_RATE * _CUBIC) * (x * x * x) + _RATE * x)
    return s + x * s * (1 - s) * ((3 * _RATE * _CUBIC) * (x * x) + _RATE)


gelu_by_tanh: Operation = smooth(
    "gelu_tanh",
    _gelu_by_tanh,
    _tanh_slope,
    doc="""Gaussian error linear unit by its approximation, x/2 (1 + tanh(√(2/π) (x + c x³))).

    c is 0.044715. Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """,
)


# --- Of straight pieces ---------------------------------------------------------------------------


def _hardtanh(x: Any, lower: float, upper: float) -> Any:
    if x.dtype.kind != "f":
        lower, upper = int(lower), int(upper)
    if x.dtype.kind == "u" and lower < 0:
        raise RuntimeError(
            "cannot do hardtanh on an unsigned type with negative limits: convert with .float()"
        )
    return np.minimum(np.maximum(x, x.dtype.type(lower)), x.dtype.type(upper))


hardtanh: Operation = define(
    "hardtanh",
    _hardtanh,
    params=("lower", "upper"),
    x=lambda g, y, lower, upper: filled_where(g, ~((y > lower) & (y < upper)), 0.0),
    refuses_bools="Bool inputs not supported for hardtanh: convert with .float()",
    doc="Limit to [lower, upper]; at the limits, unlike that of `clamp`, the derivative is 0.",
)


def _hardsigmoid(x: Any) -> Any:
    _refuse_integers("hardsigmoid", x)
    y = np.minimum(np.maximum(x + 3, 0), 6)
    y /= 6
    return y


hardsigmoid: Operation = define(
    "hardsigmoid",
    _hardsigmoid,
    x=lambda g, x: filled_where(g / 6, ~((x > -3.0) & (x < 3.0)), 0.0),
    doc="""Sigmoid of straight pieces, x/6 + 1/2 limited to [0, 1].

    Source: Courbariaux, Bengio and David, "BinaryConnect", 2015 (there with slope 1/2).
    """,
)


def _hardswish(x: Any) -> Any:
    y = np.minimum(np.maximum(x + 3, 0), 6)
    y *= x
    y /= 6
    slope = x / 3
    slope += 0.5
    # A mask, not a factor: infinity times 0 would be NaN.
    slope = zero_where(slope, np.abs(x) >= 3)
    slope += chosen(x >= 3, 1.0, 0.0, x.dtype)
    return y, slope


hardswish: Operation = smooth(
    "hardswish",
    _hardswish,
    lambda x: filled_where(select_where(x < 3.0, x / 3 + 0.5, 1.0), x <= -3.0, 0.0),
    doc="""Swish with the sigmoid of straight pieces: x ⊙ (x/6 + 1/2 limited to [0, 1]).

    Source: Howard et al., "Searching for MobileNetV3", 2019.
    """,
)


def _leaky_relu(x: Any, negative_slope: float) -> Any:
    slope = chosen(x > 0, 1.0, negative_slope, x.dtype)
    return x * slope, slope


leaky_relu: Operation = smooth(
    "leaky_relu",
    _leaky_relu,
    lambda x, negative_slope: select_where(x > 0.0, 1.0, negative_slope),
    params=("negative_slope",),
    doc="""Rectified linear unit with a small slope below 0.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic
    models", 2013.
    """,
)
prelu_by: Operation = define(
    "prelu",
    lambda x, weight: np.where(x > 0, x, x * weight),
    x=lambda g, x, weight: select_where(x > 0.0, g, g * weight),
    weight=lambda g, x: filled_where(g * x, x > 0.0, 0.0),
    doc="""Rectified linear unit whose slopes below 0 are learned; they broadcast.

    Source: He et al., "Delving deep into rectifiers", 2015.
    """,
)
