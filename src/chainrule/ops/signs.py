"""Signs and steps, and numbers in place of what is not one, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops.arithmetic import sign
from chainrule.ops.comparison import filled_where, isfinite

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "copysign",
    "heaviside",
    "nan_to_num",
    "positive",
    "sgn",
    "signbit",
]


# The sign of complex numbers differs from that of real ones; these are real.
sgn = sign
signbit: Operation = define(
    "signbit",
    lambda x: np.signbit(x) if np.asarray(x).dtype.kind == "f" else np.less(x, 0),
    inputs=("x",),
    doc="""Where the sign bit is set: of negative numbers and of −0.

    >>> import chainrule as cr
    >>> cr.signbit(cr.tensor([-1.0, -0.0, 2.0]))
    tensor([ True,  True, False])
    """,
)


def _copysign_gradient(g: Any, a: Any, y: Any) -> Any:
    return g * filled_where(y / a, a == 0, 0.0)


copysign: Operation = define(
    "copysign",
    np.copysign,
    a=_copysign_gradient,
    b=lambda g: g * 0,
    floating=True,
    doc="""The magnitude of a with the sign of b; at a = 0 the derivative is 0.

    >>> import chainrule as cr
    >>> cr.copysign(cr.tensor([1.0, 2.0]), cr.tensor([-3.0, 0.5]))
    tensor([-1.,  2.])
    """,
)


def _heaviside(a: Any, b: Any) -> Any:
    # Unlike NumPy's, 0 for NaN, as in PyTorch.
    return np.where(np.equal(a, 0), b, np.greater(a, 0).astype(np.asarray(b).dtype))


_step: Operation = define(
    "heaviside",
    _heaviside,
    a=lambda g: g * 0,
    b=lambda g, a: filled_where(g, a != 0, 0.0),
    doc="Heaviside's step function.",
)


def heaviside(input: Tensor, values: Any) -> Tensor:
    """Return Heaviside's step function: 0 below 0, 1 above, and ``values`` at 0.

    Args:
        input: any shape.
        values: a tensor of the same dtype, broadcast with it, or a number.

    >>> import chainrule as cr
    >>> cr.heaviside(cr.tensor([-2.0, 0.0, 3.0]), cr.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if hasattr(values, "_array") and input._array.dtype is not values._array.dtype:
        raise RuntimeError(
            "heaviside is not yet implemented for tensors with different dtypes: "
            f"{input._array.dtype} and {values._array.dtype}; convert one with .to()"
        )
    return _step(input, values)


def _nan_to_num(x: Any, nan: float, posinf: float, neginf: float) -> Any:
    y = np.array(x)
    np.copyto(y, nan, where=np.isnan(x), casting="unsafe")
    np.copyto(y, posinf, where=x == np.inf, casting="unsafe")
    np.copyto(y, neginf, where=x == -np.inf, casting="unsafe")
    return y


_finite: Operation = define(
    "nan_to_num",
    _nan_to_num,
    params=("nan", "posinf", "neginf"),
    x=lambda g, x: filled_where(g, ~isfinite(x), 0.0),
    doc="Numbers in place of NaN and infinities.",
)


def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Return the input with numbers in place of NaN and of the infinities.

    Args:
        input: any shape; integers stay as they are.
        nan: in place of NaN.
        posinf: in place of ∞, the largest number of the dtype if None.
        neginf: in place of −∞, the smallest number of the dtype if None.

    >>> import chainrule as cr
    >>> cr.nan_to_num(cr.tensor([cr.nan, 1.0, cr.inf]), nan=-1.0, posinf=9.0)
    tensor([-1.,  1.,  9.])
    """
    dtype = input._array.dtype
    if dtype.kind != "f":
        return input.clone()
    limits = np.finfo(dtype)
    return _finite(
        input,
        0.0 if nan is None else nan,
        float(limits.max) if posinf is None else posinf,
        float(limits.min) if neginf is None else neginf,
    )


def positive(input: Tensor) -> Tensor:
    """Return the input itself, as the sign ``+`` does.

    >>> import chainrule as cr
    >>> cr.positive(cr.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    if input._array.dtype.kind == "b":
        raise RuntimeError(
            "The `+` operator, on a bool tensor is not supported; convert with .int() or .float()"
        )
    return input
