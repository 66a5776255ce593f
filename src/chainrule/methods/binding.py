"""How an operation becomes a method: in place, or imported when it is first called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.ops import creation, inplace
from chainrule.ops import shape as shapes

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def on_demand(family: str, name: str) -> Callable[..., Any]:
    """Return an operation of a family that is imported when the method is first called.

    Args:
        family: the module of `chainrule.ops` that has the operation.
        name: the operation's name there.
    """
    operation: Callable[..., Any] | None = None

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        nonlocal operation
        if operation is None:
            operation = getattr(importlib.import_module(f"chainrule.ops.{family}"), name)
        return operation(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The method form of `chainrule.{name}`."
    return method


def in_place(name: str, operation: Callable[..., Any]) -> Callable[..., Tensor]:
    """Return the in-place form of an operation, a method that changes its tensor."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if kwargs:
            return inplace.change(name, lambda t, *a: operation(t, *a, **kwargs), self, *args)
        return inplace.change(name, operation, self, *args)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of `{name.rstrip('_')}`: changes this tensor and returns it."
    return method


def overwrite(target: Any, source: Any) -> Tensor:
    """Write values into the memory of a tensor."""
    dtype = target._array.dtype
    if isinstance(source, float) and dtype.kind == "f":
        # Not by way of the default dtype, which may have fewer digits.
        given = creation.as_tensor(source, dtype)
    else:
        given = creation.as_tensor(source).to(dtype)
    if given._array.ndim <= target._array.ndim:
        given = shapes.broadcast_to(given, target._array.shape)
    return inplace.replace("copy_", target, given)
