"""Every operation's gradients equal PyTorch's and survive finite differences, twice."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from tests.ops.comparison import (
    REFUSALS,
    assert_close,
    differentiable,
    gradients_there,
    options,
    run_here,
)
from tests.ops.samples import CASES
from tests.ops.samples.description import here, outputs, tensors

DIFFERENTIABLE = [(o, s) for o, s in CASES if any(isinstance(a, np.ndarray | list) for a in s.args)]
each = pytest.mark.parametrize(
    ("operation", "sample"), DIFFERENTIABLE, ids=[f"{o.name}: {s.name}" for o, s in DIFFERENTIABLE]
)


@each
def test_gradients_equal_pytorchs_and_fit_their_operands(operation, sample):
    for dtype in ("float64", "float32"):
        compare(operation, sample, np.dtype(dtype))


def compare(operation, sample, dtype):
    try:
        arriving, theirs = gradients_there(operation, sample, dtype)
    except REFUSALS:
        return  # which test_values checks
    inputs, results = run_here(operation, sample, dtype, requires_grad=True)
    active = [r for r in results if differentiable(r)]
    assert bool(active) == bool(arriving)
    if not active:
        return
    assert len(active) == len(arriving)
    wanted = [x for x in inputs if x.requires_grad]
    found = cr.autograd.grad(
        active, wanted, [cr.from_numpy(g) for g in arriving], allow_unused=True
    )
    for k, (x, ours, expected) in enumerate(zip(wanted, found, theirs, strict=True)):
        if expected is None or ours is None:
            # PyTorch leaves out what cannot matter; zeros are as right.
            assert ours is None or not np.any(ours.numpy())
            assert expected is None or not np.any(expected)
            continue
        assert ours.shape == x.shape
        assert ours.dtype == x.dtype
        assert_close(ours.numpy(), expected, 4 * operation.ulps, operation.summing, f"gradient {k}")


def doubles(sample):
    """Return the sample's operands as contiguous float64 tensors that require grad."""
    args = [here(a, None, True) for a in sample.args]
    return args, tensors(args)


def function_of_tensors(operation, sample):
    """Return the operation as a function of its tensors, and these."""
    args, inputs = doubles(sample)

    def run(*given):
        queue = iter(given)

        def filled(value):
            if isinstance(value, list):
                return [filled(v) for v in value]
            return next(queue) if isinstance(value, cr.Tensor) else value

        result = operation.ours(*(filled(a) for a in args), **options(sample, here))
        return tuple(outputs(result))

    return run, tuple(inputs)


SMOOTH = [(o, s) for o, s in DIFFERENTIABLE if s.smooth]
each_smooth = pytest.mark.parametrize(
    ("operation", "sample"), SMOOTH, ids=[f"{o.name}: {s.name}" for o, s in SMOOTH]
)


def differentiable_function(operation, sample):
    run, inputs = function_of_tensors(operation, sample)
    if not any(x.requires_grad for x in inputs):
        pytest.skip("nothing to differentiate")
    try:
        results = run(*inputs)
    except REFUSALS:
        pytest.skip("refused, as by PyTorch")
    if not any(differentiable(r) for r in results):
        pytest.skip("the result has no gradient")
    if not all(np.all(np.isfinite(r.detach().numpy())) for r in results if differentiable(r)):
        pytest.skip("the result is not finite")
    return run, inputs


@each_smooth
def test_gradients_survive_finite_differences(operation, sample):
    run, inputs = differentiable_function(operation, sample)
    assert cr.autograd.gradcheck(run, inputs, check_grad_dtypes=True)


@each_smooth
def test_second_derivatives_survive_finite_differences(operation, sample):
    run, inputs = differentiable_function(operation, sample)
    assert cr.autograd.gradgradcheck(run, inputs, check_grad_dtypes=True)
