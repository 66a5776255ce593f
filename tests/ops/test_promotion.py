"""Operands of different dtypes, 0-d tensors and Python numbers: the result has PyTorch's dtype."""

import itertools
import operator
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from tests.ops.comparison import REFUSALS, dtype_name

# Drawing arrays is slow; the rare cases are described one by one in tests/ops/samples.
few = settings(max_examples=40)

DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]
FUNCTIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "**": operator.pow,
    ">": operator.gt,
    "==": operator.eq,
}
NAMED = ["maximum", "minimum", "eq", "lt", "logical_and"]
# Each library's own functions, called with the library.
COMPOSED = {
    "where": lambda library, a, b: library.where(library.tensor([True, False]), a, b),
    "cat": lambda library, a, b: library.cat([a.reshape(-1), b.reshape(-1)]),
    "stack": lambda library, a, b: library.stack([a.reshape(-1)[:1], b.reshape(-1)[:1]]),
    "clamp": lambda library, a, b: library.clamp(a, max=b),
}


def pair(values, dtype):
    array = np.asarray(values).astype(dtype)
    return cr.from_numpy(array), torch.from_numpy(array)


def assert_alike(ours, theirs, here, there, context):
    """Call both functions; the dtypes and values must agree, or both must refuse."""
    try:
        expected = theirs(*there)
    except NotImplementedError:
        return  # PyTorch has no kernel; a result contradicts nothing
    except REFUSALS:
        with pytest.raises(REFUSALS):
            ours(*here)
        return
    found = ours(*here)
    assert dtype_name(found) == dtype_name(expected), context
    np.testing.assert_allclose(
        found.numpy().astype(float), expected.numpy().astype(float), rtol=2e-3, err_msg=str(context)
    )


@pytest.mark.parametrize("name", [*FUNCTIONS, *NAMED, *COMPOSED])
def test_two_tensors_of_any_dtypes(name):
    if name in COMPOSED:
        ours, theirs = partial(COMPOSED[name], cr), partial(COMPOSED[name], torch)
    elif name in FUNCTIONS:
        ours = theirs = FUNCTIONS[name]
    else:
        ours, theirs = getattr(cr, name), getattr(torch, name)
    for first, second in itertools.product(DTYPES, DTYPES):
        for left, right in (([1, 3], [2, 1]), ([1, 3], 2), (3, [2, 1]), (3, 2)):
            (a, a_there), (b, b_there) = pair(left, first), pair(right, second)
            context = (name, first, np.shape(left), second, np.shape(right))
            assert_alike(ours, theirs, (a, b), (a_there, b_there), context)


@pytest.mark.parametrize("number", [2, 2.5, True, np.float64(2.5), np.int32(3)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_tensor_and_a_number_on_either_side(name, number):
    f = FUNCTIONS[name]
    # PyTorch reads NumPy's scalars as the numbers they are, except on the left.
    plain = number.item() if isinstance(number, np.generic) else number
    for dtype in DTYPES:
        if name == "**" and number is True and dtype == "bool":
            continue  # a power of two bools, which PyTorch refuses for two tensors, it has here
        for values in ([1, 3], 3):
            here, there = pair(values, dtype)
            assert_alike(f, f, (here, number), (there, plain), (name, dtype, number))
            assert_alike(f, f, (plain, here), (plain, there), (name, number, dtype))


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "exp", "sqrt", "sigmoid", "abs", "neg"])
def test_functions_of_one_tensor_of_any_dtype(name):
    for dtype in DTYPES:
        here, there = pair([1, 0, 1], dtype)
        assert_alike(getattr(cr, name), getattr(torch, name), (here,), (there,), (name, dtype))


@few
@given(st.sampled_from(DTYPES), st.sampled_from(DTYPES))
def test_promote_types_is_pytorchs(a, b):
    expected = torch.promote_types(getattr(torch, a), getattr(torch, b))
    assert str(cr.promote_types(cr.dtypes.as_dtype(a), cr.dtypes.as_dtype(b))) == str(
        expected
    ).removeprefix("torch.")


@few
@given(st.sampled_from(["+", "-", "*", "/", "**"]), st.data())
def test_gradients_arrive_in_the_dtype_of_their_operand(name, data):
    floats = ["float16", "float32", "float64"]
    first, second = data.draw(st.sampled_from(floats)), data.draw(st.sampled_from(floats))
    (a, a_there), (b, b_there) = pair([1.0, 3.0], first), pair([[2.0], [0.5]], second)
    for x in (a, b, a_there, b_there):
        x.requires_grad_()
    f = FUNCTIONS[name]
    f(a, b).sum().backward()
    f(a_there, b_there).sum().backward()
    for x, there in ((a, a_there), (b, b_there)):
        assert dtype_name(x.grad) == dtype_name(x) == dtype_name(there.grad)
        assert x.grad.shape == x.shape
        np.testing.assert_allclose(x.grad.numpy(), there.grad.numpy(), rtol=1e-2)


def test_the_default_dtype_is_what_integers_become():
    cr.set_default_dtype(cr.float64)
    try:
        assert cr.tensor([1, 2]).exp().dtype == cr.float64
        assert (cr.tensor([1, 2]) / 2).dtype == cr.float64
        assert cr.where(cr.tensor([True]), cr.tensor([1]), 0.5).dtype == cr.float64
    finally:
        cr.set_default_dtype(cr.float32)
