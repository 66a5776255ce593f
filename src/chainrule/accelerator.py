"""PyTorch's `torch.accelerator` on a machine without one.

>>> import chainrule as cr
>>> found = cr.accelerator.current_accelerator()
>>> found.type if found is not None else "cpu"
'cpu'
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "current_accelerator",
    "current_device_index",
    "current_stream",
    "device_count",
    "empty_cache",
    "is_available",
    "memory_allocated",
    "set_device_index",
    "synchronize",
]


def is_available() -> bool:
    """Tell whether there is a device besides the CPU: never."""
    return False


def device_count() -> int:
    """Return the number of devices besides the CPU: none."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """Return the device to use besides the CPU: None."""


def empty_cache() -> None:
    """Do nothing: there is no cache of a device's memory."""


def memory_allocated(device_index: Any = None) -> int:
    """Return the bytes of a device's memory that tensors take: none."""
    return 0


def _refuse() -> NoReturn:
    raise RuntimeError(
        "Cannot access accelerator device when none is available; ask accelerator.is_available() "
        "first"
    )


def current_device_index() -> int:
    """Refuse: there is no device."""
    _refuse()


def current_stream(device: Any = None) -> Any:
    """Refuse: there is no device."""
    _refuse()


def set_device_index(device: Any) -> None:
    """Refuse: there is no device."""
    _refuse()


def synchronize(device: Any = None) -> None:
    """Refuse: there is no device to wait for."""
    _refuse()
