"""The operations of a recorded graph, run and differentiated by PyTorch."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.reevaluation import Reevaluation
from chainrule.verify.references import Comparison


def values_in_pytorch(function: Reevaluation) -> dict[Node, Any]:
    """Return the value of every node of a graph as PyTorch computes it, in double precision.

    Raises:
        KeyError: if an operation has no counterpart.
    """
    import torch

    from chainrule.verify.counterparts import table

    counterparts = table()
    values: dict[Node, Any] = {
        node: torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for node, array in function.leaves.items()
    }
    for node, constants, params in function.steps:
        operation = counterparts[node.name]
        given = [
            values[p] if p is not None else _constant(c)
            for p, c in zip(node.inputs, constants, strict=True)
        ]
        assert node.primitive is not None
        if node.primitive.variadic:
            values[node] = operation(given, *params)
        else:
            values[node] = operation(*given, *params)
        _refuse_if_constant(node, given, values[node])
    return values


def _refuse_if_constant(node: Node, given: list[Any], found: Any) -> None:
    """Raise if PyTorch computes an operation but would lose its gradient without a word."""
    for value in found if isinstance(found, tuple) else (found,):
        if value.requires_grad or not value.is_floating_point():
            return
    if any(value is not None and value.requires_grad for value in given):
        raise NotImplementedError(f"{node.name} has no derivative")


def _constant(value: Any) -> Any:
    import torch

    if value is None:
        return None
    array = np.asarray(value)
    # Unsigned numbers, of which PyTorch has few operations, are below what int64 holds.
    dtype = {"f": np.float64, "u": np.int64}.get(array.dtype.kind, array.dtype)
    return torch.from_numpy(np.array(array, dtype))


def in_pytorch(function: Reevaluation, parameters: list[Node]) -> Comparison:
    """Return the gradients of a graph's scalar by PyTorch in double precision."""
    if importlib.util.find_spec("torch") is None:
        return Comparison("does not apply: PyTorch is not installed")
    import torch

    try:
        values = values_in_pytorch(function)
        found = torch.autograd.grad(
            values[function.root].sum(), [values[p] for p in parameters], allow_unused=True
        )
    except KeyError as error:
        return Comparison(f"does not apply: {error.args[0]} has no counterpart in the comparison")
    except NotImplementedError as error:
        return Comparison(f"does not apply: PyTorch says {str(error).splitlines()[0]}")
    result = Comparison(f"version {torch.__version__}, float64, the same operations")
    for node, gradient in zip(parameters, found, strict=True):
        array = np.zeros(values[node].shape) if gradient is None else gradient.numpy()
        result.gradients[node] = (array, 0.0)
    return result
