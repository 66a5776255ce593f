"""Large arrays a block at a time, so that what lies between two steps stays in the cache."""

from __future__ import annotations

from collections.abc import Iterator

# Elements of a block: of float32, with half a dozen intermediate results, for a second-level cache.
BLOCK = 1 << 15


def blocks_of(count: int, size: int) -> Iterator[slice]:
    """Return the slices that cut ``count`` rows of ``size`` elements each into blocks.

    >>> list(blocks_of(5, BLOCK // 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, BLOCK // max(1, size))
    return (slice(k, min(k + step, count)) for k in range(0, count, step))
