"""Methods that PyTorch's programs use beside the operations: sizes, copies, Python functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from chainrule.methods.binding import in_place, on_demand, overwrite
from chainrule.ops import creation, inplace

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class PythonValues:
    """Methods that PyTorch's programs use beside the operations."""

    __slots__ = ()

    angle = on_demand("real_numbers", "angle")
    conj = on_demand("real_numbers", "conj")
    conj_physical = resolve_conj = resolve_neg = conj
    is_conj = on_demand("real_numbers", "is_conj")
    is_neg = on_demand("real_numbers", "is_neg")
    nextafter = on_demand("real_numbers", "nextafter")
    nextafter_ = in_place("nextafter_", nextafter)
    conj_physical_ = in_place("conj_physical_", conj)
    histogram = on_demand("histograms", "histogram")

    @property
    def real(self: Any) -> Tensor:
        """The real part: the tensor itself."""
        return self  # type: ignore[no-any-return]

    @property
    def imag(self: Any) -> NoReturn:
        """Refused, as in PyTorch: the elements are real."""
        from chainrule.ops.real_numbers import imag

        imag(self)

    @property
    def name(self) -> None:
        """PyTorch's name of a tensor: None."""
        return None

    @property
    def output_nr(self: Any) -> int:
        """Which output of its operation the tensor is: 0, each output has a node of its own."""
        return 0

    def ndimension(self: Any) -> int:
        """Return the number of dimensions."""
        dimensions: int = self._array.ndim
        return dimensions

    def sum_to_size(self: Any, *size: Any) -> Tensor:
        """Return the sum over the dimensions that broadcasting from a shape would add or repeat.

        >>> import chainrule as cr
        >>> cr.ones(2, 3).sum_to_size(3)
        tensor([2., 2., 2.])
        """
        shape = self._array.shape
        given = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
        wanted = tuple(int(n) for n in given)
        extra = len(shape) - len(wanted)
        if extra < 0 or any(
            n not in (1, m) for n, m in zip(wanted, shape[max(extra, 0) :], strict=False)
        ):
            raise RuntimeError(
                f"size {{{list(wanted)}}} is not expandable to size {{{list(shape)}}}: sum_to_size "
                "sums to a shape that this one could be broadcast from"
            )
        summed = [
            d for d, n in enumerate(shape) if d < extra or (wanted[d - extra] == 1 and n != 1)
        ]
        return (self.sum(tuple(summed), True) if summed else self).reshape(wanted)  # type: ignore[no-any-return]

    def new(self: Any, *data: Any) -> Tensor:
        """Return data, or a tensor of given sizes whose values are not set, in this dtype."""
        if all(isinstance(n, int) and not isinstance(n, bool) for n in data):
            return creation.empty(*(data or (0,)), dtype=self._array.dtype)
        return creation.tensor(data[0], self._array.dtype)

    def as_strided_(self: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
        """Let this tensor look at its memory with another shape and other strides.

        >>> import chainrule as cr
        >>> cr.arange(4.0).as_strided_((2, 2), (1, 2))
        tensor([[0., 2.],
                [1., 3.]])
        """
        return inplace.rearrange(
            "as_strided_", lambda t, *a: t.as_strided(*a), self, size, stride, storage_offset
        )

    def resize_as_(self: Any, other: Tensor, **options: Any) -> Tensor:
        """Do nothing if the shapes are equal; refuse otherwise: memory does not grow or shrink."""
        if self._array.shape != other._array.shape:
            self.resize_(*other._array.shape)
        return self  # type: ignore[no-any-return]

    def resize(self: Any, *size: Any) -> Tensor:
        """Return the tensor in another shape of as many elements: PyTorch's older `reshape`."""
        return self.reshape(*size)  # type: ignore[no-any-return]

    def resize_as(self: Any, other: Tensor) -> Tensor:
        """Return the tensor in the shape of another of as many elements."""
        return self.reshape(other._array.shape)  # type: ignore[no-any-return]

    # --- A Python function, element by element

    def apply_(self: Any, callable: Callable[[Any], Any]) -> Tensor:
        """Replace every element by what a Python function makes of it; slow, without gradients.

        >>> import chainrule as cr
        >>> cr.tensor([1.0, 2.0]).apply_(lambda v: v + 1)
        tensor([2., 3.])
        """
        return self._mapped("apply_", callable)  # type: ignore[no-any-return]

    def map_(self: Any, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
        """Replace every element by what a Python function makes of it and another tensor's.

        >>> import chainrule as cr
        >>> cr.tensor([1.0, 2.0]).map_(cr.tensor([10.0, 20.0]), lambda a, b: a + b)
        tensor([11., 22.])
        """
        return self._mapped("map_", callable, tensor)  # type: ignore[no-any-return]

    def map2_(self: Any, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
        """Replace every element by what a Python function makes of it and two other tensors'."""
        return self._mapped("map2_", callable, x, y)  # type: ignore[no-any-return]

    def _mapped(self: Any, name: str, function: Callable[..., Any], *others: Tensor) -> Tensor:
        if self.requires_grad or any(t.requires_grad for t in others):
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() "
                "instead."
            )
        operands = [t.broadcast_to(self._array.shape)._array.reshape(-1) for t in others]
        elements = zip(*(a.tolist() for a in (self._array.reshape(-1), *operands)), strict=True)
        values = creation.tensor([function(*v) for v in elements], self._array.dtype)
        return overwrite(self, values.reshape(self._array.shape))
