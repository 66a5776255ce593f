"""Interpolation in every mode, and images sampled at the points of a grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform


def functional(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    ours, theirs = getattr(cr.nn.functional, name), getattr(torch.nn.functional, name)
    return Operation(name, ours, theirs, tuple(samples), **options)


_MAPS = {1: (1, 2, 4), 2: (1, 1, 3, 2), 3: (1, 1, 2, 3, 2)}
_SIZES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("larger", {"size": 5}),
    ("by fractions", {"scale_factor": 1.7}),
    ("smaller", {"size": (2, 2, 1)}),
    ("one", {"size": 1}),
    ("twice", {"scale_factor": 2}),
    ("by several fractions", {"scale_factor": (1.7, 0.6, 1.3)}),
    ("by fractions, made exact", {"scale_factor": 1.7, "recompute_scale_factor": True}),
)


def sizes(mode: str, dims: int, count: int, **options: Any) -> Iterable[Sample]:
    """Yield the first ways of saying how large the output is to be."""
    x = uniform(*_MAPS[dims])
    for name, given in _SIZES[:count]:
        said = {k: v[:dims] if isinstance(v, tuple) else v for k, v in given.items()}
        yield Sample(f"{mode}, {name}, {options}", (x,), {"mode": mode, **options, **said})


def interpolations() -> Iterable[Sample]:
    for mode, dims, count in (
        ("nearest", 1, 7),
        ("nearest-exact", 3, 2),
        ("linear", 1, 7),
        ("bilinear", 2, 3),
        ("bicubic", 2, 3),
        ("trilinear", 3, 1),
        ("area", 2, 2),
    ):
        yield from sizes(mode, dims, count)
    for mode, dims, count in (("linear", 1, 4), ("bicubic", 2, 1)):
        yield from sizes(mode, dims, count, align_corners=True)
    for mode in ("bilinear", "bicubic", "lanczos"):
        yield from sizes(mode, 2, 3, antialias=True)
    image = uniform(1, 1, 3, 3)
    yield Sample("not contiguous", (strided(1, 2, 3, 3),), {"size": 4, "mode": "bilinear"})
    yield Sample("no samples", (np.zeros((0, 1, 2, 2)),), {"size": 4, "mode": "bilinear"})
    infinite = np.array([[[1.0, np.inf, 2.0, 3.0, np.nan, 1.0]]])
    yield Sample("not finite", (infinite,), {"size": 9, "mode": "linear"}, smooth=False)
    yield Sample("not finite, nearest", (infinite,), {"size": 9}, smooth=False)
    for name, x, options in (
        ("neither", image, {}),
        ("both", image, {"size": 2, "scale_factor": 2}),
        ("wrong number of sizes", image, {"size": (2,)}),
        ("wrong number of scales", image, {"scale_factor": (2.0,)}),
        ("nothing", image, {"size": 0}),
        ("of nothing", np.zeros((1, 1, 0, 2)), {"size": 2}),
        ("no channels", np.zeros((1, 0, 2, 2)), {"size": 2}),
        ("linear image", image, {"size": 2, "mode": "linear"}),
        ("bilinear line", uniform(1, 1, 3), {"size": 2, "mode": "bilinear"}),
        ("unknown mode", image, {"size": 2, "mode": "sinc"}),
        ("aligned nearest", image, {"size": 2, "align_corners": True}),
        ("smoothed nearest", image, {"size": 2, "antialias": True}),
        ("made exact for a size", image, {"size": 2, "recompute_scale_factor": True}),
        ("a matrix", uniform(3, 3), {"size": 2}),
        ("None as a size", image, {"size": (2, None)}),
    ):
        yield Sample(name, (x,), options)


def _grid(*shape: int, low: float = -0.9, high: float = 0.95) -> Any:
    """Return points none of which lies on an element, or halfway between two."""
    return uniform(*shape, low=low, high=high, seed=3)


def grids() -> Iterable[Sample]:
    image, volume = uniform(1, 1, 2, 3), uniform(1, 1, 2, 2, 1)
    points = _grid(1, 2, 1, 2, low=-1.7, high=2.3)
    for padding in ("zeros", "border", "reflection"):
        for mode in ("bilinear", "nearest", "bicubic"):
            options = {"mode": mode, "padding_mode": padding, "align_corners": mode == "nearest"}
            yield Sample(f"{mode}, {padding}", (image, points), options)
    for padding in ("border", "reflection"):
        options = {"padding_mode": padding, "align_corners": True}
        yield Sample(f"corners, {padding}", (image, points), options)
    yield Sample("volume", (volume, _grid(1, 1, 2, 1, 3, high=1.6)), {"align_corners": True})
    aligned = {"align_corners": False}
    yield Sample(
        "nearest of a volume", (volume, _grid(1, 1, 2, 1, 3)), {**aligned, "mode": "nearest"}
    )
    yield Sample("batch", (uniform(2, 1, 2, 2), _grid(2, 1, 1, 2)), aligned)
    yield Sample(
        "one element",
        (uniform(1, 1, 1, 1), _grid(1, 1, 2, 2)),
        {"align_corners": True, "padding_mode": "reflection"},
    )
    yield Sample("not contiguous", (strided(1, 2, 2, 2), strided(1, 2, 1, 2) / 4), aligned)
    yield Sample("no samples", (np.zeros((0, 1, 2, 2)), np.zeros((0, 2, 2, 2))), aligned)
    yield Sample("no points", (image, np.zeros((1, 0, 2, 2))), aligned)
    edges = np.array([[[[-1.0, -1.0], [1.0, 1.0], [0.0, -1.0], [3.0, 0.0]]]])
    for padding in ("zeros", "border", "reflection"):
        yield Sample(
            f"edges, {padding}",
            (image, edges),
            {"align_corners": True, "padding_mode": padding},
            smooth=False,
        )
    yield Sample("three coordinates for an image", (image, _grid(1, 2, 2, 3)), aligned)
    yield Sample("another batch", (image, _grid(2, 2, 2, 2)), aligned)
    yield Sample("nothing", (np.zeros((1, 1, 0, 2)), _grid(1, 2, 2, 2)), aligned)
    yield Sample("unknown mode", (image, _grid(1, 2, 2, 2)), {**aligned, "mode": "cubic"})
    yield Sample("unknown padding", (image, _grid(1, 2, 2, 2)), {**aligned, "padding_mode": "edge"})
    yield Sample("bicubic volume", (volume, _grid(1, 1, 1, 1, 3)), {**aligned, "mode": "bicubic"})
    yield Sample("a matrix", (uniform(1, 3), _grid(1, 2)), aligned)


def affine() -> Iterable[Sample]:
    image, volume = uniform(2, 2, 3), uniform(1, 3, 4)
    for aligned in (False, True):
        options = {"align_corners": aligned}
        yield Sample(f"image, {aligned}", (image, (2, 1, 3, 2)), options)
        yield Sample(f"volume, {aligned}", (volume, (1, 3, 2, 1, 3)), options)
    yield Sample("another batch", (image, (1, 1, 3, 2)), options)
    yield Sample("a matrix", (image[0], (1, 1, 3, 2)), options)
    yield Sample("a volume for an image", (volume, (1, 1, 3, 2)), options)
    yield Sample("nothing", (image, (2, 1, 0, 2)), options)
    yield Sample("a line", (image, (2, 1, 2)), options)


OPERATIONS = (
    functional("interpolate", interpolations(), integers=False, ulps=32, summing=True),
    functional("grid_sample", grids(), integers=False, ulps=64, summing=True),
    functional("affine_grid", affine(), integers=False, ulps=8, summing=True),
)
