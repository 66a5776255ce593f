"""Optimizers as dictionaries, in PyTorch's layout, and back."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.primitive import attach
from chainrule.tensor import Tensor

if TYPE_CHECKING:
    from chainrule.optim.optimizer import Optimizer


def pack(optimizer: Optimizer) -> dict[str, Any]:
    """Return the state and the groups, parameters replaced by their numbers."""
    numbers: dict[int, int] = {}
    groups = []
    for group in optimizer.param_groups:
        for p in group["params"]:
            numbers.setdefault(id(p), len(numbers))
        packed = {name: value for name, value in group.items() if name != "params"}
        packed["params"] = [numbers[id(p)] for p in group["params"]]
        groups.append(packed)
    state = {
        numbers[id(p)] if isinstance(p, Tensor) else p: entries
        for p, entries in optimizer.state.items()
    }
    return {"state": state, "param_groups": groups}


def unpacked(
    optimizer: Optimizer, state_dict: Mapping[str, Any]
) -> tuple[defaultdict[Any, dict[str, Any]], list[dict[str, Any]]]:
    """Return the state and the groups that a dictionary means for an optimizer; all are copies."""
    for key in ("state", "param_groups"):
        if key not in state_dict:
            raise KeyError(
                f"{key}: not the state of an optimizer; pass what optimizer.state_dict() returned"
            )
    saved = state_dict["param_groups"]
    if len(saved) != len(optimizer.param_groups):
        raise ValueError(
            "loaded state dict has a different number of parameter groups: "
            f"{len(saved)}, the optimizer {len(optimizer.param_groups)}"
        )
    owners: dict[Any, Tensor] = {}
    for k, (group, other) in enumerate(zip(optimizer.param_groups, saved, strict=True)):
        if len(group["params"]) != len(other["params"]):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                f"optimizer's group: group {k} has {len(other['params'])} parameters there and "
                f"{len(group['params'])} here"
            )
        owners.update(zip(other["params"], group["params"], strict=True))
    same_shape = optimizer.shaped_like_parameter
    state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
    for key, entries in state_dict["state"].items():
        owner = owners.get(key)
        if owner is None:
            state[key] = copy.deepcopy(entries)
            continue
        state[owner] = {name: _taken_over(name, value, owner) for name, value in entries.items()}
        for name in same_shape:
            value = state[owner].get(name)
            if isinstance(value, Tensor) and value._array.shape != owner._array.shape:
                raise ValueError(
                    f"loaded state dict has a {name} of shape {list(value.shape)} for parameter "
                    f"{key}, whose shape is {list(owner.shape)}; were the parameters in the same "
                    "order?"
                )
    groups = []
    for group, other in zip(optimizer.param_groups, saved, strict=True):
        options = {name: _own(value) for name, value in other.items() if name != "params"}
        groups.append({**group, **options, "params": group["params"]})
    return state, groups


# Entries that are numbers of their own precision, not of the parameter's.
_COUNTERS = frozenset({"step", "mu_product", "eta", "mu"})


def _taken_over(name: str, value: Any, owner: Tensor) -> Any:
    """Return an entry of a loaded state as this optimizer keeps it, a tensor in our sense."""
    if isinstance(value, list | tuple):
        return type(value)(_taken_over(name, item, owner) for item in value)
    if name in _COUNTERS and isinstance(value, int | float):
        value = np.float32(value)
    if not hasattr(value, "__array__"):
        return copy.deepcopy(value)
    array = _array(value).copy()
    if name not in _COUNTERS and owner._array.dtype.kind == "f":
        array = array.astype(owner._array.dtype)
    return attach(array, None)


def _own(value: Any) -> Any:
    """Return a copy of an option in our sense: a rate may be a tensor, ours or PyTorch's."""
    if hasattr(value, "__array__"):
        return attach(_array(value).copy(), None)
    return copy.deepcopy(value)


def _array(value: Any) -> Any:
    return np.asarray(value._array if isinstance(value, Tensor) else value)
