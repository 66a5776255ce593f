"""The base of all optimizers: parameter groups, state, and both as a dictionary."""

from __future__ import annotations

import copy
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.graph import mutations
from chainrule.modes import enable_grad
from chainrule.primitive import attach
from chainrule.tensor import Tensor

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class Optimizer:
    """Base class of optimizers.

    A subclass defines `update`, which steps the parameters of one group, or `step` altogether.

    Args:
        params: tensors, (name, tensor) pairs as from ``named_parameters()``, or dictionaries of a
            group's ``params`` and options.
        defaults: the options of groups that do not give their own.

    Attributes:
        param_groups: the groups: dictionaries of ``params`` and options, which may be changed.
        state: what the algorithm remembers of each parameter.

    >>> import chainrule as cr
    >>> class SignDescent(cr.optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     @cr.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p -= group["lr"] * p.grad.sign()
    >>> w = cr.tensor([1.0], requires_grad=True)
    >>> (3 * w).sum().backward()
    >>> SignDescent([w], lr=0.5).step()
    >>> w
    tensor([0.5000], requires_grad=True)
    """

    param_groups: list[dict[str, Any]]
    state: defaultdict[Any, dict[str, Any]]
    defaults: dict[str, Any]

    # Entries of a parameter's state that have the parameter's shape.
    shaped_like_parameter: tuple[str, ...] = ()

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                "dicts, but got a single Tensor: put it into a list"
            )
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: does the module have parameters, and was "
                "an iterator like module.parameters() used up before?"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, such as layers that are unfrozen later.

        Args:
            param_group: ``params`` (a tensor, or an ordered collection as for the optimizer) and
                any options; the others take their defaults.

        Raises:
            TypeError: if it is not a dictionary, or something in it not a tensor.
            ValueError: if a tensor is not a leaf or is in another group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise KeyError(
                "params: a parameter group needs the key 'params' with its parameters; got "
                f"{', '.join(map(str, param_group))}"
            )
        group = dict(param_group)
        params, names = _named_apart(group["params"])
        group["params"] = params
        if names:
            group["param_names"] = names
        if self.param_groups and ("param_names" in self.param_groups[0]) != bool(names):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if names else 'without'} names to the optimizer"
            )
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        given = {id(p) for p in params}
        if len(given) < len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this "
                "will cause an error: give each parameter once",
                stacklevel=3,
            )
        if any(id(p) in given for other in self.param_groups for p in other["params"]):
            raise ValueError(
                "some parameters appear in more than one parameter group: each parameter has one "
                "set of options"
            )
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    p._grad = p._grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient.

        Args:
            closure: computes the loss anew and its gradients; called first.

        Returns:
            What the closure returned, None without one.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            changed: list[ndarray[Any, Any]] = []
            try:
                self.update(group, changed)
            finally:
                mutations.mark_all(changed)
        return loss

    def update(self, group: dict[str, Any], changed: list[ndarray[Any, Any]]) -> None:
        """Step the parameters of one group; for subclasses to define.

        Args:
            group: parameters and options.
            changed: the arrays that were changed are to be appended, so that graphs which still
                need their old values notice.
        """
        raise NotImplementedError(
            f"{type(self).__name__} defines neither step(closure) nor update(group, changed)"
        )

    # --- State ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return the state and the options, parameters replaced by their numbers.

        The layout is PyTorch's, so that each can load what the other saved.
        """
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {
            numbers[id(p)] if isinstance(p, Tensor) else p: entries
            for p, entries in self.state.items()
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; it is copied, after everything was checked.

        Args:
            state_dict: the state and options of an optimizer of the same kind, ours or
                PyTorch's, over parameters of the same shapes in the same order.

        Raises:
            ValueError: if groups or shapes differ; nothing was changed then.
        """
        for key in ("state", "param_groups"):
            if key not in state_dict:
                raise KeyError(
                    f"{key}: not the state of an optimizer; pass what optimizer.state_dict() "
                    "returned"
                )
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups: "
                f"{len(saved)}, the optimizer {len(self.param_groups)}"
            )
        owners: dict[Any, Tensor] = {}
        for k, (group, other) in enumerate(zip(self.param_groups, saved, strict=True)):
            if len(group["params"]) != len(other["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of "
                    f"optimizer's group: group {k} has {len(other['params'])} parameters there and "
                    f"{len(group['params'])} here"
                )
            owners.update(zip(other["params"], group["params"], strict=True))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, entries in state_dict["state"].items():
            owner = owners.get(key)
            if owner is None:
                state[key] = copy.deepcopy(entries)
            else:
                state[owner] = {
                    name: self._taken_over(name, value, owner, key)
                    for name, value in entries.items()
                }
        groups = []
        for group, other in zip(self.param_groups, saved, strict=True):
            options = {name: copy.deepcopy(v) for name, v in other.items() if name != "params"}
            groups.append({**group, **options, "params": group["params"]})
        self.state = state
        self.param_groups = groups

    def _taken_over(self, name: str, value: Any, owner: Tensor, key: Any) -> Any:
        """Return an entry of a loaded state as this optimizer keeps it, a tensor in our sense."""
        if name == "step" and isinstance(value, int | float):
            value = np.float32(value)
        if not hasattr(value, "__array__"):
            return copy.deepcopy(value)
        array = np.asarray(value._array if isinstance(value, Tensor) else value).copy()
        if name != "step" and owner._array.dtype.kind == "f":
            array = array.astype(owner._array.dtype)
        if name in self.shaped_like_parameter and array.shape != owner._array.shape:
            raise ValueError(
                f"loaded state dict has a {name} of shape {list(array.shape)} for parameter {key}, "
                f"whose shape is {list(owner.shape)}; were the parameters in the same order?"
            )
        return attach(array, None)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for k, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {k}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join((*lines, ")"))


def _named_apart(given: Any) -> tuple[list[Tensor], list[str]]:
    """Return the tensors of a group and, where they were given, their names."""
    if isinstance(given, Tensor):
        given = [given]
    if isinstance(given, set | frozenset):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of "
            "tensors in sets will change between runs. Please use a list instead."
        )
    params: list[Tensor] = []
    names: list[str] = []
    for item in given:
        if isinstance(item, tuple):
            names.append(item[0])
            item = item[1]
        if not isinstance(item, Tensor):
            raise TypeError(
                f"optimizer can only optimize Tensors, but one of the params is "
                f"{type(item).__name__}: pass module.parameters()"
            )
        if not item.is_leaf:
            raise ValueError(
                f"can't optimize a non-leaf Tensor: one of shape {list(item.shape)} was made by "
                f"{item.grad_fn}; pass the parameters it was computed from"
            )
        params.append(item)
    if names and len(names) != len(params):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    return params, names


def check_rate(lr: Any) -> None:
    """Refuse a learning rate that is negative or not finite."""
    if isinstance(lr, Tensor) and lr._array.size != 1:
        raise ValueError(f"Tensor lr must be 1-element, got shape {list(lr.shape)}")
    if not 0 <= float(lr) < math.inf:
        raise ValueError(f"Invalid learning rate: {lr} (it must be finite and not negative)")


def check_not_negative(name: str, value: float) -> None:
    """Refuse an option that is negative or not finite."""
    if not 0 <= value < math.inf:
        raise ValueError(f"Invalid {name} value: {value} (it must be finite and not negative)")


def check_options(differentiable: bool) -> None:
    """Refuse what the arithmetic in place cannot do."""
    if differentiable:
        raise NotImplementedError(
            "differentiable=True is not supported: steps are taken in place, outside the graph. To "
            "differentiate through a step, write it on tensors: w = w - lr * grad with the grad of "
            "cr.autograd.grad(..., create_graph=True)"
        )
