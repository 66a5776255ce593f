"""Pooling: windows that overlap, that leave gaps, that reach over the edge; ties and NaN."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

import chainrule as cr
from chainrule.ops.pooling import max_pool_indices
from tests.ops.samples.description import Operation, Sample, strided, uniform

F = torch.nn.functional
G = cr.nn.functional


def pooling(name: str, samples: Iterable[Sample], **options: Any) -> Operation:
    return Operation(name, getattr(G, name), getattr(F, name), tuple(samples), **options)


_TIED = np.array([[[[1.0, 3.0, 3.0, 0.0], [3.0, 0.5, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]])
_NOT_FINITE = np.array(
    [
        [
            [
                [1.0, np.nan, 3.0],
                [np.nan, 0.5, np.inf],
                [-np.inf, -np.inf, 1.0],
                [-np.inf, -np.inf, 0.0],
            ]
        ]
    ]
)


def windows(dims: int) -> Iterable[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """Yield ways of laying windows over maps, with the maps' shape."""
    if dims == 2:
        yield "side by side", (2, 2, 4, 4), {"kernel_size": 2}
        yield "side by side, with a rest", (1, 2, 5, 3), {"kernel_size": (2, 2)}
        yield "of size 1", (1, 1, 2, 3), {"kernel_size": 1}
        yield "rows", (1, 1, 4, 3), {"kernel_size": (2, 1)}
        yield "overlapping", (1, 1, 4, 4), {"kernel_size": 3, "stride": 1}
        yield "with gaps", (1, 1, 5, 4), {"kernel_size": 2, "stride": [3, 2]}
        yield "padded", (1, 1, 4, 5), {"kernel_size": 3, "stride": 2, "padding": 1}
        yield "padded unevenly", (1, 1, 4, 3), {"kernel_size": (2, 3), "padding": (0, 1)}
        yield "ceil", (1, 1, 5, 4), {"kernel_size": 3, "stride": 2, "ceil_mode": True}
        yield (
            "ceil, padded",
            (1, 1, 4, 4),
            {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
        )
        yield "ceil with nothing left", (1, 1, 4, 4), {"kernel_size": 2, "ceil_mode": True}
        yield "unbatched", (2, 3, 4), {"kernel_size": 2}
        yield "of everything", (1, 2, 3, 3), {"kernel_size": 3, "stride": ()}
        yield "no samples", (0, 2, 3, 3), {"kernel_size": 2}
    elif dims == 1:
        yield "side by side", (2, 2, 5), {"kernel_size": 2}
        yield "overlapping, unbatched", (2, 5), {"kernel_size": [3], "stride": 1, "padding": 1}
        yield "ceil", (1, 1, 6), {"kernel_size": 3, "stride": 2, "ceil_mode": True}
    else:
        yield "side by side", (1, 1, 2, 2, 4), {"kernel_size": 2}
        yield (
            "overlapping, unbatched",
            (1, 3, 2, 4),
            {"kernel_size": (2, 1, 3), "stride": 1, "padding": (1, 0, 1)},
        )
        yield "ceil", (1, 1, 3, 2, 2), {"kernel_size": 2, "ceil_mode": True}


def refused(dims: int) -> Iterable[Sample]:
    shape = (1, 2, 3, 3, 3)[: dims + 2]
    x = uniform(*shape)
    yield Sample("too large a kernel", (x,), {"kernel_size": 5})
    yield Sample("padding of more than half", (x,), {"kernel_size": 2, "padding": 2})
    yield Sample("no stride", (x,), {"kernel_size": 2, "stride": 0})
    yield Sample("kernel of nothing", (x,), {"kernel_size": 0})
    yield Sample("negative padding", (x,), {"kernel_size": 2, "padding": -1})
    yield Sample("too many sizes", (x,), {"kernel_size": (2,) * (dims + 1)})
    yield Sample("a fraction as kernel", (x,), {"kernel_size": 1.5})
    if dims > 1:
        yield Sample("no channels", (np.zeros((1, 0, *shape[2:])),), {"kernel_size": 2})


def maxima(dims: int) -> Iterable[Sample]:
    for name, shape, options in windows(dims):
        yield Sample(name, (uniform(*shape),), options)
        if name in ("side by side", "padded", "overlapping, unbatched"):
            yield Sample(
                f"{name}, indices", (uniform(*shape),), {**options, "return_indices": True}
            )
    dilated = uniform(*(1, 1, 6, 5, 4)[: dims + 2])
    yield Sample("dilated", (dilated,), {"kernel_size": 2, "dilation": 2, "padding": 1})
    yield from refused(dims)
    if dims == 2:
        for name, x in (("ties", _TIED), ("not finite", _NOT_FINITE)):
            for indices in (False, True):
                for padding in (0, 1):
                    options = {"kernel_size": 2, "stride": 1, "padding": padding}
                    yield Sample(
                        f"{name}, padding {padding}",
                        (x,),
                        {**options, "return_indices": indices},
                        smooth=False,
                    )
        yield Sample("ties, side by side", (_TIED,), {"kernel_size": 2}, smooth=False)
        yield Sample("not contiguous", (strided(1, 2, 4, 4),), {"kernel_size": 2})
        yield Sample("many elements", (uniform(1, 1, 17, 17),), {"kernel_size": 17})


def means(dims: int) -> Iterable[Sample]:
    for name, shape, options in windows(dims):
        yield Sample(name, (uniform(*shape),), options)
        if "padding" in options:
            yield Sample(
                f"{name}, padding not counted",
                (uniform(*shape),),
                {**options, "count_include_pad": False},
            )
    yield from refused(dims)
    if dims > 1:
        x = uniform(1, 1, 3, 3, 2) if dims == 3 else uniform(1, 1, 3, 4)
        for divisor in (3, -2, 0):
            yield Sample(
                f"divided by {divisor}", (x,), {"kernel_size": 2, "divisor_override": divisor}
            )
    if dims == 2:
        yield Sample("not contiguous", (strided(1, 2, 4, 4),), {"kernel_size": 2})
        yield Sample("not finite", (_NOT_FINITE,), {"kernel_size": 2}, smooth=False)


INDICES = Operation(
    "max_pool_indices",
    max_pool_indices,
    lambda x, *options: F.max_pool2d(x, *options, return_indices=True)[1],
    (
        Sample("plain", (uniform(1, 2, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1), False)),
        Sample("padded", (uniform(1, 2, 4, 4), (3, 2), (2, 1), (1, 1), (1, 2), True)),
    ),
    integers=False,
)

OPERATIONS = (
    *(pooling(f"max_pool{d}d", maxima(d)) for d in (1, 2, 3)),
    *(pooling(f"avg_pool{d}d", means(d), ulps=16, summing=True) for d in (1, 2, 3)),
    INDICES,
)
