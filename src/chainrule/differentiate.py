"""Starting the backward sweep: `backward` into ``.grad``, `grad` as a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.delivery import accumulate, accumulate_tensor
from chainrule.graph import Node, reaching, run_hooks_after, sweep
from chainrule.modes import modes
from chainrule.ops.cast import clone
from chainrule.ops.inplace import node_of
from chainrule.primitive import attach
from chainrule.tensor import Tensor

# The usual seed, made once; it is read-only because every sweep shares it.
_ones: dict[Any, ndarray[Any, Any]] = {}


def _seed(output: Tensor, gradient: Any, tensors: bool) -> tuple[Node, Any]:
    """Return a root of the sweep with the gradient arriving at it."""
    node = node_of(output)
    if node is None:
        raise RuntimeError(
            "element 0 of tensors does not require grad and does not have a grad_fn: nothing it "
            "was computed from has requires_grad=True, or it was computed under no_grad() or after "
            "detach()"
        )
    array = output._array
    if gradient is None and array.ndim == 0 and not tensors:
        one = _ones.get(array.dtype)
        if one is None:
            one = _ones[array.dtype] = np.ones((), array.dtype)
            one.flags.writeable = False
        return node, one
    if gradient is None:
        if array.size != 1:
            raise RuntimeError(
                f"grad can be implicitly created only for scalar outputs: the output has shape "
                f"{list(array.shape)}. Reduce it first (.sum() or .mean()), or pass the gradient "
                "arriving at it"
            )
        given: Any = np.ones(array.shape, array.dtype)
    elif isinstance(gradient, Tensor):
        given = gradient if tensors else gradient._array
    else:
        given = gradient
        if not isinstance(gradient, ndarray | np.generic | int | float):
            raise TypeError(
                f"gradients can be either Tensors or None, but got {type(gradient).__name__}"
            )
    shape = np.shape(given) if not isinstance(given, Tensor) else given._array.shape
    if shape != array.shape:
        if shape != ():
            raise RuntimeError(
                f"Mismatch in shape: the gradient passed has a shape of {list(shape)} and the "
                f"output has a shape of {list(array.shape)}; they must be equal, or the gradient a "
                "number"
            )
        if isinstance(given, Tensor):
            given = given.expand(array.shape)
        else:
            given = np.full(array.shape, given, array.dtype)
    if isinstance(given, Tensor):
        given = given.to(array.dtype)
    else:
        given = np.asarray(given, array.dtype)
        if tensors:
            given = attach(given, None)
    return node, given


def _close(node: Node) -> None:
    """Mark the root of a swept graph, whatever it saved, so that a second sweep is refused."""
    if node.primitive is not None:
        node.saved = None


def run_backward(
    outputs: Sequence[Tensor],
    gradients: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Any = None,
) -> None:
    """Sweep backward from ``outputs``, accumulating into the ``.grad`` of every held tensor."""
    seeds = [
        _seed(output, gradient, create_graph)
        for output, gradient in zip(outputs, gradients, strict=True)
    ]
    only = None
    if inputs is not None:
        wanted = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        if not wanted:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        collect: dict[Node, Any] = {_target(t, k): None for k, t in enumerate(wanted)}
        only = reaching((node for node, _ in seeds), set(collect))
        _run(seeds, None, retain_graph, create_graph, only, collect)
        for tensor in dict.fromkeys(wanted):
            gradient = collect[_target(tensor, 0)]
            if gradient is not None:
                (accumulate_tensor if create_graph else accumulate)(tensor, gradient)
                run_hooks_after(_target(tensor, 0), tensor)
        return
    _run(seeds, accumulate_tensor if create_graph else accumulate, retain_graph, create_graph)


def _run(
    seeds: list[tuple[Node, Any]],
    deliver: Any,
    keep: bool,
    tensors: bool,
    only: set[Node] | None = None,
    collect: dict[Node, Any] | None = None,
) -> None:
    if tensors:
        before = modes.grad
        modes.grad = True
        try:
            sweep(seeds, deliver, keep=keep, tensors=True, only=only, collect=collect)
        finally:
            modes.grad = before
    else:
        sweep(seeds, deliver, keep=keep, only=only, collect=collect)
    if not keep:
        for node, _ in seeds:
            _close(node)


def _target(tensor: Any, k: int) -> Node:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"input {k} is a {type(tensor).__name__}, expected a Tensor")
    node = node_of(tensor)
    if node is None:
        raise RuntimeError(
            f"One of the differentiated Tensors does not require grad: input {k}, of shape "
            f"{list(tensor.shape)}; create it with requires_grad=True before computing the outputs"
        )
    return node


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Sweep backward from one or several tensors at once; see `Tensor.backward`.

    >>> import chainrule as cr
    >>> x = cr.tensor(2.0, requires_grad=True)
    >>> cr.autograd.backward([x * 3, x * 4])
    >>> x.grad
    tensor(7.)
    """
    outputs = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if grad_tensors is None:
        gradients: tuple[Any, ...] = (None,) * len(outputs)
    else:
        several = isinstance(grad_tensors, list | tuple)
        gradients = tuple(grad_tensors) if several else (grad_tensors,)
    if len(gradients) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(gradients)} gradients")
    run_backward(
        outputs,
        gradients,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=inputs,
    )


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the outputs' sum with respect to the inputs, leaving ``.grad`` alone.

    Only what lies between the inputs and the outputs is computed.

    Args:
        outputs: a tensor or several.
        inputs: the tensors to differentiate by.
        grad_outputs: the gradients arriving at the outputs; 1 where None.
        retain_graph: keep the graph; the default is the value of ``create_graph``.
        create_graph: record the backward pass, so that the result can be differentiated.
        allow_unused: return None for inputs that the outputs do not depend on, instead of raising.
        is_grads_batched: not supported.
        materialize_grads: return zeros for such inputs.

    >>> import chainrule as cr
    >>> x = cr.tensor(3.0, requires_grad=True)
    >>> (first,) = cr.autograd.grad(x**3, x, create_graph=True)
    >>> cr.autograd.grad(first, x)
    (tensor(18.),)
    """
    if is_grads_batched:
        raise NotImplementedError(
            "is_grads_batched is not supported; call grad once for each gradient"
        )
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    outs = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    ins = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if not ins:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    given: tuple[Any, ...] = (None,) * len(outs)
    if grad_outputs is not None:
        several = isinstance(grad_outputs, list | tuple)
        given = tuple(grad_outputs) if several else (grad_outputs,)
    if len(given) != len(outs):
        raise RuntimeError(f"got {len(outs)} outputs and {len(given)} grad_outputs")
    seeds = [_seed(o, g, create_graph) for o, g in zip(outs, given, strict=True)]
    targets = [_target(t, k) for k, t in enumerate(ins)]
    found: dict[Node, Any] = dict.fromkeys(targets)
    retain = create_graph if retain_graph is None else retain_graph
    only = reaching((node for node, _ in seeds), set(targets))
    _run([s for s in seeds if s[0] in only], None, retain, create_graph, only, found)
    results: list[Tensor | None] = []
    for k, (tensor, node) in enumerate(zip(ins, targets, strict=True)):
        gradient = found[node]
        if gradient is None:
            if materialize_grads:
                results.append(attach(np.zeros_like(tensor._array), None))
            elif allow_unused:
                results.append(None)
            else:
                raise RuntimeError(
                    f"The differentiated Tensor at index {k} appears to not have been used in the "
                    "graph. Set allow_unused=True if this is the desired behavior. Its shape is "
                    f"{list(tensor.shape)}"
                )
        elif isinstance(gradient, Tensor):
            shared = any(gradient is other for other in (*results, *given))
            results.append(clone(gradient) if shared else gradient)
        else:
            # Rules may hand out one array twice, or a view of what was saved: give each its own.
            results.append(attach(np.array(gradient), None))
    return tuple(results)
