"""PyTorch's older names of `chainrule.amp`: the scaler and autocasting for GPUs."""

from __future__ import annotations

from typing import Any

from chainrule import amp

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):
    """Mixed precision on a GPU: disabled where there is none, as in PyTorch.

    >>> import chainrule as cr
    >>> with cr.cuda.amp.autocast(enabled=False):
    ...     y = cr.ones(1) * 2
    """

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """The scaler for a GPU: without one it passes everything through, as in PyTorch."""

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__(
            "cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled
        )
