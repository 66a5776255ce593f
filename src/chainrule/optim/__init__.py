"""Optimizers: PyTorch's `torch.optim`."""

from chainrule.optim.sgd import SGD

__all__ = ["SGD"]
