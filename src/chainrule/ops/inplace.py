"""Changing tensors in place, with the graph kept right.

An in-place operation is its out-of-place twin followed by writing the result into the memory of
the target. When gradients flow, the target continues at the twin's node. If the target is a view,
it is its base that was changed: the base continues at a node that puts the new values at the
view's positions, and every view of that base finds its way from there when it is next used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule.graph import Node, mutations, nothing, record
from chainrule.modes import modes
from chainrule.operands import representable, rewired
from chainrule.ops.indexing import (
    basic_item,
    explain_index_error,
    integers_first,
    is_basic,
    normal_index,
    set_at,
)
from chainrule.ops.picking import put_flat, take_flat
from chainrule.ops.shape import broadcast, reshaped
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


def _addresses(array: ndarray[Any, Any]) -> Any:
    address = np.full(array.shape, array.__array_interface__["data"][0], np.int64)
    for d, (n, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        address += (np.arange(n) * stride).reshape((-1,) + (1,) * (array.ndim - d - 1))
    return address


def _positions(view: ndarray[Any, Any], base: ndarray[Any, Any]) -> Any:
    """Return where in ``base``, flattened in C order, each element of ``view`` lies."""
    at = _addresses(base).reshape(-1)
    order = np.argsort(at, kind="stable")
    return order[np.searchsorted(at[order], _addresses(view))]


def reattach(view: Tensor) -> None:
    """Let a view continue at the present node of its base."""
    base = view._base
    assert base is not None
    release(view._node)
    if base._node is None:
        view._node = None
    else:
        saved = (None, None, _positions(view._array, base._array))
        view._node = record(take_flat.primitive, view, (base._node,), saved, view._array.shape)  # type: ignore[attr-defined]
    view._changes = base._changes


def node_of(tensor: Tensor) -> Node | None:
    """Return the node a tensor continues at, its base's changes taken into account."""
    return tensor._node if tensor._base is None else rewired(tensor)


def _refuse_leaves(name: str, target: Tensor) -> None:
    node, base = target._node, target._base
    if node is not None and node.primitive is None:
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation ({name}). "
            "Do it inside `with cr.no_grad():` if it updates a parameter, else use the "
            "out-of-place form"
        )
    if base is not None and base._node is not None and base._node.primitive is None:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation "
            f"({name}). Do it inside `with cr.no_grad():` if it updates a parameter, else work on "
            "a clone()"
        )


def _records(target: Tensor, *others: Any) -> bool:
    return modes.grad and (
        target._silent
        or node_of(target) is not None
        or any(hasattr(o, "_array") and node_of(o) is not None for o in others)
    )


def change(name: str, operation: Callable[..., Tensor], target: Tensor, *others: Any) -> Tensor:
    """Replace the values of ``target`` by ``operation(target, *others)`` and return it.

    Raises:
        RuntimeError: for a leaf that requires grad outside `no_grad`, for a result of another
            shape or of a dtype the target cannot hold, and for expanded memory.
    """
    array = target._array
    recording = _records(target, *others)
    if recording:
        _refuse_leaves(name, target)
        if target._silent:
            raise RuntimeError(
                "A view was created in no_grad mode and is being modified inplace with grad mode "
                f"enabled ({name}), where the gradient of its base would become wrong. Move both "
                "inside no_grad, or both outside, or work on a clone()"
            )
        before = attach(array.copy(), node_of(target))
    else:
        before = attach(array, None)
    result = operation(before, *others)
    _store(name, target, result)
    if recording:
        _continue_at(target, result)
    return target


def change_directly(
    name: str,
    operation: Callable[..., Tensor],
    directly: Callable[[ndarray[Any, Any]], None],
    target: Tensor,
    *others: Any,
) -> Tensor:
    """Do what `change` does, without a copy where nothing is recorded.

    Args:
        name: the in-place operation's name.
        operation: its out-of-place twin, called with the target and the others.
        directly: makes the same change to the target's array.
        target: what is changed.
        *others: the tensors that the change depends on.
    """
    if _records(target, *others):
        return change(name, operation, target, *others)
    _make_writable(name, target)
    directly(target._array)
    mutations.mark(target._array)
    return target


def _store(name: str, target: Tensor, result: Tensor) -> None:
    array, value = target._array, result._array
    if value.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape "
            f"{list(value.shape)}: {name} cannot change the shape of its target; use the "
            "out-of-place form"
        )
    if not np.can_cast(value.dtype, array.dtype, "same_kind"):
        raise RuntimeError(
            f"result type {value.dtype} can't be cast to the desired output type {array.dtype}: "
            f"{name} keeps the dtype of its target; convert the target first or use the "
            "out-of-place form"
        )
    _make_writable(name, target)
    np.copyto(array, value, casting="same_kind")
    mutations.mark(array)


def _overlaps(array: ndarray[Any, Any]) -> bool:
    """Tell whether several elements may lie at one place in memory, as expanded ones do."""
    if array.flags.c_contiguous or array.size == 0:
        return False
    reach = 0
    for stride, n in sorted(zip(array.strides, array.shape, strict=True)):
        if n > 1:
            if stride <= reach:
                return True
            reach += stride * (n - 1)
    return False


