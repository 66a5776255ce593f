"""Adagrad."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_adaptive as updates
from chainrule.ops.creation import full_like
from chainrule.ops.updates import number
from chainrule.optim.checks import check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise, counter
from chainrule.tensor import Tensor


class Adagrad(Stepwise):
    """Gradient descent, in each coordinate divided by the root of all squared gradients so far.

        s ← s + g²
        w ← w − η / (1 + (t − 1) κ) · g / (√s + ε)

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", 2011.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        lr_decay: κ.
        weight_decay: λ of the penalty ½ λ ‖w‖².
        initial_accumulator_value: s before the first step.
        eps: ε, added to the denominator.
        foreach: without effect, as is ``fused``: there is one implementation.
        maximize: climb instead.
        differentiable: not supported.
        fused: without effect.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    shaped_like_parameter = ("sum",)

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check_not_negative("lr_decay", lr_decay)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("initial_accumulator_value", initial_accumulator_value)
        check_not_negative("epsilon", eps)
        check_options(differentiable, foreach, fused)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(self.first_state(group, p, p))

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The sum of squared gradients."""
        return self.shaped_like_parameter

    def first_state(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> dict[str, Any]:
        """Return the given first value of the sum."""
        start = group["initial_accumulator_value"]
        return {"step": counter(0.0), "sum": full_like(p.detach(), start)}

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.Adagrad:
        """Return the decayed rate of the step."""
        rate = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        return updates.Adagrad(
            rate=number(rate, dtype),
            epsilon=number(group["eps"], dtype),
            penalty=updates.penalty(dtype, group["weight_decay"], group["maximize"]),
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.Adagrad) -> None:
        """Update one parameter."""
        updates.adagrad(arrays, numbers)
