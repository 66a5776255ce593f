"""Normalisation as functions, with PyTorch's arguments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chainrule.ops import normalisation
from chainrule.ops.normalisation import rms_norm as rms_norm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainrule.tensor import Tensor

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return each sample with its features standardised; `chainrule.layer_norm`.

    >>> import chainrule as cr
    >>> cr.nn.functional.layer_norm(cr.tensor([[1.0, 2.0, 3.0]]), (3,))
    tensor([[-1.2247,  0.0000,  1.2247]])
    """
    return normalisation.layer_norm(input, normalized_shape, weight, bias, eps)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return each channel standardised over the batch, or by running statistics.

    `chainrule.batch_norm` describes the arguments.

    Raises:
        ValueError: in training, if there is a single value for each channel.

    >>> import chainrule as cr
    >>> x = cr.tensor([[1.0], [3.0]])
    >>> cr.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if training:
        if (running_mean is None) != (running_var is None):
            raise ValueError(
                "running_mean and running_var must either both be None or neither be None"
            )
        _refuse_single_values(input.shape)
    return normalisation.batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )


def _refuse_single_values(size: Sequence[int], shape: Any = None) -> None:
    shape = size if shape is None else shape
    if len(size) > 1 and math.prod((size[0], *size[2:])) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {shape}: a "
            "single value has no variance; use a larger batch, or eval()"
        )


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return each sample with each group of channels standardised; `chainrule.group_norm`.

    Raises:
        ValueError: if there is a single value for each group, and a single sample.

    >>> import chainrule as cr
    >>> cr.nn.functional.group_norm(cr.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    shape = input._array.shape
    if len(shape) >= 2 and num_groups > 0:
        each = shape[0] * shape[1] // num_groups
        _refuse_single_values((each, num_groups, *shape[2:]), list(shape))
    return normalisation.group_norm(input, num_groups, weight, bias, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return each channel of each sample standardised; `chainrule.instance_norm`.

    Raises:
        ValueError: if a channel has a single value to standardise.

    >>> import chainrule as cr
    >>> cr.nn.functional.instance_norm(cr.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    if use_input_stats and math.prod(input._array.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}: "
            "a single value has no variance"
        )
    return normalisation.instance_norm(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps
    )


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Return the input divided by a power of its mean square over neighbouring channels.

    y = x / (k + α · mean of x² over ``size`` channels)^β, with zeros beyond the first and the last
    channel.

    Args:
        input: (N, C, …), of at least three dimensions.
        size: how many channels are neighbours.
        alpha: the factor of the mean square.
        beta: the exponent.
        k: the summand.

    Raises:
        ValueError: for fewer than three dimensions.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional
    neural networks", 2012.

    >>> import chainrule as cr
    >>> cr.nn.functional.local_response_norm(cr.ones(1, 1, 1), 1, alpha=1.0, beta=1.0)
    tensor([[[0.5000]]])
    """
    from chainrule.ops.assembly import cat
    from chainrule.ops.creation import zeros

    shape = input._array.shape
    if len(shape) < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions): "
            "local_response_norm takes inputs of shape (N, C, ...)"
        )
    if not input._array.size:
        return input
    square = input * input
    before = zeros(shape[0], size // 2, *shape[2:], dtype=square._array.dtype)
    after = zeros(shape[0], (size - 1) // 2, *shape[2:], dtype=square._array.dtype)
    padded = cat((before, square, after), 1)
    total = padded[:, : shape[1]]
    for shift in range(1, size):
        total = total + padded[:, shift : shift + shape[1]]
    result: Tensor = input / (total * (alpha / size) + k) ** beta
    return result


def normalize(
    input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None
) -> Tensor:
    """Return the input divided by its p-norm along a dimension.

    Args:
        input: any shape.
        p: the exponent of the norm.
        dim: the dimension, or dimensions, of the vectors.
        eps: the smallest norm to divide by.
        out: not supported.

    >>> import chainrule as cr
    >>> cr.nn.functional.normalize(cr.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    from chainrule.ops.matrix_norms import vector_norm

    if out is not None:
        raise NotImplementedError("normalize does not take out=: use the tensor it returns")
    return input / vector_norm(input, p, dim, keepdim=True).clamp_min(eps)
