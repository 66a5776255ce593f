"""NumPy's linear algebra, scans and windows, differentiable."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from chainrule.interop.numpy_table import Function, as_floats, converted, stands_for, unset
from chainrule.ops.creation import as_tensor
from chainrule.ops.shape import normal_dim, permuted, reshaped


def _ours(name: str) -> Function:
    """Return a function of chainrule; its family is loaded only when it is called."""
    room, _, own = name.rpartition(".")
    module = importlib.import_module(f"chainrule.{room}" if room else "chainrule")
    return getattr(module, own)  # type: ignore[no-any-return]


# --- Matrices -------------------------------------------------------------------------------------


def _of_matrices(name: str) -> Function:
    def function(a: Any, *more: Any) -> Any:
        return _ours(name)(as_floats(a, None), *(as_floats(b, None) for b in more))

    return function


for _name in ("det", "inv", "eigvalsh", "svdvals", "slogdet"):
    stands_for(getattr(np.linalg, _name))(_of_matrices(f"linalg.{_name}"))


@stands_for(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    x, y = as_floats(a, None), as_floats(b, None)
    if y._array.ndim == 1:
        # NumPy takes one dimension alone for a vector, PyTorch also a stack of vectors.
        return _ours("linalg.solve")(x, reshaped(y, (-1, 1))).squeeze(-1)
    return _ours("linalg.solve")(x, y)


@stands_for(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return _ours("linalg.cholesky")(as_floats(a, None), upper=upper)


@stands_for(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    return _ours("linalg.eigh")(as_floats(a, None), UPLO)


@stands_for(np.linalg.svd)
def _svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        return NotImplemented
    x = as_floats(a, None)
    return _ours("linalg.svd")(x, full_matrices) if compute_uv else _ours("linalg.svdvals")(x)


@stands_for(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete"):
        return NotImplemented
    return _ours("linalg.qr")(as_floats(a, None), mode)


@stands_for(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = unset) -> Any:
    if hermitian or rcond is not None or rtol is not unset:
        return NotImplemented
    return _ours("linalg.pinv")(as_floats(a, None), rtol=1e-15)


@stands_for(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    return _ours("linalg.matrix_power")(as_floats(a, None), n)


@stands_for(np.kron)
def _kron(a: Any, b: Any) -> Any:
    return _ours("kron")(as_tensor(a), as_tensor(b))


# --- Scans ----------------------------------------------------------------------------------------


def _scan(name: str) -> Function:
    def scan(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
        x = converted(a, dtype)
        if axis is None:
            x, axis = reshaped(x, (-1,)), 0
        return _ours(name)(x, axis)

    return scan


stands_for(np.cumsum)(_scan("cumsum"))
stands_for(np.cumprod)(_scan("cumprod"))


@stands_for(np.prod)
def _prod(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = unset, where: Any = unset,
) -> Any:  # fmt: skip
    if initial is not unset or where is not unset or isinstance(axis, tuple):
        return NotImplemented
    x = converted(a, dtype)
    if axis is None:
        y = _ours("prod")(x)
        return reshaped(y, (1,) * x._array.ndim) if keepdims else y
    return _ours("prod")(x, axis, keepdims)


@stands_for(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if x is None:
        return _ours("trapezoid")(as_tensor(y), dx=dx, dim=axis)
    return _ours("trapezoid")(as_tensor(y), as_tensor(x), dim=axis)


# --- Windows --------------------------------------------------------------------------------------


@stands_for(np.lib.stride_tricks.sliding_window_view)
def _windows(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    t = as_tensor(x)
    sizes = (window_shape,) if isinstance(window_shape, int) else tuple(window_shape)
    ndim = t._array.ndim
    if axis is None:
        axes = tuple(range(ndim))
    else:
        given = (axis,) if isinstance(axis, int) else tuple(axis)
        axes = tuple(normal_dim("np.sliding_window_view", d, ndim) for d in given)
    if len(axes) != len(sizes):
        raise ValueError(
            f"sliding_window_view: {len(sizes)} window sizes for {len(axes)} axes; "
            "give one for each"
        )
    for d, size in zip(axes, sizes, strict=True):
        t = t.unfold(d, size, 1)
    return t


@stands_for(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    x, w = as_tensor(a), as_tensor(v)
    if w._array.size > x._array.size:
        x, w = w, x
    k = w._array.size
    if not k or mode not in ("full", "same", "valid"):
        return NotImplemented
    before = {"full": k - 1, "same": k - 1 - (k - 1) // 2, "valid": 0}[mode]
    after = {"full": k - 1, "same": (k - 1) // 2, "valid": 0}[mode]
    padded = _ours("nn.functional.pad")(x, (before, after))
    windows = padded.unfold(0, k, 1)
    return windows @ w.flip(0)


@stands_for(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    value = options.pop("constant_values", 0)
    if mode != "constant" or options or not isinstance(value, int | float):
        return NotImplemented
    x = as_tensor(array)
    widths = np.broadcast_to(np.asarray(pad_width), (x._array.ndim, 2)).tolist()
    flat = [n for pair in reversed(widths) for n in pair]
    return _ours("nn.functional.pad")(x, flat, value=value)


@stands_for(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    x = as_tensor(a)
    ndim = x._array.ndim
    axis = normal_dim("np.rollaxis", axis, ndim)
    start = start + ndim if start < 0 else start
    order = [d for d in range(ndim) if d != axis]
    order.insert(start - 1 if axis < start else start, axis)
    return permuted(x, tuple(order))
