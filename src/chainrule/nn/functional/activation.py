"""Activations whose functional form has more arguments than the operation."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ops import activation_functions as functions
from chainrule.ops import activations, exponential, inplace
from chainrule.ops.activation_functions import celu_ as celu_
from chainrule.ops.activation_functions import hardshrink as hardshrink
from chainrule.ops.activation_functions import prelu as prelu
from chainrule.ops.activation_functions import relu_ as relu_
from chainrule.ops.activation_functions import rrelu_ as rrelu_
from chainrule.ops.activation_functions import selu_ as selu_
from chainrule.ops.activation_functions import threshold_ as threshold_
from chainrule.ops.arithmetic import clamp, times
from chainrule.ops.creation import empty_like
from chainrule.ops.fills import exponential_
from chainrule.ops.indexing import basic_item
from chainrule.ops.shape import normal_dim
from chainrule.primitive import attach

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.tensor import Tensor

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
    "threshold_",
]


def _applied(
    name: str, operation: Callable[..., Tensor], input: Tensor, inplace_: bool, *options: Any
) -> Tensor:
    """Return an operation's result, written into the input if asked for."""
    if inplace_:
        return inplace.change(f"{name}_", operation, input, *options)
    return operation(input, *options)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0), element by element.

    Args:
        input: any shape.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.functional.relu(cr.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return relu_(input) if inplace else exponential.relu(input)


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return the softmax along a dimension: exponentials divided by their sum.

    Args:
        input: any shape.
        dim: the dimension that sums to 1; guessed, with a warning, if None.
        dtype: convert the input to it first.

    >>> import chainrule as cr
    >>> cr.nn.functional.softmax(cr.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _guessed_dim("softmax", input, _stacklevel)
    return exponential.softmax(input, dim, dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return the logarithm of the softmax along a dimension, without overflow.

    Args:
        input: any shape.
        dim: the dimension whose exponentials sum to 1; guessed, with a warning, if None.
        dtype: convert the input to it first.

    >>> import chainrule as cr
    >>> cr.nn.functional.log_softmax(cr.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _guessed_dim("log_softmax", input, _stacklevel)
    return exponential.log_softmax(input, dim, dtype)


def _guessed_dim(name: str, input: Tensor, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument, usually dim=-1.",
        stacklevel=stacklevel,
    )
    return 0 if input._array.ndim in (0, 1, 3) else 1


# --- Smooth ---------------------------------------------------------------------------------------


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return the Gaussian error linear unit, x Φ(x).

    Args:
        input: any shape.
        approximate: ``"none"``, or ``"tanh"`` for x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    >>> import chainrule as cr
    >>> cr.nn.functional.gelu(cr.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    """
    if approximate == "none":
        return activations.gelu(input)
    if approximate == "tanh":
        return activations.gelu_by_tanh(input)
    raise RuntimeError(
        f"approximate argument must be either none or tanh, got gelu(approximate={approximate!r})"
    )


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x σ(x), the sigmoid-weighted linear unit (swish).

    >>> import chainrule as cr
    >>> cr.nn.functional.silu(cr.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """
    return _applied("silu", activations.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x tanh(softplus(x)).

    Source: Misra, "Mish: a self regularized non-monotonic activation function", 2019.

    >>> import chainrule as cr
    >>> cr.nn.functional.mish(cr.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])
    """
    return _applied("mish", activations.mish, input, inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + exp(βx)) / β, and x itself where βx exceeds the threshold.

    >>> import chainrule as cr
    >>> cr.nn.functional.softplus(cr.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """
    return activations.softplus(input, float(beta), float(threshold))


def logsigmoid(input: Tensor) -> Tensor:
    """Return log σ(x), without overflow.

    >>> import chainrule as cr
    >>> cr.nn.functional.logsigmoid(cr.tensor([0.0, -100.0]))
    tensor([  -0.6931, -100.0000])
    """
    return activations.logsigmoid(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x above 0 and α (exp(x) − 1) below.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
    exponential linear units", 2016.

    >>> import chainrule as cr
    >>> cr.nn.functional.elu(cr.tensor([-1.0, 1.0]))
    tensor([-0.6321,  1.0000])
    """
    return _applied("elu", activations.elu, input, inplace, alpha, 1.0, 1.0)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Overwrite the input with `elu` of it and return it."""
    return elu(input, alpha, True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x above 0 and α (exp(x/α) − 1) below; `chainrule.celu`.

    >>> import chainrule as cr
    >>> cr.nn.functional.celu(cr.tensor([-2.0, 1.0]), alpha=2.0)
    tensor([-1.2642,  1.0000])
    """
    return _applied("celu", functions.celu, input, inplace, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return the scaled exponential linear unit; `chainrule.selu`.

    >>> import chainrule as cr
    >>> cr.nn.functional.selu(cr.tensor([-1.0, 1.0]))
    tensor([-1.1113,  1.0507])
    """
    return _applied("selu", functions.selu, input, inplace)


def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + |x|).

    >>> import chainrule as cr
    >>> cr.nn.functional.softsign(cr.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """Return x − tanh(x).

    >>> import chainrule as cr
    >>> cr.nn.functional.tanhshrink(cr.tensor([1.0]))
    tensor([0.2384])
    """
    return input - exponential.tanh(input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return the gated linear unit a σ(b), with a and b the halves of the input along ``dim``.

    Raises:
        RuntimeError: if the size of that dimension is odd.

    Source: Dauphin et al., "Language modeling with gated convolutional networks", 2017.

    >>> import chainrule as cr
    >>> cr.nn.functional.glu(cr.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """
    x = input._array
    if not x.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    d = normal_dim("glu", dim, x.ndim)
    size = x.shape[d]
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {d} is size {size}: glu splits it into "
            "values and gates"
        )
    if x.dtype.kind != "f":
        raise NotImplementedError(f"glu is not implemented for {x.dtype}: convert with .float()")
    before = (slice(None),) * d
    values = basic_item(input, (*before, slice(None, size // 2)))
    gates = basic_item(input, (*before, slice(size // 2, None)))
    return times(values, exponential.sigmoid(gates))


# --- Of straight pieces ---------------------------------------------------------------------------


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """Return the input limited to [min_val, max_val]; the derivative at the limits is 0.

    >>> import chainrule as cr
    >>> cr.nn.functional.hardtanh(cr.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if min_val > max_val:
        raise ValueError(
            f"min_val cannot be greater than max_val: hardtanh got {min_val} and {max_val}"
        )
    return _applied("hardtanh", activations.hardtanh, input, inplace, min_val, max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Overwrite the input with `hardtanh` of it and return it."""
    return hardtanh(input, min_val, max_val, True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return the input limited to [0, 6].

    >>> import chainrule as cr
    >>> cr.nn.functional.relu6(cr.tensor([-3.0, 8.0]))
    tensor([0., 6.])
    """
    return _applied("relu6", activations.hardtanh, input, inplace, 0.0, 6.0)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x/6 + 1/2 limited to [0, 1].

    >>> import chainrule as cr
    >>> cr.nn.functional.hardsigmoid(cr.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return _applied("hardsigmoid", activations.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x times (x/6 + 1/2 limited to [0, 1]).

    Source: Howard et al., "Searching for MobileNetV3", 2019.

    >>> import chainrule as cr
    >>> cr.nn.functional.hardswish(cr.tensor([-4.0, 3.0, 1.5]))
    tensor([0.0000, 3.0000, 1.1250])
    """
    return _applied("hardswish", activations.hardswish, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x above 0 and ``negative_slope`` times x below.

    >>> import chainrule as cr
    >>> cr.nn.functional.leaky_relu(cr.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    return _applied("leaky_relu", activations.leaky_relu, input, inplace, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Overwrite the input with `leaky_relu` of it and return it."""
    return leaky_relu(input, negative_slope, True)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Return x above 0 and a random slope times x below; `chainrule.rrelu`.

    >>> import chainrule as cr
    >>> cr.nn.functional.rrelu(cr.tensor([-1.0, 2.0]), lower=0.1, upper=0.3)
    tensor([-0.2000,  2.0000])
    """
    return _applied("rrelu", functions.rrelu, input, inplace, lower, upper, training)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x where it exceeds the threshold and ``value`` elsewhere.

    >>> import chainrule as cr
    >>> cr.nn.functional.threshold(cr.tensor([0.5, 2.0]), 1.0, -1.0)
    tensor([-1.,  2.])
    """
    return _applied("threshold", functions.threshold, input, inplace, threshold, value)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x moved towards 0 by λ, and 0 where it would pass it.

    >>> import chainrule as cr
    >>> cr.nn.functional.softshrink(cr.tensor([-1.0, 0.2, 0.7]))
    tensor([-0.5000,  0.0000,  0.2000])
    """
    x = input._array
    if x.dtype.kind != "f":
        raise NotImplementedError(
            f"softshrink is not implemented for {x.dtype}: convert with .float()"
        )
    if not 0 <= lambd <= float(np.finfo(x.dtype).max):
        raise RuntimeError(
            f"lambda must be in range [0, {np.finfo(x.dtype).max}] for input dtype {x.dtype}, but "
            f"found {lambd} (softshrink)"
        )
    return input - clamp(input, -lambd, lambd)


# --- Of probabilities -----------------------------------------------------------------------------


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return the softmax of −x along a dimension.

    Args:
        input: any shape.
        dim: the dimension that sums to 1; guessed, with a warning, if None.
        dtype: convert the input to it first.

    >>> import chainrule as cr
    >>> cr.nn.functional.softmin(cr.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _guessed_dim("softmin", input, _stacklevel)
    return exponential.softmax(-input, dim, dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """Return a random, differentiable choice among classes: softmax((logits + noise) / τ).

    Args:
        logits: unnormalised log-probabilities, any shape.
        tau: the temperature; the lower, the closer the result is to one-hot.
        hard: return one-hot values, with the gradient of the soft ones.
        eps: has no effect; kept for old programs.
        dim: the dimension that sums to 1.

    Source: Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2017.

    >>> import chainrule as cr
    >>> choice = cr.nn.functional.gumbel_softmax(cr.zeros(5), hard=True)
    >>> sorted(choice.tolist())
    [0.0, 0.0, 0.0, 0.0, 1.0]
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    waiting = exponential_(empty_like(logits.detach()))
    soft = exponential.softmax((logits + -exponential.log(waiting)) / tau, dim)
    if not hard:
        return soft
    d = normal_dim("gumbel_softmax", dim, soft._array.ndim)
    chosen = np.zeros_like(soft._array)
    place = np.expand_dims(np.argmax(soft._array, axis=d), d)
    np.put_along_axis(chosen, place, 1.0, axis=d)
    # Straight through: the values are the choice's, the gradient is the soft one's.
    return attach(chosen, None) - soft.detach() + soft
