"""Special functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import SPECIAL, Index, Operation, Sample, uniform
from tests.ops.samples.elementwise import (
    binary,
    binary_samples,
    unary_samples,
)


def special(
    name: str,
    *,
    kinks: Iterable[float] = (),
    ulps: int = 8,
    theirs: Any = None,
    summing: bool = False,
    **domain: float,
) -> Operation:
    """Describe a function of one operand, by its name in ``special`` or at the top."""
    ours = getattr(cr.special, name, None) or getattr(cr, name)
    reference = theirs or getattr(torch.special, name, None) or getattr(torch, name)
    method = name if hasattr(torch.Tensor, name) else None
    samples = unary_samples(kinks=kinks, **domain)
    return Operation(name, ours, reference, samples, method, ulps=ulps, summing=summing)


def with_special_values(described: Operation, chosen: Any) -> Operation:
    """Try other special values than those that every function is tried on."""
    samples = tuple(
        replace(s, args=(chosen,)) if s.name == "special values" else s for s in described.samples
    )
    return replace(described, samples=samples)


def with_derivative(
    function: Callable[..., Any], derivative: Callable[..., Any]
) -> Callable[..., Any]:
    """Give a function of PyTorch that is constant to its autograd a derivative."""

    class Differentiable(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return function(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * derivative(x)

    return Differentiable.apply


def bessel(
    name: str, derivative: Callable[..., Any], low: float = -1.8, kinks: Iterable[float] = ()
) -> Operation:
    """Describe a function that PyTorch knows to the last digits below 2 only, and as a constant."""
    theirs = with_derivative(getattr(torch.special, name), derivative)
    described = special(name, theirs=theirs, low=low, high=1.8, kinks=kinks, ulps=64)
    return with_special_values(described, SPECIAL[~(np.abs(SPECIAL) > 2) | np.isinf(SPECIAL)])


def trigamma(x: Any) -> Any:
    """Return PyTorch's trigamma from its zeta function: its own is right to nine digits only."""
    return torch.special.zeta(2.0, x)


_J0, _J1 = torch.special.bessel_j0, torch.special.bessel_j1
_K0, _K1 = torch.special.modified_bessel_k0, torch.special.modified_bessel_k1
_K0E, _K1E = torch.special.scaled_modified_bessel_k0, torch.special.scaled_modified_bessel_k1
_Y0, _Y1 = torch.special.bessel_y0, torch.special.bessel_y1

ERRORS = (
    special("erf"),
    special("erfc"),
    special("erfcx", ulps=16),
    special("erfinv", low=-0.9, high=0.9, kinks=(1.0, -1.0)),
    special("ndtr", ulps=32),
    special("ndtri", low=0.05, high=0.95, kinks=(0.0, 1.0)),
    # Far below 0, where the slope is −x, PyTorch has it to eleven digits, and NaN at −∞.
    with_special_values(special("log_ndtr", ulps=32), SPECIAL[~(SPECIAL < -100)]),
)

_digamma = with_derivative(torch.digamma, trigamma)
_POLYGAMMA = {
    0: _digamma,
    1: trigamma,
    2: lambda x: torch.polygamma(2, x),
    3: lambda x: torch.polygamma(3, x),
}

