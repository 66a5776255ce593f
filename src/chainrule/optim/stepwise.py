"""The base of the optimizers that step each parameter by itself and count their steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.ops.creation import zeros_like
from chainrule.optim.optimizer import Optimizer
from chainrule.primitive import attach
from chainrule.tensor import Tensor


class Stepwise(Optimizer):
    """An optimizer that is an elementwise update of each parameter and of what it remembers.

    A subclass says what is remembered (`kept`, zeros at first unless it says otherwise in
    `first_state`), which numbers a step needs (`numbers`), and how arrays change (`change`, one of
    the functions of `chainrule.ops.updates` and its neighbours).
    """

    # Whether the numbers depend on the state of the parameter and not just on the step.
    numbers_by_state = False

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays that are remembered, in the order `change` takes them."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it keeps")

    def numbers(
        self, group: dict[str, Any], step: float, dtype: np.dtype[Any], state: dict[str, Any]
    ) -> Any:
        """Return what the ``step``-th update needs besides arrays."""
        raise NotImplementedError(f"{type(self).__name__} does not define its numbers")

    def change(
        self, group: dict[str, Any], arrays: tuple[ndarray[Any, Any], ...], numbers: Any
    ) -> None:
        """Update arrays in place: the parameter, its gradient, then what is `kept`."""
        raise NotImplementedError(f"{type(self).__name__} does not define its update")

    def first_state(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> dict[str, Any]:
        """Return the state of a parameter before its first step."""
        return {"step": counter(0.0), **{name: zeros_like(grad) for name in self.kept(group)}}

    def update(self, group: dict[str, Any], changed: list[ndarray[Any, Any]]) -> None:
        """Step the parameters of one group."""
        kept = self.kept(group)
        numbers = last_step = last_dtype = None
        for p in group["params"]:
            grad = p._grad
            if grad is None:
                continue
            w = p._array
            state = self.state[p]
            if not state:
                state.update(self.first_state(group, p, grad))
            count = state["step"]._array
            step = count.item() + 1
            count[...] = step
            dtype = w.dtype
            if step != last_step or dtype is not last_dtype or self.numbers_by_state:
                last_step, last_dtype = step, dtype
                numbers = self.numbers(group, step, dtype, state)
            remembered = [state[name]._array for name in kept]
            self.change(group, (w, grad._array, *remembered), numbers)
            changed += (w, *remembered)


def counter(value: float) -> Tensor:
    """Return a number of a state as PyTorch keeps it: a 0-d float32 tensor.

    >>> counter(0.0)
    tensor(0.)
    """
    return attach(np.array(value, np.float32), None)
