"""PyTorch's older names of tensors by dtype: `FloatTensor` and its relatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from chainrule import dtypes
from chainrule.ops.creation import empty, tensor
from chainrule.primitive import attach
from chainrule.tensor import Tensor

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "set_default_tensor_type",
]


class TensorType:
    """A dtype as a constructor of tensors: of data, of sizes, or of nothing.

    ``FloatTensor([1, 2])`` holds these numbers, ``FloatTensor(2, 3)`` has this shape and values
    that are not set, ``FloatTensor()`` is empty. ``isinstance(t, FloatTensor)`` tells whether a
    tensor is of the dtype.

    >>> import chainrule as cr
    >>> cr.LongTensor([1, 2]), isinstance(cr.ones(1), cr.FloatTensor)
    (tensor([1, 2]), True)
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self.dtype = dtypes.of_tensor_type(name)

    def __call__(self, *data: Any, device: Any = None) -> Tensor:
        if all(isinstance(n, int) and not isinstance(n, bool) for n in data):
            return empty(*(data or (0,)), dtype=self.dtype, device=device)
        if len(data) != 1:
            raise TypeError(
                f"{self.__name__} expects sizes, or one sequence or array of numbers, got "
                f"{len(data)} arguments"
            )
        (given,) = data
        if isinstance(given, Tensor):
            if given.dtype is not self.dtype:
                raise TypeError(
                    f"{self.__name__} expects a tensor of dtype {self.dtype}, got {given.dtype}; "
                    f"convert it with .to(cr.{self.dtype})"
                )
            return given.detach()
        if not isinstance(given, list | tuple | ndarray):
            raise TypeError(
                f"{self.__name__}: data must be a sequence (got {type(given).__name__}); use "
                "cr.tensor(...) for a number"
            )
        values = np.asarray(tensor(given)._array)
        return attach(values.astype(self.dtype), None)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class 'chainrule.{self.__name__}'>"


BoolTensor = TensorType("BoolTensor")
ByteTensor = TensorType("ByteTensor")
CharTensor = TensorType("CharTensor")
DoubleTensor = TensorType("DoubleTensor")
FloatTensor = TensorType("FloatTensor")
HalfTensor = TensorType("HalfTensor")
IntTensor = TensorType("IntTensor")
LongTensor = TensorType("LongTensor")
ShortTensor = TensorType("ShortTensor")


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by a tensor type: PyTorch's older `set_default_dtype`.

    >>> import chainrule as cr
    >>> cr.set_default_tensor_type(cr.DoubleTensor)
    >>> cr.get_default_dtype()
    dtype('float64')
    >>> cr.set_default_tensor_type("torch.FloatTensor")
    """
    if not isinstance(t, str | TensorType):
        raise TypeError(
            f"invalid type object: {t!r}; expected cr.FloatTensor, cr.DoubleTensor or cr.HalfTensor"
        )
    dtypes.set_default_dtype(dtypes.of_tensor_type(t) if isinstance(t, str) else t.dtype)
