"""The description of every operation, by family."""

from tests.ops.samples import elementwise, indexing, losses, reductions, shapes
from tests.ops.samples.description import Operation, Sample

OPERATIONS: tuple[Operation, ...] = (
    *elementwise.OPERATIONS,
    *reductions.OPERATIONS,
    *shapes.OPERATIONS,
    *indexing.OPERATIONS,
    *losses.OPERATIONS,
)

# Every operation with each of its samples.
CASES: tuple[tuple[Operation, Sample], ...] = tuple(
    (operation, sample) for operation in OPERATIONS for sample in operation.samples
)
