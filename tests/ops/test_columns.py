"""Convolutions of any geometry equal PyTorch's, however the work is cut into blocks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.ops import windows
from chainrule.ops.columns import convolve, correlate_windows, spread


@st.composite
def geometries(draw):
    dims = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    kernel, stride, padding, dilation = each(1, 3), each(1, 3), each(0, 2), each(1, 2)
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 4))
        for k, p, d in zip(kernel, padding, dilation, strict=True)
    )
    groups = draw(st.integers(1, 2))
    channels = groups * draw(st.integers(1, 2))
    out_channels = groups * draw(st.integers(1, 3))
    x = (draw(st.integers(1, 3)), channels, *size)
    w = (out_channels, channels // groups, *kernel)
    return x, w, stride, padding, dilation, groups


@pytest.fixture
def block(monkeypatch):
    """Set how many bytes of columns are worked on at once."""

    def set_to(size):
        monkeypatch.setattr(windows, "BLOCK", size)
        windows.blocks.cache_clear()

    yield set_to
    windows.blocks.cache_clear()


@pytest.mark.parametrize("size", [1, 600, 1 << 19])
def test_the_three_products_equal_pytorchs(block, size):
    block(size)

    @settings(max_examples=60, deadline=None)
    @given(geometries())
    def check(geometry):
        x_shape, w_shape, *params = geometry
        rng = np.random.default_rng(0)
        x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
        x_there = torch.from_numpy(x).requires_grad_()
        w_there = torch.from_numpy(w).requires_grad_()
        function = getattr(torch.nn.functional, f"conv{len(x_shape) - 2}d")
        expected = function(x_there, w_there, None, *params)
        g = rng.standard_normal(expected.shape)
        expected.backward(torch.from_numpy(g))
        close = {"rtol": 1e-10, "atol": 1e-10}
        y = convolve(x, w, None, *params)
        np.testing.assert_allclose(y, expected.detach().numpy(), **close)
        np.testing.assert_allclose(spread(g, w, *params, x_shape), x_there.grad.numpy(), **close)
        np.testing.assert_allclose(
            correlate_windows(x, g, *params, w_shape), w_there.grad.numpy(), **close
        )

    check()
