"""Parametrizations that are in common use."""

from __future__ import annotations

from typing import Any

from chainrule.nn.module import Module
from chainrule.nn.utils import normalising
from chainrule.nn.utils.orthogonal import orthogonal
from chainrule.nn.utils.parametrize import register_parametrization
from chainrule.tensor import Tensor

__all__ = [
    "orthogonal",
    "spectral_norm",
    "weight_norm",
]


class _WeightNorm(Module):
    """A weight by its length and its direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """Return the weight of length g in the direction v."""
        return normalising.of_length(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the length and the direction of a weight."""
        return normalising.norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn a weight by its length g and its direction v: w = g v / ‖v‖.

    Source: Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate
    training of deep neural networks", 2016.

    Args:
        module: the module.
        name: the name of the weight.
        dim: the dimension whose entries have lengths of their own; None for one length.

    Returns:
        The module; g is ``parametrizations.weight.original0`` and v ``original1``. It also loads
        state dicts of the older `chainrule.nn.utils.weight_norm`.

    >>> import chainrule as cr
    >>> layer = weight_norm(cr.nn.Linear(3, 2))
    >>> layer.parametrizations.weight.original0.shape
    chainrule.Size([2, 1])
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        old = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state_dict for key in old):
            for k, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{k}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        ndim = weight.dim()
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but "
                f"got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = normalising.as_matrix(weight, self.dim)
            rows, columns = matrix.shape
            self.register_buffer("_u", normalising.random_unit(weight, rows, eps))
            self.register_buffer("_v", normalising.random_unit(weight, columns, eps))
            self._advance(matrix, 15)

    def _advance(self, matrix: Tensor, iterations: int) -> None:
        for _ in range(iterations):
            normalising.advance_left_then_right(matrix, self._u, self._v, self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight divided by its largest singular value, as far as it is known."""
        if weight.dim() == 1:
            return normalising.unit(weight, self.eps)
        matrix = normalising.as_matrix(weight, self.dim)
        if self.training:
            self._advance(matrix, self.n_power_iterations)
        return weight / normalising.largest_singular_value(matrix, self._u, self._v)

    def right_inverse(self, value: Tensor) -> Tensor:
        """Return the weight itself: it is normalised when it is read."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value, which power iteration follows in training.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    Args:
        module: the module.
        name: the name of the weight.
        n_power_iterations: the number of iterations whenever the weight is read in training.
        eps: the smallest norm to divide by.
        dim: the dimension of the outputs; 0, for transposed convolutions 1, if None.

    Returns:
        The module; the weight is ``parametrizations.weight.original``.

    Raises:
        ValueError: if there is no such weight.

    >>> import chainrule as cr
    >>> layer = spectral_norm(cr.nn.Linear(3, 2))
    >>> [name for name, _ in layer.named_buffers()]
    ['parametrizations.weight.0._u', 'parametrizations.weight.0._v']
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if normalising.transposed_convolution(module) else 0
    return register_parametrization(
        module, name, _SpectralNorm(weight, n_power_iterations, dim, eps)
    )
