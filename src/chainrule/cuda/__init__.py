"""PyTorch's `torch.cuda` on a machine without a GPU: questions are answered, requests refused.

>>> import chainrule as cr
>>> "cuda" if cr.cuda.is_available() else "cpu"
'cpu'
"""

from __future__ import annotations

from typing import Any, NoReturn

from chainrule.cuda import amp as amp
from chainrule.devices import check_device

_NEED_A_GPU = frozenset(
    {
        "CUDAGraph",
        "Event",
        "ExternalStream",
        "Stream",
        "StreamContext",
        "can_device_access_peer",
        "caching_allocator_alloc",
        "caching_allocator_delete",
        "current_blas_handle",
        "current_device",
        "current_stream",
        "default_stream",
        "get_device_capability",
        "get_device_name",
        "get_device_properties",
        "get_rng_state",
        "graph",
        "initial_seed",
        "ipc_collect",
        "mem_get_info",
        "memory_summary",
        "reset_peak_memory_stats",
        "set_rng_state",
        "set_stream",
        "stream",
        "synchronize",
        "temperature",
        "utilization",
    }
)


def is_available() -> bool:
    """Tell whether there is a GPU to compute on: never."""
    return False


def is_initialized() -> bool:
    """Tell whether a GPU was used: never."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Tell whether a GPU computes in bfloat16: never."""
    return False


def device_count() -> int:
    """Return the number of GPUs: none."""
    return 0


def get_arch_list() -> list[str]:
    """Return the GPU architectures that can be computed on: none."""
    return []


def manual_seed(seed: int) -> None:
    """Do nothing, as in PyTorch without a GPU: `chainrule.manual_seed` seeds the CPU."""


def manual_seed_all(seed: int) -> None:
    """Do nothing, as in PyTorch without a GPU: `chainrule.manual_seed` seeds the CPU."""


def get_rng_state_all() -> list[Any]:
    """Return the states of the GPUs' generators: none."""
    return []


def empty_cache() -> None:
    """Do nothing: there is no cache of GPU memory."""


def memory_allocated(device: Any = None) -> int:
    """Return the bytes of GPU memory that tensors take: none."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def set_device(device: Any) -> None:
    """Refuse: there is no GPU to choose."""
    check_device(f"cuda:{device}" if isinstance(device, int) else device)


def _refusal(name: str) -> Any:
    def refused(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError(
            f"cuda.{name}: chainrule is not compiled with CUDA, it computes with NumPy on the CPU. "
            "Call it only if cuda.is_available()"
        )

    refused.__name__ = refused.__qualname__ = name
    refused.__doc__ = "Refuse: there is no GPU."
    return refused


def __getattr__(name: str) -> Any:
    if name in _NEED_A_GPU:
        return _refusal(name)
    raise AttributeError(
        f"module 'chainrule.cuda' has no attribute {name!r}: there is no GPU here; ask "
        "cuda.is_available() first"
    )
