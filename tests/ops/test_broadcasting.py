"""Broadcasting, and its undoing in the gradients, for shapes of every kind."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import chainrule as cr
from tests.ops.samples.description import uniform

# Drawing arrays is slow; the rare cases are described one by one in tests/ops/samples.
few = settings(max_examples=40)

SHAPES = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0)
THREE = mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3)
FUNCTIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: (a * a + 1) ** b,
}
OURS = {
    **FUNCTIONS,
    "maximum": cr.maximum,
    "where": lambda a, b: cr.where(cr.ones(2, 1).bool(), a, b),
    "Tensor.where": lambda a, b: a.where(cr.ones(2, 1).bool(), b),
}


def operands(shapes):
    """Return the same positive numbers for both libraries, both asking for gradients."""
    arrays = [uniform(*s, low=0.5, high=2.0, seed=k) for k, s in enumerate(shapes)]
    here = [cr.tensor(a, requires_grad=True) for a in arrays]
    there = [torch.tensor(a, requires_grad=True) for a in arrays]
    return here, there


def assert_gradients_agree(here, there, result, expected):
    assert result.shape == tuple(expected.shape)
    np.testing.assert_allclose(result.detach().numpy(), expected.detach().numpy(), rtol=1e-13)
    upstream = uniform(*result.shape, seed=9)
    result.backward(cr.tensor(upstream))
    expected.backward(torch.tensor(upstream))
    for x, y in zip(here, there, strict=True):
        assert x.grad.shape == x.shape
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12, atol=1e-12)


@few
@given(SHAPES, st.sampled_from(sorted(FUNCTIONS)))
def test_arithmetic(shapes, name):
    here, there = operands(shapes.input_shapes)
    f = FUNCTIONS[name]
    assert_gradients_agree(here, there, f(*here), f(*there))


@few
@given(SHAPES, st.sampled_from(["maximum", "minimum"]))
def test_extrema(shapes, name):
    here, there = operands(shapes.input_shapes)
    assert_gradients_agree(here, there, getattr(cr, name)(*here), getattr(torch, name)(*there))


@few
@given(THREE)
def test_where_broadcasts_condition_and_both_values(shapes):
    condition_shape, *rest = shapes.input_shapes
    here, there = operands(rest)
    condition = np.asarray(uniform(*condition_shape) > 0)
    result = cr.where(cr.from_numpy(condition), *here)
    assert_gradients_agree(here, there, result, torch.where(torch.from_numpy(condition), *there))


@few
@given(SHAPES)
def test_broadcast_to_and_expand(shapes):
    here, there = operands(shapes.input_shapes[:1])
    target = shapes.result_shape
    assert_gradients_agree(
        here, there, cr.broadcast_to(here[0], target), torch.broadcast_to(there[0], target)
    )
    (x,), (y,) = operands(shapes.input_shapes[:1])
    assert_gradients_agree([x], [y], x.expand(target), y.expand(target))


@few
@given(
    mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 3),
)
def test_batches_of_matrix_products(batches, n, k, m):
    first, second = batches.input_shapes
    here, there = operands([(*first, n, k), (*second, k, m)])
    assert_gradients_agree(here, there, here[0] @ here[1], there[0] @ there[1])


@few
@given(SHAPES)
def test_the_second_backward_pass_undoes_broadcasting_too(shapes):
    here, there = operands(shapes.input_shapes)
    ours = cr.autograd.grad((here[0] ** 2 * here[1] ** 3).sum(), here, create_graph=True)
    theirs = torch.autograd.grad((there[0] ** 2 * there[1] ** 3).sum(), there, create_graph=True)
    for gradient, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(gradient.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    sum(g.sum() for g in ours).backward()
    sum(g.sum() for g in theirs).backward()
    for x, y in zip(here, there, strict=True):
        assert x.grad.shape == x.shape
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", OURS)
def test_shapes_that_do_not_fit_are_refused_in_pytorchs_words(name):
    a, b = cr.ones(2, 3), cr.ones(2, 4)
    words = (
        r"The size of tensor a \(3\) must match the size of tensor b \(4\) at non-singleton "
        r"dimension 1.*\[2, 3\] and \[2, 4\]"
    )
    with pytest.raises(RuntimeError, match=words):
        OURS[name](a, b)


def test_integers_and_floats_whose_shapes_do_not_fit_are_refused_alike():
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(2\) must match"):
        cr.ones(2) + cr.ones(3, dtype=cr.int64)
