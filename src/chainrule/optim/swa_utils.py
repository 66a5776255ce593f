"""Averages of weights over training: PyTorch's `torch.optim.swa_utils`.

Sources: Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018;
Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.graph import mutations
from chainrule.modes import no_grad
from chainrule.nn.batchnorm import _BatchNorm
from chainrule.nn.module import Module
from chainrule.ops.creation import tensor
from chainrule.ops.updates_averaging import average_into
from chainrule.optim.lr_scheduler.base import LRScheduler, one_a_group
from chainrule.optim.optimizer import Optimizer
from chainrule.tensor import Tensor

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
AverageOfMany = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_ema_multi_avg_fn(decay: float = 0.999) -> AverageOfMany:
    """Return a function that moves tensors towards others: the exponential moving average.

    It computes a ← decay · a + (1 − decay) · x in place, for `AveragedModel`'s ``multi_avg_fn``.

    Raises:
        ValueError: if ``decay`` is not between 0 and 1.

    >>> import chainrule as cr
    >>> mean = cr.tensor([0.0, 2.0])
    >>> get_ema_multi_avg_fn(0.75)([mean], [cr.tensor([4.0, 4.0])], None)
    >>> mean
    tensor([1.0000, 2.5000])
    """
    _check_decay(decay)

    def ema_update(means: Sequence[Tensor], values: Sequence[Tensor], _: Any) -> None:
        _average(means, values, decay)

    return ema_update


def get_swa_multi_avg_fn() -> AverageOfMany:
    """Return a function that takes tensors into the means of those before: equal weights.

    It computes a ← a + (x − a) / (n + 1) in place, for `AveragedModel`'s ``multi_avg_fn``.

    >>> import chainrule as cr
    >>> mean = cr.tensor([0.0, 2.0])
    >>> get_swa_multi_avg_fn()([mean], [cr.tensor([4.0, 4.0])], 1)
    >>> mean
    tensor([2., 3.])
    """

    def swa_update(means: Sequence[Tensor], values: Sequence[Tensor], count: Any) -> None:
        _average(means, values, 1 - 1 / (float(count) + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return a function of a mean, a tensor and a count that returns the next mean.

    It is the exponential moving average decay · a + (1 − decay) · x.

    Raises:
        ValueError: if ``decay`` is not between 0 and 1.

    >>> import chainrule as cr
    >>> get_ema_avg_fn(0.75)(cr.tensor(0.0), cr.tensor(4.0), 7)
    tensor(1.)
    """
    _check_decay(decay)

    def ema_update(mean: Tensor, value: Tensor, count: Any) -> Tensor:
        with no_grad():
            return decay * mean + (1 - decay) * value

    return ema_update


def get_swa_avg_fn() -> Average:
    """Return a function of a mean, a tensor and a count that returns the next mean.

    It is a + (x − a) / (n + 1), the mean of n + 1 tensors.

    >>> import chainrule as cr
    >>> get_swa_avg_fn()(cr.tensor(0.0), cr.tensor(4.0), 1)
    tensor(2.)
    """

    def swa_update(mean: Tensor, value: Tensor, count: Any) -> Tensor:
        with no_grad():
            return mean + (value - mean) / (count + 1)  # type: ignore[no-any-return]

    return swa_update


def _check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def _average(means: Sequence[Tensor], values: Sequence[Tensor], keep: float) -> None:
    for mean, value in zip(means, values, strict=True):
        average_into(mean._array, value._array, keep)
    mutations.mark_all([mean._array for mean in means])


