"""Operations that work element by element, as methods of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.methods.binding import in_place
from chainrule.ops import arithmetic, comparison, exponential

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Elementwise:
    """Operations that work element by element."""

    __slots__ = ()

    add = arithmetic.add
    sub = subtract = arithmetic.sub
    mul = multiply = arithmetic.mul
    div = divide = true_divide = arithmetic.div
    floor_divide = arithmetic.floor_quotient
    pow = arithmetic.pow
    neg = negative = arithmetic.neg
    abs = absolute = arithmetic.abs
    sign = arithmetic.sign
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    clamp = clip = arithmetic.clamp
    clamp_min = arithmetic.clamp_min
    clamp_max = arithmetic.clamp_max

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
    masked_fill = comparison.masked_fill

    def where(self: Any, condition: Any, other: Any) -> Tensor:
        """Keep this tensor's values where the condition holds, take the other's elsewhere."""
        chosen: Tensor = comparison.where(condition, self, other)
        return chosen

    exp = exponential.exp
    log = exponential.log
    sqrt = exponential.sqrt
    sigmoid = exponential.sigmoid
    tanh = exponential.tanh
    relu = exponential.relu
    softmax = exponential.softmax
    log_softmax = exponential.log_softmax
    logsumexp = exponential.logsumexp

    # --- In place

    add_ = in_place("add_", arithmetic.add)
    sub_ = in_place("sub_", arithmetic.sub)
    mul_ = in_place("mul_", arithmetic.mul)
    div_ = in_place("div_", arithmetic.div)
    pow_ = in_place("pow_", arithmetic.pow)
    neg_ = in_place("neg_", arithmetic.neg)
    abs_ = in_place("abs_", arithmetic.abs)
    exp_ = in_place("exp_", exponential.exp)
    log_ = in_place("log_", exponential.log)
    sqrt_ = in_place("sqrt_", exponential.sqrt)
    sigmoid_ = in_place("sigmoid_", exponential.sigmoid)
    tanh_ = in_place("tanh_", exponential.tanh)
    relu_ = in_place("relu_", exponential.relu)
    clamp_ = in_place("clamp_", arithmetic.clamp)
    masked_fill_ = in_place("masked_fill_", comparison.masked_fill)
