"""Operations that work element by element, in place, as methods of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import dtypes
from chainrule.methods.binding import in_place
from chainrule.methods.elementwise import Elementwise

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class ElementwiseInPlace:
    """Operations that work element by element and change their tensor."""

    __slots__ = ()

    # --- Arithmetic

    add_ = in_place("add_", Elementwise.add)
    sub_ = subtract_ = in_place("sub_", Elementwise.sub)
    mul_ = multiply_ = in_place("mul_", Elementwise.mul)
    div_ = divide_ = true_divide_ = in_place("div_", Elementwise.div)
    floor_divide_ = in_place("floor_divide_", Elementwise.floor_divide)
    pow_ = in_place("pow_", Elementwise.pow)
    neg_ = negative_ = in_place("neg_", Elementwise.neg)
    abs_ = absolute_ = in_place("abs_", Elementwise.abs)
    sign_ = sgn_ = in_place("sign_", Elementwise.sign)
    clamp_ = clip_ = in_place("clamp_", Elementwise.clamp)
    clamp_min_ = in_place("clamp_min_", Elementwise.clamp_min)
    clamp_max_ = in_place("clamp_max_", Elementwise.clamp_max)
    square_ = in_place("square_", Elementwise.square)
    reciprocal_ = in_place("reciprocal_", Elementwise.reciprocal)
    addcmul_ = in_place("addcmul_", Elementwise.addcmul)
    addcdiv_ = in_place("addcdiv_", Elementwise.addcdiv)
    lerp_ = in_place("lerp_", Elementwise.lerp)
    ldexp_ = in_place("ldexp_", Elementwise.ldexp)
    copysign_ = in_place("copysign_", Elementwise.copysign)
    heaviside_ = in_place("heaviside_", Elementwise.heaviside)
    nan_to_num_ = in_place("nan_to_num_", Elementwise.nan_to_num)

    def float_power_(self: Any, exponent: Any) -> Tensor:
        """In-place form of `float_power`: changes this float64 tensor and returns it."""
        if self._array.dtype != dtypes.float64:
            raise RuntimeError(
                f"the base given to float_power_ has dtype {self._array.dtype} but the operation's "
                "result requires dtype float64: convert it with .double(), or use float_power"
            )
        return self.pow_(exponent)  # type: ignore[no-any-return]

    # --- Rounding and integers

    floor_ = in_place("floor_", Elementwise.floor)
    ceil_ = in_place("ceil_", Elementwise.ceil)
    trunc_ = fix_ = in_place("trunc_", Elementwise.trunc)
    round_ = in_place("round_", Elementwise.round)
    frac_ = in_place("frac_", Elementwise.frac)
    fmod_ = in_place("fmod_", Elementwise.fmod)
    remainder_ = in_place("remainder_", Elementwise.remainder)
    gcd_ = in_place("gcd_", Elementwise.gcd)
    lcm_ = in_place("lcm_", Elementwise.lcm)
    bitwise_left_shift_ = in_place("bitwise_left_shift_", Elementwise.bitwise_left_shift)
    bitwise_right_shift_ = in_place("bitwise_right_shift_", Elementwise.bitwise_right_shift)

    # --- Comparison, logic and selection

    eq_ = in_place("eq_", Elementwise.eq)
    ne_ = not_equal_ = in_place("ne_", Elementwise.ne)
    lt_ = less_ = in_place("lt_", Elementwise.lt)
    le_ = less_equal_ = in_place("le_", Elementwise.le)
    gt_ = greater_ = in_place("gt_", Elementwise.gt)
    ge_ = greater_equal_ = in_place("ge_", Elementwise.ge)
    logical_and_ = in_place("logical_and_", Elementwise.logical_and)
    logical_or_ = in_place("logical_or_", Elementwise.logical_or)
    logical_xor_ = in_place("logical_xor_", Elementwise.logical_xor)
    logical_not_ = in_place("logical_not_", Elementwise.logical_not)
    bitwise_and_ = in_place("bitwise_and_", Elementwise.bitwise_and)
    bitwise_or_ = in_place("bitwise_or_", Elementwise.bitwise_or)
    bitwise_xor_ = in_place("bitwise_xor_", Elementwise.bitwise_xor)
    bitwise_not_ = in_place("bitwise_not_", Elementwise.bitwise_not)
    masked_fill_ = in_place("masked_fill_", Elementwise.masked_fill)

    # --- Exponentials, logarithms and roots

    exp_ = in_place("exp_", Elementwise.exp)
    exp2_ = in_place("exp2_", Elementwise.exp2)
    expm1_ = in_place("expm1_", Elementwise.expm1)
    log_ = in_place("log_", Elementwise.log)
    log2_ = in_place("log2_", Elementwise.log2)
    log10_ = in_place("log10_", Elementwise.log10)
    log1p_ = in_place("log1p_", Elementwise.log1p)
    sqrt_ = in_place("sqrt_", Elementwise.sqrt)
    rsqrt_ = in_place("rsqrt_", Elementwise.rsqrt)
    sigmoid_ = in_place("sigmoid_", Elementwise.sigmoid)
    tanh_ = in_place("tanh_", Elementwise.tanh)
    relu_ = in_place("relu_", Elementwise.relu)

    # --- Trigonometric and hyperbolic functions

    sin_ = in_place("sin_", Elementwise.sin)
    cos_ = in_place("cos_", Elementwise.cos)
    tan_ = in_place("tan_", Elementwise.tan)
    asin_ = arcsin_ = in_place("asin_", Elementwise.asin)
    acos_ = arccos_ = in_place("acos_", Elementwise.acos)
    atan_ = arctan_ = in_place("atan_", Elementwise.atan)
    atan2_ = arctan2_ = in_place("atan2_", Elementwise.atan2)
    sinh_ = in_place("sinh_", Elementwise.sinh)
    cosh_ = in_place("cosh_", Elementwise.cosh)
    asinh_ = arcsinh_ = in_place("asinh_", Elementwise.asinh)
    acosh_ = arccosh_ = in_place("acosh_", Elementwise.acosh)
    atanh_ = arctanh_ = in_place("atanh_", Elementwise.atanh)
    hypot_ = in_place("hypot_", Elementwise.hypot)
    sinc_ = in_place("sinc_", Elementwise.sinc)
    deg2rad_ = in_place("deg2rad_", Elementwise.deg2rad)
    rad2deg_ = in_place("rad2deg_", Elementwise.rad2deg)

    # --- Special functions

    erf_ = in_place("erf_", Elementwise.erf)
    erfc_ = in_place("erfc_", Elementwise.erfc)
    erfinv_ = in_place("erfinv_", Elementwise.erfinv)
    lgamma_ = in_place("lgamma_", Elementwise.lgamma)
    digamma_ = in_place("digamma_", Elementwise.digamma)
    polygamma_ = in_place("polygamma_", Elementwise.polygamma)
    mvlgamma_ = in_place("mvlgamma_", Elementwise.mvlgamma)
    igamma_ = in_place("igamma_", Elementwise.igamma)
    igammac_ = in_place("igammac_", Elementwise.igammac)
    i0_ = in_place("i0_", Elementwise.i0)
    xlogy_ = in_place("xlogy_", Elementwise.xlogy)
    logit_ = in_place("logit_", Elementwise.logit)
