"""NumPy's functions on tensors: ``np.exp(t)``, ``np.sum(t, axis=1)``, ``array @ t``.

NumPy hands a call over when an argument is a Tensor: a universal function to `apply_ufunc`, any
other function to `apply_function`. Both run the operation of chainrule that does the same, so the
result is recorded. A function that chainrule does not have is computed by NumPy while no argument
requires grad, and refused when one does: its gradient would be lost.

What runs through here keeps its own copies of the values that its rules will read. NumPy programs
update arrays in place (``p = np.exp(z); p /= np.sum(p)``), and with copies every gradient stays
right.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule import dtypes
from chainrule.graph import allow_mutation_on_saved_tensors, mutations
from chainrule.interop import (  # noqa: F401 (they fill the table)
    numpy_algebra,
    numpy_functions,
    numpy_shapes,
)
from chainrule.interop.numpy_table import FUNCTIONS, Function
from chainrule.modes import modes
from chainrule.ops import cast, extrema, inplace, reductions
from chainrule.ops.creation import as_tensor
from chainrule.ops.indexing import normal_index, put_at
from chainrule.ops.shape import broadcast_to, reshaped
from chainrule.primitive import attach
from chainrule.tensor import Tensor

# --- What the arguments are -----------------------------------------------------------------------


def _tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors among arguments, also those inside lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors_in(item)
    elif isinstance(value, dict):
        yield from _tensors_in(tuple(value.values()))


def _needs_gradient(*arguments: Any) -> bool:
    return modes.grad and any(t.requires_grad for t in _tensors_in(arguments))


def _as_arrays(value: Any) -> Any:
    """Replace the tensors among arguments by their arrays."""
    if isinstance(value, Tensor):
        return value._array
    if isinstance(value, list | tuple):
        parts = [_as_arrays(item) for item in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, dict):
        return {key: _as_arrays(item) for key, item in value.items()}
    return value


def _as_tensors(value: Any) -> Any:
    """Wrap the arrays in a result; what no tensor can hold (complex numbers, text) stays as it is.

    A view is copied: as a tensor it could be changed in place without its base's knowledge.
    """
    if isinstance(value, ndarray | np.generic):
        if value.dtype not in dtypes.SUPPORTED:
            return value
        array = np.asarray(value)
        return attach(array if array.base is None else array.copy(), None)
    if isinstance(value, tuple):
        items = [_as_tensors(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if type(value) is list:
        return [_as_tensors(item) for item in value]
    return value


def _name_of(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


# --- Functions without a differentiable form ------------------------------------------------------


def _by_numpy(function: Callable[..., Any], name: str, args: Any, kwargs: Any) -> Any:
    """Compute with NumPy on tensors that need no gradient, or refuse."""
    out = kwargs.get("out")
    if isinstance(out, tuple) and len(out) == 1:
        out = out[0]
    if _needs_gradient(args, kwargs):
        raise TypeError(_no_gradient(name))
    result = function(*_as_arrays(args), **_as_arrays(kwargs))
    if isinstance(out, Tensor):
        mutations.mark(out._array)
        return out
    return _as_tensors(result)


def _no_gradient(name: str) -> str:
    ours = name.rsplit(".", 1)[-1]
    if hasattr(sys.modules["chainrule"], ours):
        instead = f"Use cr.{ours} with PyTorch's arguments"
    else:
        instead = "Write it with functions that are differentiable here (np.exp, np.sum, @, ...)"
    return (
        f"{name} on a tensor that requires grad is not supported with these arguments: its "
        f"gradient would be lost. {instead}, or pass tensor.detach() if it is a constant"
    )


# What they return has no derivative: it is computed from the values alone.
CONSTANT: frozenset[Function] = frozenset(
    {
        np.allclose, np.argpartition, np.argsort, np.argwhere, np.array2string, np.array_equal,
        np.array_equiv, np.array_repr, np.array_str, np.bincount, np.broadcast_shapes,
        np.can_cast, np.common_type, np.count_nonzero, np.digitize, np.flatnonzero,
        np.iscomplexobj, np.isclose, np.isin, np.isneginf, np.isposinf, np.isreal, np.isrealobj,
        np.lexsort, np.may_share_memory, np.min_scalar_type, np.ndim, np.nonzero, np.result_type,
        np.save, np.savetxt, np.searchsorted, np.shape, np.shares_memory, np.size,
    }
)  # fmt: skip

# They write into their first argument.
CHANGES_ITS_ARGUMENT: frozenset[Function] = frozenset(
    {np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
)

# --- Universal functions --------------------------------------------------------------------------

# Names that differ; the rest is called alike in both.
_OURS = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "conjugate": "clone",
    "divide": "div",
    "degrees": "rad2deg",
    "equal": "eq",
    "fabs": "abs",
    "float_power": "pow",
    "greater": "gt",
    "greater_equal": "ge",
    "invert": "bitwise_not",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "negative": "neg",
    "not_equal": "ne",
    "positive": "clone",
    "power": "pow",
    "radians": "deg2rad",
    "rint": "round",
    "subtract": "sub",
}
# Their values do not change with small changes of the argument.
_PIECEWISE_CONSTANT = {"ceil", "floor", "rint", "trunc", "signbit", "heaviside"}

_REDUCTIONS: dict[str, Callable[..., Tensor]] = {
    "add": reductions.sum,
    "maximum": extrema.amax,
    "minimum": extrema.amin,
    "logical_and": reductions.all,
    "logical_or": reductions.any,
}


@functools.cache
def _operation(ufunc: np.ufunc) -> Callable[..., Tensor] | None:
    """Return chainrule's operation that computes a universal function, None if it has none."""
    found = getattr(sys.modules["chainrule"], _OURS.get(ufunc.__name__, ufunc.__name__), None)
    return found if callable(found) and ufunc.nout == 1 else None


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """Run a universal function, or one of its methods, of which an argument is a tensor.

    Args:
        ufunc: the function, for example ``np.exp``.
        method: ``"__call__"``, ``"reduce"``, ``"outer"``, ``"at"`` or another of NumPy's methods.
        inputs: its positional arguments.
        kwargs: its keyword arguments, ``out`` always as a tuple.

    Returns:
        A Tensor, or the ``out`` argument.

    Raises:
        TypeError: if the gradient would be lost.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> t = cr.tensor([1.0, 2.0], requires_grad=True)
    >>> np.multiply(np.array([3.0, 4.0], np.float32), t)
    tensor([3., 8.], grad_fn=<mul>)
    >>> np.add.reduce(t)
    tensor(3., grad_fn=<sum>)
    """
    options = {k: v for k, v in kwargs.items() if k != "out" and v is not _DEFAULTS.get(k, _unset)}
    target = kwargs["out"][0] if kwargs.get("out") else None
    result: Any = NotImplemented
    with allow_mutation_on_saved_tensors():
        if method == "__call__":
            result = _call(ufunc, inputs, options, target)
        elif method == "reduce":
            result = _reduce(ufunc, *inputs, **options)
        elif method == "outer":
            result = _outer(ufunc, inputs, options)
        elif method == "at":
            result = _at(ufunc, inputs)
        if result is NotImplemented:
            name = f"np.{ufunc.__name__}"
            if method != "__call__":
                name += f".{method}"
            if method == "__call__" and ufunc.__name__ in _PIECEWISE_CONSTANT:
                inputs = _as_arrays(inputs)
            result = _by_numpy(getattr(ufunc, method), name, inputs, kwargs)
            if method == "at" and isinstance(inputs[0], Tensor):
                mutations.mark(inputs[0]._array)
            return result
        return result if target is None or result is target else _deliver(ufunc, result, target)


