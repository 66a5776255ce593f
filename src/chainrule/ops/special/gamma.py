"""The gamma function's logarithm, its derivatives, its incomplete forms, and Hurwitz' zeta.

Formulas: NIST Digital Library of Mathematical Functions, chapters 5, 8 and 25.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.exponential import exp, log
from chainrule.ops.half import in_single_precision
from chainrule.ops.special.loading import from_scipy
from chainrule.symbol import Notation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

_gammaln = from_scipy("gammaln")


def _lgamma(x: Any) -> Any:
    y = _gammaln(x)
    # SciPy's is −∞ at −∞, between poles that are all +∞.
    lowest = np.equal(y, -np.inf)
    return np.where(lowest, -y, y) if lowest.any() else y


lgamma: Operation = define(
    "lgamma",
    _lgamma,
    x=lambda g, x: g * digamma(x),
    floating=True,
    notation=Notation("logΓ({x})", r"\operatorname{{log\Gamma}}\left({x}\right)"),
    doc="""Logarithm of the absolute value of the gamma function.

    >>> import chainrule as cr
    >>> cr.lgamma(cr.tensor([1.0, 5.0]))
    tensor([0.0000, 3.1781])
    """,
)
_psi = from_scipy("psi")


def _digamma(x: Any) -> Any:
    y = _psi(x)
    # Its one-sided limits at 0 differ; as in PyTorch, the sign of zero says which is meant.
    at_zero = np.equal(x, 0)
    return np.where(at_zero, np.copysign(np.inf, -x), y).astype(y.dtype) if np.any(at_zero) else y


digamma: Operation = define(
    "digamma",
    _digamma,
    x=lambda g, x: g * polygamma_of(x, 1),
    floating=True,
    notation=Notation("ψ({x})", r"\psi\left({x}\right)"),
    doc="""Digamma function, the derivative of log Γ.

    >>> import chainrule as cr
    >>> cr.digamma(cr.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """,
)
_zeta = from_scipy("zeta")


# Bernoulli numbers B₂, B₄, …: trigamma is 1/z + 1/(2z²) + Σ Bₖ / zᵏ⁺¹ for large z.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def _trigamma(x: Any) -> Any:
    # By recurrence to where the asymptotic series has all digits, SciPy's way through the zeta
    # function being twenty times slower; below 1/2 by reflection, ψ₁(x) = π²/sin²(πx) − ψ₁(1 − x).
    x = np.asarray(x)
    low = x < 0.5
    mirrored = low.any()
    z = np.where(low, 1 - x, x) if mirrored else x
    y = np.zeros_like(z)
    for _ in range(10):
        inverse = 1 / z
        y += inverse * inverse
        z = z + 1
    inverse = 1 / z
    square = inverse * inverse
    series = np.full_like(z, _BERNOULLI[-1])
    for coefficient in reversed(_BERNOULLI[:-1]):
        series *= square
        series += coefficient
    y += inverse + square * (inverse * series + 0.5)
    if not mirrored:
        return y
    angle = np.sin(x * math.pi)
    return np.where(low, math.pi**2 / (angle * angle) - y, y)


def _polygamma(x: Any, n: int) -> Any:
    if n == 0:
        return _digamma(x)
    if n == 1:
        return _trigamma(x)
    return _zeta(float(n + 1), x) * (math.factorial(n) * (-1.0) ** (n + 1))


polygamma_of: Operation = define(
    "polygamma",
    in_single_precision(_polygamma),
    params=("n",),
    x=lambda g, x, n: g * polygamma_of(x, n + 1),
    floating=True,
    notation=Notation("polygamma({n}, {x})", r"\operatorname{{polygamma}}\left({n}, {x}\right)"),
    doc="The n-th derivative of the digamma function.",
)


def polygamma(n: int, input: Tensor) -> Tensor:
    """Return the n-th derivative of the digamma function.

    Args:
        n: how many times to differentiate, at least 0.
        input: any shape.

    >>> import chainrule as cr
    >>> cr.polygamma(1, cr.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    if n < 0:
        raise RuntimeError(
            f"polygamma(n, x) does not support negative n, got {n}: it counts derivatives"
        )
    return polygamma_of(input, n)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """Return the multivariate log-gamma function of dimension p, element by element.

    It is log π · p(p − 1)/4 plus the sum of log Γ(x − k/2) over k = 0 … p − 1.

    Args:
        input: any shape; elements above (p − 1) / 2.
        p: the dimension, at least 1.

    >>> import chainrule as cr
    >>> cr.mvlgamma(cr.tensor([3.0]), 2)
    tensor([1.5502])
    """
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}: it is a dimension")
    if input._array.dtype.kind == "b":
        raise NotImplementedError(
            "mvlgamma is not implemented for bool tensors; convert with .float()"
        )
    total = lgamma(input)
    for k in range(1, p):
        total = total + lgamma(input - k / 2)
    return total + math.log(math.pi) * p * (p - 1) / 4


def _density(g: Any, a: Any, b: Any) -> Any:
    """Return g times the density of the gamma distribution of shape a at b."""
    return g * exp((a - 1) * log(b) - b - lgamma(a))


igamma: Operation = define(
    "igamma",
    from_scipy("gammainc"),
    inputs=("a", "b"),
    b=_density,
    floating=True,
    notation=Notation("gammainc({a}, {b})", r"\operatorname{{gammainc}}\left({a}, {b}\right)"),
    doc="""Regularised lower incomplete gamma function, ∫₀ᵇ tᵃ⁻¹ exp(−t) dt / Γ(a).

    It has a gradient for b; the derivative with respect to a has no closed form.

    >>> import chainrule as cr
    >>> cr.igamma(cr.tensor([1.0, 2.0]), cr.tensor([1.0, 1.0]))
    tensor([0.6321, 0.2642])
    """,
)
igammac: Operation = define(
    "igammac",
    from_scipy("gammaincc"),
    inputs=("a", "b"),
    b=lambda g, a, b: -_density(g, a, b),
    floating=True,
    notation=Notation("gammaincc({a}, {b})", r"\operatorname{{gammaincc}}\left({a}, {b}\right)"),
    doc="""Regularised upper incomplete gamma function, 1 − `igamma`.

    It has a gradient for b; the derivative with respect to a has no closed form.

    >>> import chainrule as cr
    >>> cr.igammac(cr.tensor([1.0, 2.0]), cr.tensor([1.0, 1.0]))
    tensor([0.3679, 0.7358])
    """,
)
zeta: Operation = define(
    "zeta",
    _zeta,
    inputs=("a", "b"),
    b=lambda g, a, b: -g * (a * zeta(a + 1, b)),
    floating=True,
    notation=Notation("ζ({a}, {b})", r"\zeta\left({a}, {b}\right)"),
    doc="""Hurwitz zeta function, Σₖ (k + b)⁻ᵃ over k = 0, 1, 2, …

    It has a gradient for b; the derivative with respect to a has no closed form.

    >>> import chainrule as cr
    >>> cr.special.zeta(cr.tensor([2.0]), cr.tensor([1.0]))
    tensor([1.6449])
    """,
)
