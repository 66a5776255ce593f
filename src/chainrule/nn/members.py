"""What a module holds: parameters, buffers and submodules, by name and in order.

They are ordinary instance attributes, so that reading one costs what reading an attribute costs.
Beside them a module keeps, per kind, the names in order of assignment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from chainrule.nn.parameter import Buffer, Parameter
from chainrule.tensor import Tensor

if TYPE_CHECKING:
    from chainrule.nn.module import Module

_KINDS = ("parameter", "buffer", "module")


class MemberMapping(MutableMapping[str, Any]):
    """The parameters, buffers or submodules of one module by name, as a live mapping."""

    def __init__(
        self, owner: Members, names: dict[str, None], register: Callable[[str, Any], None]
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


class Members:
    """The part of `Module` that holds, names and finds its members."""

    _parameter_names: dict[str, None]
    _buffer_names: dict[str, None]
    _module_names: dict[str, None]
    # Buffers that are not part of the state dict.
    _transient: set[str]

    def __init__(self) -> None:
        put = object.__setattr__
        put(self, "_parameter_names", {})
        put(self, "_buffer_names", {})
        put(self, "_module_names", {})
        put(self, "_transient", set())

    # --- Attributes -------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._add_parameter(name, value, replace=True)
        elif name in own.get("_parameter_names", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as parameter '{name}' "
                    "(chainrule.nn.Parameter or None expected): wrap the value in nn.Parameter(...)"
                    f", or copy values into it: `with cr.no_grad(): module.{name}.copy_(...)`"
                )
            own[name] = None
        elif isinstance(value, Members):
            self._check_name("module", name, replace=True)
            self._put("module", name, value)
        elif name in own.get("_module_names", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as child module '{name}' "
                    f"(chainrule.nn.Module or None expected): `del module.{name}` first if the "
                    "name is to mean something else"
                )
            own[name] = None
        elif isinstance(value, Buffer):
            self._check_name("buffer", name, replace=True)
            self._put("buffer", name, value, value.persistent)
        elif name in own.get("_buffer_names", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as buffer '{name}' (chainrule.nn.Buffer, "
                    "chainrule.Tensor or None expected): wrap the value in cr.tensor(...)"
                )
            own[name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        for kind in _KINDS:
            self.__dict__.get(f"_{kind}_names", {}).pop(name, None)

    def _put(self, kind: str, name: str, value: Any, persistent: bool = True) -> None:
        """Let a name mean a value of one kind, and nothing else."""
        own = self.__dict__
        for other in _KINDS:
            if other != kind:
                own[f"_{other}_names"].pop(name, None)
        own[f"_{kind}_names"][name] = None
        own[name] = value
        if persistent:
            self._transient.discard(name)
        else:
            self._transient.add(name)

    def _check_name(self, kind: str, name: str, replace: bool) -> None:
        """Refuse a name that is not a plain word or (unless to be replaced) means something."""
        own, registry = self.__dict__, f"_{kind}_names"
        if registry not in own:
            raise AttributeError(
                f"cannot assign {'parameters' if kind == 'parameter' else kind} before "
                f"Module.__init__() call: begin {type(self).__name__}.__init__ with "
                "super().__init__()"
            )
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in own[registry] and (
            hasattr(type(self), name) or (name in own and not replace)
        ):
            raise KeyError(f"attribute '{name}' already exists")

    def _add_parameter(self, name: str, param: Parameter | None, replace: bool) -> None:
        self._check_name("parameter", name, replace)
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, compute "
                "the value in the forward() method."
            )
        self._put("parameter", name, param)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None reserves the name for a parameter.

        Raises:
            KeyError: if the name is not a plain word or already means something else.
            TypeError: if ``param`` is not a `Parameter`.
        """
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' "
                "(chainrule.nn.Parameter or None required): wrap it in nn.Parameter(...)"
            )
        self._add_parameter(name, param, replace=False)

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
        self._check_name("buffer", name, replace=False)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (chainrule.Tensor "
                "or None required): wrap it in cr.tensor(...)"
            )
        self._put("buffer", name, tensor, persistent)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name, as assigning it to an attribute does."""
        if module is not None and not isinstance(module, Members):
            raise TypeError(
                f"{type_name(module)} is not a Module subclass: submodules are instances of "
                "nn.Module" + (", not classes" if isinstance(module, type) else "")
            )
        self._check_name("module", name, replace=False)
        self._put("module", name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule; another name of `add_module`."""
        self.add_module(name, module)

    @property
    def _parameters(self) -> MutableMapping[str, Parameter | None]:
        return MemberMapping(self, self._parameter_names, self.register_parameter)

    @property
    def _buffers(self) -> MutableMapping[str, Tensor | None]:
        return MemberMapping(self, self._buffer_names, self.register_buffer)

    @property
    def _modules(self) -> MutableMapping[str, Module | None]:
        return MemberMapping(self, self._module_names, self.add_module)

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
        yield prefix, cast("Module", self)
        own = self.__dict__
        for name in self._module_names:
            if own[name] is not None:
                inner = f"{prefix}.{name}" if prefix else name
                yield from own[name].named_modules(memo, inner, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Yield this module and all inside it, each once (with ``remove_duplicate``)."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
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
        module = cast("Module", self)
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Members):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of the submodule of a dotted name.

        Args:
            target: the name.
            module: the module.
            strict: whether there must be a submodule of this name.

        Raises:
            ValueError: if the name is empty or ``module`` not a module.
            AttributeError: if the path does not exist or leads to something else.

        >>> import chainrule as cr
        >>> net = cr.nn.Sequential(cr.nn.Sequential(cr.nn.ReLU()))
        >>> net.set_submodule("0.0", cr.nn.Tanh())
        >>> net[0][0]
        Tanh()
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Members):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if not isinstance(getattr(parent, name, module), Members):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

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


def type_name(value: Any) -> str:
    """Return the name of a value's type (or of a type) for an error message.

    >>> type_name(3), type_name(Tensor)
    ('int', 'chainrule.tensor.Tensor')
    """
    cls = value if isinstance(value, type) else type(value)
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )
