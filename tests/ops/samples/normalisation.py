"""Normalisations: over features, channels, groups and batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform

F, FT = cr.nn.functional, torch.nn.functional


def normalisation(
    name: str, samples: Iterable[Sample], ours: Any = None, theirs: Any = None, **options: Any
) -> Operation:
    return Operation(
        name,
        ours if ours is not None else getattr(F, name),
        theirs if theirs is not None else getattr(FT, name),
        tuple(samples),
        # Of the sizes of a sample; a float64 sum in another order differs in the last places.
        ulps=64,
        summing=True,
        **options,
    )


def _weight(*shape: int) -> Any:
    return uniform(*shape, low=0.5, high=1.5, seed=3)


def of_features(bias: bool) -> Iterable[Sample]:
    def affine(*shape: int) -> tuple[Any, ...]:
        return (_weight(*shape), uniform(*shape, seed=4)) if bias else (_weight(*shape),)

    yield Sample("rows", (uniform(3, 4), (4,)))
    yield Sample("rows, with weight", (uniform(3, 4), (4,), *affine(4)))
    yield Sample("two dimensions", (uniform(2, 3, 2), (3, 2), *affine(3, 2)))
    yield Sample("last of three", (uniform(2, 2, 3), [3], *affine(3)))
    yield Sample("everything", (uniform(4), (4,), *affine(4)))
    yield Sample("large epsilon", (uniform(2, 3), (3,)), {"eps": 0.5})
    yield Sample("not contiguous", (strided(2, 4), (4,), *affine(4)))
    yield Sample("equal values", (np.ones((2, 3)), (3,)), smooth=False)
    yield Sample("not finite", (np.array([[np.nan, 1.0], [2.0, np.inf]]), (2,)), smooth=False)
    yield Sample("no rows", (np.zeros((0, 3)), (3,)))
    yield Sample("wrong size", (uniform(3, 4), (3,)))
    yield Sample("too many sizes", (uniform(4), (3, 4)))
    yield Sample("no sizes", (uniform(4), ()))
    yield Sample("wrong weight", (uniform(3, 4), (4,), uniform(3)))


def of_groups() -> Iterable[Sample]:
    for groups in (1, 2, 4):
        yield Sample(f"{groups} groups", (uniform(2, 4, 3), groups, _weight(4), uniform(4)))
    yield Sample("images", (uniform(2, 2, 2, 2), 2, _weight(2)))
    yield Sample("rows", (uniform(3, 4), 2))
    yield Sample("bias only", (uniform(3, 4), 2, None, uniform(4)))
    yield Sample("not contiguous", (strided(2, 4, 2), 2), {"eps": 0.1})
    yield Sample("no samples", (np.zeros((0, 4)), 2))
    yield Sample("groups that do not fit", (uniform(3, 4), 3))
    yield Sample("wrong weight", (uniform(3, 4), 2, uniform(2)))
    yield Sample("vector", (uniform(4), 2))
    yield Sample("single values", (uniform(1, 2), 2))


def of_batches() -> Iterable[Sample]:
    for name, shape in {"rows": (4, 3), "sequences": (2, 3, 2), "images": (2, 2, 2, 2)}.items():
        c = shape[1]
        yield Sample(name, (uniform(*shape), _weight(c), uniform(c, seed=4)))
    yield Sample("no weight", (uniform(4, 3), None, None))
    yield Sample("bias only", (uniform(4, 3), None, uniform(3)))
    yield Sample("not contiguous", (strided(4, 3), _weight(3), None))
    yield Sample("equal values", (np.ones((3, 2)), None, None), smooth=False)
    yield Sample("not finite", (np.array([[np.nan, 1.0], [2.0, np.inf]]), None, None), smooth=False)
    yield Sample("single values", (uniform(1, 3), None, None))
    yield Sample("wrong weight", (uniform(4, 3), _weight(4), None))


def in_training(library: Any) -> Any:
    return lambda x, weight, bias, **options: library.batch_norm(
        x, None, None, weight, bias, True, **options
    )


def by_statistics(name: str, library: Any, tensor: Any) -> Any:
    def run(x: Any, weight: Any, bias: Any) -> Any:
        c = x.shape[1]
        mean = tensor(np.linspace(-1, 1, c)).to(x.dtype)
        var = tensor(np.linspace(0.5, 2, c)).to(x.dtype)
        if name == "batch_norm":
            return library.batch_norm(x, mean, var, weight, bias)
        return library.instance_norm(x, mean, var, weight, bias, use_input_stats=False)

    return run


def of_instances() -> Iterable[Sample]:
    yield Sample("sequences", (uniform(2, 3, 4),))
    yield Sample("images", (uniform(2, 2, 2, 2),), {"weight": _weight(2), "bias": uniform(2)})
    yield Sample("not contiguous", (strided(2, 2, 3),), {"eps": 0.1})
    yield Sample("single values", (uniform(2, 2, 1),))
    yield Sample("rows", (uniform(2, 2),))


def neighbours() -> Iterable[Sample]:
    for size in (1, 2, 3, 5):
        yield Sample(f"{size} neighbours", (uniform(2, 4, 2), size), {"alpha": 1.0})
    yield Sample("images", (uniform(2, 3, 2, 2), 2), {"alpha": 0.5, "beta": 0.5, "k": 2.0})
    yield Sample("matrix", (uniform(2, 3), 2))
    yield Sample("empty", (np.zeros((0, 3, 2)), 2))


def normalized() -> Iterable[Sample]:
    yield Sample("rows", (uniform(2, 3),))
    yield Sample("columns", (uniform(2, 3),), {"dim": 0})
    yield Sample("several dimensions", (uniform(2, 3, 2),), {"dim": (0, 2)})
    yield Sample("of order 1", (uniform(2, 3),), {"p": 1})
    yield Sample("of order 3", (uniform(2, 3),), {"p": 3.0, "dim": -1})
    yield Sample("largest", (uniform(2, 3),), {"p": float("inf")})
    yield Sample("small", (np.array([[1e-14, 0.0], [3.0, 4.0]]),), smooth=False)
    yield Sample("no such dimension", (uniform(3),))


OPERATIONS = (
    normalisation("layer_norm", of_features(bias=True)),
    normalisation("rms_norm", of_features(bias=False)),
    normalisation("group_norm", of_groups()),
    normalisation("batch_norm", of_batches(), in_training(F), in_training(FT)),
    normalisation(
        "batch_norm in evaluation",
        (s for s in of_batches() if s.name != "single values"),
        by_statistics("batch_norm", F, cr.from_numpy),
        by_statistics("batch_norm", FT, torch.from_numpy),
    ),
    normalisation("instance_norm", of_instances()),
    normalisation(
        "instance_norm in evaluation",
        [Sample("sequences", (uniform(2, 3, 4), _weight(3), uniform(3)))],
        by_statistics("instance_norm", F, cr.from_numpy),
        by_statistics("instance_norm", FT, torch.from_numpy),
    ),
    # PyTorch averages integers with integers.
    normalisation("local_response_norm", neighbours(), integers=False),
    normalisation("normalize", normalized()),
    Operation(
        "cr.layer_norm",
        cr.layer_norm,
        torch.layer_norm,
        tuple(of_features(bias=True))[:3],
        ulps=64,
        summing=True,
    ),
)
