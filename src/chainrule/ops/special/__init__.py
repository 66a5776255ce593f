"""Special functions, element by element. `chainrule.special` offers those without a name here."""

from chainrule.ops.special.bessel import i0
from chainrule.ops.special.entropy import logit, xlogy
from chainrule.ops.special.errors import erf, erfc, erfinv
from chainrule.ops.special.gamma import digamma, igamma, igammac, lgamma, mvlgamma, polygamma

__all__ = [
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "i0",
    "igamma",
    "igammac",
    "lgamma",
    "logit",
    "mvlgamma",
    "polygamma",
    "xlogy",
]
