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
from chainrule.tensor import Tensor

if TYPE_CHECKING:
    from chainrule.autograd import functional as functional
    from chainrule.verify.finite_differences import gradcheck, gradgradcheck

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """Return the values of a tensor as a new leaf: what PyTorch's programs did before version 0.4.

    >>> import chainrule as cr
    >>> cr.autograd.Variable(cr.ones(1), requires_grad=True).requires_grad
    True
    """
    if not isinstance(data, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
    return data.detach().requires_grad_(requires_grad)


def __getattr__(name: str) -> Any:
    if name == "functional":
        import importlib

        return importlib.import_module("chainrule.autograd.functional")
    if name in ("gradcheck", "gradgradcheck"):
        from chainrule.verify import finite_differences

        return getattr(finite_differences, name)
    raise AttributeError(f"module 'chainrule.autograd' has no attribute {name!r}")
