"""Random tensors, drawn from one generator that `manual_seed` sets."""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.creation import _filled, _like, _made, check_device
from chainrule.ops.shape import given_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainrule.tensor import Tensor

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "manual_seed",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
]


class Generator:
    """A source of random numbers: the Mersenne Twister, as PyTorch's CPU generator is.

    >>> import chainrule as cr
    >>> g = cr.Generator().manual_seed(0)
    >>> h = cr.Generator().manual_seed(0)
    >>> bool((cr.rand(3, generator=g) == cr.rand(3, generator=h)).all())
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device)
        self.seed()

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream at a seed."""
        self._seed = operator.index(seed)
        self._numpy: np.random.Generator | None = None
        return self

    def seed(self) -> int:
        """Restart the stream at a fresh seed and return it."""
        fresh = int.from_bytes(os.urandom(8)) >> 1
        self.manual_seed(fresh)
        return fresh

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator at the present place of the stream."""
        if self._numpy is None:  # made late: `numpy.random` takes its time to import
            self._numpy = np.random.Generator(np.random.MT19937(self._seed % 2**64))
        return self._numpy

    def initial_seed(self) -> int:
        """Return the seed the stream was started at."""
        return self._seed


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that random tensors, initial weights and dropout draw from.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> a = cr.rand(2)
    >>> _ = cr.manual_seed(0)
    >>> bool((a == cr.rand(2)).all())
    True
    """
    return default_generator.manual_seed(seed)


def source(generator: Generator | None) -> np.random.Generator:
    """Return NumPy's generator behind the given one or the default one."""
    return (default_generator if generator is None else generator).numpy


def _uniform(generator: Generator | None) -> Callable[..., Any]:
    def make(shape: Any, dtype: Any) -> Any:
        kind = np.float64 if dtype == np.float64 else np.float32
        return np.asarray(source(generator).random(shape, kind), dtype)

    return make


def _normal(generator: Generator | None) -> Callable[..., Any]:
    def make(shape: Any, dtype: Any) -> Any:
        kind = np.float64 if dtype == np.float64 else np.float32
        return np.asarray(source(generator).standard_normal(shape, kind), dtype)

    return make


def _floating(name: str, dtype: Any) -> Any:
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    if kind.kind != "f":
        raise RuntimeError(f"{name} makes floats, got dtype {kind}; use randint for integers")
    return kind


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return numbers drawn uniformly from [0, 1).

    >>> import chainrule as cr
    >>> cr.rand(2, 3).shape
    chainrule.Size([2, 3])
    """
    return _filled(_uniform(generator), size, _floating("rand", dtype), requires_grad, device)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return numbers drawn from the standard normal distribution.

    >>> import chainrule as cr
    >>> cr.randn(2, 3).shape
    chainrule.Size([2, 3])
    """
    return _filled(_normal(generator), size, _floating("randn", dtype), requires_grad, device)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return integers drawn uniformly from ``low`` (0 if left out) up to, not including, ``high``.

    >>> import chainrule as cr
    >>> bool((cr.randint(3, (100,)) < 3).all())
    True
    """
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    make = lambda shape, t: np.asarray(source(generator).integers(low, high, shape), t)
    return _filled(make, (size,), kind, requires_grad, device)


def randperm(n: int, *, generator: Generator | None = None, device: Any = None) -> Tensor:
    """Return a random permutation of 0 … n − 1.

    >>> import chainrule as cr
    >>> sorted(cr.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    check_device(device)
    return _made(source(generator).permutation(operator.index(n)))


def normal(
    mean: float = 0.0,
    std: float = 1.0,
    size: Any = (),
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers drawn from a normal distribution.

    >>> import chainrule as cr
    >>> cr.normal(0.0, 1.0, (2, 2)).shape
    chainrule.Size([2, 2])
    """
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    shape = given_shape((size,))
    values = _normal(generator)(shape, _floating("normal", dtype))
    return _made(np.asarray(values * std + mean, values.dtype), requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return uniform random numbers with the shape and dtype of ``input``.

    >>> import chainrule as cr
    >>> cr.rand_like(cr.zeros(2)).shape
    chainrule.Size([2])
    """
    kind = _floating("rand_like", input._array.dtype if dtype is None else dtype)
    return _like(_uniform(generator), input, kind, requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return normal random numbers with the shape and dtype of ``input``.

    >>> import chainrule as cr
    >>> cr.randn_like(cr.zeros(2)).shape
    chainrule.Size([2])
    """
    kind = _floating("randn_like", input._array.dtype if dtype is None else dtype)
    return _like(_normal(generator), input, kind, requires_grad)


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probability given by each element, else 0.

    >>> import chainrule as cr
    >>> cr.bernoulli(cr.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    p = input._array
    if p.size and not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true: give probabilities")
    drawn = source(generator).random(p.shape) < p
    return _made(np.asarray(drawn, p.dtype))
