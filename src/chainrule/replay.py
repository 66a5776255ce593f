"""Looking at a recorded graph without changing it: its order, its values, its gradients.

Explanations, checks and compilation start here. Nothing in this module touches a ``.grad``, runs a
hook or frees what the graph saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.graph import Node, source_line
from chainrule.ops.inplace import node_of
from chainrule.primitive import Cotangents

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def root_of(tensor: Tensor) -> Node:
    """Return the node of a tensor, or raise if nothing was recorded for it."""
    node = node_of(tensor)
    if node is None:
        raise RuntimeError(
            "this tensor has no graph: nothing it was computed from has requires_grad=True, or it "
            "was computed under no_grad() or after detach()"
        )
    return node


def ancestors(root: Node) -> list[Node]:
    """Return the nodes that ``root`` was computed from, and itself, in the order they ran.

    >>> import chainrule as cr
    >>> x = cr.tensor(2.0, requires_grad=True)
    >>> [node.name for node in ancestors((x.exp() * x)._node)]
    ['leaf', 'exp', 'mul']
    """
    seen = {root}
    stack = [root]
    while stack:
        for parent in stack.pop().inputs:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.index)


def inputs_of(node: Node, values: Mapping[Node, Any]) -> tuple[Any, ...]:
    """Return the values an operation was given: its parents' and the constants it keeps."""
    if node.saved is None:
        file, line = source_line(node)
        raise RuntimeError(
            f"the graph was freed by backward(): the values of {node.name} (recorded at "
            f"{file}:{line}) are gone. Look at the graph before backward(), or call "
            "backward(retain_graph=True)"
        )
    return tuple(
        node.saved[k] if parent is None else values[parent] for k, parent in enumerate(node.inputs)
    )


def params_of(node: Node) -> tuple[Any, ...]:
    """Return the static parameters an operation was called with."""
    if node.primitive is None or node.saved is None:
        return ()
    start = len(node.inputs) + 1
    return node.saved[start : start + len(node.primitive.param_names)]


def forward_values(tensor: Tensor, leaves: Mapping[Node, Any] | None = None) -> dict[Node, Any]:
    """Run the forward pass of a tensor's graph again and return the value of every node.

    Args:
        tensor: the end of the graph.
        leaves: the arrays that leaves held when it was recorded, where they changed since.

    Raises:
        RuntimeError: if the graph was freed, or if values changed since it was recorded, so that
            the result is no longer the tensor's.
    """
    root = root_of(tensor)
    values: dict[Node, Any] = {}
    for node in ancestors(root):
        primitive = node.primitive
        if primitive is None:
            assert node.saved is not None
            values[node] = node.saved[0] if leaves is None else leaves.get(node, node.saved[0])
            continue
        inputs = inputs_of(node, values)
        held = node.output()
        if not hasattr(primitive, "forward"):
            if held is None:
                file, line = source_line(node)
                raise RuntimeError(
                    f"the value of the custom operation {node.name} (recorded at {file}:{line}) "
                    "is gone: keep its output in a variable"
                )
            values[node] = held._array
        elif primitive.variadic:
            values[node] = primitive.forward(inputs, *params_of(node))
        else:
            values[node] = primitive.forward(*inputs, *params_of(node))
        if not primitive.several:
            values[node] = np.asarray(values[node])
    found, recorded = values[root], tensor._array
    tolerance = 1e-3 if recorded.dtype == np.float16 else 1e-4
    if not np.allclose(found, recorded, rtol=tolerance, atol=tolerance, equal_nan=True):
        raise RuntimeError(
            "values that this tensor was computed from have changed since (a parameter was updated "
            "or a tensor was changed in place): run the forward pass again first"
        )
    return values


def gradients(tensor: Tensor, upstream: Any = None) -> dict[Node, Any]:
    """Return the gradient of a tensor with respect to every node of its graph, as arrays."""
    root = root_of(tensor)
    seed = np.ones_like(tensor._array) if upstream is None else np.asarray(upstream)
    arriving: dict[Node, Any] = {root: seed}
    for node in reversed(ancestors(root)):
        gradient = arriving.get(node)
        if gradient is None or node.primitive is None:
            continue
        for parent, contribution in contributions(node, gradient):
            known = arriving.get(parent)
            arriving[parent] = contribution if known is None else known + contribution
    return {node: g if isinstance(g, Cotangents) else np.asarray(g) for node, g in arriving.items()}


def contributions(node: Node, gradient: Any) -> Sequence[tuple[Node, Any]]:
    """Return what an operation's rules send to each parent for a gradient arriving at it."""
    assert node.primitive is not None
    if node.saved is None:
        inputs_of(node, {})
    return node.primitive.pull(node, gradient, False, None)
