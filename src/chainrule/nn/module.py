"""Module: a function with parameters, buffers and submodules.

Parameters, buffers and submodules are ordinary instance attributes, so that reading one costs what
reading an attribute costs. Beside them a module keeps, per kind, the names in order of assignment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

from chainrule import dtypes
from chainrule.nn import hooks, state
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.ops.creation import check_device
from chainrule.tensor import RemovableHandle, Tensor

Self = TypeVar("Self", bound="Module")


class Members(MutableMapping[str, Any]):
    """The parameters, buffers or submodules of one module by name, as a live mapping."""

    def __init__(
        self, owner: Module, names: dict[str, None], register: Callable[[str, Any], None]
    ) -> None:
        self._owner = owner
        self._names = names
        self._register = register

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._owner.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._register(name, value)

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        del self._owner.__dict__[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))


class Module:
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
    # None until the first hook: a call asks one question.
    _hooks: hooks.Hooks | None = None
    _parameter_names: dict[str, None]
    _buffer_names: dict[str, None]
    _module_names: dict[str, None]
    _transient: set[str]

    def __init__(self) -> None:
        put = object.__setattr__
        put(self, "training", True)
        put(self, "_parameter_names", {})
        put(self, "_buffer_names", {})
        put(self, "_module_names", {})
        put(self, "_transient", set())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's value; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function: define '
            "forward(self, ...) in the class"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return hooks.call(self, self._hooks, args, kwargs)

    # --- Attributes -------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            if "_parameter_names" not in own:
                raise AttributeError(_too_early("parameters", type(self)))
            self._forget(name, "_parameter_names")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if "_module_names" not in own:
                raise AttributeError(_too_early("module", type(self)))
            self._forget(name, "_module_names")
            self.add_module(name, value)
        elif isinstance(value, Buffer):
            if "_buffer_names" not in own:
                raise AttributeError(_too_early("buffer", type(self)))
            self._forget(name, "_buffer_names")
            self.register_buffer(name, value, value.persistent)
        elif name in own.get("_parameter_names", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as parameter '{name}' "
                    "(chainrule.nn.Parameter or None expected): wrap the value in nn.Parameter(...)"
                    f", or copy values into it: `with cr.no_grad(): module.{name}.copy_(...)`"
                )
            own[name] = None
        elif name in own.get("_module_names", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as child module '{name}' "
                    f"(chainrule.nn.Module or None expected): `del module.{name}` first if the "
                    "name is to mean something else"
                )
            own[name] = None
        elif name in own.get("_buffer_names", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as buffer '{name}' (chainrule.nn.Buffer, "
                    "chainrule.Tensor or None expected): wrap the value in cr.tensor(...)"
                )
            own[name] = value
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name: str, *kept: str) -> None:
        """Drop a name's present meaning, unless it is already of the kind it is to be."""
        own = self.__dict__
        if name in own and name not in own[kept[0]]:
            del own[name]
            for kind in ("_parameter_names", "_buffer_names", "_module_names"):
                own[kind].pop(name, None)
            self._transient.discard(name)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        for kind in ("_parameter_names", "_buffer_names", "_module_names"):
            self.__dict__.get(kind, {}).pop(name, None)
        self.__dict__.get("_transient", set()).discard(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None reserves the name for a parameter.

        Raises:
            KeyError: if the name is not a plain word or already means something else.
            TypeError: if ``param`` is not a `Parameter`.
        """
        self._check_name("parameter", name, "_parameter_names")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_type_name(param)}' object to parameter '{name}' "
                    "(chainrule.nn.Parameter or None required): wrap it in nn.Parameter(...)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must "
                    f"be created explicitly. To express '{name}' as a function of another Tensor, "
                    "compute the value in the forward() method."
                )
        self.__dict__[name] = param
        self._parameter_names[name] = None

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state and is not learned.

        Args:
            name: the attribute's name.
            tensor: the values; None reserves the name.
            persistent: whether it belongs to ``state_dict``.

        >>> import chainrule as cr
        >>> module = cr.nn.Module()
        >>> module.register_buffer("mean", cr.zeros(2))
        >>> module.mean
        tensor([0., 0.])
        """
        self._check_name("buffer", name, "_buffer_names")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' (chainrule.Tensor "
                "or None required): wrap it in cr.tensor(...)"
            )
        self.__dict__[name] = tensor
        self._buffer_names[name] = None
        if persistent:
            self._transient.discard(name)
        else:
            self._transient.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name, as assigning it to an attribute does."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(
                f"{_type_name(module)} is not a Module subclass: submodules are instances of "
                "nn.Module" + (", not classes" if isinstance(module, type) else "")
            )
        self._check_name("module", name, "_module_names")
        self.__dict__[name] = module
        self._module_names[name] = None

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule; another name of `add_module`."""
        self.add_module(name, module)

    def _check_name(self, kind: str, name: str, registry: str) -> None:
        own = self.__dict__
        if registry not in own:
            raise AttributeError(_too_early(kind, type(self)))
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_type_name(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in own[registry] and (name in own or hasattr(type(self), name)):
            raise KeyError(f"attribute '{name}' already exists")

    @property
    def _parameters(self) -> MutableMapping[str, Parameter | None]:
        return Members(self, self._parameter_names, self.register_parameter)

    @property
    def _buffers(self) -> MutableMapping[str, Tensor | None]:
        return Members(self, self._buffer_names, self.register_buffer)

    @property
    def _modules(self) -> MutableMapping[str, Module | None]:
        return Members(self, self._module_names, self.add_module)

    # --- What is inside ---------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all inside it, depth first, with their dotted names.

        Args:
            memo: the modules already met.
            prefix: what all names start with.
            remove_duplicate: yield a module that is shared only once.

        >>> import chainrule as cr
        >>> net = cr.nn.Sequential(cr.nn.Linear(1, 1), cr.nn.ReLU())
        >>> [name for name, _ in net.named_modules()]
        ['', '0', '1']
        """
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        own = self.__dict__
        for name in self._module_names:
            if own[name] is not None:
                inner = f"{prefix}.{name}" if prefix else name
                yield from own[name].named_modules(memo, inner, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all inside it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct submodules with their names, each module once."""
        met = set()
        for name in self._module_names:
            module = self.__dict__[name]
            if module is not None and module not in met:
                met.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        met = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else ((prefix, self),)
        )
        for path, module in modules:
            own = module.__dict__
            for name in own[registry]:
                value = own[name]
                if value is None or id(value) in met:
                    continue
                if remove_duplicate:
                    met.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted names.

        Args:
            prefix: what all names start with.
            recurse: also those of submodules.
            remove_duplicate: yield a parameter that is shared only once.
        """
        return self._named_members("_parameter_names", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once: what an optimizer takes."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their dotted names."""
        return self._named_members("_buffer_names", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """Return the submodule of a dotted name, this module for "".

        Raises:
            AttributeError: if a part of the path does not exist or is not a module.

        >>> import chainrule as cr
        >>> net = cr.nn.Sequential(cr.nn.Sequential(cr.nn.ReLU()))
        >>> net.get_submodule("0.0")
        ReLU()
        """
        module: Module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter of a dotted name.

        Raises:
            AttributeError: if the path does not exist or does not lead to a parameter.
        """
        module, name, value = self._find(target)
        if name not in module._parameter_names:
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return value  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer of a dotted name.

        Raises:
            AttributeError: if the path does not exist or does not lead to a buffer.
        """
        module, name, value = self._find(target)
        if name not in module._buffer_names:
            raise AttributeError(f"`{name}` is not a buffer")
        return value  # type: ignore[no-any-return]

    def _find(self, target: str) -> tuple[Module, str, Any]:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return module, name, getattr(module, name)

    # --- Changing all of it -----------------------------------------------------------------------

    def apply(self: Self, fn: Callable[[Module], None]) -> Self:
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

    def train(self: Self, mode: bool = True) -> Self:
        """Switch to training mode (or, with False, to evaluation): dropout and the like heed it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Switch to evaluation mode; the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
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

    def to(self: Self, *args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Self:
        """Convert floating-point parameters and buffers to a dtype, in place of the old values.

        Args:
            *args: a dtype, a device (only ``"cpu"``) or a tensor whose dtype to take.
            dtype: the dtype, by keyword.
            device: the device, by keyword.
            **options: PyTorch's ``non_blocking`` and ``copy``-like options, without effect here.

        >>> import chainrule as cr
        >>> cr.nn.Linear(2, 1).to(cr.float64).weight.dtype
        dtype('float64')
        """
        for argument in args:
            if isinstance(argument, Tensor):
                dtype = argument.dtype
            elif isinstance(argument, str) and not _is_dtype(argument):
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

    def float(self: Self) -> Self:
        """Convert floating-point parameters and buffers to float32."""
        return self.to(dtypes.float32)

    def double(self: Self) -> Self:
        """Convert floating-point parameters and buffers to float64."""
        return self.to(dtypes.float64)

    def half(self: Self) -> Self:
        """Convert floating-point parameters and buffers to float16."""
        return self.to(dtypes.float16)

    def type(self: Self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to a dtype."""
        target = dtypes.as_dtype(dst_type)
        return self._convert(lambda t: t.to(target))

    def cpu(self: Self) -> Self:
        """Return this module: it is on the CPU."""
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """Refuse: there is no device but the CPU."""
        check_device("cuda")
        return self

    def _convert(self: Self, convert: Callable[[Tensor], Tensor]) -> Self:
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

    # --- Hooks ------------------------------------------------------------------------------------

    def _all_hooks(self) -> hooks.Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = hooks.Hooks()
        assert self._hooks is not None
        return self._hooks

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


def _too_early(kind: str, cls: type) -> str:
    return (
        f"cannot assign {kind} before Module.__init__() call: begin {cls.__name__}.__init__ with "
        "super().__init__()"
    )


def _type_name(value: Any) -> str:
    cls = value if isinstance(value, type) else type(value)
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


def _is_dtype(name: str) -> bool:
    try:
        dtypes.as_dtype(name)
    except TypeError:
        return False
    return True
