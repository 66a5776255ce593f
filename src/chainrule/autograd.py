"""PyTorch's `torch.autograd`: differentiation as functions, custom operations, their checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import function, graph
from chainrule.differentiate import backward, grad
from chainrule.function import Function
from chainrule.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)

if TYPE_CHECKING:
    from chainrule.verify.finite_differences import gradcheck, gradgradcheck

__all__ = [
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> Any:
    if name in ("gradcheck", "gradgradcheck"):
        from chainrule.verify import finite_differences

        return getattr(finite_differences, name)
    raise AttributeError(f"module 'chainrule.autograd' has no attribute {name!r}")
