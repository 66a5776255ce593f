"""Random tensors, with the numbers of PyTorch's CPU generator."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.generator import (
    Generator,
    chosen,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from chainrule.ops import draws, fills
from chainrule.ops.creation import check_device
from chainrule.ops.shape import given_shape
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]


def _made(array: Any, requires_grad: bool) -> Tensor:
    tensor = attach(array, None)
    return tensor.requires_grad_() if requires_grad else tensor


def _shape(sizes: tuple[Any, ...], size: Any, device: Any) -> tuple[tuple[int, ...], int]:
    """Return a shape, given as arguments or by name, and how many elements it has."""
    check_device(device)
    if size is not None:
        if sizes:
            raise TypeError("the shape was given twice: as arguments and as size=")
        sizes = (size,)
    shape = given_shape(sizes)
    count = 1
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {[*shape]}")
        count *= n
    return shape, count


def _dtype(dtype: Any) -> Any:
    return dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)


def _like(
    input: Tensor,
    dtype: Any,
    draw: Callable[[int, Any, bool], Any],
    requires_grad: bool,
    device: Any,
) -> Tensor:
    """Make a tensor of the shape of another and in the order its memory has."""
    check_device(device)
    array = input._array
    empty = np.empty_like(array, array.dtype if dtype is None else dtypes.as_dtype(dtype))
    flat = draw(empty.size, empty.dtype, empty.flags.c_contiguous)
    return _made(fills.arranged(flat, empty), requires_grad)


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return numbers drawn uniformly from [0, 1).

    Args:
        *sizes: the shape.
        size: the shape, by name.
        generator: where the numbers come from; the default generator if None.
        dtype: a floating dtype; the default dtype if None.
        requires_grad: record what is computed from them.
        device: only ``"cpu"``.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> cr.rand(2, 2)
    tensor([[0.4963, 0.7682],
            [0.0885, 0.1320]])
    """
    shape, count = _shape(sizes, size, device)
    kind = _dtype(dtype)
    fills.require_floats("rand", "check_uniform_bounds", kind)
    drawn = draws.uniform(chosen(generator), count, kind, 0.0, 1.0)
    return _made(drawn.reshape(shape), requires_grad)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return numbers drawn from the standard normal distribution; for the arguments see `rand`.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> cr.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    shape, count = _shape(sizes, size, device)
    kind = _dtype(dtype)
    fills.require_floats("randn", "normal_kernel_cpu", kind)
    return _made(
        draws.normal(chosen(generator), count, kind, 0.0, 1.0).reshape(shape), requires_grad
    )


