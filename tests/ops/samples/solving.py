"""Inverses, linear equations, least squares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tests.ops.samples.decompositions import (
    NOTHING,
    SQUARE,
    STACK,
    TALL,
    WIDE,
    both,
    of,
    of_nothing,
    positive,
    refused,
    squares,
)
from tests.ops.samples.description import Operation, Sample, uniform

_SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def pairs(*shapes: Any, a: Any = SQUARE) -> Iterable[Sample]:
    for shape in shapes:
        yield Sample(f"{list(a.shape)} {list(shape)}", (a, uniform(*shape, seed=5)))


INVERSES = (
    of_nothing("linalg.inv", lambda lib, x: lib.linalg.inv(x)),
    of_nothing("linalg.pinv", lambda lib, x: lib.linalg.pinv(x)),
    of_nothing("linalg.solve", lambda lib, x: lib.linalg.solve(x, x)),
    both(
        "linalg.inv",
        lambda lib, x: lib.linalg.inv(x),
        (*squares(), *refused(), *of(np.zeros((2, 2)), np.zeros((2, 2, 2)), smooth=False)),
    ),
    both("inverse", lambda lib, x: lib.inverse(x), of(SQUARE), method="inverse"),
    both("linalg.inv_ex", lambda lib, x: lib.linalg.inv_ex(x), of(SQUARE, STACK)),
    both(
        "linalg.inv_ex of what is singular",
        lambda lib, x: lib.linalg.inv_ex(x.detach()).info,
        of(np.stack([np.zeros((2, 2)), np.eye(2), _SINGULAR])),
    ),
    both(
        "linalg.tensorinv",
        lambda lib, x, ind: lib.linalg.tensorinv(x, ind),
        (
            Sample("two", (uniform(2, 2, 4) + np.eye(4).reshape(2, 2, 4) * 3, 2)),
            Sample("one", (uniform(4, 2, 2) + np.eye(4).reshape(4, 2, 2) * 3, 1)),
            Sample("none", (SQUARE, 0)),
            Sample("not square", (uniform(2, 3, 4), 2)),
        ),
    ),
)

EQUATIONS = (
    both(
        "linalg.solve",
        lambda lib, a, b: lib.linalg.solve(a, b),
        (
            *pairs((3, 2), (3,), (2, 3, 2), (3, 0), (2,), (2, 2), ()),
            *pairs((2, 3), (3, 2), (2, 3, 1), (3,), (2, 1, 3, 1), (3, 3, 1), a=STACK),
            *pairs((3, 1), a=WIDE),
            Sample("singular", (np.zeros((2, 2)), uniform(2)), smooth=False),
        ),
    ),
    both(
        "linalg.solve from the right",
        lambda lib, a, b: lib.linalg.solve(a, b, left=False),
        (*pairs((2, 3), (2, 2, 3), (3, 2), (3,)), *pairs((2, 3), a=STACK)),
    ),
    both(
        "linalg.solve_ex",
        lambda lib, a, b: lib.linalg.solve_ex(a, b),
        (*pairs((3, 2), (3,)), *pairs((2, 3), a=STACK)),
    ),
    both(
        "linalg.solve_ex of what is singular",
        lambda lib, a, b: lib.linalg.solve_ex(a.detach(), b.detach()).info,
        pairs((2, 1), a=_SINGULAR),
    ),
    *(
        both(
            f"linalg.solve_triangular upper={upper} left={left} unit={unit}",
            lambda lib, a, b, upper=upper, left=left, unit=unit: lib.linalg.solve_triangular(
                a, b if left else b.mT, upper=upper, left=left, unitriangular=unit
            ),
            (
                *pairs((3, 2), (2, 3, 1), (2, 2), (3, 0)),
                *pairs((3, 2), (1, 2, 3, 1), a=STACK),
                *pairs((0, 2), a=NOTHING),
            ),
        )
        for upper in (True, False)
        for left in (True, False)
        for unit in (True, False)
    ),
    both(
        "linalg.solve_triangular of what it refuses",
        lambda lib, a, b: lib.linalg.solve_triangular(a, b, upper=True),
        (*pairs((2,)), *pairs((2, 1), a=WIDE)),
    ),
    both(
        "triangular_solve",
        lambda lib, a, b, **options: lib.triangular_solve(b, a, **options),
        (
            *pairs((3, 2)),
            Sample("transposed", (SQUARE, uniform(3, 2)), {"transpose": True}),
            Sample("lower, unit", (SQUARE, uniform(3, 2)), {"upper": False, "unitriangular": True}),
        ),
    ),
    *(
        both(
            f"cholesky_solve upper={upper}",
            lambda lib, a, b, upper=upper: lib.cholesky_solve(
                b, lib.linalg.cholesky(positive(a), upper=upper), upper
            ),
            (*pairs((3, 2), (2, 2), (3,)), *pairs((3, 2), a=STACK)),
        )
        for upper in (False, True)
    ),
    *(
        both(
            f"cholesky_inverse upper={upper}",
            lambda lib, x, upper=upper: lib.cholesky_inverse(
                lib.linalg.cholesky(positive(x), upper=upper), upper
            ),
            of(SQUARE, STACK),
        )
        for upper in (False, True)
    ),
    both("cholesky_inverse of what it refuses", lambda lib, x: lib.cholesky_inverse(x), refused()),
    both(
        "linalg.tensorsolve",
        lambda lib, a, b, dims=None: lib.linalg.tensorsolve(a, b, dims),
        (
            Sample("matrix", (uniform(2, 2, 4) + np.eye(4).reshape(2, 2, 4) * 3, uniform(2, 2))),
            Sample(
                "moved",
                (uniform(4, 2, 2) + np.eye(4).reshape(4, 2, 2) * 3, uniform(2, 2), (0,)),
            ),
            Sample("what does not fit", (uniform(2, 3, 4), uniform(2, 3))),
        ),
    ),
)


def least_squares(name: str, run: Any, samples: Iterable[Sample], **options: Any) -> Operation:
    return both(name, run, samples, ulps=1024, **options)


LEAST_SQUARES = (
    least_squares(
        "linalg.pinv",
        lambda lib, x: lib.linalg.pinv(x),
        (*squares(), *of(WIDE, TALL, uniform(2, 3, 2), np.zeros((2, 0)), uniform(3))),
    ),
    least_squares(
        "linalg.pinv with tolerances",
        lambda lib, x: lib.linalg.pinv(x, atol=0.01, rtol=1e-3),
        of(WIDE, TALL),
    ),
    least_squares(
        "linalg.pinv of what is singular",
        lambda lib, x: lib.linalg.pinv(x, rcond=1e-4),
        of(_SINGULAR, smooth=False),
    ),
    least_squares(
        "linalg.pinv hermitian",
        lambda lib, x: lib.linalg.pinv(x + x.mT, hermitian=True),
        of(SQUARE, STACK, WIDE),
    ),
    least_squares("pinverse", lambda lib, x: lib.pinverse(x), of(TALL), method="pinverse"),
    least_squares(
        "linalg.lstsq",
        lambda lib, a, b: lib.linalg.lstsq(a, b)[0:4:2],
        (
            *pairs((3, 2), (3,)),
            *pairs((4, 2), (4,), (3, 1), a=TALL),
            *pairs((2, 1), (2,), a=WIDE),
            *pairs((2, 3, 1), (2, 3), a=uniform(2, 3, 2)),
        ),
    ),
    *(
        least_squares(
            f"linalg.lstsq by {driver}",
            lambda lib, a, b, driver=driver: lib.linalg.lstsq(a, b, driver=driver)[:2],
            pairs((4, 2), a=TALL),
        )
        for driver in ("gels", "gelsd", "gelss", "other")
    ),
    *(
        least_squares(
            f"what linalg.lstsq by {driver} says besides",
            lambda lib, a, b, driver=driver: lib.linalg.lstsq(
                a.detach(), b.detach(), driver=driver
            )[2:],
            pairs((4, 2), a=TALL),
        )
        for driver in ("gels", "gelsd", "gelss", "gelsy")
    ),
)

OPERATIONS = (*INVERSES, *EQUATIONS, *LEAST_SQUARES)
