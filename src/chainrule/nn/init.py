"""Initial values of parameters, written in place and without a graph."""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

from chainrule.modes import no_grad
from chainrule.ops import creation
from chainrule.ops.comparison import where
from chainrule.ops.random import randperm

if TYPE_CHECKING:
    from chainrule.generator import Generator
    from chainrule.tensor import Tensor

_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which an activation asks the initial weights to be larger.

    Args:
        nonlinearity: the activation's name, as in `chainrule.nn.functional`, or that of a linear
            layer: ``"linear"``, ``"conv2d"`` and the like.
        param: the negative slope of ``"leaky_relu"``, 0.01 if None.

    Raises:
        ValueError: for another name, or a slope that is not a number.

    >>> round(calculate_gain("relu"), 4)
    1.4142
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        known = ", ".join([*_GAINS, "leaky_relu"])
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}: known are {known}")
    return _GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs each output of a weight has, and how many outputs each input.

    Shape of the weight: (out, in, *kernel).
    """
    shape = tensor._array.shape
    if len(shape) < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: a "
            f"weight has shape (out, in, ...), got {list(shape)}. For a bias use zeros_ or uniform_"
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


# PyTorch's name: private, but found in many programs that define layers of their own.
_calculate_fan_in_and_fan_out = fans


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn uniformly from [a, b).

    >>> import chainrule as cr
    >>> w = uniform_(cr.empty(3), 2.0, 4.0)
    >>> bool(((w >= 2) & (w < 4)).all())
    True
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from a normal distribution.

    >>> import chainrule as cr
    >>> normal_(cr.empty(2), 5.0, 0.0)
    tensor([5., 5.])
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers drawn from a normal distribution cut off outside [a, b].

    Numbers outside are drawn again. Where few would be inside, uniform numbers are drawn instead
    and accepted with a probability proportional to the density (von Neumann, "Various techniques
    used in connection with random digits", 1951).

    >>> import chainrule as cr
    >>> w = trunc_normal_(cr.empty(1000), std=2.0, a=-1.0, b=1.0)
    >>> bool((w.abs() <= 1).all())
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect.",
            stacklevel=2,
        )
    inside = _normal_distribution((b - mean) / std) - _normal_distribution((a - mean) / std)
    with no_grad():
        if inside > 0.3:
            _redraw_outside(tensor, mean, std, a, b, generator)
        else:
            _draw_by_density(tensor, mean, std, a, b, generator)
    return tensor


def _normal_distribution(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _redraw_outside(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> None:
    low, high = (creation.tensor(bound, tensor.dtype).item() for bound in (a, b))
    result = tensor.normal_(mean, std, generator=generator)
    while (outside := (result < low) | (result > high)).any():
        again = creation.empty_like(result).normal_(mean, std, generator=generator)
        result = where(outside, again, result)
    if result is not tensor:
        tensor.copy_(result)


def _draw_by_density(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> None:
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    result = pending = None
    while pending is None or pending.any():
        candidates = creation.empty_like(tensor).uniform_(a, b, generator=generator)
        height = ((candidates - mean) / std) ** 2 * -0.5 - peak
        level = creation.empty_like(tensor).uniform_(generator=generator).log()
        above = level > height
        if pending is None or result is None:
            result, pending = candidates, above
        else:
            result, pending = where(pending, candidates, result), pending & above
    tensor.copy_(result)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with a number.

    >>> import chainrule as cr
    >>> constant_(cr.empty(2), 3.0)
    tensor([3., 3.])
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    >>> import chainrule as cr
    >>> ones_(cr.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    >>> import chainrule as cr
    >>> zeros_(cr.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with ones on the diagonal and zeros elsewhere: a linear layer passes on.

    >>> import chainrule as cr
    >>> eye_(cr.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ValueError(
            f"Only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}"
        )
    with no_grad():
        return tensor.copy_(creation.eye(*tensor.shape, dtype=tensor.dtype))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight of a convolution so that it passes its input on, as many channels as fit.

    Args:
        tensor: shape (out, in / groups, *kernel), the kernel of one to three dimensions.
        groups: of the convolution; each group passes its channels on.

    >>> import chainrule as cr
    >>> dirac_(cr.empty(1, 1, 3))
    tensor([[[0., 1., 0.]]])
    """
    shape = tensor.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError(
            "Only tensors with 3, 4, or 5 dimensions are supported: the weight of a convolution "
            f"has shape (out, in, *kernel), got {list(shape)}"
        )
    if shape[0] % groups:
        raise ValueError(f"dim 0 must be divisible by groups, got {shape[0]} and {groups}")
    per_group = shape[0] // groups
    middle = tuple(n // 2 for n in shape[2:])
    with no_grad():
        tensor.zero_()
        for group, d in itertools.product(range(groups), range(min(per_group, shape[1]))):
            tensor[(group * per_group + d, d, *middle)] = 1
    return tensor


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers uniform in ±gain·√(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010.
    """
    # In PyTorch's order of steps: the last bit of every weight depends on it.
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / sum(fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers of standard deviation gain·√(2 / (fan_in + fan_out)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010.
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers uniform in ±gain·√(3 / fan).

    Args:
        tensor: a weight of shape (out, in, *kernel).
        a: the negative slope of the activation that follows (for ``"leaky_relu"``).
        mode: ``"fan_in"`` keeps the size of the activations, ``"fan_out"`` that of the gradients.
        nonlinearity: the activation that follows.
        generator: where the numbers come from.

    Source: He et al., "Delving deep into rectifiers", 2015.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers of standard deviation gain / √fan; see `kaiming_uniform_`.

    Source: He et al., "Delving deep into rectifiers", 2015.
    """
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a matrix of orthonormal rows or columns, whichever are fewer, times ``gain``.

    Args:
        tensor: two or more dimensions; all but the first are taken together.
        gain: the factor.
        generator: where the numbers come from.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks", 2014; the signs: Mezzadri, "How to generate random matrices from
    the classical compact groups", 2007.

    >>> import chainrule as cr
    >>> w = orthogonal_(cr.empty(2, 5))
    >>> bool(((w @ w.T - cr.eye(2)).abs() < 1e-5).all())
    True
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"Only tensors with 2 or more dimensions are supported, got shape {list(tensor.shape)}"
        )
    if not tensor._array.size:
        return tensor
    rows = tensor.shape[0]
    with no_grad():
        drawn = creation.empty(rows, tensor._array.size // rows, dtype=tensor.dtype)
        drawn.normal_(0, 1, generator=generator)
        wide = drawn.shape[0] < drawn.shape[1]
        # No gradient passes here: NumPy's factorisation will do.
        q, r = np.linalg.qr(drawn._array.T if wide else drawn._array)
        q *= np.sign(np.diagonal(r))
        tensor.copy_(creation.from_numpy(q.T if wide else q).reshape(tensor.shape))
        return tensor.mul_(gain)


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill a matrix with normal numbers and set a share of each column to zero.

    Args:
        tensor: two dimensions.
        sparsity: the share of each column that is zero, rounded up.
        std: the standard deviation of the others.
        generator: where the normal numbers come from; which are zero is, as in PyTorch, drawn from
            the default generator.

    Source: Martens, "Deep learning via Hessian-free optimization", 2010.

    >>> import chainrule as cr
    >>> w = sparse_(cr.empty(10, 3), sparsity=0.25)
    >>> (w == 0).sum(0).tolist()
    [3, 3, 3]
    """
    if tensor.ndim != 2:
        raise ValueError(
            f"Only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}"
        )
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for k in range(columns):
            tensor[randperm(rows)[:zeros], k] = 0
    return tensor


def _is_empty(tensor: Tensor) -> bool:
    if tensor._array.size:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _deprecated(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    new = function.__name__
    old = new.removesuffix("_")

    @functools.wraps(function)
    def called(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        warnings.warn(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    called.__name__ = called.__qualname__ = old
    called.__doc__ = f"The former name of `{new}`."
    return called


# PyTorch's former names, which old programs use.
uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
