"""Views: whichever of a base and its views is changed, all of them stay right."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both

VIEWS: dict[str, Callable[[Any], Any]] = {
    "row": lambda t: t[1],
    "column": lambda t: t[:, 2],
    "element": lambda t: t[0, 1],
    "slice with a step": lambda t: t[:, ::2],
    "transpose": lambda t: t.T,
    "mT": lambda t: t.mT,
    "permute": lambda t: t.permute(1, 0),
    "view": lambda t: t.view(-1),
    "reshape": lambda t: t.reshape(4, 3),
    "flatten": lambda t: t.flatten(),
    "unsqueeze": lambda t: t.unsqueeze(1),
    "squeeze": lambda t: t.unsqueeze(0).squeeze(0),
    "None": lambda t: t[None],
    "ellipsis": lambda t: t[..., 1:],
    "view of a view": lambda t: t.T[1:][:, :2],
    "alias": lambda t: t[...],
    "movedim": lambda t: t.movedim(0, 1),
    "unflatten": lambda t: t.unflatten(1, (2, 2)),
    "narrow": lambda t: t.narrow(1, 1, 2),
    "select": lambda t: t.select(1, -1),
    "diagonal": lambda t: t.diagonal(1),
    "unfold": lambda t: t.unfold(1, 2, 2),
    "as_strided": lambda t: t.as_strided((2, 3), (1, 4), 1),
    "as_strided of a part": lambda t: t[1:].as_strided((2, 2), (1, 4)),
}
CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda t, w: t.add_(w),
    "mul": lambda t, w: t.mul_(w),
    "zero": lambda t, w: t.zero_(),
    "copy": lambda t, w: t.copy_(w.expand(t.shape)),
}


def start(library: Any) -> tuple[Any, Any, Any]:
    """Return a leaf, a 3×4 base computed from it, and a number to change things with."""
    x = library.linspace(-1, 2, 12, dtype=library.float64).reshape(3, 4).requires_grad_()
    w = library.tensor(1.5, dtype=library.float64, requires_grad=True)
    return x, x * 2, w


def everything(library: Any, x: Any, w: Any, *tensors: Any) -> Any:
    """Return the tensors, and the gradients of a loss in which each has its own part."""
    loss = sum((k + 1.0) * (t * t * t).sum() for k, t in enumerate(tensors))
    return [*(t.detach() for t in tensors), *library.autograd.grad(loss, (x, w), allow_unused=True)]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shares_memory_with_its_base_both_ways(view: str) -> None:
    def program(library: Any) -> Any:
        base = library.arange(12.0).reshape(3, 4).clone()
        v = VIEWS[view](base)
        v.add_(100.0)
        after_view = base.clone()
        base.mul_(2.0)
        return after_view, base, v

    same_in_both(program)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("view", VIEWS)
def test_base_changed_then_the_view_is_right(view: str, change: str) -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        v = VIEWS[view](base)
        CHANGES[change](base, w)
        return everything(library, x, w, base, v)

    same_in_both(program)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("view", VIEWS)
def test_view_changed_then_the_base_is_right(view: str, change: str) -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        v = VIEWS[view](base)
        CHANGES[change](v, w)
        return everything(library, x, w, base, v)

    same_in_both(program)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("view", VIEWS)
def test_view_changed_then_its_siblings_are_right(view: str, change: str) -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        before, v = base[1:, 1:], VIEWS[view](base)
        CHANGES[change](v, w)
        after = base.view(12)[3:9]
        return everything(library, x, w, before, v, after)

    same_in_both(program)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("view", VIEWS)
def test_constant_base_becomes_part_of_the_graph(view: str, change: str) -> None:
    def program(library: Any) -> Any:
        x, _, w = start(library)
        base = library.ones(3, 4, dtype=library.float64)
        v, sibling = VIEWS[view](base), base[0]
        CHANGES[change](v, w * x[0, 0])
        return everything(library, x, w, base + x * 0, v + x[0, 0] * 0, sibling + x[0] * 0)

    same_in_both(program)


@pytest.mark.parametrize("view", VIEWS)
def test_second_derivatives_through_a_changed_view(view: str) -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        v = VIEWS[view](base)
        v.mul_(w * w)
        base.add_(v.sum())
        first = library.autograd.grad((base**3).sum() + (v**2).sum(), (x, w), create_graph=True)
        return library.autograd.grad(sum((g * g).sum() for g in first), (x, w))

    same_in_both(program)


def test_changes_in_turn_on_base_and_views() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        row, column, flat = base[0], base[:, 0], base.view(-1)
        row.mul_(w)
        base.add_(1.0)
        column.add_(row[:3].clone() * w)
        flat[5:7] = w
        row += column.sum()
        base[1] *= 2.0
        return everything(library, x, w, base, row, column, flat)

    same_in_both(program)


def test_views_of_views_follow_changes_above_and_below() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        middle = base[1:]
        inner = middle.T[2]
        inner.mul_(w)
        middle.add_(w)
        base.mul_(w)
        deepest = inner[0]
        deepest.add_(1.0)
        return everything(library, x, w, base, middle, inner, deepest)

    same_in_both(program)


def test_values_computed_from_a_view_before_a_change_keep_their_gradient() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        v = base[0]
        early = v + w
        base.add_(w)
        late = v + w
        return everything(library, x, w, early, late)

    same_in_both(program)


def test_gradients_of_held_views_are_those_of_their_present_values() -> None:
    x = cr.tensor([1.0, 2.0, 3.0], requires_grad=True)
    base = x * 1
    v = base[:2]
    base *= 2
    (v * cr.tensor([10.0, 20.0])).sum().backward()
    np.testing.assert_array_equal(v.grad, [10, 20])
    np.testing.assert_array_equal(base.grad, [10, 20, 0])
    np.testing.assert_array_equal(x.grad, [20, 40, 0])


def test_a_view_of_a_constant_requires_grad_as_soon_as_its_base_does() -> None:
    def program(library: Any) -> Any:
        x = library.ones(3, requires_grad=True)
        base = library.zeros(3)
        v = base[1:]
        before = v.requires_grad, v.is_leaf
        base.add_(x)
        return *before, v.requires_grad, v.is_leaf, v.grad_fn is None

    same_in_both(program)


def test_reshape_that_must_copy_is_not_a_view() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        copied = base.T.reshape(-1)
        copied.mul_(w)
        return everything(library, x, w, base, copied)

    same_in_both(program)


def test_contiguous_copies_only_what_is_not_in_order() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        same, ordered = base.contiguous(), base.T.contiguous()
        flat = ordered.view(-1)
        flat.mul_(w)
        return same is base, *everything(library, x, w, base, ordered, flat)

    same_in_both(program)


def test_indexing_by_arrays_copies() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        picked, masked = base[[0, 2]], base[base > 0]
        picked.mul_(w)
        masked.add_(w)
        return everything(library, x, w, base, picked, masked)

    same_in_both(program)


def test_expanded_views_read_the_changes_of_their_base() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        wide = base[0].expand(2, 4)
        base.mul_(w)
        return everything(library, x, w, wide)

    same_in_both(program)


def test_parts_from_unbind_and_split_share_memory_and_gradients() -> None:
    x, base, w = start(cr)
    first, _, third = base.unbind(0)
    left, right = base.split(2, dim=1)
    base.mul_(w)
    assert np.shares_memory(first.detach(), base.detach())
    (first.sum() + 2 * third.sum() + (left * right).sum()).backward()
    expected = start(cr)
    b = expected[1] * expected[2]
    (b[0].sum() + 2 * b[2].sum() + (b[:, :2] * b[:, 2:]).sum()).backward()
    np.testing.assert_allclose(x.grad, expected[0].grad)
    np.testing.assert_allclose(w.grad, expected[2].grad)


def test_iteration_gives_views() -> None:
    def program(library: Any) -> Any:
        base = library.zeros(3, 2)
        for k, row in enumerate(base):
            row.fill_(float(k))
        return base

    same_in_both(program)


# --- Gradient modes -------------------------------------------------------------------------------


def test_a_view_taken_under_no_grad_refuses_changes_with_gradients() -> None:
    def program(library: Any) -> None:
        _, base, _ = start(library)
        with library.no_grad():
            v = base[0]
        v.add_(1.0)

    message = refused_in_both(
        program, "A view was created in no_grad mode and is being modified inplace"
    )
    assert "clone()" in message


def test_a_view_taken_under_no_grad_is_a_constant() -> None:
    _, base, _ = start(cr)
    with cr.no_grad():
        v = base[0]
        assert not v[1:].requires_grad
    assert not v.requires_grad and not (v * 2).requires_grad


def test_a_view_taken_and_changed_under_no_grad_changes_values_only() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        with library.no_grad():
            base[0].fill_(5.0)
            base.T[1] += 1.0
        total = (base + w).sum()  # its rule reads no value
        total.backward()
        return base.detach(), x.grad

    same_in_both(program)


def test_detached_views_share_memory_and_have_no_gradient() -> None:
    def program(library: Any) -> Any:
        x, base, w = start(library)
        d = base.detach()[0]
        d.add_(1.0)
        (base + w).sum().backward()
        return base.detach(), d, x.grad

    same_in_both(program)


# --- Freeing --------------------------------------------------------------------------------------


def test_a_view_keeps_its_base_but_a_base_does_not_keep_its_views() -> None:
    import gc
    import weakref

    gc.disable()
    try:
        _, base, w = start(cr)
        v = base[0]
        v.mul_(w)
        alive = weakref.ref(v)
        del v
        assert alive() is None
        assert not np.isnan(base.detach()).any()
    finally:
        gc.enable()
