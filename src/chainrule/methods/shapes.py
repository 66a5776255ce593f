"""Views and rearrangements as methods of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from chainrule.methods.binding import on_demand
from chainrule.ops import cast, dimensions, inplace, pieces
from chainrule.ops import shape as shapes

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Shapes:
    """Views and rearrangements."""

    __slots__ = ()

    reshape = shapes.reshape
    view = shapes.view
    flatten = shapes.flatten
    unflatten = dimensions.unflatten
    swapaxes = shapes.swapaxes
    swapdims = shapes.transpose
    movedim = moveaxis = dimensions.movedim
    adjoint = dimensions.adjoint
    ravel = shapes.ravel
    t = shapes.t
    permute = shapes.permute
    squeeze = shapes.squeeze
    unsqueeze = shapes.unsqueeze
    expand = shapes.expand
    broadcast_to = shapes.broadcast_to
    split_with_sizes = pieces.split_with_sizes
    chunk = pieces.chunk
    tensor_split = pieces.tensor_split
    hsplit = pieces.hsplit
    vsplit = pieces.vsplit
    dsplit = pieces.dsplit
    unbind = pieces.unbind
    narrow = pieces.narrow
    narrow_copy = pieces.narrow_copy
    select = pieces.select
    diagonal = on_demand("diagonals", "diagonal")
    diag = on_demand("diagonals", "diag")
    diag_embed = on_demand("diagonals", "diag_embed")
    diagflat = on_demand("diagonals", "diagflat")
    tril = on_demand("diagonals", "tril")
    triu = on_demand("diagonals", "triu")
    flip = on_demand("rearrangement", "flip")
    fliplr = on_demand("rearrangement", "fliplr")
    flipud = on_demand("rearrangement", "flipud")
    roll = on_demand("rearrangement", "roll")
    rot90 = on_demand("rearrangement", "rot90")
    unfold = on_demand("rearrangement", "unfold")
    as_strided = on_demand("rearrangement", "as_strided")
    storage_offset = on_demand("rearrangement", "storage_offset")
    repeat = on_demand("repetition", "repeat")
    tile = on_demand("repetition", "tile")
    repeat_interleave = on_demand("repetition", "repeat_interleave")
    kron = on_demand("repetition", "kron")
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

    def split(self: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Cut into pieces of one size, or of given sizes, along a dimension."""
        return pieces.split(self, split_size, dim)

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

    @property
    def H(self: Any) -> Tensor:
        """The adjoint of a matrix: of a real one, its transpose."""
        n = self._array.ndim
        if n not in (0, 2):
            hint = ". For batches of matrices, consider using tensor.mH" if n > 2 else ""
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor.{hint}"
            )
        return shapes.t(self)

    @property
    def mH(self: Any) -> Tensor:
        """The adjoints of the matrices of a batch: of real ones, their transposes."""
        if self._array.ndim < 2:
            raise RuntimeError(
                "tensor.mH is only supported on matrices or batches of matrices. Got "
                f"{self._array.ndim}-D tensor."
            )
        return shapes.transposed(self, -2, -1)

    # --- In place: the same tensor in another shape

    def squeeze_(self: Any, dim: Any = None) -> Tensor:
        """Remove dimensions of size 1 from this tensor."""
        return inplace.rearrange("squeeze_", shapes.squeeze, self, dim)

    def unsqueeze_(self: Any, dim: int) -> Tensor:
        """Insert a dimension of size 1 into this tensor."""
        return inplace.rearrange("unsqueeze_", shapes.unsqueeze, self, dim)

    def t_(self: Any) -> Tensor:
        """Transpose this matrix."""
        return inplace.rearrange("t_", shapes.t, self)

    def transpose_(self: Any, dim0: int, dim1: int) -> Tensor:
        """Swap two dimensions of this tensor.

        >>> import chainrule as cr
        >>> x = cr.zeros(2, 3)
        >>> x.transpose_(0, 1).shape, x.shape
        (chainrule.Size([3, 2]), chainrule.Size([3, 2]))
        """
        return inplace.rearrange("transpose_", shapes.transpose, self, dim0, dim1)

    swapaxes_ = swapdims_ = transpose_

    def resize_(self: Any, *sizes: Any, **options: Any) -> NoReturn:
        """Refuse: memory does not grow or shrink under a tensor."""
        raise RuntimeError(
            f"resize_{tuple(sizes)} is not supported: the memory of a tensor keeps its size, which "
            "its views and the graph rely on. Make a new tensor, with reshape(), cr.empty(...) or "
            "cr.nn.functional.pad(...)"
        )

    def set_(self: Any, *source: Any, **options: Any) -> NoReturn:
        """Refuse: a tensor keeps its memory."""
        raise RuntimeError(
            "set_ is not supported: a tensor keeps its memory. Use copy_() to take over values, or "
            "assign to .data"
        )
