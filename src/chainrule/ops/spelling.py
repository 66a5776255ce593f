"""NumPy's spellings of PyTorch's argument names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_PYTORCHS = {"axis": "dim", "keepdims": "keepdim"}


def numpy_names(function: Function) -> Function:
    """Let a function with ``dim`` and ``keepdim`` be called with ``axis`` and ``keepdims`` too.

    >>> import chainrule as cr
    >>> cr.sum(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1, keepdims=True)
    tensor([[3.],
            [7.]])
    """

    @functools.wraps(function)
    def spelled(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for given, name in _PYTORCHS.items():
                if given in kwargs:
                    if name in kwargs:
                        raise TypeError(
                            f"{function.__name__}() got both {name} and {given}: they are the same"
                        )
                    kwargs[name] = kwargs.pop(given)
            return function(*args, **kwargs)
        return function(*args)

    return spelled  # type: ignore[return-value]
