"""Conversion to other dtypes, as methods of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import devices, dtypes, layouts
from chainrule.ops import cast
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

# A number is that of a GPU.
_DEVICES = (devices.device, int)


class Conversion:
    """Conversion to other dtypes."""

    __slots__ = ()

    def to(
        self: Any,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        other: Tensor | None = None,
        non_blocking: bool = False,
        copy: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        """Convert to a dtype (or to that of another tensor); the device is always the CPU.

        >>> import chainrule as cr
        >>> cr.ones(1).to("cpu", cr.float64)
        tensor([1.], dtype=float64)
        """
        flags = []
        for argument in args if other is None else (*args, other):
            if isinstance(argument, np.dtype):
                dtype = argument
            elif hasattr(argument, "_array"):
                dtype = argument._array.dtype
            elif isinstance(argument, bool):
                flags.append(argument)
            elif isinstance(argument, _DEVICES) or (
                isinstance(argument, str) and devices.names_a_device(argument)
            ):
                device = argument
            elif argument is not None:
                dtype = argument
        if device is not None:
            devices.check_device(device)
        if memory_format is not None:
            layouts.check_memory_format(memory_format)
        target = self._array.dtype if dtype is None else dtypes.as_dtype(dtype)
        if target is self._array.dtype:
            same: Tensor = self.clone() if copy or flags[1:] == [True] else self
            return same
        if target.kind != "f":
            return attach(self._array.astype(target), None)
        return cast.cast(self, target, self._array.dtype)

    def type(self: Any, dtype: Any = None) -> Any:
        """Return the dtype, or this tensor converted to one; types like `FloatTensor` will do."""
        if isinstance(dtype, str) and dtype.endswith("Tensor"):
            dtype = dtypes.of_tensor_type(dtype)
        return self._array.dtype if dtype is None else self.to(getattr(dtype, "dtype", dtype))

    def astype(self: Any, dtype: Any) -> Tensor:
        """Convert to a dtype: NumPy's name for `to`."""
        return self.to(dtype)  # type: ignore[no-any-return]

    def type_as(self: Any, other: Tensor) -> Tensor:
        """Convert to the dtype of another tensor."""
        return self.to(other._array.dtype)  # type: ignore[no-any-return]

    def float(self: Any) -> Tensor:
        """Convert to float32."""
        return self.to(dtypes.float32)  # type: ignore[no-any-return]

    def double(self: Any) -> Tensor:
        """Convert to float64."""
        return self.to(dtypes.float64)  # type: ignore[no-any-return]

    def half(self: Any) -> Tensor:
        """Convert to float16."""
        return self.to(dtypes.float16)  # type: ignore[no-any-return]

    def int(self: Any) -> Tensor:
        """Convert to int32."""
        return self.to(dtypes.int32)  # type: ignore[no-any-return]

    def long(self: Any) -> Tensor:
        """Convert to int64."""
        return self.to(dtypes.int64)  # type: ignore[no-any-return]

    def short(self: Any) -> Tensor:
        """Convert to int16."""
        return self.to(dtypes.int16)  # type: ignore[no-any-return]

    def char(self: Any) -> Tensor:
        """Convert to int8."""
        return self.to(dtypes.int8)  # type: ignore[no-any-return]

    def byte(self: Any) -> Tensor:
        """Convert to uint8."""
        return self.to(dtypes.uint8)  # type: ignore[no-any-return]

    def bool(self: Any) -> Tensor:
        """Convert to bool: True where not zero."""
        return self.to(dtypes.bool)  # type: ignore[no-any-return]
