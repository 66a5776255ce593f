"""Methods of tensors that PyTorch also has as functions: ``cr.detach(x)`` is ``x.detach()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.ops.comparison import where
from chainrule.ops.creation import as_tensor

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "as_strided_",
    "conj_physical_",
    "detach",
    "detach_",
    "fill",
    "fill_",
    "get_device",
    "index_put_",
    "is_distributed",
    "is_inference",
    "resize_as_",
    "zero_",
]


def conj_physical_(input: Tensor) -> Tensor:
    """Return a tensor of real numbers, which are their own conjugates."""
    return input.conj_physical_()


def detach(input: Tensor) -> Tensor:
    """Return the values outside the graph; memory is shared.

    >>> import chainrule as cr
    >>> cr.detach(cr.tensor(1.0, requires_grad=True)).requires_grad
    False
    """
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """Take a tensor out of the graph that made it."""
    return input.detach_()


def fill(input: Tensor, value: Any) -> Tensor:
    """Return a tensor like ``input`` filled with a number, or with that of a 0-d tensor.

    Gradients flow to the value, and none to ``input``.

    >>> import chainrule as cr
    >>> cr.fill(cr.ones(2), 3)
    tensor([3., 3.])
    """
    given = as_tensor(value, None if hasattr(value, "_array") else input.dtype)
    if given._array.ndim:
        raise RuntimeError(
            "fill only supports a 0-dimensional value tensor but got tensor with "
            f"{given._array.ndim} dimensions."
        )
    everywhere = as_tensor(True)
    return where(everywhere, given.to(input.dtype), input)  # type: ignore[no-any-return]


def fill_(input: Tensor, value: Any) -> Tensor:
    """Set every element of a tensor to a number, and return it."""
    return input.fill_(value)


def zero_(input: Tensor) -> Tensor:
    """Set every element of a tensor to 0, and return it."""
    return input.zero_()


def index_put_(
    input: Tensor, indices: tuple[Any, ...], values: Any, accumulate: bool = False
) -> Tensor:
    """Put values at the places that an index names, and return the changed tensor.

    >>> import chainrule as cr
    >>> cr.index_put_(cr.zeros(3), (cr.tensor([2]),), cr.tensor(1.0))
    tensor([0., 0., 1.])
    """
    changed: Tensor = input.index_put_(indices, values, accumulate)
    return changed


def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Let a tensor look at its memory with another shape and other strides, and return it."""
    changed: Tensor = input.as_strided_(size, stride, storage_offset)
    return changed


def resize_as_(input: Tensor, the_template: Tensor) -> Tensor:
    """Refuse, unless the shape is already that of the other tensor; see `Tensor.resize_as_`."""
    return input.resize_as_(the_template)


def get_device(input: Tensor) -> int:
    """Return PyTorch's number of the device of a tensor on the CPU: −1.

    >>> import chainrule as cr
    >>> cr.get_device(cr.ones(1))
    -1
    """
    return input.get_device()


def is_inference(input: Tensor) -> bool:
    """Tell whether a tensor can never be recorded: none is, also if `inference_mode` made it.

    >>> import chainrule as cr
    >>> cr.is_inference(cr.ones(1))
    False
    """
    return False


def is_distributed(input: Tensor) -> bool:
    """Tell whether a tensor is spread over several processes: never.

    >>> import chainrule as cr
    >>> cr.is_distributed(cr.ones(1))
    False
    """
    return False
