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
    on,
    options,
    run_here,
)
from tests.ops.samples import OPERATIONS
from tests.ops.samples.description import here, outputs, tensors

each = pytest.mark.parametrize("operation", OPERATIONS, ids=repr)


@each
def test_gradients_equal_pytorchs_and_fit_their_operands(operation):
    for sample in operation.samples:
        with on(sample):
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


def function_of_tensors(operation, sample):
    """Return the operation as a function of its float64 tensors, and these."""
    args = [here(a, None, True) for a in sample.args]

    def run(*given):
        queue = iter(given)

        def filled(value):
            if isinstance(value, list):
                return [filled(v) for v in value]
            return next(queue) if isinstance(value, cr.Tensor) else value

        result = operation.ours(*(filled(a) for a in args), **options(sample, here))
        return tuple(outputs(result))

    return run, tuple(tensors(args))


def smooth_functions(operation):
    """Yield the samples on which an operation can be differentiated, as functions of tensors."""
    for sample in operation.samples:
        if not sample.smooth:
            continue
        run, inputs = function_of_tensors(operation, sample)
        if not any(x.requires_grad for x in inputs):
            continue
        try:
            results = [r for r in run(*inputs) if differentiable(r)]
        except REFUSALS:
            continue  # which test_values checks
        if results and all(np.all(np.isfinite(r.detach().numpy())) for r in results):
            yield sample, run, inputs


def is_large(inputs):
    """Tell whether whole Jacobians would take long; then a random projection is compared."""
    return sum(x.numel() for x in inputs) > 20


@each
def test_gradients_survive_finite_differences(operation):
    for sample, run, inputs in smooth_functions(operation):
        with on(sample):
            cr.autograd.gradcheck(run, inputs, check_grad_dtypes=True)


@each
def test_second_derivatives_survive_finite_differences(operation):
    for sample, run, inputs in smooth_functions(operation):
        with on(sample):
            if operation.once:
                with pytest.raises(RuntimeError, match="not implemented"):
                    cr.autograd.gradgradcheck(run, inputs)
                continue
            cr.autograd.gradgradcheck(
                run, inputs, check_grad_dtypes=True, fast_mode=is_large(inputs)
            )


def test_most_operations_are_differentiated_on_several_samples():
    counts = {o.name: sum(1 for _ in smooth_functions(o)) for o in OPERATIONS}
    assert sum(n >= 3 for n in counts.values()) > 60, counts
