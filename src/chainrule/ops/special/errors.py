"""The error function and its kin: areas under the bell curve, and their inverses.

Formulas: NIST Digital Library of Mathematical Functions, chapter 7.
"""

from __future__ import annotations

import math

from chainrule.operation import Operation, define
from chainrule.ops.exponential import exp
from chainrule.ops.special.loading import from_scipy
from chainrule.symbol import Notation

SLOPE_AT_0 = 2 / math.sqrt(math.pi)
INVERSE_SLOPE_AT_0 = math.sqrt(math.pi) / 2
DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)

erf: Operation = define(
    "erf",
    from_scipy("erf"),
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
