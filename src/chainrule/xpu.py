"""PyTorch's `torch.xpu`: Intel's GPUs, which are not used.

>>> import chainrule as cr
>>> cr.xpu.is_available()
False
"""

from __future__ import annotations


def is_available() -> bool:
    """Tell whether an Intel GPU can be used: never."""
    return False


def device_count() -> int:
    """Return the number of Intel GPUs that can be used: none."""
    return 0


def manual_seed(seed: int) -> None:
    """Do nothing: `chainrule.manual_seed` seeds the CPU."""


def manual_seed_all(seed: int) -> None:
    """Do nothing: `chainrule.manual_seed` seeds the CPU."""


def empty_cache() -> None:
    """Do nothing: there is no cache of GPU memory."""
