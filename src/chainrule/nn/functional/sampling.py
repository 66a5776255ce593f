"""Images sampled at the points of a grid, and the grids of affine maps."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ops.assembly import stacked
from chainrule.ops.comparison import filled_where, where
from chainrule.ops.pooling import taken
from chainrule.ops.reductions import total
from chainrule.ops.resampling import cubic_weights
from chainrule.ops.shape import inserted, reshaped
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "affine_grid",
    "grid_sample",
]


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Return images sampled at points: spatial transformers bend images with it.

    Args:
        input: (n, channels, H, W) or (n, channels, D, H, W).
        grid: (n, *out, 2) or (n, *out, 3): for every output element the point x, y (, z) to sample
            at, −1 and 1 being the edges.
        mode: ``"bilinear"`` (between the nearest elements, also of volumes), ``"nearest"`` or
            ``"bicubic"`` (for images).
        padding_mode: what is outside: ``"zeros"``, ``"border"`` (the nearest edge) or
            ``"reflection"``.
        align_corners: −1 and 1 are the centres of the corner elements, and not their outer edges.

    Returns:
        (n, channels, *out). Its gradients reach the input and the grid.

    Raises:
        ValueError: for an unknown mode or padding mode.
        RuntimeError: if shapes or dtypes do not fit.

    Source: M. Jaderberg et al., "Spatial transformer networks", 2015.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> cr.nn.functional.grid_sample(x, cr.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[1.5000]]]])
    """
    _check_sampling(input, grid, mode, padding_mode)
    if align_corners is None:
        _default_corners("grid_sample")
        align_corners = False
    size = input._array.shape[2:]
    # The grid's coordinates are in the order of x, y, z: the last dimension first.
    places = [_unnormalised(grid[..., k], n, align_corners) for k, n in enumerate(reversed(size))]
    places.reverse()
    if mode == "bicubic":
        return _bicubic(input, places, padding_mode, align_corners)
    places = [_inside(p, n, padding_mode, align_corners) for p, n in zip(places, size, strict=True)]
    if mode == "nearest":
        nearest = [_whole(np.rint(p._array)) for p in places]
        return _elements(input, nearest)
    return _linear(input, places)


def _unnormalised(coordinate: Tensor, n: int, align_corners: bool) -> Tensor:
    """Return a coordinate between −1 and 1 as a place among n elements."""
    if align_corners:
        return (coordinate + 1) / 2 * (n - 1)
    return ((coordinate + 1) * n - 1) / 2


def _inside(place: Tensor, n: int, padding_mode: str, align_corners: bool) -> Tensor:
    """Return a place moved into the image as the padding mode says."""
    if padding_mode == "reflection":
        place = _reflected(place, *((0, n - 1) if align_corners else (-0.5, n - 0.5)))
    if padding_mode == "zeros":
        return place
    p = place._array
    # On the edge itself the gradient is 0, as in PyTorch.
    place = filled_where(place, attach(p <= 0, None), 0.0)
    return filled_where(place, attach(p >= n - 1, None), float(n - 1))


def _reflected(place: Tensor, low: float, high: float) -> Tensor:
    span = high - low
    if span == 0:
        return place * 0
    distance = where(attach(place._array < low, None), low - place, place - low)
    flips = np.floor(distance._array / span)
    rest = distance - attach((flips * span).astype(distance._array.dtype), None)
    moved: Tensor = where(attach(flips % 2 == 0, None), rest + low, (low + span) - rest)
    return moved


def _whole(places: Any) -> Any:
    """Return places as integers; what is not finite is far outside."""
    limit = 2.0**31
    return (
        np.nan_to_num(places, nan=-limit, posinf=limit, neginf=-limit)
        .clip(-limit, limit)
        .astype(np.int64)
    )


def _elements(input: Tensor, places: Sequence[Any]) -> Tensor:
    """Return the elements at places (n, …) for each dimension, 0 outside, as (n, channels, …)."""
    n, channels, *size = input._array.shape
    flat: Any = 0
    outside: Any = False
    for place, m in zip(places, size, strict=True):
        outside = outside | (place < 0) | (place >= m)
        flat = flat * m + np.clip(place, 0, m - 1)
    index = np.broadcast_to(flat[:, None], (n, channels, *flat.shape[1:]))
    values = taken(input, np.ascontiguousarray(index), len(size))
    return filled_where(values, attach(outside[:, None], None), 0.0)


