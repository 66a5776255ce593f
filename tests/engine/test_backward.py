"""The backward pass: what gets a gradient, how it accumulates, when it is refused."""

import gc
import sys
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both


def test_shared_uses_accumulate() -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1.0, 2.0, 3.0], requires_grad=True)
        b = a * a + a
        c = b * a + b
        (c * c + a).sum().backward()
        return a.grad

    same_in_both(program)


def test_several_backward_passes_accumulate_until_zeroed() -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1.0, 2.0], requires_grad=True)
        grads = []
        for _ in range(3):
            (a * a).sum().backward()
            grads.append(a.grad.clone())
        a.grad = None
        a.exp().sum().backward()
        return [*grads, a.grad]

    same_in_both(program)


def test_zero_grad_forgets_the_gradient() -> None:
    a = cr.tensor(2.0, requires_grad=True)
    (a * 3).backward()
    a.zero_grad()
    assert a.grad is None
    (a * 3).backward()
    assert a.grad is not None and a.grad.item() == 3.0


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 4), (4,)),
        ((3, 4), (3, 1)),
        ((3, 1), (1, 4)),
        ((2, 3, 4), (3, 1)),
        ((4,), ()),
        ((1,), (2, 1, 3)),
        ((0, 3), (1, 3)),
        ((2, 0), (1,)),
        ((1, 1, 1), ()),
    ],
)
def test_broadcasting_is_undone(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    values = [rng.uniform(0.5, 1.5, shape) for shape in (left, right)]

    def program(library: Any) -> Any:
        a, b = (library.tensor(v.tolist(), dtype=library.float64) for v in values)
        a, b = (
            t.reshape(v.shape).clone().requires_grad_() for t, v in zip((a, b), values, strict=True)
        )
        ((a + b) * (a / b) - b * a).sum().backward()
        return a.grad, b.grad

    same_in_both(program)


def test_every_held_tensor_has_a_gradient_intermediate_or_leaf() -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1.0, 2.0], requires_grad=True)
        b = a * 3
        c = b * b
        d = c.sum()
        if library is torch:
            for t in (b, c, d):
                t.retain_grad()
        d.backward()
        return a.grad, b.grad, c.grad, d.grad

    same_in_both(program)


def test_intermediate_gradients_accumulate_like_those_of_leaves() -> None:
    a = cr.tensor([1.0, 2.0], requires_grad=True)
    b = a * 3
    b.sum().backward(retain_graph=True)
    (b * b).sum().backward()
    np.testing.assert_array_equal(b.grad, [1 + 6, 1 + 12])


def test_retain_grad_changes_nothing_and_is_refused_without_a_graph() -> None:
    a = cr.tensor(1.0, requires_grad=True)
    b = a * 2
    b.retain_grad()
    assert b.retains_grad and not a.retains_grad
    refused_in_both(
        lambda library: library.tensor(1.0).retain_grad(), "can't retain_grad on Tensor that has"
    )


def test_long_chain_needs_no_recursion_neither_backward_nor_when_freed() -> None:
    x = cr.tensor(1.0, requires_grad=True)
    y = x
    limit = sys.getrecursionlimit()
    for _ in range(100_000):
        y = y + x
    sys.setrecursionlimit(200)
    try:
        y.backward()
        assert x.grad is not None and x.grad.item() == 100_001.0
        del y
    finally:
        sys.setrecursionlimit(limit)


def test_long_chain_is_freed_without_backward_and_without_the_collector() -> None:
    gc.disable()
    try:
        x = cr.tensor([1.0], requires_grad=True)
        y = x
        for _ in range(100_000):
            y = y * 1.0
        first = y._node
        assert first is not None
        for _ in range(99_999):
            first = first.inputs[0]
            assert first is not None
        import weakref

        alive = weakref.ref(first)
        del first, y
        assert alive() is None
    finally:
        gc.enable()


