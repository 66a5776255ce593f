"""Layers, activations and losses as functions: PyTorch's `torch.nn.functional`."""

from chainrule.nn.functional.activation import log_softmax, relu, relu_, softmax
from chainrule.nn.functional.classes import cross_entropy, nll_loss
from chainrule.nn.functional.dropout import dropout
from chainrule.nn.functional.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    mse_loss,
)
from chainrule.ops.exponential import sigmoid, tanh
from chainrule.ops.linear_algebra import linear

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "relu",
    "relu_",
    "sigmoid",
    "softmax",
    "tanh",
]
