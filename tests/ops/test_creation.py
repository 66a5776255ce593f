"""Tensors made from data, filled, in ranges and at random: values, dtypes and refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import chainrule as cr
from tests.ops.comparison import dtype_name

# Each is called with either library.
CALLS = {
    "tensor of integers": lambda library: library.tensor([1, 2]),
    "tensor of floats": lambda library: library.tensor([1.5, 2]),
    "tensor of numbers of all kinds": lambda library: library.tensor([1, 2.5, True]),
    "tensor of bools": lambda library: library.tensor([[True, False]]),
    "tensor of a number": lambda library: library.tensor(2.5),
    "tensor of a large integer": lambda library: library.tensor(2**40),
    "tensor of nothing": lambda library: library.tensor([]),
    "tensor of empty rows": lambda library: library.tensor([[], []]),
    "tensor of tuples": lambda library: library.tensor(((1.0, 2.0), (3.0, 4.0))),
    "tensor of tensors": lambda library: library.tensor([library.tensor(1.0), library.tensor(2.0)]),
    "tensor with a dtype": lambda library: library.tensor([1.9, -1.9], dtype=library.int64),
    "tensor too large for float32": lambda library: library.tensor([1e40]),
    "tensor of NumPy's floats": lambda library: library.tensor(np.array([1.0, 2.0])),
    "tensor of a list of NumPy's floats": lambda library: library.tensor([np.float64(1.0)]),
    "as_tensor": lambda library: library.as_tensor([1.0, 2.0]),
    "as_tensor with a dtype": lambda library: library.as_tensor([1, 2], dtype=library.float64),
    "zeros": lambda library: library.zeros(2, 3),
    "zeros of a tuple": lambda library: library.zeros((2, 3)),
    "zeros of nothing": lambda library: library.zeros(2, 0),
    "0-d zeros": lambda library: library.zeros(()),
    "zeros of bools": lambda library: library.zeros(2, dtype=library.bool),
    "ones": lambda library: library.ones(3, dtype=library.int32),
    "full of integers": lambda library: library.full((2,), 1),
    "full of floats": lambda library: library.full((2, 1), 1.5),
    "full of bools": lambda library: library.full((2,), True),
    "full with a dtype": lambda library: library.full((2,), 1, dtype=library.float64),
    "eye": lambda library: library.eye(3),
    "eye, wide": lambda library: library.eye(2, 3),
    "eye of nothing": lambda library: library.eye(0),
    "arange": lambda library: library.arange(5),
    "arange from": lambda library: library.arange(2, 5),
    "arange downwards": lambda library: library.arange(5, 0, -2),
    "arange of floats": lambda library: library.arange(0, 1, 0.25),
    "arange to a float": lambda library: library.arange(3.0),
    "arange of nothing": lambda library: library.arange(0),
    "arange with a dtype": lambda library: library.arange(4, dtype=library.float16),
    "arange to a tensor": lambda library: library.arange(library.tensor(3)),
    "linspace": lambda library: library.linspace(0, 1, 7),
    "linspace downwards": lambda library: library.linspace(1, -1, 4),
    "linspace of one": lambda library: library.linspace(0, 1, 1),
    "linspace of none": lambda library: library.linspace(0, 1, 0),
    "linspace of integers": lambda library: library.linspace(3, -3, 4, dtype=library.int64),
    "zeros_like": lambda library: library.zeros_like(library.ones(2, 3, dtype=library.int32)),
    "ones_like": lambda library: library.ones_like(library.zeros(2, 3), dtype=library.bool),
    "full_like": lambda library: library.full_like(library.zeros(2), 7),
    "full_like, truncated": lambda library: library.full_like(library.tensor([0, 0]), 1.7),
    "new_zeros": lambda library: library.ones(2, dtype=library.float64).new_zeros(3),
    "new_ones": lambda library: library.ones(2, dtype=library.int8).new_ones((2, 2)),
    "new_full": lambda library: library.ones(2, dtype=library.float16).new_full((2,), 3.0),
    "new_tensor": lambda library: library.ones(2, dtype=library.float64).new_tensor([1.0]),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_dtypes_and_shapes_are_pytorchs(name):
    found, expected = CALLS[name](cr), CALLS[name](torch)
    assert dtype_name(found) == dtype_name(expected)
    assert found.shape == tuple(expected.shape)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6)


REFUSED = {
    "step 0": (lambda library: library.arange(0, 3, 0), RuntimeError, "step must be nonzero"),
    "the wrong direction": (
        lambda library: library.arange(3, 0),
        RuntimeError,
        "upper bound and lower bound inconsistent with step sign",
    ),
    "steps below 0": (
        lambda library: library.linspace(0, 1, -1),
        RuntimeError,
        "number of steps must be non-negative",
    ),
    "a negative size": (lambda library: library.zeros(2, -1), RuntimeError, "negative"),
    "a size that is no integer": (lambda library: library.ones(2.5), TypeError, "int"),
    "a negative identity": (lambda library: library.eye(-1), RuntimeError, "n must be greater"),
    "ragged rows": (lambda library: library.tensor([[1, 2], [3]]), ValueError, "expected"),
    "text": (lambda library: library.tensor("a"), TypeError, "str"),
    "integers that require grad": (
        lambda library: library.tensor([1], requires_grad=True),
        RuntimeError,
        "Only Tensors of floating point",
    ),
    "NaN as an integer": (
        lambda library: library.full((2,), float("nan"), dtype=library.int64),
        RuntimeError,
        "value cannot be converted to type int64",
    ),
    "a number too large": (
        lambda library: library.tensor(300, dtype=library.uint8),
        RuntimeError,
        "value cannot be converted to type uint8",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_pytorch_refuses_is_refused_in_its_words(name):
    call, error, words = REFUSED[name]
    for library in (torch, cr):
        with pytest.raises(error, match=words):
            call(library)


@pytest.mark.parametrize("data", [None, [1, None], {"a": 1}, len, [1 + 2j]], ids=str)
def test_what_is_not_numeric_is_refused(data):
    with pytest.raises((TypeError, RuntimeError), match=r"tensor|expected|complex|dtype"):
        cr.tensor(data)


@given(arrays(np.float64, array_shapes(max_dims=3, max_side=3)))
@settings(max_examples=40)
def test_tensor_copies_and_from_numpy_shares(array):
    copied, shared = cr.tensor(array), cr.from_numpy(array)
    array[...] = 7.0
    assert (shared.numpy() == 7.0).all()
    assert not np.shares_memory(copied.numpy(), array)


def test_devices_other_than_the_cpu_are_refused():
    assert cr.zeros(2, device="cpu").device == cr.device("cpu")
    for call in (cr.zeros, cr.ones, cr.rand, cr.randn, cr.empty):
        with pytest.raises(RuntimeError, match=r"cuda.*CPU"):
            call(2, device="cuda")


def test_requires_grad_is_passed_on():
    made = [
        cr.zeros(2, requires_grad=True),
        cr.full((2,), 1.0, requires_grad=True),
        cr.eye(2, requires_grad=True),
        cr.arange(2.0, requires_grad=True),
        cr.linspace(0, 1, 3, requires_grad=True),
        cr.randn(2, requires_grad=True),
        cr.ones_like(cr.zeros(2), requires_grad=True),
    ]
    assert all(t.requires_grad and t.is_leaf for t in made)


# --- Random ---------------------------------------------------------------------------------------


def draws():
    return [
        cr.rand(3, 2),
        cr.randn(4),
        cr.randint(0, 10, (5,)),
        cr.randperm(6),
        cr.normal(1.0, 2.0, (3,)),
        cr.bernoulli(cr.full((8,), 0.5)),
        cr.rand_like(cr.zeros(2)),
        cr.randn_like(cr.zeros(2, dtype=cr.float64)),
    ]


def test_a_seed_determines_what_follows():
    cr.manual_seed(3)
    first = draws()
    cr.manual_seed(3)
    again = draws()
    cr.manual_seed(4)
    other = draws()
    for a, b in zip(first, again, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert any((a.numpy() != b.numpy()).any() for a, b in zip(first, other, strict=True))


def test_random_dtypes_and_shapes_are_pytorchs():
    for ours, theirs in zip(
        draws(),
        [
            torch.rand(3, 2),
            torch.randn(4),
            torch.randint(0, 10, (5,)),
            torch.randperm(6),
            torch.normal(1.0, 2.0, (3,)),
            torch.bernoulli(torch.full((8,), 0.5)),
            torch.rand_like(torch.zeros(2)),
            torch.randn_like(torch.zeros(2, dtype=torch.float64)),
        ],
        strict=True,
    ):
        assert dtype_name(ours) == dtype_name(theirs)
        assert ours.shape == tuple(theirs.shape)


def test_moments_and_limits():
    cr.manual_seed(0)
    uniform, normal = cr.rand(10_000).numpy(), cr.randn(10_000).numpy()
    assert 0 <= uniform.min() < uniform.max() < 1
    assert abs(uniform.mean() - 1 / 2) < 0.02 and abs(uniform.var() - 1 / 12) < 0.01
    assert abs(normal.mean()) < 0.05 and abs(normal.var() - 1) < 0.05
    drawn = cr.randint(-2, 3, (1000,)).numpy()
    assert set(drawn.tolist()) == {-2, -1, 0, 1, 2}
    assert sorted(cr.randperm(50).tolist()) == list(range(50))
    assert abs(cr.bernoulli(cr.full((10_000,), 0.3)).mean().item() - 0.3) < 0.02


@given(st.integers(0, 2**31))
@settings(max_examples=10)
def test_generators_are_independent(seed):
    one = cr.Generator()
    one.manual_seed(seed)
    first = cr.rand(3, generator=one)
    cr.rand(100)  # the default generator's draws do not disturb it
    second = cr.rand(3, generator=one)
    other = cr.Generator()
    other.manual_seed(seed)
    np.testing.assert_array_equal(cr.rand(3, generator=other).numpy(), first.numpy())
    np.testing.assert_array_equal(cr.rand(3, generator=other).numpy(), second.numpy())
