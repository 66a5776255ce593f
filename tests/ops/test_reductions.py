"""What descriptions of reductions, scans and sorting do not say: results, in place, rounding."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

NAMED = {
    "max": (0,),
    "min": (0,),
    "median": (0,),
    "nanmedian": (0,),
    "mode": (),
    "kthvalue": (1,),
    "cummax": (0,),
    "cummin": (0,),
    "sort": (),
    "topk": (1,),
    "aminmax": (),
}


@pytest.mark.parametrize("name", NAMED)
def test_results_are_named_tuples_with_pytorchs_names(name):
    data = np.array([[1.0, 3.0], [2.0, 0.0]], np.float32)
    ours = getattr(cr, name)(cr.tensor(data), *NAMED[name])
    theirs = getattr(torch, name)(torch.tensor(data), *NAMED[name])
    assert isinstance(ours, tuple)
    assert type(ours) is getattr(cr.return_types, name)
    fields = [f for f in ("values", "indices", "min", "max") if hasattr(theirs, f)]
    assert list(ours._fields) == fields
    for field in fields:
        assert getattr(ours, field).tolist() == getattr(theirs, field).tolist()
    first, second = ours
    assert first is ours[0] and second is ours[1]
    assert repr(ours) == repr(theirs).replace("torch.", "chainrule.")


@pytest.mark.parametrize("name", ["sort", "topk", "max", "median", "cummax", "kthvalue", "mode"])
def test_changing_the_indices_does_not_change_the_gradient(name):
    x = cr.tensor([3.0, 1.0, 2.0], requires_grad=True)
    arguments = {"topk": (2,), "kthvalue": (2,), "max": (0,), "median": (0,), "cummax": (0,)}
    values, indices = getattr(cr, name)(x, *arguments.get(name, ()))
    positions = indices.tolist()
    indices.fill_(0)
    values.sum().backward()
    expected = np.zeros(3)
    np.add.at(expected, positions, 1)
    assert x.grad.tolist() == expected.tolist()


# --- In place -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("cumsum_", (0,)), ("cumprod_", (1,)), ("renorm_", (2, 0, 1.0))],
)
def test_in_place_forms_do_what_pytorchs_do(name, arguments):
    data = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    gradients = []
    for library in (cr, torch):
        x = library.tensor(data, requires_grad=True)
        y = x * 1.0
        assert getattr(y, name)(*arguments) is y
        (y * y * y).sum().backward()
        gradients.append((y.detach().numpy(), x.grad.numpy()))
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_scan_in_place_keeps_the_dtype():
    x = cr.tensor([1, 2, 3], dtype=cr.int32)
    assert x.cumsum_(0).dtype == cr.int32
    assert x.tolist() == [1, 3, 6]
    assert x.cumsum(0).dtype == cr.int64
    with pytest.raises(RuntimeError, match="Bad in-place call"):
        x.cumsum_(0, dtype=cr.int64)


# --- Dtypes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod"])
@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "int32", "uint8"])
def test_reductions_convert_first_when_a_dtype_is_given(name, dtype):
    arguments = (0,) if name.startswith("cum") else ()
    data = np.array([1.5, 2.0, 3.25], np.float32)
    ours, theirs = (
        getattr(lib, name)(lib.tensor(data), *arguments, dtype=getattr(lib, dtype))
        for lib in (cr, torch)
    )
    assert str(ours.dtype) == dtype
    assert ours.tolist() == theirs.tolist()


# --- Gradients beyond PyTorch's -------------------------------------------------------------------


def test_logcumsumexp_has_a_gradient_behind_leading_infinities():
    x = cr.tensor([-np.inf, -np.inf, 0.0, 1.0], dtype=cr.float64, requires_grad=True)
    cr.logcumsumexp(x, 0).sum().backward()
    e = np.e
    np.testing.assert_allclose(x.grad.numpy(), [0, 0, 1 + 1 / (1 + e), e / (1 + e)])


def test_weights_of_bincount_have_a_gradient():
    weights = cr.tensor([1.0, 2.0, 3.0], requires_grad=True)
    counts = cr.bincount(cr.tensor([2, 0, 2]), weights)
    assert counts.tolist() == [2.0, 0.0, 4.0]
    (counts * cr.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert weights.grad.tolist() == [100.0, 1.0, 100.0]


def test_the_first_of_equal_elements_has_the_gradient_of_unique():
    x = cr.tensor([2.0, 1.0, 2.0], requires_grad=True)
    (cr.unique(x) * cr.tensor([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [10.0, 1.0, 0.0]


factors = st.lists(st.sampled_from([0.0, 0.0, 1.5, -2.0, 0.5]), min_size=1, max_size=6)


@settings(max_examples=20)
@given(factors)
def test_products_with_any_zeros_have_right_second_derivatives(values):
    x = cr.tensor(values, dtype=cr.float64, requires_grad=True)
    assert cr.autograd.gradcheck(lambda t: cr.prod(t), (x,))
    assert cr.autograd.gradgradcheck(lambda t: cr.prod(t), (x,))
    assert cr.autograd.gradcheck(lambda t: cr.cumprod(t, 0), (x,))
    assert cr.autograd.gradgradcheck(lambda t: cr.cumprod(t, 0), (x,))


def test_a_product_too_small_for_its_dtype_still_has_a_gradient():
    x = cr.tensor([1e-30, 1e-30, 1.0], requires_grad=True)
    cr.prod(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), [1e-30, 1e-30, 0.0], atol=1e-37)


@given(st.integers(1, 300), st.integers(1, 3), st.booleans())
def test_long_recurrences_are_short_ones_in_a_row(length, width, reverse):
    from chainrule.ops.scans import recurrence

    rng = np.random.default_rng([length, width])
    b, a = rng.normal(size=(2, width, length))
    expected = np.array(b)
    order = range(length - 2, -1, -1) if reverse else range(1, length)
    for k in order:
        expected[:, k] += a[:, k] * expected[:, k + 1 if reverse else k - 1]
    found = recurrence(b, a, 1, reverse)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


# --- Rounding -------------------------------------------------------------------------------------


def _around(mean, spread, shape):
    rng = np.random.default_rng(3)
    return (mean + spread * rng.standard_normal(shape)).astype(np.float32)


TALL = {
    "positive": np.abs(_around(0.0, 1.0, (20000, 3))),
    "far from 0": _around(1e4, 1.0, (20000, 3)),
    "over many magnitudes": np.exp(4 * _around(0.0, 1.0, (20000, 3))),
}
ALONG_THE_FIRST = {
    "sum": lambda library, x: library.sum(x, 0),
    "sum of columns in rows": lambda library, x: library.sum(x.t(), 1),
    "mean": lambda library, x: library.mean(x, 0),
    "var": lambda library, x: library.var(x, 0),
    "std": lambda library, x: library.std(x, 0),
    "norm": lambda library, x: library.norm(x, dim=0),
    "logsumexp": lambda library, x: library.logsumexp(x / x.max(), 0),
    "cumsum": lambda library, x: library.cumsum(x, 0),
    "trapezoid": lambda library, x: library.trapezoid(x, dim=0),
}


@pytest.mark.parametrize("what", TALL)
@pytest.mark.parametrize("name", ALONG_THE_FIRST)
def test_sums_of_many_rows_are_as_exact_as_pytorchs(name, what):
    operation, data = ALONG_THE_FIRST[name], TALL[what]
    truth = operation(torch, torch.tensor(data.astype(np.float64))).numpy()
    ours, theirs = (
        np.max(np.abs(operation(lib, lib.tensor(data)).numpy() - truth) / np.abs(truth))
        for lib in (cr, torch)
    )
    # Up to the rounding of a few operations, where both have no other.
    assert ours <= max(theirs, 4 * np.finfo(np.float32).eps)


@given(st.integers(1, 3000), st.integers(1, 4), st.booleans())
def test_sums_in_rounds_are_sums(n, width, keepdims):
    from chainrule.ops.summation import add_up

    x = np.random.default_rng([n, width]).integers(-9, 9, (n, 2, width * 2)).astype(np.float32)
    for axis in ((0,), (0, 1), (1,), (2,), (0, 2), None):
        expected = np.sum(x, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(add_up(x, axis, keepdims), expected)
    flat = x.reshape(n, -1).T
    np.testing.assert_array_equal(
        add_up(flat, (1,), keepdims), np.sum(flat, axis=1, keepdims=keepdims)
    )


# --- Sorting --------------------------------------------------------------------------------------

elements = st.lists(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5, np.inf, -np.inf, np.nan]), max_size=40
)


@given(elements, st.booleans())
def test_any_row_is_sorted_as_pytorch_sorts_it_stably(values, descending):
    row = np.array(values, np.float32)
    ours = cr.sort(cr.tensor(row), descending=descending)
    theirs = torch.sort(torch.tensor(row), descending=descending, stable=True)
    np.testing.assert_array_equal(ours.values.numpy(), theirs.values.numpy())
    assert ours.indices.tolist() == theirs.indices.tolist()


@given(st.integers(0, 2), st.booleans(), st.sampled_from([30, 300]))
def test_rows_with_a_few_ties_are_sorted_stably(dim, descending, count):
    rng = np.random.default_rng([dim, count])
    block = rng.integers(0, count, (20, 21, 22)).astype(np.float32)
    block[rng.uniform(size=block.shape) < 0.02] = np.nan
    ours = cr.argsort(cr.tensor(block), dim, descending)
    theirs = torch.argsort(torch.tensor(block), stable=True, dim=dim, descending=descending)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@given(elements.filter(bool), st.data())
def test_any_rank_is_found_as_in_a_sorted_row(values, data):
    row = cr.tensor(np.array(values, np.float32))
    k = data.draw(st.integers(1, len(values)))
    ordered = cr.sort(row)
    np.testing.assert_array_equal(cr.kthvalue(row, k).values.numpy(), ordered.values[k - 1].numpy())
    largest = cr.topk(row, k)
    np.testing.assert_array_equal(
        largest.values.numpy(), cr.sort(row, descending=True).values[:k].numpy()
    )
    np.testing.assert_array_equal(row[largest.indices].numpy(), largest.values.numpy())
    np.testing.assert_array_equal(
        cr.nanmedian(row).numpy(), torch.nanmedian(torch.tensor(row.numpy())).numpy()
    )


@given(elements, elements.filter(bool), st.booleans())
def test_places_in_any_sorted_sequence_are_pytorchs(sequence, values, right):
    ordered = np.sort(np.array(sequence, np.float32))
    wanted = np.array(values, np.float32)
    ours = cr.searchsorted(cr.tensor(ordered), cr.tensor(wanted), right=right)
    theirs = torch.searchsorted(torch.tensor(ordered), torch.tensor(wanted), right=right)
    assert ours.tolist() == theirs.tolist()


@given(st.lists(st.integers(0, 3), max_size=30))
def test_mode_is_the_smallest_most_frequent_element_where_it_is_last(values):
    if not values:
        return
    found = cr.mode(cr.tensor(values))
    counts = np.bincount(values)
    assert found.values.item() == int(np.argmax(counts))
    assert found.indices.item() == len(values) - 1 - values[::-1].index(found.values.item())
