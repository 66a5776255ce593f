"""OpenMP, which is not used: what runs in parallel is NumPy's linear algebra."""

from __future__ import annotations


def is_available() -> bool:
    """Tell whether OpenMP is used: no."""
    return False
