"""Module: a function with parameters, buffers and submodules."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any, Self

from chainrule import devices, dtypes
from chainrule.graph import users_place
from chainrule.modes import modes
from chainrule.nn import hooks, state
from chainrule.nn.members import Members
from chainrule.ops.creation import check_device, empty_like
from chainrule.tensor import RemovableHandle, Tensor

__all__ = [
    "Module",
]


class Module(Members):
    """Base class of all layers, losses and networks.

    A subclass calls ``super().__init__()`` first, assigns its parameters and submodules as
    attributes and defines `forward`. Calling the module runs `forward` and the hooks.

    >>> import chainrule as cr
    >>> class Line(cr.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = cr.nn.Parameter(cr.tensor(2.0))
    ...
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(cr.tensor([1.0, 3.0])).tolist()
    [2.0, 6.0]
    >>> [name for name, _ in line.named_parameters()]
    ['slope']
    """

    training: bool
    _version: int = 1
    # None until the first hook: a call asks one question. Where it is None, forward may be called
    # in the module's place.
    _hooks: hooks.Hooks | None = None
    _state_hooks: state.StateHooks | None = None
    # Whether the class is the library's own.
    _ours: bool = True

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["training"] = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._ours = cls.__module__.startswith("chainrule.")
        if "__call__" in vars(cls):
            cls._hooks = hooks.Hooks()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's value; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function: define '
            "forward(self, ...) in the class"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._ours is (modes.site is None):
            # From the user's code into a module of ours, or back into the user's. What a module of
            # ours records belongs to the line that called it, found once here rather than by every
            # operation; what a user's module records belongs to its own lines.
            site = modes.site
            modes.site = users_place(sys._getframe(1)) if site is None else None
            try:
                if self._hooks is None:
                    return self.forward(*args, **kwargs)
                return hooks.call(self, self._hooks, args, kwargs)
            finally:
                modes.site = site
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return hooks.call(self, self._hooks, args, kwargs)

    # --- Changing all of it -----------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call a function on every submodule and on this module, inner ones first.

        >>> import chainrule as cr
        >>> net = cr.nn.Sequential(cr.nn.Identity(), cr.nn.ReLU())
        >>> _ = net.apply(lambda module: print(type(module).__name__))
        Identity
        ReLU
        Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode (or, with False, to evaluation): dropout and the like heed it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode; the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let gradients be computed for all parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            if set_to_none:
                parameter._grad = None
            elif parameter._grad is not None:
                parameter._grad = parameter._grad.detach().zero_()

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: bool = False,
        memory_format: Any = None,
    ) -> Self:
        """Convert floating-point parameters and buffers to a dtype, in place of the old values.

        Args:
            *args: a dtype, a device (only ``"cpu"``) or a tensor whose dtype to take.
            dtype: the dtype, by keyword.
            device: the device, by keyword.
            non_blocking: without effect: there is nothing to wait for.
            memory_format: without effect.

        >>> import chainrule as cr
        >>> cr.nn.Linear(2, 1).to(cr.float64).weight.dtype
        dtype('float64')
        """
        for argument in args:
            if isinstance(argument, Tensor):
                dtype = argument.dtype
            elif isinstance(argument, devices.device) or (
                isinstance(argument, str) and not _is_dtype(argument)
            ):
                device = argument
            elif argument is not None and not isinstance(argument, bool):
                dtype = argument
        check_device(device)
        if dtype is None:
            return self
        target = dtypes.as_dtype(dtype)
        if target.kind != "f":
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={target}: parameters have gradients, which integers have not"
            )
        return self._convert(lambda t: t.to(target) if t.is_floating_point() else t)

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32."""
        return self.to(dtypes.float32)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64."""
        return self.to(dtypes.float64)

    def half(self) -> Self:
        """Convert floating-point parameters and buffers to float16."""
        return self.to(dtypes.float16)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to a dtype."""
        target = dtypes.as_dtype(dst_type)
        return self._convert(lambda t: t.to(target))

    def bfloat16(self) -> Self:
        """Refuse: NumPy has no bfloat16."""
        raise TypeError(
            "Module.bfloat16: NumPy has no bfloat16; use .float(), or .half() for two bytes"
        )

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give all parameters and buffers new memory with any values.

        Args:
            device: only the CPU.
            recurse: also those of submodules.
        """
        check_device(device)
        for parameter in self.parameters(recurse):
            parameter.data = empty_like(parameter.detach())
        for module in self.modules() if recurse else (self,):
            for name in module._buffer_names:
                buffer = module.__dict__[name]
                if buffer is not None:
                    module.__dict__[name] = empty_like(buffer)
        return self

    def share_memory(self) -> Self:
        """Refuse: arrays are the memory of one process."""
        raise NotImplementedError(
            "Module.share_memory is not supported: NumPy's arrays are the memory of one process. "
            "Send state_dict() to the other process instead"
        )

    def cpu(self) -> Self:
        """Return this module: it is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Refuse: there is no device but the CPU."""
        check_device("cuda")
        return self

    def _convert(self, convert: Callable[[Tensor], Tensor]) -> Self:
        for parameter in self.parameters():
            parameter.data = convert(parameter.data)
            if parameter._grad is not None:
                parameter._grad = convert(parameter._grad)
        for module in self.modules():
            for name in module._buffer_names:
                buffer = module.__dict__[name]
                if buffer is not None:
                    module.__dict__[name] = convert(buffer)
        return self

    # --- State ------------------------------------------------------------------------------------

    def state_dict(
        self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return all parameters and persistent buffers by dotted name; memory is shared.

        Args:
            destination: the mapping to fill; a new ordered dictionary if None.
            prefix: what all names start with.
            keep_vars: the parameters themselves instead of detached tensors.

        >>> import chainrule as cr
        >>> list(cr.nn.Linear(2, 1).state_dict())
        ['weight', 'bias']
        """
        return state.collect(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> state.IncompatibleKeys:
        """Take over the values of a state dict; everything is checked before anything changes.

        Args:
            state_dict: tensors or arrays by dotted name, as `state_dict` returns them.
            strict: whether the keys must be exactly those of this module.
            assign: let the given tensors take the place of the present ones, instead of copying
                their values.

        Returns:
            The missing and the unexpected keys.

        Raises:
            RuntimeError: if keys do not match (with ``strict``) or sizes differ; it lists all.
        """
        return state.load(self, state_dict, strict, assign)

    def get_extra_state(self) -> Any:
        """Return what else belongs to the state dict; for subclasses to define."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called."
        )

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` returned; for subclasses to define."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called."
        )

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put what is this module's own, without submodules, into a state dict."""
        state.save_own(self, destination, prefix, keep_vars)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Compare what is this module's own with a state dict.

        Subclasses override it to read the layout of older versions: they change the state dict and
        call this.
        """
        state.load_own(
            self,
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )

    def _all_state_hooks(self) -> state.StateHooks:
        own: state.StateHooks = self.__dict__.setdefault("_state_hooks", state.StateHooks())
        return own

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before `state_dict` collects this module."""
        return state.add_hook(self._all_state_hooks().before_save, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after `state_dict`.

        It may change the state dict in place.
        """

        def changing(*args: Any) -> None:
            if hook(*args) is not None:
                raise RuntimeError("state_dict post-hook must return None")

        return state.add_hook(self._all_state_hooks().after_save, changing)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook after `state_dict` whose result, unless None, takes its place."""
        return state.add_hook(self._all_state_hooks().after_save, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook before `load_state_dict` looks at this module's part of a state dict.

        Its arguments are those of PyTorch: ``hook(module, state_dict, prefix, local_metadata,
        strict, missing_keys, unexpected_keys, error_msgs)``. It may change the state dict in place,
        to read the layout of older versions, and add to the lists.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        called = functools.partial(hook, self) if with_module else hook
        return state.add_hook(self._all_state_hooks().before_load, called)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after `load_state_dict`.

        It may change the lists of missing and unexpected keys in place: what it strikes out is no
        error. (Values are in place then, also where keys that are left raise an error.)
        """
        return state.add_hook(self._all_state_hooks().after_load, hook)

    # --- Hooks ------------------------------------------------------------------------------------

    def _all_hooks(self) -> hooks.Hooks:
        own: hooks.Hooks = self.__dict__.setdefault("_hooks", hooks.Hooks())
        return own

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before every `forward`.

        What it returns, unless None, replaces the arguments.

        Args:
            hook: the function.
            prepend: run it before the hooks that are there already.
            with_kwargs: call ``hook(module, args, kwargs)``; it returns None or a new pair.
        """
        return hooks.add(self._all_hooks().before, hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after every `forward`.

        What it returns, unless None, replaces the output.

        Args:
            hook: the function.
            prepend: run it before the hooks that are there already.
            with_kwargs: call ``hook(module, args, kwargs, output)``.
            always_call: call it also when `forward` raised, with the output None.

        >>> import chainrule as cr
        >>> layer = cr.nn.ReLU()
        >>> handle = layer.register_forward_hook(lambda module, args, output: output + 1)
        >>> layer(cr.tensor([-1.0, 1.0]))
        tensor([1., 2.])
        >>> handle.remove()
        """
        return hooks.add(self._all_hooks().after, hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the outputs are known.

        What it returns, unless None, replaces these gradients.
        """
        return hooks.add(self._all_hooks().before_backward, hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the inputs' gradients are known.

        What it returns, unless None, replaces the inputs' gradients. Both are tuples, with None for
        what needs no gradient.
        """
        return hooks.add(self._all_hooks().after_backward, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Refuse: PyTorch's old backward hook, which saw the gradients of the last operation."""
        raise NotImplementedError(
            "Module.register_backward_hook is deprecated in PyTorch and not supported: use "
            "register_full_backward_hook, which sees the gradients of the module's inputs"
        )

    # --- Text -------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return what to print between the parentheses; for subclasses to define."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        inner = [f"({name}): {_indented(repr(self.__dict__[name]))}" for name in self._module_names]
        if not inner and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + inner) + "\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _is_dtype(name: str) -> bool:
    try:
        dtypes.as_dtype(name)
    except TypeError:
        return False
    return True
