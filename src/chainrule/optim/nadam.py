"""NAdam."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_adaptive as updates
from chainrule.optim.checks import check_betas, check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise, counter
from chainrule.tensor import Tensor


class NAdam(Stepwise):
    """Adam with Nesterov's momentum: the step looks ahead along the mean gradient.

        μₜ = β₁ (1 − ½ · 0.96^(ψ t))
        m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
        w ← w − η [(1 − μₜ) / (1 − μ₁⋯μₜ) · g + μₜ₊₁ / (1 − μ₁⋯μₜ₊₁) · m] / (√v̂ + ε)

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        betas: how much of the running means of gradients and of their squares is kept.
        eps: ε, added to the denominator.
        weight_decay: λ of the penalty ½ λ ‖w‖², or of the decay if ``decoupled_weight_decay``.
        momentum_decay: ψ.
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
    >>> optimizer = cr.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8944, 1.8944], requires_grad=True)
    """

    shaped_like_parameter = ("exp_avg", "exp_avg_sq")
    numbers_by_state = True

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative("momentum_decay", momentum_decay)
        check_options(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
            },
        )

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The running means of gradients and of their squares."""
        return self.shaped_like_parameter

    def first_state(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> dict[str, Any]:
        """Return zeros, and 1 for the product of momenta."""
        state = super().first_state(group, p, grad)
        return {"step": state.pop("step"), "mu_product": counter(1.0), **state}

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.NAdam:
        """Return the rates of the step, after taking its momentum into the product."""
        product = state["mu_product"]._array
        product *= updates.nadam_momentum(group["betas"][0], group["momentum_decay"], step)
        lr, decay = float(group["lr"]), group["weight_decay"]
        return updates.nadam_numbers(
            step,
            dtype,
            lr=lr,
            betas=group["betas"],
            eps=group["eps"],
            momentum_decay=group["momentum_decay"],
            product=product.item(),
            penalty=updates.penalty(
                dtype, decay, group["maximize"], group["decoupled_weight_decay"], lr
            ),
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.NAdam) -> None:
        """Update one parameter."""
        updates.nadam(arrays, numbers)
