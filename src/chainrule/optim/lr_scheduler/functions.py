"""Schedules that a function of the user's decides."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.optim.lr_scheduler.base import LRScheduler, functions_a_group, values_of
from chainrule.optim.optimizer import Optimizer

Factor = Callable[[int], float]


class _ByFunctions(LRScheduler):
    """Schedules with a function for each group."""

    lr_lambdas: list[Any]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer; of functions, what objects with state hold."""
        state = super().state_dict()
        state["lr_lambdas"] = [
            None if isinstance(f, types.FunctionType) else vars(f).copy() for f in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; the functions stay, objects take their state."""
        rest = {name: value for name, value in state_dict.items() if name != "lr_lambdas"}
        super().load_state_dict(rest)
        for function, state in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if state is not None:
                vars(function).update(state)


class LambdaLR(_ByFunctions):
    """The initial learning rate times a function of the step: η(t) = η(0) f(t).

    Args:
        optimizer: whose learning rates to set.
        lr_lambda: f, or one for each group.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        self.optimizer = optimizer
        self.lr_lambdas = functions_a_group(optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the initial rates times the functions' values."""
        self._check_asked()
        t = self.last_epoch
        return [rate * f(t) for f, rate in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_ByFunctions):
    """The last learning rate times a function of the step: η(t) = η(t − 1) f(t).

    Args:
        optimizer: whose learning rates to set.
        lr_lambda: f, or one for each group.
        last_epoch: the number of the last step, −1 to begin.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = cr.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        self.optimizer = optimizer
        self.lr_lambdas = functions_a_group(optimizer, lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(
                    f"lr_lambda should be a function, but got {type(function).__name__}"
                )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the present rates times the functions' values."""
        self._check_asked()
        if self._is_initial:
            return values_of(self.optimizer, "lr")
        t = self.last_epoch
        groups = self.optimizer.param_groups
        return [group["lr"] * f(t) for f, group in zip(self.lr_lambdas, groups, strict=True)]
