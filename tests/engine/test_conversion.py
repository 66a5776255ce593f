"""Tensors to and from Python, NumPy, PyTorch, files and copies."""

import copy
import io
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.engine.reference import refused_in_both, same_in_both

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]

# --- Python numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_item_tolist_and_the_number_protocols(dtype: str) -> None:
    def program(library: Any) -> Any:
        one = library.tensor([[1]], dtype=getattr(library, dtype))
        many = library.tensor([[1, 0], [0, 1]], dtype=getattr(library, dtype))
        return (
            one.item(),
            type(one.item()).__name__,
            one.tolist(),
            many.tolist(),
            float(one),
            int(one),
            bool(one),
            one[0, 0].tolist(),
        )

    same_in_both(program)


@pytest.mark.parametrize("convert", [float, int, bool, operator.index, lambda t: t.item()])
@pytest.mark.parametrize("shape", [(2,), (0,), (2, 1)])
def test_more_or_fewer_elements_than_one_are_refused(
    convert: Callable[[Any], Any], shape: tuple[int, ...]
) -> None:
    refused_in_both(lambda library: convert(library.ones(shape, dtype=library.int64)), "elem|value")


def test_the_messages_are_pytorchs() -> None:
    refused_in_both(lambda library: library.ones(2).item(), "cannot be converted to Scalar")
    refused_in_both(lambda library: float(library.ones(2)), "only one element tensors can be conv")
    refused_in_both(lambda library: bool(library.ones(2)), "more than one value is ambiguous")
    refused_in_both(lambda library: bool(library.ones(0)), "no values is ambiguous")
    refused_in_both(
        lambda library: [1, 2][library.tensor(1.0)],
        "only integer tensors of a single element can be converted to an index",
    )
    refused_in_both(lambda library: len(library.tensor(1.0)), r"len\(\) of a 0-d tensor")
    refused_in_both(lambda library: iter(library.tensor(1.0)), "iteration over a 0-d tensor")


def test_integer_tensors_are_indices_and_counts() -> None:
    def program(library: Any) -> Any:
        two = library.tensor(2)
        return [10, 20, 30][two], list(range(two)), library.tensor([[1]]).__index__()

    same_in_both(program)


def test_iteration_containment_length_and_unpacking() -> None:
    def program(library: Any) -> Any:
        t = library.arange(6.0).reshape(3, 2)
        a, b, c = t
        return len(t), list(t), a, c, 3.0 in t, 7.0 in t, library.tensor(5.0) in t, b.sum() in t

    same_in_both(program)


def test_iteration_is_recorded() -> None:
    x = cr.arange(3.0, requires_grad=True)
    sum(k * element for k, element in enumerate(x)).backward()  # type: ignore[union-attr]
    np.testing.assert_array_equal(x.grad, [0, 1, 2])


def test_tensors_are_hashable_by_identity_and_equal_elementwise() -> None:
    a, b = cr.ones(2), cr.ones(2)
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1
    assert (a == b).tolist() == [True, True]


def test_comparison_with_none_is_by_identity() -> None:
    def program(library: Any) -> Any:
        t = library.ones(2)
        return t == None, t != None, None == t  # noqa: E711, SIM300

    same_in_both(program)


# --- What a tensor is -----------------------------------------------------------------------------


def test_attributes_are_pytorchs() -> None:
    def program(library: Any) -> Any:
        t = library.zeros(2, 3, 4, dtype=library.float64).transpose(0, 2)
        return (
            tuple(t.shape),
            tuple(t.size()),
            t.size(-1),
            t.dim(),
            t.ndim,
            t.numel(),
            t.nelement(),
            t.shape.numel(),
            t.stride(),
            t.is_contiguous(),
            t.contiguous().is_contiguous(),
            t.is_floating_point(),
            t.element_size(),
            t.itemsize,
            t.nbytes,
            str(t.device),
            t.is_leaf,
            t.requires_grad,
            t.grad,
            t.grad_fn,
            isinstance(t.shape, tuple),
        )

    same_in_both(program)


