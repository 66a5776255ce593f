"""Losses of regression, of distributions, and with margins; distances and angles."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Index, Operation, Sample, strided, uniform
from tests.ops.samples.losses import loss, reduced

F, FT = cr.nn.functional, torch.nn.functional


def quietly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose remarks (on a mean that is no divergence) are not heard."""

    def run(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **kwargs)

    return run


def uneven(*shape: int, seed: int = 0) -> Any:
    """Return numbers no two of which differ by as much as two others do."""
    return uniform(*shape, seed=seed) ** 3 / 3 + uniform(*shape, seed=seed) / 3


def pairs(*options: dict[str, Any], kink: bool = True) -> Iterable[Sample]:
    """Yield predictions and values, in every reduction and with every option."""
    first, *others = options or ({},)
    yield from reduced("matrix", uniform(2, 3), uniform(2, 3, seed=1), **first)
    yield from reduced("0-d", uniform(), np.asarray(uniform(seed=1) + 0.7), **first)
    yield from reduced("no rows", uniform(0, 3), uniform(0, 3), **first)
    yield from reduced("not contiguous", strided(2, 3), uniform(2, 3), **first)
    yield from reduced("equal", np.ones(2), np.ones(2), smooth=False, **first)
    for option in others:
        yield Sample(str(list(option)), (uniform(5) * 2, uniform(5, seed=1)), option)


def positive(*shape: int, seed: int = 0) -> Any:
    return uniform(*shape, low=0.2, high=3.0, seed=seed)


_WEIGHT = {"weight": np.array([1.0, 2.0, 0.5, 1.5, 0.0])}
_SIGNS = np.array([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]])


def of_counts() -> Iterable[Sample]:
    yield from reduced("logarithms", uniform(2, 3), positive(2, 3))
    yield from reduced("counts", positive(2, 3), positive(2, 3, seed=1), log_input=False, full=True)
    yield Sample("full", (uniform(4), np.array([0.5, 1.3, 2.0, 3.0])), {"full": True})
    yield Sample("epsilon", (positive(3), positive(3)), {"log_input": False, "eps": 0.1})


def of_normals() -> Iterable[Sample]:
    yield from reduced("variances", uniform(2, 3), uniform(2, 3, seed=1), positive(2, 3))
    yield from reduced("full", uniform(2, 3), uniform(2, 3), positive(2, 3), full=True)
    yield Sample("a variance a row", (uniform(2, 3), uniform(2, 3), positive(2)))
    yield Sample("a variance a row, kept", (uniform(2, 3), uniform(2, 3), positive(2, 1)))
    yield Sample("a number", (uniform(2, 3), uniform(2, 3, seed=1), 2.0))
    yield Sample("small", (uniform(2), uniform(2), np.array([0.01, 2])), {"eps": 0.1}, smooth=False)
    yield Sample("negative", (uniform(2), uniform(2), np.array([-1.0, 2.0])))
    yield Sample("wrong shape", (uniform(2, 3), uniform(2, 3), positive(3)))


def of_distributions() -> Iterable[Sample]:
    for reduction in ("mean", "sum", "none", "batchmean"):
        options = {"reduction": reduction}
        yield Sample(reduction, (uniform(2, 3) - 3, positive(2, 3)), options)
        yield Sample(
            f"{reduction}, logarithms",
            (uniform(2, 3) - 3, uniform(2, 3, seed=1)),
            {**options, "log_target": True},
        )
    yield Sample("0-d", (uniform(), positive()), {"reduction": "batchmean"})
    yield Sample("broadcast", (uniform(2, 3), positive(3)), {"reduction": "sum"})
    # PyTorch's derivative by a target of 0 is −∞; so is ours, with the sign of x log x's.
    yield Sample("wrong reduction", (uniform(2), positive(2)), {"reduction": "max"})


