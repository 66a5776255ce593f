"""Operations of the derivative table that PyTorch has under no name, in terms of what it has."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]


def adjoint(linear: Function, x: Any, shape: Any) -> Any:
    """Return what the transpose of a linear map, defined on tensors of a shape, makes of x."""
    import torch

    at = torch.zeros(tuple(shape), dtype=x.dtype, requires_grad=True)
    return torch.autograd.grad(linear(at), at, x, create_graph=True)[0]


def indices(index: Any) -> Any:
    """Return positions as PyTorch takes them."""
    import torch

    return torch.from_numpy(np.array(index, np.int64))


def as_index(index: Any) -> Any:
    """Return an index of integers and masks as PyTorch takes it."""
    import torch

    parts = index if isinstance(index, tuple) else (index,)
    return tuple(
        torch.from_numpy(np.array(p)) if isinstance(p, np.ndarray | np.generic) else p
        for p in parts
    )


def over(x: Any, dim: Any) -> Any:
    """Return all dimensions where none is given."""
    return tuple(range(x.ndim)) if dim is None else dim


def reduced(terms: Any, divisor: float) -> Any:
    """Return a loss per element, or its sum by a divisor."""
    return terms if divisor == 0 else terms.sum() / divisor


def slices(x: Any, index: Any) -> Any:
    """Index with slices whose steps may be negative, which PyTorch's may not."""
    parts = list(index) if isinstance(index, tuple) else [index]
    used = sum(p is not None and p is not Ellipsis for p in parts)
    d = 0
    for k, part in enumerate(parts):
        if part is Ellipsis:
            d += x.ndim - used
            continue
        if part is None:
            continue
        if isinstance(part, slice) and part.step is not None and part.step < 0:
            x = x.index_select(d, indices(np.arange(x.shape[d])[part]))
            parts[k] = slice(None)
        d += 1
    return x[tuple(parts)]


def replaced(x: Any, value: Any, index: Any) -> Any:
    """Return x with values at an index."""
    return x.clone().index_put(places(x.shape, index), value.expand(x[index].shape))


def places(shape: Any, index: Any) -> Any:
    """Return any NumPy index as PyTorch's index tensors, one for each dimension."""
    numbers = np.arange(math.prod(shape)).reshape(tuple(shape))[index]
    return tuple(map(indices, np.unravel_index(numbers, tuple(shape))))


def put(x: Any, value: Any, positions: Any) -> Any:
    """Return x with values at positions of its elements in order."""
    flat = x.reshape(-1).index_put((indices(positions).reshape(-1),), value.reshape(-1))
    return flat.reshape(x.shape)


def pick(x: Any, index: Any, dim: int, keepdim: bool) -> Any:
    """Return one element along a dimension for each place."""
    y = x.gather(dim, indices(index))
    return y if keepdim else y.squeeze(dim)


def spatial(x: Any, index: Any) -> Any:
    """Return elements at positions of each channel's plane."""
    at = indices(index)
    return x.flatten(2).gather(2, at.flatten(2)).reshape(at.shape)


def either_way(function: Function) -> Function:
    """Return a scan that can run from the end, too."""

    def scan(x: Any, dim: int, reverse: bool) -> Any:
        return function(x.flip(dim), dim).flip(dim) if reverse else function(x, dim)

    return scan


def recurrence(b: Any, a: Any, dim: int, reverse: bool) -> Any:
    """Return y with yₖ = bₖ + aₖ yₖ₋₁ along a dimension."""
    import torch

    pairs = list(zip(b.unbind(dim), a.unbind(dim), strict=True))
    found: list[Any] = []
    for value, factor in reversed(pairs) if reverse else pairs:
        found.append(value + factor * found[-1] if found else value)
    return torch.stack(found[::-1] if reverse else found, dim) if found else b


def shift(x: Any, dim: int, by: int, fill: float) -> Any:
    """Return x moved along a dimension, the places left behind filled."""
    import torch

    n = x.shape[dim]
    by = max(-n, min(by, n))
    filling = torch.full_like(x.narrow(dim, 0, abs(by)), fill)
    parts = [filling, x.narrow(dim, 0, n - by)] if by > 0 else [x.narrow(dim, -by, n + by), filling]
    return torch.cat(parts, dim)