_unset = object()
_DEFAULTS = {"where": True, "casting": "same_kind", "order": "K", "subok": True, "dtype": None}


def _operand(value: Any) -> Any:
    """Return an operand as our operations take it: lists become tensors."""
    return as_tensor(value) if isinstance(value, list | tuple) else value


def _call(ufunc: np.ufunc, inputs: Any, options: dict[str, Any], target: Any) -> Any:
    operation = _operation(ufunc)
    dtype = options.pop("dtype", None)
    if operation is None or options:
        return NotImplemented
    operands = [_operand(value) for value in inputs]
    if dtype is not None:
        operands = [as_tensor(value).to(dtype) for value in operands]
    if not any(isinstance(value, Tensor) for value in operands):
        # Only `out` is a tensor.
        operands = [as_tensor(value) for value in operands]
    if isinstance(target, ndarray) and inputs[0] is target and _needs_gradient(operands):
        # `array += tensor`: Python rebinds the name to the tensor that now owns the values.
        return inplace.change(
            f"np.{ufunc.__name__}", operation, attach(target, None), *operands[1:]
        )
    return operation(*operands)


def _deliver(ufunc: Any, result: Tensor, target: Any) -> Any:
    """Write a result into the ``out`` argument, or return it if it took that place already."""
    name = f"np.{ufunc.__name__}"
    if isinstance(target, Tensor):
        return inplace.change(name, lambda _, value: cast.clone(value), target, result)
    if result._array is target:
        return result
    if result.requires_grad:
        raise TypeError(
            f"{name} with out= an array, on a tensor that requires grad: the array cannot carry "
            "the gradient. Use the result that the call returns without out="
        )
    np.copyto(target, result._array, casting="same_kind")
    mutations.mark(target)
    return target


