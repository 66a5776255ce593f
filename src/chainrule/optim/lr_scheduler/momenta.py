"""What schedules that cycle the momentum share."""

from __future__ import annotations

from typing import Any

from chainrule.optim.lr_scheduler.base import one_a_group
from chainrule.optim.optimizer import Optimizer


def uses_beta1(optimizer: Optimizer) -> bool:
    """Return whether the first beta is the momentum.

    Raises:
        ValueError: if the optimizer has neither.
    """
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            "optimizer must support momentum or beta1 with `cycle_momentum` option enabled: pass "
            f"cycle_momentum=False for {type(optimizer).__name__}"
        )
    return "betas" in optimizer.defaults


def set_momentum(group: dict[str, Any], momentum: float, beta1: bool) -> None:
    """Set the momentum of a group."""
    if beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def begin(optimizer: Optimizer, base: list[Any], largest: list[Any], beta1: bool) -> None:
    """Begin with the largest momentum and let the groups remember the range."""
    for group, high, low in zip(optimizer.param_groups, largest, base, strict=True):
        set_momentum(group, high, beta1)
        group["max_momentum"] = high
        group["base_momentum"] = low


def bounds(optimizer: Optimizer, base: Any, largest: Any) -> tuple[list[Any], list[Any]]:
    """Return the smallest and the largest momentum of each group."""
    return (
        one_a_group("base_momentum", optimizer, base),
        one_a_group("max_momentum", optimizer, largest),
    )