def products_of_others(x: Any, dims: Any) -> Any:
    """Return, for each element, the product of the others along a dimension."""
    import torch

    row = x.reshape(1, -1) if dims is None else x.movedim(dims[0], -1)
    n = row.shape[-1]
    others = torch.where(torch.eye(n, dtype=torch.bool), 1.0, row.unsqueeze(-2)).prod(-1)
    return others.reshape(x.shape) if dims is None else others.movedim(-1, dims[0])


def cumulative_product_gradient(v: Any, x: Any, dim: int, reverse: bool) -> Any:
    """Return the gradient of a cumulative product."""
    import torch

    return torch.autograd.functional.vjp(
        lambda at: either_way(torch.cumprod)(at, dim, reverse), x, v, create_graph=True
    )[1]


def extreme(name: str) -> Function:
    """Return max or min, of everything or along a dimension."""

    def extreme(x: Any, dim: Any, keepdim: bool) -> Any:
        import torch

        if dim is None:
            y = getattr(torch, name)(x)
            return y.reshape((1,) * x.ndim) if keepdim else y
        return getattr(torch, name)(x, dim if isinstance(dim, int) else dim[0], keepdim)[0]

    return extreme


def max_pool(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Any:
    """Return the largest elements of windows, in 1 to 3 dimensions."""
    import torch

    pool = getattr(torch.nn.functional, f"max_pool{len(kernel)}d")
    return pool(x, kernel, stride, padding, dilation, ceil)


def max_pool_indices(x: Any, kernel: Any, *options: Any) -> Any:
    """Return where the largest elements of windows lie."""
    import torch

    stride, padding, dilation, ceil = options
    pool = getattr(torch.nn.functional, f"max_pool{len(kernel)}d")
    return pool(x, kernel, stride, padding, dilation, ceil, return_indices=True)[1]


def avg_pool(x: Any, kernel: Any, *options: Any) -> Any:
    """Return the means of windows, in 1 to 3 dimensions."""
    import torch

    stride, padding, ceil, count_pad, divisor = options
    pool = getattr(torch.nn.functional, f"avg_pool{len(kernel)}d")
    if divisor is not None and len(kernel) == 1:
        return pool(x, kernel, stride, padding, ceil, True) * kernel[0] / divisor
    more = () if len(kernel) == 1 else (divisor,)
    return pool(x, kernel, stride, padding, ceil, count_pad, *more)


def adaptive_avg_pool(x: Any, out: Any) -> Any:
    """Return the means of as many windows as the output has elements."""
    import torch

    return getattr(torch.nn.functional, f"adaptive_avg_pool{len(out)}d")(x, out)


def convolution(x: Any, w: Any, b: Any, *options: Any) -> Any:
    """Return a convolution in 1 to 3 dimensions."""
    import torch

    return getattr(torch, f"conv{x.ndim - 2}d")(x, w, b, *options)


def padded(mode: str) -> Function:
    """Return what pads with a pair of widths per dimension."""

    def padded(x: Any, widths: Any, value: float) -> Any:
        import torch

        flat = [n for pair in reversed(widths) for n in pair]
        return torch.nn.functional.pad(x, flat, mode, value)

    return padded


def with_copies(x: Any, widths: Any, mode: str) -> Any:
    """Return x padded with copies of its own elements."""
    for d, (before, after) in enumerate(widths):
        n = x.shape[d]
        how: Any = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
        places = np.pad(np.arange(n), (before, after), how)
        x = x.index_select(d, indices(places))
    return x


def elu(x: Any, alpha: float, scale: float, rate: float) -> Any:
    """Return elu with the scales of its relatives selu and celu."""
    import torch

    below = alpha * torch.expm1(rate * torch.where(x > 0, 0.0, x))
    return scale * torch.where(x > 0, x, below)


def standardised(x: Any, dims: Any, eps: float) -> Any:
    """Return x without its mean, divided by its standard deviation."""
    mean = x.mean(dims, keepdim=True)
    return (x - mean) / ((x - mean) ** 2).mean(dims, keepdim=True).add(eps).sqrt()


def tangent(u: Any, v: Any, s: Any, dims: Any) -> Any:
    """Return u without its mean and its part along v, divided by s."""
    along = (u * v).mean(dims, keepdim=True)
    return (u - u.mean(dims, keepdim=True) - v * along) / s


def lstm(z: Any, size: int) -> list[Any]:
    """Return the pre-activations i, f, g, o of an LSTM."""
    return list(z.split(size, 1))


def lstm_memory(z: Any, c: Any, size: int) -> Any:
    """Return the new memory of an LSTM."""
    i, f, t, _ = lstm(z, size)
    return f.sigmoid() * c + i.sigmoid() * t.tanh()


def gru_step(x: Any, p: Any, h: Any, size: int) -> Any:
    """Return the new state of a GRU."""
    (xr, xu, xn), (pr, pu, pn) = x.split(size, 1), p.split(size, 1)
    u = (xu + pu).sigmoid()
    return (1 - u) * (xn + (xr + pr).sigmoid() * pn).tanh() + u * h


def eigh(x: Any, uplo: str) -> Any:
    """Return eigenvalues and eigenvectors, read from one triangle."""
    import torch

    return tuple(torch.linalg.eigh(x, UPLO=uplo))


def lu(x: Any) -> Any:
    """Return L and U of a matrix whose rows need no exchange."""
    import torch

    return tuple(torch.linalg.lu(x)[1:])


def cofactor(x: Any) -> Any:
    """Return the gradient of the determinant."""
    import torch

    return torch.autograd.functional.vjp(
        torch.linalg.det, x, torch.ones(x.shape[:-2], dtype=x.dtype), create_graph=True
    )[1]


def exponential_along(x: Any, direction: Any) -> Any:
    """Return the derivative of the matrix exponential along a direction."""
    import torch

    n = x.shape[-1]
    x, direction = torch.broadcast_tensors(x, direction)
    top, bottom = torch.cat([x, direction], -1), torch.cat([torch.zeros_like(x), x], -1)
    return torch.matrix_exp(torch.cat([top, bottom], -2))[..., :n, n:]


def reciprocal_gaps(w: Any) -> Any:
    """Return 1 / (wⱼ − wᵢ), and 0 on the diagonal."""
    import torch

    same = torch.eye(w.shape[-1], dtype=torch.bool)
    gaps = torch.where(same, 1.0, w.unsqueeze(-2) - w.unsqueeze(-1))
    return torch.where(same, 0.0, 1 / gaps)


def beside(value: Any, index: Any) -> Any:
    """Give what is scattered one element for each place."""
    return value.expand(index.shape) if value.ndim == 0 else value


def scattered(reduce: str) -> Function:
    """Return what combines values with those at an index."""

    def scattered(x: Any, value: Any, index: Any, dim: int) -> Any:
        at = indices(index)
        return x.scatter_reduce(dim, at, beside(value, at), reduce)

    return scattered


def least_squares(a: Any, b: Any, rcond: Any) -> Any:
    """Return the solution of least squares by the pseudoinverse."""
    import torch

    return torch.linalg.pinv(a, rtol=rcond) @ b


def resampled(x: Any, dim: int, mode: str, *options: Any) -> Any:
    """Resample one dimension by PyTorch's matrix for it, found by resampling unit vectors."""
    import torch

    size, align, factor, smooth = options
    unit = torch.eye(x.shape[dim], dtype=x.dtype).unsqueeze(1)
    shape: Any = (size,)
    name = {"linear": "linear", "cubic": "bicubic"}.get(mode, mode)
    if name == "bicubic" or smooth:
        # PyTorch has these for two dimensions only: the other one has a single element.
        unit, shape = unit.unsqueeze(2), (1, size)
        name = "bilinear" if name == "linear" else name
    given: dict[str, Any] = {} if mode.startswith("nearest") or mode == "area" else {
        "align_corners": align, "antialias": smooth
    }  # fmt: skip
    if factor is None:
        matrix = torch.nn.functional.interpolate(unit, shape, mode=name, **given)
    else:
        scale = (1.0, factor) if len(shape) == 2 else factor
        matrix = torch.nn.functional.interpolate(unit, scale_factor=scale, mode=name, **given)
    return torch.tensordot(x, matrix.reshape(x.shape[dim], -1), ([dim], [0])).movedim(-1, dim)


def unsqueezed(x: Any, dims: tuple[int, ...]) -> Any:
    """Return x with dimensions of size 1 at places of the result."""
    for d in sorted(dims):
        x = x.unsqueeze(d)
    return x
