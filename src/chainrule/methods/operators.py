"""Python's operators on tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.methods.binding import in_place, on_demand
from chainrule.operation import Operation
from chainrule.ops import arithmetic, comparison, indexing, inplace, linear_algebra, quotients

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Operators:
    """Python's operators."""

    __slots__ = ()

    __add__ = arithmetic.plus
    __sub__ = arithmetic.minus
    __mul__: Operation = arithmetic.times
    __truediv__ = arithmetic.over
    __floordiv__ = quotients.floor_quotient
    __mod__ = quotients.remainder
    __pow__ = arithmetic.power
    __matmul__ = linear_algebra.matmul
    __neg__ = arithmetic.neg
    __abs__ = arithmetic.abs
    __invert__ = comparison.bitwise_not
    __and__ = comparison.bitwise_and
    __or__ = comparison.bitwise_or
    __xor__ = comparison.bitwise_xor
    __lshift__ = on_demand("integers", "bitwise_left_shift")
    __rshift__ = on_demand("integers", "bitwise_right_shift")
    __lt__ = comparison.lt
    __le__ = comparison.le
    __gt__ = comparison.gt
    __ge__ = comparison.ge

    def __eq__(self: Any, other: Any) -> Any:
        return NotImplemented if other is None else comparison.eq(self, other)

    def __ne__(self: Any, other: Any) -> Any:
        return NotImplemented if other is None else comparison.ne(self, other)

    def __pos__(self: Any) -> Any:
        return self

    def __radd__(self: Any, other: Any) -> Tensor:
        return arithmetic.plus(other, self)

    def __rsub__(self: Any, other: Any) -> Tensor:
        return arithmetic.minus(other, self)

    def __rmul__(self: Any, other: Any) -> Tensor:
        return arithmetic.times(other, self)

    def __rtruediv__(self: Any, other: Any) -> Tensor:
        return arithmetic.over(other, self)

    def __rfloordiv__(self: Any, other: Any) -> Tensor:
        return quotients.floor_quotient(other, self)

    def __rmod__(self: Any, other: Any) -> Tensor:
        return quotients.remainder(other, self)

    def __rpow__(self: Any, other: Any) -> Tensor:
        return arithmetic.power(other, self)

    def __rmatmul__(self: Any, other: Any) -> Tensor:
        return linear_algebra.matmul(other, self)

    def __rand__(self: Any, other: Any) -> Tensor:
        return comparison.bitwise_and(other, self)

    def __ror__(self: Any, other: Any) -> Tensor:
        return comparison.bitwise_or(other, self)

    def __rxor__(self: Any, other: Any) -> Tensor:
        return comparison.bitwise_xor(other, self)

    def __rlshift__(self: Any, other: Any) -> Tensor:
        from chainrule.ops.integers import bitwise_left_shift

        return bitwise_left_shift(other, self)

    def __rrshift__(self: Any, other: Any) -> Tensor:
        from chainrule.ops.integers import bitwise_right_shift

        return bitwise_right_shift(other, self)

    __iadd__ = in_place("__iadd__", arithmetic.plus)
    __isub__ = in_place("__isub__", arithmetic.minus)
    __imul__ = in_place("__imul__", arithmetic.times)
    __itruediv__ = in_place("__itruediv__", arithmetic.over)
    __ifloordiv__ = in_place("__ifloordiv__", quotients.floor_quotient)
    __imod__ = in_place("__imod__", __mod__)
    __ipow__ = in_place("__ipow__", arithmetic.power)
    __iand__ = in_place("__iand__", comparison.bitwise_and)
    __ior__ = in_place("__ior__", comparison.bitwise_or)
    __ixor__ = in_place("__ixor__", comparison.bitwise_xor)
    __ilshift__ = in_place("__ilshift__", __lshift__)
    __irshift__ = in_place("__irshift__", __rshift__)

    def __getitem__(self: Any, index: Any) -> Tensor:
        return indexing.getitem(self, index)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        inplace.setitem(self, index, value)