def test_wide_sharing_visits_each_operation_once() -> None:
    calls = []

    class Counted(cr.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: cr.Tensor) -> cr.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: cr.Tensor) -> cr.Tensor:
            calls.append(g.item())
            return g

    x = cr.tensor(1.0, requires_grad=True)
    y = Counted.apply(x)
    for _ in range(30):
        y = y + y  # 2³⁰ paths
    y.backward()
    assert calls == [2.0**30]
    assert x.grad is not None and x.grad.item() == 2.0**30


# --- Where the sweep starts -----------------------------------------------------------------------


def test_scalar_output_needs_no_gradient_of_any_number_of_dimensions() -> None:
    def program(library: Any) -> Any:
        a = library.tensor([[2.0]], requires_grad=True)
        (a * a).backward()
        return a.grad

    same_in_both(program)


def test_other_outputs_are_refused_without_a_gradient() -> None:
    message = refused_in_both(
        lambda library: library.ones(2, requires_grad=True).exp().backward(),
        "grad can be implicitly created only for scalar outputs",
    )
    assert "[2]" in message and ".sum()" in message


def test_empty_output_is_refused_without_a_gradient() -> None:
    refused_in_both(
        lambda library: library.ones(0, requires_grad=True).exp().backward(),
        "grad can be implicitly created only for scalar outputs",
    )


def test_tensor_without_graph_is_refused() -> None:
    refused_in_both(
        lambda library: library.ones(1).backward(),
        "element 0 of tensors does not require grad and does not have a grad_fn",
    )


def test_gradient_of_the_outputs_shape_is_used() -> None:
    def program(library: Any) -> Any:
        a = library.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        (a**3).backward(library.tensor([[-1.0, 0.0], [1.0, 2.0]]))
        return a.grad

    same_in_both(program)


@pytest.mark.parametrize(
    "upstream", [0.5, 2, np.float64(0.5), np.array(0.5), cr.tensor(0.5), cr.tensor([[0.5]])[0, 0]]
)
def test_a_number_as_upstream_gradient_is_broadcast(upstream: Any) -> None:
    a = cr.tensor([1.0, 2.0], requires_grad=True)
    b = a * a
    b.backward(upstream)
    np.testing.assert_allclose(a.grad, 2 * float(upstream) * np.array([1.0, 2.0]))
    assert b.grad is not None and b.grad.dtype == cr.float32
    np.testing.assert_allclose(b.grad, [float(upstream)] * 2)


def test_an_array_as_upstream_gradient_takes_the_outputs_dtype() -> None:
    a = cr.tensor([1.0, 2.0], requires_grad=True)
    (a * a).backward(np.array([1.0, 10.0]))
    assert a.grad is not None and a.grad.dtype == cr.float32
    np.testing.assert_array_equal(a.grad, [2, 40])


def test_gradient_of_another_shape_is_refused() -> None:
    message = refused_in_both(
        lambda library: (library.ones(2, requires_grad=True) * 2).backward(library.ones(3)),
        "Mismatch in shape",
    )
    assert "[3]" in message and "[2]" in message


def test_gradient_of_another_kind_is_refused() -> None:
    refused_in_both(
        lambda library: (library.ones(2, requires_grad=True) * 2).backward("1"),
        "gradients can be either Tensors or None, but got str",
    )


def test_backward_on_a_leaf_is_its_own_gradient() -> None:
    def program(library: Any) -> Any:
        a = library.tensor(3.0, requires_grad=True)
        a.backward()
        return a.grad

    same_in_both(program)


def test_backward_of_several_tensors_at_once() -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1.0, 2.0], requires_grad=True)
        b, c = a * 2, a * a
        library.autograd.backward([b.sum(), c], [None, library.tensor([1.0, 3.0])])
        return a.grad

    same_in_both(program)


def test_backward_of_an_intermediate_together_with_its_result() -> None:
    def program(library: Any) -> Any:
        a = library.tensor(2.0, requires_grad=True)
        b = a * a
        c = b * b
        library.autograd.backward([c, b, c])
        return a.grad

    same_in_both(program)


def test_number_of_gradients_must_match() -> None:
    a = cr.tensor(1.0, requires_grad=True)
    with pytest.raises(RuntimeError, match="got 2 tensors and 1 gradients"):
        cr.autograd.backward([a * 2, a * 3], [cr.tensor(1.0)])


