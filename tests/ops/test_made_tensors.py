"""Ranges, windows and triangles: what is made from numbers is PyTorch's."""

import numpy as np
import pytest
import torch

import chainrule as cr

DTYPES = ("float32", "float64", "float16", "int64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 7, 100])
@pytest.mark.parametrize(("start", "end"), [(0, 1), (-3.5, 10), (5, -2)])
def test_linspace_is_pytorchs_to_the_last_place(start, end, steps, dtype):
    ours = cr.linspace(start, end, steps, dtype=getattr(cr, dtype))
    theirs = torch.linspace(start, end, steps, dtype=getattr(torch, dtype))
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    if dtype == "int64":
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    else:
        # PyTorch multiplies and adds in one rounding where the processor can.
        eps = np.finfo(dtype).eps * max(abs(start), abs(end))
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=eps)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("arguments", [(0, 2, 3), (0, 3, 4, 2), (-1, 1, 5), (0, 1, 1), (0, 1, 0)])
def test_logspace_is_pytorchs(arguments, dtype):
    ours = cr.logspace(*arguments, dtype=getattr(cr, dtype))
    theirs = torch.logspace(*arguments, dtype=getattr(torch, dtype))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_ranges_take_their_ends_as_tensors_and_by_name():
    assert cr.linspace(cr.tensor(0.0), cr.tensor(1.0), 3).tolist() == [0.0, 0.5, 1.0]
    assert cr.arange(end=3).tolist() == [0, 1, 2]
    assert cr.arange(start=1, end=3).tolist() == [1, 2]
    assert cr.zeros(size=(2, 3)).shape == (2, 3)
    with pytest.raises(RuntimeError, match="only supports 0-dimensional start"):
        cr.linspace(cr.zeros(2), 1, 3)
    with pytest.raises(RuntimeError, match="number of steps must be non-negative"):
        cr.logspace(0, 1, -1)
    with pytest.raises(TypeError, match="given twice"):
        cr.zeros(2, size=(2,))


WINDOWS = ("hann_window", "hamming_window", "bartlett_window", "blackman_window", "kaiser_window")


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_pytorchs(name):
    for length in (0, 1, 2, 5, 8):
        for periodic in (True, False):
            ours = getattr(cr, name)(length, periodic, dtype=cr.float64)
            theirs = getattr(torch, name)(length, periodic, dtype=torch.float64)
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-13, atol=1e-15)
    assert getattr(cr, name)(3).dtype is cr.float32
    with pytest.raises(RuntimeError, match="non-negative window_length"):
        getattr(cr, name)(-1)
    with pytest.raises(RuntimeError, match="expects floating point dtypes"):
        getattr(cr, name)(3, dtype=cr.int64)


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
@pytest.mark.parametrize("arguments", [(3, 4), (3, 4, -1), (2, 3, 1), (0, 3), (3, 0), (2, 2, 9)])
def test_indices_of_triangles_are_pytorchs(name, arguments):
    ours, theirs = getattr(cr, name)(*arguments), getattr(torch, name)(*arguments)
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_asarray_shares_memory_where_it_can():
    array = np.zeros(2)
    shared, copied = cr.asarray(array), cr.asarray(array, copy=True)
    array[0] = 1
    assert shared.tolist() == [1, 0]
    assert copied.tolist() == [0, 0]
    assert cr.asarray([1, 2.0], requires_grad=True).requires_grad
    with pytest.raises(ValueError, match="can't alias"):
        cr.asarray([1, 2], copy=False)


def test_tensors_like_another_keep_its_dtype():
    x = cr.zeros(2, dtype=cr.float64)
    assert x.new_empty(3).dtype is cr.float64
    assert x.new_full((2,), 3, requires_grad=True).requires_grad
    assert x.new_tensor([1, 2]).dtype is cr.float64
    assert cr.scalar_tensor(3).dtype is cr.float32


def test_shapes_broadcast_as_pytorchs():
    shapes = (3,), (2, 1), 1
    assert cr.broadcast_shapes(*shapes) == torch.broadcast_shapes(*shapes)
    assert cr.broadcast_shapes(1, (0,)) == (0,)
    with pytest.raises(RuntimeError, match=r"Mismatching argument at index 1 had \(2,\)"):
        cr.broadcast_shapes((3,), (2,))
