"""Maps in another size: interpolation."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.ops.adaptive_pooling import adaptive_mean
from chainrule.ops.resampling import resampled

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "interpolate",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

# The modes with the dimensions of their input, and the name of the interpolation of each one.
_MODES = {
    "nearest": ((3, 4, 5), "nearest"),
    "nearest-exact": ((3, 4, 5), "nearest_exact"),
    "linear": ((3,), "linear"),
    "bilinear": ((4,), "linear"),
    "trilinear": ((5,), "linear"),
    "bicubic": ((4,), "cubic"),
    "lanczos": ((4,), "lanczos"),
    "area": ((3, 4, 5), "area"),
}
_INTERPOLATING = ("linear", "bilinear", "bicubic", "trilinear")


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Return maps in another size.

    Args:
        input: (n, channels, *spatial) with one to three spatial dimensions.
        size: the size to make; an int, or one a dimension.
        scale_factor: how many times larger, in place of ``size``.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"`` (for one spatial dimension),
            ``"bilinear"``, ``"bicubic"`` (two), ``"trilinear"`` (three), ``"area"`` (means of
            adaptive windows), or ``"lanczos"`` (two, with ``antialias``).
        align_corners: let the centres of the corner elements stay where they are, and not their
            outer edges.
        recompute_scale_factor: work the scale out anew from the size it leads to.
        antialias: smooth what is made smaller (bilinear, bicubic and lanczos modes).

    Raises:
        ValueError: if arguments contradict one another.
        NotImplementedError: for an unknown mode, or one for other dimensions.
        RuntimeError: if there is nothing in the input or the output.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[0.0, 4.0]]])
    >>> cr.nn.functional.interpolate(x, size=4, mode="linear")
    tensor([[[0., 1., 3., 4.]]])
    """
    shape = input._array.shape
    ndim = len(shape)
    if mode in ("nearest", "area", "nearest-exact", "lanczos") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            f"{' | '.join(_INTERPOLATING)}"
        )
    spatial = shape[2:]
    out, factors = _target(spatial, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D tensor as input"
        )
    if mode not in _MODES or ndim not in (3, 4, 5):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: "
            f"{' | '.join(_MODES)} (got {mode})"
        )
    dims, kind = _MODES[mode]
    if ndim not in dims:
        raise NotImplementedError(f"Got {ndim}D input, but {mode} mode needs {dims[0]}D input")
    if mode == "lanczos" and not antialias:
        raise ValueError("lanczos mode needs antialias=True: it is a smoothing filter")
    if min(spatial) <= 0 or min(out) <= 0:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input {list(spatial)} "
            f"output {list(out)}"
        )
    if shape[1] == 0:
        raise RuntimeError(
            f"Non-empty {ndim}D data tensor expected but got a tensor with sizes {list(shape)}"
        )
    _refuse_integers(mode, input)
    if mode == "area":
        return adaptive_mean(f"adaptive_avg_pool{ndim - 2}d", input, out)
    if recompute_scale_factor:
        factors = (None,) * len(out)
    aligned = bool(align_corners)
    for d, (n, m, factor) in enumerate(zip(spatial, out, factors), 2):
        given = None if factor is None or aligned else float(factor)
        # Linear interpolation to the same size is none, whatever the factor, as in PyTorch.
        if n != m or antialias or (given not in (None, 1.0) and kind != "linear"):
            input = resampled(input, d, kind, m, aligned, given, antialias)
    return input


def _target(
    spatial: Sequence[int], size: Any, scale_factor: Any
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Return the output's size, and the scale a dimension (None where it is that of the sizes)."""
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    given = scale_factor if size is None else size
    what = "scale_factor" if size is None else "output size"
    if isinstance(given, Sequence):
        if len(given) != len(spatial):
            raise ValueError(
                f"Input and {what} must have the same number of spatial dimensions, but got input "
                f"with spatial dimensions of {list(spatial)} and {what} of {tuple(given)}: the "
                "input is (n, channels, *spatial)"
            )
        each = tuple(given)
    else:
        each = (given,) * len(spatial)
    if size is None:
        return tuple(math.floor(n * f) for n, f in zip(spatial, each)), each
    try:
        return tuple(map(operator.index, each)), (None,) * len(each)
    except TypeError:
        raise TypeError(
            "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, "
            f"int], but got size {size!r}"
        ) from None


def _refuse_integers(mode: str, input: Tensor) -> None:
    dtype = input._array.dtype
    if dtype.kind != "f" and not (dtype == "uint8" and mode.startswith("nearest")):
        raise NotImplementedError(
            f"interpolate with mode {mode!r} is not implemented for {dtype}; convert with .float()"
        )


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Return `interpolate`; the name is deprecated, as in PyTorch."""
    _deprecated("upsample", "interpolate")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """Return `interpolate` with mode ``"nearest"``; the name is deprecated, as in PyTorch."""
    _deprecated("upsample_nearest", "interpolate")
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """Return `interpolate` with mode ``"bilinear"`` and aligned corners; deprecated."""
    _deprecated("upsample_bilinear", "interpolate")
    return interpolate(input, size, scale_factor, "bilinear", True)


def _deprecated(name: str, instead: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.{instead}` instead.",
        stacklevel=3,
    )
