"""Numerical Jacobians: derivatives from their definition, by moving one entry at a time.

For a function of float64 tensors, the central difference quotient

    (f(x + ε) − f(x − ε)) / 2ε

differs from the derivative by O(ε²) of truncation and O(u/ε) of rounding, with u = 1.1·10⁻¹⁶; the
default ε = 10⁻⁶ gives about ten digits. Source: Griewank and Walther, "Evaluating Derivatives",
2nd edition, 2008, chapter 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.tensor import Tensor

Array = ndarray[Any, Any]


def numerical_jacobian(
    func: Callable[..., Any], inputs: Sequence[Any], position: int, eps: float = 1e-6
) -> list[Array]:
    """Return the derivative of every output by one input, from central differences.

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: all inputs; the one at ``position`` is changed in place meanwhile, and restored.
        position: which input to differentiate by.
        eps: how far each of its entries is moved.

    Returns:
        An array of shape (entries of the input, entries of the output) for each output.

    >>> import chainrule as cr
    >>> x = cr.tensor([1.0, 2.0], dtype=cr.float64)
    >>> numerical_jacobian(lambda x: x * x, [x], 0)[0].round(6)
    array([[2., 0.],
           [0., 4.]])
    """
    array = inputs[position]._array
    rows = [
        [(high - low) / (2 * eps) for high, low in zip(up, down, strict=True)]
        for up, down in _moved(func, inputs, array, eps)
    ]
    sizes = [output.size for output in values_of(func(*inputs))]
    return [
        np.array([row[k] for row in rows], np.float64).reshape(array.size, size)
        for k, size in enumerate(sizes)
    ]


def as_tuple(values: Any) -> tuple[Any, ...]:
    """Return one value or several as a tuple."""
    return tuple(values) if isinstance(values, tuple | list) else (values,)


def values_of(outputs: Any) -> list[Array]:
    """Return the arrays of a function's outputs; what is no tensor counts as empty."""
    return [o._array if isinstance(o, Tensor) else np.empty(0) for o in as_tuple(outputs)]


def _moved(
    func: Callable[..., Any], inputs: Sequence[Any], array: Array, eps: float
) -> Iterator[tuple[list[Array], list[Array]]]:
    """Yield the outputs with each entry of an input moved up and down, flattened."""
    for at in np.ndindex(array.shape):
        up, down = evaluated_around(func, inputs, array, at, eps)
        yield (
            [o.reshape(-1).astype(np.float64) for o in up],
            [o.reshape(-1).astype(np.float64) for o in down],
        )


def evaluated_around(
    func: Callable[..., Any], inputs: Sequence[Any], array: Array, at: Any, eps: float
) -> tuple[list[Array], list[Array]]:
    """Return the outputs with one entry moved up and down; it is restored whatever happens."""
    original = array[at]
    try:
        array[at] = original + eps
        # An output may share the input's memory, so it is copied before the next move.
        up = [o.copy() for o in values_of(func(*inputs))]
        array[at] = original - eps
        down = [o.copy() for o in values_of(func(*inputs))]
    finally:
        array[at] = original
    return up, down
