"""NumPy's functions that rearrange, join, cut and pick, differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.interop.numpy_table import FUNCTIONS, Function, converted, stands_for, unset
from chainrule.ops import assembly, comparison, indexing, picking, reductions
from chainrule.ops import shape as shapes
from chainrule.ops.creation import as_tensor
from chainrule.ops.shape import normal_dim, permuted, reshaped
from chainrule.primitive import attach
from chainrule.tensor import Tensor

# --- Shape ----------------------------------------------------------------------------------------


@stands_for(np.reshape)
def _reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    if order not in ("C", "A"):
        return NotImplemented
    size = (shape,) if isinstance(shape, int) else tuple(shape)
    return shapes.reshape(as_tensor(a), size)


@stands_for(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    return NotImplemented if order not in ("C", "A") else reshaped(as_tensor(a), (-1,))


@stands_for(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Any:
    x = as_tensor(a)
    return shapes.permute(x, tuple(reversed(range(x._array.ndim))) if axes is None else tuple(axes))


@stands_for(np.matrix_transpose)
def _matrix_transpose(x: Any) -> Any:
    return as_tensor(x).mT


@stands_for(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return shapes.transpose(as_tensor(a), axis1, axis2)


@stands_for(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    x = as_tensor(a)
    n = x._array.ndim
    given = [(v,) if isinstance(v, int) else tuple(v) for v in (source, destination)]
    sources, targets = ([normal_dim("np.moveaxis", d, n) for d in v] for v in given)
    order = [d for d in range(n) if d not in sources]
    for target, d in sorted(zip(targets, sources, strict=True)):
        order.insert(target, d)
    return permuted(x, tuple(order))


@stands_for(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    x = as_tensor(a)
    sizes = x._array.shape
    if axis is not None:
        named = (axis,) if isinstance(axis, int) else tuple(axis)
        for d in named:
            if sizes[normal_dim("np.squeeze", d, len(sizes))] != 1:
                raise ValueError(
                    "cannot select an axis to squeeze out which has size not equal to one: axis "
                    f"{d} of shape {list(sizes)}"
                )
        return shapes.squeeze(x, named)
    return shapes.squeeze(x)


@stands_for(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    x = as_tensor(a)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    n = x._array.ndim + len(axes)
    return shapes.inserted(x, tuple(sorted(normal_dim("np.expand_dims", d, n) for d in axes)))


@stands_for(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return shapes.broadcast_to(as_tensor(array), (shape,) if isinstance(shape, int) else shape)


@stands_for(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    tensors = [as_tensor(a) for a in args]
    shape = np.broadcast_shapes(*(t._array.shape for t in tensors))
    return tuple(shapes.broadcast_to(t, shape) for t in tensors)


def _at_least(name: str, ndim: int) -> Function:
    def widened(*arys: Any) -> Any:
        results = []
        for a in arys:
            x = as_tensor(a)
            shape = x._array.shape
            missing = ndim - len(shape)
            if missing > 0:
                # NumPy puts a vector into the middle of three dimensions.
                after = 1 if ndim == 3 and len(shape) in (1, 2) else 0
                x = reshaped(x, (1,) * (missing - after) + shape + (1,) * after)
            results.append(x)
        return results[0] if len(results) == 1 else tuple(results)

    widened.__name__ = name
    return widened


stands_for(np.atleast_1d)(_at_least("atleast_1d", 1))
stands_for(np.atleast_2d)(_at_least("atleast_2d", 2))
stands_for(np.atleast_3d)(_at_least("atleast_3d", 3))


# --- Assembly and selection -----------------------------------------------------------------------


@stands_for(np.concatenate, np.concat)
def _concatenate(
    arrays: Any, axis: int | None = 0, out: None = None, *, dtype: Any = None,
    casting: str = "same_kind",
) -> Any:  # fmt: skip
    tensors = [converted(a, dtype) for a in arrays]
    if axis is None:
        return assembly.cat([reshaped(t, (-1,)) for t in tensors])
    return assembly.cat(tensors, axis)


@stands_for(np.stack)
def _stack(
    arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None,
    casting: str = "same_kind",
) -> Any:  # fmt: skip
    return assembly.stack([converted(a, dtype) for a in arrays], axis)


@stands_for(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    rows = [FUNCTIONS[np.atleast_2d](converted(a, dtype)) for a in tup]
    return assembly.cat(rows, 0)


@stands_for(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    parts = [FUNCTIONS[np.atleast_1d](converted(a, dtype)) for a in tup]
    return assembly.cat(parts, 0 if parts[0]._array.ndim == 1 else 1)


@stands_for(np.column_stack)
def _column_stack(tup: Any) -> Any:
    parts = [as_tensor(a) for a in tup]
    return assembly.cat([reshaped(p, (-1, 1)) if p._array.ndim < 2 else p for p in parts], 1)


@stands_for(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return _concatenate((arr, values), axis)


@stands_for(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    x = as_tensor(ary)
    d = normal_dim("np.split", axis, x._array.ndim)
    before = (slice(None),) * d
    pieces = np.array_split(np.arange(x._array.shape[d]), indices_or_sections)
    ends = np.cumsum([len(p) for p in pieces])
    return [x[(*before, slice(end - len(p), end))] for p, end in zip(pieces, ends, strict=True)]


@stands_for(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    pieces = _array_split(ary, indices_or_sections, axis)
    if isinstance(indices_or_sections, int) and len({p._array.shape for p in pieces}) > 1:
        raise ValueError(
            f"array split does not result in an equal division: {indices_or_sections} pieces of "
            f"axis {axis} of shape {list(np.shape(ary))}; np.array_split allows unequal ones"
        )
    return pieces


def _taken(x: Tensor, index: Any, axis: int) -> Tensor:
    return indexing.getitem(x, (*(slice(None),) * axis, index))


@stands_for(np.take)
def _take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise"
) -> Any:
    if mode != "raise":
        return NotImplemented
    x = as_tensor(a)
    if axis is None:
        return _taken(reshaped(x, (-1,)), as_tensor(indices), 0)
    return _taken(x, as_tensor(indices), normal_dim("np.take", axis, x._array.ndim))


@stands_for(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    x, index = as_tensor(arr), as_tensor(indices)
    if axis is None:
        return _taken(reshaped(x, (-1,)), index, 0)
    d = normal_dim("np.take_along_axis", axis, x._array.ndim)
    shape = list(np.broadcast_shapes(
        *(tuple(1 if k == d else n for k, n in enumerate(t._array.shape)) for t in (x, index))
    ))  # fmt: skip
    shape[d] = x._array.shape[d]
    x = shapes.broadcast_to(x, shape)
    shape[d] = index._array.shape[d]
    positions = np.broadcast_to(index._array, shape)
    return picking.gather(x, d, attach(np.where(positions < 0, positions + x._array.shape[d],
                                                 positions), None))  # fmt: skip


@stands_for(np.sort)
def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *,
          stable: Any = None) -> Any:  # fmt: skip
    x = as_tensor(a)
    if axis is None:
        x, axis = reshaped(x, (-1,)), 0
    return _take_along_axis(x, np.argsort(x._array, axis, kind="stable"), axis)


@stands_for(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    x = as_tensor(m)
    axes = range(x._array.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    for d in axes:
        d = normal_dim("np.flip", d, x._array.ndim)
        x = _taken(x, np.arange(x._array.shape[d])[::-1], d)
    return x


@stands_for(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    x = as_tensor(a)
    if axis is None:
        return reshaped(_roll(reshaped(x, (-1,)), shift, 0), x._array.shape)
    axes, shifts = np.broadcast_arrays(np.atleast_1d(axis), np.atleast_1d(shift))
    for d, s in zip(axes.tolist(), shifts.tolist(), strict=True):
        d = normal_dim("np.roll", d, x._array.ndim)
        x = _taken(x, np.roll(np.arange(x._array.shape[d]), s), d)
    return x


@stands_for(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    x = as_tensor(a)
    if axis is None:
        x, axis = reshaped(x, (-1,)), 0
    d = normal_dim("np.repeat", axis, x._array.ndim)
    return _taken(x, np.repeat(np.arange(x._array.shape[d]), np.asarray(repeats)), d)


@stands_for(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    x = as_tensor(A)
    counts = (reps,) if isinstance(reps, int) else tuple(reps)
    counts = (1,) * (x._array.ndim - len(counts)) + counts
    x = reshaped(x, (1,) * (len(counts) - x._array.ndim) + x._array.shape)
    for d, count in enumerate(counts):
        x = _taken(x, np.tile(np.arange(x._array.shape[d]), count), d)
    return x


@stands_for(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    x = as_tensor(v)
    if x._array.ndim == 1:
        n = x._array.shape[0] + abs(k)
        rows = np.arange(x._array.shape[0]) + max(-k, 0)
        return indexing.put_at(x, (rows, rows + k), (n, n))
    return _diagonal(x, k)


@stands_for(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = as_tensor(a)
    x = _moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = x._array.shape[-2:]
    first = np.arange(max(0, min(rows + min(offset, 0), columns - max(offset, 0))))
    return indexing.getitem(x, (..., first + max(-offset, 0), first + max(offset, 0)))


@stands_for(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None,
           out: None = None) -> Any:  # fmt: skip
    return reductions.sum(converted(_diagonal(a, offset, axis1, axis2), dtype), -1)


def _triangle(keep: Function) -> Function:
    def triangle(m: Any, k: int = 0) -> Any:
        x = as_tensor(m)
        inside = keep(np.ones(x._array.shape[-2:], bool), k)
        return comparison.masked_fill(x, attach(~inside, None), 0.0)

    return triangle


stands_for(np.tril)(_triangle(np.tril))
stands_for(np.triu)(_triangle(np.triu))


@stands_for(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = unset, append: Any = unset) -> Any:
    x = as_tensor(a)
    d = normal_dim("np.diff", axis, x._array.ndim)
    if prepend is not unset or append is not unset:
        return NotImplemented
    before = (slice(None),) * d
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x
