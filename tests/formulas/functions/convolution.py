"""What convolutions mean: sums over the elements of each window, in plain loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def _each(value: Any, count: int) -> tuple[int, ...]:
    return tuple(map(int, value)) if isinstance(value, tuple) else (int(value),) * count


class Geometry:
    """Which element of the input, the kernels and the output meet in a product."""

    def __init__(
        self, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: Any = 1, dims: int = 2
    ) -> None:
        self.stride, self.padding, self.dilation = (
            _each(v, dims) for v in (stride, padding, dilation)
        )
        self.groups = int(groups)

    def out_size(self, size: Any, kernel: Any) -> tuple[int, ...]:
        return tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(size, kernel, self.stride, self.padding, self.dilation)
        )

    def size(self, out: Any, kernel: Any) -> tuple[int, ...]:
        """Return the smallest input size with this output size."""
        return tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, k, s, p, d in zip(out, kernel, self.stride, self.padding, self.dilation)
        )

    def meetings(self, x: tuple[int, ...], w: tuple[int, ...]) -> Iterator[tuple[Any, Any, Any]]:
        """Yield the indices into x, w and y of every product."""
        out = self.out_size(x[2:], w[2:])
        per_group = w[0] // self.groups
        for at in np.ndindex(*out):
            for k in np.ndindex(*w[2:]):
                place = tuple(
                    a * s - p + j * d
                    for a, j, s, p, d in zip(at, k, self.stride, self.padding, self.dilation)
                )
                if any(not 0 <= q < n for q, n in zip(place, x[2:])):
                    continue
                for o in range(w[0]):
                    for i in range(w[1]):
                        channel = o // per_group * w[1] + i
                        yield (
                            (slice(None), channel, *place),
                            (o, i, *k),
                            (slice(None), o, *at),
                        )


def _convolution(dims: int) -> Callable[..., Any]:
    def convolved(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
        geometry = Geometry(**options, dims=dims)
        y = np.zeros((x.shape[0], w.shape[0], *geometry.out_size(x.shape[2:], w.shape[2:])))
        for at_x, at_w, at_y in geometry.meetings(x.shape, w.shape):
            y[at_y] += x[at_x] * w[at_w]
        return y if b is None else y + b.reshape(-1, *(1,) * dims)

    return convolved


def _transposed(dims: int) -> Callable[..., Any]:
    def spread(y: Any, w: Any, shape: Any = None, **options: Any) -> Any:
        geometry = Geometry(**options, dims=dims)
        if shape is None:
            size = geometry.size(y.shape[2:], w.shape[2:])
            shape = (y.shape[0], w.shape[1] * geometry.groups, *size)
        x = np.zeros(shape)
        for at_x, at_w, at_y in geometry.meetings(shape, w.shape):
            x[at_x] += y[at_y] * w[at_w]
        return x

    return spread


def _weight(dims: int) -> Callable[..., Any]:
    def gathered(x: Any, y: Any, shape: Any, **options: Any) -> Any:
        w = np.zeros(shape)
        for at_x, at_w, at_y in Geometry(**options, dims=dims).meetings(x.shape, shape):
            w[at_w] += (x[at_x] * y[at_y]).sum()
        return w

    return gathered


FUNCTIONS: dict[str, Callable[..., Any]] = {}
for _dims in (1, 2, 3):
    FUNCTIONS[f"conv{_dims}d"] = _convolution(_dims)
    FUNCTIONS[f"conv_transpose{_dims}d"] = _transposed(_dims)
    FUNCTIONS[f"conv{_dims}d_weight"] = _weight(_dims)
