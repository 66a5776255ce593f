"""Hooks of optimizers: functions called around `step`, `state_dict` and `load_state_dict`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.tensor import RemovableHandle

if TYPE_CHECKING:
    from chainrule.optim.optimizer import Optimizer

Hook = Callable[..., Any]

_before_every_step: dict[int, Hook] = {}
_after_every_step: dict[int, Hook] = {}


class Hooks:
    """The hooks of one optimizer, each kind in the order in which they run."""

    def __init__(self) -> None:
        self.before_step: dict[int, Hook] = {}
        self.after_step: dict[int, Hook] = {}
        self.before_state: dict[int, Hook] = {}
        self.after_state: dict[int, Hook] = {}
        self.before_load: dict[int, Hook] = {}
        self.after_load: dict[int, Hook] = {}


def add(registry: dict[int, Hook], hook: Hook, prepend: bool = False) -> RemovableHandle:
    """Add a hook to a registry and return the handle that removes it."""
    handle = RemovableHandle(registry)
    later = dict(registry) if prepend else {}
    if prepend:
        registry.clear()
    registry[handle.id] = hook
    registry.update(later)
    return handle


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before every step of every optimizer.

    What it returns, unless None, replaces the arguments: a pair of new ones.

    >>> import chainrule as cr
    >>> from chainrule.optim.optimizer import register_optimizer_step_pre_hook
    >>> handle = register_optimizer_step_pre_hook(lambda o, args, kwargs: print(type(o).__name__))
    >>> cr.optim.SGD([cr.zeros(1)]).step()
    SGD
    >>> handle.remove()
    """
    return add(_before_every_step, hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after every step of every optimizer.

    >>> import chainrule as cr
    >>> from chainrule.optim.optimizer import register_optimizer_step_post_hook
    >>> handle = register_optimizer_step_post_hook(lambda o, args, kwargs: print("stepped"))
    >>> cr.optim.SGD([cr.zeros(1)]).step()
    stepped
    >>> handle.remove()
    """
    return add(_after_every_step, hook)


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``step`` that calls the hooks, and notes that a step was taken.

    The schedules of the learning rate ask for that note.
    """

    @functools.wraps(step)
    def step_with_hooks(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        if self._hooks is None and not _before_every_step and not _after_every_step:
            return step(self, *args, **kwargs)
        return _around(step, self, args, kwargs)

    return step_with_hooks


def _around(
    step: Callable[..., Any], self: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    own = self._hooks or Hooks()
    for hook in (*_before_every_step.values(), *own.before_step.values()):
        # As in PyTorch, the optimizer is the first of the arguments.
        replaced = hook(self, (self, *args), kwargs)
        if replaced is None:
            continue
        if not (isinstance(replaced, tuple) and len(replaced) == 2):
            raise RuntimeError(
                f"{step.__qualname__}: a step pre-hook must return None or a tuple of (new_args, "
                f"new_kwargs), but got {replaced}."
            )
        (self, *rest), kwargs = replaced
        args = tuple(rest)
    result = step(self, *args, **kwargs)
    for hook in (*own.after_step.values(), *_after_every_step.values()):
        hook(self, (self, *args), kwargs)
    return result
