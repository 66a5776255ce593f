"""Losses: values and gradients of PyTorch over all options, its errors, its warnings."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn
from chainrule.nn import functional as F
from tests.nn.twins import assert_close, here

REDUCTIONS = ("mean", "sum", "none")
FT = torch.nn.functional


def random(*shape: int, seed: int = 0, dtype: Any = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def probabilities(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def assert_same_loss(name: str, *tensors: Any, **options: Any) -> None:
    """Compare values and gradients of a functional loss, all float tensors being differentiated."""

    def leaf(value: Any) -> Any:
        differentiable = isinstance(value, torch.Tensor) and value.is_floating_point()
        return value.clone().requires_grad_() if differentiable else value

    theirs = [leaf(t) for t in tensors]
    ours = [here(t) for t in theirs]
    expected = getattr(FT, name)(*theirs, **options)
    actual = getattr(F, name)(*ours, **{k: here(v) for k, v in options.items()})
    assert_close(actual, expected)
    upstream = random(*expected.shape, seed=9, dtype=expected.dtype)
    expected.backward(upstream)
    actual.backward(here(upstream))
    for mine, other in zip(ours, theirs, strict=True):
        if isinstance(other, torch.Tensor) and other.is_floating_point():
            assert_close(mine.grad, other.grad)


shapes = st.lists(st.integers(1, 4), min_size=0, max_size=3).map(tuple)


@settings(max_examples=40)
@given(shapes, st.sampled_from(REDUCTIONS), st.booleans())
def test_mse_loss(shape: tuple[int, ...], reduction: str, weighted: bool) -> None:
    weight = {"weight": probabilities(*shape, seed=3)} if weighted else {}
    assert_same_loss(
        "mse_loss", random(*shape), random(*shape, seed=1), reduction=reduction, **weight
    )


@settings(max_examples=40)
@given(shapes, st.sampled_from(REDUCTIONS), st.booleans())
def test_binary_cross_entropy(shape: tuple[int, ...], reduction: str, weighted: bool) -> None:
    weight = {"weight": random(*shape[-1:], seed=3)} if weighted else {}
    p, t = probabilities(*shape), probabilities(*shape, seed=1)
    assert_same_loss("binary_cross_entropy", p, t, reduction=reduction, **weight)


@settings(max_examples=40)
@given(shapes, st.sampled_from(REDUCTIONS), st.booleans(), st.booleans())
def test_binary_cross_entropy_with_logits(
    shape: tuple[int, ...], reduction: str, weighted: bool, favoured: bool
) -> None:
    options = {"weight": random(*shape[-1:], seed=3)} if weighted else {}
    if favoured:
        options["pos_weight"] = probabilities(*shape[-1:], seed=4) * 3
    z, t = random(*shape) * 5, probabilities(*shape, seed=1)
    assert_same_loss("binary_cross_entropy_with_logits", z, t, reduction=reduction, **options)


layouts = st.tuples(
    st.one_of(st.just(()), st.tuples(st.integers(1, 4))),
    st.integers(1, 5),
    st.lists(st.integers(1, 3), max_size=2).map(tuple),
).filter(lambda parts: parts[0] or not parts[2])


@settings(max_examples=40)
@given(
    layouts,
    st.sampled_from(REDUCTIONS),
    st.booleans(),
    st.sampled_from([-100, -1, 0, 2]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from(["cross_entropy", "nll_loss"]),
)
def test_losses_of_class_indices(
    layout: tuple[Any, int, Any],
    reduction: str,
    weighted: bool,
    ignore_index: int,
    label_smoothing: float,
    name: str,
) -> None:
    batch, classes, rest = layout
    scores = random(*batch, classes, *rest) * 3
    positions = torch.Generator().manual_seed(2)
    target = torch.randint(classes, (*batch, *rest), generator=positions)
    options: dict[str, Any] = {"reduction": reduction, "ignore_index": ignore_index}
    if weighted:
        options["weight"] = probabilities(classes, seed=5)
    if name == "cross_entropy":
        options["label_smoothing"] = label_smoothing
    assert_same_loss(name, scores, target, **options)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_class_indices_may_be_bytes(name: str) -> None:
    target = torch.tensor([1, 0, 2], dtype=torch.uint8)
    assert_same_loss(name, random(3, 4), target, weight=probabilities(4, seed=5))


@settings(max_examples=40)
@given(
    layouts,
    st.sampled_from(REDUCTIONS),
    st.booleans(),
    st.sampled_from([0.0, 0.3]),
)
def test_cross_entropy_of_probabilities(
    layout: tuple[Any, int, Any], reduction: str, weighted: bool, label_smoothing: float
) -> None:
    batch, classes, rest = layout
    shape = (*batch, classes, *rest)
    options: dict[str, Any] = {"reduction": reduction, "label_smoothing": label_smoothing}
    if weighted:
        options["weight"] = probabilities(classes, seed=5)
    assert_same_loss("cross_entropy", random(*shape) * 3, probabilities(*shape, seed=1), **options)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignored", [[0], [0, 1, 2]])
def test_ignored_targets_count_nothing(name: str, reduction: str, ignored: list[int]) -> None:
    target = torch.tensor([1, 0, 2])
    target[ignored] = -100
    assert_same_loss(name, random(3, 4), target, reduction=reduction)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_losses_keep_the_dtype(dtype: torch.dtype) -> None:
    z, t = random(3, 4).to(dtype), probabilities(3, 4).to(dtype)
    index = torch.tensor([0, 1, 3])
    for name, first, second in [
        ("mse_loss", z, t),
        ("binary_cross_entropy", t, t),
        ("binary_cross_entropy_with_logits", z, t),
        ("cross_entropy", z, index),
        ("cross_entropy", z, t),
        ("nll_loss", z, index),
    ]:
        expected = getattr(FT, name)(first, second)
        assert str(getattr(F, name)(here(first), here(second)).dtype) in str(expected.dtype)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("name", "shape", "target"),
    [
        ("mse_loss", (0, 3), (0, 3)),
        ("binary_cross_entropy", (0,), (0,)),
        ("binary_cross_entropy_with_logits", (0,), (0,)),
        ("cross_entropy", (0, 4), None),
        ("cross_entropy", (2, 4, 0), None),
        ("cross_entropy", (0, 4), (0, 4)),
        ("nll_loss", (0, 4), None),
    ],
)
def test_empty_batches(name: str, shape: Any, target: Any, reduction: str) -> None:
    if target is None:
        second = torch.zeros(shape[:1] + shape[2:], dtype=torch.int64)
    else:
        second = torch.zeros(target)
    first = torch.zeros(shape)
    expected = getattr(FT, name)(first, second, reduction=reduction)
    assert_close(getattr(F, name)(here(first), here(second), reduction=reduction), expected)


def test_a_certain_error_costs_a_hundred() -> None:
    p, t = torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0, 1.0])
    assert_same_loss("binary_cross_entropy", p, t, reduction="none")


def test_extreme_logits_do_not_overflow() -> None:
    z, t = torch.tensor([1e4, -1e4, 1e4, -1e4]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    pos_weight = torch.tensor([2.0])
    assert_same_loss("binary_cross_entropy_with_logits", z, t, reduction="none")
    assert_same_loss("binary_cross_entropy_with_logits", z, t, pos_weight=pos_weight)
    scores = torch.tensor([[1e4, -1e4], [-1e4, 1e4]])
    assert_same_loss("cross_entropy", scores, torch.tensor([0, 0]), reduction="none")


def test_nan_and_infinity_follow_pytorch() -> None:
    nan, inf = float("nan"), float("inf")
    bad = torch.tensor([[nan, 0.0], [inf, 0.0], [-inf, 0.0], [1.0, 2.0]])
    index = torch.tensor([0, 0, 0, 1])
    for name, second in [
        ("mse_loss", torch.zeros(4, 2)),
        ("binary_cross_entropy_with_logits", torch.zeros(4, 2)),
        ("cross_entropy", index),
        ("nll_loss", index),
    ]:
        expected = getattr(FT, name)(bad, second, reduction="none")
        actual = getattr(F, name)(here(bad), here(second), reduction="none")
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-5)


def test_targets_of_another_shape_are_broadcast_with_a_warning() -> None:
    x, t = random(3, 1), random(3)
    with pytest.warns(UserWarning, match=r"Using a target size \(torch.Size"):
        expected = FT.mse_loss(x, t)
    with pytest.warns(UserWarning, match=r"Using a target size .* likely lead to incorrect resul"):
        actual = F.mse_loss(here(x), here(t))
    assert_close(actual, expected)


@pytest.mark.parametrize(
    ("size_average", "reduce"),
    [(True, None), (False, None), (None, True), (None, False), (False, False), (True, False)],
)
def test_the_old_arguments_still_work_with_a_warning(size_average: Any, reduce: Any) -> None:
    x, t = random(3), random(3, seed=1)
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        expected = FT.mse_loss(x, t, size_average=size_average, reduce=reduce)
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        actual = F.mse_loss(here(x), here(t), size_average=size_average, reduce=reduce)
    assert_close(actual, expected)
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        assert nn.MSELoss(size_average=size_average, reduce=reduce).reduction in REDUCTIONS


Z = cr.zeros
LONG = cr.int64


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.mse_loss(Z(3), Z(3), reduction="x"), ValueError,
         "x is not a valid value for reduction"),
        (lambda: F.mse_loss(Z(3, dtype=LONG), Z(3, dtype=LONG)), NotImplementedError,
         "not implemented for 'Long'.*float"),
        (lambda: F.mse_loss(Z(3), Z(3), weight=Z(2)), ValueError,
         "Weights and input must have the same size"),
        (lambda: F.binary_cross_entropy(Z(3), Z(4)), ValueError,
         r"Using a target size \(.*\[4\]\)\) that is different to the input size \(.*\[3\]\)\)"),
        (lambda: F.binary_cross_entropy(Z(3) + 1.5, Z(3)), RuntimeError,
         "all elements of input should be between 0 and 1.*got values from 1.5 to 1.5.*sigmoid"),
        (lambda: F.binary_cross_entropy(Z(3) - 0.5, Z(3), reduction="none"), RuntimeError,
         "all elements of input should be between 0 and 1"),
        (lambda: F.binary_cross_entropy(Z(1) * float("nan"), Z(1)), RuntimeError,
         "all elements of input should be between 0 and 1"),
        (lambda: F.binary_cross_entropy(Z(3), Z(3) + 2), RuntimeError,
         "all elements of target should be between 0 and 1"),
        (lambda: F.binary_cross_entropy(Z(3), Z(3) - 0.1), RuntimeError,
         "all elements of target should be between 0 and 1"),
        (lambda: F.binary_cross_entropy(Z(3), Z(3, dtype=LONG)), RuntimeError,
         "Found dtype Long but expected Float"),
        (lambda: F.binary_cross_entropy(Z(3, dtype=LONG), Z(3, dtype=LONG)), NotImplementedError,
         "not implemented for 'Long'.*float"),
        (lambda: F.binary_cross_entropy(Z(3), Z(3), weight=Z(2)), RuntimeError,
         r"weight of shape \[2\] should be broadcastable"),
        (lambda: F.binary_cross_entropy(Z(3), Z(3), reduction="x"), ValueError,
         "x is not a valid value for reduction"),
        (lambda: F.binary_cross_entropy_with_logits(Z(3), Z(4)), ValueError,
         r"Target size \(.*\[4\]\)\) must be the same as input size \(.*\[3\]\)\)"),
        (lambda: F.binary_cross_entropy_with_logits(Z(3), Z(3, dtype=LONG)), RuntimeError,
         r"result type Float can't be cast to the desired output type Long.*\.float\(\)"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3)), RuntimeError,
         "expected target dtype to be Long or Byte, but got Float.*probabilities"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, dtype=cr.int32)), RuntimeError,
         r"expected target dtype to be Long or Byte, but got Int.*\.long\(\)"),
        (lambda: F.cross_entropy(Z(3, 4), cr.tensor([0, 1, 4])), IndexError,
         "Target 4 is out of bounds.*from 0 to 3"),
        (lambda: F.cross_entropy(Z(3, 4), cr.tensor([0, 1, -1])), IndexError,
         "Target -1 is out of bounds"),
        (lambda: F.cross_entropy(Z(3, 4), Z(2, dtype=LONG)), ValueError,
         r"Expected input batch_size \(3\) to match target batch_size \(2\)"),
        (lambda: F.cross_entropy(Z(3, 4), cr.tensor(1)), ValueError,
         r"Expected input batch_size \(3\) to match target batch_size \(0\)"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, 1, dtype=LONG)), RuntimeError,
         "0D or 1D target tensor expected, multi-target not supported.*squeeze"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, 4, dtype=LONG)), RuntimeError,
         "Expected floating point type for target with class probabilities, got Long"),
        (lambda: F.cross_entropy(Z(3, 4, 5), Z(3, 4, dtype=LONG)), RuntimeError,
         r"Expected target size \[3, 5\], got \[3, 4\]"),
        (lambda: F.cross_entropy(Z(4), Z(2, dtype=LONG)), ValueError,
         "For 1D input, 1D target must have size 1, but got target size: 2"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, dtype=LONG), weight=Z(3)), RuntimeError,
         r"either for all 4 classes or no classes but got weight tensor of shape: \[3\]"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, dtype=LONG), weight=Z(4).double()), RuntimeError,
         "expected scalar type Float but found Double"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, dtype=LONG), label_smoothing=2.0), RuntimeError,
         "label_smoothing must be between 0.0 and 1.0. Got: 2.0"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, 4), ignore_index=1), RuntimeError,
         "ignore_index is not supported for floating point target"),
        (lambda: F.cross_entropy(Z(3, 4, dtype=LONG), Z(3, dtype=LONG)), NotImplementedError,
         "not implemented for 'Long'"),
        (lambda: F.cross_entropy(Z(3, 4), Z(3, dtype=LONG), reduction="x"), ValueError,
         "x is not a valid value for reduction"),
        (lambda: F.nll_loss(cr.tensor(1.0), cr.tensor(1)), ValueError,
         r"Expected 1 or more dimensions \(got 0\)"),
        (lambda: F.nll_loss(Z(3, 4), cr.tensor([0, 7, 0])), IndexError,
         "Target 7 is out of bounds"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused_in_the_words_of_pytorch(
    call: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


MODULES = [
    ("MSELoss", {}, random(3, 4), random(3, 4, seed=1)),
    ("BCELoss", {"weight": probabilities(4)}, probabilities(3, 4), probabilities(3, 4, seed=1)),
    (
        "BCEWithLogitsLoss",
        {"pos_weight": probabilities(4), "weight": probabilities(4, seed=2)},
        random(3, 4),
        probabilities(3, 4, seed=1),
    ),
    (
        "CrossEntropyLoss",
        {"weight": probabilities(4), "ignore_index": 2, "label_smoothing": 0.1},
        random(3, 4),
        torch.tensor([0, 2, 3]),
    ),
    (
        "NLLLoss",
        {"weight": probabilities(4), "ignore_index": 2},
        random(3, 4),
        torch.tensor([0, 2, 3]),
    ),
]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "options", "input", "target"), MODULES)
def test_modules_compute_print_and_save_as_in_pytorch(
    name: str, options: dict[str, Any], input: Any, target: Any, reduction: str
) -> None:
    theirs = getattr(torch.nn, name)(**options, reduction=reduction)
    ours = getattr(nn, name)(**{k: here(v) for k, v in options.items()}, reduction=reduction)
    assert_close(ours(here(input), here(target)), theirs(input, target))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_changing_targets_before_backward_is_noticed() -> None:
    scores = cr.zeros(2, 3, requires_grad=True)
    target = cr.tensor([0, 1])
    loss = F.cross_entropy(scores, target)
    target += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: F.mse_loss(x, cr.ones(2, 3, dtype=cr.float64)),
        lambda x: F.binary_cross_entropy(x.sigmoid(), cr.full((2, 3), 0.3, dtype=cr.float64)),
        lambda x: F.binary_cross_entropy_with_logits(
            x, cr.full((2, 3), 0.3, dtype=cr.float64), pos_weight=cr.tensor(2.0, dtype=cr.float64)
        ),
        lambda x: F.cross_entropy(x, cr.tensor([0, 2]), label_smoothing=0.1),
        lambda x: F.cross_entropy(x, cr.full((2, 3), 1 / 3, dtype=cr.float64)),
        lambda x: F.nll_loss(cr.log_softmax(x, 1), cr.tensor([0, 2])),
    ],
)
def test_first_and_second_derivatives_against_finite_differences(loss: Any) -> None:
    x = cr.randn(2, 3, dtype=cr.float64, generator=cr.Generator().manual_seed(1))
    x.requires_grad_()
    assert cr.autograd.gradcheck(loss, (x,))
    assert cr.autograd.gradgradcheck(loss, (x,))
