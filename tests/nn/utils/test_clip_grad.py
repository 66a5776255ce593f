"""Clipped gradients and parameters as vectors, beside PyTorch's."""

import math
from typing import Any

import numpy as np
import pytest
import torch

import chainrule as cr

SHAPES = [(4, 3), (), (5,), (2, 2, 2)]


def parameters(library: Any, dtypes: tuple[str, ...] = ("float32",), scale: float = 1.0) -> Any:
    generator = np.random.default_rng(0)
    made = []
    for k, shape in enumerate(SHAPES):
        kind = getattr(library, dtypes[k % len(dtypes)])
        p = library.zeros(shape, dtype=kind, requires_grad=True)
        if k != 1:
            p.grad = library.tensor(generator.standard_normal(shape) * scale, dtype=kind)
        made.append(p)
    return made


def assert_same(ours: Any, theirs: Any, digits_of: Any = None) -> None:
    actual, expected = ours.detach().numpy(), theirs.detach().numpy()
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    tolerance = 8 * np.finfo(digits_of or expected.dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def assert_same_gradients(ours: Any, theirs: Any, digits_of: Any = None) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.grad is None) == (other.grad is None)
        if mine.grad is not None:
            assert_same(mine.grad, other.grad, digits_of)


@pytest.mark.parametrize(
    "dtypes", [("float32",), ("float64",), ("float16",), ("float32", "float64")]
)
@pytest.mark.parametrize("order", [2.0, 1.0, 0.5, 3, 0, math.inf, -math.inf])
@pytest.mark.parametrize("largest", [0.5, 1e3])
def test_norms_are_clipped_as_in_pytorch(
    order: float, largest: float, dtypes: tuple[str, ...]
) -> None:
    ours, theirs = parameters(cr, dtypes), parameters(torch, dtypes)
    mine = cr.nn.utils.clip_grad_norm_(ours, largest, order)
    other = torch.nn.utils.clip_grad_norm_(theirs, largest, order)
    assert_same(mine, other, digits_of=dtypes[0])
    assert_same_gradients(ours, theirs, digits_of=dtypes[0])


def test_half_precision_sums_squares_with_more_digits() -> None:
    ours, theirs = (parameters(library, ("float16",), scale=300.0) for library in (cr, torch))
    mine = cr.nn.utils.clip_grad_norm_(ours, 1.0)
    assert math.isfinite(mine.item())
    assert_same(mine, torch.nn.utils.clip_grad_norm_(theirs, 1.0))


@pytest.mark.parametrize("library", [cr, torch])
def test_a_single_parameter_a_generator_and_none(library: Any) -> None:
    utils = library.nn.utils
    w = library.zeros(2, requires_grad=True)
    w.grad = library.tensor([3.0, 4.0])
    assert utils.clip_grad_norm_(w, 1.0).item() == 5.0
    assert utils.clip_grad_norm_((p for p in [w]), 2.0).item() == pytest.approx(1.0)
    assert utils.clip_grad_norm_([library.zeros(1)], 1.0).item() == 0.0
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        utils.clip_grad_norm_((p for p in []), 1.0)
    with pytest.warns(FutureWarning, match="deprecated in favor of"):
        utils.clip_grad_norm([w], 1.0)


@pytest.mark.parametrize("library", [cr, torch])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_refused_if_asked_for(library: Any, value: float) -> None:
    w = library.zeros(2, requires_grad=True)
    w.grad = library.tensor([value, 4.0])
    with pytest.raises(RuntimeError, match=r"total norm of order 2.0 for gradients .* non-finite"):
        library.nn.utils.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
    assert w.grad[1].item() == 4.0
    library.nn.utils.clip_grad_norm_([w], 1.0)
    first, second = w.grad.tolist()
    assert math.isnan(first)
    assert math.isnan(second) if math.isnan(value) else second == 0.0


def test_a_known_norm_and_values_are_clipped_as_in_pytorch() -> None:
    ours, theirs = parameters(cr), parameters(torch)
    for library, params in ((cr, ours), (torch, theirs)):
        utils = library.nn.utils
        total = utils.get_total_norm([p.grad for p in params if p.grad is not None])
        utils.clip_grads_with_norm_(params, 2.0, total)
        utils.clip_grad_value_(params, 0.3)
        params[2].grad[0] = math.nan
        utils.clip_grad_value_(params[2], 0.2)
    assert_same_gradients(ours, theirs)
    assert cr.nn.utils.get_total_norm([]).item() == 0.0


def test_a_graph_notices_that_its_gradients_were_clipped() -> None:
    w = cr.tensor([3.0], requires_grad=True)
    (w * w).sum().backward()
    loss = (w.grad * w).sum()
    cr.nn.utils.clip_grad_norm_([w], 1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_vectors_of_parameters_are_those_of_pytorch() -> None:
    vectors = []
    for library in (cr, torch):
        params = [library.ones(2, 3, requires_grad=True), library.zeros(2, requires_grad=True)]
        vector = library.nn.utils.parameters_to_vector(params)
        (vector * library.arange(8.0)).sum().backward()
        new = library.arange(8.0)
        library.nn.utils.vector_to_parameters(new, params)
        new[0] = 9.0
        vectors.append(
            [vector.tolist(), *(p.grad.tolist() for p in params), *(p.tolist() for p in params)]
        )
        with pytest.raises(TypeError, match=r"expected .*Tensor, but got: "):
            library.nn.utils.vector_to_parameters([1.0], params)
        with pytest.raises(RuntimeError, match="invalid for input of size 1"):
            library.nn.utils.vector_to_parameters(library.ones(7), params)
    assert vectors[0] == vectors[1]