def _copy(target: Tensor, value: Tensor) -> None:
    np.copyto(target._array, value._array, casting="unsafe")
    mutations.mark(target._array)


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's over training.

    Args:
        model: the model to copy and to average.
        device: where the averages are kept: only the CPU.
        avg_fn: a function of a mean, a parameter and the number of models so far that returns the
            next mean.
        multi_avg_fn: such a function of lists of tensors that changes the means in place. Without
            either, the mean of all models.
        use_buffers: whether buffers are averaged too, or taken from the model as they are. (PyTorch
            cannot take the plain mean of buffers of integers; here it is rounded towards zero.)

    Attributes:
        module: the copy.
        n_averaged: how many models were averaged.

    Raises:
        AssertionError: if both functions are given.

    >>> import chainrule as cr
    >>> model = cr.nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     with cr.no_grad():
    ...         _ = model.weight.fill_(value)
    ...     averaged.update_parameters(model)
    >>> averaged(cr.ones(1, 1)).item()
    3.0
    """

    n_averaged: Tensor
    module: Module

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: AverageOfMany | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device=device)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the copy."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the present parameters of a model into the averages."""
        means = [t.detach() for t in _tensors(self.module, self.use_buffers)]
        values = [t.detach() for t in _tensors(model, self.use_buffers)]
        count = self.n_averaged.item()
        if count == 0:
            for mean, value in zip(means, values, strict=True):
                _copy(mean, value)
        elif self.avg_fn is not None:
            for mean, value in zip(means, values, strict=True):
                _copy(mean, self.avg_fn(mean, value, self.n_averaged))
        else:
            average = self.multi_avg_fn or get_swa_multi_avg_fn()
            for some, others in _by_dtype(means, values):
                average(some, others, self.n_averaged)
        if not self.use_buffers:
            for mine, given in zip(self.module.buffers(), model.buffers(), strict=True):
                _copy(mine, given)
        self.n_averaged._array[...] = count + 1
        mutations.mark(self.n_averaged._array)


def _tensors(model: Module, buffers: bool) -> Iterable[Tensor]:
    return itertools.chain(model.parameters(), model.buffers()) if buffers else model.parameters()


def _by_dtype(
    means: list[Tensor], values: list[Tensor]
) -> Iterable[tuple[list[Tensor], list[Tensor]]]:
    """Return the tensors of each dtype together, as functions of lists expect them."""
    groups: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for mean, value in zip(means, values, strict=True):
        some, others = groups.setdefault(mean.dtype, ([], []))
        some.append(mean)
        others.append(value)
    return groups.values()


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch normalisation anew, in one pass over data.

    The averages of weights were never run in training, so their statistics are another model's.

    Args:
        loader: yields batches: tensors, or lists and tuples that begin with one.
        model: in which to update the modules of batch normalisation.
        device: where to move the batches: only the CPU.

    >>> import chainrule as cr
    >>> update_bn([cr.zeros(2, 3)], cr.nn.Linear(3, 1))
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = {module: module.momentum for module in norms}
    if not momenta:
        return
    for module in momenta:
        module.reset_running_stats()
        # None: the mean of all batches instead of a moving one.
        module.momentum = None
    was_training = model.training
    model.train()
    with no_grad():
        for batch in loader:
            first = batch[0] if isinstance(batch, list | tuple) else batch
            model(first if device is None else first.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """The learning rate goes over to a constant one, at which weights are averaged.

    Args:
        optimizer: whose learning rates to set.
        swa_lr: the constant rate, or one for each group.
        anneal_epochs: the number of steps on the way.
        anneal_strategy: "cos" or "linear".
        last_epoch: the number of the last step, −1 to begin.

    Raises:
        ValueError: for an unknown strategy or a negative number of steps.

    >>> import chainrule as cr
    >>> optimizer = cr.optim.SGD([cr.zeros(1)], lr=1.0)
    >>> schedule = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: Any = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = one_a_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """Return how far the way is done after a share of the steps."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def _done(self, step: int) -> float:
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self) -> list[Any]:
        """Return the rates that follow the present ones on the way to the constant one."""
        self._check_asked()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._done(step - 1), self._done(step)
        rates = []
        for group in self.optimizer.param_groups:
            rate, final = group["lr"], group["swa_lr"]
            # The rate from which the way began, as it follows from the present one.
            start = final if before == 1 else (rate - before * final) / (1 - before)
            rates.append(final * now + start * (1 - now))
        return rates
