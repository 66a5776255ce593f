"""Gradients of functions, and products with their Jacobians."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from chainrule.func.levels import Level, Linearization, any_recorded, pull
from chainrule.func.trees import leaves_of, outline, same_form, with_leaves
from chainrule.primitive import attach
from chainrule.tensor import Tensor

Function = Callable[..., Any]


def chosen(argnums: int | tuple[int, ...], args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the positions that ``argnums`` names among the arguments."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers or not all(isinstance(n, int) for n in numbers):
        raise RuntimeError(f"argnums must be an int or a tuple of ints, got {argnums!r}")
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
    positions = tuple(n % len(args) for n in numbers)
    if len(set(positions)) != len(positions):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return positions


def with_variables(
    level: Level, argnums: int | tuple[int, ...], args: tuple[Any, ...]
) -> tuple[tuple[Any, ...], Any]:
    """Return the arguments with variables at ``argnums``, and those variables as a tree."""
    positions = chosen(argnums, args)
    made = {k: level.variables(args[k]) for k in positions}
    variables = tuple(made[k] for k in positions)
    return (
        tuple(made.get(k, a) for k, a in enumerate(args)),
        variables if isinstance(argnums, tuple) else variables[0],
    )


def split_aux(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    """Return a function's output and what it returned beside it."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


def tensors_of(name: str, output: Any) -> list[Tensor]:
    """Return the tensors of an output that may hold nothing else."""
    found = leaves_of(output)
    for leaf in found:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(
                f"{name}: expected f to return only tensors, got unsupported type {type(leaf)}"
            )
    return found


def grad_and_value(
    func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """Return a function that computes the gradient of a scalar function, and its value.

    Args:
        func: returns a 0-d tensor; with ``has_aux``, that and anything else.
        argnums: the arguments to differentiate by; with a tuple, the gradients are one. Each may be
            a tensor, or tensors in tuples, lists and dictionaries; the gradient has its form.
        has_aux: the value is then the pair (value, aux).

    >>> import chainrule as cr
    >>> cr.func.grad_and_value(lambda x: (x * x).sum())(cr.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @functools.wraps(func, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with Level() as level:
            args, variables = with_variables(level, argnums, args)
            output, aux = split_aux("grad(f)(*args)", func(*args, **kwargs), has_aux)
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    f"grad(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}"
                )
            if output.ndim:
                raise RuntimeError(
                    "grad(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            one = attach(output._array * 0 + 1, None)
            record = level.reaches_outside([output])
            found = with_leaves(variables, pull([output], leaves_of(variables), [one], record))
            value = level.released((output, aux) if has_aux else output)
        return found, value

    return differentiated


def grad(
    func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradient of a scalar function.

    It can be differentiated in its turn, by this function or by `backward`.

    Args:
        func: returns a 0-d tensor; with ``has_aux``, that and anything else.
        argnums: the arguments to differentiate by; with a tuple, the gradients are one. Each may be
            a tensor, or tensors in tuples, lists and dictionaries; the gradient has its form.
        has_aux: the result is then the pair (gradient, aux).

    Raises:
        RuntimeError: if the function does not return a 0-d tensor.

    >>> import chainrule as cr
    >>> cr.func.grad(cr.func.grad(lambda x: x**3))(cr.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return differentiated


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Return a function's output, and the function from cotangents v to vᵀJ for its Jacobian J.

    Args:
        func: returns tensors, in tuples, lists and dictionaries.
        *primals: its arguments, tensors likewise.
        has_aux: the function returns (output, aux), and aux is returned as a third result.

    Returns:
        The output, and a function that takes cotangents of the output's form and returns a tuple
        with the product for each primal. It may be called repeatedly.

    >>> import chainrule as cr
    >>> output, pull = cr.func.vjp(lambda x: x.sin(), cr.tensor([0.0, 1.0]))
    >>> pull(cr.ones(2))
    (tensor([1.0000, 0.5403]),)
    """
    with Level() as level:
        variables = level.variables(primals)
        output, aux = split_aux("vjp(f, *primals)", func(*variables), has_aux)
        outputs = tensors_of("vjp(f, *primals)", output)
        inputs = leaves_of(variables)
        outside = level.reaches_outside(outputs)
        released, aux = level.released(output), level.released(aux)

    def products(*cotangents: Any) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        if not same_form(given, output):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {outline(given)}, primal output: "
                f"{outline(output)}"
            )
        vectors = leaves_of(given)
        for k, (v, y) in enumerate(zip(vectors, outputs, strict=True)):
            if not isinstance(v, Tensor) or v.shape != y.shape:
                raise RuntimeError(
                    f"Mismatch in shape: cotangent {k} has a shape of {getattr(v, 'shape', None)} "
                    f"and output {k} has a shape of {y.shape}."
                )
        record = outside or any_recorded(vectors)
        return with_leaves(variables, pull(outputs, inputs, vectors, record))

    return (released, products, aux) if has_aux else (released, products)


