"""Running one program in chainrule and in PyTorch, and comparing what comes out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr

Program = Callable[[Any], Any]
"""A function of the library, chainrule or torch."""


def plain(value: Any) -> Any:
    """Return a result with its tensors as arrays, their dtypes' names and requires_grad."""
    if isinstance(value, cr.Tensor | torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return np.array(value.detach().numpy()), dtype, value.requires_grad
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def assert_same(ours: Any, theirs: Any, where: str = "result") -> None:
    """Compare two plain results."""
    if isinstance(ours, tuple) and isinstance(ours[0], np.ndarray):
        assert ours[1:] == theirs[1:], f"{where}: (dtype, requires_grad) {ours[1:]} {theirs[1:]}"
        assert ours[0].shape == theirs[0].shape, where
        rtol = 1e-12 if ours[0].dtype == np.float64 else 1e-6
        np.testing.assert_allclose(ours[0], theirs[0], rtol=rtol, atol=rtol, err_msg=where)
    elif isinstance(ours, list):
        assert isinstance(theirs, list) and len(ours) == len(theirs), where
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(a, b, f"{where}[{k}]")
    elif isinstance(ours, float):
        assert ours == pytest.approx(theirs, rel=1e-6, nan_ok=True), where
    else:
        assert ours == theirs, where


def _quietly(program: Program, library: Any) -> Any:
    """Run a program without PyTorch's remarks, on .grad of intermediate tensors for example."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return program(library)


def same_in_both(program: Program) -> Any:
    """Run a program in both libraries, assert that they agree, and return our result."""
    theirs = _quietly(program, torch)
    ours = program(cr)
    assert_same(plain(ours), plain(theirs))
    return ours


def refused_in_both(program: Program, ours: str, theirs: str | None = None) -> str:
    """Assert that both libraries raise, with these words, and return our message.

    Args:
        program: what must raise.
        ours: part of our message, a regular expression.
        theirs: part of PyTorch's; the same if None.
    """
    with pytest.raises((RuntimeError, TypeError, ValueError, IndexError)) as raised:
        _quietly(program, torch)
    words = ours if theirs is None else theirs
    assert re.search(words, str(raised.value)), f"PyTorch says: {raised.value}"
    with pytest.raises(type(raised.value), match=ours) as caught:
        program(cr)
    return str(caught.value)
