"""Exponentials, logarithms, roots and the activations made of them, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.blocks import BLOCK, blocks_of
from chainrule.ops.comparison import filled_where
from chainrule.ops.half import in_single_precision
from chainrule.ops.reductions import total
from chainrule.ops.spelling import numpy_names
from chainrule.ops.summation import add_up
from chainrule.symbol import Notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logaddexp",
    "logaddexp2",
    "logsumexp",
    "reciprocal",
    "relu",
    "rsqrt",
    "sigmoid",
    "softmax",
    "sqrt",
    "square",
    "tanh",
]

LOG_2 = math.log(2)
LOG_10 = math.log(10)


def _named(name: str, latex: str | None = None) -> Notation:
    head = latex if latex is not None else rf"\{name}"
    return Notation(f"{name}({{x}})", rf"{head}\left({{x}}\right)")


exp: Operation = define(
    "exp",
    np.exp,
    x=lambda g, y: g * y,
    floating=True,
    notation=_named("exp"),
    doc="""Exponential, e to the x.

    >>> import chainrule as cr
    >>> cr.exp(cr.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """,
)
log: Operation = define(
    "log",
    np.log,
    x=lambda g, x: g / x,
    floating=True,
    notation=_named("log"),
    doc="""Natural logarithm; −∞ at 0 and NaN below.

    >>> import chainrule as cr
    >>> cr.log(cr.tensor([1.0, 10.0]))
    tensor([0.0000, 2.3026])
    """,
)
exp2: Operation = define(
    "exp2",
    np.exp2,
    x=lambda g, y: g * (y * LOG_2),
    floating=True,
    notation=Notation("2^{x:atom}", "2^{{{x}}}", "power"),
    doc="""Two to the power of x.

    >>> import chainrule as cr
    >>> cr.exp2(cr.tensor([0.0, 3.0, -1.0]))
    tensor([1.0000, 8.0000, 0.5000])
    """,
)
expm1: Operation = define(
    "expm1",
    np.expm1,
    x=lambda g, y: g * (y + 1),
    floating=True,
    notation=Notation("exp({x}) − 1", r"\exp\left({x}\right) - 1", "sum"),
    doc="""Exponential minus one, exp(x) − 1, without loss of digits near 0.

    >>> import chainrule as cr
    >>> cr.expm1(cr.tensor([1e-10, 1.0]))
    tensor([1.0000e-10, 1.7183e+00])
    """,
)
log2: Operation = define(
    "log2",
    np.log2,
    x=lambda g, x: g / (x * LOG_2),
    floating=True,
    notation=Notation("log₂({x})", r"\log_{{2}}\left({x}\right)"),
    doc="""Logarithm to base 2.

    >>> import chainrule as cr
    >>> cr.log2(cr.tensor([8.0, 0.5]))
    tensor([ 3., -1.])
    """,
)
log10: Operation = define(
    "log10",
    np.log10,
    x=lambda g, x: g / (x * LOG_10),
    floating=True,
    notation=Notation("log₁₀({x})", r"\log_{{10}}\left({x}\right)"),
    doc="""Logarithm to base 10.

    >>> import chainrule as cr
    >>> cr.log10(cr.tensor([1000.0, 0.1]))
    tensor([ 3., -1.])
    """,
)
log1p: Operation = define(
    "log1p",
    np.log1p,
    x=lambda g, x: g / (x + 1),
    floating=True,
    notation=Notation("log(1 + {x:sum})", r"\log\left(1 + {x:sum}\right)"),
    doc="""Logarithm of one plus x, without loss of digits near 0.

    >>> import chainrule as cr
    >>> cr.log1p(cr.tensor([1e-10, 1.0]))
    tensor([1.0000e-10, 6.9315e-01])
    """,
)
square: Operation = define(
    "square",
    # Bools count as the int64 that their power has in PyTorch.
    lambda x: np.square(x) if x.dtype.kind != "b" else x.astype(np.int64),
    x=lambda g, x: g * (2 * x),
    notation=Notation("{x:atom}²", "{{{x:atom}}}^{{2}}", "power"),
    doc="""Square, x².

    >>> import chainrule as cr
    >>> cr.square(cr.tensor([3.0, -2.0]))
    tensor([9., 4.])
    """,
)
reciprocal: Operation = define(
    "reciprocal",
    np.reciprocal,
    x=lambda g, y: -g * (y * y),
    floating=True,
    notation=Notation("1 / {x:factor}", r"\frac{{1}}{{{x}}}", "term"),
    doc="""Reciprocal, 1 / x; integers become floats.

    >>> import chainrule as cr
    >>> cr.reciprocal(cr.tensor([2.0, -4.0]))
    tensor([ 0.5000, -0.2500])
    """,
)
rsqrt: Operation = define(
    "rsqrt",
    lambda x: np.reciprocal(np.sqrt(x)),
    x=lambda g, y: g * (y * y * y * -0.5),
    floating=True,
    notation=Notation("1 / √{x:atom}", r"\frac{{1}}{{\sqrt{{{x}}}}}", "term"),
    doc="""Reciprocal of the square root, 1 / √x.

    >>> import chainrule as cr
    >>> cr.rsqrt(cr.tensor([4.0, 0.25]))
    tensor([0.5000, 2.0000])
    """,
)
sqrt: Operation = define(
    "sqrt",
    np.sqrt,
    x=lambda g, y: g / (2 * y),
    floating=True,
    notation=notation.ROOT,
    doc="""Square root; NaN below 0, and an infinite derivative at 0.

    >>> import chainrule as cr
    >>> cr.sqrt(cr.tensor([4.0, 2.0]))
    tensor([2.0000, 1.4142])
    """,
)
tanh: Operation = define(
    "tanh",
    np.tanh,
    x=lambda g, y: g * (1 - y * y),
    floating=True,
    notation=_named("tanh"),
    doc="""Hyperbolic tangent.

    >>> import chainrule as cr
    >>> cr.tanh(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """,
)


def logistic(x: Any) -> Any:
    """Return 1 / (1 + exp(−x)) of an array or a number."""
    y = -x
    memory = y if isinstance(y, np.ndarray) else None
    # exp overflows to infinity far below 0, where the result is 0 to the last bit.
    with np.errstate(over="ignore"):
        y = np.exp(y, out=memory)
    y += 1
    return np.reciprocal(y, out=memory)


sigmoid: Operation = define(
    "sigmoid",
    logistic,
    x=lambda g, y: g * (1 - y) * y,
    floating=True,
    notation=Notation("σ({x})", r"\sigma\left({x}\right)"),
    doc="""Logistic sigmoid, 1 / (1 + exp(−x)), without overflow.

    >>> import chainrule as cr
    >>> cr.sigmoid(cr.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """,
)
relu: Operation = define(
    "relu",
    lambda x: np.maximum(x, 0),
    x=lambda g, y: filled_where(g, y <= 0.0, 0.0),
    notation=_named("relu", r"\operatorname{{relu}}"),
    refuses_bools="Boolean inputs not supported for relu: convert with .float()",
    doc="""Rectified linear unit, max(x, 0), with derivative 0 at 0.

    >>> import chainrule as cr
    >>> cr.relu(cr.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """,
)


# --- Sums of exponentials -------------------------------------------------------------------------


def _log_add(a: Any, b: Any, exponential: Any, log_of_one_plus: Any) -> Any:
    # NumPy's own logaddexp computes one element at a time; whole arrays are ten times faster.
    peak = np.maximum(a, b)
    y = log_of_one_plus(exponential(np.minimum(a, b) - peak)) + peak
    undefined = y != y
    # Two infinities of one sign have no difference; of one sign, they are their sum.
    return np.where(undefined, np.add(a, b), y) if undefined.any() else y


def _logaddexp(a: Any, b: Any) -> Any:
    return _log_add(a, b, np.exp, np.log1p)


def _logaddexp2(a: Any, b: Any) -> Any:
    return _log_add(a, b, np.exp2, lambda x: np.log1p(x) * (1 / LOG_2))


logaddexp: Operation = define(
    "logaddexp",
    in_single_precision(_logaddexp),
    a=lambda g, a, b: g * sigmoid(a - b),
    b=lambda g, a, b: g * sigmoid(b - a),
    floating=True,
    notation=Notation(
        "log(exp({a}) + exp({b}))", r"\log\left(\exp\left({a}\right) + \exp\left({b}\right)\right)"
    ),
    doc="""Logarithm of a sum of two exponentials, log(exp(a) + exp(b)), without overflow.

    >>> import chainrule as cr
    >>> cr.logaddexp(cr.tensor([0.0, 1000.0]), cr.tensor([0.0, 1000.0]))
    tensor([6.9315e-01, 1.0007e+03])
    """,
)
logaddexp2: Operation = define(
    "logaddexp2",
    in_single_precision(_logaddexp2),
    a=lambda g, a, b: g * sigmoid((a - b) * LOG_2),
    b=lambda g, a, b: g * sigmoid((b - a) * LOG_2),
    floating=True,
    notation=Notation(
        "log₂(2^{a:atom} + 2^{b:atom})", r"\log_{{2}}\left(2^{{{a}}} + 2^{{{b}}}\right)"
    ),
    doc="""Logarithm to base 2 of a sum of two powers of 2, without overflow.

    >>> import chainrule as cr
    >>> cr.logaddexp2(cr.tensor([3.0]), cr.tensor([3.0]))
    tensor([4.])
    """,
)

# --- Along a dimension ----------------------------------------------------------------------------


def _blocks_along(x: Any, dim: int) -> Any:
    """Return the slices of the first dimension that cut an array into blocks of whole rows."""
    if x.size <= BLOCK or dim == 0:
        return (...,)
    return blocks_of(len(x), x.size // len(x))


def _softmax(x: Any, dim: int) -> Any:
    y = np.empty(x.shape, x.dtype)
    if x.size:
        for block in _blocks_along(x, dim):
            part, e = x[block], y[block]
            np.subtract(part, np.maximum.reduce(part, axis=dim, keepdims=True), out=e)
            np.exp(e, out=e)
            e /= add_up(e, (dim,), True)
    return y


def _log_softmax(x: Any, dim: int) -> Any:
    y = np.empty(x.shape, x.dtype)
    if x.size:
        for block in _blocks_along(x, dim):
            part, shifted = x[block], y[block]
            np.subtract(part, np.maximum.reduce(part, axis=dim, keepdims=True), out=shifted)
            shifted -= np.log(add_up(np.exp(shifted), (dim,), True))
    return y


def _logsumexp(x: Any, dim: tuple[int, ...], keepdim: bool) -> Any:
    # An empty sum has the logarithm −∞; its peak is never subtracted from anything.
    peak = np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf)
    peak = np.where(np.isfinite(peak), peak, np.zeros((), x.dtype))
    with np.errstate(divide="ignore"):
        y = np.log(add_up(np.exp(x - peak), dim, True)) + peak
    return y if keepdim else y.squeeze(dim)


def _inner(a: Any, b: Any, dim: int) -> Any:
    if dim == a.ndim - 1 and a.dtype.itemsize > 2:
        return np.vecdot(a, b)[..., None]
    return np.add.reduce(a * b, axis=dim, keepdims=True)


# Σ(a ⊙ b) in one pass over both.
inner_along: Operation = define(
    "inner",
    _inner,
    params=("dim",),
    a=lambda g, b: g * b,
    b=lambda g, a: g * a,
    notation=notation.INNER,
    doc="Sum of products along a dimension, which is kept with size 1.",
)
softmax_along: Operation = define(
    "softmax",
    _softmax,
    params=("dim",),
    x=lambda g, y, dim: y * (g - inner_along(g, y, dim)),
    floating=True,
    notation=notation.along("softmax"),
    doc="Softmax along a dimension.",
)
log_softmax_along: Operation = define(
    "log_softmax",
    _log_softmax,
    params=("dim",),
    x=lambda g, y, dim: g - exp(y) * total(g, (dim,), True),
    floating=True,
    notation=notation.along("log_softmax", r"\operatorname{log\,softmax}"),
    doc="Logarithm of the softmax along a dimension.",
)


def _logsumexp_gradient(g: Any, x: Any, y: Any, dim: tuple[int, ...], keepdim: bool) -> Any:
    from chainrule.ops.reductions import restore_dims

    if not keepdim:
        g, y = restore_dims(g, dim), restore_dims(y, dim)
    return g * exp(x - filled_where(y, y == -float("inf"), 0.0))


_logsumexp_notation = notation.reduction(
    "logsumexp",
    "LogSumExp",
    r"\operatorname{logsumexp}",
    r"\operatorname{LogSumExp}",
)
logsumexp_over: Operation = define(
    "logsumexp",
    _logsumexp,
    params=("dim", "keepdim"),
    x=_logsumexp_gradient,
    floating=True,
    notation=_logsumexp_notation,
    doc="Logarithm of a sum of exponentials.",
)


@numpy_names
def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return the softmax along a dimension: exponentials divided by their sum.

    Args:
        input: any shape.
        dim: the dimension that sums to 1.
        dtype: convert the input to it first.

    >>> import chainrule as cr
    >>> cr.softmax(cr.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _along(softmax_along, "softmax", input, dim, dtype)


@numpy_names
def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return the logarithm of the softmax along a dimension, without overflow.

    >>> import chainrule as cr
    >>> cr.log_softmax(cr.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    return _along(log_softmax_along, "log_softmax", input, dim, dtype)


@numpy_names
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Return log Σ exp over one or more dimensions, without overflow.

    >>> import chainrule as cr
    >>> cr.logsumexp(cr.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)
    """
    from chainrule.ops.reductions import normal_dims

    return logsumexp_over(input, normal_dims("logsumexp", dim, input._array.ndim), keepdim)


def _along(operation: Operation, name: str, input: Tensor, dim: int | None, dtype: Any) -> Tensor:
    from chainrule.ops.shape import normal_dim, reshaped

    if dim is None:
        raise TypeError(
            f"{name}() needs dim, the dimension that sums to 1: usually dim=-1 (the classes); "
            f"the input has shape {list(input.shape)}"
        )
    if dtype is not None:
        input = input.to(dtype)
    d = normal_dim(name, dim, input._array.ndim)
    if input._array.ndim == 0:
        return reshaped(operation(reshaped(input, (1,)), 0), ())
    return operation(input, d)
