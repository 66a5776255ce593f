"""NumPy's argument names `axis` and `keepdims`, accepted where PyTorch accepts them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import chainrule as cr

DATA = [[1.0, 4.0, 2.0], [0.0, -3.0, 5.0]]

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    **{
        name: lambda library, x, name=name: getattr(library, name)(x, axis=1, keepdims=True)
        for name in (
            *("sum", "mean", "var", "std", "amax", "amin", "argmax", "argmin", "all", "any"),
            *("logsumexp",),
        )
    },
    **{
        name: lambda library, x, name=name: getattr(library, name)(x, axis=0)
        for name in ("softmax", "log_softmax", "squeeze", "unsqueeze")
    },
    "max": lambda library, x: library.max(x, axis=1, keepdims=True).values,
    "min": lambda library, x: library.min(x, axis=1).indices,
    "cat": lambda library, x: library.cat([x, x], axis=1),
    "stack": lambda library, x: library.stack([x, x], axis=1),
    "chunk": lambda library, x: library.chunk(x, 2, axis=1)[1],
    "unbind": lambda library, x: library.unbind(x, axis=1)[2],
    "gather": lambda library, x: library.gather(x, axis=1, index=library.tensor([[2], [0]])),
    "method": lambda library, x: x.sum(axis=0, keepdims=True),
    "keepdims alone": lambda library, x: x.mean(1, keepdims=True),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_names_mean_what_they_mean_in_pytorch(name: str) -> None:
    ours = CALLS[name](cr, cr.tensor(DATA))
    theirs = CALLS[name](torch, torch.tensor(DATA))
    torch.testing.assert_close(torch.from_numpy(ours.numpy()), theirs)


def test_both_spellings_at_once_are_refused() -> None:
    with pytest.raises(TypeError, match=r"sum\(\) got both dim and axis"):
        cr.sum(cr.tensor(DATA), dim=0, axis=0)


def test_where_pytorch_does_not_accept_them_neither_does_chainrule() -> None:
    with pytest.raises(TypeError, match="axis"):
        cr.split(cr.tensor(DATA), 1, axis=0)  # type: ignore[call-arg]


def test_other_keywords_are_refused_as_ever() -> None:
    with pytest.raises(TypeError, match="axes"):
        cr.sum(cr.tensor(DATA), axes=0)  # type: ignore[call-arg]


def test_a_function_keeps_its_name_and_documentation() -> None:
    assert cr.sum.__name__ == "sum"
    assert cr.sum.__doc__ is not None and "keepdim" in cr.sum.__doc__
