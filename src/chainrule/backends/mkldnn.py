"""Intel's oneDNN, which is not used; its switches can be set and change nothing."""

from __future__ import annotations

enabled = True
deterministic = False


def is_available() -> bool:
    """Tell whether oneDNN is used: no."""
    return False
