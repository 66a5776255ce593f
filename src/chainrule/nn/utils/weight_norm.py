"""Weight normalisation by a hook, as older programs and their state dicts have it."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter, is_lazy
from chainrule.nn.utils import normalising
from chainrule.tensor import Tensor

__all__ = [
    "remove_weight_norm",
    "weight_norm",
]


class WeightNorm:
    """The hook that computes a weight from its length and direction before every forward."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """Return g v / ‖v‖."""
        length, direction = (getattr(module, f"{self.name}_{part}") for part in "gv")
        return normalising.of_length(direction, length, self.dim)

    def remove(self, module: Module) -> None:
        """Make a parameter of the weight again."""
        weight = self.compute_weight(module).detach()
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn a weight by its length ``weight_g`` and its direction ``weight_v``.

    Deprecated, as in PyTorch: `chainrule.nn.utils.parametrizations.weight_norm` does the same with
    other names.

    Args:
        module: the module, which is returned.
        name: the name of the weight.
        dim: the dimension whose entries have lengths of their own; None for one length.

    Raises:
        RuntimeError: if the weight is normalised already.

    >>> import chainrule as cr, warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     layer = weight_norm(cr.nn.Linear(3, 2))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight_g', 'weight_v']
    """
    warnings.warn(
        "`nn.utils.weight_norm` is deprecated in favor of `nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    if _found(module, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError(
            "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to "
            "run the dummy forward before applying weight normalization"
        )
    hook = WeightNorm(name, dim)
    length = normalising.norm_except_dim(weight.detach(), hook.dim)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(length))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make an ordinary parameter of a weight that `weight_norm` normalised.

    Raises:
        ValueError: if it is not normalised.
    """
    key = _found(module, name)
    if key is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    module._hooks.before.pop(key).function.remove(module)
    return module


def _found(module: Any, name: str) -> int | None:
    """Return the key of the hook that normalises a weight."""
    for key, hook in () if module._hooks is None else module._hooks.before.items():
        if isinstance(hook.function, WeightNorm) and hook.function.name == name:
            return key  # type: ignore[no-any-return]
    return None
