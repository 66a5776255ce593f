"""Bridges to PyTorch: tensors, state dicts and whole modules. PyTorch must be installed."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = ["from_torch", "to_torch"]


def from_torch(value: Any) -> Any:
    """Return a PyTorch tensor, state dict or module as chainrule's.

    Tensors share their memory. A module becomes one of chainrule's: layers of ``torch.nn`` their
    namesakes, a class of one's own what ``torch.fx`` traces of its ``forward``, under the same
    names, so that its state dict, its gradients, `chainrule.explain` and `chainrule.check` work as
    usual. Parameters share their memory, too: training one trains the other.

    Args:
        value: a ``torch.Tensor`` on the CPU, a ``torch.nn.Module``, or a dict, list or tuple of
            them, such as a state dict.

    Raises:
        ImportError: without PyTorch.
        TypeError: for anything else, and for a layer, function or method that chainrule does not
            have; it is named.
        RuntimeError: for tensors that are not on the CPU or of a dtype that chainrule does not
            have, and for a ``forward`` that cannot be traced because it branches on values.
    """
    _need_torch("from_torch")
    import torch

    from chainrule.interop.pytorch import modules, tensors

    if isinstance(value, torch.nn.Module):
        return modules.Converter().module(value)
    if isinstance(value, torch.Tensor):
        return tensors.from_torch(value)
    return _mapped(value, from_torch, "from_torch", "a torch.Tensor or torch.nn.Module")


def to_torch(value: Any) -> Any:
    """Return a tensor or a state dict as PyTorch's; tensors share their memory where they can.

    Args:
        value: a tensor, or a dict, list or tuple of them, such as a state dict. What requires
            gradients does so as a leaf of PyTorch's own graph.

    Raises:
        ImportError: without PyTorch.
        TypeError: for anything else. For a module, build it in PyTorch and load
            ``to_torch(module.state_dict())``.
    """
    _need_torch("to_torch")
    from chainrule.interop.pytorch import tensors

    if isinstance(value, Tensor):
        return tensors.to_torch(value)
    if isinstance(value, Module):
        raise TypeError(
            f"to_torch: a module ({type(value).__name__}) is not converted; build it in PyTorch "
            "and load_state_dict(to_torch(module.state_dict()))"
        )
    return _mapped(value, to_torch, "to_torch", "a chainrule Tensor")


def _need_torch(name: str) -> None:
    if importlib.util.find_spec("torch") is None:
        raise ImportError(f"{name} needs PyTorch, which is not installed: pip install torch")


def _mapped(value: Any, convert: Any, name: str, expected: str) -> Any:
    """Convert what a container holds; numbers and text stay."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        kind = OrderedDict if isinstance(value, OrderedDict) else dict
        return kind((key, convert(part)) for key, part in value.items())
    if isinstance(value, list | tuple):
        return type(value)(convert(part) for part in value)
    raise TypeError(
        f"{name}: expected {expected}, or a dict, list or tuple of them, got a "
        f"{type(value).__name__}"
    )
