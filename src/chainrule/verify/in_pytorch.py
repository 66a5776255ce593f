"""The operations of a recorded graph, run and differentiated by PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.reevaluation import Reevaluation
from chainrule.verify.references import Comparison

_SAME_NAME = (
    "abs",
    "add",
    "cos",
    "cosh",
    "div",
    "erf",
    "exp",
    "expm1",
    "log",
    "log1p",
    "matmul",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "pow",
    "reciprocal",
    "relu",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "sub",
    "tan",
    "tanh",
)


def _index(index: Any, torch: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(torch.from_numpy(np.asarray(p)) if isinstance(p, np.ndarray) else p for p in parts)


def _reduced(terms: Any, divisor: float) -> Any:
    return terms if divisor == 0 else terms.sum() / divisor


def _over(x: Any, dim: Any) -> Any:
    return tuple(range(x.ndim)) if dim is None else dim


def _table(torch: Any) -> dict[str, Callable[..., Any]]:
    """Return the counterpart in PyTorch of each operation, by name."""
    f = torch.nn.functional
    table: dict[str, Callable[..., Any]] = {name: getattr(torch, name) for name in _SAME_NAME}
    table.update(
        amax=lambda x, dim, keepdim: torch.amax(x, _over(x, dim), keepdim),
        amin=lambda x, dim, keepdim: torch.amin(x, _over(x, dim), keepdim),
        binary_cross_entropy=lambda p, t, d: _reduced(
            f.binary_cross_entropy(p, t, reduction="none"), d
        ),
        binary_cross_entropy_with_logits=lambda z, t, d: _reduced(
            f.binary_cross_entropy_with_logits(z, t, reduction="none"), d
        ),
        broadcast_to=torch.broadcast_to,
        cast=lambda x, *_: x,
        cat=torch.cat,
        clamp_max=torch.minimum,
        clamp_min=torch.maximum,
        clone=torch.clone,
        cross_entropy=lambda z, index, d: _reduced(
            f.cross_entropy(z, torch.from_numpy(np.asarray(index, np.int64)), reduction="none"), d
        ),
        gather=lambda x, index, dim: torch.gather(x, dim, torch.from_numpy(index)),
        getitem=lambda x, index: x[index],
        index=lambda x, index: x[_index(index, torch)],
        linear=f.linear,
        linear_without_bias=f.linear,
        log_softmax=torch.log_softmax,
        logsumexp=torch.logsumexp,
        mean=lambda x, dim, keepdim: torch.mean(x, _over(x, dim), keepdim),
        mse_loss=lambda x, t, d: _reduced(f.mse_loss(x, t, reduction="none"), d),
        mm=torch.mm,
        permute=torch.permute,
        reshape=torch.reshape,
        softmax=torch.softmax,
        squeeze=torch.squeeze,
        stack=torch.stack,
        std=lambda x, dim, c, keepdim: torch.std(x, _over(x, dim), correction=c, keepdim=keepdim),
        sum=lambda x, dim, keepdim: torch.sum(x, _over(x, dim), keepdim),
        transpose=torch.transpose,
        unsqueeze=lambda x, dims: _unsqueezed(x, dims),
        var=lambda x, dim, c, keepdim: torch.var(x, _over(x, dim), correction=c, keepdim=keepdim),
    )
    return table


def _unsqueezed(x: Any, dims: tuple[int, ...]) -> Any:
    for d in sorted(dims):
        x = x.unsqueeze(d)
    return x


def in_pytorch(function: Reevaluation, parameters: list[Node]) -> Comparison:
    """Return the gradients of a graph's scalar by PyTorch in double precision."""
    if importlib.util.find_spec("torch") is None:
        return Comparison("does not apply: PyTorch is not installed")
    import torch

    table = _table(torch)
    for node, _, _ in function.steps:
        if node.name not in table:
            return Comparison(f"does not apply: {node.name} has no counterpart in the comparison")
    values: dict[Node, Any] = {
        node: torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for node, array in function.leaves.items()
    }
    for node, constants, params in function.steps:
        given = [
            values[p] if p is not None else torch.as_tensor(np.asarray(c), dtype=torch.float64)
            for p, c in zip(node.inputs, constants, strict=True)
        ]
        operation = table[node.name]
        assert node.primitive is not None
        if node.primitive.variadic:
            values[node] = operation(given, *params)
        else:
            values[node] = operation(*given, *params)
    found = torch.autograd.grad(
        values[function.root].sum(), [values[p] for p in parameters], allow_unused=True
    )
    result = Comparison(f"version {torch.__version__}, float64, the same operations")
    for node, gradient in zip(parameters, found, strict=True):
        array = np.zeros(values[node].shape) if gradient is None else gradient.numpy()
        result.gradients[node] = (array, 0.0)
    return result
