"""Spectral normalisation by a hook, as older programs and their state dicts have it."""

from __future__ import annotations

from typing import Any

from chainrule.modes import no_grad
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter, is_lazy
from chainrule.nn.utils import normalising
from chainrule.tensor import Tensor

__all__ = [
    "remove_spectral_norm",
    "spectral_norm",
]


class SpectralNorm:
    """The hook that divides a weight by its largest singular value before every forward."""

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """Return the weight divided by its largest singular value, as far as it is known."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = normalising.as_matrix(weight, self.dim)
        for _ in range(self.n_power_iterations if do_power_iteration else 0):
            normalising.advance_right_then_left(matrix, u, v, self.eps)
        value: Tensor = weight / normalising.largest_singular_value(matrix, u, v)
        return value

    def remove(self, module: Module) -> None:
        """Make a parameter of the normalised weight."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for part in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + part)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Any:
    """Divide a weight by its largest singular value, which power iteration follows in training.

    `chainrule.nn.utils.parametrizations.spectral_norm` does the same with other names. Source:
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    Args:
        module: the module, which is returned.
        name: the name of the weight.
        n_power_iterations: the number of iterations before every forward in training.
        eps: the smallest norm to divide by.
        dim: the dimension of the outputs; 0, for transposed convolutions 1, if None.

    Raises:
        RuntimeError: if the weight is normalised already.

    >>> import chainrule as cr
    >>> list(spectral_norm(cr.nn.Linear(3, 2)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    if _found(module, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    if dim is None:
        dim = 1 if normalising.transposed_convolution(module) else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    if is_lazy(weight):
        raise ValueError(
            "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to "
            "run the dummy forward before applying spectral normalization"
        )
    rows, columns = normalising.as_matrix(weight, dim).shape
    u, v = (normalising.random_unit(weight, size, eps) for size in (rows, columns))
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    # A plain tensor until the first forward, so that others may read it.
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make an ordinary parameter of a weight that `spectral_norm` normalised.

    Raises:
        ValueError: if it is not normalised.
    """
    key = _found(module, name)
    if key is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    module._hooks.before.pop(key).function.remove(module)
    return module


def _found(module: Any, name: str) -> int | None:
    """Return the key of the hook that normalises a weight."""
    for key, hook in () if module._hooks is None else module._hooks.before.items():
        if isinstance(hook.function, SpectralNorm) and hook.function.name == name:
            return key  # type: ignore[no-any-return]
    return None
