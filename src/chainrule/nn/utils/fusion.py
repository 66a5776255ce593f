"""Batch normalisation made part of the layer before it, for evaluation."""

from __future__ import annotations

import copy
from typing import Any

from chainrule.modes import no_grad
from chainrule.nn.parameter import Parameter
from chainrule.tensor import Tensor

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """Return a convolution that does what a convolution and its batch normalisation did.

    Args:
        conv: the convolution, in evaluation mode.
        bn: the normalisation after it, in evaluation mode, with running statistics.
        transpose: whether the outputs are the weight's second dimension, as in transposed
            convolutions.

    Raises:
        AssertionError: if one of them is in training mode, or there are no statistics.
    """
    _check(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight,
        fused.bias,
        bn.running_mean,
        bn.running_var,
        bn.eps,
        bn.weight,
        bn.bias,
        transpose,
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Return the weight and the bias of `fuse_conv_bn_eval`.

    With the scale s = γ / √(σ² + ε) of each output: w ← s w and b ← s (b − μ) + β.

    >>> import chainrule as cr
    >>> one = cr.ones(1)
    >>> w, b = fuse_conv_bn_weights(cr.ones(1, 1, 1), None, one, 3 * one, 1.0, 4 * one, one)
    >>> w.item(), b.item()
    (2.0, -1.0)
    """
    with no_grad():
        scale = (bn_rv + bn_eps).rsqrt()
        if bn_w is not None:
            scale = scale * bn_w
        shape = [1] * conv_w.dim()
        shape[1 if transpose else 0] = -1
        weight = conv_w * scale.reshape(*shape)
        bias = (-bn_rm if conv_b is None else conv_b - bn_rm) * scale
        if bn_b is not None:
            bias = bias + bn_b
    requires_grad = conv_w.requires_grad
    return (
        Parameter(weight.to(conv_w.dtype), requires_grad),
        Parameter(bias.to(conv_w.dtype), requires_grad if conv_b is None else conv_b.requires_grad),
    )


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """Return a linear layer that does what a linear layer and its batch normalisation did.

    Args:
        linear: the layer, in evaluation mode.
        bn: the normalisation after it, in evaluation mode, with running statistics.

    Raises:
        AssertionError: if one of them is in training mode, there are no statistics, or the numbers
            of features differ.
    """
    _check(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1: got "
            f"{linear.out_features} and {bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Return the weight and the bias of `fuse_linear_bn_eval`."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _check(layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call .eval() on both modules first")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
