"""Every operation gives PyTorch's values, in PyTorch's shape and dtype, on every sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.ops.comparison import (
    REFUSALS,
    arguments,
    assert_same,
    counterpart,
    on,
    options,
    run_here,
    run_there,
)
from tests.ops.samples import OPERATIONS
from tests.ops.samples.description import Operation, Sample, here, outputs, tensors

each = pytest.mark.parametrize("operation", OPERATIONS, ids=repr)


def compare(operation: Operation, sample: Sample, dtype: Any) -> None:
    """Compare the results, or check that both refuse; either way the operands stay as they are."""
    try:
        _, theirs = run_there(operation, sample, dtype)
    except NotImplementedError:
        # PyTorch has no kernel for this dtype; a result of ours contradicts nothing.
        return
    except REFUSALS as error:
        with pytest.raises(counterpart(error)) as ours_error:
            run_here(operation, sample, dtype)
        assert str(ours_error.value)
        return
    args = arguments(sample, here, dtype)
    before = [a.numpy().copy() for a in tensors(args)]
    ours = outputs(operation.ours(*args, **options(sample, here, dtype)))
    assert len(ours) == len(theirs)
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert_same(a, b, operation, f"output {k}, {dtype}")
    for operand, copy in zip(tensors(args), before, strict=True):
        np.testing.assert_array_equal(operand.numpy(), copy)


@each
def test_values_shapes_and_dtypes(operation):
    for sample in operation.samples:
        with on(sample):
            for dtype in ("float64", "float32", "float16"):
                compare(operation, sample, np.dtype(dtype))


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.integers], ids=repr)
def test_integers_and_bools_are_promoted_or_refused_as_in_pytorch(operation):
    for sample in operation.samples:
        arrays = [a for a in sample.args if isinstance(a, np.ndarray)]
        if not all(np.all(np.isfinite(a)) for a in arrays):
            continue
        with on(sample):
            for dtype in ("int64", "int32", "uint8", "bool"):
                compare(operation, shifted(sample, dtype), np.dtype(dtype))


def shifted(sample: Sample, dtype: str) -> Sample:
    """Return a sample whose numbers survive the conversion to an unsigned type."""
    if dtype != "uint8":
        return sample
    args = tuple(np.asarray(np.abs(a)) if isinstance(a, np.ndarray) else a for a in sample.args)
    return Sample(sample.name, args, sample.kwargs)


METHODS = [o for o in OPERATIONS if o.method is not None]


@pytest.mark.parametrize("operation", METHODS, ids=repr)
def test_the_method_is_the_function(operation):
    assert hasattr(torch.Tensor, operation.method)
    for sample in operation.samples:
        args = arguments(sample, here)
        if not isinstance(args[0], cr.Tensor):
            continue
        try:
            expected = outputs(operation.ours(*args, **options(sample, here)))
        except REFUSALS:
            continue
        found = outputs(getattr(args[0], operation.method)(*args[1:], **options(sample, here)))
        for a, b in zip(found, expected, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_every_method_of_pytorch_is_described():
    for operation in OPERATIONS:
        if operation.method is None and operation.name.isidentifier():
            name = operation.name
            is_method = callable(getattr(cr.Tensor, name, None))
            own = is_method and operation.ours is getattr(cr, name, None)
            assert not own, f"{name} is a method too: say so in its description"
