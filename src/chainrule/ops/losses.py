"""Losses with a derivative that people know by name, each in one stable primitive.

Each primitive returns the loss element by element or reduced: the static parameter ``divisor`` is 0
for no reduction, 1 for the sum, and the number of summed terms for the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.arithmetic import clamp_max, clamp_min, sign
from chainrule.ops.exponential import log, sigmoid, softmax_along
from chainrule.symbol import LEVELS, Notation, Slot, Style, operators


def _reduced(terms: Any, divisor: float) -> Any:
    if divisor == 0:
        return terms
    return (
        np.add.reduce(terms, axis=None) / divisor
        if divisor != 1
        else np.add.reduce(terms, axis=None)
    )


def _scaled(g: Any, divisor: float) -> Any:
    return g if divisor in (0, 1) else g / divisor


def _write_loss(name: str) -> Notation:
    """Write a loss as ``sum(name(x, t)) / n``, so that the reduction is seen."""

    def custom(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
        inner = ", ".join(
            f"{v}" if isinstance(v, Slot) else style.parameter(v)
            for k, v in o.items()
            if k != "divisor"
        )
        terms, level = f"{style.function(name)}{style.parentheses(inner)}", LEVELS["atom"]
        if name == "mse":
            terms, level = notation.squared_difference(style, o["x"], o["t"])
        divisor = o["divisor"]
        if not divisor:
            return terms, level
        total = f"{style.function('sum')}{style.parentheses(terms)}"
        if divisor == 1:
            return total, LEVELS["atom"]
        n, _ = style.number(divisor)
        if style.which == "latex":
            return rf"\frac{{{total}}}{{{n}}}", LEVELS["factor"]
        return f"{total} / {n}", LEVELS["term"]

    return Notation(custom=custom)


squared_error: Operation = define(
    "mse_loss",
    lambda x, t, divisor: _reduced((x - t) * (x - t), divisor),
    params=("divisor",),
    x=lambda g, x, t, divisor: (_scaled(g, divisor) * 2) * (x - t),
    t=lambda g, x, t, divisor: (_scaled(g, divisor) * 2) * (t - x),
    notation=_write_loss("mse"),
    doc="Squared error, (x − t)².",
)


absolute_error: Operation = define(
    "l1_loss",
    lambda x, t, divisor: _reduced(np.abs(x - t), divisor),
    params=("divisor",),
    x=lambda g, x, t, divisor: _scaled(g, divisor) * sign(x - t),
    t=lambda g, x, t, divisor: _scaled(g, divisor) * sign(t - x),
    notation=_write_loss("l1"),
    doc="Absolute error, |x − t|.",
)


def _smooth_l1(x: Any, t: Any, beta: float, divisor: float) -> Any:
    # With n = min(|z|, β): n (|z| − n/2) / β is z²/(2β) near 0 and |z| − β/2 beyond β.
    size = np.abs(x - t)
    near = np.minimum(size, beta)
    size -= near / 2
    size *= near / beta
    return _reduced(size, divisor)


def _limited(z: Any, limit: float) -> Any:
    return clamp_max(clamp_min(z, -limit), limit)


smooth_absolute_error: Operation = define(
    "smooth_l1_loss",
    _smooth_l1,
    params=("beta", "divisor"),
    x=lambda g, x, t, beta, divisor: _scaled(g, divisor) * _limited((x - t) / beta, 1.0),
    t=lambda g, x, t, beta, divisor: _scaled(g, divisor) * _limited((t - x) / beta, 1.0),
    notation=_write_loss("smooth_l1"),
    doc="Absolute error with a parabola of width β around 0; its derivative is z/β within ±1.",
)


def _huber(x: Any, t: Any, delta: float, divisor: float) -> Any:
    size = np.abs(x - t)
    near = np.minimum(size, delta)
    size -= near / 2
    size *= near
    return _reduced(size, divisor)


huber_error: Operation = define(
    "huber_loss",
    _huber,
    params=("delta", "divisor"),
    x=lambda g, x, t, delta, divisor: _scaled(g, divisor) * _limited(x - t, delta),
    t=lambda g, x, t, delta, divisor: _scaled(g, divisor) * _limited(t - x, delta),
    notation=_write_loss("huber"),
    doc="Squared error up to δ, linear beyond; its derivative is z within ±δ.",
)


# 1 and -100 as arrays, which NumPy combines with small arrays sooner than Python's numbers.
_BOUNDS = {t: (np.ones((), t), np.full((), -100, t)) for t in map(np.dtype, ("f2", "f4", "f8"))}


def _cross_entropy_of_probability(p: Any, t: Any, divisor: float) -> Any:
    one, lowest = _BOUNDS[p.dtype]
    with np.errstate(divide="ignore"):
        # PyTorch limits each logarithm to -100 so that a certain error costs a finite amount.
        of_failure, of_success = np.log1p(-p), np.log(p)
    terms = (t - one) * np.maximum(of_failure, lowest) - t * np.maximum(of_success, lowest)
    return _reduced(terms, divisor)


binary_cross_entropy_of_probability: Operation = define(
    "binary_cross_entropy",
    _cross_entropy_of_probability,
    params=("divisor",),
    p=lambda g, p, t, divisor: _scaled(g, divisor) * ((p - t) / clamp_min((1 - p) * p, 1e-12)),
    t=lambda g, p, divisor: _scaled(g, divisor) * (log(1 - p) - log(p)),
    notation=_write_loss("bce"),
    doc="Binary cross-entropy of probabilities, −t log p − (1 − t) log(1 − p).",
)
binary_cross_entropy_of_logit: Operation = define(
    "binary_cross_entropy_with_logits",
    lambda z, t, divisor: _reduced(
        (1 - t) * z - np.minimum(z, 0) + np.log1p(np.exp(-np.abs(z))), divisor
    ),
    params=("divisor",),
    z=lambda g, z, t, divisor: _scaled(g, divisor) * (sigmoid(z) - t),
    t=lambda g, z, divisor: _scaled(g, divisor) * -z,
    notation=_write_loss("bce_with_logits"),
    doc="Binary cross-entropy of sigmoid(z), without overflow; its derivative is σ(z) − t.",
)


def _cross_entropy(logits: Any, index: Any, divisor: float) -> tuple[Any, Any]:
    # log Σ exp minus the true class's logit, and the softmax on the way.
    p = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    picked = p[np.arange(len(index)), index]
    np.exp(p, out=p)
    sums = np.add.reduce(p, axis=1, keepdims=True)
    p /= sums
    return _reduced(np.log(sums[:, 0]) - picked, divisor), p


def _minus_one_hot(p: Any, index: Any) -> Any:
    out = np.array(p)
    out[np.arange(len(index)), index] -= 1
    return out


def _write_minus_one_hot(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    target = f"{style.function('onehot')}{style.parentheses(style.parameter(o['index']))}"
    return f"{o['x']:sum} {style.minus} {target}", LEVELS["sum"]


minus_one_hot: Operation = define(
    "minus_one_hot",
    _minus_one_hot,
    params=("index",),
    x=lambda g: g,
    notation=Notation(custom=_write_minus_one_hot),
    doc="Rows minus the one-hot rows of class indices.",
)


def _cross_entropy_gradient(g: Any, p: Any, index: Any, divisor: float) -> Any:
    if divisor == 0:
        g = operators["unsqueeze"](g, (1,))
    return _scaled(g, divisor) * minus_one_hot(p, index)


cross_entropy_of_rows: Operation = define(
    "cross_entropy",
    _cross_entropy,
    params=("index", "divisor"),
    logits=_cross_entropy_gradient,
    extras={"p": lambda logits: softmax_along(logits, 1)},
    notation=_write_loss("cross_entropy"),
    doc="Cross-entropy of softmax(logits) with class indices; its derivative is p − onehot.",
)
