"""Indexing by anything: values, gradients and assignments as in PyTorch, for drawn indices."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, basic_indices, integer_array_indices

import chainrule as cr
from tests.ops.samples.description import uniform

# Drawing arrays is slow; the rare cases are described one by one in tests/ops/samples.
few = settings(max_examples=40)

SHAPES = array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def without_negative_steps(index):
    parts = index if isinstance(index, tuple) else (index,)
    return not any(isinstance(p, slice) and p.step is not None and p.step < 0 for p in parts)


def converted(index, make):
    """Return an index with its arrays as tensors of a library."""
    if isinstance(index, tuple):
        return tuple(converted(p, make) for p in index)
    return make(index) if isinstance(index, np.ndarray) else index


def both(array, index):
    """Index in both libraries and compare values and gradients."""
    here, there = cr.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    expected = there[converted(index, torch.from_numpy)]
    result = here[converted(index, cr.from_numpy)]
    assert result.shape == tuple(expected.shape)
    np.testing.assert_array_equal(result.detach().numpy(), expected.detach().numpy())
    upstream = uniform(*result.shape, seed=4)
    result.backward(cr.tensor(upstream))
    expected.backward(torch.tensor(upstream))
    np.testing.assert_allclose(here.grad.numpy(), there.grad.numpy(), rtol=1e-14, atol=1e-15)


@few
@given(st.data())
def test_integers_slices_ellipses_and_new_dimensions(data):
    shape = data.draw(SHAPES)
    index = data.draw(basic_indices(shape, allow_newaxis=True, max_dims=6))
    assume(without_negative_steps(index))
    both(uniform(*shape), index)


@few
@given(st.data())
def test_integer_arrays_that_broadcast_and_repeat(data):
    shape = data.draw(SHAPES)
    index = data.draw(
        integer_array_indices(shape, result_shape=array_shapes(max_dims=3, max_side=4))
    )
    both(uniform(*shape), index)


# What may stand at one dimension of size 3.
PARTS = st.sampled_from(
    [0, -1, slice(None), slice(1, None), slice(0, 3, 2), np.array([2, 0]), np.array([-1, -1]), None]
)


@few
@given(st.lists(PARTS, min_size=1, max_size=5))
def test_arrays_beside_slices_integers_and_new_dimensions(parts):
    dims = sum(p is not None for p in parts)
    both(uniform(*(3,) * max(dims, 1), 2), tuple(parts))


@few
@given(st.lists(PARTS, min_size=2, max_size=4))
def test_assignment_to_arrays_beside_slices_and_integers(parts):
    index = tuple(p for p in parts if p is not None)
    assume(len(index) > 0)
    array = uniform(*(3,) * len(index), 2)
    here, there = cr.tensor(array), torch.tensor(array)
    here[converted(index, cr.from_numpy)] = 7.0
    there[converted(index, torch.from_numpy)] = 7.0
    np.testing.assert_array_equal(here.numpy(), there.numpy())


@few
@given(st.data())
def test_masks_of_leading_dimensions(data):
    shape = data.draw(SHAPES)
    mask = data.draw(arrays(bool, shape[: data.draw(st.integers(1, len(shape)))]))
    both(uniform(*shape), mask)


@few
@given(st.data())
def test_assignment_and_the_gradients_of_both_sides(data):
    shape = data.draw(SHAPES)
    index = data.draw(
        st.one_of(
            basic_indices(shape, allow_newaxis=False).filter(without_negative_steps),
            arrays(bool, shape),
        )
    )
    array = uniform(*shape)
    region = np.empty(shape)[index].shape
    # Any shape that broadcasts to the region: here, one with the leading dimension of size 1.
    narrow = (1, *region[1:]) if region and data.draw(st.booleans()) else region
    value = uniform(*narrow, seed=3)
    results = []
    for library, convert in ((cr, cr.from_numpy), (torch, torch.from_numpy)):
        x, v = (library.tensor(a, requires_grad=True) for a in (array, value))
        y = x * 1
        y[converted(index, convert)] = v
        (y * y).sum().backward()
        results.append((y.detach().numpy(), x.grad.numpy(), v.grad.numpy()))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


@few
@given(st.data())
def test_gather_along_any_dimension(data):
    shape = data.draw(SHAPES)
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    counts = list(shape)
    counts[dim] = data.draw(st.integers(0, 5))
    index = data.draw(arrays(np.int64, tuple(counts), elements=st.integers(0, shape[dim] - 1)))
    array = uniform(*shape)
    here, there = cr.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    result = cr.gather(here, dim, cr.from_numpy(index))
    expected = torch.gather(there, dim, torch.from_numpy(index))
    np.testing.assert_array_equal(result.detach().numpy(), expected.detach().numpy())
    upstream = uniform(*result.shape, seed=4)
    result.backward(cr.tensor(upstream))
    expected.backward(torch.tensor(upstream))
    np.testing.assert_allclose(here.grad.numpy(), there.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize(
    "index",
    [3, -4, (0, 4), (0, 0, 0), [0, 3], (slice(None), [4])],
    ids=str,
)
def test_an_index_out_of_range_names_the_shape(index):
    x = cr.zeros(3, 4)
    with pytest.raises(IndexError, match=r"\[3, 4\]"):
        x[index]
    with pytest.raises(IndexError, match=r"\[3, 4\]"):
        x[index] = 1.0


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(IndexError, match=r"\[3, 4\]"):
        cr.zeros(3, 4)[cr.ones(2, 4).bool()]


@pytest.mark.parametrize("index", ["a", 1.5, 1j], ids=str)
def test_what_is_no_index_is_refused(index):
    with pytest.raises((TypeError, IndexError)):
        cr.zeros(3)[index]


def test_a_float_tensor_is_no_index():
    with pytest.raises(IndexError, match="tensors used as indices must be long"):
        cr.zeros(3)[cr.tensor([1.0])]


def test_negative_steps_are_refused_as_in_pytorch():
    with pytest.raises(ValueError, match="step must be greater than zero"):
        cr.zeros(3)[::-1]


def test_a_repeated_index_accumulates_its_gradient():
    x = cr.tensor([1.0, 2.0], requires_grad=True)
    x[[0, 0, 0, 1]].sum().backward()
    assert x.grad.tolist() == [3.0, 1.0]


def test_a_value_that_does_not_fit_is_refused_and_changes_nothing():
    x = cr.zeros(3, 4)
    with pytest.raises(RuntimeError, match=r"shape mismatch.*\[5\].*\[4\]"):
        x[0] = cr.ones(5)
    assert not x.any()
