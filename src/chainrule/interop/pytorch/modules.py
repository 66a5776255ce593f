"""Modules across the bridge: namesakes of PyTorch's layers, traces of everything else."""

from __future__ import annotations

from typing import Any

import torch

from chainrule import nn
from chainrule.interop.pytorch.tensors import DTYPES, dtype_from_torch, from_torch
from chainrule.interop.pytorch.trace import Traced
from chainrule.nn.module import Module
from chainrule.tensor import Size, Tensor

# Attributes of PyTorch's modules that are its own bookkeeping.
_BOOKKEEPING = frozenset(torch.nn.Module().__dict__)
_SAME_AS = {"NonDynamicallyQuantizableLinear": "Linear"}


class Converter:
    """Converts the modules of one tree; what they share stays shared."""

    def __init__(self) -> None:
        self.tensors: dict[int, Tensor] = {}
        self.modules: dict[int, Module] = {}

    def module(self, theirs: Any) -> Module:
        """Return a module as ours."""
        known = self.modules.get(id(theirs))
        if known is None:
            known = self._namesake(theirs) if _is_pytorchs(theirs) else self._traced(theirs)
            self.modules[id(theirs)] = known
        return known

    def _namesake(self, theirs: Any) -> Module:
        """Return our module of the same name, with the same attributes."""
        name = type(theirs).__name__
        cls = getattr(nn, _SAME_AS.get(name, name), None)
        if cls is None:
            raise TypeError(f"from_torch: there is no chainrule.nn.{name}")
        ours = _empty(cls)
        for key, value in vars(theirs).items():
            if key not in _BOOKKEEPING:
                setattr(ours, key, self.value(value))
        self._fill(ours, theirs)
        for key, child in theirs._modules.items():
            ours.add_module(key, None if child is None else self.module(child))
        return ours

    def _fill(self, ours: Module, theirs: Any) -> None:
        """Give a module the parameters, buffers and mode of another."""
        for key, parameter in theirs._parameters.items():
            ours.register_parameter(key, self.tensor(parameter))
        for key, buffer in theirs._buffers.items():
            persistent = key not in theirs._non_persistent_buffers_set
            ours.register_buffer(key, self.tensor(buffer), persistent=persistent)
        ours.training = theirs.training

    def tensor(self, theirs: Any) -> Any:
        """Return a tensor as ours; the same one again for the same one."""
        if theirs is None:
            return None
        if id(theirs) not in self.tensors:
            self.tensors[id(theirs)] = from_torch(theirs)
        return self.tensors[id(theirs)]

    def value(self, value: Any) -> Any:
        """Return an attribute or an argument as ours."""
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, torch.nn.Module):
            return self.module(value)
        if isinstance(value, torch.Size):
            return Size(value)
        if isinstance(value, torch.dtype):
            return dtype_from_torch(value) if value in DTYPES else value
        if isinstance(value, torch.device):
            return str(value)
        if type(value) in (list, tuple):
            return type(value)(self.value(v) for v in value)
        if type(value) is dict:
            return {k: self.value(v) for k, v in value.items()}
        if isinstance(value, slice):
            return slice(self.value(value.start), self.value(value.stop), self.value(value.step))
        if callable(value) and (getattr(value, "__module__", "") or "").startswith("torch"):
            from chainrule.interop.pytorch.functions import function_like

            return function_like(value)
        return value

    def _traced(self, theirs: Any) -> Module:
        """Return what ``torch.fx`` traces of a class of the user's."""
        try:
            graph = torch.fx.Tracer().trace(theirs)
        except Exception as error:
            raise RuntimeError(
                f"from_torch: the forward of {type(theirs).__name__} cannot be traced by torch.fx "
                f"({error}); it may not branch on the values or shapes of tensors. Convert its "
                "parts one by one, or write the module with chainrule"
            ) from error
        ours = Traced(type(theirs).__name__)
        used = {node.target for node in graph.nodes if node.op == "call_module"}
        self._tree(ours, theirs, "", used)
        ours.program(graph, self)
        return ours

    def _tree(self, ours: Module, theirs: Any, path: str, used: set[str]) -> None:
        """Rebuild the tree of modules under the same names: called ones converted, others empty."""
        self.modules[id(theirs)] = ours
        self._fill(ours, theirs)
        for key, child in theirs._modules.items():
            place = f"{path}{key}"
            if child is None:
                ours.add_module(key, None)
            elif (
                id(child) in self.modules
                or place in used
                or (_is_pytorchs(child) and not child._modules)
            ):
                ours.add_module(key, self.module(child))
            else:
                # Lists of modules are walked, not called: they stay lists.
                known = getattr(nn, type(child).__name__, None) if _is_pytorchs(child) else None
                shell = Traced(type(child).__name__) if known is None else _empty(known)
                ours.add_module(key, shell)
                self._tree(shell, child, f"{place}.", used)


def _empty(cls: Any) -> Module:
    """Return a module of a class before its constructor."""
    module: Module = cls.__new__(cls)
    Module.__init__(module)
    return module


def _is_pytorchs(module: Any) -> bool:
    cls = type(module)
    return bool(cls.__module__.startswith("torch.nn.modules")) and cls is not torch.nn.Module
