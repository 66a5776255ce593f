"""A differentiation that is under way: its variables, and what else its results depend on.

Transformations nest: inside `grad` of a function, another `grad` may run. Each gives the function
variables of its own. A result is recorded further only if it also depends on a variable from
outside: the user's, or that of a transformation that is still under way.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.differentiate import grad
from chainrule.func.trees import leaves_of, with_leaves
from chainrule.graph import Node
from chainrule.modes import enable_grad, modes
from chainrule.ops.cast import clone
from chainrule.ops.inplace import node_of
from chainrule.primitive import attach
from chainrule.tensor import Tensor


class _Running(threading.local):
    """The variables of the transformations that are under way in this thread."""

    def __init__(self) -> None:
        self.variables: set[Node] = set()


_running = _Running()
_variables: weakref.WeakSet[Node] = weakref.WeakSet()


def variable(array: Any) -> Tensor:
    """Return an array as a variable of a transformation."""
    made = attach(array, None).requires_grad_()
    assert made._node is not None
    _variables.add(made._node)
    return made


class Level:
    """One transformation of a function: a context manager around the function's run."""

    def __init__(self) -> None:
        self.recording = modes.grad
        self._mine: set[Node] = set()
        self._mode = enable_grad()

    def __enter__(self) -> Level:
        self._mode.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        _running.variables -= self._mine
        self._mode.__exit__(*exception)

    def variables(self, tree: Any) -> Any:
        """Return a tree of tensors as variables of this transformation."""
        return with_leaves(tree, [self._variable(leaf) for leaf in leaves_of(tree)])

    def _variable(self, given: Any) -> Tensor:
        if not isinstance(given, Tensor):
            raise ValueError(
                f"Thing passed to transform API must be Tensor, got {type(given)}; wrap it with "
                "cr.tensor(...), or leave its argument out of argnums"
            )
        if self.recording and node_of(given) is not None:
            return clone(given)
        made = variable(given._array)
        assert made._node is not None
        self._mine.add(made._node)
        _running.variables.add(made._node)
        return made

    def reaches_outside(self, tensors: Sequence[Tensor]) -> bool:
        """Tell whether tensors depend on a variable that is not this transformation's."""
        if not self.recording:
            return False
        seen: set[Node] = set()
        waiting = [node for node in map(node_of, tensors) if node is not None]
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            if node.primitive is None:
                if node not in self._mine and (
                    node in _running.variables or node not in _variables
                ):
                    return True
            else:
                waiting.extend(p for p in node.inputs if p is not None)
        return False

    def released(self, tree: Any) -> Any:
        """Return results of the function; those that depend on nothing outside leave the graph."""
        return with_leaves(
            tree,
            [
                t.detach() if isinstance(t, Tensor) and not self.reaches_outside([t]) else t
                for t in leaves_of(tree)
            ],
        )


def pull(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Tensor], record: bool
) -> list[Tensor]:
    """Return cotangents of the outputs, pulled back to the inputs."""
    live = [k for k, y in enumerate(outputs) if node_of(y) is not None]
    if not live:
        return [attach(np.zeros_like(x._array), None) for x in inputs]
    with enable_grad():
        found = grad(
            [outputs[k] for k in live],
            inputs,
            [cotangents[k] for k in live],
            retain_graph=True,
            create_graph=record,
            materialize_grads=True,
        )
    return [x for x in found if x is not None]


class Linearization:
    """The derivative of a function at a point, as a linear map of directions.

    The vector-Jacobian product is linear in its cotangent u; its own derivative with respect to u,
    pulled back from a direction t, is the Jacobian-vector product: reverse mode twice.

    Source: J. Townsend, "A new trick for calculating Jacobian vector products", 2017.
    """

    def __init__(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
        self._outputs = outputs
        self._at = [variable(np.zeros_like(y._array)) for y in outputs]
        self._pulled = pull(outputs, inputs, self._at, record=True)

    def push(self, tangents: Sequence[Tensor], record: bool) -> list[Tensor]:
        """Return the derivatives of the outputs in the direction of the tangents."""
        live = [k for k, g in enumerate(self._pulled) if node_of(g) is not None]
        if not live:
            return [attach(np.zeros_like(y._array), None) for y in self._outputs]
        with enable_grad():
            found = grad(
                [self._pulled[k] for k in live],
                self._at,
                [tangents[k] for k in live],
                retain_graph=True,
                create_graph=record,
                materialize_grads=True,
            )
        return [x for x in found if x is not None]


def any_recorded(tensors: Sequence[Tensor]) -> bool:
    """Tell whether operations on any of these tensors are recorded now."""
    return modes.grad and any(node_of(t) is not None for t in tensors)
