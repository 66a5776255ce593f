"""New random values for a tensor, and where in memory each goes.

PyTorch fills a contiguous tensor in the order of its indices and any other one in the order of its
memory, so that a transposed matrix gets the numbers of the matrix it is the transpose of.
"""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule import dtypes
from chainrule.generator import Generator, chosen
from chainrule.ops import draws, inplace
from chainrule.ops.creation import as_tensor
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

Array = ndarray[Any, Any]

# The types of C that PyTorch's messages speak of.
_C_NAMES = {
    "bool": "bool",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float16": "c10::Half",
    "float32": "float",
    "float64": "double",
}
_REFUSED = "{} fills floating-point tensors; convert the tensor first, for example with .float()"


@functools.cache
def _limits(dtype: Any) -> tuple[int, int]:
    """Return the least and the largest number of a dtype."""
    if dtype.kind == "f":
        most = int(np.finfo(dtype).max)
        return -most, most
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def memory_order(array: Array) -> list[int]:
    """Return the dimensions from the slowest to the fastest in memory."""
    # A dimension of size 1 has no place of its own; where it stands changes nothing.
    return sorted(range(array.ndim), key=lambda d: -abs(array.strides[d]))


def arranged(flat: Array, like: Array) -> Array:
    """Return numbers, in the order they were drawn, in the shape of the array they are for."""
    if like.flags.c_contiguous:
        return flat.reshape(like.shape)
    order = memory_order(like)
    placed = flat.reshape([like.shape[d] for d in order])
    return placed.transpose(np.argsort(order))


def in_order(array: Array, like: Array) -> Array:
    """Return the values of an array, broadcast to another, in the order the other is filled."""
    whole = np.broadcast_to(array, like.shape)
    if not like.flags.c_contiguous:
        whole = whole.transpose(memory_order(like))
    return whole.reshape(-1)


def fill(name: str, target: Tensor, draw: Callable[[], Array]) -> Tensor:
    """Replace a tensor's values by what ``draw`` returns; nothing is drawn if that is refused."""
    if inplace._records(target):
        inplace._refuse_leaves(name, target)
    inplace._make_writable(name, target)
    array = target._array
    values = arranged(draw(), array).astype(array.dtype, copy=False)
    return inplace.replace(name, target, attach(values, None))


def require_floats(name: str, kernel: str, dtype: Any) -> None:
    """Refuse a dtype that is not floating, in the words of PyTorch's kernels."""
    if dtype.kind != "f":
        raise NotImplementedError(
            f'"{kernel}" not implemented for {dtypes.torch_name(dtype)!r}: ' + _REFUSED.format(name)
        )


def _require_continuous(name: str, distribution: str, dtype: Any, named: str) -> None:
    if dtype.kind != "f":
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution. dtype must be "
            f"a floating point but you specified {named}: " + _REFUSED.format(name)
        )


def _number(value: Any) -> str:
    """Write a number as PyTorch's messages do."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def check_normal(mean: Any, std: Any, dtype: Any) -> None:
    """Refuse what no normal distribution has."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {_number(std)}")
    require_floats("normal_", "normal_kernel_cpu", dtype)


def check_uniform(low: Any, high: Any, dtype: Any) -> None:
    """Refuse an interval that a dtype has no numbers for."""
    require_floats("uniform_", "check_uniform_bounds", dtype)
    largest = _limits(dtype)[1]
    for name, bound in (("from", low), ("to", high)):
        if not -largest <= bound <= largest:
            raise RuntimeError(
                f"{name} is out of bounds for {_C_NAMES[dtype.name]}: {_number(bound)} is not a "
                f"number of dtype {dtype}"
            )
    if low > high:
        raise RuntimeError(
            "uniform_ expects to return a [from, to) range, but found "
            f"from={_number(low)} > to={_number(high)}"
        )
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{dtypes.torch_name(dtype)}>::max(), "
            f"but found to={_number(high)} and from={_number(low)} which result in to-from to "
            "exceed the limit"
        )


def check_integers(low: int, high: int, dtype: Any) -> None:
    """Refuse a range of integers that is empty or that a dtype does not hold."""
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    least, most = _limits(dtype)
    for name, bound in (("from", low), ("to - 1", high - 1)):
        if not least <= bound <= most:
            raise RuntimeError(
                f"{name} is out of bounds for {_C_NAMES[dtype.name]}: {bound} is not a number of "
                f"dtype {dtype}"
            )
        exact = draws.CONTIGUOUS_INTEGERS.get(dtype)
        if exact is not None and abs(bound) > exact:
            power = exact.bit_length() - 1
            warnings.warn(
                f"{name} is out of bounds [-(2^{power}), 2^{power}]. Due to precision limitations "
                f"{_C_NAMES[dtype.name]} can support discrete uniform distribution only within "
                "this range",
                stacklevel=3,
            )


