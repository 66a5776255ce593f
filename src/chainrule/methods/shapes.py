"""Views and rearrangements as methods of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.ops import cast, pieces
from chainrule.ops import shape as shapes

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Shapes:
    """Views and rearrangements."""

    __slots__ = ()

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
    split = pieces.split
    chunk = pieces.chunk
    unbind = pieces.unbind
    clone = copy = cast.clone

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