def test_inputs_restrict_accumulation() -> None:
    def program(library: Any) -> Any:
        a = library.tensor(2.0, requires_grad=True)
        b = library.tensor(3.0, requires_grad=True)
        c = a * b
        (c * c).backward(inputs=[a])
        return a.grad, b.grad

    same_in_both(program)
    refused_in_both(
        lambda library: library.ones(1, requires_grad=True).exp().backward(inputs=[]),
        r"`inputs` argument to `backward\(\)` cannot be empty",
    )


def test_inputs_may_be_intermediate() -> None:
    a = cr.tensor(2.0, requires_grad=True)
    b = a * 3
    (b * b).backward(inputs=b)
    assert a.grad is None
    assert b.grad is not None and b.grad.item() == 12.0


# --- Once, or several times -----------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["exp", "mul", "sum", "add", "reshape"])
def test_second_backward_is_refused(operation: str) -> None:
    operations = {
        "exp": lambda t: t.exp().sum(),
        "mul": lambda t: (t * t).sum(),
        "sum": lambda t: t.sum(),
        "add": lambda t: (t + 1.0).sum(),
        "reshape": lambda t: t.reshape(1),
    }
    a = cr.ones(1, requires_grad=True)
    out = operations[operation](a)
    out.backward()
    with pytest.raises(
        RuntimeError, match=r"Trying to backward through the graph a second time.*retain_graph=True"
    ):
        out.backward()
    np.testing.assert_array_equal(a.grad, a.grad)


def test_second_backward_through_a_shared_part_is_refused_and_named() -> None:
    message = refused_in_both(
        _backward_through_shared_part, "Trying to backward through the graph a second time"
    )
    assert "exp" in message and "test_backward.py" in message


def _backward_through_shared_part(library: Any) -> None:
    a = library.ones(2, requires_grad=True)
    shared = a.exp()
    shared.sum().backward()
    (shared * 2.0).sum().backward()


def test_retain_graph_allows_further_passes() -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1.0, 2.0], requires_grad=True)
        out = (a.exp() * a).sum()
        out.backward(retain_graph=True)
        first = a.grad.clone()
        out.backward(retain_graph=True)
        out.backward()
        return first, a.grad

    same_in_both(program)


def test_a_graph_whose_parts_were_never_swept_is_not_touched() -> None:
    a = cr.tensor([1.0, 2.0], requires_grad=True)
    left, right = a.exp(), a * a
    left.sum().backward()
    right.sum().backward()
    np.testing.assert_allclose(a.grad, np.exp([1, 2]) + np.array([2, 4]), rtol=1e-6)


# --- Whose memory a gradient is -------------------------------------------------------------------


def gradients_share(*tensors: Any) -> bool:
    grads = [t.grad.numpy() for t in tensors]
    return any(
        np.shares_memory(a, b) for k, a in enumerate(grads) for b in grads[:k] if a is not b
    ) or len({id(g) for g in grads}) < len(grads)


def test_gradients_of_the_operands_of_a_sum_do_not_share_memory() -> None:
    a, b = (cr.ones(3, requires_grad=True) for _ in range(2))
    c = a + b
    d = c.reshape(3, 1)
    e = d.T
    e.sum().backward()
    assert not gradients_share(a, b, c, d, e)


@pytest.mark.parametrize("uses", [2, 3, 5])
def test_adding_up_the_gradients_of_a_leaf_changes_none_of_them(uses: int) -> None:
    x = cr.tensor([1.0, 2.0], requires_grad=True)
    upstream = cr.tensor([3.0, 5.0])
    held = [x.view(2) for _ in range(uses)]
    y = held[0]
    for part in held[1:]:
        y = y + part
    y.backward(upstream)
    assert x.grad.tolist() == [3.0 * uses, 5.0 * uses]
    for tensor in (*held, y):
        assert tensor.grad.tolist() == [3.0, 5.0]
    assert upstream.tolist() == [3.0, 5.0]


