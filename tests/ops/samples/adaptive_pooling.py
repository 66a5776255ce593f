"""Pooling to a given size, of powers, at random, and maxima put back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform

_SHAPES = {1: (1, 2, 5), 2: (1, 2, 5, 4), 3: (1, 1, 4, 3, 3)}


def functional(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    ours, theirs = getattr(cr.nn.functional, name), getattr(torch.nn.functional, name)
    return Operation(name, ours, theirs, tuple(samples), **options)


def adaptive(dims: int) -> Iterable[Sample]:
    x = uniform(*_SHAPES[dims])
    yield Sample("overlapping", (x, 3))
    yield Sample("unbatched", (x[0], 2))
    yield Sample("larger", (x[..., :2], 3))
    yield Sample("side by side", (uniform(1, 2, *(4, 2, 2)[:dims]), 2))
    yield Sample("one", (x, 1))
    yield Sample("none", (x, 0))
    yield Sample("a size too many", (x, (2,) * (dims + 1)))
    yield Sample("negative", (x, -1))
    yield Sample("no samples", (np.zeros((0, *x.shape[1:])), 2))
    yield Sample("too few dimensions", (uniform(3), 2))
    if dims > 1:
        yield Sample("of several sizes", (x, (2, 3, 1)[:dims]))
        yield Sample("one as it is", (x, (None, 2, 2)[:dims]))
        yield Sample("nothing", (np.zeros((1, 2, *(0,) * dims)), 2))
    if dims == 2:
        yield Sample("not contiguous", (strided(1, 2, 5, 3), 2))


def adaptive_maxima(dims: int) -> Iterable[Sample]:
    for sample in adaptive(dims):
        yield sample
        if sample.name in ("overlapping", "unbatched", "side by side"):
            yield Sample(f"{sample.name}, indices", (*sample.args, True))
    if dims == 2:
        tied = np.array([[[1.0, 3.0, 3.0], [3.0, 1.0, 3.0], [np.nan, 3.0, np.nan]]])
        yield Sample("ties and NaN", (tied, 2, True), smooth=False)
        yield Sample("NaN everywhere", (np.full((1, 3, 3), np.nan), 2, True), smooth=False)


def powers(dims: int) -> Iterable[Sample]:
    x = uniform(1, 2, *(4, 3, 2)[:dims], low=0.5)
    yield Sample("squares", (x, 2, 2))
    yield Sample("cubes, unbatched", (x[0], 3.0, 2), {"stride": 1})
    yield Sample("of signs", (uniform(1, 1, *(4, 3, 2)[:dims]), 2, 2))
    yield Sample("sum, ceil", (x, 1, 2), {"ceil_mode": True})
    yield Sample("too large", (x, 2, 9))
    if dims == 2:
        yield Sample("of two sizes", (x, 2, (2, 3)), {"stride": (1, 2)})


def put_back(dims: int) -> Iterable[Sample]:
    size = (3, 2, 2)[:dims]
    y = uniform(1, 2, *size)
    count = int(np.prod(size)) * 2**dims
    rng = np.random.default_rng(dims)
    index = np.stack([rng.permutation(count)[: int(np.prod(size))] for _ in range(2)])
    index = index.reshape(y.shape)
    yield Sample("plain", (y, Index(index), 2))
    yield Sample("unbatched", (y[0], Index(index[0]), 2))
    yield Sample("larger", (y, Index(index), 2), {"output_size": tuple(2 * n + 1 for n in size)})
    yield Sample(
        "size with batch", (y, Index(index), 2), {"output_size": (1, 2, *(2 * n for n in size))}
    )
    yield Sample(
        "strided, padded",
        (y, Index(np.minimum(index, 1) * 0), 3),
        {"stride": 2, "padding": 1},
        smooth=False,
    )
    yield Sample("index too large", (y, Index(index + 1000), 2))
    yield Sample("negative index", (y, Index(index - 1000), 2))
    yield Sample("other indices", (y, Index(index[..., :1]), 2))
    yield Sample("fractions as indices", (y, Index(index.astype(float)), 2))
    yield Sample("impossible size", (y, Index(index), 2), {"output_size": (9,) * dims})
    yield Sample("wrong number of sizes", (y, Index(index), 2), {"output_size": (9,) * (dims + 1)})


def at_random(dims: int) -> Iterable[Sample]:
    x = uniform(1, 2, *(6, 5, 4)[:dims])
    for seed in (0, 1):
        samples = np.random.default_rng(seed).uniform(0, 1, (1, 2, dims))
        yield Sample(
            f"sample {seed}",
            (x, 2),
            {"output_size": (3, 4, 2)[:dims], "_random_samples": samples, "return_indices": True},
        )
    yield Sample(
        "unbatched",
        (x[0], (2, 3, 1)[:dims]),
        {"output_ratio": (0.5,) * dims, "_random_samples": samples},
    )
    yield Sample("too large", (x, 3), {"output_size": 4, "_random_samples": samples})
    yield Sample("no size", (x, 3))


OPERATIONS = (
    *(
        functional(f"adaptive_avg_pool{d}d", adaptive(d), integers=False, summing=True)
        for d in (1, 2, 3)
    ),
    *(functional(f"adaptive_max_pool{d}d", adaptive_maxima(d), integers=False) for d in (1, 2, 3)),
    *(functional(f"lp_pool{d}d", powers(d), integers=False, ulps=16) for d in (1, 2, 3)),
    *(functional(f"max_unpool{d}d", put_back(d), integers=False) for d in (1, 2, 3)),
    *(functional(f"fractional_max_pool{d}d", at_random(d), integers=False) for d in (2, 3)),
)
