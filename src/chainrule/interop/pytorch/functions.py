"""Which of our functions stands for one of PyTorch's."""

from __future__ import annotations

import builtins
import importlib
import operator
from collections.abc import Callable
from typing import Any

# Where PyTorch's functions say they live, and where ours of the same name do.
_PLACES = (
    ("torch._C._nn", "chainrule.nn.functional", ""),
    ("torch.nn.functional", "chainrule.nn.functional", ""),
    ("torch.nn.init", "chainrule.nn.init", ""),
    ("torch._C._linalg", "chainrule.linalg", "linalg_"),
    ("torch._C._special", "chainrule.special", "special_"),
    ("torch", "chainrule", ""),
)


def function_like(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return our function of the same name, or raise a TypeError that names it.

    Functions of Python itself, such as ``operator.add``, are their own.
    """
    module = getattr(function, "__module__", None) or ""
    name: str = getattr(function, "__name__", repr(function))
    if module in (operator.__name__, "_operator", builtins.__name__, "math"):
        return function
    for start, ours, prefix in _PLACES:
        if module == start or module.startswith(f"{start}."):
            for room in (ours, "chainrule", "chainrule.nn.functional"):
                found = getattr(importlib.import_module(room), name.removeprefix(prefix), None)
                if found is not None:
                    return found  # type: ignore[no-any-return]
    raise TypeError(
        f"from_torch: there is no counterpart of {module}.{name}; rewrite that part of forward "
        "with operations that chainrule has (dir(chainrule) lists them)"
    )