def _weighed(input: Tensor, lines: Sequence[Any], weights: Sequence[Tensor]) -> Tensor:
    """Return the sums of the elements around points, each dimension's with weights of its own.

    Args:
        input: (n, channels, *spatial).
        lines: for each spatial dimension which rows are around a point, (n, rows, *out).
        weights: the weights of these rows, (n, rows, *out).
    """
    dims = len(lines)
    apart = [
        np.expand_dims(line, tuple(1 + k for k in range(dims) if k != d))
        for d, line in enumerate(lines)
    ]
    y = _elements(input, apart)
    for d in reversed(range(dims)):
        weight = inserted(weights[d], (1, *range(2, 2 + d)))
        y = total(y * weight, (2 + d,), False)
    return y


def _linear(input: Tensor, places: Sequence[Tensor]) -> Tensor:
    lines, weights = [], []
    for place in places:
        before = np.floor(place._array)
        after = place - attach(before, None)
        start = _whole(before)
        lines.append(np.stack([start, start + 1], 1))
        weights.append(stacked([1 - after, after], 1))
    return _weighed(input, lines, weights)


def _bicubic(
    input: Tensor, places: Sequence[Tensor], padding_mode: str, align_corners: bool
) -> Tensor:
    lines, weights = [], []
    for place, n in zip(places, input._array.shape[2:], strict=True):
        start = np.floor(place._array)
        weights.append(stacked(cubic_weights(place - attach(start, None)), 1))
        around = np.stack([start + (k - 1) for k in range(4)], 1).astype(start.dtype)
        moved = _inside(attach(around, None), n, padding_mode, align_corners)
        lines.append(_whole(moved._array))
    return _weighed(input, lines, weights)


def _check_sampling(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    x, g = input._array, grid._array
    sizes = f"input with sizes {list(x.shape)} and grid with sizes {list(g.shape)}"
    if x.dtype is not g.dtype:
        raise RuntimeError(
            f"grid_sampler(): expected input and grid to have the same dtype, but got {x.dtype} "
            f"and {g.dtype}: convert one of them"
        )
    if x.ndim < 1 or g.ndim < 1 or x.shape[0] != g.shape[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got {sizes}"
        )
    if g.shape[-1] != x.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {x.ndim - 2} in last dimension, but got "
            f"grid with sizes {list(g.shape)}"
        )
    for d, n in enumerate(x.shape[2:], 2):
        if n == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                f"has sizes {list(x.shape)} with dimension {d} being empty"
            )
    if x.ndim not in (4, 5) or g.ndim != x.ndim:
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, "
            f"but got {sizes}"
        )
    if mode == "bicubic" and x.ndim == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if x.dtype.kind != "f":
        raise NotImplementedError(
            f"grid_sample is not implemented for {x.dtype}; convert both operands with .float()"
        )


def _default_corners(name: str) -> None:
    warnings.warn(
        f"Default {name} and affine_grid behavior has changed to align_corners=False since 1.3.0. "
        "Please specify align_corners=True if the old behavior is desired.",
        stacklevel=3,
    )


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Return the grid that `grid_sample` needs for an affine map.

    Args:
        theta: (n, 2, 3) for images or (n, 3, 4) for volumes: the map of points of the output to
            points of the input, with −1 and 1 as edges.
        size: the output's, (n, channels, H, W) or (n, channels, D, H, W).
        align_corners: −1 and 1 are the centres of the corner elements, and not their outer edges.

    Returns:
        (n, H, W, 2) or (n, D, H, W, 3).

    Raises:
        ValueError: if theta or the size does not fit.
        NotImplementedError: if the size is of other dimensions.

    >>> import chainrule as cr
    >>> same = cr.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> cr.nn.functional.affine_grid(same, (1, 1, 1, 2), align_corners=True)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])
    """
    if theta._array.dtype.kind != "f":
        raise ValueError(
            f"Expected theta to have floating point type, but got {theta._array.dtype}; convert "
            "with .float()"
        )
    given = tuple(size)
    dims = len(given) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {given}."
        )
    if theta._array.ndim != 3 or theta._array.shape[1:] != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size "
            f"{given}. Got {tuple(theta._array.shape)}."
        )
    if align_corners is None:
        _default_corners("grid_sample")
        align_corners = False
    if min(given) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {given}")
    n, spatial = given[0], given[2:]
    if theta._array.shape[0] != n:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {dims + 1}] but "
            f"got: [{theta._array.shape[0]}, {dims + 1}]: one matrix for each of the {n} images"
        )
    lines = [_line(m, align_corners) for m in spatial]
    points = np.stack(
        [*reversed(np.meshgrid(*lines, indexing="ij")), np.ones(spatial)], -1
    ).reshape(-1, dims + 1)
    base = attach(points.astype(theta._array.dtype), None)
    return reshaped(base @ theta.mT, (n, *spatial, dims))


def _line(m: int, align_corners: bool) -> Any:
    """Return the centres of m elements between −1 and 1."""
    if m == 1:
        return np.zeros(1)
    line = np.linspace(-1, 1, m)
    return line if align_corners else line * (m - 1) / m
