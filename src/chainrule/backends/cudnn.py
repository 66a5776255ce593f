"""cuDNN, which is not there; its switches can be set and change nothing."""

from __future__ import annotations

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Tell whether cuDNN can be used: never."""
    return False


def version() -> int | None:
    """Return the version of cuDNN: None without it."""
    return None
