"""Parameters: the tensors that a module learns."""

from __future__ import annotations

from typing import Any

from chainrule import dtypes
from chainrule.ops.creation import as_tensor, check_device, empty, require_grad, zeros
from chainrule.tensor import Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
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


class _Uninitialized:
    """What tensors have in common whose shape is not known yet."""

    __slots__ = ()

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary parameter or buffer of a shape, with any values.

        Args:
            shape: the sizes.
            device: only the CPU.
            dtype: the dtype; the one it was made with, if None.
        """
        _materialize(self, shape, device, dtype)

    @property
    def shape(self) -> Any:
        """Refuse: the shape is not known."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape a lazy module learns from its first input.

    Args:
        requires_grad: whether gradients are computed for it.
        device: only the CPU.
        dtype: the dtype it will have.

    >>> import chainrule as cr
    >>> w = cr.nn.UninitializedParameter()
    >>> w
    <UninitializedParameter>
    >>> w.materialize((2, 3))
    >>> w.shape
    chainrule.Size([2, 3])
    """

    __slots__ = ()
    _becomes = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        check_device(device)
        super().__init__(zeros(0, dtype=dtype), requires_grad)


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer whose shape a lazy module learns from its first input.

    Args:
        requires_grad: whether gradients are computed for it.
        device: only the CPU.
        dtype: the dtype it will have.
        persistent: whether it belongs to the module's ``state_dict``.

    >>> import chainrule as cr
    >>> mean = cr.nn.UninitializedBuffer()
    >>> mean.materialize((2,))
    >>> mean.shape
    chainrule.Size([2])
    """

    __slots__ = ()
    _becomes = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        check_device(device)
        super().__init__(zeros(0, dtype=dtype), persistent=persistent)
        if requires_grad:
            require_grad(self)


def _materialize(tensor: Any, shape: Any, device: Any, dtype: Any) -> None:
    check_device(device)
    kind = tensor._array.dtype if dtype is None else dtypes.as_dtype(dtype)
    requires_grad = tensor.requires_grad
    tensor.__class__ = tensor._becomes
    tensor._node = None
    tensor._array = empty(tuple(shape), dtype=kind)._array
    if requires_grad:
        require_grad(tensor)


def is_lazy(value: Any) -> bool:
    """Return whether a value is a parameter or buffer whose shape is not known yet.

    >>> is_lazy(Parameter()), is_lazy(UninitializedParameter())
    (False, True)
    """
    return isinstance(value, _Uninitialized)
