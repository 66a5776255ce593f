"""The CPU, on which NumPy chooses its instructions."""

from __future__ import annotations


def get_cpu_capability() -> str:
    """Return PyTorch's word for code without instructions of its own choosing."""
    return "DEFAULT"
