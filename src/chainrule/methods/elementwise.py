"""Operations that work element by element, as methods of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.methods.binding import on_demand
from chainrule.ops import arithmetic, comparison, exponential, quotients

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Elementwise:
    """Operations that work element by element."""

    __slots__ = ()

    # --- Arithmetic

    add = arithmetic.add
    sub = subtract = arithmetic.sub
    mul = multiply = arithmetic.mul
    div = divide = true_divide = arithmetic.div
    floor_divide = quotients.floor_quotient
    pow = arithmetic.pow
    neg = negative = arithmetic.neg
    abs = absolute = arithmetic.abs
    sign = sgn = arithmetic.sign
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    clamp = clip = arithmetic.clamp
    clamp_min = arithmetic.clamp_min
    clamp_max = arithmetic.clamp_max
    square = exponential.square
    reciprocal = exponential.reciprocal
    addcmul = on_demand("ternary", "addcmul")
    addcdiv = on_demand("ternary", "addcdiv")
    lerp = on_demand("ternary", "lerp")
    float_power = on_demand("ternary", "float_power")
    ldexp = on_demand("ternary", "ldexp")
    frexp = on_demand("ternary", "frexp")
    positive = on_demand("signs", "positive")
    copysign = on_demand("signs", "copysign")
    heaviside = on_demand("signs", "heaviside")
    nan_to_num = on_demand("signs", "nan_to_num")

    # --- Rounding and integers

    floor = on_demand("rounding", "floor")
    ceil = on_demand("rounding", "ceil")
    trunc = fix = on_demand("rounding", "trunc")
    round = on_demand("rounding", "round")
    frac = on_demand("rounding", "frac")
    fmod = quotients.fmod
    remainder = quotients.remainder
    gcd = on_demand("integers", "gcd")
    lcm = on_demand("integers", "lcm")
    bitwise_left_shift = on_demand("integers", "bitwise_left_shift")
    bitwise_right_shift = on_demand("integers", "bitwise_right_shift")

    # --- Comparison, logic and selection

    eq = comparison.eq
    ne = not_equal = comparison.ne
    lt = less = comparison.lt
    le = less_equal = comparison.le
    gt = greater = comparison.gt
    ge = greater_equal = comparison.ge
    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    logical_not = comparison.logical_not
    bitwise_and = comparison.bitwise_and
    bitwise_or = comparison.bitwise_or
    bitwise_xor = comparison.bitwise_xor
    bitwise_not = comparison.bitwise_not
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    isposinf = on_demand("predicates", "isposinf")
    isneginf = on_demand("predicates", "isneginf")
    isreal = on_demand("predicates", "isreal")
    isclose = on_demand("predicates", "isclose")
    allclose = on_demand("predicates", "allclose")
    equal = on_demand("predicates", "equal")
    is_nonzero = on_demand("predicates", "is_nonzero")
    is_complex = on_demand("predicates", "is_complex")
    is_signed = on_demand("predicates", "is_signed")
    is_same_size = on_demand("predicates", "is_same_size")
    signbit = on_demand("signs", "signbit")
    fmax = comparison.fmax
    fmin = comparison.fmin
    masked_fill = comparison.masked_fill

    def where(self: Any, condition: Any, other: Any) -> Tensor:
        """Keep this tensor's values where the condition holds, take the other's elsewhere."""
        chosen: Tensor = comparison.where(condition, self, other)
        return chosen

    # --- Exponentials, logarithms and roots

    exp = exponential.exp
    exp2 = exponential.exp2
    expm1 = exponential.expm1
    log = exponential.log
    log2 = exponential.log2
    log10 = exponential.log10
    log1p = exponential.log1p
    logaddexp = exponential.logaddexp
    logaddexp2 = exponential.logaddexp2
    sqrt = exponential.sqrt
    rsqrt = exponential.rsqrt
    sigmoid = exponential.sigmoid
    tanh = exponential.tanh
    relu = exponential.relu
    softmax = exponential.softmax
    log_softmax = exponential.log_softmax
    logsumexp = exponential.logsumexp

    # --- Trigonometric and hyperbolic functions

    sin = on_demand("trigonometric", "sin")
    cos = on_demand("trigonometric", "cos")
    tan = on_demand("trigonometric", "tan")
    asin = arcsin = on_demand("trigonometric", "asin")
    acos = arccos = on_demand("trigonometric", "acos")
    atan = arctan = on_demand("trigonometric", "atan")
    atan2 = arctan2 = on_demand("trigonometric", "atan2")
    sinh = on_demand("trigonometric", "sinh")
    cosh = on_demand("trigonometric", "cosh")
    asinh = arcsinh = on_demand("trigonometric", "asinh")
    acosh = arccosh = on_demand("trigonometric", "acosh")
    atanh = arctanh = on_demand("trigonometric", "atanh")
    hypot = on_demand("trigonometric", "hypot")
    sinc = on_demand("trigonometric", "sinc")
    deg2rad = on_demand("trigonometric", "deg2rad")
    rad2deg = on_demand("trigonometric", "rad2deg")

    # --- Special functions

    erf = on_demand("special", "erf")
    erfc = on_demand("special", "erfc")
    erfinv = on_demand("special", "erfinv")
    lgamma = on_demand("special", "lgamma")
    digamma = on_demand("special", "digamma")
    mvlgamma = on_demand("special", "mvlgamma")
    igamma = on_demand("special", "igamma")
    igammac = on_demand("special", "igammac")
    i0 = on_demand("special", "i0")
    xlogy = on_demand("special", "xlogy")
    logit = on_demand("special", "logit")

    def polygamma(self: Any, n: int) -> Tensor:
        """Return the n-th derivative of the digamma function of this tensor."""
        from chainrule.ops.special import polygamma

        return polygamma(n, self)
