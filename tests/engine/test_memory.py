"""Memory: graphs are freed by reference counting alone, and nothing grows from step to step."""

import gc
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture(autouse=True)
def _no_garbage_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Scale(cr.autograd.Function):
    """Saves its input and its output."""

    @staticmethod
    def forward(ctx: Any, x: cr.Tensor, factor: float) -> tuple[cr.Tensor, cr.Tensor]:
        y, z = x * factor, x + factor
        ctx.save_for_backward(x, y, z)
        ctx.factor = factor
        return y, z

    @staticmethod
    def backward(ctx: Any, gy: cr.Tensor, gz: cr.Tensor) -> tuple[cr.Tensor, None]:
        x, y, _ = ctx.saved_tensors
        assert x.shape == y.shape
        return gy * ctx.factor + gz, None


def plain(x: cr.Tensor) -> cr.Tensor:
    return (x.exp() * x + 1.0).sum()


def views(x: cr.Tensor) -> cr.Tensor:
    return x.reshape(2, 3).T[1:].unsqueeze(0).sum()


def in_place(x: cr.Tensor) -> cr.Tensor:
    t = x * 2
    v = t[1:3]
    t += x
    v *= x[:2]
    t[0] = v[1]
    return (t + t.flatten()).sum()


def several_outputs(x: cr.Tensor) -> cr.Tensor:
    first, second = Scale.apply(x, 3.0)
    return (first * second).sum()


def hooked(x: cr.Tensor) -> cr.Tensor:
    y = x * x
    y.register_hook(lambda g: g * 2)
    return y.sum()


def joined(x: cr.Tensor) -> cr.Tensor:
    return cr.cat([x, x.exp()]).max(0).values + cr.stack([x, x]).std()


def through_numpy(x: cr.Tensor) -> cr.Tensor:
    p = np.exp(x)
    p /= np.sum(p)
    return -np.log(p[np.arange(2)]).mean()


def double_backward(x: cr.Tensor) -> cr.Tensor:
    (g,) = cr.autograd.grad((x**3).sum(), x, create_graph=True)
    assert g is not None
    return (g * g).sum()


GRAPHS = [
    plain,
    views,
    in_place,
    several_outputs,
    hooked,
    joined,
    through_numpy,
    double_backward,
]


def ancestors(root: Any) -> list[Any]:
    found, stack = {root}, [root]
    while stack:
        for parent in stack.pop().inputs:
            if parent is not None and parent not in found:
                found.add(parent)
                stack.append(parent)
    return list(found)


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("swept", [False, True])
def test_a_graph_is_gone_with_its_last_tensor(
    graph: Callable[[cr.Tensor], cr.Tensor], swept: bool
) -> None:
    x = cr.linspace(0.1, 1.0, 6, requires_grad=True)
    loss = graph(x)
    nodes = [weakref.ref(n) for n in ancestors(loss._node) if n is not x._node]
    assert nodes
    if swept:
        loss.backward()
    del loss
    assert [r() for r in nodes if r() is not None] == []


@pytest.mark.parametrize("graph", GRAPHS)
def test_backward_with_create_graph_leaves_no_cycle_but_in_the_gradient(
    graph: Callable[[cr.Tensor], cr.Tensor],
) -> None:
    x = cr.linspace(0.1, 1.0, 6, requires_grad=True)
    loss = graph(x)
    nodes = [weakref.ref(n) for n in ancestors(loss._node) if n is not x._node]
    loss.backward(create_graph=True)
    del loss
    # The recorded gradient hangs in the graph of the forward pass until it is dropped.
    x.grad = None
    assert [r() for r in nodes if r() is not None] == []


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_of_a_training_step_is_left_to_the_collector(
    graph: Callable[[cr.Tensor], cr.Tensor],
) -> None:
    x = cr.linspace(0.1, 1.0, 6, requires_grad=True)

    def step() -> None:
        x.grad = None
        graph(x).backward()
        with cr.no_grad():
            x.sub_(x.grad, alpha=1e-3)

    for _ in range(3):
        step()
    gc.collect()
    for _ in range(5):
        step()
    assert gc.collect() == 0


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_grows_over_many_steps(graph: Callable[[cr.Tensor], cr.Tensor]) -> None:
    x = cr.linspace(0.1, 1.0, 6, requires_grad=True)

    def steps(count: int) -> None:
        for _ in range(count):
            x.grad = None
            graph(x).backward()
            with cr.no_grad():
                x.sub_(x.grad, alpha=1e-4)

    steps(20)
    tracemalloc.start()
    try:
        steps(20)
        gc.collect()  # also empties the interpreter's caches of small tuples
        before = tracemalloc.get_traced_memory()[0]
        steps(300)
        assert gc.collect() == 0
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # One object left behind by each step would be at least 300 times 28 bytes.
    assert grown < 300 * 28