def randint(
    low: Any,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return integers drawn uniformly from ``low`` (0 if left out) up to, not including, ``high``.

    Args:
        low: the lowest integer.
        high: the integer after the highest.
        size: the shape, a sequence.
        generator: where the numbers come from; the default generator if None.
        dtype: int64 if None.
        requires_grad: record what is computed from them, if they are floating.
        device: only ``"cpu"``.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> cr.randint(10, (5,))
    tensor([4, 9, 3, 0, 3])
    """
    if size is None:
        low, high, size = 0, low, high
    low, high = _integer("low", low), _integer("high", high)
    if hasattr(size, "__index__") or size is None:
        raise TypeError(
            f"randint(): argument 'size' must be tuple of ints, not {type(size).__name__}: write "
            "randint(high, (n,)) or randint(low, high, (n,))"
        )
    shape, count = _shape((), size, device)
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    fills.check_integers(low, high, kind)
    drawn = draws.integers(chosen(generator), count, kind, low, high)
    return _made(drawn.reshape(shape), requires_grad)


def _integer(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"randint(): argument {name!r} must be int, not {type(value).__name__}"
        ) from None


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return a random permutation of 0 … n − 1.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> cr.randperm(4)
    tensor([0, 1, 3, 2])
    """
    check_device(device)
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"randperm(): argument 'n' must be int, not {type(n).__name__}") from None
    if count < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {count}: [{count}]")
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    exact = draws.CONTIGUOUS_INTEGERS.get(kind)
    if exact is not None and count > exact + 1:
        raise RuntimeError(
            f"n cannot be greater than {exact + 1} for {dtypes.torch_name(kind)} type."
        )
    if kind.kind in "bi" and count and count - 1 > (1 if kind.kind == "b" else np.iinfo(kind).max):
        raise RuntimeError(f"value cannot be converted to type {kind} without overflow: n={count}")
    order = draws.permutation(chosen(generator), count)
    return _made(order.astype(kind, copy=False), requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return normal numbers.

    Args:
        mean: a number, or a floating tensor with the mean of each.
        std: a number, or a tensor, that broadcasts with ``mean``.
        size: the shape, if both are numbers.
        generator: where the numbers come from; the default generator if None.
        dtype: a floating dtype; the default dtype if None. A tensor's dtype is kept.
        requires_grad: record what is computed from them.
        device: only ``"cpu"``.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> cr.normal(cr.tensor([0.0, 10.0]), 1.0)
    tensor([1.5410, 9.7066])
    """
    source = chosen(generator)
    if not hasattr(mean, "_array") and not hasattr(std, "_array"):
        if size is None:
            raise TypeError(
                "normal() of a number as mean and a number as std needs a size: write "
                "normal(mean, std, (n,)), or give one of them as a tensor"
            )
        shape, count = _shape((), size, device)
        kind = _dtype(dtype)
        fills.check_normal(mean, std, kind)
        drawn = draws.normal(source, count, kind, float(mean), float(std)).reshape(shape)
        return _made(drawn, requires_grad)
    if size is not None:
        raise TypeError("normal() takes a size only if mean and std are numbers, not tensors")
    kind = (mean if hasattr(mean, "_array") else std)._array.dtype
    means, spreads = (getattr(v, "_array", v) for v in (mean, std))
    if not np.all(np.asarray(spreads) >= 0):
        raise RuntimeError(
            "normal expects all elements of std >= 0.0"
            if hasattr(std, "_array")
            else f"normal expects std >= 0.0, but found std {std}"
        )
    fills.require_floats("normal", "normal_kernel_cpu", kind)
    try:
        shape = np.broadcast_shapes(np.shape(means), np.shape(spreads))
    except ValueError:
        raise RuntimeError(
            f"The size of tensor a {[*np.shape(means)]} must match the size of tensor b "
            f"{[*np.shape(spreads)]} at every non-singleton dimension: they are the mean and the "
            "std of normal()"
        ) from None
    count = int(np.prod(shape))
    # A number as std takes part in the drawing, a tensor afterwards: it decides the last bit.
    spread = 1.0 if hasattr(std, "_array") else float(std)
    out = draws.normal(source, count, kind, 0.0, spread).reshape(shape)
    if hasattr(std, "_array"):
        out *= np.asarray(spreads, kind)
    out += np.asarray(means, kind)
    return _made(out, requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return uniform random numbers with the shape and dtype of ``input``.

    >>> import chainrule as cr
    >>> cr.rand_like(cr.zeros(2)).shape
    chainrule.Size([2])
    """
    source = chosen(generator)

    def draw(count: int, kind: Any, _: bool) -> Any:
        fills.require_floats("rand_like", "check_uniform_bounds", kind)
        return draws.uniform(source, count, kind, 0.0, 1.0)

    return _like(input, dtype, draw, requires_grad, device)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return normal random numbers with the shape and dtype of ``input``.

    >>> import chainrule as cr
    >>> cr.randn_like(cr.zeros(2)).shape
    chainrule.Size([2])
    """
    source = chosen(generator)

    def draw(count: int, kind: Any, whole: bool) -> Any:
        fills.require_floats("randn_like", "normal_kernel_cpu", kind)
        return draws.normal(source, count, kind, 0.0, 1.0, whole)

    return _like(input, dtype, draw, requires_grad, device)


def randint_like(
    input: Tensor,
    low: Any,
    high: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return random integers from ``low`` (0 if left out) up to ``high`` − 1, shaped as ``input``.

    >>> import chainrule as cr
    >>> cr.randint_like(cr.zeros(2, 3), 5).shape
    chainrule.Size([2, 3])
    """
    if high is None:
        low, high = 0, low
    low, high = _integer("low", low), _integer("high", high)
    source = chosen(generator)

    def draw(count: int, kind: Any, _: bool) -> Any:
        fills.check_integers(low, high, kind)
        return draws.integers(source, count, kind, low, high)

    return _like(input, dtype, draw, requires_grad, device)


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probability given by each element, else 0.

    Args:
        input: probabilities, any shape; with ``p`` only its shape and dtype count.
        p: one probability for all.
        generator: where the numbers come from; the default generator if None.

    >>> import chainrule as cr
    >>> cr.bernoulli(cr.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    array, source = input._array, chosen(generator)
    if p is None:
        fills.check_probabilities(array)
        drawn = draws.below(source, array.reshape(-1))
    else:
        fills.check_probability(p)
        drawn = draws.bernoulli(source, array.size, p)
    return _made(drawn.astype(array.dtype).reshape(array.shape), False)
