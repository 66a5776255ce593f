"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from chainrule.graph import mutations
from chainrule.modes import enable_grad
from chainrule.ops import updates_quasi_newton as vectors
from chainrule.optim.checks import check_rate
from chainrule.optim.line_search import Point, strong_wolfe
from chainrule.optim.optimizer import Optimizer, Params
from chainrule.primitive import attach
from chainrule.tensor import Tensor, wrap

Array = ndarray[Any, Any]


class _Memory(NamedTuple):
    """What is known from earlier iterations; the direction is None before the first."""

    direction: Array | None
    t: Any
    changes: list[Array]
    steps: list[Array]
    scales: list[Any]
    diagonal: Any
    gradient: Array | None
    loss: Any
    coefficients: list[Any] | None


class LBFGS(Optimizer):
    """Newton's method with an inverse Hessian that is guessed from the last steps.

    With the steps s and the changes y of the gradient over them, the direction is −H g, where H is
    the BFGS estimate of the last ``history_size`` pairs:

        H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ,    ρ = 1 / (y · s),    first H = (y·s / y·y) I

    For smooth losses of the whole data set. There can be one group only. Sources: Nocedal,
    "Updating quasi-Newton matrices with limited storage", 1980; Liu and Nocedal, "On the limited
    memory BFGS method for large scale optimization", 1989.

    Args:
        params: the parameters.
        lr: the first step along the direction to try, or the step without line search.
        max_iter: how many iterations a call of `step` makes at most.
        max_eval: how often a call of `step` evaluates the loss at most; 1.25 ``max_iter`` if None.
        tolerance_grad: stop where no derivative is larger.
        tolerance_change: stop where neither parameters nor loss change by more.
        history_size: how many pairs to keep.
        line_search_fn: "strong_wolfe", or None for fixed steps.

    Raises:
        ValueError: for a rate out of its range or several groups.

    >>> import chainrule as cr
    >>> w = cr.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = cr.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - cr.tensor([1.0, 2.0])) ** 2 * cr.tensor([1.0, 10.0])).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    164.0
    >>> w
    tensor([1.0000, 2.0000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError(
                "LBFGS doesn't support per-parameter options (parameter groups): give it one list "
                "of parameters"
            )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate until one of the tolerances or limits is met.

        Args:
            closure: clears the gradients, computes the loss and its gradients, and returns it;
                it is called many times.

        Returns:
            The loss that the first call of the closure returned.
        """
        if closure is None:
            raise TypeError(
                "LBFGS.step() missing 1 required positional argument: 'closure', a function that "
                "clears the gradients, computes the loss, calls backward and returns the loss"
            )
        (group,) = self.param_groups
        search = group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, got line_search_fn={search!r}")
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with enable_grad():
            first_loss = closure()
        state["func_evals"] += 1
        loss, gradient = float(first_loss), self._gradient()
        if vectors.largest(gradient) <= group["tolerance_grad"]:
            return first_loss
        self._iterate(closure, group, state, loss, gradient)
        return first_loss

    def _iterate(
        self,
        closure: Callable[[], Any],
        group: dict[str, Any],
        state: dict[str, Any],
        loss: float,
        gradient: Array,
    ) -> None:
        arrays = [p._array for p in group["params"]]
        memory = _recalled(state)
        lr, tolerance = float(group["lr"]), group["tolerance_change"]
        evaluations = 1
        iteration = 0
        while iteration < group["max_iter"]:
            iteration += 1
            state["n_iter"] += 1
            memory = _next(memory, gradient, loss, group["history_size"])
            direction = memory.direction
            assert direction is not None
            t: Any = lr
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / vectors.total(gradient)) * lr
            memory = memory._replace(t=t)
            slope = vectors.dot(gradient, direction)
            if slope > -tolerance:
                break
            used = 0
            if group["line_search_fn"] is not None:
                before = [a.copy() for a in arrays]

                def evaluate(t: Any, before: Any = before, d: Array = direction) -> Any:
                    self._move(arrays, t, d)
                    with enable_grad():
                        loss = float(closure())
                    gradient = self._gradient()
                    for a, old in zip(arrays, before):
                        a[...] = old
                    mutations.mark_all(arrays)
                    return loss, gradient

                found, used = strong_wolfe(
                    evaluate,
                    Point(0, loss, gradient, slope),
                    t,
                    direction,
                    evaluations=group["max_eval"] - evaluations,
                )
                t, loss, gradient = found.t, found.loss, found.gradient
                memory = memory._replace(t=t)
                self._move(arrays, t, direction)
            else:
                self._move(arrays, t, direction)
                if iteration != group["max_iter"]:
                    # After the last iteration, the next call of `step` evaluates first.
                    with enable_grad():
                        loss = float(closure())
                    gradient, used = self._gradient(), 1
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or vectors.largest(gradient) <= group["tolerance_grad"]
                or vectors.largest(direction * t) <= tolerance
                or abs(loss - memory.loss) < tolerance
            ):
                break
        _remember(state, memory, group["history_size"])

    def _gradient(self) -> Array:
        """Return the gradient of all parameters as one vector, zeros where there is none."""
        return vectors.flattened(
            [
                np.zeros_like(p._array) if p._grad is None else p._grad._array
                for p in self.param_groups[0]["params"]
            ]
        )

    @staticmethod
    def _move(arrays: list[Array], t: Any, direction: Array) -> None:
        vectors.add_along(arrays, t, direction)
        mutations.mark_all(arrays)


