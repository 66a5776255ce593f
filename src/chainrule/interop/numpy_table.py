"""The table of NumPy's functions that are differentiable here, filled by its neighbours.

Each entry has the signature of the NumPy function it stands for (``out`` is the caller's business)
and returns NotImplemented for arguments that chainrule's operations do not cover.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import dtypes
from chainrule.ops.creation import as_tensor
from chainrule.tensor import Tensor

Function = Callable[..., Any]

FUNCTIONS: dict[Function, Function] = {}
unset: Any = object()


def stands_for(*functions: Function) -> Callable[[Function], Function]:
    """Enter a function into the table."""

    def enter(ours: Function) -> Function:
        for function in functions:
            FUNCTIONS[function] = ours
        return ours

    return enter


def converted(a: Any, dtype: Any) -> Tensor:
    """Return an argument as a tensor, of a dtype if one is given."""
    x = as_tensor(a)
    return x if dtype is None else x.to(dtype)


def as_floats(a: Any, dtype: Any) -> Tensor:
    """Return an argument as a tensor of floats: of the default dtype if it has integers."""
    x = converted(a, dtype)
    return x if x._array.dtype.kind == "f" else x.to(dtypes.get_default_dtype())
