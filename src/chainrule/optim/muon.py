"""Muon."""

from __future__ import annotations

import math
from typing import Any

from numpy import ndarray

from chainrule.ops import updates_matrices as updates
from chainrule.ops.creation import zeros_like
from chainrule.optim.checks import check_rate
from chainrule.optim.optimizer import Optimizer, Params


class Muon(Optimizer):
    """Momentum whose steps are made orthogonal, for the matrices inside a network.

        b ← μ b + (1 − μ) g
        w ← (1 − η λ) w − η′ orthogonalised(μ b + (1 − μ) g)

    Five iterations of Newton and Schulz bring all singular values near 1. PyTorch computes them in
    bfloat16, this in the parameter's precision, so steps differ in the third digit. Sources: Jordan
    et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is
    scalable for LLM training", 2025, for the rates that match AdamW's.

    Args:
        params: the parameters, all matrices, or groups of them. Others (biases, embeddings) go to
            an optimizer such as AdamW.
        lr: the learning rate η.
        weight_decay: λ.
        momentum: μ.
        nesterov: step along the gradient and the mean rather than along the mean.
        ns_coefficients: a, b, c of the iteration's polynomial a x + b x³ + c x⁵.
        eps: the smallest norm to divide by.
        ns_steps: the number of iterations.
        adjust_lr_fn: how η′ follows from the shape A × B: "original" (as None), η √max(1, A/B), or
            "match_rms_adamw", 0.2 η √max(A, B).

    Raises:
        ValueError: for a rate or an option out of its range, or a parameter that is no matrix.

    >>> import chainrule as cr
    >>> w = cr.tensor([[3.0, 0.0], [0.0, 0.5]], requires_grad=True)
    >>> optimizer = cr.optim.Muon([w], lr=0.1, weight_decay=0.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool(w[0, 0] < 2.95), bool(w[1, 1] < 0.45)
    (True, True)
    """

    shaped_like_parameter = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        if not momentum >= 0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Adjust learning rate function {adjust_lr_fn} is not supported: use 'original' "
                "or 'match_rms_adamw'"
            )
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add matrices with options of their own.

        Raises:
            ValueError: if one of them has not two dimensions.
        """
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p._array.ndim != 2:
                self.param_groups.pop()
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{p.shape}; give it to another optimizer, such as AdamW"
                )

    def update(self, group: dict[str, Any], changed: list[ndarray[Any, Any]]) -> None:
        """Step the parameters of one group."""
        if group["ns_steps"] >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        lr = float(group["lr"])
        for p in group["params"]:
            grad = p._grad
            if grad is None:
                continue
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = zeros_like(grad)
            w, mean = p._array, state["momentum_buffer"]._array
            by = updates.Muon(
                lr=lr,
                rate=lr * _adjustment(group["adjust_lr_fn"], *w.shape),
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                nesterov=group["nesterov"],
                coefficients=group["ns_coefficients"],
                eps=group["eps"],
                iterations=group["ns_steps"],
            )
            updates.muon((w, grad._array, mean), by)
            changed += (w, mean)


def _adjustment(name: str | None, rows: int, columns: int) -> float:
    """Return by what the learning rate is multiplied for a matrix.

    >>> _adjustment(None, 8, 2), _adjustment("match_rms_adamw", 25, 4)
    (2.0, 1.0)
    """
    if name == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