def _reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, **options: Any) -> Any:
    keepdims = options.pop("keepdims", False)
    reduction = _REDUCTIONS.get(ufunc.__name__)
    if reduction is None or options:
        return NotImplemented
    x = as_tensor(array)
    if dtype is not None:
        x = x.to(dtype)
    if isinstance(axis, tuple) and not axis:
        return x.clone()
    return reduction(x, axis, keepdims)


def _outer(ufunc: np.ufunc, inputs: Any, options: Mapping[str, Any]) -> Any:
    operation = _operation(ufunc)
    if operation is None or options or len(inputs) != 2:
        return NotImplemented
    a, b = (as_tensor(value) for value in inputs)
    rows = reshaped(a, a._array.shape + (1,) * b._array.ndim)
    return operation(rows, b)


def _at(ufunc: np.ufunc, inputs: Any) -> Any:
    """Run ``np.add.at(target, index, values)``: repeated indices accumulate."""
    target = inputs[0]
    if ufunc not in (np.add, np.subtract) or not isinstance(target, Tensor):
        return NotImplemented
    index = normal_index(inputs[1], target._array.shape)
    values = as_tensor(inputs[2]).to(target._array.dtype)
    spread = put_at(broadcast_to(values, target._array[index].shape), index, target._array.shape)
    target.add_(spread, alpha=1 if ufunc is np.add else -1)
    return target


# --- Other functions ------------------------------------------------------------------------------


def apply_function(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Run a NumPy function of which an argument is, or holds, a tensor.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> t = cr.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> np.sum(t, axis=1, keepdims=True)
    tensor([[3.],
            [7.]], grad_fn=<sum>)
    """
    name = _name_of(function)
    if function in CONSTANT:
        return _as_tensors(function(*_as_arrays(args), **_as_arrays(kwargs)))
    ours = FUNCTIONS.get(function)
    if ours is not None:
        given = dict(kwargs)
        out = given.pop("out", None)
        with allow_mutation_on_saved_tensors():
            result = ours(*args, **given)
            if result is not NotImplemented:
                return result if out is None else _deliver(function, result, out)
    result = _by_numpy(function, name, args, kwargs)
    if function in CHANGES_ITS_ARGUMENT:
        for changed in _tensors_in(args[:1]):
            mutations.mark(changed._array)
    return result
