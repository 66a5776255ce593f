"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

from chainrule.ops import updates
from chainrule.optim.checks import check_betas, check_not_negative, check_options, check_rate
from chainrule.optim.optimizer import Params
from chainrule.optim.stepwise import Stepwise


class Adam(Stepwise):
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
        check_betas(betas)
        check_not_negative("weight_decay", weight_decay)
        check_options(differentiable, foreach, fused)
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

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The running means of gradients and of their squares, for AMSGrad the largest of these."""
        return self.shaped_like_parameter if group["amsgrad"] else self.shaped_like_parameter[:2]

    def numbers(
        self, group: dict[str, Any], step: float, dtype: Any, state: dict[str, Any]
    ) -> updates.Adam:
        """Return rates with the bias corrections of the step."""
        return updates.adam_numbers(
            step,
            dtype,
            lr=float(group["lr"]),
            betas=group["betas"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
        )

    def change(self, group: dict[str, Any], arrays: Any, numbers: updates.Adam) -> None:
        """Update one parameter; the mathematics is at `chainrule.ops.updates.adam`."""
        updates.adam(arrays, numbers)


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