def check_probability(p: Any) -> None:
    """Refuse what is no probability."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={_number(p)}")


def check_probabilities(p: Array) -> None:
    """Refuse numbers that are not floating or no probabilities."""
    if p.dtype.kind != "f":
        raise NotImplementedError(
            f'"bernoulli_tensor_cpu_p_" not implemented for {dtypes.torch_name(p.dtype)!r}: '
            "probabilities are floating-point numbers; convert them with .float()"
        )
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false: every element must be a "
            "probability between 0 and 1"
        )


def uniform_(
    self: Tensor,
    low: float = 0.0,
    to: float = 1.0,
    *,
    generator: Generator | None = None,
    **named: float,
) -> Tensor:
    """Fill with numbers drawn uniformly from [low, to); PyTorch's name of ``low`` is ``from``."""
    low = named.pop("from", low)  # a word that Python keeps for itself
    if named:
        raise TypeError(f"uniform_() got an unexpected keyword argument {min(named)!r}")
    dtype = self._array.dtype
    check_uniform(low, to, dtype)
    source = chosen(generator)
    return fill("uniform_", self, lambda: draws.uniform(source, self._array.size, dtype, low, to))


def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with normal numbers."""
    array = self._array
    check_normal(mean, std, array.dtype)
    source, whole = chosen(generator), array.flags.c_contiguous
    return fill(
        "normal_", self, lambda: draws.normal(source, array.size, array.dtype, mean, std, whole)
    )


def random_(self: Tensor, *bounds: Any, generator: Generator | None = None, **named: Any) -> Tensor:
    """Fill with integers from ``from`` up to, not including, ``to``.

    ``random_()`` takes all that the dtype counts up to without gaps, ``random_(to)`` starts at 0.
    """
    low, high = _bounds(bounds, named)
    dtype, count, source = self._array.dtype, self._array.size, chosen(generator)
    if low is None:
        return fill("random_", self, lambda: draws.full_range(source, count, dtype))
    if high is None:
        exact = draws.CONTIGUOUS_INTEGERS.get(dtype)
        high = 1 + (exact if exact is not None else _limits(dtype)[1])
    check_integers(low, high, dtype)
    return fill("random_", self, lambda: draws.integers(source, count, dtype, low, high))


def _bounds(bounds: tuple[Any, ...], named: dict[str, Any]) -> tuple[int | None, int | None]:
    names = ("from", "to")[2 - len(bounds) - len(named) :]
    given = dict(zip(names, bounds)) | named
    if len(given) > 2 or given.keys() != set(names):
        raise TypeError(
            "random_() takes nothing, to, or from and to, got "
            f"{', '.join([*map(repr, bounds), *(f'{k}={v!r}' for k, v in named.items())])}"
        )
    if not given:
        return None, None
    low, high = given.get("from", 0), given["to"]
    try:
        return operator.index(low), None if high is None else operator.index(high)
    except TypeError:
        raise TypeError(
            f"random_() takes integers as bounds, got {type(low).__name__} and "
            f"{type(high).__name__}"
        ) from None


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with 1 with probability ``p``, a number or a tensor that broadcasts, else 0."""
    array, source = self._array, chosen(generator)
    if not hasattr(p, "_array") and not isinstance(p, ndarray):
        check_probability(p)
        return fill("bernoulli_", self, lambda: draws.bernoulli(source, array.size, p))
    given = as_tensor(p)._array
    check_probabilities(given)
    return fill("bernoulli_", self, lambda: draws.below(source, in_order(given, array)))


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponentially distributed numbers of rate ``lambd``."""
    dtype, count, source = self._array.dtype, self._array.size, chosen(generator)
    _require_continuous("exponential_", "Exponential", dtype, dtypes.torch_name(dtype))
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={_number(lambd)}")
    return fill("exponential_", self, lambda: draws.exponential(source, count, dtype, lambd))


def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with Cauchy distributed numbers."""
    dtype, count, source = self._array.dtype, self._array.size, chosen(generator)
    _require_continuous("cauchy_", "Cauchy", dtype, _C_NAMES[dtype.name])
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={_number(sigma)}")
    return fill("cauchy_", self, lambda: draws.cauchy(source, count, dtype, median, sigma))


def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers whose logarithm is normal with this mean and standard deviation."""
    dtype, count, source = self._array.dtype, self._array.size, chosen(generator)
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={_number(std)}")
    require_floats("log_normal_", "log_normal_cpu", dtype)
    return fill("log_normal_", self, lambda: draws.log_normal(source, count, dtype, mean, std))


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with how many trials of probability ``p`` the first success takes."""
    dtype, count, source = self._array.dtype, self._array.size, chosen(generator)
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={_number(p)}")
    if dtype.kind == "b":
        raise NotImplementedError("\"geometric_cpu\" not implemented for 'Bool': count in integers")
    return fill("geometric_", self, lambda: draws.geometric(source, count, dtype, p))
