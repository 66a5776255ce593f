"""Layers, activations and losses as functions: PyTorch's `torch.nn.functional`."""

from chainrule.nn.functional.loss import binary_cross_entropy, cross_entropy
from chainrule.ops.exponential import log_softmax, relu, sigmoid, softmax, tanh
from chainrule.ops.linear_algebra import linear

__all__ = [
    "binary_cross_entropy",
    "cross_entropy",
    "linear",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]
