"""Convolutions and their transposes: strides, padding, dilation, groups, in every dimension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform


def convolution(name: str, samples: Iterable[Sample]) -> Operation:
    return Operation(
        name, getattr(cr, name), getattr(torch, name), tuple(samples), ulps=16, summing=True
    )


def maps(*shape: int, **options: Any) -> Any:
    """Return small numbers: sums of many products are then of the size of 1."""
    return uniform(*shape, **options) / 4


def _bias(count: int) -> Any:
    return uniform(count, seed=2)


def in_two_dimensions() -> Iterable[Sample]:
    x, w = maps(1, 1, 4, 3), uniform(2, 1, 2, 2, seed=1)
    yield Sample("plain", (x, w))
    yield Sample("with bias", (x, w, _bias(2)))
    yield Sample("batch", (maps(2, 2, 3, 3), uniform(1, 2, 2, 2), _bias(1)))
    yield Sample("unbatched", (maps(2, 3, 3), uniform(1, 2, 2, 3), _bias(1)))
    yield Sample("pointwise", (maps(1, 2, 2, 2), uniform(3, 2, 1, 1), _bias(3)))
    yield Sample("pointwise, strided", (maps(1, 1, 3, 4), uniform(1, 1, 1, 1)), {"stride": 2})
    yield Sample("padded", (x, w, _bias(2)), {"padding": 1})
    yield Sample("padded unevenly", (x, w), {"padding": (0, 2)})
    yield Sample(
        "padded beyond the kernel", (maps(1, 1, 2, 2), uniform(1, 1, 2, 2)), {"padding": 2}
    )
    yield Sample("strided", (maps(1, 1, 4, 5), w, _bias(2)), {"stride": 2})
    yield Sample("strided unevenly", (maps(1, 1, 4, 4), w), {"stride": (1, 2), "padding": (1, 0)})
    yield Sample("stride beyond the kernel", (maps(1, 1, 5, 4), uniform(1, 1, 2, 1)), {"stride": 3})
    yield Sample("dilated", (maps(1, 1, 5, 4), w), {"dilation": 2, "padding": [1, 1]})
    yield Sample("dilated unevenly", (maps(1, 1, 3, 5), w), {"dilation": (1, 3)})
    yield Sample("groups", (maps(1, 4, 3, 3), uniform(4, 2, 2, 2), _bias(4)), {"groups": 2})
    yield Sample("depthwise", (maps(1, 2, 3, 3), uniform(4, 1, 2, 2)), {"groups": 2, "stride": 2})
    yield Sample("same", (maps(1, 1, 3, 4), uniform(1, 1, 3, 3), _bias(1)), {"padding": "same"})
    yield Sample("same, even kernel", (x, uniform(1, 1, 2, 4)), {"padding": "same"})
    yield Sample("same, dilated", (x, w), {"padding": "same", "dilation": (2, 3)})
    yield Sample("valid", (x, w), {"padding": "valid", "stride": 2})
    yield Sample(
        "everything",
        (maps(2, 2, 6, 5), uniform(4, 1, 3, 2), _bias(4)),
        {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 2), "groups": 2},
    )
    yield Sample("not contiguous", (strided(1, 2, 3, 3) / 4, strided(2, 2, 2, 2), _bias(2)))
    yield Sample("no samples", (maps(0, 1, 3, 3), uniform(2, 1, 2, 2), _bias(2)))
    yield from refused_in_two_dimensions()


def refused_in_two_dimensions() -> Iterable[Sample]:
    x, w = maps(1, 2, 3, 3), uniform(2, 2, 2, 2)
    yield Sample("wrong channels", (maps(1, 3, 3, 3), w))
    yield Sample("kernel too large", (x, uniform(2, 2, 4, 2)))
    yield Sample("too few dimensions", (maps(3, 3), w))
    yield Sample("kernel of too few dimensions", (x, uniform(2, 2, 2)))
    yield Sample("wrong bias", (x, w, _bias(3)))
    yield Sample("no stride", (x, w), {"stride": 0})
    yield Sample("too many strides", (x, w), {"stride": (1, 1, 1)})
    yield Sample("a fraction as stride", (x, w), {"stride": 1.5})
    yield Sample("negative padding", (x, w), {"padding": -1})
    yield Sample("no dilation", (x, w), {"dilation": 0})
    yield Sample("groups that do not divide", (x, uniform(3, 1, 2, 2)), {"groups": 2})
    yield Sample("no groups", (x, w), {"groups": 0})
    yield Sample("unknown padding", (x, w), {"padding": "full"})
    yield Sample("same, strided", (x, w), {"padding": "same", "stride": 2})
    yield Sample("kernel of nothing", (x, uniform(2, 2, 0, 2)))


def in_one_dimension() -> Iterable[Sample]:
    x, w = maps(2, 2, 5), uniform(2, 2, 3)
    yield Sample("plain", (x, w, _bias(2)))
    yield Sample("unbatched", (maps(1, 4), uniform(2, 1, 2)))
    yield Sample("padded, strided", (x, w), {"stride": 2, "padding": 1})
    yield Sample("dilated", (x, w), {"dilation": [2]})
    yield Sample("same", (x, uniform(1, 2, 2)), {"padding": "same"})
    yield Sample("depthwise", (x, uniform(2, 1, 2), _bias(2)), {"groups": 2, "padding": 2})
    yield Sample("not contiguous", (strided(2, 2, 4) / 4, uniform(1, 2, 2)))
    yield Sample("no samples", (maps(0, 1, 3), uniform(2, 1, 2)))


def in_three_dimensions() -> Iterable[Sample]:
    yield Sample("plain", (maps(1, 1, 3, 2, 4), uniform(2, 1, 2, 2, 2), _bias(2)))
    yield Sample("unbatched", (maps(1, 2, 3, 3), uniform(1, 1, 1, 2, 2)))
    yield Sample(
        "padded, strided",
        (maps(1, 1, 3, 2, 3), uniform(1, 1, 2, 2, 2)),
        {"stride": (2, 1, 1), "padding": 1},
    )
    yield Sample(
        "strided, dilated",
        (maps(1, 1, 3, 3, 4), uniform(1, 1, 2, 1, 2)),
        {"stride": (1, 2, 2), "dilation": (2, 1, 1)},
    )
    yield Sample("groups", (maps(1, 2, 2, 2, 2), uniform(2, 1, 2, 1, 1)), {"groups": 2})


def transposed_in_two_dimensions() -> Iterable[Sample]:
    x, w = maps(1, 2, 2, 3), uniform(2, 1, 2, 2, seed=1)
    yield Sample("plain", (x, w))
    yield Sample("with bias", (x, w, _bias(1)))
    yield Sample("few into many", (maps(2, 1, 2, 2), uniform(1, 3, 2, 2), _bias(3)))
    yield Sample("many into few", (maps(1, 4, 2, 2), uniform(4, 1, 2, 2)), {"padding": 1})
    yield Sample("unbatched", (maps(2, 2, 2), w, _bias(1)), {"stride": 2})
    yield Sample("strided", (x, w), {"stride": (2, 3)})
    yield Sample("output padded", (x, w, _bias(1)), {"stride": 2, "output_padding": 1})
    yield Sample(
        "output padded unevenly",
        (x, w),
        {"stride": (2, 1), "output_padding": (1, 0), "padding": (0, 1)},
    )
    yield Sample("dilated", (x, w), {"dilation": 2, "padding": 1, "output_padding": 1})
    yield Sample(
        "padding beyond the kernel", (maps(1, 1, 4, 5), uniform(1, 1, 2, 2)), {"padding": 2}
    )
    yield Sample("groups", (maps(1, 4, 2, 2), uniform(4, 2, 2, 1)), {"groups": 2, "stride": 2})
    yield Sample("depthwise", (x, w), {"groups": 2})
    yield Sample("not contiguous", (strided(1, 2, 2, 3) / 4, strided(2, 1, 2, 2)))
    yield Sample("no samples", (maps(0, 2, 2, 2), w))
    yield Sample("wrong channels", (maps(1, 3, 2, 2), w))
    yield Sample("wrong bias", (x, w, _bias(2)))
    yield Sample("output padding too large", (x, w), {"output_padding": 1})
    yield Sample("nothing left", (maps(1, 2, 1, 1), w), {"padding": 2})
    yield Sample("padding by name", (x, w), {"padding": "same"})


def transposed_in_one_dimension() -> Iterable[Sample]:
    yield Sample("plain", (maps(2, 2, 3), uniform(2, 1, 2), _bias(1)))
    yield Sample("unbatched", (maps(2, 3), uniform(2, 2, 2)), {"stride": 2, "output_padding": 1})
    yield Sample(
        "padded, dilated", (maps(1, 1, 3), uniform(1, 2, 2)), {"padding": 1, "dilation": 3}
    )


def transposed_in_three_dimensions() -> Iterable[Sample]:
    yield Sample("plain", (maps(1, 2, 2, 1, 2), uniform(2, 1, 2, 2, 2), _bias(1)))
    yield Sample(
        "strided",
        (maps(1, 1, 2, 2, 1), uniform(1, 1, 1, 2, 2)),
        {"stride": (2, 1, 1), "padding": (0, 1, 0), "output_padding": (1, 0, 0)},
    )


OPERATIONS = (
    convolution("conv1d", in_one_dimension()),
    convolution("conv2d", in_two_dimensions()),
    convolution("conv3d", in_three_dimensions()),
    convolution("conv_transpose1d", transposed_in_one_dimension()),
    convolution("conv_transpose2d", transposed_in_two_dimensions()),
    convolution("conv_transpose3d", transposed_in_three_dimensions()),
)
