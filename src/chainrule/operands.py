"""Operands of every kind: mixed dtypes, Python numbers, arrays, shapes that do not fit.

The fast path of an operation handles tensors of one dtype. Everything else comes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule import dtypes
from chainrule.graph import Node
from chainrule.modes import modes
from chainrule.primitive import Array, Primitive, attach
from chainrule.symbol import Expr

if TYPE_CHECKING:
    from chainrule.tensor import Tensor
else:
    # Announced by `chainrule.operation.results_are`.
    Tensor = None


def rewired(view: Tensor) -> Node | None:
    """Return the node of a tensor that shares another's memory.

    When the base was changed in place, the node it had when the view was taken no longer says
    where the view's values come from; the view then continues at the base's present node.
    """
    base = view._base
    assert base is not None
    if view._changes != base._changes and not view._silent:
        from chainrule.ops.inplace import reattach

        reattach(view)
    return view._node


def agree(p: Primitive, a: Any, b: Any) -> tuple[Any, Any] | None:
    """Return a binary operation's operands as tensors, or numbers, of the dtype it computes in.

    None stands for symbols, which have no dtype.
    """
    if isinstance(a, Expr) or isinstance(b, Expr):
        return None
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        left, right = promoted(p, a, b)
        return left, right
    tensor, other = (a, b) if isinstance(a, Tensor) else (b, a)
    if isinstance(other, np.generic):
        other = other.item()
    if isinstance(other, bool | int | float):
        dtype = dtypes.result_type(tensor._array, other)
        if p.floating and dtype.kind != "f":
            dtype = dtypes.get_default_dtype()
        if tensor._array.dtype is not dtype:
            tensor = tensor.to(dtype)
        other = float(other) if dtype.kind == "f" else attach(_integer(p, other, dtype), None)
        return (tensor, other) if isinstance(a, Tensor) else (other, tensor)
    if isinstance(other, ndarray):
        # The array stays the caller's, who may change it without our knowledge: the graph gets its
        # own copy.
        kept = modes.grad and tensor.requires_grad
        converted = attach(other.astype(dtypes.as_dtype(other.dtype), copy=kept), None)
        pair = (tensor, converted) if isinstance(a, Tensor) else (converted, tensor)
        left, right = promoted(p, *pair)
        return left, right
    raise TypeError(
        f"{p.name}: unsupported operand of type {type(other).__name__}; expected a Tensor, a NumPy "
        f"array or a real number. {_advice(other)}"
    )


def _advice(operand: Any) -> str:
    """Say what to do with an operand that is none."""
    if hasattr(operand, "indices") and hasattr(operand, "values"):
        return "With a dimension, max and min return values and indices: use its .values, or amax"
    if callable(operand):
        return f"Is {getattr(operand, '__name__', 'it')} to be called, with parentheses?"
    return "Convert it with cr.tensor(...)"


def representable(name: str, number: Any, dtype: Any) -> Any:
    """Return a number, or raise if a dtype cannot hold it."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not limits.min <= number <= limits.max:
            raise RuntimeError(
                f"value cannot be converted to type {dtype} without overflow: {name} got {number}, "
                f"and {dtype} holds {limits.min} to {limits.max}. Use a wider type, for example "
                "cr.int64"
            )
    return number


def _integer(p: Primitive, number: Any, dtype: Any) -> Array:
    return np.array(representable(p.name, number, dtype), dtype)


def promoted(p: Primitive, *operands: Any) -> list[Any]:
    """Return the operands converted to the dtype that PyTorch's promotion gives them."""
    arrays = [o._array if isinstance(o, Tensor) else o for o in operands if o is not None]
    dtype = dtypes.result_type(*arrays)
    if p.floating and dtype.kind != "f":
        dtype = dtypes.get_default_dtype()
    result = []
    for operand in operands:
        if isinstance(operand, Tensor) and operand._array.dtype is not dtype:
            operand = operand.to(dtype)
            if operand._array.dtype is not dtype:  # a dtype object other than NumPy's singleton
                operand = attach(operand._array.view(dtype), operand._node)
        result.append(operand)
    return result


def operand_error(p: Primitive, arrays: Sequence[Any], error: ValueError) -> Exception:
    """Turn NumPy's complaint about shapes into PyTorch's, about the first two that do not fit."""
    for k, b in enumerate(arrays):
        for a in arrays[:k]:
            found = shape_error(p, a, b, error)
            if found is not error:
                return found
    return error


def shape_error(p: Primitive, a: Any, b: Any, error: ValueError) -> Exception:
    """Turn NumPy's complaint about two shapes into PyTorch's, with what to do."""
    shape_a, shape_b = np.shape(a), np.shape(b)
    try:
        np.broadcast_shapes(shape_a, shape_b)
    except ValueError:
        pass
    else:
        return error
    n = min(len(shape_a), len(shape_b))
    dim = next(
        d
        for d in range(1, n + 1)
        if shape_a[-d] != shape_b[-d] and 1 not in (shape_a[-d], shape_b[-d])
    )
    return RuntimeError(
        f"The size of tensor a ({shape_a[-dim]}) must match the size of tensor b ({shape_b[-dim]}) "
        f"at non-singleton dimension {max(len(shape_a), len(shape_b)) - dim}: {p.name} of shapes "
        f"{list(shape_a)} and {list(shape_b)}. Sizes must be equal or 1; reshape, transpose or "
        "unsqueeze one of the operands"
    )


def agree_all(p: Primitive, values: Sequence[Any]) -> Sequence[Any]:
    """Return the operands of any operation converted to the dtype it computes in.

    A condition keeps its dtype; numbers next to tensors become arrays.
    """
    names = p.input_names(len(values))
    weighed = [v for v, name in zip(values, names, strict=True) if name != "condition"]
    found = {getattr(v, "dtype", None) for v in weighed}
    if len(found) == 1 and None not in found:
        return values
    dtype = dtypes.result_type(*(v._array if isinstance(v, Tensor) else v for v in weighed))
    if p.floating and dtype.kind != "f":
        dtype = dtypes.get_default_dtype()
    return [
        value if name == "condition" else _converted(p, value, dtype)
        for value, name in zip(values, names, strict=True)
    ]


def lift(p: Primitive, values: Sequence[Any]) -> tuple[list[Any], list[Node | None], bool]:
    """Return the arrays and nodes of operands of one dtype, and whether to record."""
    arrays: list[Any] = []
    nodes: list[Node | None] = []
    for value in values:
        if isinstance(value, Tensor):
            arrays.append(value._array)
            nodes.append(value._node if value._base is None else rewired(value))
        else:
            arrays.append(value)
            nodes.append(None)
    if p.floating:
        arrays = [
            a.astype(dtypes.get_default_dtype())
            if isinstance(a, ndarray) and a.dtype.kind in "iub"
            else a
            for a in arrays
        ]
    recording = any(n is not None for n in nodes) and modes.grad and bool(p.rules)
    return arrays, nodes, recording


def _converted(p: Primitive, value: Any, dtype: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value._array.dtype is dtype else value.to(dtype)
    if isinstance(value, ndarray):
        return value.astype(dtype, copy=False)
    return _integer(p, value, dtype) if dtype.kind != "f" else np.array(value, dtype)


def refuse_bools(p: Primitive, values: Sequence[Any]) -> None:
    """Raise if an operation that has no meaning for bools is given one."""
    for value in values:
        if isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b":
            raise RuntimeError(p.refuses_bools)
