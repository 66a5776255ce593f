"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_averaging as updates
from chainrule.ops.updates import number
from chainrule.optim.checks import check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise, counter
from chainrule.tensor import Tensor


class ASGD(Stepwise):
    """Stochastic gradient descent that keeps the average of the parameters, ``state[p]["ax"]``.

        w ← (1 − λ₀ ηₜ) w − ηₜ g             ηₜ = η / (1 + λ₀ η t)^α
        a ← a + μₜ (w − a)                   μₜ = 1 / max(1, t − t₀)

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        lambd: λ₀, the decay.
        alpha: α, how fast the learning rate falls.
        t0: t₀, the step from which to average.
        weight_decay: λ of the penalty ½ λ ‖w‖².
        foreach: without effect: there is one implementation.
        maximize: climb instead.
        differentiable: not supported.
        capturable: without effect.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.ASGD([w], lr=0.1, t0=0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> optimizer.state[w]["ax"]
    tensor([0.8000, 1.6000])
    """

    shaped_like_parameter = ("ax",)
    numbers_by_state = True

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("weight_decay", weight_decay)
        check_options(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The average."""
        return self.shaped_like_parameter

    def first_state(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> dict[str, Any]:
        """Return the first rates and no average."""
        state = super().first_state(group, p, grad)
        rates = {"eta": counter(float(group["lr"])), "mu": counter(1.0)}
        return {"step": state["step"], **rates, "ax": state["ax"]}

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.ASGD:
        """Return the rates of this step and note those of the next."""
        eta, mu = state["eta"]._array.item(), state["mu"]._array.item()
        decay, lr = group["weight_decay"], float(group["lr"])
        state["eta"]._array[...] = lr / (1 + group["lambd"] * lr * step) ** group["alpha"]
        state["mu"]._array[...] = 1 / max(1, step - group["t0"])
        return updates.ASGD(
            shrink=number(1 - group["lambd"] * eta, dtype),
            rate=number(eta, dtype),
            share=None if mu == 1 else number(mu, dtype),
            decay=number(decay, dtype) if decay else None,
            maximize=group["maximize"],
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.ASGD) -> None:
        """Update one parameter."""
        updates.asgd(arrays, numbers)
