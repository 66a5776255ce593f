"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.ops import updates
from chainrule.ops.creation import zeros_like
from chainrule.optim.optimizer import (
    Optimizer,
    Params,
    check_not_negative,
    check_options,
    check_rate,
)
from chainrule.primitive import attach


class Adam(Optimizer):
    """Steps along the mean gradient, in each coordinate divided by its usual size.

    The mathematics is at `chainrule.ops.updates.adam`.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        betas: how much of the running means of gradients and of their squares is kept.
        eps: ε, added to the denominator.
        weight_decay: λ of the penalty ½ λ ‖w‖², or of the decay if ``decoupled_weight_decay``.
        amsgrad: divide by the largest mean of squares so far.
        foreach: without effect, as are ``capturable`` and ``fused``: there is one implementation.
        maximize: climb instead.
        capturable: without effect.
        differentiable: not supported.
        fused: without effect.
        decoupled_weight_decay: shrink the parameters by η λ instead of adding λ w to the
            gradient, as AdamW does.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    shaped_like_parameter = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("epsilon", eps)
        for k, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(
                    f"Invalid beta parameter at index {k}: {beta} (it must be at least 0 and less "
                    "than 1)"
                )
        check_not_negative("weight_decay", weight_decay)
        check_options(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def update(self, group: dict[str, Any], changed: list[ndarray[Any, Any]]) -> None:
        """Step the parameters of one group."""
        amsgrad = group["amsgrad"]
        numbers: updates.Adam | None = None
        last: tuple[float, Any] | None = None
        for p in group["params"]:
            grad = p._grad
            if grad is None:
                continue
            w = p._array
            state = self.state[p] or self._first_state(p, grad, amsgrad)
            count = state["step"]._array
            step = count.item() + 1
            count[...] = step
            if numbers is None or last != (step, w.dtype):
                last = step, w.dtype
                numbers = updates.adam_numbers(
                    step,
                    w.dtype,
                    lr=float(group["lr"]),
                    betas=group["betas"],
                    eps=group["eps"],
                    weight_decay=group["weight_decay"],
                    decoupled=group["decoupled_weight_decay"],
                    maximize=group["maximize"],
                )
            m, v = state["exp_avg"]._array, state["exp_avg_sq"]._array
            peak = state["max_exp_avg_sq"]._array if amsgrad else None
            updates.adam(w, grad._array, m, v, peak, numbers)
            changed += (w, m, v) if peak is None else (w, m, v, peak)

    def _first_state(self, p: Any, grad: Any, amsgrad: bool) -> dict[str, Any]:
        state = self.state[p]
        state["step"] = attach(np.zeros((), np.float32), None)
        state["exp_avg"] = zeros_like(grad)
        state["exp_avg_sq"] = zeros_like(grad)
        if amsgrad:
            state["max_exp_avg_sq"] = zeros_like(grad)
        return state


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: w ← (1 − η λ) w before each step.

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate η.
        betas: how much of the running means of gradients and of their squares is kept.
        eps: ε, added to the denominator.
        weight_decay: λ.
        amsgrad: divide by the largest mean of squares so far.
        maximize: climb instead.
        foreach: without effect, as are ``capturable`` and ``fused``: there is one implementation.
        capturable: without effect.
        differentiable: not supported.
        fused: without effect.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.

    >>> import chainrule as cr
    >>> w = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = cr.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8500, 1.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
