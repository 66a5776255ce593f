"""PyTorch's `torch.mps`: Apple's GPUs, which are not used.

>>> import chainrule as cr
>>> "mps" if cr.mps.is_available() else "cpu"
'cpu'
"""

from __future__ import annotations


def is_available() -> bool:
    """Tell whether an Apple GPU can be used: never."""
    return False


def device_count() -> int:
    """Return the number of Apple GPUs that can be used: none."""
    return 0


def manual_seed(seed: int) -> None:
    """Do nothing: `chainrule.manual_seed` seeds the CPU."""


def empty_cache() -> None:
    """Do nothing: there is no cache of GPU memory."""
