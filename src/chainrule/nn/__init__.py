"""Building blocks of networks: PyTorch's `torch.nn`."""

from chainrule.nn import functional, init
from chainrule.nn.activation import ReLU, Sigmoid
from chainrule.nn.container import Sequential
from chainrule.nn.linear import Identity, Linear
from chainrule.nn.loss import BCELoss, CrossEntropyLoss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter

__all__ = [
    "BCELoss",
    "Buffer",
    "CrossEntropyLoss",
    "Identity",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "functional",
    "init",
]
