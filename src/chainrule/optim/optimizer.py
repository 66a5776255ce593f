"""The base of all optimizers: parameter groups, state, and both as a dictionary."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from numpy import ndarray

from chainrule.graph import mutations
from chainrule.modes import enable_grad
from chainrule.optim import hooks, state
from chainrule.optim.hooks import (
    register_optimizer_step_post_hook as register_optimizer_step_post_hook,
)
from chainrule.optim.hooks import (
    register_optimizer_step_pre_hook as register_optimizer_step_pre_hook,
)
from chainrule.tensor import RemovableHandle, Tensor

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

    # None until the first hook.
    _hooks: hooks.Hooks | None = None
    # Whether a step was taken.
    _opt_called: bool = False
    # What the user had put in place of `step` when a schedule was made.
    _step_before_schedule: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = hooks.hooked(vars(cls)["step"])  # type: ignore[method-assign]

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

    @hooks.hooked
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
        hooks = self._hooks
        if hooks is None:
            return state.pack(self)
        for hook in tuple(hooks.before_state.values()):
            hook(self)
        packed = state.pack(self)
        for hook in tuple(hooks.after_state.values()):
            packed = packed if (new := hook(self, packed)) is None else new
        return packed

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; it is copied, after everything was checked.

        Args:
            state_dict: the state and options of an optimizer of the same kind, ours or
                PyTorch's, over parameters of the same shapes in the same order.

        Raises:
            ValueError: if groups or shapes differ; nothing was changed then.
        """
        given = dict(state_dict)
        before = () if self._hooks is None else tuple(self._hooks.before_load.values())
        for hook in before:
            given = given if (new := hook(self, given)) is None else new
        self.state, self.param_groups = state.unpacked(self, given)
        after = () if self._hooks is None else tuple(self._hooks.after_load.values())
        for hook in after:
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # --- Hooks ------------------------------------------------------------------------------------

    def _all_hooks(self) -> hooks.Hooks:
        if self._hooks is None:
            self._hooks = hooks.Hooks()
        return self._hooks

    def register_step_pre_hook(self, hook: hooks.Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before every step.

        What it returns, unless None, replaces the arguments: a pair of new ones.
        """
        return hooks.add(self._all_hooks().before_step, hook)

    def register_step_post_hook(self, hook: hooks.Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after every step.

        >>> import chainrule as cr
        >>> optimizer = cr.optim.SGD([cr.zeros(1)])
        >>> handle = optimizer.register_step_post_hook(lambda *_: print("stepped"))
        >>> optimizer.step()
        stepped
        """
        return hooks.add(self._all_hooks().after_step, hook)

    def register_state_dict_pre_hook(
        self, hook: hooks.Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` before `state_dict` collects the state."""
        return hooks.add(self._all_hooks().before_state, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: hooks.Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` with what `state_dict` collected.

        What it returns, unless None, is returned in its place.
        """
        return hooks.add(self._all_hooks().after_state, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: hooks.Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before `load_state_dict` looks at a state dict.

        The hook gets a shallow copy; what it returns, unless None, is loaded in its place.
        """
        return hooks.add(self._all_hooks().before_load, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: hooks.Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` after `load_state_dict`."""
        return hooks.add(self._all_hooks().after_load, hook, prepend)

    # --- Text -------------------------------------------------------------------------------------

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
