"""What the functions of printed formulas mean, in NumPy: written from their definitions.

Each module has a family of them: ``FUNCTIONS`` by name, and ``ALONG``, those that are written with
dimensions below their name and take them as ``dims``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from tests.formulas.functions.core import OneHot

__all__ = ["ALONG", "FUNCTIONS", "OneHot"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}
ALONG: dict[str, Callable[..., Any]] = {}
for _family in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"{__name__}.{_family.name}")
    FUNCTIONS |= getattr(_module, "FUNCTIONS", {})
    ALONG |= getattr(_module, "ALONG", {})
