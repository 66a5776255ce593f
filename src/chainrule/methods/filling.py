"""New values for a tensor, and new tensors like it, as methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.methods.binding import overwrite
from chainrule.ops import creation

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Filling:
    """New values for a tensor, and new tensors like it."""

    __slots__ = ()

    def copy_(self: Any, source: Any) -> Tensor:
        """Take over the values of another tensor, broadcast and converted to this dtype."""
        return overwrite(self, source)

    def fill_(self: Any, value: Any) -> Tensor:
        """Set every element to a number."""
        return overwrite(self, value)

    def zero_(self: Any) -> Tensor:
        """Set every element to 0."""
        return overwrite(self, 0.0 if self._array.dtype.kind == "f" else 0)

    def new_zeros(
        self: Any, *size: Any, dtype: Any = None, requires_grad: Any = False, device: Any = None
    ) -> Tensor:
        """Return zeros of this tensor's dtype."""
        kind = self._array.dtype if dtype is None else dtype
        return creation.zeros(*size, dtype=kind, requires_grad=requires_grad, device=device)

    def new_ones(
        self: Any, *size: Any, dtype: Any = None, requires_grad: Any = False, device: Any = None
    ) -> Tensor:
        """Return ones of this tensor's dtype."""
        kind = self._array.dtype if dtype is None else dtype
        return creation.ones(*size, dtype=kind, requires_grad=requires_grad, device=device)

    def new_empty(
        self: Any, *size: Any, dtype: Any = None, requires_grad: Any = False, device: Any = None
    ) -> Tensor:
        """Return a tensor of this dtype whose values are not set."""
        kind = self._array.dtype if dtype is None else dtype
        return creation.empty(*size, dtype=kind, requires_grad=requires_grad, device=device)

    def new_full(
        self: Any,
        size: Sequence[Any],
        fill_value: Any,
        dtype: Any = None,
        requires_grad: Any = False,
        device: Any = None,
    ) -> Tensor:
        """Return a tensor of this dtype filled with a number."""
        kind = self._array.dtype if dtype is None else dtype
        return creation.full(size, fill_value, kind, requires_grad=requires_grad, device=device)

    def new_tensor(
        self: Any, data: Any, dtype: Any = None, requires_grad: Any = False, device: Any = None
    ) -> Tensor:
        """Return data as a tensor of this dtype."""
        kind = self._array.dtype if dtype is None else dtype
        return creation.tensor(data, kind, requires_grad=requires_grad, device=device)
