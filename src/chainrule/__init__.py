"""chainrule: backpropagation you can see through, prove, and run at full speed.

PyTorch's interface on NumPy arrays. Import it as ``cr`` (or as ``torch``).

>>> import chainrule as cr
>>> x = cr.tensor([1.0, 2.0], requires_grad=True)
>>> loss = (x * x).sum()
>>> loss.backward()
>>> x.grad
tensor([2., 4.])
"""

from __future__ import annotations

import builtins
import importlib
from typing import TYPE_CHECKING, Any

from chainrule import autograd
from chainrule._version import __version__
from chainrule.dtypes import (
    bool,
    double,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from chainrule.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from chainrule.ops.arithmetic import (
    abs,
    add,
    clamp,
    clamp_max,
    clamp_min,
    div,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    sign,
    sub,
)
from chainrule.ops.cast import copy as clone
from chainrule.ops.comparison import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    masked_fill,
    ne,
    where,
)
from chainrule.ops.creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from chainrule.ops.exponential import (
    exp,
    log,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    sqrt,
    tanh,
)
from chainrule.ops.extrema import amax, amin, argmax, argmin, max, min
from chainrule.ops.indexing import gather, nonzero
from chainrule.ops.linear_algebra import dot, matmul, mm
from chainrule.ops.random import (
    Generator,
    bernoulli,
    default_generator,
    manual_seed,
    normal,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
)
from chainrule.ops.reductions import all, any, mean, std, sum, var
from chainrule.ops.shape import (
    broadcast_to,
    cat,
    chunk,
    flatten,
    permute,
    ravel,
    reshape,
    split,
    squeeze,
    stack,
    t,
    transpose,
    unbind,
    unsqueeze,
)
from chainrule.printing import set_printoptions
from chainrule.tensor import Size, Tensor

if TYPE_CHECKING:
    from chainrule import nn, optim, textbook, utils, verify
    from chainrule.explanation import Explanation
    from chainrule.verify import check, check_functions

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "__version__",
    "abs",
    "absolute",
    "add",
    "all",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "as_tensor",
    "autograd",
    "bernoulli",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bool",
    "broadcast_to",
    "cat",
    "check",
    "check_functions",
    "chunk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "default_generator",
    "div",
    "divide",
    "dot",
    "double",
    "empty",
    "empty_like",
    "enable_grad",
    "eq",
    "exp",
    "eye",
    "flatten",
    "float",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "get_default_dtype",
    "gt",
    "half",
    "inference_mode",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_grad_enabled",
    "is_tensor",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "linspace",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mm",
    "mul",
    "multiply",
    "ne",
    "neg",
    "negative",
    "nn",
    "no_grad",
    "nonzero",
    "normal",
    "ones",
    "ones_like",
    "optim",
    "permute",
    "pow",
    "promote_types",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "ravel",
    "relu",
    "reshape",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    "short",
    "sigmoid",
    "sign",
    "softmax",
    "split",
    "sqrt",
    "squeeze",
    "stack",
    "std",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "t",
    "tanh",
    "tensor",
    "textbook",
    "transpose",
    "uint8",
    "unbind",
    "unsqueeze",
    "utils",
    "var",
    "verify",
    "where",
    "zeros",
    "zeros_like",
]

multiply, divide, subtract, negative, absolute = mul, div, sub, neg, abs
swapaxes = transpose
clip = clamp


def from_dlpack(source: Any) -> Tensor:
    """Return a tensor that shares the memory of another library's CPU tensor through DLPack.

    >>> import numpy as np
    >>> from_dlpack(np.arange(3.0))
    tensor([0., 1., 2.], dtype=float64)
    """
    import numpy as np

    if not hasattr(source, "__dlpack_device__"):
        raise TypeError(
            f"from_dlpack: a {type(source).__name__} does not speak DLPack; use cr.tensor(...)"
        )
    kind, _ = source.__dlpack_device__()
    if kind != 1:
        raise RuntimeError(
            f"from_dlpack: the tensor is not on the CPU (DLPack device type {kind}); move it there "
            "first, with .cpu() in PyTorch"
        )
    return from_numpy(np.from_dlpack(source))


def explain(
    loss: Tensor,
    model: Any = None,
    names: Any = None,
    *,
    convention: str | None = None,
    precision: builtins.int = 4,
    max_entries: builtins.int = 64,
) -> Explanation:
    """Explain every gradient of a tensor: the forward pass and the chain rule, with its numbers.

    `chainrule.explanation.explain` describes the arguments.

    >>> x = tensor(3.0, requires_grad=True)
    >>> loss = x * x
    >>> print(explain(loss).text().splitlines()[0])
    The derivation of L (your loss)
    """
    from chainrule.explanation import explain

    return explain(
        loss, model, names, convention=convention, precision=precision, max_entries=max_entries
    )


def is_tensor(value: Any) -> Any:
    """Tell whether a value is a Tensor.

    >>> is_tensor(zeros(1))
    True
    """
    return isinstance(value, Tensor)


_ON_DEMAND = ("nn", "optim", "textbook", "utils", "verify")


# Functions that are part of a room, with the module they live in.
_FROM_ROOMS = {"check": "verify", "check_functions": "verify"}


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return importlib.import_module(f"chainrule.{name}")
    if name in _FROM_ROOMS:
        return getattr(importlib.import_module(f"chainrule.{_FROM_ROOMS[name]}"), name)
    raise AttributeError(
        f"module 'chainrule' has no attribute {name!r}; the operations that exist are listed by "
        "dir(chainrule)"
    )


def __dir__() -> list[str]:
    return __all__
