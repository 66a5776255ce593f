"""Proof of gradients: finite differences, independent derivations, comparison with PyTorch.

`check` and `check_functions` diagnose hand-written gradients, `prove` certifies a model's.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.verify.certificate import Certificate, prove
    from chainrule.verify.checking import check, check_functions
    from chainrule.verify.report import Mistake, Report, Row

__all__ = ["Certificate", "Mistake", "Report", "Row", "check", "check_functions", "prove"]

_HOMES = {
    "Certificate": "certificate",
    "Mistake": "report",
    "Report": "report",
    "Row": "report",
    "check": "checking",
    "check_functions": "checking",
    "prove": "certificate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'chainrule.verify' has no attribute {name!r}")
    return getattr(importlib.import_module(f"chainrule.verify.{_HOMES[name]}"), name)