GAMMA = (
    special("lgamma", low=0.3, high=4.0, summing=True),
    special("gammaln", low=0.3, high=4.0, summing=True),
    *(
        with_special_values(
            special(name, low=0.3, high=4.0, summing=True, theirs=_digamma),
            np.array([np.nan, 1.0, 0.5, 1e-300, 700.0]),
        )
        for name in ("digamma", "psi")
    ),
    *(
        Operation(
            f"polygamma of {n}",
            lambda x, n=n: cr.polygamma(n, x),
            theirs,
            unary_samples(low=0.6, high=4.0)[:-1],
            ulps=16,
            summing=True,
        )
        for n, theirs in _POLYGAMMA.items()
    ),
    *(
        Operation(
            name,
            ours,
            theirs,
            (
                Sample("matrix", (uniform(2, 3, low=1.6, high=4.0), 3)),
                Sample("0-d", (np.array(2.3), 2)),
                Sample("dimension 1", (uniform(3, low=0.6, high=4.0), 1)),
                Sample("empty", (np.zeros((0, 2)), 2)),
                Sample("dimension 0", (uniform(3), 0)),
            ),
            method="mvlgamma" if name == "mvlgamma" else None,
            ulps=16,
            summing=True,
        )
        for name, ours, theirs in (
            ("mvlgamma", cr.mvlgamma, torch.mvlgamma),
            ("multigammaln", cr.special.multigammaln, torch.special.multigammaln),
        )
    ),
    *(
        Operation(
            name,
            ours,
            theirs,
            (
                Sample(
                    "matrix",
                    (Index(uniform(2, 3, low=0.5, high=3.0)), uniform(2, 3, low=0.4, high=4.0)),
                ),
                Sample(
                    "broadcast",
                    (Index(uniform(2, 1, low=0.5, high=3.0)), uniform(3, low=0.4, high=4.0)),
                ),
                Sample("0-d", (Index(np.array(1.5)), np.array(0.7))),
                Sample("empty", (Index(np.zeros((0, 2))), np.zeros((0, 2)))),
                Sample(
                    "at the limits",
                    (Index(np.array([1.0, 2.0, 0.0, 1.0])), np.array([0.0, np.inf, 1.0, np.nan])),
                    smooth=False,
                ),
            ),
            method=name if name.startswith("igamma") else None,
            ulps=64,
        )
        for name, ours, theirs in (
            ("igamma", cr.igamma, torch.igamma),
            ("igammac", cr.igammac, torch.igammac),
            ("gammainc", cr.special.gammainc, torch.special.gammainc),
            ("gammaincc", cr.special.gammaincc, torch.special.gammaincc),
        )
    ),
    Operation(
        "zeta",
        cr.special.zeta,
        torch.special.zeta,
        (
            Sample(
                "matrix",
                (Index(uniform(2, 3, low=1.5, high=4.0)), uniform(2, 3, low=0.4, high=4.0)),
            ),
            Sample(
                "broadcast",
                (Index(uniform(2, 1, low=1.5, high=4.0)), uniform(3, low=0.4, high=4.0)),
            ),
            Sample("number", (2.5, uniform(3, low=0.4, high=4.0))),
            Sample("0-d", (Index(np.array(2.5)), np.array(0.7))),
            Sample("empty", (Index(np.zeros((0, 2))), np.zeros((0, 2)))),
        ),
        ulps=16,
    ),
)


BESSEL = (
    special("i0", kinks=(0.0, -0.0)),
    special("i0e", kinks=(0.0, -0.0), ulps=16, summing=True),
    # PyTorch takes the slope at NaN for that at 0.
    with_special_values(special("i1", kinks=(0.0, -0.0), ulps=16), SPECIAL[1:]),
    with_special_values(special("i1e", kinks=(0.0, -0.0), ulps=16, summing=True), SPECIAL[1:]),
    bessel("bessel_j0", lambda x: -_J1(x)),
    bessel("bessel_j1", lambda x: torch.where(x == 0, 0.5, _J0(x) - _J1(x) / x), kinks=(0.0, -0.0)),
    bessel("modified_bessel_k0", lambda x: -_K1(x), low=0.5),
    bessel("modified_bessel_k1", lambda x: -_K0(x) - _K1(x) / x, low=0.5),
    bessel("scaled_modified_bessel_k0", lambda x: _K0E(x) - _K1E(x), low=0.5),
    bessel("scaled_modified_bessel_k1", lambda x: _K1E(x) - _K0E(x) - _K1E(x) / x, low=0.5),
    bessel("bessel_y0", lambda x: -_Y1(x), low=0.5),
    bessel("bessel_y1", lambda x: _Y0(x) - _Y1(x) / x, low=0.5),
)

ENTROPY = (
    binary(
        "xlogy",
        cr.xlogy,
        torch.xlogy,
        binary_samples(low=0.2, high=2.5),
        "xlogy",
    ),
    binary(
        "xlog1py",
        cr.special.xlog1py,
        torch.special.xlog1py,
        binary_samples(low=-0.5, high=2.5),
    ),
    special("entr", low=0.1, high=2.0, kinks=(0.0, -0.0)),
    with_special_values(
        special("logit", low=0.1, high=0.9, kinks=(0.0, 1.0, 0.5)),
        SPECIAL[~((SPECIAL == 0) & np.signbit(SPECIAL))],
    ),
    Operation(
        "logit with eps",
        lambda x: cr.logit(x, eps=0.2),
        lambda x: torch.logit(x, eps=0.2),
        unary_samples(low=0.3, high=0.6, kinks=(0.2, 0.8, 0.0, 1.0)),
        ulps=8,
    ),
    special("expit"),
)

# The names of PyTorch's namespace for functions that are described elsewhere.
NAMES = tuple(
    Operation(
        f"special.{name}",
        getattr(cr.special, name),
        getattr(torch.special, name),
        (Sample("vector", (np.array([0.3, 0.6, 0.8]), *arguments)),),
        ulps=8,
        summing=True,
    )
    for name, arguments in (
        ("erf", ()),
        ("exp2", ()),
        ("expm1", ()),
        ("log1p", ()),
        ("sinc", ()),
        ("round", ()),
        ("softmax", (0,)),
        ("log_softmax", (0,)),
        ("logsumexp", (0,)),
        ("i0", ()),
        ("logit", ()),
        ("xlogy", (0.5,)),
    )
)

OPERATIONS = (*ERRORS, *GAMMA, *BESSEL, *ENTROPY, *NAMES)
