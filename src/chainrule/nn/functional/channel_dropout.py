"""Dropout of channels, and dropout that keeps mean and variance, as functions."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from chainrule.nn.functional.dropout import check_probability
from chainrule.ops import dropping

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


def _of_channels(
    input: Tensor, p: float, training: bool, inplace: bool, without_batch: bool
) -> Tensor:
    drop = dropping.feature_dropout_ if inplace else dropping.feature_dropout
    if not without_batch:
        return drop(input, p, training)
    return drop(input.unsqueeze(0), p, training).squeeze(0)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Set whole channels to 0 with probability ``p`` and divide the others by 1 − p.

    Args:
        input: (N, C, L) or (C, L).
        p: the probability that a channel is dropped.
        training: False returns the input as it is.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.functional.dropout1d(cr.ones(1, 1, 2), 1.0)
    tensor([[[0., 0.]]])
    """
    check_probability(p)
    n = input._array.ndim
    if n not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {n}D input. Note that dropout1d "
            "exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel "
            "dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _of_channels(input, p, training, inplace, n == 2)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Set whole channels of images to 0 with probability ``p``; divide the others by 1 − p.

    Args:
        input: (N, C, H, W); (N, C, L) is taken as it is, with a warning.
        p: the probability that a channel is dropped.
        training: False returns the input as it is.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.functional.dropout2d(cr.ones(1, 1, 1, 2), 1.0)
    tensor([[[[0., 0.]]]])
    """
    check_probability(p)
    n = input._array.ndim
    if n not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {n}-D input to dropout2d, which is deprecated and will result "
            "in an error in a future release. To retain the behavior and silence this warning, "
            "please use dropout instead.",
            stacklevel=2,
        )
    if n == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
            "dim. Please use dropout1d instead.",
            stacklevel=2,
        )
    return _of_channels(input, p, training, inplace, False)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Set whole channels of volumes to 0 with probability ``p``; divide the others by 1 − p.

    Args:
        input: (N, C, D, H, W) or (C, D, H, W).
        p: the probability that a channel is dropped.
        training: False returns the input as it is.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.functional.dropout3d(cr.ones(1, 1, 1, 1, 2), 1.0)
    tensor([[[[[0., 0.]]]]])
    """
    check_probability(p)
    n = input._array.ndim
    if n not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {n}-D input to dropout3d, which is deprecated and will result "
            "in an error in a future release. To retain the behavior and silence this warning, "
            "please use dropout instead.",
            stacklevel=2,
        )
    return _of_channels(input, p, training, inplace, n != 5)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Do what dropout does while keeping mean 0 and variance 1; `chainrule.alpha_dropout`.

    >>> import chainrule as cr
    >>> cr.nn.functional.alpha_dropout(cr.ones(2))
    tensor([1., 1.])
    """
    check_probability(p)
    drop = dropping.alpha_dropout_ if inplace else dropping.alpha_dropout
    return drop(input, p, training)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Do what `alpha_dropout` does, with whole channels.

    >>> import chainrule as cr
    >>> cr.nn.functional.feature_alpha_dropout(cr.ones(1, 2))
    tensor([[1., 1.]])
    """
    check_probability(p)
    drop = dropping.feature_alpha_dropout_ if inplace else dropping.feature_alpha_dropout
    return drop(input, p, training)
