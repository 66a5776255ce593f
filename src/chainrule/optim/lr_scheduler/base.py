"""The base of all schedules of the learning rate."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chainrule.modes import no_grad
from chainrule.optim.optimizer import Optimizer
from chainrule.tensor import Tensor

EPOCH_IS_DEPRECATED = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
    "possible. Please use `scheduler.step()` to step the scheduler. During the deprecation, if "
    "epoch is different from None, the closed form is used instead of the new chainable form, "
    "where available."
)


class LRScheduler:
    """Base class of schedules, which set the learning rates of an optimizer's groups.

    A subclass defines `get_lr`, which returns the rates that follow the present ones, one a group;
    it may look at ``last_epoch``, ``base_lrs`` and ``optimizer.param_groups``. `step` is called
    after the optimizer's, once an epoch or once a batch, as the schedule is meant.

    Args:
        optimizer: whose learning rates to set.
        last_epoch: the number of the last step, to continue a schedule; −1 to begin.

    Raises:
        TypeError: if ``optimizer`` is not one.
        KeyError: if a schedule is continued whose groups have no "initial_lr".

    >>> import chainrule as cr
    >>> class Halving(cr.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [rate * 0.5**self.last_epoch for rate in self.base_lrs]
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = Halving(optimizer)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    # The names of all attributes are PyTorch's, so that state dicts are exchanged.
    optimizer: Optimizer
    base_lrs: list[Any]
    last_epoch: int
    _last_lr: list[Any]
    _step_count: int
    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if last_epoch == -1:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", _apart(group["lr"]))
        else:
            for k, group in enumerate(optimizer.param_groups):
                if "initial_lr" not in group:
                    raise KeyError(
                        f"param 'initial_lr' is not specified in param_groups[{k}] when resuming "
                        "scheduler with last_epoch >= 0: load the optimizer's state first, or "
                        "leave last_epoch out to begin a schedule"
                    )
        self.base_lrs = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if "_step_before_schedule" not in vars(optimizer):
            # Steps count from the first schedule on.
            optimizer._opt_called = False
        optimizer._step_before_schedule = vars(optimizer).get("step")
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer, in PyTorch's layout."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, ours or PyTorch's."""
        vars(self).update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """Return the present learning rates, one a group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """Return the next learning rates, one a group; every subclass defines it."""
        raise NotImplementedError(
            f"{type(self).__name__} does not define get_lr(self), which returns a learning rate "
            "for each group of self.optimizer.param_groups"
        )

    def step(self, epoch: int | None = None) -> None:
        """Set the next learning rates.

        Args:
            epoch: jump to the rates of this step, by the closed form where there is one;
                deprecated.

        Warns:
            UserWarning: if the optimizer has not taken a step before the first one of the
                schedule: the first learning rate would never be used.
        """
        if self._step_count == 1:
            self._check_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_IS_DEPRECATED, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _check_order(self) -> None:
        replaced = vars(self.optimizer).get("step")
        before = getattr(self.optimizer, "_step_before_schedule", None)
        if replaced is not before and not hasattr(replaced, "__wrapped__"):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
                "initialization. Please, make sure to call `optimizer.step()` before "
                "`lr_scheduler.step()`.",
                UserWarning,
                stacklevel=3,
            )
        elif not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in "
                "the opposite order: `optimizer.step()` before `lr_scheduler.step()`. Else the "
                "first value of the learning rate schedule is skipped.",
                UserWarning,
                stacklevel=3,
            )

    def _update_lr(self, epoch: int | None = None) -> None:
        with self._asking():
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                closed_form = getattr(self, "_get_closed_form_lr", self.get_lr)
                rates = closed_form()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = values_of(self.optimizer, "lr")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _check_asked(self) -> None:
        """Warn a user who calls `get_lr`: what it returns is true within `step` only."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use "
                "`get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is not an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{type(optimizer).__name__} is not an Optimizer: a schedule sets the learning rates "
            "of an optimizer of chainrule.optim"
        )


def one_a_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """Return a value for each group, from one for all or a sequence of them.

    >>> import chainrule as cr
    >>> one_a_group("max_lr", cr.optim.SGD([cr.zeros(1)]), 0.5)
    [0.5]
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [_apart(value) for _ in range(count)]
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} "
            f"values, param_groups has {count}."
        )
    return [_apart(item) for item in value]


def values_of(optimizer: Optimizer, name: str) -> list[Any]:
    """Return an option of every group; tensors as copies."""
    return [_apart(group[name]) for group in optimizer.param_groups]


def set_value(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a group; where it is a tensor, that tensor's value."""
    if isinstance(group[name], Tensor):
        with no_grad():
            group[name].fill_(float(value))
    else:
        group[name] = value


def _apart(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def functions_a_group(optimizer: Optimizer, function: Any) -> list[Any]:
    """Return a function for each group, from one for all or a sequence of them."""
    count = len(optimizer.param_groups)
    functions: Sequence[Any]
    functions = function if isinstance(function, list | tuple) else [function] * count
    if len(functions) != count:
        raise ValueError(f"Expected {count} lr_lambdas, but got {len(functions)}")
    return list(functions)
