"""Parameters: the tensors that a module learns."""

from __future__ import annotations

from typing import Any

from chainrule.ops.creation import as_tensor, require_grad
from chainrule.tensor import Tensor

__all__ = [
    "Buffer",
    "Parameter",
]


class Parameter(Tensor):
    """A tensor that becomes a parameter of the module it is assigned to.

    Args:
        data: a tensor, whose memory is shared, or anything `cr.as_tensor` takes; empty if None.
        requires_grad: whether gradients are computed for it.

    >>> import chainrule as cr
    >>> cr.nn.Parameter(cr.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        self._array = as_tensor(() if data is None else data)._array
        self._base = None
        self._node = None
        if requires_grad:
            require_grad(self)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that becomes a buffer of the module it is assigned to.

    Args:
        data: a tensor, whose memory is shared, or anything `cr.as_tensor` takes; empty if None.
        persistent: whether it belongs to the module's ``state_dict``.

    >>> import chainrule as cr
    >>> module = cr.nn.Module()
    >>> module.mean = cr.nn.Buffer(cr.zeros(2))
    >>> list(module.state_dict())
    ['mean']
    """

    __slots__ = ()

    persistent: bool

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        self._array = as_tensor(() if data is None else data)._array
        self._base = None
        self._node = None
        self.persistent = persistent