def of_classes() -> Iterable[Sample]:
    classes = Index(np.array([2, 0, 1, 2]))
    yield from reduced("rows", uneven(4, 3), classes)
    yield from reduced("squares", uneven(4, 3), classes, p=2, margin=0.5)
    yield from reduced("weighted", uneven(4, 3), classes, weight=np.array([1.0, 0.5, 3.0]))
    yield from reduced("one sample", uneven(3), Index(np.array(1)))
    yield Sample("cubes", (uneven(4, 3), classes), {"p": 3})
    yield Sample("kink", (np.array([[1.0, 0.0, 2.0]]), Index(np.array([0]))), {}, smooth=False)
    yield Sample("no such class", (uneven(2, 3), Index(np.array([0, 3]))))
    yield Sample("too few classes", (uneven(4, 3), Index(np.array([0, 1]))))
    yield Sample("three dimensions", (uneven(2, 3, 2), Index(np.array([0, 1]))))


def of_labels() -> Iterable[Sample]:
    labels = Index(np.array([[3, 0, -1, 1], [1, 2, 0, -1], [-1, 0, 0, 0]]))
    yield from reduced("rows", uneven(3, 4), labels)
    yield from reduced("one sample", uneven(4), Index(np.array([2, -1, 1, 0])))
    yield Sample("repeated", (uneven(1, 3), Index(np.array([[1, 1, -1]]))))
    yield Sample("wrong shape", (uneven(2, 3), Index(np.array([1, 0]))))
    yield Sample("no such label", (uneven(1, 3), Index(np.array([[3, 0, 0]]))))


def of_signs(**options: Any) -> Iterable[Sample]:
    yield from reduced("matrix", uneven(2, 3), target=_SIGNS, **options)
    yield Sample("another margin", (uneven(2, 3),), {"target": _SIGNS, "margin": 0.3})
    yield Sample("broadcast", (uneven(2, 3),), {"target": _SIGNS[0], **options})


def of_soft_signs() -> Iterable[Sample]:
    yield from reduced("matrix", uneven(2, 3), target=_SIGNS)
    yield Sample("targets that learn", (uneven(2, 3), uneven(2, 3, seed=1)))


def of_soft_labels() -> Iterable[Sample]:
    given = (uneven(2, 3), uniform(2, 3, low=0.1, high=0.9))
    yield from reduced("matrix", *given)
    yield from reduced("weighted", *given, weight=np.array([1.0, 0.5, 3.0]))
    yield Sample("vector", (uneven(3), uneven(3)))
    yield Sample("three dimensions", (uneven(2, 3, 2), uneven(2, 3, 2)), {"reduction": "none"})


def of_rankings() -> Iterable[Sample]:
    yield from reduced("matrix", uneven(2, 3), uneven(2, 3, seed=1), target=_SIGNS)
    yield Sample("margin", (uneven(3), uneven(3, seed=1)), {"target": _SIGNS[0], "margin": 0.7})
    yield Sample("kink", (np.ones(3), np.ones(3)), {"target": _SIGNS[0]}, smooth=False)
    yield Sample("numbers of dimensions", (uneven(2, 3), uneven(3)), {"target": _SIGNS})


def of_angles() -> Iterable[Sample]:
    signs = {"target": np.array([1.0, -1.0, 1.0])}
    yield from reduced("rows", uneven(3, 2), uneven(3, 2, seed=1), **signs)
    yield Sample("margin", (uneven(3, 2), uneven(3, 2, seed=5)), {**signs, "margin": 0.5})
    yield Sample("vectors", (uneven(3), uneven(3, seed=1)), {"target": np.array(-1.0)})
    yield Sample("target of two dimensions", (uneven(2, 3), uneven(2, 3)), {"target": _SIGNS})
    yield Sample("vectors and targets", (uneven(3), uneven(3)), signs)


def of_triplets(norms: bool) -> Iterable[Sample]:
    given = tuple(np.random.default_rng(k).normal(size=(3, 2)) for k in range(3))
    yield from reduced("rows", *given)
    yield from reduced("swapped", *given, swap=True, margin=2.5)
    if norms:
        yield Sample("of order 1", given, {"p": 1})
        yield Sample("of order 3", given, {"p": 3.0, "eps": 1e-3})
    yield Sample("vectors", tuple(a[0] for a in given))
    yield Sample("no margin", given, {"margin": 0.0})
    yield Sample("numbers of dimensions", (uneven(3, 2), uneven(2), uneven(3, 2)))


