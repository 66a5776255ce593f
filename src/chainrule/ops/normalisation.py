"""Normalisation of features, channels, groups and batches, with PyTorch's arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.graph import mutations
from chainrule.modes import modes
from chainrule.ops.arithmetic import minus, plus, times
from chainrule.ops.shape import reshaped
from chainrule.ops.standardisation import scaled_and_shifted, scaled_to_one, standardised
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "rms_norm",
]

_half, _single = np.dtype("f2"), np.dtype("f4")


def _check_floats(name: str, input: Tensor) -> None:
    if input._array.dtype.kind != "f":
        raise NotImplementedError(
            f"{name} is not implemented for {input._array.dtype}: convert the input with .float()"
        )


def _wide(tensor: Tensor | None) -> Tensor | None:
    """Return a tensor of float16 as float32, in which its sums are taken."""
    return None if tensor is None else tensor.to(_single)


def _trailing(
    name: str, input: Tensor, normalized_shape: Sequence[int], **given: Tensor | None
) -> tuple[int, ...]:
    """Return the dimensions a normalized shape stands for, or refuse it."""
    if not isinstance(normalized_shape, Sequence):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
            f"{type(normalized_shape).__name__}: write ({normalized_shape},)"
        )
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            f"element, but got normalized_shape = [] ({name})"
        )
    for role, value in given.items():
        if value is not None and value._array.shape != shape:
            raise RuntimeError(
                f"Expected {role} to be of same shape as normalized_shape, but got {role} of shape "
                f"{list(value.shape)} and normalized_shape = {list(shape)} ({name})"
            )
    x = input._array.shape
    if x[len(x) - len(shape) :] != shape or len(x) < len(shape):
        sizes = ", ".join(map(str, shape))
        raise RuntimeError(
            f"Given normalized_shape=[{sizes}], expected input with shape [*, {sizes}], but got "
            f"input of size{list(x)} ({name})"
        )
    _check_floats(name, input)
    return tuple(range(len(x) - len(shape), len(x)))


def _affine(
    y: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    shape: tuple[int, ...],
    dims: tuple[int, ...],
) -> Tensor:
    """Return ``y * weight + bias``, both in a shape that broadcasts over some dimensions."""
    if weight is not None and bias is not None and dims and y._array.size:
        return scaled_and_shifted(y, weight, bias, shape, dims)
    if weight is not None:
        y = times(y, weight if weight._array.shape == shape else reshaped(weight, shape))
    if bias is not None:
        y = plus(y, bias if bias._array.shape == shape else reshaped(bias, shape))
    return y


def _all_but_channels(ndim: int) -> tuple[int, ...]:
    return (0, *range(2, ndim))


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """Return each sample with its features standardised: (x − mean) / √(var + ε) · weight + bias.

    Args:
        input: (…, *normalized_shape).
        normalized_shape: the sizes of the trailing dimensions that are standardised together.
        weight: factors, of shape ``normalized_shape``.
        bias: summands, of shape ``normalized_shape``.
        eps: what is added to the variance.
        cudnn_enable: has no effect.

    Raises:
        RuntimeError: if the shapes do not fit.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    >>> import chainrule as cr
    >>> cr.layer_norm(cr.tensor([[1.0, 2.0, 3.0]]), (3,))
    tensor([[-1.2247,  0.0000,  1.2247]])
    """
    dims = _trailing("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    if input._array.dtype == _half:
        wide = layer_norm(input.to(_single), normalized_shape, _wide(weight), _wide(bias), eps)
        return wide.to(_half)
    y = standardised(input, dims, eps)
    return _affine(y, weight, bias, tuple(normalized_shape), tuple(range(dims[0])))


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Return each sample with its features divided by their root mean square.

    Args:
        input: (…, *normalized_shape).
        normalized_shape: the sizes of the trailing dimensions that are scaled together.
        weight: factors, of shape ``normalized_shape``.
        eps: what is added to the mean square; the dtype's machine epsilon if None (that of
            float32 for float16).

    Raises:
        RuntimeError: if the shapes do not fit.

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.

    >>> import chainrule as cr
    >>> cr.rms_norm(cr.tensor([[3.0, 4.0]]), (2,))
    tensor([[0.8485, 1.1314]])
    """
    if input._array.ndim < len(normalized_shape):
        raise ValueError(
            f"Input tensor must have at least {len(normalized_shape)} dimensions, but got "
            f"{input._array.ndim}: rms_norm over normalized_shape={list(normalized_shape)}"
        )
    dims = _trailing("rms_norm", input, normalized_shape, weight=weight)
    if input._array.dtype == _half:
        return rms_norm(input.to(_single), normalized_shape, _wide(weight), eps).to(_half)
    if eps is None:
        eps = float(np.finfo(input._array.dtype).eps)
    y = scaled_to_one(input, dims, eps)
    return _affine(y, weight, None, tuple(normalized_shape), ())


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """Return each sample with each group of channels standardised.

    Args:
        input: (N, C, …).
        num_groups: how many groups the channels are divided into.
        weight: factors, of shape (C).
        bias: summands, of shape (C).
        eps: what is added to the variance.
        cudnn_enabled: has no effect.

    Raises:
        RuntimeError: if the shapes do not fit.

    Source: Wu and He, "Group normalization", 2018.

    >>> import chainrule as cr
    >>> cr.group_norm(cr.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {len(shape)}: "
            "group_norm takes inputs of shape (N, C, ...)"
        )
    channels = shape[1]
    if num_groups <= 0 or channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(shape)} and num_groups={num_groups}"
        )
    for role, value in (("weight", weight), ("bias", bias)):
        if value is not None and value._array.shape != (channels,):
            raise RuntimeError(
                f"Expected {role} to be a vector of size equal to the number of channels in input, "
                f"but got {role} of shape {list(value.shape)} and input of shape {list(shape)}"
            )
    _check_floats("group_norm", input)
    if input._array.dtype == _half:
        wide = group_norm(input.to(_single), num_groups, _wide(weight), _wide(bias), eps)
        return wide.to(_half)
    size = math.prod(shape[1:]) // num_groups
    groups = reshaped(input, (shape[0], num_groups, size))
    y = reshaped(standardised(groups, (2,), eps), shape)
    sizes = (channels, *[1] * (len(shape) - 2))
    return _affine(y, weight, bias, sizes, _all_but_channels(len(shape)))


def _channels(name: str, input: Tensor, given: dict[str, Tensor | None], channels: int) -> None:
    for role, value in given.items():
        if value is not None and value._array.size != channels:
            raise RuntimeError(
                f"{role} should contain {channels} elements not {value._array.size}: {name} got an "
                f"input of shape {list(input.shape)}, whose dimension 1 has {channels} channels"
            )
    _check_floats(name, input)
    found = {v._array.dtype for v in given.values() if v is not None} | {input._array.dtype}
    if len(found) > 1 and found != {_half, _single}:
        raise RuntimeError(
            f"mixed dtype (CPU): all inputs must share same datatype. {name} got "
            f"{' and '.join(sorted(map(str, found)))}; convert the input with .to(dtype)"
        )


def _with_moments(input: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Any, Any]:
    """Return the standardised input with its means and variances, as arrays."""
    if modes.grad and input.requires_grad:
        y = standardised(input, dims, eps)
        assert y._node is not None and y._node.saved is not None
        return (y, *y._node.saved[-2:])
    values, mean, var = standardised.primitive.forward_with_extras(  # type: ignore[attr-defined]
        input._array, dims, eps
    )
    return attach(values, None), mean, var


def _move(running: Tensor, towards: Any, momentum: float) -> None:
    """Move a running mean towards what was just measured: r ← (1 − m) r + m v."""
    array = running._array
    array *= array.dtype.type(1 - momentum)
    array += (momentum * towards.reshape(array.shape)).astype(array.dtype, copy=False)
    mutations.mark(array)


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    """Return each channel standardised over the batch, or by running statistics.

    In training the running statistics, if given, move towards those of the batch by ``momentum``:
    the mean, and the variance with Bessel's correction, n / (n − 1).

    Args:
        input: (N, C, …).
        weight: factors, of shape (C).
        bias: summands, of shape (C).
        running_mean: the means to use outside training, and to update in it.
        running_var: the variances to use outside training, and to update in it.
        training: standardise by the statistics of this batch.
        momentum: the weight of this batch in the running statistics.
        eps: what is added to the variance.
        cudnn_enabled: has no effect.

    Raises:
        RuntimeError: if the shapes do not fit, or running statistics are missing.

    Source: Ioffe and Szegedy, "Batch normalization", 2015.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0], [3.0]])
    >>> cr.batch_norm(x, None, None, None, None, True, 0.1, 1e-5)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    x = input._array
    channels = x.shape[1] if x.ndim > 1 else 0
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    if not training:
        for role in ("running_mean", "running_var"):
            if given[role] is None:
                raise RuntimeError(
                    f"{role} must be defined in evaluation mode: give batch_norm the running "
                    "statistics, or training=True to use those of the batch"
                )
    _channels("batch_norm", input, given, channels)
    if x.dtype == _half:
        return batch_norm(
            input.to(_single),
            _wide(weight),
            _wide(bias),
            running_mean,
            running_var,
            training,
            momentum,
            eps,
        ).to(_half)
    dims = _all_but_channels(x.ndim)
    shape = (channels, *[1] * (x.ndim - 2))
    if not training:
        assert running_mean is not None and running_var is not None
        return _by_statistics(input, running_mean._array, running_var._array, eps, weight, bias)
    y, mean, var = _with_moments(input, dims, eps)
    if x.size:
        count = x.size // channels
        if running_mean is not None:
            _move(running_mean, mean, momentum)
        if running_var is not None:
            _move(running_var, var * (count / (count - 1) if count > 1 else np.nan), momentum)
    return _affine(y, weight, bias, shape, dims)


