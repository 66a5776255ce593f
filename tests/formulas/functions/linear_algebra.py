"""The functions of linear algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

Dims = tuple[int, ...] | None


def _norm(x: Any, order: float, dims: Dims, keep: bool) -> Any:
    sizes = np.abs(x)
    if order == np.inf:
        return np.max(sizes, axis=dims, keepdims=keep)
    if order == -np.inf:
        return np.min(sizes, axis=dims, keepdims=keep)
    if order == 0:
        return np.sum(sizes != 0, axis=dims, keepdims=keep)
    return np.sum(sizes**order, axis=dims, keepdims=keep) ** (1 / order)


def _cofactor(x: Any) -> Any:
    """Return the matrix of cofactors by their definition, as determinants of minors."""
    y = np.empty_like(x, dtype=float)
    for at in np.ndindex(np.shape(x)):
        *batch, i, j = at
        minor = np.delete(np.delete(x[tuple(batch)], i, 0), j, 1)
        y[at] = (-1) ** (i + j) * np.linalg.det(minor)
    return y


def _triangular(which: Callable[..., Any], unit: bool) -> Callable[..., Any]:
    def solve(A: Any, B: Any) -> Any:
        offset = -1 if which is np.tril else 1
        triangle = which(A, offset) + np.eye(A.shape[-1]) if unit else which(A)
        return np.linalg.solve(triangle, B)

    return solve


def _reciprocal_gaps(w: Any) -> Any:
    n = w.shape[-1]
    y = np.zeros((*w.shape, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                y[..., i, j] = 1 / (w[..., j] - w[..., i])
    return y


def _matrix_exp_along(x: Any, direction: Any) -> Any:
    if x.ndim == 2:
        return scipy.linalg.expm_frechet(x, direction, compute_expm=False)
    return np.array([_matrix_exp_along(a, b) for a, b in zip(x, direction, strict=True)]).reshape(
        x.shape
    )


def _lu(x: Any) -> Any:
    """Factor without exchanges, column by column."""
    L, U = np.zeros_like(x), np.array(x)
    for k in range(x.shape[-1]):
        L[..., k:, k] = U[..., k:, k] / U[..., k : k + 1, k]
        U[..., k + 1 :, :] -= L[..., k + 1 :, k : k + 1] * U[..., k : k + 1, :]
    return L, U


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "solve_lower": _triangular(np.tril, False),
    "solve_upper": _triangular(np.triu, False),
    "solve_unit_lower": _triangular(np.tril, True),
    "solve_unit_upper": _triangular(np.triu, True),
    "cholesky": np.linalg.cholesky,
    "reciprocal_gaps": _reciprocal_gaps,
    "eigh": lambda x: tuple(np.linalg.eigh(x)),
    "eigvalsh": np.linalg.eigvalsh,
    "svd": lambda x: tuple(np.linalg.svd(x, full_matrices=False)),
    "svd_full": lambda x: tuple(np.linalg.svd(x)),
    "svdvals": lambda x: np.linalg.svd(x, compute_uv=False),
    "qr": lambda x: tuple(np.linalg.qr(x)),
    "lu": _lu,
    "det": np.linalg.det,
    "slogdet": lambda x: tuple(np.linalg.slogdet(x)),
    "cofactor": _cofactor,
    "matrix_exp": scipy.linalg.expm,
    "matrix_exp_along": _matrix_exp_along,
    "pinv": np.linalg.pinv,
    "lstsq": lambda A, B: np.linalg.pinv(A) @ B,
    "einsum": np.einsum,
    "dot": np.dot,
    "outer": np.outer,
}
ALONG: dict[str, Callable[..., Any]] = {
    "cross": lambda a, b, dims: np.cross(a, b, axis=dims[0]),
    "norm": lambda x, order, dims: _norm(x, order, dims, False),
    "Norm": lambda x, order, dims: _norm(x, order, dims, True),
}
