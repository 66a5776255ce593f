"""Functions that work element by element, from NumPy, SciPy and their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special, stats


def _polygamma(n: float, x: Any) -> Any:
    return special.polygamma(int(n), x)


def _round_to(x: Any, decimals: float) -> Any:
    return np.round(x, int(decimals))


def _nan_to_num(x: Any, nan: float, posinf: float, neginf: float) -> Any:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def _logit(x: Any, eps: float | None = None) -> Any:
    return special.logit(x if eps is None else np.clip(x, eps, 1 - eps))


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of integers take numbers, which are read as floats."""

    def of_integers(*operands: Any) -> Any:
        arrays = map(np.asarray, operands)
        return function(*(a.astype(np.int64) if a.dtype.kind == "f" else a for a in arrays))

    return of_integers


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arsinh": lambda x: np.log(x + np.sqrt(np.square(x) + 1)),
    "arcosh": lambda x: np.log(x + np.sqrt(np.square(x) - 1)),
    "artanh": lambda x: np.log((1 + x) / (1 - x)) / 2,
    "atan2": np.arctan2,
    "sinc": np.sinc,
    "frac": lambda x: x - np.trunc(x),
    "round": _round_to,
    "remainder": np.remainder,
    "fmod": np.fmod,
    "signbit": np.signbit,
    "copysign": np.copysign,
    "heaviside": np.heaviside,
    "nan_to_num": _nan_to_num,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "isposinf": np.isposinf,
    "isneginf": np.isneginf,
    "isreal": np.isreal,
    "gcd": _whole(np.gcd),
    "lcm": _whole(np.lcm),
    "bitwise_left_shift": _whole(np.left_shift),
    "bitwise_right_shift": _whole(np.right_shift),
    "erf": lambda x: 2 * stats.norm.cdf(math.sqrt(2) * x) - 1,
    "erfc": lambda x: 2 * stats.norm.sf(math.sqrt(2) * x),
    "erfcx": lambda x: np.exp(np.square(x)) * special.erfc(x),
    "erfinv": lambda x: stats.norm.ppf((x + 1) / 2) / math.sqrt(2),
    "Φ": stats.norm.cdf,
    "ndtri": stats.norm.ppf,
    "logΓ": special.gammaln,
    "ψ": special.psi,
    "polygamma": _polygamma,
    "gammainc": lambda a, x: stats.gamma.cdf(x, a),
    "gammaincc": lambda a, x: stats.gamma.sf(x, a),
    "ζ": special.zeta,
    "xlogy": special.xlogy,
    "entr": lambda x: -special.xlogy(x, x),
    "logit": _logit,
    "i0e": lambda x: special.iv(0, x) * np.exp(-np.abs(x)),
    "k0e": lambda x: special.kv(0, x) * np.exp(x),
    "k1e": lambda x: special.kv(1, x) * np.exp(x),
    "i1e": lambda x: special.iv(1, x) * np.exp(-np.abs(x)),
}
# Subscripts are the base of a logarithm and the order of a Bessel function.
ALONG: dict[str, Callable[..., Any]] = {
    "log": lambda x, dims: np.log(x) / math.log(dims[0]),
    "K": lambda x, dims: special.kv(dims[0], x),
    "I": lambda x, dims: special.iv(dims[0], x),
    "J": lambda x, dims: special.jv(dims[0], x),
    "Y": lambda x, dims: special.yv(dims[0], x),
}
