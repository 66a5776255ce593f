"""The in-place forms that PyTorch also has as functions: ``cr.abs_(x)`` is ``x.abs_()``."""

from __future__ import annotations

from chainrule.methods.elementwise_in_place import ElementwiseInPlace

__all__ = [
    "abs_",
    "acos_",
    "acosh_",
    "arccos_",
    "arccosh_",
    "arcsin_",
    "arcsinh_",
    "arctan_",
    "arctanh_",
    "asin_",
    "asinh_",
    "atan_",
    "atanh_",
    "ceil_",
    "clamp_",
    "clamp_max_",
    "clamp_min_",
    "clip_",
    "cos_",
    "cosh_",
    "deg2rad_",
    "erf_",
    "erfc_",
    "exp2_",
    "exp_",
    "expm1_",
    "fix_",
    "floor_",
    "frac_",
    "gcd_",
    "i0_",
    "lcm_",
    "ldexp_",
    "log10_",
    "log1p_",
    "log2_",
    "log_",
    "logit_",
    "nan_to_num_",
    "neg_",
    "negative_",
    "rad2deg_",
    "reciprocal_",
    "round_",
    "rsqrt_",
    "sigmoid_",
    "sin_",
    "sinc_",
    "sinh_",
    "sqrt_",
    "square_",
    "tan_",
    "tanh_",
    "trunc_",
    "xlogy_",
]

abs_ = ElementwiseInPlace.abs_
acos_ = ElementwiseInPlace.acos_
acosh_ = ElementwiseInPlace.acosh_
arccos_ = ElementwiseInPlace.arccos_
arccosh_ = ElementwiseInPlace.arccosh_
arcsin_ = ElementwiseInPlace.arcsin_
arcsinh_ = ElementwiseInPlace.arcsinh_
arctan_ = ElementwiseInPlace.arctan_
arctanh_ = ElementwiseInPlace.arctanh_
asin_ = ElementwiseInPlace.asin_
asinh_ = ElementwiseInPlace.asinh_
atan_ = ElementwiseInPlace.atan_
atanh_ = ElementwiseInPlace.atanh_
ceil_ = ElementwiseInPlace.ceil_
clamp_ = ElementwiseInPlace.clamp_
clamp_max_ = ElementwiseInPlace.clamp_max_
clamp_min_ = ElementwiseInPlace.clamp_min_
clip_ = ElementwiseInPlace.clip_
cos_ = ElementwiseInPlace.cos_
cosh_ = ElementwiseInPlace.cosh_
deg2rad_ = ElementwiseInPlace.deg2rad_
erf_ = ElementwiseInPlace.erf_
erfc_ = ElementwiseInPlace.erfc_
exp2_ = ElementwiseInPlace.exp2_
exp_ = ElementwiseInPlace.exp_
expm1_ = ElementwiseInPlace.expm1_
fix_ = ElementwiseInPlace.fix_
floor_ = ElementwiseInPlace.floor_
frac_ = ElementwiseInPlace.frac_
gcd_ = ElementwiseInPlace.gcd_
i0_ = ElementwiseInPlace.i0_
lcm_ = ElementwiseInPlace.lcm_
ldexp_ = ElementwiseInPlace.ldexp_
log10_ = ElementwiseInPlace.log10_
log1p_ = ElementwiseInPlace.log1p_
log2_ = ElementwiseInPlace.log2_
log_ = ElementwiseInPlace.log_
logit_ = ElementwiseInPlace.logit_
nan_to_num_ = ElementwiseInPlace.nan_to_num_
neg_ = ElementwiseInPlace.neg_
negative_ = ElementwiseInPlace.negative_
rad2deg_ = ElementwiseInPlace.rad2deg_
reciprocal_ = ElementwiseInPlace.reciprocal_
round_ = ElementwiseInPlace.round_
rsqrt_ = ElementwiseInPlace.rsqrt_
sigmoid_ = ElementwiseInPlace.sigmoid_
sin_ = ElementwiseInPlace.sin_
sinc_ = ElementwiseInPlace.sinc_
sinh_ = ElementwiseInPlace.sinh_
sqrt_ = ElementwiseInPlace.sqrt_
square_ = ElementwiseInPlace.square_
tan_ = ElementwiseInPlace.tan_
tanh_ = ElementwiseInPlace.tanh_
trunc_ = ElementwiseInPlace.trunc_
xlogy_ = ElementwiseInPlace.xlogy_
