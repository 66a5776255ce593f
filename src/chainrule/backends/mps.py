"""Apple's GPUs, which are not used."""

from __future__ import annotations


def is_available() -> bool:
    """Tell whether an Apple GPU can be used: never."""
    return False


def is_built() -> bool:
    """Tell whether there is support for Apple's GPUs: no."""
    return False
