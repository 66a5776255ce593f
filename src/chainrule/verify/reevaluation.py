"""A recorded graph as a function of its leaves: evaluated again at other values and precisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.ops.creation import tensor
from chainrule.primitive import attach
from chainrule.replay import ancestors, gradients, inputs_of, params_of, root_of
from chainrule.symbol import operators
from chainrule.tensor import Tensor

Array = Any

# Forward functions that stay analytic when their operand gets an imaginary part. The table's own
# take absolute values to avoid overflow, or pick elements by an order that complex numbers lack.
ANALYTIC: dict[str, Any] = {
    "abs": lambda x: np.where(x.real < 0, -x, x),
    "amax": lambda x, dim, keepdim: _pick_extreme(x, dim, keepdim, np.max),
    "amin": lambda x, dim, keepdim: _pick_extreme(x, dim, keepdim, np.min),
    "binary_cross_entropy_with_logits": lambda z, t, divisor: _reduce(
        np.where(z.real > 0, z, 0) - z * t + np.log(1 + np.exp(np.where(z.real > 0, -z, z))),
        divisor,
    ),
    "clamp_max": lambda a, b: np.where(np.real(a) <= np.real(b), a, b),
    "clamp_min": lambda a, b: np.where(np.real(a) >= np.real(b), a, b),
    # The table's adds the bias into the product, which is real where only the bias is complex.
    "linear": lambda x, W, b: np.dot(x, W.T) + b,
    "relu": lambda x: np.where(x.real > 0, x, 0),
    "sigmoid": lambda x: (
        np.where(x.real >= 0, 1, np.exp(np.where(x.real >= 0, 0, x)))
        / (1 + np.exp(np.where(x.real >= 0, -x, x)))
    ),
}
ANALYTIC_AS_THEY_ARE = frozenset(
    (
        "add",
        "add_strided",
        "as_strided",
        "block_diag",
        "broadcast_to",
        "cast",
        "cat",
        "clone",
        "cos",
        "cross_entropy",
        "diag_embed",
        "diagonal",
        "div",
        "exp",
        "flip",
        "gather",
        "getitem",
        "index",
        "linear_without_bias",
        "log",
        "log_softmax",
        "logsumexp",
        "matmul",
        "mean",
        "mm",
        "mse_loss",
        "mul",
        "neg",
        "output",
        "overlap_add",
        "permute",
        "pow",
        "put_into_zeros",
        "repeat",
        "repeat_interleave",
        "reshape",
        "roll",
        "scatter_along_dim",
        "scatter_into_zeros",
        "sin",
        "softmax",
        "split",
        "sqrt",
        "squeeze",
        "stack",
        "std",
        "sub",
        "sum",
        "sum_to",
        "take",
        "tanh",
        "transpose",
        "tril",
        "triu",
        "unbind",
        "unfold",
        "unsqueeze",
        "var",
    )
)


def _reduce(terms: Array, divisor: float) -> Array:
    return terms if divisor == 0 else terms.sum() / divisor


def _pick_extreme(x: Array, dim: Any, keepdim: bool, extreme: Any) -> Array:
    hit = x.real == extreme(x.real, axis=dim, keepdims=True)
    mean = np.sum(np.where(hit, x, 0), axis=dim, keepdims=keepdim)
    return mean / np.sum(hit, axis=dim, keepdims=keepdim)


class Reevaluation:
    """The scalar that a tensor's graph computes, as a function of the values of its leaves.

    Everything is computed in double precision (or complex, if a leaf is), whatever the precision in
    which the graph was recorded.

    Args:
        loss: the tensor; its graph must not have been freed.
    """

    def __init__(self, loss: Tensor) -> None:
        self.root = root_of(loss)
        self.nodes = ancestors(self.root)
        self.leaves = {
            node: np.asarray(node.saved[0], np.float64)
            for node in self.nodes
            if node.primitive is None and node.saved is not None
        }
        self.steps: list[tuple[Node, list[Any], tuple[Any, ...]]] = []
        for node in self.nodes:
            if node.primitive is None:
                continue
            given = inputs_of(node, dict.fromkeys(self.nodes))
            constants = [np.asarray(v, np.float64) if _is_float(v) else v for v in given]
            self.steps.append((node, constants, params_of(node)))

    def not_analytic(self) -> str | None:
        """Name an operation that cannot take complex values, if there is one."""
        for node in self.nodes:
            if node.primitive is None:
                continue
            if node.name not in ANALYTIC_AS_THEY_ARE and node.name not in ANALYTIC:
                return node.name
        return None

    def __call__(self, changed: Mapping[Node, Array]) -> Any:
        """Return the scalar with some leaves replaced."""
        return self.values(changed)[self.root].reshape(())[()]

    def values(self, changed: Mapping[Node, Array]) -> dict[Node, Array]:
        """Return the value of every node with some values, of leaves or on the way, replaced."""
        values: dict[Node, Array] = dict(self.leaves)
        values.update(changed)
        analytic = any(np.iscomplexobj(v) for v in changed.values())
        for node, constants, params in self.steps:
            if node in changed:
                continue
            primitive = node.primitive
            assert primitive is not None
            given = [
                c if p is None else values[p] for p, c in zip(node.inputs, constants, strict=True)
            ]
            if primitive.name == "cast":
                values[node] = given[0]
                continue
            forward = primitive.forward
            if analytic:
                forward = ANALYTIC.get(primitive.name, forward)
            if primitive.variadic:
                values[node] = forward(tuple(given), *params)
            else:
                values[node] = forward(*given, *params)
            if not primitive.several:
                values[node] = np.asarray(values[node])
        return values

    def engine_gradients(self) -> dict[Node, Array]:
        """Return the leaves' gradients by the engine's own rules, run in double precision.

        What they differ by from those of the recorded graph is rounding: of its forward pass, too.
        Nothing is returned for a graph with custom operations, which stand in no table.
        """
        if any(node.name not in operators for node, _, _ in self.steps):
            return {}
        made: dict[Node, Any] = {n: tensor(v, requires_grad=True) for n, v in self.leaves.items()}
        for node, constants, params in self.steps:
            given = tuple(
                (attach(c, None) if isinstance(c, np.ndarray) else c) if p is None else made[p]
                for p, c in zip(node.inputs, constants, strict=True)
            )
            primitive = node.primitive
            assert primitive is not None
            if primitive.name == "cast":
                made[node] = given[0]
            elif primitive.name == "output":
                made[node] = given[0][params[0]]
            elif primitive.variadic:
                made[node] = operators[primitive.name](given, *params)
            else:
                made[node] = operators[primitive.name](*given, *params)
        found = gradients(made[self.root])
        return {n: found[made[n]._node] for n in self.leaves if made[n]._node in found}


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"
