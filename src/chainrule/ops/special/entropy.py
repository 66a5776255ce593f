"""Products with logarithms, where 0 · log(0) is 0, and the logit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.arithmetic import abs
from chainrule.ops.comparison import filled_where
from chainrule.ops.exponential import log
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def _times_log(a: Any, b: Any, log_of: Callable[..., Any]) -> Any:
    """Return a · log(b), but 0 where a is 0, unless b is NaN."""
    b = np.asarray(b, np.result_type(a, b))
    y = a * log_of(b)
    zero = np.equal(a, 0)
    return np.where(zero & ~np.isnan(b), y.dtype.type(0), y) if np.any(zero) else y


xlogy: Operation = define(
    "xlogy",
    lambda a, b: _times_log(a, b, np.log),
    a=lambda g, a, b: filled_where(xlogy(g, b), (a == 0) & (b <= 0), 0.0),
    b=lambda g, a, b: g * (a / b),
    floating=True,
    doc="""a · log(b), and 0 where a is 0 (unless b is NaN).

    >>> import chainrule as cr
    >>> cr.xlogy(cr.tensor([0.0, 2.0]), cr.tensor([0.0, 3.0]))
    tensor([0.0000, 2.1972])
    """,
)
xlog1py: Operation = define(
    "xlog1py",
    lambda a, b: _times_log(a, b, np.log1p),
    a=lambda g, a, b: filled_where(xlog1py(g, b), (a == 0) & (b <= -1), 0.0),
    b=lambda g, a, b: g * (a / (b + 1)),
    floating=True,
    notation=Notation("xlogy({a}, 1 + {b})", r"\operatorname{{xlogy}}\left({a}, 1 + {b}\right)"),
    doc="""a · log(1 + b), and 0 where a is 0 (unless b is NaN).

    >>> import chainrule as cr
    >>> cr.special.xlog1py(cr.tensor([0.0, 2.0]), cr.tensor([-1.0, 1.0]))
    tensor([0.0000, 1.3863])
    """,
)


def _entr(x: Any) -> Any:
    y = np.where(np.equal(x, 0), np.asarray(x).dtype.type(0), -x * np.log(x))
    return np.where(np.less(x, 0), y.dtype.type(-np.inf), y)


entr: Operation = define(
    "entr",
    _entr,
    x=lambda g, x: g * (-1 - log(x)),
    floating=True,
    doc="""Terms of an entropy, −x · log(x): 0 at 0 and −∞ below.

    >>> import chainrule as cr
    >>> cr.special.entr(cr.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.3466, 0.0000])
    """,
)


def _logit(x: Any, eps: float | None) -> Any:
    if eps is not None:
        x = np.minimum(np.maximum(x, eps), 1 - eps)
    return np.log(x / (1 - x))


def _logit_gradient(g: Any, x: Any, eps: float | None) -> Any:
    slope = g / (x * (1 - x))
    # |x − ½| says on which side of both ends x lies.
    if eps is None:
        return filled_where(slope, abs(x - 0.5) > 0.5, float("nan"))
    return filled_where(slope, (x < eps) | (x > 1 - eps), 0.0)


def _write_logit(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    inner = f"{o['x']}" if o["eps"] is None else f"{o['x']}, {style.number(o['eps'])[0]}"
    return f"{style.function('logit')}{style.parentheses(inner)}", LEVELS["atom"]


_log_odds: Operation = define(
    "logit",
    _logit,
    params=("eps",),
    x=_logit_gradient,
    floating=True,
    notation=Notation(custom=_write_logit),
    doc="Logarithm of the odds.",
)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Return the log-odds, log(x / (1 − x)): the inverse of the sigmoid.

    Args:
        input: probabilities, any shape.
        eps: limit the input to [eps, 1 − eps] first; without it, NaN outside [0, 1].

    >>> import chainrule as cr
    >>> cr.logit(cr.tensor([0.5, 0.9, 1.0]), eps=1e-3)
    tensor([0.0000, 2.1972, 6.9068])
    """
    return _log_odds(input, eps)