def by_absolute_distance(library: Any) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        return library.triplet_margin_with_distance_loss(
            *args, distance_function=lambda a, b: abs(a - b).sum(-1), **kwargs
        )

    return run


def two_vectors(**options: Any) -> Iterable[Sample]:
    yield Sample("rows", (uneven(3, 4), uneven(3, 4, seed=1)), options)
    yield Sample("broadcast", (uneven(3, 4), uneven(1, 4, seed=1)), options)
    yield Sample("not contiguous", (strided(2, 3), uneven(2, 3)), options)


def distances() -> Iterable[Sample]:
    yield from two_vectors()
    yield from (
        Sample(f"of order {p}", (uneven(3, 4), uneven(3, 4, seed=1)), {"p": p})
        for p in (1.0, 3.0, float("inf"))
    )
    yield Sample("kept", (uneven(3, 4), uneven(3, 4, seed=1)), {"keepdim": True, "eps": 0.1})
    yield Sample("vectors", (uneven(4), uneven(4, seed=1)))
    yield Sample("equal", (np.ones((1, 2)), np.ones((1, 2))), {"eps": 0.0}, smooth=False)


def cosines() -> Iterable[Sample]:
    yield from two_vectors()
    yield Sample("vectors", (uneven(4), uneven(4, seed=1)), {"dim": 0})
    yield Sample("last of three", (uneven(2, 3, 2), uneven(2, 3, 2, seed=1)), {"dim": -1})
    yield Sample("small", (np.array([[1e-9, 0.0]]), np.array([[1.0, 1.0]])), smooth=False)
    yield Sample("zero", (np.zeros((1, 2)), np.ones((1, 2))), smooth=False)
    yield Sample("no such dimension", (uneven(3), uneven(3)))


def of_pairs() -> Iterable[Sample]:
    yield Sample("rows", (uneven(4, 3),))
    yield from (
        Sample(f"of order {p}", (uneven(4, 3),), {"p": p}) for p in (1.0, 3.0, float("inf"))
    )
    yield Sample("of order 0", (uneven(4, 3),), {"p": 0.0}, smooth=False)
    yield Sample("equal rows", (np.ones((2, 2)),), smooth=False)
    yield Sample("one row", (uneven(1, 3),))
    yield Sample("vector", (uneven(3),))
    yield Sample("negative order", (uneven(2, 3),), {"p": -1.0})


OPERATIONS = (
    loss("l1_loss", pairs({}, {}, _WEIGHT, {"weight": np.ones(3)})),
    loss("smooth_l1_loss", pairs({}, {"beta": 0.5}, {"beta": 0.0}, {"beta": -1.0})),
    loss("huber_loss", pairs({}, {"delta": 0.5}, _WEIGHT, {"delta": 0.0})),
    loss("poisson_nll_loss", of_counts()),
    loss("gaussian_nll_loss", of_normals()),
    Operation(
        "kl_div",
        quietly(F.kl_div),
        quietly(FT.kl_div),
        tuple(of_distributions()),
        integers=False,
        ulps=16,
        summing=True,
    ),
    loss("hinge_embedding_loss", of_signs()),
    loss("soft_margin_loss", of_soft_signs()),
    loss("multi_margin_loss", of_classes()),
    loss("multilabel_margin_loss", of_labels()),
    loss("multilabel_soft_margin_loss", of_soft_labels()),
    loss("margin_ranking_loss", of_rankings()),
    loss("cosine_embedding_loss", of_angles()),
    loss("triplet_margin_loss", of_triplets(norms=True)),
    Operation(
        "triplet_margin_with_distance_loss",
        by_absolute_distance(F),
        by_absolute_distance(FT),
        tuple(of_triplets(norms=False)),
        integers=False,
        ulps=16,
        summing=True,
    ),
    *(
        Operation(
            name,
            getattr(cr, name),
            getattr(torch, name),
            tuple(samples),
            integers=name != "pairwise_distance",
            ulps=16,
            summing=True,
        )
        for name, samples in (
            ("pairwise_distance", distances()),
            ("cosine_similarity", cosines()),
            ("pdist", of_pairs()),
        )
    ),
)
