"""Modules that hold others, and parameters, in order or by name."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self, overload

from chainrule.nn.module import Module

__all__ = [
    "ModuleDict",
    "ModuleList",
    "Sequential",
]


class _Ordered(Module):
    """Modules named "0", "1", … in order."""

    def __len__(self) -> int:
        return len(self._module_names)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._listed())

    def _listed(self) -> list[Module]:
        own = self.__dict__
        return [own[name] for name in self._module_names]

    def _names_at(self, index: slice | int) -> list[str]:
        names = list(self._module_names)
        if isinstance(index, slice):
            return names[index]
        k = operator.index(index)
        if not -len(names) <= k < len(names):
            raise IndexError(f"index {k} is out of range: there are {len(names)} modules")
        return [names[k]]

    def _arrange(self, modules: Iterable[Module]) -> None:
        """Replace all modules by these, numbered."""
        modules = list(modules)
        for name in list(self._module_names):
            delattr(self, name)
        for k, module in enumerate(modules):
            self.add_module(str(k), module)

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._names_at(index)[0], module)

    def __delitem__(self, index: slice | int) -> None:
        for name in self._names_at(index):
            delattr(self, name)
        self._renumber()

    def _renumber(self) -> None:
        self._arrange(self._listed())

    def append(self, module: Module) -> Self:
        """Add a module at the end and return this container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end and return this container.

        Raises:
            TypeError: if ``modules`` is not iterable.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got "
                f"{type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before position ``index`` and return this container."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type {Module}, got {type(module).__name__}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index} with {len(self)} modules")
        modules = self._listed()
        modules.insert(index, module)
        self._arrange(modules)
        return self

    def pop(self, key: int | slice) -> Module:
        """Take a module out and return it."""
        module: Module = self[key]  # type: ignore[index]
        del self[key]
        return module


class Sequential(_Ordered):
    """Modules run one after the other, each on what the one before returned.

    Args:
        *args: the modules, or one ordered dictionary of them by name.

    >>> import chainrule as cr
    >>> net = cr.nn.Sequential(cr.nn.Linear(3, 4), cr.nn.ReLU(), cr.nn.Linear(4, 1))
    >>> net(cr.zeros(2, 3)).shape
    chainrule.Size([2, 1])
    >>> net[1]
    ReLU()
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for k, module in enumerate(args):
                self.add_module(str(k), module)

    def forward(self, input: Any) -> Any:
        """Run the modules in order."""
        own = self.__dict__
        for name in self._module_names:
            module = own[name]
            # As the module's own call does, one Python call sooner.
            plain = module._hooks is None and module._ours
            input = module.forward(input) if plain else module(input)
        return input

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: slice | int) -> Module:
        names = self._names_at(index)
        if isinstance(index, slice):
            return type(self)(OrderedDict((name, self.__dict__[name]) for name in names))
        return self.__dict__[names[0]]  # type: ignore[no-any-return]

    def _renumber(self) -> None:
        # Names that the user gave stay; numbers close up.
        if all(name.isdigit() for name in self._module_names):
            super()._renumber()

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *_sequential(other))

    def __iadd__(self, other: Sequential) -> Sequential:
        return self.extend(_sequential(other))

    def __mul__(self, other: int) -> Sequential:
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")
        return Sequential(*[module for _ in range(other) for module in self])

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Sequential:
        return self.extend((self * other)[len(self) :])


def _sequential(other: Any) -> Sequential:
    if not isinstance(other, Sequential):
        raise ValueError(
            f"add operator supports only objects of Sequential class, but {type(other)} is given. "
            "Use append() for a module"
        )
    return other


class ModuleList(_Ordered):
    """A list of modules that the module around it knows as its own.

    Args:
        modules: the modules.

    >>> import chainrule as cr
    >>> layers = cr.nn.ModuleList([cr.nn.Linear(2, 2) for _ in range(3)])
    >>> layers
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: slice | int) -> Module:
        names = self._names_at(index)
        if isinstance(index, slice):
            return type(self)([self.__dict__[name] for name in names])
        return self.__dict__[names[0]]  # type: ignore[no-any-return]

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        runs: list[tuple[int, int, str]] = []
        for k, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], k, text)
            else:
                runs.append((k, k, text))
        if not runs:
            return f"{self._get_name()}()"
        lines = []
        for first, last, text in runs:
            head = f"({first})" if first == last else f"({first}-{last})"
            times = "" if first == last else f"{last - first + 1} x "
            lines.append(f"  {head}: {times}{text}".replace("\n", "\n  "))
        return f"{self._get_name()}(\n" + "\n".join(lines) + "\n)"


class ModuleDict(Module):
    """Modules by name that the module around it knows as its own.

    Args:
        modules: a mapping, or pairs, of names and modules.

    >>> import chainrule as cr
    >>> choices = cr.nn.ModuleDict({"relu": cr.nn.ReLU(), "tanh": cr.nn.Tanh()})
    >>> choices["tanh"]
    Tanh()
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._module_names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._module_names)

    def __contains__(self, key: str) -> bool:
        return key in self._module_names

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        return self._modules.pop(key)  # type: ignore[return-value]

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Any]:
        """Return the modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Any]:
        """Return the pairs of names and modules."""
        return self._modules.items()

    def update(self, modules: Any) -> None:
        """Add modules, replacing those of the same names.

        Args:
            modules: a mapping, or pairs, of names and modules.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleDict.update should be called with an iterable of key/value pairs, but got "
                f"{type(modules).__name__}"
            )
        pairs = modules.items() if isinstance(modules, Mapping | ModuleDict) else modules
        for name, module in pairs:
            self[name] = module
