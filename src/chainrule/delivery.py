"""Delivering gradients: what the sweep found becomes the ``.grad`` of the tensors that are held.

An array becomes a tensor's ``.grad`` without a copy only if nothing else refers to it: the rules
hand one array to several inputs (addition), views of it (reshape) or what was saved.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.graph import Node, mutations, record, sweep
from chainrule.ops.cast import clone
from chainrule.primitive import attach
from chainrule.tensor import Tensor


def accumulate(tensor: Tensor, gradient: Any, new: Any = object.__new__) -> None:
    """Add an array to the gradient of a tensor."""
    known = tensor._grad
    if known is not None:
        np.add(known._array, gradient, out=known._array)
        mutations.mark(known._array)
        return
    if type(gradient) is not ndarray:
        gradient = np.asarray(gradient)
    elif sys.getrefcount(gradient) > _REFERENCES or gradient.base is not None:
        gradient = np.array(gradient, order="C")
    tensor._grad = grad = new(Tensor)
    grad._array = gradient
    grad._node = grad._base = None


def accumulate_tensor(tensor: Tensor, gradient: Any) -> None:
    """Add a tensor of the recorded backward pass to a gradient, itself recorded."""
    # A copy: the rules hand one tensor to several inputs, and a `.grad` may be changed in place.
    tensor._grad = clone(gradient) if tensor._grad is None else tensor._grad + gradient


class _Probe:
    """A stand-in operation whose gradient nobody else refers to."""

    name = "probe"
    remembers = False

    def __init__(self, parent: Node) -> None:
        self.parent = parent

    def pull(self, *unused: Any) -> list[Any]:
        return [(self.parent, np.empty(1))]


def _references_when_unshared() -> int:
    """Count the references to a gradient during delivery that the sweep itself accounts for.

    The number depends on how the interpreter passes arguments, so it is measured, not assumed.
    """
    counts: list[int] = []

    def count(tensor: Tensor, gradient: Any) -> None:
        counts.append(sys.getrefcount(gradient))

    held = attach(np.empty(1), None)
    parent = record(None, held, (), (), (1,))
    child = record(_Probe(parent), None, (parent,), (), (1,))  # type: ignore[arg-type]
    sweep([(child, np.empty(1))], count, keep=True)
    return counts[-1]


_REFERENCES = _references_when_unshared()
