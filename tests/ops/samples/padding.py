"""Padding, columns of windows, shuffled channels: what rearranges maps."""

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


def constant() -> Iterable[Sample]:
    x = uniform(2, 3)
    yield Sample("last dimension", (x, (1, 2)))
    yield Sample("all dimensions", (x, [1, 0, 0, 2]), {"value": 1.5})
    yield Sample("negative", (x, (-1, 2, 1, -1)), {"value": -2})
    yield Sample("nothing", (x, ()))
    yield Sample("nothing left", (x, (-2, -1)))
    yield Sample("of nothing", (np.zeros((2, 0)), (1, 1)))
    yield Sample("not contiguous", (strided(2, 3, 2), (1, 1, 0, 1)))
    yield Sample("not finite", (np.array([np.nan, np.inf]), (1, 1)), smooth=False)
    yield Sample("cut too much", (x, (-4, 0)))
    yield Sample("odd", (x, (1,)))
    yield Sample("too many", (x, (1,) * 6))
    yield Sample("fractions", (x, (1.5, 1)))
    yield Sample("of a number", (uniform(), (1, 1)))


def copies(mode: str) -> Iterable[Sample]:
    options = {"mode": mode}
    yield Sample("line", (uniform(2, 3), (1, 2)), options)
    yield Sample("line, batch", (uniform(2, 1, 3), (2, 0)), options)
    yield Sample("image", (uniform(1, 2, 3), (1, 1, 0, 1)), options)
    yield Sample("image, batch", (uniform(1, 1, 3, 3), (0, 2, 1, 0)), options)
    yield Sample("volume", (uniform(1, 1, 2, 2, 2), (1, 0, 0, 1, 1, 1)), options)
    yield Sample("negative", (uniform(1, 2, 4), (-1, 2)), options)
    yield Sample("negative after", (uniform(1, 1, 3, 4), (2, -1, 1, -2)), options)
    yield Sample("not contiguous", (strided(2, 3), (1, 1)), options)
    yield Sample("no samples", (np.zeros((0, 2, 3)), (1, 1)), options)
    yield Sample("of nothing", (np.zeros((1, 2, 0)), (1, 1)), options)
    yield Sample("too wide", (uniform(1, 2, 3), (4, 0)), options)
    yield Sample("a vector", (uniform(3), (1, 1)), options)
    yield Sample("too few numbers", (uniform(1, 1, 3, 3), (1, 1)), options)
    yield Sample("too many numbers", (uniform(1, 2, 3), (1,) * 6), options)
    yield Sample("with a value", (uniform(2, 3), (1, 1)), {**options, "value": 1.0})


def pads() -> Iterable[Sample]:
    yield from constant()
    for mode in ("reflect", "replicate", "circular"):
        for sample in copies(mode):
            yield Sample(f"{mode}, {sample.name}", sample.args, sample.kwargs)
    yield Sample("unknown mode", (uniform(2, 3), (1, 1)), {"mode": "mirror"})


def columns() -> Iterable[Sample]:
    yield Sample("plain", (uniform(1, 2, 3, 3), 2))
    yield Sample("unbatched", (uniform(2, 3, 3), (2, 1)))
    yield Sample("strided, padded", (uniform(1, 1, 3, 4), 2), {"stride": 2, "padding": (1, 0)})
    yield Sample("dilated", (uniform(1, 1, 4, 3), [2, 2]), {"dilation": (2, 1)})
    yield Sample("not contiguous", (strided(2, 1, 3, 3), 2))
    yield Sample("no samples", (np.zeros((0, 2, 3, 3)), 2))
    yield Sample("no window", (uniform(1, 2, 3, 3), 4))
    yield Sample("kernel of nothing", (uniform(1, 2, 3, 3), 0))
    yield Sample("negative padding", (uniform(1, 2, 3, 3), 2), {"padding": -1})
    yield Sample("no stride", (uniform(1, 2, 3, 3), 2), {"stride": 0})
    yield Sample("too many sizes", (uniform(1, 2, 3, 3), (2, 2, 2)))
    yield Sample("a matrix", (uniform(3, 3), 2))


def images() -> Iterable[Sample]:
    yield Sample("plain", (uniform(1, 8, 4), (3, 3), 2))
    yield Sample("unbatched", (uniform(2, 4), (2, 3), (1, 2)))
    yield Sample("strided, padded", (uniform(1, 4, 4), (2, 4), 2), {"stride": 2, "padding": (1, 0)})
    yield Sample("dilated", (uniform(1, 4, 4), (4, 3), 2), {"dilation": (2, 1)})
    yield Sample("no samples", (np.zeros((0, 4, 4)), 3, 2))
    yield Sample("wrong rows", (uniform(1, 7, 4), 3, 2))
    yield Sample("wrong columns", (uniform(1, 8, 5), 3, 2))


def _shuffled(name: str, *shapes: tuple[int, ...]) -> Operation:
    samples = [Sample(f"{shape} by {k}", (uniform(*shape), k)) for shape in shapes for k in (2, 0)]
    samples.append(Sample("by 1", (uniform(*shapes[0]), 1)))
    return Operation(name, getattr(cr, name), getattr(torch, name), tuple(samples))


OPERATIONS = (
    functional("pad", pads()),
    functional("unfold", columns()),
    functional("fold", images()),
    _shuffled("pixel_shuffle", (1, 4, 2, 3), (4, 2, 1), (2, 1, 8, 1, 1), (5, 2, 2), (4, 2)),
    _shuffled("pixel_unshuffle", (1, 1, 4, 2), (1, 2, 2), (1, 3, 2), (1, 2, 3), (4, 2)),
    _shuffled("channel_shuffle", (1, 4, 2, 1), (2, 4, 1), (1, 3, 2), (1, 4)),
)
