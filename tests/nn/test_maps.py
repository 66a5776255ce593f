"""Layers of maps (convolution, pooling, padding, resampling) are the same as PyTorch's."""

import pytest
import torch

import chainrule as cr
from tests.nn.twins import assert_close, assert_same_run, here

# The layers, and the input's shape for each number of spatial dimensions.
SHAPES = {1: (2, 4, 8), 2: (2, 4, 6, 8), 3: (2, 4, 4, 6, 5)}
LAYERS = [
    *(
        (dims, f"{name}{dims}d({arguments})")
        for dims in (1, 2, 3)
        for name, arguments in (
            ("Conv", "4, 6, 3"),
            ("Conv", "4, 6, 2, stride=2, padding=1, dilation=2, groups=2, bias=False"),
            ("Conv", "4, 2, 3, padding='same', padding_mode='circular'"),
            ("ConvTranspose", "4, 6, 3"),
            ("ConvTranspose", "4, 6, 2, 2, 1, 1, 2, False"),
            ("MaxPool", "2"),
            ("MaxPool", "3, 2, padding=1, ceil_mode=True"),
            ("AvgPool", "2"),
            ("AvgPool", "3, stride=2, padding=1, count_include_pad=False"),
            ("LPPool", "3, 2"),
            ("AdaptiveAvgPool", "3"),
            ("AdaptiveMaxPool", "3"),
            ("ConstantPad", "1, 2.5"),
            ("ZeroPad", "2"),
            ("ReflectionPad", "1"),
            ("ReplicationPad", "2"),
            ("CircularPad", "1"),
        )
    ),
    (1, "Conv1d(4, 6, 4, padding='same', padding_mode='reflect')"),
    (2, "Conv2d(4, 6, (2, 3), padding=(1, 0), padding_mode='replicate')"),
    (2, "Conv2d(4, 6, 1, padding='valid', padding_mode='reflect')"),
    (2, "MaxPool2d((2, 3), (1, 2))"),
    (2, "AvgPool2d(2, divisor_override=3)"),
    (2, "AdaptiveAvgPool2d((None, 2))"),
    (2, "ZeroPad2d((1, 2, 0, -1))"),
    (1, "Upsample(scale_factor=2)"),
    (1, "Upsample(scale_factor=1.5, mode='linear', align_corners=True)"),
    (2, "Upsample(size=(3, 4), mode='bicubic')"),
    (3, "Upsample(scale_factor=(1, 2, 1.5), mode='trilinear', recompute_scale_factor=True)"),
    (2, "UpsamplingNearest2d(size=5)"),
    (2, "UpsamplingBilinear2d(scale_factor=2)"),
    (2, "PixelShuffle(2)"),
    (2, "PixelUnshuffle(2)"),
    (2, "ChannelShuffle(2)"),
    (2, "Unfold((2, 3), padding=1, stride=2)"),
    (1, "Fold((3, 3), 2, stride=(1, 1))[:, :, :4]"),
]


