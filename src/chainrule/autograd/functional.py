"""PyTorch's `torch.autograd.functional`: Jacobians, Hessians and products with them.

The inputs are a tensor or a tuple of tensors, and so are the function's outputs. `chainrule.func`
has the same for tensors in any nesting, and transformations that can themselves be nested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.differentiate import grad
from chainrule.modes import enable_grad
from chainrule.ops.assembly import stack
from chainrule.ops.cast import clone
from chainrule.ops.inplace import node_of
from chainrule.primitive import attach
from chainrule.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]


def _tensors(value: Any, what: str, name: str) -> tuple[Tensor, ...]:
    found = value if isinstance(value, tuple) else (value,)
    for part in found:
        if not isinstance(part, Tensor):
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the "
                f"given {what} has type {type(part)}."
            )
    return found


def _variables(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """Return the inputs to differentiate by, connected to where they come from if wanted."""
    return tuple(
        clone(x) if create_graph and node_of(x) is not None else x.detach().requires_grad_()
        for x in inputs
    )


def _run(
    name: str, func: Function, inputs: Any, create_graph: bool, strict: bool
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], bool]:
    """Return variables, the function's outputs at them, and whether those are a tuple."""
    variables = _variables(_tensors(inputs, "inputs", name), create_graph)
    result = func(*variables)
    outputs = _tensors(result, "outputs of the user-provided function", name)
    if strict:
        for k, y in enumerate(outputs):
            if not y.requires_grad:
                raise RuntimeError(
                    f"Output {k} of the user-provided function does not require gradients. The "
                    "outputs must be computed in a differentiable manner from the input when "
                    f"running in strict mode ({name})."
                )
    return variables, outputs, isinstance(result, tuple)


