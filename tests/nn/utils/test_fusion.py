"""Batch normalisation fused into the layer before it, beside PyTorch's and unfused."""

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr


def pair(library: Any, bias: bool, affine: bool) -> tuple[Any, Any]:
    """Return a layer and a normalisation with the same numbers in both libraries."""
    generator = np.random.default_rng(0)
    layer = library.nn.Linear(3, 4, bias=bias)
    norm = library.nn.BatchNorm1d(4, affine=affine, eps=0.1)
    with library.no_grad():
        for t in (*layer.parameters(), *norm.parameters(), norm.running_mean, norm.running_var):
            values = np.abs(generator.standard_normal(tuple(t.shape)))
            t.copy_(library.tensor(values, dtype=t.dtype))
    return layer.eval(), norm.eval()


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_a_fused_layer_does_what_both_did(bias: bool, affine: bool) -> None:
    layer, norm = pair(cr, bias, affine)
    fused = cr.nn.utils.fuse_linear_bn_eval(layer, norm)
    x = cr.tensor([[1.0, -2.0, 3.0], [0.0, 1.0, 2.0]])
    np.testing.assert_allclose(
        fused(x).detach().numpy(), norm(layer(x)).detach().numpy(), rtol=1e-5
    )
    if not affine:
        # PyTorch cannot fuse a normalisation without weight.
        return
    theirs = torch.nn.utils.fuse_linear_bn_eval(*pair(torch, bias, affine))
    for mine, other in zip(fused.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize("transpose", [False, True])
def test_weights_of_convolutions_are_fused_as_in_pytorch(transpose: bool) -> None:
    generator = np.random.default_rng(0)
    shapes = [(3, 3, 2, 2), (3,), (3,), (3,), (3,), (3,)]
    values = [np.abs(generator.standard_normal(shape)) for shape in shapes]
    results = []
    for library in (cr, torch):
        w, b, mean, var, gamma, beta = (library.tensor(v) for v in values)
        fuse = library.nn.utils.fuse_conv_bn_weights
        results.append(fuse(w, b, mean, var, 1e-3, gamma, beta, transpose))
    for mine, other in zip(*results, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy())


@pytest.mark.parametrize("transpose", [False, True])
def test_a_fused_convolution_does_what_both_did(transpose: bool) -> None:
    layer = (cr.nn.ConvTranspose2d if transpose else cr.nn.Conv2d)(2, 4, 3).eval()
    _, norm = pair(cr, True, True)
    images = cr.nn.BatchNorm2d(4, eps=0.1).eval()
    images.load_state_dict(norm.state_dict())
    fused = cr.nn.utils.fuse_conv_bn_eval(layer, images, transpose)
    x = cr.arange(50.0).reshape(1, 2, 5, 5)
    np.testing.assert_allclose(
        fused(x).detach().numpy(), images(layer(x)).detach().numpy(), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("library", [cr, torch])
def test_refusals(library: Any) -> None:
    layer, norm = pair(library, True, True)
    for change, message in (
        (lambda: layer.train(), "Fusion only for eval!"),
        (lambda: setattr(norm, "running_mean", None), "must not be None"),
    ):
        layer.eval()
        change()
        with pytest.raises(AssertionError, match=message):
            library.nn.utils.fuse_conv_bn_eval(layer, norm)
    layer.eval()
    other = library.nn.BatchNorm1d(2).eval()
    with pytest.raises(AssertionError, match="To fuse"):
        library.nn.utils.fuse_linear_bn_eval(layer, other)
