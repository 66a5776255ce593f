"""The learning rate of one cycle."""

from __future__ import annotations

import math
from typing import Any

from chainrule.optim.lr_scheduler import momenta
from chainrule.optim.lr_scheduler.base import LRScheduler, check_optimizer, one_a_group
from chainrule.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """The learning rate rises to a maximum and falls far below where it began.

    It is meant to be stepped after every batch, and ends after ``total_steps``. Source: Smith and
    Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2019.

    Args:
        optimizer: whose learning rates to set.
        max_lr: the maximum, or one for each group.
        total_steps: the number of steps; if None, epochs times batches.
        epochs: the number of epochs.
        steps_per_epoch: the number of batches of an epoch.
        pct_start: the share of the steps that the rise takes.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether to let the momentum (or the first beta) go down and up.
        base_momentum: its lower bound, or one for each group.
        max_momentum: its upper bound, or one for each group.
        div_factor: the maximum divided by the first rate.
        final_div_factor: the first rate divided by the last.
        three_phase: whether to come down to the first rate as slowly as up, and only then to the
            last.
        last_epoch: the number of the last step, −1 to begin.

    Raises:
        ValueError: for numbers of steps that are not positive, or other options out of range.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], momentum=0.9)
    >>> schedule = cr.optim.lr_scheduler.OneCycleLR(
    ...     optimizer, 1.0, total_steps=6, pct_start=0.5, div_factor=4, anneal_strategy="linear"
    ... )
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step()
    ...     schedule.step()
    >>> [round(rate, 4) for rate in rates]
    [0.25, 0.625, 1.0, 0.6667, 0.3333]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _number_of_steps(total_steps, epochs, steps_per_epoch)
        if not 0 <= pct_start <= 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        max_lrs = one_a_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = momenta.uses_beta1(optimizer)
            base, largest = momenta.bounds(optimizer, base_momentum, max_momentum)
            if last_epoch == -1:
                momenta.begin(optimizer, base, largest, self.use_beta1)
        super().__init__(optimizer, last_epoch)

    def _between(self, start: Any, end: Any, share: float) -> Any:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
        return (end - start) * share + start

    def get_lr(self) -> list[Any]:
        """Return the rates of this step, and set the momentum.

        Raises:
            ValueError: if there were more steps than the cycle has.
        """
        self._check_asked()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        begin, phase = 0.0, self._schedule_phases[-1]
        for candidate in self._schedule_phases[:-1]:
            if step <= candidate["end_step"]:
                phase = candidate
                break
            begin = candidate["end_step"]
        share = (step - begin) / (phase["end_step"] - begin)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                low, high = group[phase["start_momentum"]], group[phase["end_momentum"]]
                momenta.set_momentum(group, self._between(low, high, share), self.use_beta1)
        return rates


def _number_of_steps(
    total_steps: int | None, epochs: int | None, steps_per_epoch: int | None
) -> int:
    """Return the number of steps of all epochs.

    >>> _number_of_steps(None, 2, 5)
    10
    """
    if total_steps is not None:
        return _positive("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value


def _phases(total: int, share_up: float, three: bool) -> list[dict[str, Any]]:
    """Return where each phase ends, and from which to which option of a group it leads."""
    up = float(share_up * total)
    rise = _phase(up - 1, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))
    if not three:
        fall = _phase(total - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum"))
        return [rise, fall]
    return [
        rise,
        _phase(
            float(2 * share_up * total) - 2,
            ("max_lr", "initial_lr"),
            ("base_momentum", "max_momentum"),
        ),
        _phase(total - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
    ]


def _phase(end: float, rates: tuple[str, str], momentums: tuple[str, str]) -> dict[str, Any]:
    return {
        "end_step": end,
        "start_lr": rates[0],
        "end_lr": rates[1],
        "start_momentum": momentums[0],
        "end_momentum": momentums[1],
    }
