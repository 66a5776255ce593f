"""Hooks of modules: functions called before and after forward, and in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.function import Function
from chainrule.modes import modes
from chainrule.ops.creation import zeros_like
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
            _Backward(module, hooks, len(args))
            if hooks.before_backward or hooks.after_backward
            else None
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
    def forward(ctx: Any, show: Any, zeros_for_unused: bool, *tensors: Tensor) -> Any:
        ctx.show = show
        ctx.set_materialize_grads(zeros_for_unused)
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return (None, None, *ctx.show(gradients))


class _Backward:
    """One call of a module whose gradients are watched."""

    def __init__(self, module: Module, hooks: Hooks, inputs: int) -> None:
        self.module = module
        self.before = tuple(hooks.before_backward.values())
        self.after = tuple(hooks.after_backward.values())
        self.grad_output: tuple[Any, ...] | None = None
        self.inputs = inputs
        self.inputs_watched = False

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Let the tensors among the arguments pass through the watch, if one needs a gradient."""
        watched = [k for k, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
        if not self.after or not watched or not modes.grad:
            return args
        self.inputs_watched = True
        constant = {
            k: a for k, a in enumerate(args) if isinstance(a, Tensor) and not a.requires_grad
        }

        def show(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
            grad_input = dict(zip(watched, gradients, strict=True))
            grad_input.update({k: zeros_like(tensor) for k, tensor in constant.items()})
            shown = self._call_after(tuple(grad_input.get(k) for k in range(self.inputs)))
            return tuple(shown[k] for k in watched)

        return _through(show, True, args, watched)

    def watch_outputs(self, output: Any) -> Any:
        """Let the tensors of the output pass through the watch."""
        values = output if isinstance(output, tuple) else (output,)
        watched = [k for k, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
        if not watched or not modes.grad:
            return output

        def show(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
            known = dict(zip(watched, gradients, strict=True))
            arrived = tuple(known.get(k) for k in range(len(values)))
            for hook in self.before:
                arrived = _replaced(
                    "pre hook", "output", hook.function(self.module, arrived), arrived
                )
            self.grad_output = arrived
            if not self.inputs_watched:
                self._call_after((None,) * self.inputs)
            return tuple(arrived[k] for k in watched)

        passed = _through(show, False, values, watched)
        return passed if isinstance(output, tuple) else passed[0]

    def _call_after(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.after:
            returned = hook.function(self.module, grad_input, self.grad_output)
            grad_input = _replaced("hook", "input", returned, grad_input)
        return grad_input


def _through(
    show: Callable[[tuple[Any, ...]], tuple[Any, ...]],
    zeros_for_unused: bool,
    values: tuple[Any, ...],
    watched: list[int],
) -> tuple[Any, ...]:
    """Return the values, the watched ones having passed through the watch."""
    passed = list(values)
    tensors = _Watch.apply(show, zeros_for_unused, *(values[k] for k in watched))
    for k, tensor in zip(watched, tensors, strict=True):
        passed[k] = tensor
    return tuple(passed)


def _replaced(kind: str, which: str, returned: Any, present: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a hook wants the gradients to be."""
    if returned is None:
        return present
    new = returned if isinstance(returned, tuple) else (returned,)
    if len(new) != len(present):
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of grad_{which}, got {len(new)}, but "
            f"expected {len(present)}: return one for each {which} of the module, or None"
        )
    return new