def test_sizes_are_tuples_that_print_as_such() -> None:
    assert repr(cr.zeros(2, 3).shape) == "chainrule.Size([2, 3])"
    assert cr.zeros(2, 3).shape == (2, 3)
    assert cr.zeros(2, 3).shape[1:] == (3,)
    refused_in_both(lambda library: library.zeros(2).size(1), "Dimension out of range")


def test_requires_grad_can_be_switched_on_leaves_only() -> None:
    def program(library: Any) -> Any:
        t = library.ones(2)
        seen = [t.requires_grad]
        t.requires_grad = True
        seen += [t.requires_grad, t.is_leaf]
        t.requires_grad_(False)
        seen.append(t.requires_grad)
        y = t.requires_grad_() * 2
        y.requires_grad_(True)
        seen += [y.requires_grad, y.is_leaf]
        return seen

    same_in_both(program)

    def switch_off(library: Any) -> None:
        (library.ones(2, requires_grad=True) * 2).requires_grad_(False)

    refused_in_both(switch_off, "you can only change requires_grad flags of leaf variables")


# --- NumPy ----------------------------------------------------------------------------------------


def test_numpy_shares_memory_and_is_refused_inside_a_graph() -> None:
    t = cr.zeros(3)
    array = t.numpy()
    array[0] = 5
    assert t.tolist() == [5, 0, 0]
    x = cr.ones(2, requires_grad=True)
    refused_in_both(
        lambda library: library.ones(2, requires_grad=True).numpy(),
        r"Can't call numpy\(\) on Tensor that requires grad",
    )
    assert np.shares_memory(x.numpy(force=True), x.detach().numpy())


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_survive_the_round_trip(dtype: str) -> None:
    array = np.array([[0, 1], [1, 0]], dtype)
    t = cr.from_numpy(array)
    assert t.dtype == array.dtype
    assert np.shares_memory(t.numpy(), array)
    np.testing.assert_array_equal(np.asarray(t), array)


def test_from_numpy_takes_arrays_only() -> None:
    refused_in_both(lambda library: library.from_numpy([1.0]), "expected np.ndarray")


# --- DLPack ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_takes_our_memory_through_dlpack(dtype: str) -> None:
    ours = cr.tensor([[0, 1, 1], [1, 0, 1]], dtype=getattr(cr, dtype))
    theirs = torch.from_dlpack(ours)
    assert str(theirs.dtype) == f"torch.{dtype}"
    ours[0, 0] = 1
    assert theirs.tolist() == ours.tolist()
    assert theirs[0, 0].item() == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_we_take_pytorchs_memory_through_dlpack(dtype: str) -> None:
    theirs = torch.tensor([[0, 1, 1], [1, 0, 1]], dtype=getattr(torch, dtype))
    ours = cr.from_dlpack(theirs)
    assert ours.dtype is getattr(cr, dtype)
    theirs[0, 0] = 1
    assert ours.tolist() == theirs.tolist()


def test_views_cross_with_their_strides() -> None:
    base = cr.arange(12.0).reshape(3, 4)
    theirs = torch.from_dlpack(base.T[1:])
    assert theirs.tolist() == base.T[1:].tolist()
    back = cr.from_dlpack(torch.arange(12.0).reshape(3, 4)[:, ::2])
    assert back.tolist() == [[0, 2], [4, 6], [8, 10]]


def test_memory_outlives_the_tensor_it_came_from() -> None:
    def gone() -> Any:
        return cr.from_dlpack(torch.arange(1000.0) * 2)

    assert gone().sum().item() == 999000


def test_numpy_arrays_cross_through_dlpack() -> None:
    array = np.arange(3.0)
    t = cr.from_dlpack(array)
    assert np.shares_memory(t.numpy(), array)
    np.testing.assert_array_equal(np.from_dlpack(cr.arange(3)), [0, 1, 2])