def _make_writable(name: str, target: Tensor) -> None:
    """Raise unless each element of the target can be written."""
    array = target._array
    if _overlaps(array):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            f"single memory location. Please clone() the tensor before performing {name}"
        )
    if not array.flags.writeable:
        if target._base is not None and target._base._array.flags.writeable:
            array.setflags(write=True)  # part of an expanded tensor, without repeated elements
        else:
            raise RuntimeError(f"{name}: the tensor's memory is read-only; work on a clone()")


def _continue_at(target: Tensor, result: Tensor) -> None:
    node = result._node
    if result._array.dtype is not target._array.dtype:
        node = result.to(target._array.dtype)._node
    base = target._base
    if base is None:
        release(target._node)
        target._node = node
        target._changes += 1
        if node is not None:
            adopt(target, node)
        return
    old = base._node
    release(old)
    if old is not None or node is not None:
        constants = (
            None if base_node else array
            for base_node, array in ((old, base._array), (node, result._array))
        )
        positions = _positions(target._array, base._array)
        saved = (*constants, None, positions)
        base._node = record(put_flat.primitive, base, (old, node), saved, base._array.shape)  # type: ignore[attr-defined]
    base._changes += 1
    reattach(target)


def rearrange(name: str, operation: Callable[..., Tensor], target: Tensor, *args: Any) -> Tensor:
    """Give ``target`` the shape that a view of it has, and return it.

    Args:
        name: the in-place operation's name.
        operation: a function that returns a view of its first argument.
        target: what is changed.
        *args: the function's other arguments.
    """
    node = node_of(target)
    if modes.grad:
        _refuse_leaves(name, target)
    elif node is not None and node.primitive is None:
        array = operation(attach(target._array, None), *args)._array
        target._array, node.shape, node.saved = array, array.shape, (array,)
        return target
    recording = modes.grad
    # The values stay what they are, so their graph goes on also where nothing is recorded.
    modes.grad = True
    try:
        result = operation(target, *args)
    finally:
        modes.grad = recording
    if result is not target:
        release(node)
        target._array, target._node = result._array, result._node
        if target._node is not None:
            adopt(target, target._node)
    return target


def release(node: Node | None) -> None:
    """Let a node's gradient go to no tensor: its value was replaced, its gradient is another's."""
    if node is not None:
        node.output = nothing


def adopt(target: Tensor, node: Node) -> None:
    """Make ``target`` the tensor that a node's gradient is delivered to."""
    import weakref

    node.output = weakref.ref(target)


def setitem(target: Tensor, index: Any, value: Any, name: str = "__setitem__") -> None:
    """Replace the elements at an index, as ``target[index] = value`` does."""
    array = target._array
    normal = normal_index(index, array.shape)
    split = integers_first(normal)
    if split is not None:
        try:
            part = basic_item(target, split[0])
        except IndexError as error:
            raise explain_index_error(error, array.shape, normal) from None
        setitem(part, split[1], value, name)
        return
    if hasattr(value, "_array"):
        if value._array.dtype is not array.dtype:
            value = value.to(array.dtype)
    else:
        from chainrule.ops.creation import to_array

        if isinstance(value, int | float):
            representable(name, value, array.dtype)
        else:
            value = to_array(value)
        value = attach(np.asarray(value, array.dtype), None)
    value = fitted_value(array, normal, value)
    if _overlaps(array) and is_basic(normal):
        part = basic_item(target, normal)
        replace(name, part, broadcast(value, part._array.shape))
    elif _records(target, value):
        change(name, lambda before, v: set_at(before, v, normal), target, value)
    else:
        _make_writable(name, target)
        array[normal] = value._array
        mutations.mark(array)


def replace(name: str, target: Tensor, value: Tensor) -> Tensor:
    """Replace all values of ``target`` by those of a tensor of its shape and dtype.

    What the target was computed from still gets a gradient, of zeros, as in PyTorch.
    """
    if value._array.shape != target._array.shape:
        return change(name, lambda _, v: v, target, value)  # which refuses the shape
    if not _records(target, value):
        _make_writable(name, target)
        np.copyto(target._array, value._array)
        mutations.mark(target._array)
        return target
    return change(name, lambda before, v: set_at(before, v, ...), target, value)


def fitted_value(array: Any, index: Any, value: Tensor) -> Tensor:
    """Return the value without surplus leading dimensions of size 1, or refuse its shape."""
    try:
        wanted = np.broadcast_to(np.empty((), bool), array.shape)[index].shape
    except IndexError as error:
        raise explain_index_error(error, array.shape, index) from None
    shape = value._array.shape
    core = shape
    while len(core) > len(wanted) and core[0] == 1:
        core = core[1:]
    try:
        fits = np.broadcast_shapes(wanted, core) == wanted
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(shape)} cannot be broadcast to "
            f"indexing result of shape {list(wanted)}"
        )
    return value if core == shape else reshaped(value, core)
