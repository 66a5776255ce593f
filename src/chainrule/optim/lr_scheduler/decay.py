"""Schedules that lower the learning rate: by steps, exponentially, or as a power."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

from chainrule.optim.lr_scheduler.base import LRScheduler, values_of
from chainrule.optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """The learning rate times γ every ``step_size`` steps.

    Args:
        optimizer: whose learning rates to set.
        step_size: the number of steps between changes.
        gamma: γ.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the present rates, every ``step_size`` steps times γ."""
        self._check_asked()
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return values_of(self.optimizer, "lr")
        return [group["lr"] * self.gamma for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [rate * factor for rate in self.base_lrs]


class MultiStepLR(LRScheduler):
    """The learning rate times γ at each milestone.

    Args:
        optimizer: whose learning rates to set.
        milestones: the steps at which to change; one given twice counts twice.
        gamma: γ.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the present rates, at a milestone times γ."""
        self._check_asked()
        if self.last_epoch not in self.milestones:
            return values_of(self.optimizer, "lr")
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [rate * self.gamma**passed for rate in self.base_lrs]


class ExponentialLR(LRScheduler):
    """The learning rate times γ at every step: η(t) = η(0) γᵗ.

    Args:
        optimizer: whose learning rates to set.
        gamma: γ.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the present rates times γ."""
        self._check_asked()
        if self._is_initial:
            return values_of(self.optimizer, "lr")
        return [group["lr"] * self.gamma for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        return [rate * self.gamma**self.last_epoch for rate in self.base_lrs]


class PolynomialLR(LRScheduler):
    """The learning rate falls to 0 as a power: η(t) = η(0) (1 − t/T)^p.

    Args:
        optimizer: whose learning rates to set.
        total_iters: T, the number of steps until 0.
        power: p.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the present rates times the ratio of two neighbouring powers."""
        self._check_asked()
        if self._is_initial or self.last_epoch > self.total_iters:
            return values_of(self.optimizer, "lr")
        left = 1.0 - self.last_epoch / self.total_iters
        left_before = 1.0 - (self.last_epoch - 1) / self.total_iters
        factor = (left / left_before) ** self.power
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [rate * left**self.power for rate in self.base_lrs]
