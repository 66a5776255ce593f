"""Making tensors: from data, and filled. (Ranges are in `ranges`, random ones in `random`.)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule import dtypes
from chainrule.devices import check_device as check_device
from chainrule.graph import leaf
from chainrule.operands import representable
from chainrule.ops.shape import given_shape
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "zeros",
    "zeros_like",
]


def to_array(data: Any, dtype: Any = None, *, copy: bool = True) -> ndarray[Any, Any]:
    """Return data as an array of a supported dtype; Python floats become the default dtype."""
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if hasattr(data, "_array"):
        data = data._array
    if isinstance(data, ndarray | np.generic):
        kind = dtypes.as_dtype(data.dtype) if wanted is None else wanted
        array = np.array(data, kind) if copy else np.asarray(data, kind)
        # NumPy keeps its other names of one type (longlong for int64).
        return array if array.dtype is kind else array.view(kind)
    if hasattr(data, "__array__") and not isinstance(data, Sequence):
        return to_array(np.asarray(data), dtype)
    try:
        array = np.asarray(_plain(data))
    except ValueError as error:
        raise ValueError(
            f"expected a sequence of equal lengths, got a ragged one ({error}); pad the rows or "
            "keep them as separate tensors"
        ) from None
    if array.dtype == object or array.dtype.kind not in "biuf":
        raise TypeError(
            f"cannot make a tensor of {type(data).__name__} {data!r:.60}: expected numbers, nested "
            "sequences of numbers, or an array"
        )
    if wanted is None:
        wanted = (
            dtypes.get_default_dtype()
            if array.dtype == np.float64 and _has_python_floats(data)
            else array.dtype
        )
        if array.size == 0 and array.dtype == np.float64:
            wanted = dtypes.get_default_dtype()
    wanted = dtypes.as_dtype(wanted)
    if array.size and wanted.kind in "iu" and array.dtype is not wanted:
        for extreme in (array.min(), array.max()):
            representable("tensor", extreme, wanted)
    return np.asarray(array, wanted)


def _plain(data: Any) -> Any:
    """Replace tensors inside nested sequences by their arrays."""
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    array = getattr(data, "_array", None)
    return data if array is None else array


def _has_python_floats(data: Any) -> bool:
    while isinstance(data, Sequence) and len(data):
        data = data[0]
    return not isinstance(data, ndarray | np.generic)


def _made(array: ndarray[Any, Any], requires_grad: bool = False) -> Tensor:
    """Return an array as a tensor, a leaf if it requires grad."""
    tensor = attach(array, None)
    if requires_grad:
        tensor.requires_grad_()
    return tensor


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Make a tensor from numbers, nested sequences or an array; the data is copied.

    Args:
        data: what to hold. Python floats become the default dtype (float32), Python integers
            int64; arrays and tensors keep their dtype.
        dtype: the dtype to convert to.
        requires_grad: record what is computed from it.
        device: only ``"cpu"``.

    Raises:
        TypeError: for data that is not numeric.
        ValueError: for rows of different lengths.

    >>> import chainrule as cr
    >>> cr.tensor([[1, 2], [3, 4]], dtype=cr.float64)
    tensor([[1., 2.],
            [3., 4.]], dtype=float64)
    """
    check_device(device)
    array = to_array(data, dtype)
    if requires_grad and array.dtype.kind != "f":
        raise _only_floats(array.dtype)
    return _made(array, requires_grad)


def _only_floats(dtype: Any) -> RuntimeError:
    return RuntimeError(
        f"Only Tensors of floating point dtype can require gradients, got {dtype}; write the data "
        "as floats (1.0 for 1), or pass dtype=cr.float32"
    )


def require_grad(tensor: Tensor) -> None:
    """Make a tensor a leaf of the graphs that follow."""
    if tensor._array.dtype.kind != "f":
        raise _only_floats(tensor._array.dtype)
    tensor._node = leaf(tensor)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return data as a tensor, sharing memory with an array and returning a tensor as it is.

    >>> import chainrule as cr, numpy as np
    >>> a = np.zeros(2)
    >>> t = cr.as_tensor(a)
    >>> a[0] = 5.0
    >>> t
    tensor([5., 0.], dtype=float64)
    """
    check_device(device)
    if hasattr(data, "_array"):
        return data if dtype is None else data.to(dtype)  # type: ignore[no-any-return]
    return attach(to_array(data, dtype, copy=False), None)


def from_numpy(array: ndarray[Any, Any]) -> Tensor:
    """Return a tensor that shares the array's memory.

    >>> import chainrule as cr, numpy as np
    >>> cr.from_numpy(np.arange(3.0)).dtype
    dtype('float64')
    """
    if not isinstance(array, ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__}); use cr.tensor(...)")
    dtype = dtypes.as_dtype(array.dtype)
    if not array.dtype.isnative:
        raise ValueError(
            f"given numpy array has byte order different from the native byte order ({array.dtype})"
            ", so its memory cannot be shared; use cr.tensor(array), which converts a copy"
        )
    return attach(array if array.dtype is dtype else array.view(dtype), None)


def _filled(
    make: Any, size: tuple[Any, ...], dtype: Any, requires_grad: bool, device: Any
) -> Tensor:
    check_device(device)
    shape = given_shape(size)
    if min(shape, default=0) < 0:
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}"
        )
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    return _made(make(shape, kind), requires_grad)


def _sizes(sizes: tuple[Any, ...], size: Any) -> tuple[Any, ...]:
    """Accept a shape as arguments or under its name."""
    if size is None:
        return sizes
    if sizes:
        raise TypeError("the shape was given twice: as arguments and as size=")
    return (size,)


def zeros(
    *sizes: Any,
    size: Any = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return zeros of the given shape.

    >>> import chainrule as cr
    >>> cr.zeros(2)
    tensor([0., 0.])
    """
    return _filled(np.zeros, _sizes(sizes, size), dtype, requires_grad, device)


