"""What a description of an operation consists of, and how its samples become tensors.

One description drives all checks of an operation: its values, dtypes and shapes, its first and
second derivatives, its method, its promotion of integers, and its printed formulas. A sample gives
operands as float64 arrays; what is not an array (numbers, dimensions, indices) is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import chainrule as cr


@dataclass(frozen=True)
class Index:
    """An index, or another structure, whose arrays are constants of the operation."""

    value: Any


@dataclass(frozen=True)
class Sample:
    """Arguments to call an operation with.

    Attributes:
        name: what is particular about them.
        args: float64 arrays (the operands that are differentiated), lists of such, and constants.
        kwargs: constants by name.
        smooth: the operation is differentiable here, so finite differences apply.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    smooth: bool = True


@dataclass(frozen=True)
class Operation:
    """One operation: ours, PyTorch's, and the samples on which they are compared.

    Attributes:
        name: as it appears in the names of tests.
        ours: our function.
        theirs: PyTorch's function, called with the same arguments.
        samples: the arguments to try.
        method: the name of the same operation as a method of tensors, None if PyTorch has none.
        integers: also compare on integers and bools, where PyTorch either has a result or raises.
        ulps: how many units in the last place values and gradients may differ by; relative to the
            largest element if ``summing``.
        summing: elements are sums over many others, which round relative to the largest.
        once: there is no second derivative; asking for it raises, as in PyTorch.
    """

    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    samples: tuple[Sample, ...]
    method: str | None = None
    integers: bool = True
    ulps: int = 4
    summing: bool = False
    once: bool = False

    def __repr__(self) -> str:
        return self.name


def here(value: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Return an argument as chainrule takes it: arrays as tensors that share their memory."""
    if isinstance(value, np.ndarray):
        tensor = cr.from_numpy(value if dtype is None else value.astype(dtype, copy=False))
        return tensor.requires_grad_() if requires_grad and tensor.is_floating_point() else tensor
    if isinstance(value, Index):
        return _mapped(value.value, lambda a: cr.from_numpy(a))
    if isinstance(value, list):
        return [here(v, dtype, requires_grad) for v in value]
    return value


def there(value: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Return an argument as PyTorch takes it."""
    if isinstance(value, np.ndarray):
        array = value if dtype is None else value.astype(dtype, copy=False)
        # PyTorch warns about memory it must not write to.
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        return tensor.requires_grad_() if requires_grad and tensor.is_floating_point() else tensor
    if isinstance(value, Index):
        return _mapped(value.value, torch.from_numpy)
    if isinstance(value, list):
        return [there(v, dtype, requires_grad) for v in value]
    return value


def _mapped(value: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(value, np.ndarray):
        return convert(value)
    if isinstance(value, tuple | list):
        return type(value)(_mapped(v, convert) for v in value)
    return value


def tensors(arguments: Iterable[Any]) -> list[Any]:
    """Return the tensors among arguments, those inside lists included."""
    found = []
    for a in arguments:
        if isinstance(a, list):
            found += tensors(a)
        elif isinstance(a, cr.Tensor | torch.Tensor):
            found.append(a)
    return found


def outputs(result: Any) -> list[Any]:
    """Return the tensors an operation returned as a list."""
    return list(result) if isinstance(result, tuple | list) else [result]


def numbers(tensor: Any) -> np.ndarray[Any, Any]:
    """Return the values of a tensor of either library."""
    return tensor.detach().numpy() if isinstance(tensor, cr.Tensor | torch.Tensor) else tensor


# --- Material for samples -------------------------------------------------------------------------

SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-300, 700.0, -800.0]
)


def uniform(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Any:
    """Return reproducible numbers, none close to a kink at 0 or ±1, nor to one another."""
    rng = np.random.default_rng([seed, *shape])
    count = int(np.prod(shape))
    values = np.linspace(low, high, count + 2)[1:-1] + (high - low) / (count + 2) * 0.3
    return rng.permutation(values).reshape(shape)


def strided(*shape: int, **options: Any) -> Any:
    """Return numbers that do not lie in order in memory: transposed, every other row taken."""
    *rest, n = shape
    bigger = uniform(n, *reversed(rest[1:]), rest[0] * 2, **options)
    return bigger.T[::2]
