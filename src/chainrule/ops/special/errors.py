"""The error function and its kin: areas under the bell curve, and their inverses.

Formulas: NIST Digital Library of Mathematical Functions, chapter 7.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.blocks import blocks_of
from chainrule.ops.exponential import exp
from chainrule.ops.special.loading import from_scipy
from chainrule.symbol import Notation

SLOPE_AT_0 = 2 / math.sqrt(math.pi)
INVERSE_SLOPE_AT_0 = math.sqrt(math.pi) / 2
DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)

# erf(x) / x = P(x²) / Q(x²) for |x| ≤ 4, beyond which erf(x) is ±1 in float32: coefficients,
# highest first, fitted with a relative error of 3e-8. The steps are in double precision, so that a
# float32 is right to 0.8 units in the last place, at half the time that SciPy takes.
_NUMERATOR = (0.05310279293, 7.603040326, 103.7151087, 1418.661625, 5170.113509, 30148.32017)
_DENOMINATOR = (1.0, 31.66804775, 406.2280982, 3081.523223, 13487.95768, 26718.25375)
_MANY = 4096

_exact_erf = from_scipy("erf")


def _erf(x: Any) -> Any:
    if x.dtype != np.float32 or x.size < _MANY:
        return _exact_erf(x)
    y = np.empty(x.shape, x.dtype)
    if not x.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    values, results = x.reshape(-1), y.reshape(-1)
    for block in blocks_of(x.size, 2):
        z = np.minimum(values[block], 4)
        z = np.maximum(z, -4, out=z).astype(np.float64)
        square = z * z
        p, q = square * _NUMERATOR[0], square + _DENOMINATOR[1]
        for c in _NUMERATOR[1:-1]:
            p += c
            p *= square
        p += _NUMERATOR[-1]
        for c in _DENOMINATOR[2:]:
            q *= square
            q += c
        p *= z
        np.divide(p, q, out=results[block], casting="same_kind")
    return y


erf: Operation = define(
    "erf",
    _erf,
    x=lambda g, x: g * (exp(-(x * x)) * SLOPE_AT_0),
    floating=True,
    doc="""Error function, 2/√π · ∫₀ˣ exp(−t²) dt.

    >>> import chainrule as cr
    >>> cr.erf(cr.tensor([0.0, 0.5, -1.0]))
    tensor([ 0.0000,  0.5205, -0.8427])
    """,
)
erfc: Operation = define(
    "erfc",
    from_scipy("erfc"),
    x=lambda g, x: -g * (exp(-(x * x)) * SLOPE_AT_0),
    floating=True,
    doc="""Complementary error function, 1 − erf(x), exact far above 0.

    >>> import chainrule as cr
    >>> cr.erfc(cr.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """,
)
erfcx: Operation = define(
    "erfcx",
    from_scipy("erfcx"),
    x=lambda g, x, y: g * (2 * x * y - SLOPE_AT_0),
    floating=True,
    doc="""Scaled complementary error function, exp(x²) · erfc(x).

    >>> import chainrule as cr
    >>> cr.special.erfcx(cr.tensor([0.0, 10.0]))
    tensor([1.0000, 0.0561])
    """,
)
erfinv: Operation = define(
    "erfinv",
    from_scipy("erfinv"),
    x=lambda g, y: g * (exp(y * y) * INVERSE_SLOPE_AT_0),
    floating=True,
    doc="""Inverse of the error function on [−1, 1]; NaN outside.

    >>> import chainrule as cr
    >>> cr.erfinv(cr.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """,
)
ndtr: Operation = define(
    "ndtr",
    from_scipy("ndtr"),
    x=lambda g, x: g * (exp(x * x * -0.5) * DENSITY_AT_0),
    floating=True,
    notation=Notation("Φ({x})", r"\Phi\left({x}\right)"),
    doc="""Distribution function of the standard normal, Φ(x).

    >>> import chainrule as cr
    >>> cr.special.ndtr(cr.tensor([0.0, 1.96]))
    tensor([0.5000, 0.9750])
    """,
)
ndtri: Operation = define(
    "ndtri",
    from_scipy("ndtri"),
    x=lambda g, y: g * (exp(y * y * 0.5) * math.sqrt(2 * math.pi)),
    floating=True,
    doc="""Quantile of the standard normal: the inverse of `ndtr`.

    >>> import chainrule as cr
    >>> cr.special.ndtri(cr.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """,
)
log_ndtr: Operation = define(
    "log_ndtr",
    from_scipy("log_ndtr"),
    # The hazard of the normal, φ(x) / Φ(x), without underflow far below 0.
    x=lambda g, x: g / erfcx(x * (-1 / math.sqrt(2))) * math.sqrt(2 / math.pi),
    floating=True,
    notation=Notation("log(Φ({x}))", r"\log\left(\Phi\left({x}\right)\right)"),
    doc="""Logarithm of `ndtr`, exact also where that underflows.

    >>> import chainrule as cr
    >>> cr.special.log_ndtr(cr.tensor([0.0, -10.0]))
    tensor([ -0.6931, -53.2313])
    """,
)
