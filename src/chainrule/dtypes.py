"""Data types: PyTorch's names for NumPy's types, the default type, and PyTorch's promotion."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
from numpy import ndarray

__all__ = [
    "bool",
    "double",
    "dtype",
    "float",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "half",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "long",
    "promote_types",
    "set_default_dtype",
    "short",
    "uint8",
]

dtype = np.dtype
float16 = half = np.dtype("float16")
float32 = float = np.dtype("float32")
float64 = double = np.dtype("float64")
int8 = np.dtype("int8")
int16 = short = np.dtype("int16")
int32 = int = np.dtype("int32")
int64 = long = np.dtype("int64")
uint8 = np.dtype("uint8")
bool = np.dtype("bool")

DType = np.dtype[Any]
SUPPORTED: set[DType] = {float16, float32, float64, int8, int16, int32, int64, uint8, bool}
_SINGLETONS: dict[DType, DType] = {dtype: dtype for dtype in SUPPORTED}
_default = float32


def get_default_dtype() -> DType:
    """Return the dtype that Python floats become: ``float32`` unless changed.

    >>> import chainrule as cr
    >>> cr.get_default_dtype()
    dtype('float32')
    """
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats become; it must be a floating type.

    >>> import chainrule as cr
    >>> cr.set_default_dtype(cr.float64)
    >>> cr.tensor([1.0]).dtype
    dtype('float64')
    >>> cr.set_default_dtype(cr.float32)
    """
    global _default
    dtype = as_dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"only floating-point types are supported as the default type, got {dtype}")
    _default = dtype


def as_dtype(dtype: Any) -> DType:
    """Normalise a dtype given as ``cr.float32``, ``np.float32``, ``"float32"`` or ``float``.

    Python's ``float`` means the default dtype, as in PyTorch.
    """
    if isinstance(dtype, np.dtype):
        known = _SINGLETONS.get(dtype)
        if known is not None:
            return known
    if dtype is builtins.float:
        return _default
    try:
        result = np.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"{dtype!r} is not a dtype; use for example cr.float32, cr.int64 or cr.bool"
        ) from None
    # Native byte order and NumPy's singleton, so that hot paths can compare with `is`.
    native = _SINGLETONS.get(result.newbyteorder("="))
    if native is None:
        names = ", ".join(sorted(t.name for t in SUPPORTED))
        raise TypeError(
            f"dtype {result} is not supported; supported are {names}. "
            "Convert the data first, for example with array.astype('float32')"
        )
    return native


_TORCH_NAMES = {
    bool: "Bool",
    uint8: "Byte",
    int8: "Char",
    int16: "Short",
    int32: "Int",
    int64: "Long",
    float16: "Half",
    float32: "Float",
    float64: "Double",
}


def torch_name(dtype: DType) -> str:
    """Return PyTorch's name of a dtype in its error messages.

    >>> torch_name(np.dtype("int64"))
    'Long'
    """
    return _TORCH_NAMES.get(dtype, dtype.name)


def of_tensor_type(name: str) -> DType:
    """Return the dtype of one of PyTorch's tensor types, such as ``"torch.FloatTensor"``.

    Raises:
        AttributeError: for a name that is none.

    >>> of_tensor_type("torch.LongTensor")
    dtype('int64')
    """
    for dtype, title in _TORCH_NAMES.items():
        if name.rpartition(".")[2] == f"{title}Tensor":
            return dtype
    raise AttributeError(
        f"{name!r} is not a tensor type; use a dtype such as cr.float32, or the name of a type "
        "such as 'FloatTensor'"
    )


def category(dtype: DType) -> builtins.int:
    """Return 0 for bool, 1 for integers and 2 for floats: the order in which promotion climbs."""
    return 0 if dtype.kind == "b" else 2 if dtype.kind == "f" else 1


def promote_types(a: DType, b: DType) -> DType:
    """Return the smallest dtype that holds both, by PyTorch's table.

    An integer with a float gives that float (NumPy would widen it).

    >>> import chainrule as cr
    >>> cr.promote_types(cr.int64, cr.float16)
    dtype('float16')
    >>> cr.promote_types(cr.uint8, cr.int8)
    dtype('int16')
    """
    if a is b:
        return a
    rank_a, rank_b = category(a), category(b)
    if rank_a == rank_b:
        return np.promote_types(a, b)
    return a if rank_a > rank_b else b


def result_type(*operands: Any) -> DType:
    """Return the dtype of an operation on arrays and Python numbers, as PyTorch decides it.

    Arrays with dimensions outrank 0-d arrays, which outrank Python numbers: an operand of lower
    rank changes the result only when its category (bool < integer < float) is higher.

    Source: PyTorch's tensor attributes, "Type promotion".
    """
    ranked: list[DType | None] = [None, None, None]
    for value in operands:
        if isinstance(value, ndarray):
            rank, dtype = (2 if value.ndim else 1), value.dtype
        elif isinstance(value, builtins.bool):
            rank, dtype = 0, bool
        elif isinstance(value, builtins.int):
            rank, dtype = 0, int64
        else:
            rank, dtype = 0, _default
        known = ranked[rank]
        ranked[rank] = dtype if known is None else promote_types(known, dtype)
    result: DType | None = None
    for dtype_or_none in reversed(ranked):
        if dtype_or_none is None:
            continue
        if result is None:
            result = dtype_or_none
        elif category(dtype_or_none) > category(result):
            result = promote_types(result, dtype_or_none)
    return _default if result is None else result