def _random(shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def made(library, layer):
    """Make a layer from its call."""
    names = {name: getattr(library.nn, name) for name in dir(library.nn) if name[0].isupper()}
    return eval(layer, names).double()


def twins(layer):
    """Return the layer of both libraries, with the same parameters."""
    torch.manual_seed(0)
    theirs, ours = made(torch, layer), made(cr, layer)
    ours.load_state_dict(here(theirs.state_dict()))
    return ours, theirs


@pytest.mark.parametrize(("dims", "layer"), LAYERS, ids=[layer for _, layer in LAYERS])
def test_a_layer_is_its_twin(dims, layer):
    shape = SHAPES[dims]
    if layer.startswith("Fold"):
        layer, shape = layer.removesuffix("[:, :, :4]"), (2, 8, 4)
    ours, theirs = twins(layer)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert_same_run(ours, theirs, _random(shape))
    if not layer.startswith(("Fold", "Upsampl")):
        assert ours(here(_random(shape[1:]))).shape == theirs(_random(shape[1:])).shape


LAYERS_OF_MANY = [
    (1, "MaxPool1d(2, return_indices=True)", "MaxUnpool1d(2)"),
    (2, "MaxPool2d((2, 3), return_indices=True)", "MaxUnpool2d((2, 3))"),
    (3, "MaxPool3d(2, return_indices=True)", "MaxUnpool3d(2, 2)"),
    (2, "AdaptiveMaxPool2d(2, return_indices=True)", "MaxUnpool2d((3, 4))"),
]


@pytest.mark.parametrize(("dims", "pool", "unpool"), LAYERS_OF_MANY)
def test_maxima_are_put_back(dims, pool, unpool):
    x = _random(SHAPES[dims])
    x_here, x_there = here(x).requires_grad_(), x.clone().requires_grad_()
    ours, theirs = made(cr, pool), made(torch, pool)
    size = SHAPES[dims][2:]
    if pool.startswith("Adaptive"):
        size = None
    back = made(cr, unpool)(*ours(x_here), output_size=size)
    expected = made(torch, unpool)(*theirs(x_there), output_size=size)
    assert repr(made(cr, unpool)) == repr(made(torch, unpool))
    assert_close(back, expected)
    back.sum().backward()
    expected.sum().backward()
    assert_close(x_here.grad, x_there.grad)


@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_pooling_with_given_samples_is_its_twin(dims):
    x = _random(SHAPES[dims])
    samples = torch.rand(
        2, 4, dims, generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )
    for options in ({"output_size": 2}, {"output_ratio": 0.5}):
        if dims == 3 and "output_ratio" in options:
            continue
        if "output_ratio" in options:
            options = {"output_ratio": (0.5, 0.7)}
        theirs = getattr(torch.nn, f"FractionalMaxPool{dims}d")(
            2, _random_samples=samples, **options
        )
        ours = getattr(cr.nn, f"FractionalMaxPool{dims}d")(
            2, _random_samples=here(samples), **options
        )
        assert repr(ours) == repr(theirs)
        assert_same_run(ours, theirs, x)


def test_a_transposed_convolution_makes_the_size_asked_for():
    ours, theirs = twins("ConvTranspose2d(4, 2, 3, stride=2, padding=1)")
    x = _random((1, 4, 3, 3))
    for size in ((5, 6), (6, 6), (1, 2, 6, 5)):
        assert_close(ours(here(x), size), theirs(x, size))
    for size in ((7, 6), (5,)):
        with pytest.raises(ValueError, match=r"output_size|output size"):
            theirs(x, size)
        with pytest.raises(ValueError, match=r"output_size|output size"):
            ours(here(x), size)


def test_fresh_parameters_are_drawn_from_pytorchs_interval():
    for layer in ("Conv2d(4, 64, 3, groups=2)", "ConvTranspose1d(4, 64, 5)"):
        ours, theirs = made(cr, layer), made(torch, layer)
        for (name, mine), (_, other) in zip(
            ours.named_parameters(), theirs.named_parameters(), strict=True
        ):
            bound = 1 / (ours.weight.numel() // ours.weight.shape[0]) ** 0.5
            assert mine.shape == tuple(other.shape), name
            assert 0.9 * bound < mine.abs().max().item() <= bound, name
            assert abs(other.detach().abs().max().item() - bound) < 0.1 * bound, name


@pytest.mark.parametrize(
    "layer",
    [
        "Conv2d(3, 4, 3, groups=2)",
        "Conv2d(4, 3, 3, groups=2)",
        "Conv2d(4, 4, 3, groups=0)",
        "Conv2d(2, 4, 3, padding='full')",
        "Conv2d(2, 4, 3, padding_mode='mirror')",
        "Conv2d(2, 4, 3, stride=2, padding='same')",
        "ConvTranspose2d(2, 4, 3, padding_mode='reflect')",
        "FractionalMaxPool2d(2)",
        "FractionalMaxPool2d(2, output_size=2, output_ratio=0.5)",
        "FractionalMaxPool2d(2, output_ratio=2)",
    ],
)
def test_what_pytorch_refuses_is_refused(layer):
    with pytest.raises(ValueError, match=r"."):
        made(torch, layer)
    with pytest.raises(ValueError, match=r"."):
        made(cr, layer)
