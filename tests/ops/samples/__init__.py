"""The description of every operation: a family a module, each with its ``OPERATIONS``."""

import importlib
import pkgutil

from tests.ops.samples.description import Operation, Sample

_FAMILIES = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "description")

OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for family in _FAMILIES
    for operation in importlib.import_module(f"{__name__}.{family}").OPERATIONS
)

# Every operation with each of its samples.
CASES: tuple[tuple[Operation, Sample], ...] = tuple(
    (operation, sample) for operation in OPERATIONS for sample in operation.samples
)
