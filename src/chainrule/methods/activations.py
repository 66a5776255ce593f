"""Activations as methods of tensors, beside those of the core."""

from __future__ import annotations

from chainrule.methods.binding import on_demand


class Activations:
    """Activations that PyTorch's tensors have as methods."""

    __slots__ = ()

    hardshrink = on_demand("activation_functions", "hardshrink")
    prelu = on_demand("activation_functions", "prelu")
