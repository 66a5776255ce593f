"""Modules that hold others."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, overload

from chainrule.nn.module import Module


class Sequential(Module):
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
            input = own[name](input)
        return input

    def __len__(self) -> int:
        return len(self._module_names)

    def __iter__(self) -> Iterator[Module]:
        own = self.__dict__
        return iter([own[name] for name in self._module_names])

    def _name_at(self, index: Any) -> str:
        k = operator.index(index)
        if not -len(self) <= k < len(self):
            raise IndexError(f"index {k} is out of range")
        return next(islice(self._module_names, k % len(self), None))

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: slice | int) -> Module:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self.__dict__[self._name_at(index)]  # type: ignore[no-any-return]

    def append(self, module: Module) -> Sequential:
        """Add a module at the end and return this one."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, sequential: Iterable[Module]) -> Sequential:
        """Add modules at the end and return this one."""
        for module in sequential:
            self.append(module)
        return self
