"""Updates of parameters, in place: one function per algorithm."""

from __future__ import annotations

from typing import Any

from chainrule.graph import mutations


def gradient_descent(w: Any, g: Any, lr: float) -> None:
    """W ← W − lr·g."""
    w -= lr * g
    mutations.mark(w)
