"""Keeping freed memory: large arrays come and go with every training step."""

from __future__ import annotations

import sys

import numpy as np

# The largest block that glibc learns from, 32 MiB, less what malloc adds to a request.
_LARGEST_BLOCK = (32 << 20) - (8 << 10)


def keep_freed_arrays() -> None:
    """Let the C library reuse the memory of freed arrays instead of returning it.

    A new mapping is filled by page faults, a page at a time, which costs several times what
    arithmetic on the page does. glibc stops mapping blocks of a size once one as large has been
    freed (mallopt(3), ``M_MMAP_THRESHOLD``, the dynamic adjustment), and from then on keeps twice
    that much at hand. So one block of the largest size that it learns from is taken and freed,
    untouched. Other C libraries take no notice.
    """
    if sys.platform == "linux":
        np.empty(_LARGEST_BLOCK, np.uint8)
