"""RAdam."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_adaptive as updates
from chainrule.optim.checks import check_betas, check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise


class RAdam(Stepwise):
    """Adam that warms up by itself: it divides only once the mean of squares can be trusted.

        m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
        w ← w − η m̂                  while ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ) ≤ 5
        w ← w − η r m̂ / (√v̂ + ε)     then, with r² = (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ)

    with ρ∞ = 2 / (1 − β₂) − 1. Source: Liu et al., "On the variance of the adaptive learning rate
    and beyond", 2020.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        betas: how much of the running means of gradients and of their squares is kept.
        eps: ε, added to the denominator.
        weight_decay: λ of the penalty ½ λ ‖w‖², or of the decay if ``decoupled_weight_decay``.
        decoupled_weight_decay: shrink the parameters by η λ instead of adding λ w to the
            gradient.
        foreach: without effect: there is one implementation.
        maximize: climb instead.
        capturable: without effect.
        differentiable: not supported.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    shaped_like_parameter = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The running means of gradients and of their squares."""
        return self.shaped_like_parameter

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.RAdam:
        """Return the rate with the corrections and the rectification of the step."""
        lr, decay = float(group["lr"]), group["weight_decay"]
        return updates.radam_numbers(
            step,
            dtype,
            lr=lr,
            betas=group["betas"],
            eps=group["eps"],
            penalty=updates.penalty(
                dtype, decay, group["maximize"], group["decoupled_weight_decay"], lr
            ),
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.RAdam) -> None:
        """Update one parameter."""
        updates.radam(arrays, numbers)
