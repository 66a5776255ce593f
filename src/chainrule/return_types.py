"""Named results of the operations that return several tensors, as in `torch.return_types`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def _shown(result: type) -> Any:
    """Let a named tuple print a field a line, as PyTorch's do."""

    def represent(self: Any) -> str:
        fields = ",\n".join(f"{n}={v!r}" for n, v in zip(self._fields, self, strict=True))
        return f"chainrule.return_types.{type(self).__name__}(\n{fields})"

    result.__repr__ = represent  # type: ignore[assignment, method-assign]
    return result


@_shown
class max(NamedTuple):
    """The largest elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class min(NamedTuple):
    """The smallest elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class aminmax(NamedTuple):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor


@_shown
class median(NamedTuple):
    """The medians along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class nanmedian(NamedTuple):
    """The medians along a dimension without its NaNs, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class mode(NamedTuple):
    """The most frequent elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class kthvalue(NamedTuple):
    """The k-th smallest elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class cummax(NamedTuple):
    """The largest elements so far, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class cummin(NamedTuple):
    """The smallest elements so far, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class sort(NamedTuple):
    """The elements in order, and where they were."""

    values: Tensor
    indices: Tensor


@_shown
class topk(NamedTuple):
    """The k largest (or smallest) elements, and where they are."""

    values: Tensor
    indices: Tensor


@_shown
class frexp(NamedTuple):
    """Mantissas and exponents of powers of 2."""

    mantissa: Tensor
    exponent: Tensor