def _by_statistics(
    input: Tensor, mean: Any, var: Any, eps: float, weight: Tensor | None, bias: Tensor | None
) -> Tensor:
    """Standardise channels by statistics that are constants."""
    x = input._array
    shape = (mean.size, *[1] * (x.ndim - 2))
    centre = attach(mean.reshape(shape).astype(x.dtype), None)
    scale = attach((1 / np.sqrt(var + eps)).reshape(shape).astype(x.dtype), None)
    if weight is not None:
        scale = times(scale, reshaped(weight, shape))
    return _affine(times(minus(input, centre), scale), None, bias, shape, ())


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    """Return each channel of each sample standardised, or by running statistics.

    Args:
        input: (N, C, …).
        weight: factors, of shape (C).
        bias: summands, of shape (C).
        running_mean: the means to use, or to update.
        running_var: the variances to use, or to update.
        use_input_stats: standardise by the statistics of the input.
        momentum: the weight of the input in the running statistics.
        eps: what is added to the variance.
        cudnn_enabled: has no effect.

    Raises:
        RuntimeError: if the shapes do not fit, or running statistics are missing.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016.

    >>> import chainrule as cr
    >>> x = cr.tensor([[[1.0, 3.0]]])
    >>> cr.instance_norm(x, None, None, None, None, True, 0.1, 1e-5)
    tensor([[[-1.0000,  1.0000]]])
    """
    x = input._array
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false: "
            "give instance_norm both, or use_input_stats=True"
        )
    channels = x.shape[1] if x.ndim > 1 else 0
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    _channels("instance_norm", input, given, channels)
    if x.dtype == _half:
        return instance_norm(
            input.to(_single),
            _wide(weight),
            _wide(bias),
            running_mean,
            running_var,
            use_input_stats,
            momentum,
            eps,
        ).to(_half)
    if not use_input_stats:
        assert running_mean is not None and running_var is not None
        return _by_statistics(input, running_mean._array, running_var._array, eps, weight, bias)
    y, mean, var = _with_moments(input, tuple(range(2, x.ndim)), eps)
    if x.size:
        count = math.prod(x.shape[2:])
        if running_mean is not None:
            _move(running_mean, mean.reshape(x.shape[:2]).mean(0), momentum)
        if running_var is not None:
            correction = count / (count - 1) if count > 1 else np.nan
            _move(running_var, var.reshape(x.shape[:2]).mean(0) * correction, momentum)
    shape = (channels, *[1] * (x.ndim - 2))
    return _affine(y, weight, bias, shape, _all_but_channels(x.ndim))
