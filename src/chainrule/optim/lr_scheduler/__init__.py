"""Schedules of the learning rate: PyTorch's `torch.optim.lr_scheduler`."""

from chainrule.optim.lr_scheduler.base import LRScheduler
from chainrule.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from chainrule.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from chainrule.optim.lr_scheduler.cyclic import CyclicLR
from chainrule.optim.lr_scheduler.decay import ExponentialLR, MultiStepLR, PolynomialLR, StepLR
from chainrule.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
from chainrule.optim.lr_scheduler.one_cycle import OneCycleLR
from chainrule.optim.lr_scheduler.plateau import ReduceLROnPlateau
from chainrule.optim.lr_scheduler.warmup import ConstantLR, LinearLR

_LRScheduler = LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
