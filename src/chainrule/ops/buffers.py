"""Tensors over given memory, in a given order of memory, and positions in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes
from chainrule.ops.creation import _made, check_device
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["empty_strided", "frombuffer", "unravel_index"]


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """Return a one-dimensional tensor over the memory of a Python buffer, which is shared.

    Args:
        buffer: bytes, a bytearray, a memoryview, an array.array, ...
        dtype: how to read the bytes.
        count: how many elements to read; all that are left if negative.
        offset: how many bytes to pass over first.
        requires_grad: record what is computed from it.

    Raises:
        ValueError: if the bytes do not hold these elements.

    >>> import array, chainrule as cr
    >>> cr.frombuffer(array.array("f", [1.0, 2.0]), dtype=cr.float32)
    tensor([1., 2.])
    """
    kind = dtypes.as_dtype(dtype)
    try:
        length = memoryview(buffer).nbytes
    except TypeError:
        raise ValueError(
            f"object does not implement Python buffer protocol: a {type(buffer).__name__}"
        ) from None
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({length} bytes) minus 1"
        )
    if count > 0 and offset + count * kind.itemsize > length:
        raise ValueError(
            f"requested buffer length ({count} * {kind.itemsize} bytes) after offset ({offset} "
            f"bytes) must not be greater than actual buffer length ({length} bytes)"
        )
    if count < 0 and (length - offset) % kind.itemsize:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({kind.itemsize})"
        )
    array = np.frombuffer(buffer, kind, count, offset)
    return _made(array if array.dtype is kind else array.view(kind), requires_grad)


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return a tensor whose values are not set and whose neighbours lie given elements apart.

    >>> import chainrule as cr
    >>> cr.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    check_device(device)
    if len(size) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
            f"({len(stride)})"
        )
    if any(n < 0 for n in (*size, *stride)):
        raise RuntimeError(
            f"empty_strided: sizes {list(size)} and strides {list(stride)} must not be negative"
        )
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    steps = zip(size, stride, strict=True)
    length = 1 + sum((n - 1) * s for n, s in steps) if all(size) else 0
    memory = np.empty(length, kind)
    array = np.lib.stride_tricks.as_strided(
        memory, tuple(size), tuple(s * kind.itemsize for s in stride)
    )
    return _made(array, requires_grad)


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Return the coordinates, in a tensor of a shape, of positions counted through all of it.

    Args:
        indices: integers of any shape; negative ones count from the end.
        shape: the sizes of the tensor, or the only one.

    Returns:
        Per dimension of ``shape``, a tensor of the shape of ``indices``.

    >>> import chainrule as cr
    >>> cr.unravel_index(cr.tensor([1, 5]), (2, 3))
    (tensor([0, 1]), tensor([1, 2]))
    """
    x = indices._array
    if x.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {x.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    found = []
    rest = x
    for n in reversed(sizes):
        if n == 0:
            raise ValueError(f"unravel_index: no position lies in a tensor of shape {list(sizes)}")
        found.append(attach(np.asarray(rest % n), None))
        rest = rest // n
    return tuple(reversed(found))
