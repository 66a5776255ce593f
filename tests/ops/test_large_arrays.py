"""Arrays of several blocks: what is computed a block at a time equals what PyTorch computes."""

import numpy as np
import pytest
import torch
from scipy import special

import chainrule as cr
from chainrule.ops.blocks import BLOCK

RANDOM = np.random.default_rng(5)
SHAPES = [(77, 1001), (3, BLOCK + 1), (9, 11, 701), (2 * BLOCK + 3,)]


def drawn(shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


def places(shape, dim, dtype=np.int64):
    return RANDOM.integers(0, shape[dim], shape).astype(dtype)


def compare(call, *arrays, rtol=1e-5, atol=1e-6):
    """Compare a function's value and gradients in both libraries."""
    ours = [cr.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, expected = call(cr, *ours), call(torch, *theirs)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol, atol)
    upstream = drawn(expected.shape, arrays[0].dtype)
    y.backward(cr.tensor(upstream))
    expected.backward(torch.tensor(upstream))
    for x, reference in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), reference.grad.numpy(), rtol, atol)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "cumsum"])
def test_along_a_dimension(name, shape, dim):
    x = drawn(shape)
    if name == "cumsum":
        # Sums of hundreds of terms that cancel: a float64 truth, which both libraries round.
        compare(lambda library, t: library.cumsum(t, dim), x, rtol=1e-5, atol=2e-4)
    else:
        compare(lambda library, t: getattr(library, name)(t, dim), x, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_running_sums_are_those_of_each_row(dtype):
    x = drawn((301, 333), dtype)
    x[2, 5], x[3, 7], x[4, :2] = np.nan, np.inf, (np.inf, -np.inf)
    wide = np.float32 if dtype is np.float16 else np.float64
    with np.errstate(invalid="ignore"):
        expected = np.add.accumulate(x.astype(wide), axis=1).astype(dtype)
        found = cr.cumsum(cr.from_numpy(x), 1).numpy()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("shape", [(77, 1001), (9, 11, 701), (1, BLOCK + 5)], ids=str)
def test_gather_and_scatter_add(shape, dim):
    index = places(shape, dim)
    compare(
        lambda library, x: library.gather(x, dim, library.tensor(index)), drawn(shape), atol=1e-4
    )
    compare(
        lambda library, x, src: x.scatter_add(dim, library.tensor(index), src),
        drawn(shape),
        drawn(shape),
        atol=1e-4,
    )


def test_gather_at_fewer_places_of_32_bits():
    index = places((70, 600), 1, np.int32)
    compare(lambda library, x: library.gather(x, 1, library.tensor(index)), drawn((77, 900)))


def test_erf_is_right_to_a_unit_in_the_last_place():
    x = np.concatenate([drawn(40_000) * 2, drawn(40_000) * 1e-3, drawn(1000) * 1e-38])
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3.9, 3.95, 4.0, -4.1, 3e38], np.float32)
    x = np.concatenate([x, edges]).astype(np.float32)
    found = cr.erf(cr.from_numpy(x)).numpy()
    expected = special.erf(x.astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=2**-23, atol=1e-45)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
    turned = cr.erf(cr.from_numpy(x[:80_000].reshape(200, 400)).t()).numpy()
    np.testing.assert_array_equal(turned.T.reshape(-1), found[:80_000])


def test_gelu_keeps_its_digits_far_below_zero():
    x = np.linspace(-12, 6, 100_000, dtype=np.float32)
    x[0] = -3e38  # beyond which the square would overflow
    with np.errstate(over="ignore"):
        found = cr.nn.functional.gelu(cr.from_numpy(x)).numpy()
    expected = x.astype(np.float64) * special.ndtr(x.astype(np.float64))
    assert found[0] == 0
    near, far = x > -5, (x <= -5) & (x > -12)
    np.testing.assert_allclose(found[near], expected[near], rtol=2e-6, atol=0)
    np.testing.assert_allclose(found[far], expected[far], rtol=1e-5, atol=1e-37)
