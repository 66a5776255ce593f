"""Random programs of views and in-place changes: the gradient is PyTorch's, right, or refused."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

Step = Callable[[Any, Any, Any], Any]

# Each takes the library and two tensors, and returns a tensor; shapes that do not fit raise.
RESULTS: dict[str, Step] = {
    "a * b": lambda lib, a, b: a * b,
    "a + b": lambda lib, a, b: a + b,
    "a / b": lambda lib, a, b: a / (b * b + 1.0),
    "exp": lambda lib, a, b: (a * 0.3).exp(),
    "tanh": lambda lib, a, b: a.tanh(),
    "relu": lambda lib, a, b: a.relu(),
    "clone": lambda lib, a, b: a.clone(),
    "detach": lambda lib, a, b: a.detach(),
    "row": lambda lib, a, b: a[0],
    "last row": lambda lib, a, b: a[-1],
    "column": lambda lib, a, b: a[..., 1:2],
    "slice": lambda lib, a, b: a[1:],
    "transpose": lambda lib, a, b: a.T,
    "reshape": lambda lib, a, b: a.reshape(-1),
    "unsqueeze": lambda lib, a, b: a.unsqueeze(0),
    "expand": lambda lib, a, b: a.expand(2, *a.shape),
    "rows at": lambda lib, a, b: a[[0, -1, -1]],
}


def apart(a: Any, b: Any) -> Any:
    """Return b, or a copy if it might be a part of a that PyTorch changes while it reads it."""
    return b if b is a else b.clone()


CHANGES: dict[str, Step] = {
    "a += b": lambda lib, a, b: a.__iadd__(apart(a, b)),
    "a *= b": lambda lib, a, b: a.__imul__(apart(a, b)),
    "a /= b": lambda lib, a, b: a.__itruediv__(b * b + 1.0),
    "a += 1": lambda lib, a, b: a.add_(1.0),
    "a *= 0.5": lambda lib, a, b: a.mul_(0.5),
    "exp_": lambda lib, a, b: a.mul_(0.3).exp_(),
    "tanh_": lambda lib, a, b: a.tanh_(),
    "zero_": lambda lib, a, b: a.zero_(),
    "copy_": lambda lib, a, b: a.copy_(b.clone()),
    "masked_fill_": lambda lib, a, b: a.masked_fill_(a.detach() > 1.0, 0.25),
    # Of values that overlap what is written, PyTorch may read what it has written already.
    "a[0] = b[0]": lambda lib, a, b: a.__setitem__(0, b[0].clone()) or a,
    "a[[0, -1]] = b": lambda lib, a, b: a.__setitem__(([0, -1],), b[0].clone()) or a,
    "a[0] += b": lambda lib, a, b: a.__setitem__(0, a[0].__iadd__(b[0].clone())) or a,
    "detached": lambda lib, a, b: a.detach().mul_(2.0),
}
STEPS = RESULTS | CHANGES

programs = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(sorted(RESULTS)), st.sampled_from(sorted(CHANGES))),
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    min_size=2,
    max_size=9,
)
LEAVES = np.random.default_rng(0).uniform(0.5, 1.5, (2, 3, 3))


def run(library: Any, program: Any, leaves: np.ndarray) -> tuple[Any, list[Any]]:
    """Return a loss in which every tensor of the program has its part, and the leaves."""
    given = [library.tensor(v, dtype=library.float64, requires_grad=True) for v in leaves]
    tensors: list[Any] = [given[0] * 1.0, given[1] + 0.0, *given]
    for name, i, j in program:
        # Changes start from results, not from leaves.
        a = tensors[i % len(tensors)] if name in RESULTS else tensors[i % 2]
        if name in CHANGES and len(tensors) > 4:
            a = ([*tensors[:2], *tensors[4:]])[i % (len(tensors) - 2)]
        tensors.append(STEPS[name](library, a, tensors[j % len(tensors)]))
    loss = sum((k + 1.0) * 0.1 * (t * t).sum() for k, t in enumerate(tensors))
    return loss, given


def outcome(library: Any, program: Any) -> tuple[str, Any]:
    """Return the gradients, or which stage refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, about writing to expanded memory
            loss, leaves = run(library, program, LEAVES)
    except (RuntimeError, IndexError, ValueError) as error:
        # PyTorch only warns of some writes to expanded memory, with results of chance.
        expanded = "single memory location" in str(error)
        return "expanded memory refused" if expanded else "forward refused", None
    try:
        gradients = library.autograd.grad(loss, leaves)
    except RuntimeError as error:
        if library is cr and "modified by an inplace operation" not in str(error):
            raise
        return "backward refused", None
    return "gradients", [g.numpy() for g in gradients]


def differences(program: Any) -> list[np.ndarray]:
    """Return central differences of the loss."""
    found = np.zeros_like(LEAVES)
    for index in np.ndindex(LEAVES.shape):
        values = []
        for step in (1e-6, -1e-6):
            moved = LEAVES.copy()
            moved[index] += step
            values.append(run(cr, program, moved)[0].item())
        found[index] = (values[0] - values[1]) / 2e-6
    return list(found)


def depends_on_detached_values(program: Any) -> bool:
    """Tell whether a value reaches the loss around the graph, where differences see it."""
    return any(name in ("detach", "detached", "masked_fill_") for name, _, _ in program)


@settings(max_examples=250)
@given(programs)
def test_gradients_are_pytorchs_or_right_or_refused(program: Any) -> None:
    ours, theirs = outcome(cr, program), outcome(torch, program)
    if theirs[0] == "gradients" and ours[0] != "expanded memory refused":
        assert ours[0] == "gradients"
        for a, b in zip(ours[1], theirs[1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    elif ours[0] == "gradients" and not depends_on_detached_values(program):
        # Where PyTorch is more careful, what is computed must be right.
        for a, b in zip(ours[1], differences(program), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
