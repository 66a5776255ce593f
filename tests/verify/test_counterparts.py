"""PyTorch's counterpart of every operation of the table: values and gradients agree."""

import importlib
import pkgutil
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.primitive import table as derivatives
from chainrule.replay import gradients
from chainrule.verify import counterparts
from chainrule.verify.in_pytorch import values_in_pytorch
from chainrule.verify.reevaluation import Reevaluation
from tests.ops import samples
from tests.ops.samples.description import Operation, here, outputs, tensors

FAMILIES = sorted(
    module.name for module in pkgutil.iter_modules(samples.__path__) if module.name != "description"
)
# How many graphs are compared of each operation, and with each set of operations in them.
ENOUGH = 4
# PyTorch has no counterpart: its temporal classification keeps the labels apart.
WITHOUT = frozenset({"ctc_gradient", "ctc_loss"})

# Singular and eigenvectors are determined but for their signs, which differ between LAPACKs.
TURNED = frozenset({"eigh", "svd"})


def operations(family: str) -> tuple[Operation, ...]:
    module = importlib.import_module(f"{samples.__name__}.{family}")
    return tuple(getattr(module, "OPERATIONS", ()))


def test_every_operation_has_a_counterpart() -> None:
    for family in FAMILIES:
        operations(family)
    with_rules = {name for name, primitive in derivatives.items() if primitive.rules}
    ours = {n for n in with_rules if derivatives[n].forward.__module__ != __name__}
    assert ours - counterparts.table().keys() == WITHOUT
    assert counterparts.table().keys() <= derivatives.keys()


def losses(operation: Operation, args: Any, kwargs: Any) -> Iterator[cr.Tensor]:
    """Yield a weighted sum of an operation's results, and one of its gradients."""
    given = [here(a, np.float64, requires_grad=True) for a in args]
    leaves = [t for t in tensors(given) if t.requires_grad]
    try:
        options = {name: here(value, np.float64) for name, value in kwargs.items()}
        results = outputs(operation.ours(*given, **options))
    except (RuntimeError, ValueError, IndexError, TypeError):
        return  # a sample of what is refused
    found = [t for t in results if isinstance(t, cr.Tensor)]
    found = [t for t in found if t.requires_grad]
    if not leaves or not found:
        return
    loss = weighted(found)
    yield loss
    if not operation.once:
        once = cr.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
        once = [g for g in once if g is not None and g.requires_grad]
        if once:
            yield weighted(once)


def weighted(parts: list[cr.Tensor]) -> cr.Tensor:
    rng = np.random.default_rng(0)
    total: Any = 0
    for part in parts:
        total = total + (part * cr.from_numpy(rng.uniform(0.5, 1.5, tuple(part.shape)))).sum()
    return total


@pytest.mark.parametrize("family", FAMILIES)
def test_values_and_gradients_agree(family: str) -> None:
    seen: Counter[frozenset[str]] = Counter()
    compared = 0
    for operation in operations(family):
        for sample in operation.samples:
            if not sample.smooth:
                continue
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compared += compare(operation, sample.args, sample.kwargs, seen)
    assert compared or not any(o.samples for o in operations(family))


def compare(operation: Operation, args: Any, kwargs: Any, seen: Counter[frozenset[str]]) -> int:
    compared = 0
    for loss in losses(operation, args, kwargs):
        function = Reevaluation(loss)
        names = frozenset(node.name for node, _, _ in function.steps)
        if seen[names] >= ENOUGH or names & WITHOUT or not names <= derivatives.keys():
            continue
        seen[names] += 1
        try:
            theirs = values_in_pytorch(function)
        except NotImplementedError:
            continue  # PyTorch has the values only
        ours = function.values({})
        if names & TURNED:
            compare_up_to_sign(ours, theirs)
            continue
        for node, _, _ in function.steps:
            pairs = (ours[node], theirs[node])
            for a, b in zip(*pairs, strict=True) if isinstance(pairs[0], tuple) else (pairs,):
                agree(a, b.detach().numpy(), f"{operation.name}: {node.name}")
        found = gradients(loss)
        if seen[names] == 1:
            by_complex_step(function, found, operation.name)
        leaves = [node for node in function.leaves if node in found]
        try:
            expected = torch.autograd.grad(
                theirs[function.root].sum(), [theirs[n] for n in leaves], allow_unused=True
            )
        except (NotImplementedError, RuntimeError) as error:
            if "not implemented" in str(error) or "non-zero size" in str(error):
                continue
            raise
        for node, gradient in zip(leaves, expected, strict=True):
            if gradient is not None:
                agree(found[node], gradient.numpy(), f"the gradient of {operation.name}")
        compared += 1
    return compared


def by_complex_step(function: Reevaluation, found: Any, what: str) -> None:
    """Compare gradients with slopes along the imaginary axis, where operations are analytic."""
    if function.not_analytic() is not None:
        return
    for leaf, array in function.leaves.items():
        if leaf in found and array.size:
            way = np.random.default_rng(1).standard_normal(array.shape)
            slope = np.imag(function({leaf: array + 1e-40j * way})) / 1e-40
            agree(np.vdot(found[leaf], way), slope, f"the complex step of {what}")


def compare_up_to_sign(ours: Any, theirs: Any) -> None:
    for node in ours:
        if node.name in TURNED:
            for a, b in zip(ours[node], theirs[node], strict=True):
                agree(np.abs(a), np.abs(b.detach().numpy()), node.name)


def agree(ours: Any, theirs: Any, what: str) -> None:
    scale = float(np.max(np.abs(ours), initial=0, where=np.isfinite(ours)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9 * max(scale, 1), err_msg=what)
