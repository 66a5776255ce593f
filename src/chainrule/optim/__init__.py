"""Optimizers: PyTorch's `torch.optim`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chainrule.optim.adadelta import Adadelta
from chainrule.optim.adafactor import Adafactor
from chainrule.optim.adagrad import Adagrad
from chainrule.optim.adam import Adam, AdamW
from chainrule.optim.adamax import Adamax
from chainrule.optim.asgd import ASGD
from chainrule.optim.lbfgs import LBFGS
from chainrule.optim.muon import Muon
from chainrule.optim.nadam import NAdam
from chainrule.optim.optimizer import Optimizer
from chainrule.optim.radam import RAdam
from chainrule.optim.rmsprop import RMSprop
from chainrule.optim.rprop import Rprop
from chainrule.optim.sgd import SGD

if TYPE_CHECKING:
    from chainrule.optim import lr_scheduler as lr_scheduler
    from chainrule.optim import swa_utils as swa_utils

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LBFGS",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "lr_scheduler",
    "swa_utils",
]


def __getattr__(name: str) -> Any:
    # Imported when they are first used: not every program has a schedule.
    if name in ("lr_scheduler", "swa_utils"):
        return importlib.import_module(f"chainrule.optim.{name}")
    raise AttributeError(f"module 'chainrule.optim' has no attribute {name!r}")