def test_memory_that_is_not_writable_is_refused_in_place() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    t = cr.from_dlpack(array)
    assert (t + 1).tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match="read-only"):
        t += 1


def test_tensors_with_a_graph_do_not_cross() -> None:
    for t in (cr.ones(2, requires_grad=True), cr.ones(2, requires_grad=True) * 2):
        with pytest.raises((RuntimeError, BufferError), match="requires grad"):
            torch.from_dlpack(t)


def test_devices_but_the_cpu_do_not_cross() -> None:
    class Elsewhere:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 0  # CUDA

        def __dlpack__(self, **options: Any) -> Any:
            raise AssertionError("never asked")

    with pytest.raises((RuntimeError, BufferError), match="not on the CPU"):
        cr.from_dlpack(Elsewhere())
    with pytest.raises(TypeError, match="list does not speak DLPack"):
        cr.from_dlpack([1.0])


# --- Copies and files -----------------------------------------------------------------------------


def round_trip(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, round_trip])
@pytest.mark.parametrize("dtype", DTYPES)
def test_copies_have_values_dtypes_and_their_own_memory(
    duplicate: Callable[[Any], Any], dtype: str
) -> None:
    t = cr.tensor([[0, 1], [1, 0]], dtype=getattr(cr, dtype)).T
    other = duplicate(t)
    assert type(other) is cr.Tensor
    assert other.dtype is t.dtype
    assert other.tolist() == t.tolist()
    assert not np.shares_memory(other.numpy(), t.numpy())
    other.zero_()
    assert t.any() and not other.any()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, round_trip])
def test_copies_of_leaves_are_leaves_with_their_gradient(duplicate: Callable[[Any], Any]) -> None:
    x = cr.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    other = duplicate(x)
    assert other.requires_grad and other.is_leaf
    np.testing.assert_array_equal(other.grad, x.grad)
    (other * 3).sum().backward()
    np.testing.assert_array_equal(other.grad, [5, 7])
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_a_shallow_copy_shares_memory() -> None:
    x = cr.tensor([1.0, 2.0])
    other = copy.copy(x)
    assert other is not x
    x[0] = 9
    assert other.tolist() == [9, 2]


def test_shared_tensors_stay_shared_inside_a_copied_structure() -> None:
    x = cr.ones(2)
    for duplicate in (copy.deepcopy, round_trip):
        first, second = duplicate([x, x])
        assert first is second


def test_attributes_set_by_the_user_are_copied() -> None:
    x = cr.ones(2)
    x.note = {"unit": ["m"]}
    for duplicate in (copy.deepcopy, round_trip):
        other = duplicate(x)
        assert other.note == {"unit": ["m"]}
        assert other.note is not x.note


def test_results_of_operations_cannot_be_copied_deeply() -> None:
    refused_in_both(
        lambda library: copy.deepcopy(library.ones(2, requires_grad=True) * 2),
        "Only Tensors created explicitly by the user",
    )
    with pytest.raises(RuntimeError, match=r"cannot be pickled: the graph stays.*detach\(\)"):
        pickle.dumps(cr.ones(2, requires_grad=True) * 2)
    assert round_trip((cr.ones(2, requires_grad=True) * 2).detach()).tolist() == [2, 2]


def test_views_are_copied_alone() -> None:
    base = cr.zeros(1000, 1000)
    buffer = io.BytesIO()
    pickle.dump(base[0, :3], buffer)
    assert buffer.tell() < 2000
    other = copy.deepcopy(base[0])
    other += 1
    assert base.sum().item() == 0


def test_views_of_leaves_are_not_leaves() -> None:
    refused_in_both(
        lambda library: copy.deepcopy(library.ones(2, 2, requires_grad=True)[0]),
        "Only Tensors created explicitly by the user",
    )


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol(protocol: int) -> None:
    x = cr.tensor([1.0, 2.0], requires_grad=True)
    other = pickle.loads(pickle.dumps(x, protocol))
    assert other.tolist() == [1, 2] and other.requires_grad
