"""Hooks of modules: functions called before and after forward, and in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.function import Function
from chainrule.graph import modes
from chainrule.tensor import RemovableHandle, Tensor

if TYPE_CHECKING:
    from chainrule.nn.module import Module


class Hook(NamedTuple):
    """A hook and how it wants to be called."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


class Hooks:
    """The hooks of one module, each kind in the order in which they run."""

    def __init__(self) -> None:
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.before_backward: dict[int, Hook] = {}
        self.after_backward: dict[int, Hook] = {}


def add(
    registry: dict[int, Hook],
    function: Callable[..., Any],
    prepend: bool = False,
    with_kwargs: bool = False,
    always_call: bool = False,
) -> RemovableHandle:
    """Add a hook to a registry and return the handle that removes it."""
    handle = RemovableHandle(registry)
    earlier = dict(registry) if prepend else {}
    if prepend:
        registry.clear()
    registry[handle.id] = Hook(function, with_kwargs, always_call)
    registry.update(earlier)
    return handle


def call(module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a module's forward between its hooks."""
    called: set[int] = set()
    try:
        for hook in tuple(hooks.before.values()):
            args, kwargs = _replaced_arguments(module, hook, args, kwargs)
        backward = (
            _Backward(module, hooks) if hooks.before_backward or hooks.after_backward else None
        )
        if backward is not None:
            args = backward.watch_inputs(args)
        output = module.forward(*args, **kwargs)
        for key, hook in tuple(hooks.after.items()):
            called.add(key)
            returned = _call_after(module, hook, args, kwargs, output)
            if returned is not None:
                output = returned
        return output if backward is None else backward.watch_outputs(output)
    except Exception:
        for key, hook in tuple(hooks.after.items()):
            if hook.always_call and key not in called:
                _call_after(module, hook, args, kwargs, None)
        raise


def _replaced_arguments(
    module: Module, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if hook.with_kwargs:
        pair = hook.function(module, args, kwargs)
        if pair is None:
            return args, kwargs
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise RuntimeError(
                "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                f"{pair}."
            )
        return pair
    returned = hook.function(module, args)
    if returned is None:
        return args, kwargs
    return returned if isinstance(returned, tuple) else (returned,), kwargs


def _call_after(
    module: Module, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
) -> Any:
    if hook.with_kwargs:
        return hook.function(module, args, kwargs, output)
    return hook.function(module, args, output)


# --- Backward -------------------------------------------------------------------------------------
# The tensors that enter and leave a module pass through an identity whose backward step calls the
# hooks: there the gradients of all of them are known at once.


class _Watch(Function):
    """The identity on several tensors; in the backward pass it shows their gradients."""

    @staticmethod
    def forward(ctx: Any, show: Any, *tensors: Tensor) -> Any:
        ctx.show = show
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return (None, *ctx.show(gradients))


class _Backward:
    """One call of a module whose gradients are watched."""

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module = module
        self.before = tuple(hooks.before_backward.values())
        self.after = tuple(hooks.after_backward.values())
        self.grad_output: tuple[Any, ...] | None = None
        self.inputs_watched = False

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Let the tensors among the arguments pass through the watch, if one needs a gradient."""
        if not self.after:
            return args
        positions = [k for k, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
        if not positions or not modes.grad:
            return args
        self.inputs_watched = True

        def show(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
            whole: list[Any] = [None] * len(args)
            for k, gradient in zip(positions, gradients, strict=True):
                whole[k] = gradient
            shown = self._call_after(tuple(whole))
            return tuple(shown[k] for k in positions)

        passed = list(args)
        for k, tensor in zip(positions, _through(show, [args[k] for k in positions]), strict=True):
            passed[k] = tensor
        return tuple(passed)

    def watch_outputs(self, output: Any) -> Any:
        """Let the tensors of the output pass through the watch."""
        values = output if isinstance(output, tuple) else (output,)
        positions = [k for k, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
        if not positions or not modes.grad:
            return output

        def show(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
            whole: list[Any] = [None] * len(values)
            for k, gradient in zip(positions, gradients, strict=True):
                whole[k] = gradient
            arrived = tuple(whole)
            for hook in self.before:
                arrived = _replaced(hook.function(self.module, arrived), arrived)
            self.grad_output = arrived
            if not self.inputs_watched:
                self._call_after((None,) * len(arrived[:0]))
            return tuple(arrived[k] for k in positions)

        passed = list(values)
        for k, tensor in zip(
            positions, _through(show, [values[k] for k in positions]), strict=True
        ):
            passed[k] = tensor
        return tuple(passed) if isinstance(output, tuple) else passed[0]

    def _call_after(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.after:
            returned = hook.function(self.module, grad_input, self.grad_output)
            grad_input = _replaced(returned, grad_input)
        return grad_input


def _through(show: Any, tensors: list[Tensor]) -> tuple[Tensor, ...]:
    return _Watch.apply(show, *tensors)  # type: ignore[no-any-return]


def _replaced(returned: Any, present: tuple[Any, ...]) -> tuple[Any, ...]:
    if returned is None:
        return present
    new = returned if isinstance(returned, tuple) else (returned,)
    if len(new) != len(present):
        raise RuntimeError(
            f"Backward hook returned an invalid number of grad_input, got {len(new)}, but expected "
            f"{len(present)}"
        )
    return new