def test_an_intermediate_that_nobody_holds_is_freed_at_once() -> None:
    x = cr.ones(1000, requires_grad=True)
    y = x + 1.0  # its rules read neither operand nor result
    alive, memory = weakref.ref(y), weakref.ref(y._array)
    z = y + 1.0
    del y
    assert alive() is None
    assert memory() is None
    z.sum().backward()
    assert x.grad is not None


def test_only_what_a_rule_reads_is_kept() -> None:
    x = cr.ones(1000, requires_grad=True)
    y = x + 1.0
    z = y.exp()
    kept, dropped = weakref.ref(z._array), weakref.ref(y._array)
    out = z.sum()
    del y, z
    assert kept() is not None and dropped() is None
    out.backward()
    assert kept() is None, "freed by backward, though the output is still held"


def test_retained_graphs_keep_what_they_saved_until_they_are_dropped() -> None:
    x = cr.ones(10, requires_grad=True)
    y = x.exp()
    saved = weakref.ref(y._array)
    out = y.sum()
    del y
    out.backward(retain_graph=True)
    assert saved() is not None
    del out
    assert saved() is None


def test_constants_compute_without_any_graph() -> None:
    x = cr.ones(10)
    y = x * 2
    assert y._node is None
    alive = weakref.ref(x)
    del x
    assert alive() is None


def test_detached_results_do_not_keep_the_graph() -> None:
    x = cr.ones(3, requires_grad=True)
    y = x.exp()
    node = weakref.ref(y._node)  # type: ignore[arg-type]
    d = y.detach()
    value = y.sum().item()
    del y
    assert node() is None
    assert d.sum().item() == pytest.approx(value)


def test_a_gradient_does_not_keep_the_graph_that_made_it() -> None:
    x = cr.ones(3, requires_grad=True)
    y = x.exp()
    node = weakref.ref(y._node)  # type: ignore[arg-type]
    y.sum().backward()
    grad = y.grad
    del y
    assert node() is None
    assert grad is not None


def test_removed_hooks_are_freed() -> None:
    class Hook:
        def __call__(self, g: cr.Tensor) -> None: ...

    x = cr.ones(3, requires_grad=True)
    hook = Hook()
    alive = weakref.ref(hook)
    handle = x.register_hook(hook)
    del hook
    assert alive() is not None
    handle.remove()
    assert alive() is None


def test_the_register_of_changes_forgets_memory_that_is_gone() -> None:
    from chainrule.graph import mutations

    before = len(mutations._by_owner)
    for _ in range(100):
        t = cr.zeros(3)
        t += 1
    del t
    assert len(mutations._by_owner) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts page faults")
def test_the_memory_of_large_arrays_is_reused():
    program = (
        "import resource, numpy as np, chainrule\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "x = np.ones(1_000_000, np.float32)\n"
        "for _ in range(3): kept = (x + x, x + x, x + x)\n"
        "before = faults()\n"
        "for _ in range(10): kept = None; kept = (x + x, x + x, x + x)\n"
        "print(faults() - before)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    # A page each would be 3 arrays × 977 pages × 10 rounds.
    assert int(result.stdout) < 3000
