"""Shapes and indices beyond single operations: names of arguments, refusals, and memory."""

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.ops.accumulation import rows_summed

BY_NAME = {
    "reshape": lambda L, x: x.reshape(shape=(3, 2)),
    "view": lambda L, x: x.view(size=(3, 2)),
    "permute": lambda L, x: L.permute(x, dims=(1, 0)),
    "expand": lambda L, x: x[:1].expand(size=(4, 3)),
    "repeat": lambda L, x: x.repeat(repeats=(2, 1)),
    "tile": lambda L, x: L.tile(x, dims=(2,)),
    "flip": lambda L, x: L.flip(x, dims=[0]),
    "swapaxes": lambda L, x: L.swapaxes(x, axis0=0, axis1=1),
    "swapdims": lambda L, x: L.swapdims(x, dim0=0, dim1=1),
    "tensor_split": lambda L, x: L.tensor_split(x, indices=(1,))[1],
    "hsplit": lambda L, x: L.hsplit(x, sections=3)[2],
    "split": lambda L, x: x.split(split_size=1)[1],
    "axis": lambda L, x: L.concat([x, x], axis=1),
    "unfold": lambda L, x: x.unfold(dimension=1, size=2, step=1),
    "scatter": lambda L, x: L.scatter(x, 0, L.tensor([[1]]), value=2.0),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_arguments_have_pytorchs_names(name):
    array = np.arange(6.0).reshape(2, 3)
    ours, theirs = BY_NAME[name](cr, cr.tensor(array)), BY_NAME[name](torch, torch.tensor(array))
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


REFUSED = {
    "sizes given twice": (lambda x: x.reshape(3, shape=(3,)), TypeError, "given twice"),
    "bytes reinterpreted": (lambda x: x.view(cr.int32), NotImplementedError, r"use \.to\(dtype\)"),
    "memory that grows": (lambda x: x.resize_(7), RuntimeError, "resize_.*not supported"),
    "memory that is exchanged": (lambda x: x.set_(x), RuntimeError, "set_ is not supported"),
    "memory beyond the end": (
        lambda x: x.as_strided((3, 3), (3, 1)),
        RuntimeError,
        "out of bounds",
    ),
    "memory before the start": (lambda x: x.as_strided((1,), (1,), -1), RuntimeError, "offset -1"),
    "windows written to": (lambda x: x[0].unfold(0, 2, 1).mul_(2), RuntimeError, "clone()"),
    "sections and indices": (
        lambda x: cr.tensor_split(x, indices=(1,), sections=2),
        TypeError,
        "either indices or the number",
    ),
    "scatter of nothing": (lambda x: x.scatter(0, cr.tensor([[0]])), TypeError, "needs src"),
    "tensors of no list": (lambda x: cr.cat(x), TypeError, "must be tuple of Tensors"),
    "numbers in a list": (lambda x: cr.stack([x, 1]), TypeError, "element 1 .* got int"),
    "a meshgrid of two dtypes": (
        lambda x: cr.meshgrid(x[0], x[0].float()),
        RuntimeError,
        "same dtype",
    ),
    "counts that are lists": (lambda x: x.repeat_interleave([1, 2], 0), TypeError, "cr.tensor"),
    "counts of other number": (
        lambda x: x.repeat_interleave(cr.tensor([1, 2]), 0, output_size=7),
        RuntimeError,
        "output_size=7",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_with_what_to_do(name):
    run, error, message = REFUSED[name]
    x = cr.arange(6.0, dtype=cr.float64).reshape(2, 3)
    with pytest.raises(error, match=message):
        run(x)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]


VIEWS = {
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(0, 1),
    "split": lambda x: x.split(2, 1)[0],
    "chunk": lambda x: x.chunk(2)[1],
    "unbind": lambda x: x.unbind(1)[2],
    "tensor_split": lambda x: x.tensor_split(2, 1)[1],
    "diagonal": lambda x: x.diagonal(),
    "unfold": lambda x: x.unfold(1, 2, 1),
    "as_strided": lambda x: x.as_strided((2, 2), (1, 3)),
    "movedim": lambda x: x.movedim(0, 1),
    "unflatten": lambda x: x.unflatten(1, (3, 1)),
    "H": lambda x: x.H,
    "atleast_3d": lambda x: (cr if isinstance(x, cr.Tensor) else torch).atleast_3d(x),
    "diag": lambda x: x.diag(),
    "flip": lambda x: x.flip(0),
    "narrow_copy": lambda x: x.narrow_copy(1, 1, 2),
    "repeat": lambda x: x.repeat(1, 1),
    "take": lambda x: x.take((cr if isinstance(x, cr.Tensor) else torch).tensor([0])),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_a_view_in_pytorch_shares_memory(name):
    found = []
    for library in (cr, torch):
        x = library.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
        view = VIEWS[name](x)
        with library.no_grad():
            x.add_(10)
        found.append(view.numpy().copy())
    np.testing.assert_array_equal(*found)


UPDATES = {
    "scatter_": lambda L, x, i, s: x.scatter_(0, i.reshape(-1, 1).expand(-1, 2), s),
    "scatter_ a number": lambda L, x, i, s: x.scatter_(0, i.reshape(-1, 1), 2.0),
    "scatter_add_": lambda L, x, i, s: x.scatter_add_(0, i.reshape(-1, 1).expand(-1, 2), s),
    "index_add_": lambda L, x, i, s: x.index_add_(0, i, s, alpha=2),
    "index_add_ of columns": lambda L, x, i, s: x.t().index_add_(1, i, s.t()),
    "index_copy_": lambda L, x, i, s: x.index_copy_(0, i[:2], s[:2]),
    "index_fill_": lambda L, x, i, s: x.index_fill_(0, i, 7.0),
    "index_put_": lambda L, x, i, s: x.index_put_((i[:2],), s[:2]),
    "masked_scatter_": lambda L, x, i, s: x.masked_scatter_(x > 0, s.reshape(-1).repeat(2)),
    "put_": lambda L, x, i, s: x.put_(i, s[:, 0], accumulate=True),
    "fill_diagonal_": lambda L, x, i, s: x.fill_diagonal_(3.0),
    "tril_": lambda L, x, i, s: x.tril_(),
}


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("name", UPDATES)
def test_updates_in_place_change_the_memory_they_share(name, transposed):
    array = np.random.default_rng(0).normal(size=(4, 2))
    source = np.random.default_rng(1).normal(size=(3, 2))
    found = []
    for library in (cr, torch):
        whole = library.tensor(array.T.copy() if transposed else array)
        x = whole.t() if transposed else whole
        before = x._version
        result = UPDATES[name](library, x, library.tensor([2, 0, 2]), library.tensor(source))
        assert x._version > before
        assert result is x or name == "index_add_ of columns"
        found.append(whole.numpy())
    np.testing.assert_allclose(*found, rtol=1e-14)


def test_a_value_that_was_updated_in_place_is_not_used_stale():
    x = cr.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y.detach().index_add_(0, cr.tensor([0]), cr.ones(1))
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        z.sum().backward()


def test_an_index_may_be_changed_after_it_was_used():
    index = cr.tensor([0, 0])
    x = cr.ones(2, requires_grad=True)
    y = x.index_select(0, index) + x.gather(0, index) + x.take(index)
    index.fill_(1)
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 0.0]


@pytest.mark.parametrize("width", [1, 2, 40])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
def test_rows_add_up_however_many_there_are(width, dtype):
    rng = np.random.default_rng(width)
    for n in (0, 5, 2000):
        rows = rng.integers(-4, 5, (n, width)).astype(dtype)
        positions = rng.integers(0, 7, n)
        expected = np.zeros((7, width))
        np.add.at(expected, positions, rows.astype(float))
        found = rows_summed(rows, positions, 7)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)


def test_shapes_change_in_place_also_where_nothing_is_recorded():
    x = cr.ones(2, 3, requires_grad=True)
    with cr.no_grad():
        x.t_()
    (x * cr.arange(2.0)).sum().backward()
    assert x.grad.shape == (3, 2)
    y = cr.zeros(2, 1)
    y.squeeze_().unsqueeze_(0)
    assert y.shape == (1, 2)


def test_many_rows_are_added_in_place_where_nothing_is_recorded():
    rng = np.random.default_rng(0)
    index, rows = rng.integers(0, 50, 2000), rng.integers(-4, 5, (2000, 20)).astype(np.float32)
    x = cr.ones(50, 20)
    x.index_add_(0, cr.tensor(index), cr.tensor(rows))
    expected = torch.ones(50, 20).index_add_(0, torch.tensor(index), torch.tensor(rows))
    np.testing.assert_array_equal(x.numpy(), expected.numpy())
