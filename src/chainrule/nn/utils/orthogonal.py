"""Orthogonal weights as functions of what is learned."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.modes import no_grad
from chainrule.nn import init
from chainrule.nn.module import Module
from chainrule.nn.utils.parametrize import register_parametrization
from chainrule.ops.assembly import cat
from chainrule.ops.creation import eye
from chainrule.tensor import Tensor

__all__ = [
    "orthogonal",
]

MAPS = ("matrix_exp", "cayley", "householder")


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Let a weight be orthogonal: with orthonormal columns, or rows if these are fewer.

    From what is learned, x, an orthogonal matrix is made through the skew-symmetric part
    A = tril(x) − tril(x)ᵀ, as exp(A) or as the Cayley map (I − A/2)⁻¹ (I + A/2), or as a product
    of Householder reflections along the columns of x. With trivialization it multiplies a fixed
    orthogonal matrix, the one nearest to the present weight.

    Sources: Lezcano-Casado and Martínez-Rubio, "Cheap orthogonal constraints in neural networks",
    2019; Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", 2019.

    Args:
        module: the module.
        name: the name of the weight, which has at least two dimensions.
        orthogonal_map: "matrix_exp", "cayley" or "householder"; if None, the first for square
            weights and the last for others.
        use_trivialization: whether to begin at the present weight. Without it, "householder" is
            not supported.

    Returns:
        The module.

    Raises:
        ValueError: if there is no such weight, it is no matrix, or the map is unknown.

    >>> import chainrule as cr
    >>> layer = orthogonal(cr.nn.Linear(3, 3))
    >>> bool(cr.allclose(layer.weight @ layer.weight.T, cr.eye(3), atol=1e-5))
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions."
        )
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    if orthogonal_map == "householder" and not use_trivialization:
        raise NotImplementedError(
            "orthogonal: householder without trivialization is not supported; leave "
            "use_trivialization=True, or use matrix_exp or cayley"
        )
    function = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, function, unsafe=True)


class _Orthogonal(Module):
    """One of the maps, times the fixed matrix ``base``."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        """Return the orthogonal matrix for what is learned."""
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        made = _reflections(x) if self.orthogonal_map == "householder" else self._rotation(x)
        if self.use_trivialization and self.base is not None:
            made = self.base @ made
        return made.mT if wide else made

    def _rotation(self, x: Tensor) -> Tensor:
        from chainrule import linalg

        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = cat([x, x.new_zeros(*x.shape[:-1], n - k)], -1)
        skew = x - x.mT
        if self.orthogonal_map == "matrix_exp":
            made: Tensor = linalg.matrix_exp(skew)
        else:
            identity = eye(n, dtype=x.dtype)
            made = linalg.solve(identity - 0.5 * skew, identity + 0.5 * skew)
        return made[..., :k] if n != k else made

    def right_inverse(self, q: Tensor) -> Tensor:
        """Take a matrix as the new base, and return what is learned at it."""
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {q.shape}."
            )
        if not self.use_trivialization:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        with no_grad():
            rows, columns = q.shape[-2:]
            matrix = q.mT if rows < columns else q
            n, k = matrix.shape[-2:]
            if n != k:
                more = init.normal_(matrix.new_zeros(*matrix.shape[:-1], n - k))
                matrix = cat([matrix, more], -1)
            self.base = _nearest_by_columns(matrix)
            # Where exp(A) and the reflections are the identity.
            return (-eye(rows, columns, dtype=q.dtype)).expand(*q.shape).clone()


def _nearest_by_columns(matrix: Tensor) -> Tensor:
    """Return the matrix itself if it is orthogonal, else its columns made orthonormal in turn."""
    from chainrule import linalg

    n = matrix.shape[-1]
    off = matrix.mT @ matrix - eye(n, dtype=matrix.dtype)
    tolerance = 10 * n * float(np.finfo(matrix.dtype).eps)
    if bool((off.abs() <= tolerance).all()):
        return matrix.clone()
    q, r = linalg.qr(matrix)
    signs: Any = r.diagonal(0, -2, -1).sign()
    return q * signs.unsqueeze(-2)  # type: ignore[no-any-return]


def _reflections(x: Tensor) -> Tensor:
    """Return the first columns of the product of reflections along the columns of x below.

    Each is I − τ v vᵀ with v = (0, …, 0, 1, x below the diagonal) and τ = 2 / ‖v‖².
    """
    n, k = x.shape[-2:]
    below = x.tril(-1)
    directions = below + eye(n, k, dtype=x.dtype)
    lengths = 2.0 / (1.0 + (below * below).sum(-2))
    made = eye(n, k, dtype=x.dtype).expand(*x.shape)
    for j in range(k - 1, -1, -1):
        v = directions[..., :, j : j + 1]
        made = made - lengths[..., j : j + 1].unsqueeze(-1) * (v @ (v.mT @ made))
    # The signs of the columns are not learned: whole numbers have no gradient.
    signs: Any = x.detach().diagonal(0, -2, -1).trunc()
    return made * signs.unsqueeze(-2)  # type: ignore[no-any-return]