def _gradients(
    name: str, outputs: Any, variables: Any, vectors: Any, create_graph: bool, strict: bool
) -> list[Tensor]:
    """Return the vectors pulled back to the variables, zeros where nothing depends on them."""
    live = [k for k, y in enumerate(outputs) if node_of(y) is not None]
    found: tuple[Tensor | None, ...] = (None,) * len(variables)
    if live:
        found = grad(
            [outputs[k] for k in live],
            variables,
            [vectors[k] for k in live],
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
    if strict and any(g is None for g in found):
        k = [g is None for g in found].index(True)
        raise RuntimeError(
            f"The output of the user-provided function is independent of input {k}. This is not "
            f"allowed in strict mode ({name})."
        )
    return [
        attach(np.zeros_like(x._array), None) if g is None else g
        for x, g in zip(variables, found, strict=True)
    ]


def _plain(value: Any, create_graph: bool) -> Any:
    """Return results as they are, or outside the graph."""
    if create_graph:
        return value
    if isinstance(value, tuple | list):
        return tuple(_plain(part, create_graph) for part in value)
    return value.detach()


def _like(inputs: Any, values: Any) -> Any:
    return tuple(values) if isinstance(inputs, tuple) else values[0]


def _vectors(name: str, v: Any, of: tuple[Tensor, ...], whose: str) -> tuple[Tensor, ...]:
    """Return the vectors given for tensors, 1 for a single element if there are none."""
    if v is None:
        if len(of) != 1 or of[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {whose} is a single Tensor with a single "
                f"element ({name})."
            )
        return (attach(np.ones_like(of[0]._array), None),)
    given = _tensors(v, "v", name)
    if len(given) != len(of):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(of)} but got {len(given)} ({name})."
        )
    for one, y in zip(given, of, strict=True):
        if one.shape != y.shape:
            raise RuntimeError(
                f"v has invalid size: should be {y.shape} but got {one.shape} ({name})."
            )
    return given


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of a function, by one backward pass for each element of its outputs.

    Args:
        func: takes tensors, and returns a tensor or a tuple of tensors.
        inputs: the tensor or tuple of tensors to differentiate at.
        create_graph: let the result be differentiated in its turn.
        strict: raise if an output does not depend on an input, rather than return zeros.
        vectorize: without effect.
        strategy: ``"reverse-mode"`` or ``"forward-mode"``, which have the same result.

    Returns:
        For outputs y and inputs x a tensor of shape (*y.shape, *x.shape); tuples where the outputs
        or inputs are tuples, those of the outputs outside.

    >>> import chainrule as cr
    >>> cr.autograd.functional.jacobian(lambda x: x * x, cr.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(
            f'Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy!r}'
        )
    with enable_grad():
        variables, outputs, several = _run("jacobian", func, inputs, create_graph, strict)
        found = []
        for y in outputs:
            rows = []
            for position in range(y._array.size):
                unit = np.zeros_like(y._array, order="C")
                unit.reshape(-1)[position] = 1
                vector = (attach(unit, None),)
                rows.append(_gradients("jacobian", (y,), variables, vector, create_graph, strict))
            blocks = [
                stack([row[i] for row in rows]).reshape(*y.shape, *x.shape)
                if rows
                else attach(np.zeros((*y.shape, *x.shape), x.dtype), None)
                for i, x in enumerate(variables)
            ]
            found.append(_like(inputs, blocks))
    return _plain(tuple(found) if several else found[0], create_graph)


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the matrix of second derivatives of a function of one element.

    Args:
        func: takes tensors, and returns a tensor of one element.
        inputs: the tensor or tuple of tensors to differentiate at.
        create_graph: let the result be differentiated in its turn.
        strict: raise if something does not depend on an input, rather than return zeros.
        vectorize: without effect.
        outer_jacobian_strategy: ``"reverse-mode"`` or ``"forward-mode"``, of the same result.

    >>> import chainrule as cr
    >>> cr.autograd.functional.hessian(lambda x: (x**3).sum(), cr.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def gradients(*variables: Tensor) -> Any:
        value = func(*variables)
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a single "
                "element"
            )
        one = (attach(np.ones_like(value._array), None),)
        found = _gradients("hessian", (value,), variables, one, True, strict)
        return tuple(found) if isinstance(inputs, tuple) else found[0]

    return jacobian(gradients, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return a function's output, and the product of a vector with its Jacobian, vᵀJ.

    Args:
        func: takes tensors, and returns a tensor or a tuple of tensors.
        inputs: the tensor or tuple of tensors to differentiate at.
        v: the vector, of the form of the outputs; 1 for a single element if None.
        create_graph: let the results be differentiated in their turn.
        strict: raise if an output does not depend on an input, rather than return zeros.

    >>> import chainrule as cr
    >>> cr.autograd.functional.vjp(lambda x: x * x, cr.tensor([1.0, 2.0]), cr.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        variables, outputs, several = _run("vjp", func, inputs, create_graph, strict)
        vectors = _vectors("vjp", v, outputs, "the output of the function")
        found = _gradients("vjp", outputs, variables, vectors, create_graph, strict)
    output = outputs if several else outputs[0]
    return _plain(output, create_graph), _plain(_like(inputs, found), create_graph)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return a function's output, and the product of its Jacobian with a vector, J·v.

    Args:
        func: takes tensors, and returns a tensor or a tuple of tensors.
        inputs: the tensor or tuple of tensors to differentiate at.
        v: the vector, of the form of the inputs; 1 for a single element if None.
        create_graph: let the results be differentiated in their turn.
        strict: raise if an output does not depend on an input, rather than return zeros.

    >>> import chainrule as cr
    >>> direction = cr.tensor([1.0, 0.0])
    >>> cr.autograd.functional.jvp(lambda x: x * x, cr.tensor([1.0, 2.0]), direction)
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    with enable_grad():
        directions = _vectors("jvp", v, _tensors(inputs, "inputs", "jvp"), "the input")
        variables, outputs, several = _run("jvp", func, inputs, create_graph, strict)
        # The product with a vector u is linear in u; its derivative by u, along v, is J·v.
        at = tuple(attach(np.zeros_like(y._array), None).requires_grad_() for y in outputs)
        pulled = _gradients("jvp", outputs, variables, at, True, strict)
        found = _gradients("jvp", pulled, at, directions, create_graph, strict)
    output = outputs if several else outputs[0]
    pushed = tuple(found) if several else found[0]
    return _plain(output, create_graph), _plain(pushed, create_graph)


def _second(
    name: str, func: Function, inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    with enable_grad():
        given = _tensors(inputs, "inputs", name)
        vectors = _vectors(name, v, given, "the input")
        variables, outputs, several = _run(name, func, inputs, create_graph, strict)
        if several or outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {name} should contain a single "
                "element"
            )
        one = (attach(np.ones_like(outputs[0]._array), None),)
        first = _gradients(name, outputs, variables, one, True, strict)
        found = _gradients(name, first, variables, vectors, create_graph, strict)
    return _plain(outputs[0], create_graph), _plain(_like(inputs, found), create_graph)


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return a function's value, and the product of a vector with its Hessian, vᵀH.

    Args:
        func: takes tensors, and returns a tensor of one element.
        inputs: the tensor or tuple of tensors to differentiate at.
        v: the vector, of the form of the inputs; 1 for a single element if None.
        create_graph: let the results be differentiated in their turn.
        strict: raise if something does not depend on an input, rather than return zeros.

    >>> import chainrule as cr
    >>> cr.autograd.functional.vhp(lambda x: (x**3).sum(), cr.tensor([1.0, 2.0]), cr.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _second("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return a function's value, and the product of its Hessian with a vector, H·v.

    A Hessian is symmetric, so this is `vhp`.

    >>> import chainrule as cr
    >>> cr.autograd.functional.hvp(lambda x: (x**3).sum(), cr.tensor([1.0, 2.0]), cr.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _second("hvp", func, inputs, v, create_graph, strict)
