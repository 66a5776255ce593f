"""Modules whose parameters are not drawn."""

from __future__ import annotations

import inspect
from typing import Any

from chainrule.nn.module import Module
from chainrule.ops.random import get_rng_state, set_rng_state

__all__ = [
    "skip_init",
]


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Return a module whose parameters are to be loaded: the random numbers are not used up.

    (PyTorch saves the time of drawing them too.)

    Args:
        module_cls: the class of the module.
        *args: its arguments.
        **kwargs: its arguments by name.

    Raises:
        RuntimeError: if it is not a class of modules that takes a ``device``.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> first = cr.nn.Linear(2, 2).weight
    >>> _ = cr.manual_seed(0)
    >>> _ = skip_init(cr.nn.Linear, 5, 5)
    >>> bool((cr.nn.Linear(2, 2).weight == first).all())
    True
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(state)
