"""Whole Jacobians and Hessians, row by row or column by column."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.func.gradients import Function, split_aux, tensors_of, with_variables
from chainrule.func.levels import Level, Linearization, pull
from chainrule.func.trees import leaves_of, with_leaves
from chainrule.ops.assembly import stack
from chainrule.primitive import attach
from chainrule.tensor import Tensor


def _units(tensors: list[Tensor], k: int) -> Iterator[list[Tensor]]:
    """Yield, for each element of the k-th tensor, ones there and zeros everywhere else."""
    zeros = [attach(np.zeros_like(t._array), None) for t in tensors]
    for position in range(tensors[k]._array.size):
        unit = np.zeros_like(tensors[k]._array, order="C")
        unit.reshape(-1)[position] = 1
        yield [*zeros[:k], attach(unit, None), *zeros[k + 1 :]]


def _assembled(parts: list[Tensor], dim: int, y: Tensor, x: Tensor) -> Tensor:
    """Return the rows or columns of ∂y/∂x as one tensor."""
    shape = (*y.shape, *x.shape)
    if not parts:
        return attach(np.zeros(shape, x.dtype), None)
    return stack(parts, dim).reshape(shape)


def jacrev(
    func: Function,
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of a function, by one backward pass a row.

    It suits functions with few outputs; `jacfwd` those with few inputs.

    Args:
        func: returns tensors, in tuples, lists and dictionaries.
        argnums: the arguments to differentiate by; with a tuple, the Jacobians are one.
        has_aux: the function returns (output, aux), and the result is (Jacobian, aux).
        chunk_size: PyTorch's bound on rows computed together; here each is computed alone.

    Returns:
        A function whose result has, for each tensor y of the output, for each tensor x of the
        arguments, a tensor of shape (*y.shape, *x.shape).

    >>> import chainrule as cr
    >>> cr.func.jacrev(lambda x: x * x)(cr.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        with Level() as level:
            args, variables = with_variables(level, argnums, args)
            output, aux = split_aux("jacrev(f)(*args)", func(*args, **kwargs), has_aux)
            outputs = tensors_of("jacrev(f)(*args)", output)
            inputs = leaves_of(variables)
            record = level.reaches_outside(outputs)
            blocks = []
            for k, y in enumerate(outputs):
                rows = [pull(outputs, inputs, unit, record) for unit in _units(outputs, k)]
                blocks.append(
                    with_leaves(
                        variables,
                        [_assembled([r[i] for r in rows], 0, y, x) for i, x in enumerate(inputs)],
                    )
                )
            found = with_leaves(output, blocks)
            return (found, level.released(aux)) if has_aux else found

    return jacobian


def jacfwd(
    func: Function,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of a function, one direction a column.

    The function runs once; each column costs about one backward pass. It suits functions with few
    inputs; `jacrev` those with few outputs.

    Args:
        func: returns tensors, in tuples, lists and dictionaries.
        argnums: the arguments to differentiate by; with a tuple, the Jacobians are one.
        has_aux: the function returns (output, aux), and the result is (Jacobian, aux).
        randomness: without effect: the function runs once, and random numbers in it are the same
            for all columns.

    >>> import chainrule as cr
    >>> cr.func.jacfwd(lambda x: x * x)(cr.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        with Level() as level:
            args, variables = with_variables(level, argnums, args)
            output, aux = split_aux("jacfwd(f)(*args)", func(*args, **kwargs), has_aux)
            outputs = tensors_of("jacfwd(f)(*args)", output)
            inputs = leaves_of(variables)
            record = level.reaches_outside(outputs)
            map = Linearization(outputs, inputs)
            columns = [[map.push(u, record) for u in _units(inputs, i)] for i in range(len(inputs))]
            blocks = [
                with_leaves(
                    variables,
                    [
                        _assembled([c[k] for c in columns[i]], -1, y, x)
                        for i, x in enumerate(inputs)
                    ],
                )
                for k, y in enumerate(outputs)
            ]
            found = with_leaves(output, blocks)
            return (found, level.released(aux)) if has_aux else found

    return jacobian


def hessian(func: Function, argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the second derivatives of a function.

    Args:
        func: returns tensors, usually one of no dimensions.
        argnums: the arguments to differentiate by.

    >>> import chainrule as cr
    >>> cr.func.hessian(lambda x: (x**3).sum())(cr.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
