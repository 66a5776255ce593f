"""Special functions under PyTorch's names: `torch.special`.

>>> import chainrule as cr
>>> cr.special.expit(cr.tensor([0.0]))
tensor([0.5000])
"""

from chainrule.ops.exponential import (
    exp2,
    expm1,
    log1p,
    log_softmax,
    logsumexp,
    sigmoid,
    softmax,
)
from chainrule.ops.rounding import round
from chainrule.ops.special.bessel import (
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
)
from chainrule.ops.special.entropy import entr, logit, xlog1py, xlogy
from chainrule.ops.special.errors import erf, erfc, erfcx, erfinv, log_ndtr, ndtr, ndtri
from chainrule.ops.special.gamma import (
    digamma,
    igamma,
    igammac,
    lgamma,
    mvlgamma,
    polygamma,
    zeta,
)
from chainrule.ops.trigonometric import sinc

expit = sigmoid
gammaln, psi, multigammaln = lgamma, digamma, mvlgamma
gammainc, gammaincc = igamma, igammac
modified_bessel_i0, modified_bessel_i1 = i0, i1

__all__ = [
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
    "zeta",
]
