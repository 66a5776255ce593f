"""Schedules that follow a cosine."""

from __future__ import annotations

import math
from typing import Any

from chainrule.optim.lr_scheduler.base import LRScheduler, set_value, values_of
from chainrule.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """The learning rate falls along half a cosine (and rises again, if the steps go on).

        η(t) = ηmin + ½ (η(0) − ηmin) (1 + cos(π t / Tmax))

    The rates are computed from one another, so that other schedules may change them between.
    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Args:
        optimizer: whose learning rates to set.
        T_max: the number of steps to the smallest rate.
        eta_min: the smallest rate ηmin.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> round(schedule.get_last_lr()[0], 6)
    0.5
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rates that follow the present ones on the cosine."""
        self._check_asked()
        t, half, low = self.last_epoch, self.T_max, self.eta_min
        groups = self.optimizer.param_groups
        if self._is_initial:
            return values_of(self.optimizer, "lr")
        if self._step_count == 1 and t > 0:
            return [
                low + (rate - low) * (1 + math.cos(t * math.pi / half)) / 2
                for rate in self.base_lrs
            ]
        if (t - 1 - half) % (2 * half) == 0:
            # From the lowest point no ratio leads up again.
            return [
                group["lr"] + (rate - low) * (1 - math.cos(math.pi / half)) / 2
                for rate, group in zip(self.base_lrs, groups, strict=True)
            ]
        now, before = (1 + math.cos(math.pi * k / half) for k in (t, t - 1))
        return [now / before * (group["lr"] - low) + low for group in groups]

    def _get_closed_form_lr(self) -> list[Any]:
        low = self.eta_min
        return [
            low + (rate - low) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
            for rate in self.base_lrs
        ]


class CosineAnnealingWarmRestarts(LRScheduler):
    """The learning rate falls along half a cosine again and again.

        η = ηmin + ½ (η(0) − ηmin) (1 + cos(π t / Tᵢ))     t: steps since the last restart

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Args:
        optimizer: whose learning rates to set.
        T_0: the number of steps to the first restart.
        T_mult: by what that number grows at every restart.
        eta_min: ηmin.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ValueError(
                f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rates of this place on the cosine."""
        self._check_asked()
        low = self.eta_min
        return [
            low + (rate - low) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
            for rate in self.base_lrs
        ]

    def step(self, epoch: float | None = None) -> None:
        """Set the next learning rates.

        Args:
            epoch: jump to the rates of this step, which may be a fraction, for rates that change
                with every batch: ``schedule.step(epoch + batch / batches)``.

        Raises:
            ValueError: for a negative step.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        with self._asking():
            rates = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = values_of(self.optimizer, "lr")

    def _jump(self, epoch: float) -> None:
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        if epoch < self.T_0:
            self.T_i = self.T_0
            self.T_cur = epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            growth = self.T_mult
            restarts = int(math.log(epoch / self.T_0 * (growth - 1) + 1, growth))
            self.T_cur = epoch - self.T_0 * (growth**restarts - 1) / (growth - 1)
            self.T_i = self.T_0 * growth**restarts