def ones(
    *sizes: Any,
    size: Any = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return ones of the given shape.

    >>> import chainrule as cr
    >>> cr.ones(1, 2)
    tensor([[1., 1.]])
    """
    return _filled(np.ones, _sizes(sizes, size), dtype, requires_grad, device)


def empty(
    *sizes: Any,
    size: Any = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return a tensor of the given shape whose values are not set.

    >>> import chainrule as cr
    >>> cr.empty(2, 3).shape
    chainrule.Size([2, 3])
    """
    return _filled(np.empty, _sizes(sizes, size), dtype, requires_grad, device)


def full(
    size: Sequence[int],
    fill_value: Any,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return a tensor filled with a number, whose type gives the dtype.

    >>> import chainrule as cr
    >>> cr.full((2,), 7)
    tensor([7, 7])
    """
    if dtype is None:
        dtype = dtypes.result_type(fill_value)
    return _filled(_full_of(fill_value), (size,), dtype, requires_grad, device)


def _full_of(value: Any) -> Any:
    return lambda shape, dtype: np.full(shape, representable("full", value, dtype), dtype)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return the n×n (or n×m) matrix with ones on the diagonal.

    >>> import chainrule as cr
    >>> cr.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    make = lambda shape, t: np.eye(*shape, dtype=t)
    return _filled(make, (n, n if m is None else m), dtype, requires_grad, device)


def scalar_tensor(
    value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Return a number as a 0-d tensor, of the default dtype unless another is given.

    >>> import chainrule as cr
    >>> cr.scalar_tensor(3)
    tensor(3.)
    """
    return full(
        (), value, dtypes.get_default_dtype() if dtype is None else dtype, requires_grad, device
    )


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return data as a tensor, sharing memory where it can.

    Args:
        obj: a tensor, an array, numbers or nested sequences of them.
        dtype: the dtype to convert to.
        device: only ``"cpu"``.
        copy: True copies in any case; False raises ``ValueError`` where that would be necessary.
        requires_grad: record what is computed from it.

    >>> import chainrule as cr
    >>> cr.asarray([1.0, 2.0])
    tensor([1., 2.])
    """
    result = as_tensor(obj, dtype, device)
    source = getattr(obj, "_array", obj)
    shared = isinstance(source, ndarray) and np.may_share_memory(source, result._array)
    if copy is False and not shared:
        raise ValueError(
            f"can't alias tensor with dtype {result._array.dtype}: asarray(copy=False) got "
            f"{type(obj).__name__}, whose memory cannot be shared"
        )
    if copy and shared:
        result = result.clone()
    return result.requires_grad_() if requires_grad and result._node is None else result


def _like(make: Any, input: Tensor, dtype: Any, requires_grad: bool, device: Any = None) -> Tensor:
    kind = input._array.dtype if dtype is None else dtype
    return _filled(make, (input._array.shape,), kind, requires_grad, device)


def zeros_like(
    input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Return zeros of the shape and dtype of ``input``.

    >>> import chainrule as cr
    >>> cr.zeros_like(cr.tensor([1.0, 2.0]))
    tensor([0., 0.])
    """
    return _like(np.zeros, input, dtype, requires_grad, device)


def ones_like(
    input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Return ones of the shape and dtype of ``input``.

    >>> import chainrule as cr
    >>> cr.ones_like(cr.tensor([1, 2]))
    tensor([1, 1])
    """
    return _like(np.ones, input, dtype, requires_grad, device)


def empty_like(
    input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Return a tensor like ``input`` whose values are not set.

    >>> import chainrule as cr
    >>> cr.empty_like(cr.zeros(2, 2)).shape
    chainrule.Size([2, 2])
    """
    return _like(np.empty, input, dtype, requires_grad, device)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Return a tensor like ``input`` filled with a number.

    >>> import chainrule as cr
    >>> cr.full_like(cr.zeros(2), 3.0)
    tensor([3., 3.])
    """
    return _like(_full_of(fill_value), input, dtype, requires_grad, device)
