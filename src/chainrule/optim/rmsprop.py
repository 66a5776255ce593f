"""RMSprop."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_adaptive as updates
from chainrule.ops.updates import number
from chainrule.optim.checks import check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise


class RMSprop(Stepwise):
    """Gradient descent, in each coordinate divided by the usual size of the gradient.

        v ← α v + (1 − α) g²
        w ← w − η g / (√v + ε)                with momentum  b ← μ b + g / (√v + ε),  w ← w − η b

    Centered, the variance takes the place of v: v − m², with the running mean m of gradients.
    Sources: Tieleman and Hinton, "Lecture 6.5: rmsprop", 2012; Graves, "Generating sequences with
    recurrent neural networks", 2013.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        alpha: α, how much of the running means is kept.
        eps: ε, added to the denominator.
        weight_decay: λ of the penalty ½ λ ‖w‖².
        momentum: μ.
        centered: divide by the standard deviation.
        capturable: without effect.
        foreach: without effect: there is one implementation.
        maximize: climb instead.
        differentiable: not supported.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    shaped_like_parameter = ("square_avg", "momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("epsilon", eps)
        check_not_negative("momentum", momentum)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("alpha", alpha)
        check_options(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The running mean of squares, the velocity with momentum, the mean if centered."""
        square, velocity, mean = self.shaped_like_parameter
        if group["momentum"]:
            return (square, velocity, mean) if group["centered"] else (square, velocity)
        return (square, mean) if group["centered"] else (square,)

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.RMSprop:
        """Return the rates as arrays."""
        alpha, momentum = group["alpha"], group["momentum"]
        return updates.RMSprop(
            keep=number(alpha, dtype),
            share=number(1 - alpha, dtype),
            epsilon=number(group["eps"], dtype),
            rate=number(float(group["lr"]), dtype),
            momentum=number(momentum, dtype) if momentum else None,
            penalty=updates.penalty(dtype, group["weight_decay"], group["maximize"]),
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.RMSprop) -> None:
        """Update one parameter."""
        updates.rmsprop(arrays, numbers, group["centered"])
