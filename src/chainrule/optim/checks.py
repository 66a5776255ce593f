"""What the options of optimizers must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.tensor import Tensor


def check_rate(lr: Any) -> None:
    """Refuse a learning rate that is negative or not finite."""
    if isinstance(lr, Tensor) and lr._array.size != 1:
        raise ValueError(f"Tensor lr must be 1-element, got shape {list(lr.shape)}")
    if not 0 <= float(lr) < math.inf:
        raise ValueError(f"Invalid learning rate: {lr} (it must be finite and not negative)")


def check_not_negative(name: str, value: float) -> None:
    """Refuse an option that is negative or not finite."""
    if not 0 <= value < math.inf:
        raise ValueError(f"Invalid {name} value: {value} (it must be finite and not negative)")


def check_betas(betas: Sequence[Any]) -> None:
    """Refuse shares of running means that are not at least 0 and less than 1."""
    for k, beta in enumerate(betas):
        if not 0 <= beta < 1:
            raise ValueError(
                f"Invalid beta parameter at index {k}: {beta} (it must be at least 0 and less "
                "than 1)"
            )


def check_options(
    differentiable: bool = False, foreach: bool | None = None, fused: bool | None = None
) -> None:
    """Refuse what the arithmetic in place cannot do."""
    if differentiable:
        raise NotImplementedError(
            "differentiable=True is not supported: steps are taken in place, outside the graph. To "
            "differentiate through a step, write it on tensors: w = w - lr * grad with the grad of "
            "cr.autograd.grad(..., create_graph=True)"
        )
    if fused and foreach:
        raise RuntimeError(
            "`fused` and `foreach` cannot be `True` together: leave both out, there is one "
            "implementation"
        )
