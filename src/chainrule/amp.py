"""PyTorch's `torch.amp` where it changes nothing: mixed precision that is disabled.

Mixed precision trades accuracy for the speed of hardware that NumPy does not use. Programs that
switch it off on the CPU run; one that would compute in bfloat16 or float16 is refused, because it
would see other numbers than in PyTorch.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from chainrule.devices import device

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

_HALVES = ("float16", "bfloat16")


class autocast:
    """Mixed precision, disabled: a context manager and decorator that leaves dtypes as they are.

    Args:
        device_type: ``"cpu"``; for another device, which is not there, it disables itself with a
            warning, as in PyTorch.
        dtype: what to compute in.
        enabled: must be False on the CPU.
        cache_enabled: without effect.

    Raises:
        RuntimeError: if mixed precision is enabled for the CPU.

    >>> import chainrule as cr
    >>> with cr.autocast("cpu", enabled=False):
    ...     y = cr.ones(1) * 2
    >>> y.dtype
    dtype('float32')
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        kind = device(device_type).type
        if enabled and kind != "cpu":
            warnings.warn(
                f"{kind.upper()} is not available. Disabling autocast.", UserWarning, stacklevel=2
            )
        elif enabled and dtype is not None and str(dtype) not in _HALVES:
            warnings.warn(
                f"In CPU autocast, but the target dtype {dtype} is not supported. Disabling "
                "autocast.",
                UserWarning,
                stacklevel=2,
            )
        elif enabled:
            raise RuntimeError(
                "autocast('cpu') would compute in half precision, which chainrule does not: pass "
                "enabled=False, or leave it out; convert with .half() what is to be float16"
            )
        self.device = kind
        self.fast_dtype = dtype

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function


class GradScaler:
    """The scaling of losses that float16 needs, disabled: everything passes through.

    Args:
        device: ``"cuda"``, where it disables itself with a warning, as in PyTorch without a GPU.
        init_scale: the scale at first, and so on: without effect.
        growth_factor: without effect.
        backoff_factor: without effect.
        growth_interval: without effect.
        enabled: must be False on the CPU.

    Raises:
        RuntimeError: if it is enabled for the CPU.

    >>> import chainrule as cr
    >>> w = cr.tensor(1.0, requires_grad=True)
    >>> optimizer, scaler = cr.optim.SGD([w], lr=0.5), cr.amp.GradScaler(enabled=False)
    >>> scaler.scale(w * 1).backward()
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w
    tensor(0.5000, requires_grad=True)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cpu":
            raise RuntimeError(
                "GradScaler('cpu') scales for float16 autocasting, which chainrule does not do: "
                "pass enabled=False"
            )
        if enabled:
            warnings.warn(
                f"GradScaler is enabled, but {device.upper()} is not available. Disabling.",
                UserWarning,
                stacklevel=2,
            )

    def is_enabled(self) -> bool:
        """Tell whether it scales: never."""
        return False

    def get_scale(self) -> float:
        """Return the scale: 1."""
        return 1.0

    def scale(self, outputs: Any) -> Any:
        """Return the loss as it is."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Do nothing: the gradients are not scaled."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Step the optimizer, and return what it returns."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Do nothing: there is no scale."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state of a disabled scaler: nothing."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing, as a disabled scaler in PyTorch."""


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Any:
    """Return the forward function of a `Function` as it is: nothing is cast outside autocasting."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Return the backward function of a `Function` as it is."""
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd


def is_autocast_available(device_type: str) -> bool:
    """Tell whether a device has mixed precision: none has.

    >>> import chainrule as cr
    >>> cr.amp.is_autocast_available("cpu")
    False
    """
    device(device_type)
    return False
