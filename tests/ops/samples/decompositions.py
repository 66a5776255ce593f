"""Decompositions, compared where their results do not depend on a choice of signs.

Eigenvectors and singular vectors are compared with the signs of their first elements made positive;
finite differences vary symmetric matrices symmetrically.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform

WIDE, TALL, SQUARE = uniform(2, 4), uniform(4, 2), uniform(3, 3) + np.diag([1.0, 3.0, 6.0])
STACK = 0.5 * uniform(2, 3, 3) + np.diag([3.0, 5.0, 8.0])
EMPTY = np.zeros((0, 3, 3))
NOTHING = np.zeros((0, 0))
NOT_FINITE = np.array([[1.0, np.nan], [0.0, 1.0]])


def symmetric(x: Any) -> Any:
    """Return a symmetric matrix made of any, with a gap between its eigenvalues."""
    return x + x.mT


def positive(x: Any) -> Any:
    """Return a positive definite matrix made of any."""
    return x @ x.mT


def both(
    name: str,
    run: Callable[[Any, Any], Any],
    samples: Iterable[Sample],
    **options: Any,
) -> Operation:
    """Describe what ``run(library, *args)`` computes in both libraries."""
    options = {"integers": True, "ulps": 256, **options}
    return Operation(
        name,
        lambda *args, **kwargs: run(cr, *args, **kwargs),
        lambda *args, **kwargs: run(torch, *args, **kwargs),
        tuple(samples),
        summing=True,
        **options,
    )


def of(*arrays: Any, names: str = "", smooth: bool = True, **kwargs: Any) -> Iterable[Sample]:
    for x in arrays:
        yield Sample(f"{list(x.shape)} {names}", (x,), kwargs, smooth)


def squares() -> Iterable[Sample]:
    yield from of(SQUARE, STACK, uniform(1, 1), strided(4, 4))


def of_nothing(name: str, run: Callable[[Any, Any], Any]) -> Operation:
    """Describe an operation on no matrices, and on matrices without rows.

    PyTorch then does not mind the dtype; ours is the one that it takes otherwise.
    """
    return both(
        f"{name} of nothing",
        lambda lib, x: run(lib, x.to(lib.float64)),
        of(EMPTY, NOTHING),
        integers=False,
    )


def with_signs(lib: Any, *vectors: Any) -> tuple[Any, ...]:
    """Return columns of vectors with the first element of the first ones positive."""
    signs = lib.sign(vectors[0][..., :1, :]).detach()
    return tuple(v * signs for v in vectors)


def eigen(lib: Any, x: Any, **options: Any) -> tuple[Any, ...]:
    w, V = lib.linalg.eigh(symmetric(x), **options)
    return (w, *with_signs(lib, V))


def singular(lib: Any, x: Any) -> tuple[Any, ...]:
    U, s, Vh = lib.linalg.svd(x, full_matrices=False)
    return (s, *with_signs(lib, U, Vh.mT))


def refused() -> Iterable[Sample]:
    yield from of(WIDE, uniform(3))


CHOLESKY = (
    of_nothing("linalg.cholesky", lambda lib, x: lib.linalg.cholesky(x)),
    both("linalg.cholesky", lambda lib, x: lib.linalg.cholesky(positive(x)), squares()),
    both(
        "linalg.cholesky upper",
        lambda lib, x: lib.linalg.cholesky(positive(x), upper=True),
        of(SQUARE, STACK),
    ),
    both(
        "linalg.cholesky as it is",
        lambda lib, x: lib.linalg.cholesky(x),
        (
            *refused(),
            *of(-np.eye(2), np.stack([np.eye(2), -np.eye(2)]), smooth=False),
            *of(np.array([[4.0, 100.0], [2.0, 5.0]]), names="one triangle", smooth=False),
        ),
    ),
    both(
        "linalg.cholesky_ex",
        lambda lib, x: lib.linalg.cholesky_ex(positive(x)),
        of(SQUARE, STACK),
    ),
    both(
        "linalg.cholesky_ex of what has none",
        lambda lib, x: lib.linalg.cholesky_ex(x).info,
        of(np.stack([np.eye(2), -np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]])])),
    ),
    both("cholesky", lambda lib, x: lib.cholesky(positive(x), upper=True), of(SQUARE)),
)

EIGEN = (
    both("linalg.eigh", eigen, squares()),
    of_nothing("linalg.eigh", lambda lib, x: lib.linalg.eigh(x)),
    both(
        "linalg.eigh of the upper triangle",
        lambda lib, x: eigen(lib, x, UPLO="U"),
        of(SQUARE, STACK),
    ),
    both(
        "linalg.eigh as it is",
        lambda lib, x, *rest: lib.linalg.eigh(x, *rest)[:1],
        (
            *refused(),
            *of(NOT_FINITE, smooth=False),
            Sample("one triangle", (np.array([[1.0, 9.0], [2.0, 3.0]]),), smooth=False),
            Sample("another triangle", (np.array([[1.0, 9.0], [2.0, 3.0]]), "U"), smooth=False),
            Sample("unknown", (SQUARE, "X")),
        ),
    ),
    both(
        "linalg.eigh of equal eigenvalues",
        lambda lib, x: lib.linalg.eigh(symmetric(x)).eigenvalues.sum(),
        of(np.eye(3), smooth=False),
    ),
    both("linalg.eigvalsh", lambda lib, x: lib.linalg.eigvalsh(symmetric(x)), squares()),
    both(
        "linalg.eigvalsh as it is",
        lambda lib, x: lib.linalg.eigvalsh(x, "u"),
        (*refused(), *of(np.eye(2), smooth=False)),
    ),
)

SINGULAR = (
    both(
        "linalg.svd",
        singular,
        (*squares(), *of(WIDE, TALL, uniform(2, 3, 2))),
    ),
    of_nothing("linalg.svd", lambda lib, x: lib.linalg.svd(x, full_matrices=False)),
    of_nothing("linalg.svdvals", lambda lib, x: lib.linalg.svdvals(x)),
    of_nothing("linalg.eigvalsh", lambda lib, x: lib.linalg.eigvalsh(x)),
    both("linalg.svd complete", lambda lib, x: lib.linalg.svd(x)[1:2], of(SQUARE, WIDE, TALL)),
    both(
        "linalg.svd of what it refuses",
        lambda lib, x: lib.linalg.svd(x),
        (*of(uniform(3)), *of(NOT_FINITE, smooth=False)),
    ),
    both(
        "linalg.svdvals",
        lambda lib, x: lib.linalg.svdvals(x),
        (*squares(), *of(WIDE, TALL), *of(np.eye(2), smooth=False)),
    ),
    both(
        "svd",
        lambda lib, x: (lambda U, S, V: (S, *with_signs(lib, U, V)))(*lib.svd(x)),
        of(SQUARE, WIDE, TALL),
    ),
    both("svd without vectors", lambda lib, x: lib.svd(x, compute_uv=False)[1], of(TALL)),
    both("svd, all", lambda lib, x: lib.svd(x, some=False)[1], of(TALL)),
)

QR = (
    of_nothing("linalg.qr", lambda lib, x: lib.linalg.qr(x)),
    both(
        "linalg.qr",
        lambda lib, x: lib.linalg.qr(x),
        (*squares(), *of(WIDE, TALL, uniform(2, 3, 2), np.zeros((3, 0)), uniform(3))),
    ),
    both(
        "linalg.qr complete",
        lambda lib, x: lib.linalg.qr(x, mode="complete"),
        of(SQUARE, WIDE, TALL),
    ),
    both("linalg.qr r", lambda lib, x: lib.linalg.qr(x.detach(), mode="r"), of(SQUARE, TALL)),
    both("linalg.qr unknown", lambda lib, x: lib.linalg.qr(x, mode="full"), of(SQUARE)),
    both("qr", lambda lib, x: lib.qr(x), of(SQUARE)),
)

LU = (
    of_nothing("linalg.lu", lambda lib, x: lib.linalg.lu(x)),
    of_nothing("linalg.lu_factor", lambda lib, x: lib.linalg.lu_factor(x)),
    both(
        "linalg.lu",
        lambda lib, x: lib.linalg.lu(x),
        (*squares(), *of(WIDE, TALL, uniform(2, 3, 2), uniform(3))),
    ),
    both(
        "linalg.lu of what is singular",
        lambda lib, x: lib.linalg.lu(x.detach()),
        of(np.ones((2, 2)), smooth=False),
    ),
    both("linalg.lu_factor", lambda lib, x: lib.linalg.lu_factor(x), (*squares(), *of(WIDE, TALL))),
    both(
        "linalg.lu_factor of what is singular",
        lambda lib, x: lib.linalg.lu_factor(x),
        of(np.ones((2, 2)), smooth=False),
    ),
    both(
        "linalg.lu_factor_ex",
        lambda lib, x: lib.linalg.lu_factor_ex(x.detach()),
        of(SQUARE, np.ones((2, 2)), smooth=False),
    ),
    both("lu", lambda lib, x: lib.lu(x.detach(), get_infos=True), of(SQUARE)),
    both(
        "lu_unpack",
        lambda lib, x: lib.lu_unpack(*lib.linalg.lu_factor(x)),
        of(SQUARE, STACK, WIDE, TALL),
    ),
    both(
        "linalg.lu without exchanges",
        lambda lib, x: lib.linalg.lu(x, pivot=False),
        of(SQUARE),
    ),
    *(
        both(
            f"linalg.lu_solve left={left} adjoint={adjoint}",
            lambda lib, a, b, left=left, adjoint=adjoint: lib.linalg.lu_solve(
                *lib.linalg.lu_factor(a), b if left else b.mT, left=left, adjoint=adjoint
            ),
            (
                Sample("columns", (SQUARE, uniform(3, 2))),
                Sample("stacks", (STACK, uniform(3, 2))),
            ),
        )
        for left in (True, False)
        for adjoint in (True, False)
    ),
    both(
        "lu_solve",
        lambda lib, a, b: lib.lu_solve(b, *lib.linalg.lu_factor(a)),
        (
            Sample("columns", (SQUARE, uniform(3, 2))),
            Sample("what does not fit", (SQUARE, uniform(2, 2))),
        ),
    ),
)

OPERATIONS = (*CHOLESKY, *EIGEN, *SINGULAR, *QR, *LU)
