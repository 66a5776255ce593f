"""PyTorch's global settings: threads, precision, repeatability.

Most choose between speed and something else that PyTorch offers. Where chainrule has only one way,
the setting is accepted if that way satisfies it and refused if not.
"""

from __future__ import annotations

import os

from chainrule.modes import modes

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "is_anomaly_enabled",
    "is_autocast_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_inference_mode_enabled",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_num_threads",
    "use_deterministic_algorithms",
]

# The libraries that NumPy is built with read these when they start, the first that is set.
_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)
_precision = "highest"


def get_num_threads() -> int:
    """Return how many threads NumPy's linear algebra uses; everything else runs on one.

    Asked of the libraries through ``threadpoolctl`` if that is installed; otherwise it is what the
    environment sets (``OPENBLAS_NUM_THREADS``, ``OMP_NUM_THREADS``, ...) or the number of
    processors, which those libraries start from.

    >>> import chainrule as cr
    >>> cr.get_num_threads() >= 1
    True
    """
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        for name in _THREADS:
            value = os.environ.get(name, "")
            if value.isdigit() and int(value):
                return int(value)
        return os.cpu_count() or 1
    return max((p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"), default=1)


def set_num_threads(threads: int) -> None:
    """Set how many threads NumPy's linear algebra uses, if ``threadpoolctl`` is installed.

    Without it the number stays what it was when NumPy was imported, and no result depends on it
    beyond rounding: a warning says so unless that is the number asked for.

    >>> import chainrule as cr
    >>> cr.set_num_threads(cr.get_num_threads())
    """
    if threads < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {threads}")
    if threads == get_num_threads():
        return
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        import warnings

        warnings.warn(
            f"set_num_threads({threads}) has no effect: NumPy's linear algebra chose its threads "
            "when it was imported. Set OPENBLAS_NUM_THREADS (or OMP_NUM_THREADS) before Python "
            "starts, or install threadpoolctl",
            UserWarning,
            stacklevel=2,
        )
        return
    threadpool_limits(threads, user_api="blas")


def get_num_interop_threads() -> int:
    """Return how many operations run side by side: one."""
    return 1


def set_num_interop_threads(threads: int) -> None:
    """Do nothing: operations run one after the other, and none depends on the number."""
    if threads < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, got {threads}")


def get_float32_matmul_precision() -> str:
    """Return the precision set for float32 products; they are computed in full precision always."""
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Set what PyTorch may round float32 products to; here they have full precision always.

    >>> import chainrule as cr
    >>> cr.set_float32_matmul_precision("high")
    >>> cr.get_float32_matmul_precision()
    'high'
    >>> cr.set_float32_matmul_precision("highest")
    """
    global _precision
    if precision not in ("highest", "high", "medium"):
        raise ValueError(
            f"{precision!r} is not a precision; use 'highest', 'high' or 'medium', which are the "
            "same here"
        )
    _precision = precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for operations that give the same bits each time: they always do.

    >>> import chainrule as cr
    >>> cr.use_deterministic_algorithms(True)
    """


def are_deterministic_algorithms_enabled() -> bool:
    """Tell whether operations give the same bits each time: always.

    >>> import chainrule as cr
    >>> cr.are_deterministic_algorithms_enabled()
    True
    """
    return True


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Tell whether operations that are not repeatable only warn: there are none."""
    return False


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Choose what happens where an operation is not repeatable: every one is."""
    if debug_mode not in (0, 1, 2, "default", "warn", "error"):
        raise RuntimeError(
            "invalid value of debug_mode, expected 0, 1, 2 or 'default', 'warn', 'error', got "
            f"{debug_mode!r}"
        )


def get_deterministic_debug_mode() -> int:
    """Return PyTorch's number for operations that must be repeatable."""
    return 2


def set_flush_denormal(mode: bool) -> bool:
    """Return False: numbers below the smallest normal one are not rounded to zero."""
    return False


def is_inference_mode_enabled() -> bool:
    """Tell whether the current thread is inside `inference_mode`.

    >>> import chainrule as cr
    >>> with cr.inference_mode():
    ...     cr.is_inference_mode_enabled()
    True
    """
    return modes.inference


def is_anomaly_enabled() -> bool:
    """Tell whether the current thread is inside `autograd.detect_anomaly`.

    >>> import chainrule as cr
    >>> cr.is_anomaly_enabled()
    False
    """
    return modes.anomaly


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Tell whether operations choose half precision by themselves: never.

    >>> import chainrule as cr
    >>> cr.is_autocast_enabled("cpu")
    False
    """
    return False
