"""The operations as methods of `Tensor`, one line each, for editors, type checkers and readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.operation import Operation
from chainrule.ops import (
    arithmetic,
    cast,
    comparison,
    creation,
    exponential,
    extrema,
    indexing,
    inplace,
    linear_algebra,
    random,
    reductions,
)
from chainrule.ops import shape as shapes
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def _in_place(name: str, operation: Callable[..., Any]) -> Callable[..., Tensor]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if kwargs:
            return inplace.change(name, lambda t, *a: operation(t, *a, **kwargs), self, *args)
        return inplace.change(name, operation, self, *args)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of `{name.rstrip('_')}`: changes this tensor and returns it."
    return method


def _overwrite(target: Any, source: Any) -> Tensor:
    """Write values into the memory of a tensor."""
    given = creation.as_tensor(source).to(target._array.dtype)
    if given._array.ndim <= target._array.ndim:
        given = shapes.broadcast_to(given, target._array.shape)
    return inplace.replace("copy_", target, given)


class Operations:
    """What a tensor can do. `Tensor` inherits from it, and is what ``self`` stands for."""

    __slots__ = ()

    # --- Operators --------------------------------------------------------------------------------

    __add__ = arithmetic.plus
    __sub__ = arithmetic.minus
    __mul__: Operation = arithmetic.times
    __truediv__ = arithmetic.over
    __floordiv__ = arithmetic.floor_quotient
    __pow__ = arithmetic.power
    __matmul__ = linear_algebra.matmul
    __neg__ = arithmetic.neg
    __abs__ = arithmetic.abs
    __invert__ = comparison.bitwise_not
    __and__ = comparison.bitwise_and
    __or__ = comparison.bitwise_or
    __xor__ = comparison.bitwise_xor
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
        return arithmetic.floor_quotient(other, self)

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

    __iadd__ = _in_place("__iadd__", arithmetic.plus)
    __isub__ = _in_place("__isub__", arithmetic.minus)
    __imul__ = _in_place("__imul__", arithmetic.times)
    __itruediv__ = _in_place("__itruediv__", arithmetic.over)
    __ipow__ = _in_place("__ipow__", arithmetic.power)
    __iand__ = _in_place("__iand__", comparison.bitwise_and)
    __ior__ = _in_place("__ior__", comparison.bitwise_or)
    __ixor__ = _in_place("__ixor__", comparison.bitwise_xor)

    def __getitem__(self: Any, index: Any) -> Tensor:
        return indexing.getitem(self, index)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        inplace.setitem(self, index, value)

    # --- Operations -------------------------------------------------------------------------------

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

    sum = reductions.sum
    mean = reductions.mean
    var = reductions.var
    std = reductions.std
    max = extrema.max
    min = extrema.min
    amax = extrema.amax
    amin = extrema.amin
    argmax = extrema.argmax
    argmin = extrema.argmin
    all = reductions.all
    any = reductions.any

    matmul = linear_algebra.matmul
    mm = linear_algebra.mm
    dot = linear_algebra.dot

    reshape = shapes.reshape
    view = shapes.view
    flatten = shapes.flatten
    swapaxes = shapes.transpose
    ravel = shapes.ravel
    t = shapes.t
    permute = shapes.permute
    squeeze = shapes.squeeze
    unsqueeze = shapes.unsqueeze
    expand = shapes.expand
    broadcast_to = shapes.broadcast_to
    split = shapes.split
    chunk = shapes.chunk
    unbind = shapes.unbind
    gather = indexing.gather
    nonzero = indexing.nonzero
    clone = copy = cast.copy

    def transpose(self: Any, *dims: Any, dim0: Any = None, dim1: Any = None) -> Tensor:
        """Swap two dimensions; as NumPy has it, reverse all of them or bring them into an order.

        >>> import chainrule as cr
        >>> x = cr.zeros(2, 3, 4)
        >>> x.transpose(0, 1).shape, x.transpose().shape, x.transpose(0, 2, 1).shape
        (chainrule.Size([3, 2, 4]), chainrule.Size([4, 3, 2]), chainrule.Size([2, 4, 3]))
        """
        dims += tuple(d for d in (dim0, dim1) if d is not None)
        if len(dims) == 2:
            return shapes.transpose(self, *dims)
        return shapes.permute(self, *(dims or range(self._array.ndim - 1, -1, -1)))

    def reshape_as(self: Any, other: Tensor) -> Tensor:
        """Reshape to the shape of another tensor."""
        return shapes.reshape(self, other._array.shape)

    def view_as(self: Any, other: Tensor) -> Tensor:
        """View with the shape of another tensor."""
        return shapes.view(self, other._array.shape)

    def expand_as(self: Any, other: Tensor) -> Tensor:
        """Expand to the shape of another tensor."""
        return shapes.expand(self, other._array.shape)

    @property
    def T(self: Any) -> Tensor:
        """The tensor with its dimensions reversed; for a matrix, its transpose."""
        n = self._array.ndim
        return shapes.t(self) if n <= 2 else shapes.permute(self, *range(n - 1, -1, -1))

    @property
    def mT(self: Any) -> Tensor:
        """The tensor with its last two dimensions swapped."""
        if self._array.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got "
                f"{self._array.ndim}-D tensor."
            )
        return shapes.transposed(self, -2, -1)

    # --- In place ---------------------------------------------------------------------------------

    add_ = _in_place("add_", arithmetic.add)
    sub_ = _in_place("sub_", arithmetic.sub)
    mul_ = _in_place("mul_", arithmetic.mul)
    div_ = _in_place("div_", arithmetic.div)
    pow_ = _in_place("pow_", arithmetic.pow)
    neg_ = _in_place("neg_", arithmetic.neg)
    abs_ = _in_place("abs_", arithmetic.abs)
    exp_ = _in_place("exp_", exponential.exp)
    log_ = _in_place("log_", exponential.log)
    sqrt_ = _in_place("sqrt_", exponential.sqrt)
    sigmoid_ = _in_place("sigmoid_", exponential.sigmoid)
    tanh_ = _in_place("tanh_", exponential.tanh)
    relu_ = _in_place("relu_", exponential.relu)
    clamp_ = _in_place("clamp_", arithmetic.clamp)
    masked_fill_ = _in_place("masked_fill_", comparison.masked_fill)

    def copy_(self: Any, source: Any) -> Tensor:
        """Take over the values of another tensor, broadcast and converted to this dtype."""
        return _overwrite(self, source)

    def fill_(self: Any, value: Any) -> Tensor:
        """Set every element to a number."""
        return _overwrite(self, value)

    def zero_(self: Any) -> Tensor:
        """Set every element to 0."""
        return _overwrite(self, 0.0 if self._array.dtype.kind == "f" else 0)

    def normal_(self: Any, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with normal random numbers."""
        kind = self._array.dtype
        return _overwrite(
            self, random.normal(mean, std, self._array.shape, generator=generator, dtype=kind)
        )

    def uniform_(self: Any, low: Any = 0.0, high: Any = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with uniform random numbers from [low, high)."""
        drawn = random.rand(self._array.shape, generator=generator, dtype=self._array.dtype)
        return _overwrite(self, attach(drawn._array * (high - low) + low, None))

    def new_zeros(self: Any, *size: Any, dtype: Any = None, requires_grad: Any = False) -> Tensor:
        """Return zeros of this tensor's dtype."""
        kind = self._array.dtype if dtype is None else dtype
        return creation.zeros(*size, dtype=kind, requires_grad=requires_grad)

    def new_ones(self: Any, *size: Any, dtype: Any = None, requires_grad: Any = False) -> Tensor:
        """Return ones of this tensor's dtype."""
        kind = self._array.dtype if dtype is None else dtype
        return creation.ones(*size, dtype=kind, requires_grad=requires_grad)

    def new_full(self: Any, size: Sequence[Any], fill_value: Any, dtype: Any = None) -> Tensor:
        """Return a tensor of this dtype filled with a number."""
        return creation.full(size, fill_value, self._array.dtype if dtype is None else dtype)

    def new_tensor(self: Any, data: Any, dtype: Any = None) -> Tensor:
        """Return data as a tensor of this dtype."""
        return creation.tensor(data, self._array.dtype if dtype is None else dtype)
