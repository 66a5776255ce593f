"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from chainrule.ops import updates
from chainrule.ops.creation import zeros_like
from chainrule.optim.checks import check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Optimizer, Params


class SGD(Optimizer):
    """Gradient descent w ← w − η ∂L/∂w, with momentum and an L2 penalty where asked for.

    The mathematics of momentum is at `chainrule.ops.updates.momentum_descent`.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        momentum: μ, how much of the last step's velocity is kept.
        dampening: τ: of the new gradient the velocity takes 1 − τ.
        weight_decay: λ of the penalty ½ λ ‖w‖².
        nesterov: step along the gradient plus momentum times velocity.
        maximize: climb instead.
        foreach: without effect, as is ``fused``: there is one implementation.
        differentiable: not supported.
        fused: without effect.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    shaped_like_parameter = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check_not_negative("momentum", momentum)
        check_not_negative("weight_decay", weight_decay)
        check_options(differentiable, foreach, fused)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def update(self, group: dict[str, Any], changed: list[ndarray[Any, Any]]) -> None:
        """Step the parameters of one group."""
        if group["momentum"]:
            self._update_with_momentum(group, changed)
            return
        decay, maximize = group["weight_decay"], group["maximize"]
        dtype = None
        for p in group["params"]:
            grad = p._grad
            if grad is None:
                continue
            w, g = p._array, grad._array
            if w.dtype is not dtype:
                dtype = w.dtype
                rate = updates.number(group["lr"], dtype)
            if decay or maximize:
                penalty = updates.number(decay, dtype) if decay else None
                g = updates.direction(w, g, penalty, maximize)
            updates.gradient_descent(w, g, rate)
            changed.append(w)

    def _update_with_momentum(
        self, group: dict[str, Any], changed: list[ndarray[Any, Any]]
    ) -> None:
        dtype = None
        for p in group["params"]:
            grad = p._grad
            if grad is None:
                continue
            w = p._array
            if w.dtype is not dtype:
                dtype = w.dtype
                dampening, decay = group["dampening"], group["weight_decay"]
                by = updates.Momentum(
                    rate=updates.number(group["lr"], dtype),
                    momentum=updates.number(group["momentum"], dtype),
                    share=updates.number(1 - dampening, dtype) if dampening else None,
                    decay=updates.number(decay, dtype) if decay else None,
                    nesterov=group["nesterov"],
                    maximize=group["maximize"],
                )
            state = self.state[p]
            first = state.get("momentum_buffer") is None
            if first:
                state["momentum_buffer"] = zeros_like(grad)
            velocity = state["momentum_buffer"]._array
            updates.momentum_descent(w, grad._array, velocity, by, first)
            changed += (w, velocity)
