"""Running an operation here and in PyTorch, and comparing what comes out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import (
    Operation,
    Sample,
    here,
    numbers,
    outputs,
    tensors,
    there,
)

# What a call with wrong arguments raises, there and here.
REFUSALS = (RuntimeError, IndexError, ValueError, TypeError)


def counterpart(error: Exception) -> type[Exception]:
    """Return the class of our error that stands for one of PyTorch's."""
    if isinstance(error, torch.linalg.LinAlgError):
        return cr.linalg.LinAlgError
    return type(error)


@contextmanager
def on(sample: Sample) -> Iterator[None]:
    """Name the sample in the report of what fails inside."""
    try:
        yield
    except Exception as error:
        error.add_note(f"on the sample {sample.name!r}")
        raise


def dtype_name(tensor: Any) -> str:
    """Return a tensor's dtype as both libraries call it."""
    return str(tensor.dtype).removeprefix("torch.")


def arguments(
    sample: Sample, convert: Callable[..., Any], dtype: Any = None, requires_grad: bool = False
) -> list[Any]:
    return [convert(a, dtype, requires_grad) for a in sample.args]


def options(sample: Sample, convert: Callable[..., Any], dtype: Any = None) -> dict[str, Any]:
    return {name: convert(value, dtype) for name, value in sample.kwargs.items()}


def run_here(
    operation: Operation, sample: Sample, dtype: Any = None, requires_grad: bool = False
) -> tuple[list[Any], list[Any]]:
    """Return the tensors an operation was given and those it returned."""
    args = arguments(sample, here, dtype, requires_grad)
    return tensors(args), outputs(operation.ours(*args, **options(sample, here, dtype)))


def run_there(
    operation: Operation, sample: Sample, dtype: Any = None, requires_grad: bool = False
) -> tuple[list[Any], list[Any]]:
    """Return the tensors PyTorch was given and those it returned."""
    args = arguments(sample, there, dtype, requires_grad)
    with warnings.catch_warnings():
        # PyTorch remarks on cases that it computes nevertheless (a variance of one element).
        warnings.simplefilter("ignore")
        return tensors(args), outputs(operation.theirs(*args, **options(sample, there, dtype)))


def assert_close(ours: Any, theirs: Any, ulps: float, summing: bool, what: str) -> None:
    """Assert that two arrays agree to units in the last place, NaN and infinity included."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, PyTorch {theirs.shape}"
    if ours.dtype.kind != "f":
        np.testing.assert_array_equal(ours, theirs, err_msg=what)
        return
    settled = np.isfinite(ours) & np.isfinite(theirs)
    # The comparison of what is not finite, and of nothing else.
    np.testing.assert_array_equal(
        np.where(settled, 0, ours), np.where(settled, 0, theirs), err_msg=what
    )
    size = np.abs(theirs[settled]).astype(np.float64)
    if summing and size.size:
        size = np.maximum(size.max(), 1.0)
    eps, tiny = np.finfo(ours.dtype).eps, np.finfo(ours.dtype).tiny
    error = np.abs(ours[settled].astype(np.float64) - theirs[settled].astype(np.float64))
    allowed = ulps * (eps * size + tiny)
    assert np.all(error <= allowed), (
        f"{what}: off by {np.max(error / allowed) * ulps:.3g} units in the last place\n"
        f"ours\n{ours}\nPyTorch's\n{theirs}"
    )


def assert_same(ours: Any, theirs: Any, operation: Operation, what: str) -> None:
    """Assert that two tensors have the same dtype, shape and values."""
    if not hasattr(theirs, "dtype"):
        assert ours == theirs, what
        return
    assert dtype_name(ours) == dtype_name(theirs), what
    assert_close(numbers(ours), numbers(theirs), operation.ulps, operation.summing, what)


def upstream(results: list[Any], seed: int = 7) -> list[Any]:
    """Return a gradient arriving at each result that has one, as arrays."""
    rng = np.random.default_rng(seed)
    return [
        rng.uniform(0.5, 2, tuple(r.shape)).astype(dtype_name(r))
        for r in results
        if differentiable(r)
    ]


def differentiable(result: Any) -> bool:
    return hasattr(result, "requires_grad") and bool(result.requires_grad)


def gradients_there(
    operation: Operation, sample: Sample, dtype: Any = None
) -> tuple[list[Any], list[Any]]:
    """Return the arriving gradients and PyTorch's gradient of each operand (None if unused)."""
    inputs, results = run_there(operation, sample, dtype, requires_grad=True)
    active = [r for r in results if differentiable(r)]
    wanted = [x for x in inputs if x.requires_grad]
    if not active or not wanted:
        return [], []
    arriving = upstream(results)
    found = torch.autograd.grad(
        active, wanted, [torch.from_numpy(g) for g in arriving], allow_unused=True
    )
    return arriving, [None if g is None else g.numpy() for g in found]
