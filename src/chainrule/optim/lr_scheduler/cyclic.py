"""The cyclical learning rate."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

from chainrule.optim.lr_scheduler import momenta
from chainrule.optim.lr_scheduler.base import LRScheduler, check_optimizer, one_a_group, set_value
from chainrule.optim.optimizer import Optimizer


class CyclicLR(LRScheduler):
    """The learning rate goes up and down between two bounds, the momentum against it.

    It is meant to be stepped after every batch. Source: Smith, "Cyclical learning rates for
    training neural networks", 2017.

    Args:
        optimizer: whose learning rates to set.
        base_lr: the lower bound, or one for each group.
        max_lr: the upper bound, or one for each group.
        step_size_up: the number of steps up.
        step_size_down: the number of steps down; as many as up, if None.
        mode: "triangular", "triangular2" (the height is halved every cycle) or "exp_range" (the
            height is ``gamma`` to the power of the step).
        gamma: for the mode "exp_range".
        scale_fn: a function of the cycle or the step that scales the height, instead of a mode.
        scale_mode: whether ``scale_fn`` is one of the "cycle", from 1, or of the "iterations".
        cycle_momentum: whether to let the momentum (or the first beta) go down and up.
        base_momentum: its lower bound, or one for each group.
        max_momentum: its upper bound, or one for each group.
        last_epoch: the number of the last step, −1 to begin.

    Raises:
        ValueError: for an unknown mode, or an optimizer without momentum that is to be cycled.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0, momentum=0.9)
    >>> schedule = cr.optim.lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, step_size_up=2)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = one_a_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for rate, group in zip(base_lrs, optimizer.param_groups, strict=True):
                set_value(group, "lr", rate)
        self.max_lrs = one_a_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(
                f"mode is invalid and scale_fn is None: {mode!r} is none of 'triangular', "
                "'triangular2', 'exp_range'"
            )
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = momenta.uses_beta1(optimizer)
            self.base_momentums, self.max_momentums = momenta.bounds(
                optimizer, base_momentum, max_momentum
            )
            if last_epoch == -1:
                momenta.begin(optimizer, self.base_momentums, self.max_momentums, self.use_beta1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Return the factor of the height, for a cycle or a step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        if self.mode == "triangular2":
            return 1 / math.pow(2.0, x - 1)
        return math.pow(self.gamma, x)

    def get_lr(self) -> list[Any]:
        """Return the rates of this place in the cycle, and set the momentum."""
        self._check_asked()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, bounds, strict=True):
                momenta.set_momentum(group, high - (high - low) * height * scale, self.use_beta1)
        return [
            low + (high - low) * height * scale
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer; of a function, what an object with state holds."""
        state = super().state_dict()
        function = state.pop("_scale_fn_custom")
        kept = function is not None and not isinstance(function, types.FunctionType)
        state["_scale_fn_custom"] = vars(function).copy() if kept else None
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; the function stays, an object takes its state."""
        rest = {name: value for name, value in state_dict.items() if name != "_scale_fn_custom"}
        super().load_state_dict(rest)
        state = state_dict["_scale_fn_custom"]
        if state is not None:
            vars(self._scale_fn_custom).update(state)