def _checked_tangents(primals: Any, tangents: Any) -> list[Tensor]:
    if not isinstance(primals, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to "
            "call f(*primals)."
        )
    if not same_form(primals, tangents):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same python "
            f"structure. Got primals with structure {outline(primals)} and tangents with structure "
            f"{outline(tangents)}"
        )
    found = leaves_of(tangents)
    for x, t in zip(leaves_of(primals), found, strict=True):
        if not isinstance(t, Tensor) or not isinstance(x, Tensor) or t.shape != x.shape:
            raise RuntimeError(
                "jvp(f, primals, tangents): a tangent must be a tensor of the size of its primal, "
                f"got {list(getattr(t, 'shape', []))} for {list(getattr(x, 'shape', []))}"
            )
    return found


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """Return a function's output and its derivative in a direction, J·t for its Jacobian J.

    Args:
        func: returns tensors, in tuples, lists and dictionaries.
        primals: the tuple of its arguments.
        tangents: the direction, of the form of ``primals``.
        strict: raise if an output does not depend on the primals, rather than return zeros.
        has_aux: the function returns (output, aux), and aux is returned as a third result.

    It costs about as much as two backward passes; see `chainrule.func.levels.Linearization`.

    >>> import chainrule as cr
    >>> cr.func.jvp(lambda x: x * x, (cr.tensor([1.0, 2.0]),), (cr.tensor([1.0, 0.0]),))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    directions = _checked_tangents(primals, tangents)
    with Level() as level:
        variables = level.variables(primals)
        output, aux = split_aux("jvp(f, primals, tangents)", func(*variables), has_aux)
        outputs = tensors_of("jvp(f, primals, tangents)", output)
        if strict and not all(y.requires_grad for y in outputs):
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): an output of f is independent of the "
                "primals. This is not allowed with strict=True."
            )
        record = level.reaches_outside(outputs) or (level.recording and any_recorded(directions))
        map = Linearization(outputs, leaves_of(variables))
        pushed = with_leaves(output, map.push(directions, record))
        released = level.released(output)
        return (released, pushed, level.released(aux)) if has_aux else (released, pushed)


def linearize(func: Function, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a function's output, and the function from directions to derivatives in them.

    The function itself runs once; each direction costs about one backward pass.

    Args:
        func: returns tensors, in tuples, lists and dictionaries.
        *primals: its arguments, tensors likewise.

    >>> import chainrule as cr
    >>> output, push = cr.func.linearize(lambda x: x * x, cr.tensor([1.0, 2.0]))
    >>> push(cr.tensor([0.0, 1.0]))
    tensor([0., 4.])
    """
    with Level() as level:
        variables = level.variables(primals)
        output = func(*variables)
        outputs = tensors_of("linearize(f, *primals)", output)
        outside = level.reaches_outside(outputs)
        map = Linearization(outputs, leaves_of(variables))
        released = level.released(output)

    def push(*tangents: Any) -> Any:
        directions = _checked_tangents(primals, tangents)
        return with_leaves(output, map.push(directions, outside or any_recorded(directions)))

    return released, push
