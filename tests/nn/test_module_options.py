"""Activations, normalisations, embeddings, distances and losses as modules: PyTorch's, by option.

Every module is built in both libraries from one expression, gets PyTorch's state dict, and is
compared in its text, its state, its outputs and gradients, and its buffers after several batches.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import nn
from tests.nn.twins import assert_close, assert_same_run, here


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def built(expression: str) -> tuple[Any, Any]:
    """Return a module of both libraries, ours with the state of theirs."""
    torch.manual_seed(0)
    theirs = eval(f"nn.{expression}", {"nn": torch.nn, "torch": torch})
    ours = eval(f"nn.{expression}", {"nn": nn, "torch": cr})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        # Initial values that are not drawn are PyTorch's before anything is loaded.
        if not value.is_floating_point() or np.isin(value, (0.0, 0.25, 1.0)).all():
            assert_close(ours.state_dict()[name], value)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


ACTIVATIONS = [
    "GELU()",
    'GELU("tanh")',
    "SiLU()",
    "Mish()",
    "SELU()",
    "ELU()",
    "ELU(0.5)",
    "CELU()",
    "CELU(2.0)",
    "Softplus()",
    "Softplus(2,1.0)",
    "LogSigmoid()",
    "Softsign()",
    "Tanhshrink()",
    "GLU()",
    "GLU(0)",
    "Softmin(1)",
    "Softmin(-1)",
    "Hardtanh()",
    "Hardtanh(-0.5,2.0)",
    "ReLU6()",
    "Hardsigmoid()",
    "Hardswish()",
    "LeakyReLU()",
    "LeakyReLU(0.3)",
    "RReLU().eval()",
    "RReLU(0.1,0.2).eval()",
    "Threshold(0.1,-2.0)",
    "Hardshrink()",
    "Hardshrink(1.0)",
    "Softshrink()",
    "Softshrink(0.2)",
    "PReLU()",
    "PReLU(4)",
    "PReLU(init=0.5)",
]
IN_PLACE = [
    "SiLU",
    "Mish",
    "SELU",
    "ELU",
    "CELU",
    "Hardtanh",
    "ReLU6",
    "Hardsigmoid",
    "Hardswish",
    "LeakyReLU",
    "RReLU",
]


@pytest.mark.parametrize("expression", ACTIVATIONS)
def test_activations(expression: str) -> None:
    ours, theirs = built(expression)
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, random(6, 4))


@pytest.mark.parametrize("name", IN_PLACE)
def test_activations_in_place_overwrite_and_pass_the_gradient_on(name: str) -> None:
    wrapped = f"Sequential(nn.Linear(4, 3), nn.{name}(inplace=True)).eval()"
    ours, theirs = built(wrapped)
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, random(5, 4))
    x = here(random(5))
    assert ours[1](x) is x


def test_threshold_in_place() -> None:
    x = cr.tensor([1.0, 3.0])
    assert nn.Threshold(2.0, 0.0, inplace=True)(x) is x
    assert x.tolist() == [0.0, 3.0]


def test_softmax_over_channels_takes_images_only() -> None:
    ours, theirs = built("Softmax2d()")
    assert_same_run(ours, theirs, random(2, 3, 2, 2))
    for softmax, x in ((ours, cr.ones(2, 3)), (theirs, torch.ones(2, 3))):
        with pytest.raises(ValueError, match="expected input to be 3D or 4D"):
            softmax(x)


def test_random_slopes_lie_in_their_range_and_keep_what_is_positive() -> None:
    x = cr.cat([-cr.ones(1000), cr.ones(10)])
    y = nn.RReLU(0.2, 0.4)(x).numpy()
    assert (y[1000:] == 1).all()
    assert -0.4 <= y[:1000].min() < -0.38
    assert -0.22 < y[:1000].max() <= -0.2


@pytest.mark.parametrize("hard", [False, True])
def test_gumbel_softmax_draws_classes_with_their_probabilities(hard: bool) -> None:
    cr.manual_seed(0)
    logits = cr.tensor([[0.0, 1.0, 2.0]]).expand(4000, 3).clone().requires_grad_()
    y = nn.functional.gumbel_softmax(logits, tau=0.5, hard=hard)
    np.testing.assert_allclose(y.detach().sum(1).numpy(), 1, rtol=1e-5)
    chosen = np.bincount(y.detach().numpy().argmax(1), minlength=3) / 4000
    expected = cr.softmax(cr.tensor([0.0, 1.0, 2.0]), 0).numpy()
    np.testing.assert_allclose(chosen, expected, atol=0.03)
    if hard:
        assert set(np.unique(y.detach().numpy().round(6))) == {0.0, 1.0}
    y[:, 0].sum().backward()
    assert np.abs(logits.grad.numpy()).max() > 0


def test_random_activations_draw_pytorchs_numbers() -> None:
    x = random(5, 4)
    draws = {
        "gumbel_softmax": lambda F, x: F.gumbel_softmax(x, dim=0),
        "rrelu": lambda F, x: F.rrelu(x, 0.1, 0.9, training=True),
    }
    for draw in draws.values():
        torch.manual_seed(3)
        expected = draw(torch.nn.functional, x)
        cr.manual_seed(3)
        assert_close(draw(nn.functional, here(x)), expected)


# --- Normalisation --------------------------------------------------------------------------------

NORMALISATIONS = [
    ("LayerNorm(4)", (3, 4)),
    ("LayerNorm((3, 4), eps=0.1)", (2, 3, 4)),
    ("LayerNorm(4, elementwise_affine=False)", (3, 4)),
    ("LayerNorm(4, bias=False)", (3, 4)),
    ("RMSNorm(4)", (3, 4)),
    ("RMSNorm(4, eps=0.1, elementwise_affine=False)", (3, 4)),
    ("GroupNorm(2, 4)", (3, 4, 5)),
    ("GroupNorm(2, 4, eps=0.1, affine=False)", (3, 4, 6)),
    ("GroupNorm(4, 4, bias=False)", (3, 4, 2, 2)),
    ("LocalResponseNorm(3, alpha=1.0, k=2.0)", (2, 4, 3)),
]


@pytest.mark.parametrize(("expression", "shape"), NORMALISATIONS)
def test_normalisations(expression: str, shape: tuple[int, ...]) -> None:
    ours, theirs = built(expression)
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, random(*shape))


CHANNELS = [
    (f"{kind}{dims}d(3{options})", (4, 3, *[3] * dims))
    for kind in ("BatchNorm", "InstanceNorm")
    for dims in (1, 2, 3)
    for options in (
        "",
        ", momentum=0.4, eps=0.1, affine=True",
        ", affine=False",
        ", track_running_stats=True",
        ", track_running_stats=False",
        ", affine=True, bias=False",
        *((", momentum=None",) if kind == "BatchNorm" else ()),
    )
    if dims == 1 or options in ("", ", track_running_stats=True")
]


@pytest.mark.parametrize(("expression", "shape"), [*CHANNELS, ("BatchNorm1d(3)", (5, 3))])
def test_channel_norms_keep_pytorchs_statistics(expression: str, shape: tuple[int, ...]) -> None:
    ours, theirs = built(expression)
    assert repr(ours) == repr(theirs)
    for step in range(3):
        assert_same_run(ours, theirs, random(*shape, seed=step) * (step + 1) + step)
        for parameter in (*ours.parameters(), *theirs.parameters()):
            parameter.grad = None
        for name, value in theirs.state_dict().items():
            assert_close(ours.state_dict()[name], value)
    ours.eval()
    theirs.eval()
    assert_same_run(ours, theirs, random(*shape, seed=9))
    for name, value in theirs.state_dict().items():
        assert_close(ours.state_dict()[name], value)


def test_statistics_move_without_a_gradient_as_well() -> None:
    ours, theirs = built("BatchNorm1d(2)")
    x = random(4, 2)
    with cr.no_grad(), torch.no_grad():
        assert_close(ours(here(x)), theirs(x))
    assert_close(ours.running_mean, theirs.running_mean)
    assert_close(ours.running_var, theirs.running_var)
    assert ours.num_batches_tracked.item() == 1
    ours.reset_running_stats()
    assert ours.running_var.tolist() == [1.0, 1.0]


def test_batch_norm_reads_states_from_before_batches_were_counted() -> None:
    state = {k: v for k, v in nn.BatchNorm1d(2).state_dict().items() if "tracked" not in k}
    layer = nn.BatchNorm1d(2)
    layer.load_state_dict(state)
    assert layer.num_batches_tracked.item() == 0


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("BatchNorm1d(3)", (3,)),
        ("BatchNorm2d(3)", (2, 3)),
        ("BatchNorm3d(3)", (2, 3, 4)),
        ("BatchNorm1d(3)", (1, 3)),
        ("InstanceNorm1d(3)", (3,)),
        ("InstanceNorm2d(3)", (2, 3, 1, 1)),
        ("InstanceNorm1d(3, affine=True)", (2, 4, 5)),
    ],
)
def test_norms_refuse_the_shapes_that_pytorchs_refuse(expression: str, shape: Any) -> None:
    ours, theirs = built(expression)
    with pytest.raises((ValueError, RuntimeError)) as expected:
        theirs(torch.ones(shape))
    with pytest.raises(type(expected.value)) as found:
        ours(cr.ones(shape))
    assert str(found.value)[:20] == str(expected.value)[:20]


def test_a_single_sequence_is_normalised_without_a_batch() -> None:
    ours, theirs = built("InstanceNorm1d(3, affine=True)")
    assert_same_run(ours, theirs, random(3, 5))


def test_layer_norm_of_a_large_mean_is_as_accurate_as_pytorchs() -> None:
    x = (random(200, 64) + 1e4).float()
    truth = torch.nn.functional.layer_norm(x.double(), (64,))
    theirs = (torch.nn.functional.layer_norm(x, (64,)) - truth).abs().max().item()
    ours = nn.functional.layer_norm(here(x), (64,)).numpy()
    assert np.abs(ours - truth.numpy()).max() <= 1.5 * theirs + 1e-6


def test_gelu_far_below_zero_keeps_its_relative_accuracy() -> None:
    x = np.linspace(-9, 2, 500, dtype=np.float32)
    truth = torch.nn.functional.gelu(torch.from_numpy(x.astype(np.float64))).numpy()
    from scipy.special import ndtr

    truth = x.astype(np.float64) * ndtr(x.astype(np.float64))
    found = nn.functional.gelu(cr.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, truth, rtol=5e-6, atol=0)


# --- Tables, bilinear maps, distances -------------------------------------------------------------


def integers(*shape: int, below: int) -> torch.Tensor:
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    "options", ["", ", padding_idx=2", ", padding_idx=-1", ", scale_grad_by_freq=True"]
)
def test_embedding(options: str) -> None:
    ours, theirs = built(f"Embedding(5, 3{options})")
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, integers(4, 2, below=5))


@pytest.mark.parametrize("norm", [1.0, 2.0])
def test_embedding_scales_long_rows_down_in_its_table(norm: float) -> None:
    ours, theirs = built(f"Embedding(5, 3, max_norm=0.7, norm_type={norm})")
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, integers(3, below=5))
    assert_close(ours.weight.detach(), theirs.weight)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", ["", ", padding_idx=1"])
def test_embedding_bag(mode: str, padding: str) -> None:
    ours, theirs = built(f"EmbeddingBag(5, 3, mode={mode!r}{padding})")
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, integers(4, 3, below=5))
    ours, theirs = built(f"EmbeddingBag(5, 3, mode={mode!r}{padding})")
    assert_same_run(ours, theirs, integers(6, below=5), torch.tensor([0, 2, 2, 5]))


def test_tables_start_normally_distributed_with_padding_zero() -> None:
    table = nn.Embedding(2000, 4, padding_idx=0).weight.detach().numpy()
    assert (table[0] == 0).all()
    assert abs(table.std() - 1) < 0.03


def test_tables_from_given_rows() -> None:
    rows = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = nn.Embedding.from_pretrained(rows)
    assert not frozen.weight.requires_grad
    assert frozen(cr.tensor([1])).tolist() == [[3.0, 4.0]]
    assert nn.EmbeddingBag.from_pretrained(rows, freeze=False).weight.requires_grad


@pytest.mark.parametrize("module", ["Embedding", "EmbeddingBag"])
def test_sparse_gradients_are_refused(module: str) -> None:
    with pytest.raises(NotImplementedError, match=r"sparse gradients .* leave out sparse=True"):
        getattr(nn, module)(3, 2, sparse=True)


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(bias: bool) -> None:
    ours, theirs = built(f"Bilinear(3, 4, 2, bias={bias})")
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, random(5, 3), random(5, 4, seed=1))


@pytest.mark.parametrize(
    "expression",
    ["CosineSimilarity()", "CosineSimilarity(dim=0)", "PairwiseDistance()", "PairwiseDistance(1)"],
)
def test_distances(expression: str) -> None:
    ours, theirs = built(expression)
    assert repr(ours) == repr(theirs)
    assert_same_run(ours, theirs, random(5, 3), random(5, 3, seed=1))


# --- Losses ---------------------------------------------------------------------------------------


def signs(*shape: int) -> torch.Tensor:
    return torch.where(random(*shape, seed=8) > 0, 1, -1)


LOSSES = [
    ("L1Loss()", random(4, 3), random(4, 3, seed=1)),
    ("SmoothL1Loss(beta=0.5)", random(4, 3), random(4, 3, seed=1)),
    ("HuberLoss(delta=0.5)", random(4, 3), random(4, 3, seed=1)),
    ("KLDivLoss(reduction='batchmean')", random(4, 3), random(4, 3, seed=1).abs()),
    ("KLDivLoss(log_target=True)", random(4, 3), random(4, 3, seed=1)),
    ("PoissonNLLLoss(full=True)", random(4, 3), random(4, 3, seed=1).abs()),
    ("PoissonNLLLoss(log_input=False)", random(4).abs(), random(4, seed=1).abs()),
    ("GaussianNLLLoss(full=True)", random(4), random(4, seed=1), random(4, seed=2).abs()),
    ("HingeEmbeddingLoss(0.7)", random(4, 3), signs(4, 3)),
    ("MarginRankingLoss(0.3)", random(4), random(4, seed=1), signs(4)),
    ("CosineEmbeddingLoss(0.1)", random(4, 3), random(4, 3, seed=1), signs(4)),
    ("SoftMarginLoss()", random(4, 3), signs(4, 3)),
    ("MultiLabelMarginLoss()", random(2, 3), torch.tensor([[2, 0, -1], [1, -1, 0]])),
    ("MultiLabelSoftMarginLoss()", random(4, 3), random(4, 3, seed=1)),
    ("MultiLabelSoftMarginLoss(torch.tensor([1.0, 2.0, 0.5]))", random(2, 3), random(2, 3, seed=1)),
    ("MultiMarginLoss(2, 0.5)", random(4, 3), torch.tensor([2, 0, 1, 1])),
    ("MultiMarginLoss(weight=torch.tensor([1.0, 2.0, 0.5]))", random(2, 3), torch.tensor([2, 0])),
    ("TripletMarginLoss(swap=True)", random(4, 3), random(4, 3, seed=1), random(4, 3, seed=2)),
    ("TripletMarginLoss(2.0, p=1.0)", random(4, 3), random(4, 3, seed=1), random(4, 3, seed=2)),
    ("TripletMarginWithDistanceLoss()", *(random(4, 3, seed=k) for k in range(3))),
]


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case[0])
@pytest.mark.parametrize("reduction", [None, "sum", "none"])
def test_losses(case: Any, reduction: str | None) -> None:
    expression, *inputs = case
    ours, theirs = built(expression)
    assert repr(ours) == repr(theirs)
    if reduction is not None:
        ours.reduction = theirs.reduction = reduction
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same_run(ours, theirs, *inputs)


@pytest.mark.parametrize("name", ["L1Loss", "SmoothL1Loss", "HingeEmbeddingLoss", "KLDivLoss"])
def test_losses_understand_the_old_arguments(name: str) -> None:
    for size_average, reduce, meant in (
        (True, True, "mean"),
        (False, None, "sum"),
        (None, False, "none"),
    ):
        with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
            assert getattr(nn, name)(size_average=size_average, reduce=reduce).reduction == meant


def test_ctc_loss_by_lengths_of_both_kinds() -> None:
    ours, theirs = built("CTCLoss(blank=2, zero_infinity=True)")
    x = torch.log_softmax(random(5, 2, 4), 2)
    targets = torch.tensor([[0, 1, 3], [3, 3, 0]])
    for steps, lengths in ((torch.tensor([5, 4]), torch.tensor([3, 2])), ((5, 4), (3, 2))):
        expected = theirs(x, targets, steps, lengths)
        found = ours(here(x), here(targets), here(steps), here(lengths))
        assert_close(found, expected)


def test_ctc_loss_has_no_second_derivative() -> None:
    x = cr.zeros(3, 1, 3, requires_grad=True)
    logs = cr.log_softmax(x, 2)
    loss = nn.functional.ctc_loss(logs, cr.tensor([[1]]), cr.tensor([3]), cr.tensor([1]))
    (gradient,) = cr.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"ctc_gradient .* not implemented"):
        gradient.sum().backward()


# --- Dropout --------------------------------------------------------------------------------------

DROPOUTS = [
    ("Dropout1d(0.4)", (5, 6, 7)),
    ("Dropout1d(0.4)", (6, 7)),
    ("Dropout2d(0.4)", (5, 6, 2, 2)),
    ("Dropout3d(0.4)", (5, 6, 2, 1, 2)),
    ("Dropout3d(0.4)", (6, 2, 1, 2)),
    ("AlphaDropout(0.4)", (50, 7)),
    ("FeatureAlphaDropout(0.4)", (5, 6, 7)),
    ("AlphaDropout(1.0)", (3, 2)),
]


@pytest.mark.parametrize(("expression", "shape"), DROPOUTS)
def test_dropouts_drop_what_pytorchs_drop(expression: str, shape: Any) -> None:
    ours, theirs = built(expression)
    assert repr(ours) == repr(theirs)
    x = random(*shape)
    torch.manual_seed(5)
    expected = theirs(x)
    cr.manual_seed(5)
    assert_close(ours(here(x)), expected)
    assert_close(ours.eval()(here(x)), x)


def test_dropout_of_channels_says_what_shapes_it_takes() -> None:
    with pytest.raises(RuntimeError, match="dropout1d: Expected 2D or 3D input"):
        nn.functional.dropout1d(cr.ones(3))
    for shape in ((2, 3), (2, 3, 4)):
        with pytest.warns(UserWarning, match="dropout2d: Received"):
            nn.functional.dropout2d(cr.ones(shape))
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        cr.feature_dropout(cr.ones(3), 0.5, True)


def test_attention_drops_weights() -> None:
    cr.manual_seed(0)
    q, v = cr.zeros(1, 4), cr.ones(400, 1)
    y = nn.functional.scaled_dot_product_attention(q, cr.zeros(400, 4), v, dropout_p=0.5)
    assert y.item() != pytest.approx(1.0, abs=1e-4)
    assert y.item() == pytest.approx(1.0, abs=0.2)
