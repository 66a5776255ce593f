"""Adafactor."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from chainrule.ops import updates_matrices as updates
from chainrule.ops.creation import zeros, zeros_like
from chainrule.optim.checks import check_rate
from chainrule.optim.optimizer import Optimizer, Params
from chainrule.optim.stepwise import counter
from chainrule.tensor import Tensor


class Adafactor(Optimizer):
    """Adam without running mean, whose mean of squares is kept by rows and columns.

    With t the number of the step, β = 1 − t^τ and ρ = min(η, 1/√t):

        r ← β r + (1 − β) row means of g²,    c ← β c + (1 − β) column means of g²
        u = g / √(r c / mean(r))
        w ← w − max(ε₂, RMS(w)) ρ · u / max(1, RMS(u) / d)

    A matrix of n × m needs n + m numbers of state. Source: Shazeer and Stern, "Adafactor: adaptive
    learning rates with sublinear memory cost", 2018.

    Args:
        params: the parameters, or groups of them.
        lr: the largest learning rate η.
        beta2_decay: τ, not above 0.
        eps: ε₁, the smallest size to divide by (None: that of the dtype), and ε₂.
        d: the largest root mean square of u.
        weight_decay: λ of the decay w ← (1 − η λ) w.
        foreach: without effect: there is one implementation.
        maximize: climb instead.

    Raises:
        ValueError: for a rate or an option out of its range.

    >>> import chainrule as cr
    >>> w = cr.tensor([[1.0, 2.0]], requires_grad=True)
    >>> optimizer = cr.optim.Adafactor([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([[0.8419, 1.8419]], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        if not beta2_decay <= 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
            },
        )

    def update(self, group: dict[str, Any], changed: list[ndarray[Any, Any]]) -> None:
        """Step the parameters of one group."""
        lr = float(group["lr"])
        for p in group["params"]:
            grad = p._grad
            if grad is None:
                continue
            state = self.state[p]
            if not state:
                state.update(_first_state(p, grad))
            count = state["step"]._array
            count += 1
            by = updates.Adafactor(
                step=count.item(),
                lr=lr,
                beta2_decay=group["beta2_decay"],
                eps=group["eps"],
                clip=group["d"],
                weight_decay=group["weight_decay"],
                maximize=group["maximize"],
            )
            names = ("row_var", "col_var") if p._array.ndim > 1 else ("variance",)
            remembered = [state[name]._array for name in names]
            updates.adafactor((p._array, grad._array, *remembered), by)
            changed += (p._array, *remembered)


def _first_state(p: Tensor, grad: Tensor) -> dict[str, Any]:
    """Return zeros for rows and columns, or for all elements of a vector."""
    if p._array.ndim < 2:
        return {"step": counter(0.0), "variance": zeros_like(grad)}
    *outer, rows, columns = p._array.shape
    return {
        "step": counter(0.0),
        "row_var": zeros((*outer, rows, 1), dtype=p.dtype),
        "col_var": zeros((*outer, 1, columns), dtype=p.dtype),
    }
