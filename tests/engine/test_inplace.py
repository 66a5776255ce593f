"""In-place operations: their values and gradients, what they refuse, what they invalidate."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both

UPDATES: dict[str, Callable[[Any, Any, Any], Any]] = {
    # library, target, another tensor of the same shape
    "+=": lambda _, t, o: t.__iadd__(o),
    "-=": lambda _, t, o: t.__isub__(o),
    "*=": lambda _, t, o: t.__imul__(o),
    "/=": lambda _, t, o: t.__itruediv__(o),
    "**=": lambda _, t, o: t.__ipow__(2),
    "+= number": lambda _, t, o: t.__iadd__(2.5),
    "add_ alpha": lambda _, t, o: t.add_(o, alpha=3),
    "sub_ alpha": lambda _, t, o: t.sub_(o, alpha=0.5),
    "mul_": lambda _, t, o: t.mul_(o),
    "div_": lambda _, t, o: t.div_(o),
    "neg_": lambda _, t, o: t.neg_(),
    "abs_": lambda _, t, o: t.abs_(),
    "exp_": lambda _, t, o: t.exp_(),
    "log_": lambda _, t, o: t.abs_().add_(1.0).log_(),
    "sqrt_": lambda _, t, o: t.abs_().add_(0.1).sqrt_(),
    "sigmoid_": lambda _, t, o: t.sigmoid_(),
    "tanh_": lambda _, t, o: t.tanh_(),
    "relu_": lambda _, t, o: t.relu_(),
    "clamp_": lambda _, t, o: t.clamp_(-0.5, max=0.7),
    "pow_": lambda _, t, o: t.pow_(3),
    "copy_": lambda _, t, o: t.copy_(o),
    "copy_ broadcast": lambda _, t, o: t.copy_(o[:1]),
    "fill_": lambda _, t, o: t.fill_(3.0),
    "zero_": lambda _, t, o: t.zero_(),
    "masked_fill_": lambda _, t, o: t.masked_fill_(o > 0, 2.0),
    "t[0] = ": lambda _, t, o: t.__setitem__(0, o[1]),
    "t[:, 1] = ": lambda _, t, o: t.__setitem__((slice(None), 1), o[:, 0]),
    "t[1, 2] = ": lambda _, t, o: t.__setitem__((1, 2), o[0, 0]),
    "t[...] = number": lambda _, t, o: t.__setitem__(..., 4.0),
    "t[[0, 1]] = ": lambda _, t, o: t.__setitem__(([0, 1],), o),
    "t[mask] = number": lambda _, t, o: t.__setitem__(o > 0, -1.0),
    "t[mask] = tensor": lambda _, t, o: t.__setitem__(o > 0, o[o > 0]),
    "t[rows, columns] = ": lambda lib, t, o: t.__setitem__(
        (lib.tensor([0, 1]), lib.tensor([2, 0])), o[0, :2]
    ),
    "t[None] = ": lambda _, t, o: t.__setitem__(None, o),
    "t[0] += ": lambda _, t, o: t.__setitem__(0, t[0].__iadd__(o[1])),
    "t[[0, 1], 1] *= ": lambda _, t, o: t.__setitem__(([0, 1], 1), t[[0, 1], 1].__imul__(o[:, 0])),
}


def leaves(library: Any, dtype: str = "float64") -> tuple[Any, Any]:
    kind = getattr(library, dtype)
    a = library.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], dtype=kind, requires_grad=True)
    b = library.tensor([[0.5, 1.5, -0.75], [-2.0, 1.0, 2.0]], dtype=kind, requires_grad=True)
    return a, b


@pytest.mark.parametrize("name", UPDATES)
def test_value_and_gradients_are_pytorchs(name: str) -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        t = a * 2
        UPDATES[name](library, t, b * 1)
        (t * t).sum().backward()
        return t.detach(), a.grad, b.grad

    same_in_both(program)


@pytest.mark.parametrize("name", UPDATES)
def test_constant_target_starts_to_require_grad_when_the_other_does(name: str) -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        t = a.detach().clone()
        UPDATES[name](library, t, b * 1)
        if t.requires_grad:
            (t * t).sum().backward()
        return t, b.grad

    same_in_both(program)


@pytest.mark.parametrize("name", UPDATES)
def test_without_a_graph_the_values_are_pytorchs_and_nothing_is_recorded(name: str) -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library, "float32")
        with library.no_grad():
            UPDATES[name](library, a, b)
        return a, a.is_leaf, a.grad_fn is None

    same_in_both(program)


@pytest.mark.parametrize("name", UPDATES)
def test_second_derivatives_through_the_update_are_pytorchs(name: str) -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        t = a * b
        UPDATES[name](library, t, b * a)
        first = library.autograd.grad((t**3).sum(), (a, b), create_graph=True)
        if not any(g.requires_grad for g in first):
            return first
        return library.autograd.grad(sum((g * g).sum() for g in first), (a, b), allow_unused=True)

    same_in_both(program)


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_returns_its_target(name: str) -> None:
    a, b = leaves(cr)
    t = a * 2
    returned = UPDATES[name](cr, t, b)
    assert returned is t or returned is None


# --- Leaves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UPDATES)
def test_leaves_that_require_grad_refuse_and_stay_as_they_were(name: str) -> None:
    a, b = leaves(cr)
    before = a.detach().clone()
    with pytest.raises(RuntimeError, match=r"leaf Variable that requires grad.*in-place operation"):
        UPDATES[name](cr, a, b)
    np.testing.assert_array_equal(a.detach(), before)
    a.sum().backward()  # still usable


def test_views_of_leaves_refuse() -> None:
    for view in (
        lambda t: t[0],
        lambda t: t.T,
        lambda t: t.view(-1),
        lambda t: t[0][1:],
        lambda t: t[0, 1],
    ):
        refused_in_both(
            lambda library, view=view: view(leaves(library)[0]).add_(1.0),  # type: ignore[misc]
            "a view of a leaf Variable that requires grad is being used in an in-place operation",
        )


def test_leaves_may_be_updated_under_no_grad_and_trained_on() -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        losses = []
        for _ in range(3):
            loss = ((a @ b.T - 1.0) ** 2).sum()
            loss.backward()
            with library.no_grad():
                a -= 0.01 * a.grad
                b.sub_(b.grad, alpha=0.01)
                a.grad.zero_()
                b.grad = None
            losses.append(loss.detach())
        return losses, a, b

    same_in_both(program)


def test_data_and_detached_tensors_update_the_leaf() -> None:
    def program(library: Any) -> Any:
        a, _ = leaves(library)
        a.data.mul_(2)
        a.detach()[0] = 7.0
        a.data = a.data + 1
        (a * a).sum().backward()
        return a, a.grad, a.is_leaf

    same_in_both(program)


# --- Values that a rule still needs ---------------------------------------------------------------

CHANGED = "modified by an inplace operation"


@pytest.mark.parametrize(
    "operation",
    [
        lambda t: t.exp(),
        lambda t: t.tanh(),
        lambda t: t.sigmoid(),
        lambda t: t.relu(),
        lambda t: (t * t).sqrt(),
        lambda t: t.softmax(1),
        lambda t: t.logsumexp(1),
        lambda t: t.amax(1),
    ],
)
def test_changing_an_output_that_its_rule_reads_is_refused(operation: Any) -> None:
    def program(library: Any) -> None:
        y = operation(leaves(library)[0])
        y += 1.0
        y.sum().backward()

    refused_in_both(program, CHANGED)


@pytest.mark.parametrize(
    "operation",
    [
        lambda t, o: t * o,
        lambda t, o: t @ o.T,
        lambda t, o: o / t,
        lambda t, o: (t**3) * o,
        lambda t, o: (t * t).log() * o,
        lambda t, o: t.abs() * o,
        lambda t, o: t.var(0) * o,
    ],
)
def test_changing_an_input_that_a_rule_reads_is_refused(operation: Any) -> None:
    def program(library: Any) -> None:
        a, b = leaves(library)
        t = a * 2
        y = operation(t, b)
        t.add_(1.0)
        y.sum().backward()

    refused_in_both(program, CHANGED)


@pytest.mark.parametrize(
    "change",
    [
        lambda library, c: c.add_(1.0),
        lambda library, c: c.detach().zero_(),
        lambda library, c: c[0].fill_(3.0),
        lambda library, c: c.T.mul_(2),
        lambda library, c: c.view(-1)[2:].zero_(),
        lambda library, c: c.__setitem__((0, 0), 5.0),
        lambda library, c: c.detach().view(6).exp_(),
    ],
)
def test_changing_a_constant_through_any_alias_is_refused(change: Any) -> None:
    def program(library: Any) -> None:
        a, b = leaves(library)
        constant = b.detach()
        y = a * constant
        change(library, constant)
        y.sum().backward()

    refused_in_both(program, CHANGED)


def test_changing_a_constant_through_a_view_taken_before_is_refused() -> None:
    def program(library: Any) -> None:
        a, b = leaves(library)
        whole = b.detach().clone()
        row = whole[0]
        y = a[0] * row
        whole += 1
        y.sum().backward()

    refused_in_both(program, CHANGED)


def test_changing_a_parameter_between_forward_and_backward_is_refused() -> None:
    def program(library: Any) -> None:
        a, b = leaves(library)
        y = (a * b).sum()
        with library.no_grad():
            a.add_(1.0)
        y.backward()

    refused_in_both(program, CHANGED)


def test_changing_a_mask_that_a_rule_reads_is_refused() -> None:
    def program(library: Any) -> None:
        a, b = leaves(library)
        mask = b > 0
        y = a.masked_fill(mask, 0.0)
        mask.fill_(True)
        y.sum().backward()

    refused_in_both(program, CHANGED)


def test_the_error_names_the_operation_the_line_and_what_to_do() -> None:
    a, _ = leaves(cr)
    y = a.exp()  # the line
    y.mul_(2)
    with pytest.raises(RuntimeError) as raised:
        y.sum().backward()
    text = str(raised.value)
    line = test_the_error_names_the_operation_the_line_and_what_to_do.__code__.co_firstlineno + 2
    assert f"test_inplace.py:{line}" in text
    assert "the output of exp" in text
    assert "[2, 3]" in text
    assert "clone()" in text


def test_values_that_no_rule_reads_may_change() -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        y = a + b
        y += 1.0
        y *= 2.0
        z = y.sum(0)
        y.zero_()
        z.add_(3.0)
        z.sum().backward()
        return z.detach(), a.grad, b.grad

    same_in_both(program)


def test_an_input_may_change_when_only_the_other_operand_needs_a_gradient() -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        t = a * 2
        y = t * b.detach()  # ∂/∂t reads b only
        t.zero_()
        y.sum().backward()
        return a.grad

    same_in_both(program)


def test_changes_before_the_use_do_no_harm() -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        c = b.detach().clone()
        c += 1.0
        y = a * c
        y.sum().backward()
        return a.grad

    same_in_both(program)


def test_values_kept_for_mutation_leave_the_gradient_right() -> None:
    def program(library: Any) -> Any:
        a, b = leaves(library)
        with library.autograd.graph.allow_mutation_on_saved_tensors():
            y = a.exp()
            z = y * b
            y += 1.0
            y /= y.sum()
            c = b.detach().clone()
            w = a * c
            c.zero_()
            (y.sum() + z.sum() + w.sum()).backward()
        return a.grad, b.grad

    same_in_both(program)


def test_nothing_is_copied_after_the_block_that_allows_mutation() -> None:
    a, _ = leaves(cr)
    with cr.autograd.graph.allow_mutation_on_saved_tensors():
        pass
    y = a.exp()
    y += 1.0
    with pytest.raises(RuntimeError, match=CHANGED):
        y.sum().backward()


# --- Aliasing -------------------------------------------------------------------------------------


def test_a_target_among_the_operands_is_read_before_it_is_written() -> None:
    a = cr.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    t = a * 1
    t += t.T
    t += t
    np.testing.assert_array_equal(t.detach(), [[4, 10], [10, 16]])
    (t * t).sum().backward()
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    ((2 * (x + x.T)) ** 2).sum().backward()
    np.testing.assert_array_equal(a.grad, x.grad)


def test_overlapping_copies_read_before_they_write() -> None:
    t = cr.arange(5)
    t[1:].copy_(t[:-1])
    assert t.tolist() == [0, 0, 1, 2, 3]
    t[:-1] = t[1:]
    assert t.tolist() == [0, 1, 2, 3, 3]


def test_multiplying_by_itself_in_place() -> None:
    def program(library: Any) -> Any:
        a, _ = leaves(library)
        t = a * 1
        t *= t.clone()
        t.sum().backward()
        return a.grad

    same_in_both(program)


# --- Shapes and dtypes ----------------------------------------------------------------------------


def test_expanded_memory_is_refused_and_unchanged() -> None:
    for change in (
        lambda t: t.add_(1.0),
        lambda t: t.exp_(),
        lambda t: t.copy_(t.clone()),
    ):
        refused_in_both(
            lambda library, change=change: change(library.ones(1, 3).expand(2, 3)),  # type: ignore[misc]
            "more than one element of the written-to tensor refers to a single memory location",
        )


def test_a_part_of_an_expanded_tensor_that_repeats_nothing_may_change() -> None:
    def program(library: Any) -> Any:
        base = library.tensor([1.0, 2.0, 3.0])
        wide = base.expand(2, 3)
        wide[0].add_(10.0)
        wide[1] = library.tensor([5.0, 6.0, 7.0])
        return base, wide

    same_in_both(program)


def test_results_of_another_shape_are_refused() -> None:
    for change in (
        lambda library, t: t.add_(library.ones(4, 2, 3)),
        lambda library, t: t.copy_(library.ones(4, 2, 3)),
        lambda library, t: t[:1].mul_(library.ones(2, 3)),
    ):
        refused_in_both(
            lambda library, change=change: change(library, library.ones(2, 3)),  # type: ignore[misc]
            "output with shape .* doesn't match the broadcast shape",
        )
    refused_in_both(
        lambda library: library.ones(2, 3).add_(library.ones(4)), "The size of tensor a"
    )


def test_values_that_do_not_fit_the_index_are_refused() -> None:
    refused_in_both(
        lambda library: library.ones(2, 3).__setitem__(0, library.ones(2)),
        "shape mismatch|expanded size",
    )
    refused_in_both(
        lambda library: library.ones(2, 3).__setitem__(([0, 1],), library.ones(3, 3)),
        "shape mismatch",
    )
    refused_in_both(
        lambda library: library.ones(2, 3).__setitem__(5, 1.0), "out of bounds|out of range"
    )


def test_results_of_a_higher_kind_of_dtype_are_refused() -> None:
    refused_in_both(
        lambda library: library.ones(2, dtype=library.int64).add_(1.5),
        "can't be cast to the desired output type",
    )
    refused_in_both(
        lambda library: library.ones(2, dtype=library.bool).add_(1),
        "can't be cast to the desired output type",
    )
    refused_in_both(
        lambda library: library.ones(2, dtype=library.int64).div_(2),
        "can't be cast to the desired output type",
    )


@pytest.mark.parametrize(
    ("target", "other"),
    [("float32", "float64"), ("float16", "float32"), ("int32", "int64"), ("float32", "int64")],
)
def test_the_target_keeps_its_dtype_also_next_to_a_wider_one(target: str, other: str) -> None:
    def program(library: Any) -> Any:
        t = library.ones(3, dtype=getattr(library, target))
        o = library.tensor([1, 2, 3], dtype=getattr(library, other))
        t += o
        t.copy_(o * 2)
        t[0] = o[1]
        return t

    same_in_both(program)


def test_a_gradient_flows_through_the_conversion_to_the_targets_dtype() -> None:
    def program(library: Any) -> Any:
        a = library.ones(3, requires_grad=True)
        b = library.tensor([1.0, 2.0, 3.0], dtype=library.float64, requires_grad=True)
        t = a * 2
        t *= b
        t[0] = b[2]
        t.sum().backward()
        return t.detach(), a.grad, b.grad

    same_in_both(program)


# --- Afterwards -----------------------------------------------------------------------------------


def test_gradient_of_a_changed_tensor_is_that_of_its_present_value() -> None:
    def program(library: Any) -> Any:
        a, _ = leaves(library)
        t = a * 2
        t *= 3
        t += a
        if library is torch:
            t.retain_grad()
        (t * t).sum().backward()
        return t.grad, a.grad

    same_in_both(program)


def test_hooks_registered_before_a_change_see_the_gradient_of_the_old_value() -> None:
    def program(library: Any) -> Any:
        a, _ = leaves(library)
        seen = []
        t = a * 2
        t.register_hook(lambda g: seen.append(g.clone()))
        t *= 3
        t.register_hook(lambda g: seen.append(g.clone()))
        t.sum().backward()
        return seen

    same_in_both(program)


def test_the_version_counts_the_changes() -> None:
    def program(library: Any) -> Any:
        t = library.zeros(2, 2)
        counts = [t._version]
        t.add_(1)
        t[0] = 2
        counts.append(t._version)
        t.view(-1).mul_(2)
        t.detach().zero_()
        counts.append(t._version)
        t + 1
        counts.append(t._version)
        return counts

    same_in_both(program)


def test_filling_a_tensor_row_by_row() -> None:
    def program(library: Any) -> Any:
        w = library.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True)
        states = library.zeros(4, 2)
        state = library.ones(2)
        for step in range(4):
            state = (w @ state).tanh()
            states[step] = state
        (states * states).sum().backward()
        return states.detach(), w.grad

    same_in_both(program)


def test_detach_in_place_leaves_the_graph_and_refuses_views() -> None:
    def program(library: Any) -> Any:
        a, _ = leaves(library)
        t = a * 2
        t.detach_()
        return t, t.is_leaf

    same_in_both(program)
    refused_in_both(
        lambda library: (leaves(library)[0] * 2)[0].detach_(), "Can't detach views in-place"
    )


def test_a_number_is_written_with_the_digits_of_the_tensor() -> None:
    for library in (cr, torch):
        assert library.zeros(1, dtype=library.float64).fill_(0.1).item() == 0.1
