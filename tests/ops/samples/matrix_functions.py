"""Determinants, powers and exponentials of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.samples.decompositions import (
    EMPTY,
    NOTHING,
    SQUARE,
    STACK,
    TALL,
    both,
    of,
    of_nothing,
    refused,
    squares,
)
from tests.ops.samples.description import Sample, uniform

_SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
_NEGATIVE = np.array([[1.0, 2.0], [2.0, 1.0]])


def exponential(lib: Any, x: Any) -> Any:
    """Return the exponential; of halves PyTorch's is infinite, so they are widened."""
    return lib.linalg.matrix_exp(x.float() if x.dtype == lib.float16 else x)


OPERATIONS = (
    of_nothing("linalg.det", lambda lib, x: lib.linalg.det(x)),
    of_nothing("linalg.slogdet", lambda lib, x: lib.linalg.slogdet(x)),
    of_nothing("logdet", lambda lib, x: lib.logdet(x)),
    both("linalg.det", lambda lib, x: lib.linalg.det(x), (*squares(), *refused())),
    both("det", lambda lib, x: lib.det(x), of(SQUARE), method="det"),
    both(
        "linalg.slogdet",
        lambda lib, x: lib.linalg.slogdet(x),
        (*squares(), *refused(), *of(_NEGATIVE)),
    ),
    both("slogdet", lambda lib, x: lib.slogdet(x), of(STACK), method="slogdet"),
    both(
        "slogdet of what is singular",
        lambda lib, x: lib.slogdet(x.detach())[1],
        of(_SINGULAR, smooth=False),
    ),
    both(
        "logdet",
        lambda lib, x: lib.logdet(x),
        (*of(SQUARE, STACK), *refused(), *of(_NEGATIVE, smooth=False)),
        method="logdet",
    ),
    both(
        "linalg.matrix_exp",
        exponential,
        (
            *of(uniform(3, 3), uniform(2, 2, 2), EMPTY, NOTHING, uniform(1, 1), np.zeros((2, 2))),
            *refused(),
        ),
        ulps=512,
    ),
    both("matrix_exp", lambda lib, x: lib.matrix_exp(x.double()), of(_SINGULAR), integers=False),
    *(
        both(
            f"linalg.matrix_power {n}",
            lambda lib, x, n=n: lib.linalg.matrix_power(x, n),
            (*of(uniform(3, 3) + 2 * np.eye(3), STACK, NOTHING), *refused()),
            ulps=2048,
        )
        for n in (-2, -1, 0, 1, 2, 3, 5)
    ),
    both("matrix_power", lambda lib, x: lib.matrix_power(x, 2), of(SQUARE)),
    both(
        "linalg.matrix_rank",
        lambda lib, x, **options: lib.linalg.matrix_rank(x, **options),
        (
            *of(SQUARE, STACK, TALL, _SINGULAR, np.zeros((2, 3)), EMPTY, NOTHING, uniform(3)),
            Sample("tolerance", (SQUARE,), {"tol": 2.0}),
            Sample("tolerances", (SQUARE,), {"atol": 2.0, "rtol": 0.1}),
            Sample("symmetric", (_SINGULAR,), {"hermitian": True}),
        ),
    ),
    both(
        "vander",
        lambda lib, x, **options: lib.vander(x, **options),
        (
            *of(uniform(3), np.array([0.0, 1.0, 2.0]), np.zeros(0), uniform(2, 2)),
            Sample("more", (uniform(2),), {"N": 4}),
            Sample("none", (uniform(2),), {"N": 0}),
            Sample("fewer than none", (uniform(2),), {"N": -1}),
            Sample("increasing", (uniform(3),), {"increasing": True}),
        ),
    ),
    both(
        "linalg.vander",
        lambda lib, x, **options: lib.linalg.vander(x, **options),
        (
            *of(uniform(3), uniform(2, 3), uniform(), uniform(1)),
            Sample("more", (uniform(1, 2),), {"N": 4}),
            Sample("too few", (uniform(2),), {"N": 1}),
        ),
    ),
    both(
        "linalg.diagonal",
        lambda lib, x, **options: lib.linalg.diagonal(x, **options),
        (
            *of(SQUARE, STACK, TALL, uniform(3)),
            Sample("beside", (STACK,), {"offset": 1, "dim1": 0}),
        ),
    ),
)
