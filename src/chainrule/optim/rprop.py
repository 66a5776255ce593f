"""Rprop."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates_averaging as updates
from chainrule.ops.creation import full_like, zeros_like
from chainrule.ops.updates import number
from chainrule.optim.checks import check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise, counter
from chainrule.tensor import Tensor


class Rprop(Stepwise):
    """Steps by the sign of the gradient, whose sizes grow while it stays and shrink when it turns.

        Δ ← η⁺ Δ where the sign stayed,  η⁻ Δ where it turned (and there is no step there)
        w ← w − sign(g) Δ

    For gradients of the whole data set: noise turns signs. Source: Riedmiller and Braun, "A direct
    adaptive method for faster backpropagation learning: the RPROP algorithm", 1993.

    Args:
        params: the parameters, or groups of them.
        lr: the first step size.
        etas: η⁻ and η⁺.
        step_sizes: the smallest and the largest Δ.
        capturable: without effect.
        foreach: without effect: there is one implementation.
        maximize: climb instead.
        differentiable: not supported.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.Rprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    shaped_like_parameter = ("prev", "step_size")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(
                f"Invalid eta values: {etas[0]}, {etas[1]} (the first must lie between 0 and 1, "
                "the second above 1)"
            )
        check_options(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The previous gradient and the step sizes."""
        return self.shaped_like_parameter

    def first_state(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> dict[str, Any]:
        """Return no previous gradient and the first step size."""
        sizes = full_like(grad, float(group["lr"]))
        return {"step": counter(0.0), "prev": zeros_like(grad), "step_size": sizes}

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.Rprop:
        """Return the factors and bounds as arrays."""
        (less, more), (smallest, largest) = group["etas"], group["step_sizes"]
        return updates.Rprop(
            less=number(less, dtype),
            more=number(more, dtype),
            smallest=number(smallest, dtype),
            largest=number(largest, dtype),
            maximize=group["maximize"],
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.Rprop) -> None:
        """Update one parameter."""
        updates.rprop(arrays, numbers)
