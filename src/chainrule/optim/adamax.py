"""Adamax."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_adaptive as updates
from chainrule.ops.updates import number
from chainrule.optim.checks import check_betas, check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise


class Adamax(Stepwise):
    """Adam whose denominator is the largest recent gradient instead of a mean of squares.

        m ← β₁ m + (1 − β₁) g        u ← max(β₂ u, |g| + ε)
        w ← w − η / (1 − β₁ᵗ) · m / u

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, section 7.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        betas: how much of the running mean of gradients and of their maximum is kept.
        eps: ε, added to the size of the gradient.
        weight_decay: λ of the penalty ½ λ ‖w‖².
        foreach: without effect: there is one implementation.
        maximize: climb instead.
        differentiable: not supported.
        capturable: without effect.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    shaped_like_parameter = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("epsilon", eps)
        check_betas(betas)
        check_not_negative("weight_decay", weight_decay)
        check_options(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The running mean of gradients and the largest recent one."""
        return self.shaped_like_parameter

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.Adamax:
        """Return the rate with the bias correction of the step."""
        beta1, beta2 = group["betas"]
        return updates.Adamax(
            first_share=number(1 - beta1, dtype),
            keep=number(beta2, dtype),
            epsilon=number(group["eps"], dtype),
            rate=number(float(group["lr"]) / (1 - beta1**step), dtype),
            penalty=updates.penalty(dtype, group["weight_decay"], group["maximize"]),
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.Adamax) -> None:
        """Update one parameter."""
        updates.adamax(arrays, numbers)
