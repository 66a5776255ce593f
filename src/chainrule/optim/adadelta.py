"""Adadelta."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_adaptive as updates
from chainrule.ops.updates import number
from chainrule.optim.checks import check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise


class Adadelta(Stepwise):
    """Gradient descent scaled by the ratio of the usual step to the usual gradient.

        v ← ρ v + (1 − ρ) g²
        δ = √(a + ε) / √(v + ε) · g
        a ← ρ a + (1 − ρ) δ²
        w ← w − η δ

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Args:
        params: the parameters, or groups of them.
        lr: the factor η of the step.
        rho: ρ, how much of the running means is kept.
        eps: ε.
        weight_decay: λ of the penalty ½ λ ‖w‖².
        foreach: without effect: there is one implementation.
        capturable: without effect.
        maximize: climb instead.
        differentiable: not supported.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.Adadelta([w], eps=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.6877, 1.6848], requires_grad=True)
    """

    shaped_like_parameter = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Params,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho} (it must be between 0 and 1)")
        check_not_negative("epsilon", eps)
        check_not_negative("weight_decay", weight_decay)
        check_options(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The running means of squared gradients and of squared steps."""
        return self.shaped_like_parameter

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.Adadelta:
        """Return the rates as arrays."""
        rho = group["rho"]
        return updates.Adadelta(
            keep=number(rho, dtype),
            share=number(1 - rho, dtype),
            epsilon=number(group["eps"], dtype),
            rate=number(float(group["lr"]), dtype),
            penalty=updates.penalty(dtype, group["weight_decay"], group["maximize"]),
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.Adadelta) -> None:
        """Update one parameter."""
        updates.adadelta(arrays, numbers)
