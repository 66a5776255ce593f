"""What pooling means, window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def _each(value: Any, count: int) -> tuple[int, ...]:
    return tuple(map(int, value)) if isinstance(value, tuple) else (int(value),) * count


class Pool:
    """The windows of a pooling."""

    def __init__(
        self,
        size: tuple[int, ...],
        kernel: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: Any = 0,
        count_include_pad: Any = 1,
        divisor: Any = None,
    ) -> None:
        dims = len(size)
        self.size = size
        self.kernel = _each(kernel, dims)
        self.stride = self.kernel if stride is None else _each(stride, dims)
        self.padding, self.dilation = _each(padding, dims), _each(dilation, dims)
        self.divisor, self.count_include_pad = divisor, bool(count_include_pad)
        self.out = []
        for n, k, s, p, d in zip(size, self.kernel, self.stride, self.padding, self.dilation):
            starts = [a for a in range(-p, n + p, s) if a + d * (k - 1) < n + p]
            if ceil_mode:
                following = starts[-1] + s
                if starts[-1] + d * (k - 1) < n + p - 1 and following < n:
                    starts.append(following)
            self.out.append(len(starts))

    def windows(self) -> Iterator[tuple[tuple[int, ...], list[tuple[int, ...]], float]]:
        """Yield each output position, the elements of its window, and what a mean divides by."""
        for at in np.ndindex(*self.out):
            places, padding = [], 0
            for k in np.ndindex(*self.kernel):
                place = tuple(
                    a * s - p + j * d
                    for a, j, s, p, d in zip(at, k, self.stride, self.padding, self.dilation)
                )
                if all(0 <= q < n for q, n in zip(place, self.size)):
                    places.append(place)
                elif all(q < n + p for q, n, p in zip(place, self.size, self.padding)):
                    padding += 1
            count = len(places) + (padding if self.count_include_pad else 0)
            yield at, places, count if self.divisor is None else self.divisor


_ALL = slice(None)


def _max_pool(x: Any, kernel: Any, **options: Any) -> Any:
    pool = Pool(x.shape[2:], kernel, **options)
    y = np.empty((*x.shape[:2], *pool.out))
    for at, places, _ in pool.windows():
        y[(_ALL, _ALL, *at)] = np.max([x[(_ALL, _ALL, *p)] for p in places], axis=0)
    return y


def _argmax_pool(x: Any, kernel: Any, **options: Any) -> Any:
    pool = Pool(x.shape[2:], kernel, **options)
    y = np.empty((*x.shape[:2], *pool.out), np.int64)
    for at, places, _ in pool.windows():
        best = np.argmax([x[(_ALL, _ALL, *p)] for p in places], axis=0)
        flat = np.array([np.ravel_multi_index(p, x.shape[2:]) for p in places])
        y[(_ALL, _ALL, *at)] = flat[best]
    return y


def _avg_pool(x: Any, kernel: Any, **options: Any) -> Any:
    pool = Pool(x.shape[2:], kernel, **options)
    y = np.empty((*x.shape[:2], *pool.out))
    for at, places, count in pool.windows():
        y[(_ALL, _ALL, *at)] = sum(x[(_ALL, _ALL, *p)] for p in places) / count
    return y


def _avg_unpool(y: Any, kernel: Any, shape: Any, **options: Any) -> Any:
    x = np.zeros(shape)
    for at, places, count in Pool(shape[2:], kernel, **options).windows():
        for p in places:
            x[(_ALL, _ALL, *p)] += y[(_ALL, _ALL, *at)] / count
    return x


def _take(x: Any, index: Any) -> Any:
    y = np.empty(index.shape)
    for n, c in np.ndindex(*index.shape[:2]):
        y[n, c] = x[n, c].reshape(-1)[index[n, c]]
    return y


def _scatter(y: Any, index: Any, shape: Any) -> Any:
    x = np.zeros((*shape[:2], int(np.prod(shape[2:]))))
    for row in np.ndindex(*index.shape[:2]):
        np.add.at(x[row], index[row].reshape(-1), y[row].reshape(-1))
    return x.reshape(shape)


def _max_unpool(y: Any, index: Any, shape: Any) -> Any:
    x = np.zeros(shape)
    for at in np.ndindex(*index.shape):
        x[(*at[:2], *np.unravel_index(index[at], shape[2:]))] = y[at]
    return x


def _adaptive_windows(size: Any, out: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each output position with the indices of its window."""
    for at in np.ndindex(*out):
        yield (
            at,
            np.ix_(
                *(
                    np.arange(np.floor(i * n / m), np.ceil((i + 1) * n / m), dtype=int)
                    for i, n, m in zip(at, size, out)
                )
            ),
        )


def _adaptive_avg_pool(x: Any, out: Any) -> Any:
    y = np.empty((*x.shape[:2], *out))
    for at, window in _adaptive_windows(x.shape[2:], out):
        for row in np.ndindex(*x.shape[:2]):
            y[(*row, *at)] = x[row][window].mean()
    return y


def _adaptive_avg_unpool(y: Any, shape: Any) -> Any:
    x = np.zeros(shape)
    for at, window in _adaptive_windows(shape[2:], y.shape[2:]):
        for row in np.ndindex(*shape[:2]):
            x[row][window] += y[(*row, *at)] / x[row][window].size
    return x


FUNCTIONS: dict[str, Callable[..., Any]] = {}
for _dims in (1, 2, 3):
    FUNCTIONS[f"max_pool{_dims}d"] = _max_pool
    FUNCTIONS[f"argmax_pool{_dims}d"] = _argmax_pool
    FUNCTIONS[f"avg_pool{_dims}d"] = _avg_pool
    FUNCTIONS[f"avg_unpool{_dims}d"] = _avg_unpool
    FUNCTIONS[f"take{_dims}d"] = _take
    FUNCTIONS[f"scatter{_dims}d"] = _scatter
    FUNCTIONS[f"max_unpool{_dims}d"] = _max_unpool
    FUNCTIONS[f"adaptive_avg_pool{_dims}d"] = _adaptive_avg_pool
    FUNCTIONS[f"adaptive_avg_unpool{_dims}d"] = _adaptive_avg_unpool