def _next(memory: _Memory, gradient: Array, loss: Any, history_size: int) -> _Memory:
    """Take the last step into the memory and return it with the next direction."""
    if memory.direction is None or memory.gradient is None:
        return _Memory(-gradient, None, [], [], [], 1, gradient, loss, None)
    changes, steps, scales = memory.changes, memory.steps, memory.scales
    diagonal = memory.diagonal
    change = gradient - memory.gradient
    step = memory.direction * memory.t
    product = vectors.dot(change, step)
    if product > 1e-10:
        if len(changes) == history_size:
            changes, steps, scales = changes[1:], steps[1:], scales[1:]
        changes, steps, scales = [*changes, change], [*steps, step], [*scales, 1.0 / product]
        diagonal = product / vectors.dot(change, change)
    direction, coefficients = vectors.quasi_newton_direction(
        gradient, changes, steps, scales, diagonal
    )
    return _Memory(
        direction, memory.t, changes, steps, scales, diagonal, gradient, loss, coefficients
    )


def _recalled(state: dict[str, Any]) -> _Memory:
    """Return the memory that a state dict's layout holds."""
    if state.get("d") is None:
        return _Memory(None, None, [], [], [], 1, None, None, None)
    return _Memory(
        direction=state["d"]._array,
        t=_number(state["t"]),
        changes=[y._array for y in state["old_dirs"]],
        steps=[s._array for s in state["old_stps"]],
        scales=[_number(rho) for rho in state["ro"]],
        diagonal=_number(state["H_diag"]),
        gradient=state["prev_flat_grad"]._array,
        loss=state["prev_loss"],
        coefficients=None,
    )


def _remember(state: dict[str, Any], memory: _Memory, history_size: int) -> None:
    """Write the memory into the state, in PyTorch's layout."""
    if memory.coefficients is not None or "al" in state:
        known = [wrap(alpha) for alpha in memory.coefficients or ()]
        state["al"] = known + [None] * (history_size - len(known))
    assert memory.direction is not None and memory.gradient is not None
    state["d"] = attach(memory.direction, None)
    state["t"] = _tensor(memory.t)
    state["old_dirs"] = [attach(y, None) for y in memory.changes]
    state["old_stps"] = [attach(s, None) for s in memory.steps]
    state["ro"] = [_tensor(rho) for rho in memory.scales]
    state["H_diag"] = _tensor(memory.diagonal)
    state["prev_flat_grad"] = attach(memory.gradient, None)
    state["prev_loss"] = memory.loss


def _number(value: Any) -> Any:
    return value._array[()] if isinstance(value, Tensor) else value


def _tensor(value: Any) -> Any:
    """Return NumPy's scalars as tensors; Python's numbers stay, as they do in PyTorch."""
    return wrap(value) if isinstance(value, np.generic) else value
