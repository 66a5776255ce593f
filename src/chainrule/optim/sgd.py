"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chainrule.ops import updates
from chainrule.tensor import Tensor


class SGD:
    """Gradient descent, W ← W − lr·∂L/∂W."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(params), "lr": lr}]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for p in group["params"]:
                p._grad = None

    def step(self) -> None:
        """Update every parameter."""
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    updates.gradient_descent(p._array, p._grad._array, group["lr"])
