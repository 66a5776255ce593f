"""Convolutions that learn the number of channels from the first input, beside PyTorch's."""

from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr


@pytest.mark.parametrize("options", [{}, {"bias": False, "stride": 2}, {"groups": 2}], ids=str)
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["LazyConv", "LazyConvTranspose"])
def test_lazy_convolutions_are_those_of_pytorch(
    kind: str, dims: int, batched: bool, options: dict[str, Any]
) -> None:
    name = f"{kind}{dims}d"
    ours, theirs = (getattr(library.nn, name)(6, 3, **options) for library in (cr, torch))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2,) * batched + (4,) + (5,) * dims)
    theirs(torch.tensor(x, dtype=torch.float32))
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    y = ours(cr.tensor(x, dtype=cr.float32))
    expected = theirs(torch.tensor(x, dtype=torch.float32))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert type(ours).__name__ == type(theirs).__name__ == name.removeprefix("Lazy")


def test_lazy_convolutions_draw_what_the_ordinary_ones_draw() -> None:
    cr.manual_seed(0)
    lazy = cr.nn.LazyConv2d(6, 3)
    y = lazy(cr.ones(1, 2, 4, 4))
    cr.manual_seed(0)
    assert (cr.nn.Conv2d(2, 6, 3)(cr.ones(1, 2, 4, 4)) == y).all()
    assert repr(lazy) == repr(cr.nn.Conv2d(2, 6, 3))


@pytest.mark.parametrize("library", [cr, torch])
def test_inputs_that_do_not_suit_a_lazy_convolution(library: Any) -> None:
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to"):
        library.nn.LazyConv2d(6, 3)(library.ones(4, 4))
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        library.nn.LazyConv2d(6, 3, groups=2)(library.ones(3, 4, 4))