def test_changing_one_gradient_changes_no_other() -> None:
    a, b = (cr.ones(3, requires_grad=True) for _ in range(2))
    c = a + b
    d = c - a
    d.backward(cr.ones(3))
    before = [t.grad.clone() for t in (a, b, c)]  # type: ignore[union-attr]
    d.grad.mul_(7)  # type: ignore[union-attr]
    for t, value in zip((a, b, c), before, strict=True):
        np.testing.assert_array_equal(t.grad, value)


def test_the_gradient_that_was_passed_is_not_aliased() -> None:
    a = cr.ones(3, requires_grad=True)
    upstream = cr.tensor([1.0, 2.0, 3.0])
    array = np.array([1.0, 2.0, 3.0], np.float32)
    for given in (upstream, array):
        a.grad = None
        b = a + 0.0
        b.backward(given)
        b.grad.zero_()  # type: ignore[union-attr]
        a.grad.zero_()  # type: ignore[union-attr]
        np.testing.assert_array_equal(given, [1, 2, 3])


def test_a_gradient_is_not_aliased_by_what_the_graph_saved() -> None:
    w = cr.tensor([2.0, 3.0], requires_grad=True)
    x = cr.tensor([5.0, 7.0])
    (w * x).sum().backward()
    w.grad.zero_()  # type: ignore[union-attr]
    np.testing.assert_array_equal(x, [5, 7])


def test_gradients_from_a_second_pass_leave_kept_references_alone() -> None:
    a = cr.ones(2, requires_grad=True)
    b = cr.ones(2, requires_grad=True)
    (a + b).sum().backward()
    held = b.grad
    (a * 5).sum().backward()
    assert held is b.grad
    np.testing.assert_array_equal(held, [1, 1])


def test_gradients_that_grad_returns_do_not_share_memory() -> None:
    a, b = (cr.ones(3, requires_grad=True) for _ in range(2))
    upstream = cr.ones(3)
    da, db = cr.autograd.grad(a + b, (a, b), upstream)
    da.zero_()
    np.testing.assert_array_equal(db, np.ones(3))
    np.testing.assert_array_equal(upstream, np.ones(3))


@pytest.mark.parametrize("create_graph", [False, True])
def test_changing_gradients_between_passes_gives_what_pytorch_gives(create_graph: bool) -> None:
    def program(library: Any) -> Any:
        a = library.tensor([1.0, 2.0], requires_grad=True)
        b = library.tensor([3.0, 4.0], requires_grad=True)
        (a + b).sum().backward(create_graph=create_graph)
        with library.no_grad():
            a.grad.mul_(10)
        (a + b * 2).sum().backward()
        return a.grad.detach(), b.grad.detach()

    same_in_both(program)


# --- .grad as an attribute ------------------------------------------------------------------------


def test_assigning_a_gradient_checks_kind_shape_and_dtype() -> None:
    refused_in_both(
        lambda library: setattr(library.ones(2), "grad", 3.0), "assigned grad expected to be"
    )
    refused_in_both(
        lambda library: setattr(library.ones(2), "grad", library.ones(3)),
        "attempting to assign a gradient of size",
    )
    refused_in_both(
        lambda library: setattr(library.ones(2), "grad", library.ones(2, dtype=library.float64)),
        "attempting to assign a gradient with dtype",
    )


def test_an_assigned_gradient_is_accumulated_into() -> None:
    def program(library: Any) -> Any:
        a = library.ones(2, requires_grad=True)
        a.grad = library.tensor([10.0, 20.0])
        (a * 3).sum().backward()
        return a.grad

    same_in_both(program)


def test_gradients_have_the_dtype_of_their_tensor() -> None:
    def program(library: Any) -> Any:
        a = library.ones(2, requires_grad=True)
        b = library.ones(2, dtype=library.float64, requires_grad=True)
        c = library.ones(2, dtype=library.float16, requires_grad=True)
        (a * b * c).sum().backward()
        return a.grad, b.grad, c.grad

    same_in_both(program)


def test_non_contiguous_tensors_have_contiguous_right_gradients() -> None:
    def program(library: Any) -> Any:
        a = library.arange(6.0).reshape(2, 3).T.requires_grad_()
        (a * a).sum().backward()
        return a.grad

    same_in_both(program)
