"""The same module here and in PyTorch, with the same parameters."""

from typing import Any

import numpy as np
import torch

import chainrule as cr


def here(value: Any) -> Any:
    """Return PyTorch's tensor, or a mapping of them, as ours."""
    if isinstance(value, torch.Tensor):
        return cr.tensor(value.detach().numpy(), requires_grad=value.requires_grad)
    if isinstance(value, dict):
        return {name: here(part) for name, part in value.items()}
    return value


def assert_close(ours: Any, theirs: torch.Tensor, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Assert the same dtype and shape, and values equal to rounding."""
    expected = theirs.detach().numpy()
    actual = ours.detach().numpy()
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def assert_same_run(ours: Any, theirs: Any, *inputs: Any) -> None:
    """Run both modules forward and backward; compare outputs and all gradients."""
    theirs_in = [
        x.clone().requires_grad_() if isinstance(x, torch.Tensor) and x.is_floating_point() else x
        for x in inputs
    ]
    ours_in = [here(x) for x in theirs_in]
    expected, actual = theirs(*theirs_in), ours(*ours_in)
    assert_close(actual, expected)
    upstream = torch.randn(expected.shape, generator=torch.Generator().manual_seed(5))
    expected.backward(upstream.to(expected.dtype))
    actual.backward(here(upstream.to(expected.dtype)))
    for mine, other in zip(ours_in, theirs_in, strict=True):
        if isinstance(other, torch.Tensor) and other.requires_grad:
            assert_close(mine.grad, other.grad)
    for (name, mine), (other_name, other) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert name == other_name
        assert_close(mine.grad, other.grad)
