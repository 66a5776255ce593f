"""NumPy's functions on tensors: NumPy's values, differentiable, under NumPy's argument names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

rng = np.random.default_rng(7)
MATRIX = rng.normal(size=(3, 4))
OTHER = rng.normal(size=(3, 4))
POSITIVE = rng.uniform(0.5, 2.0, size=(3, 4))
CUBE = rng.normal(size=(2, 3, 4))
VECTOR = rng.normal(size=5)

# Each takes arrays, all of which are differentiated.
UNIVERSAL: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "exp": (np.exp, (MATRIX,)),
    "log": (np.log, (POSITIVE,)),
    "sqrt": (np.sqrt, (POSITIVE,)),
    "tanh": (np.tanh, (MATRIX,)),
    "absolute": (np.abs, (MATRIX,)),
    "negative": (np.negative, (MATRIX,)),
    "positive": (np.positive, (MATRIX,)),
    "square": (np.square, (MATRIX,)),
    "sign": (np.sign, (MATRIX,)),
    "add": (np.add, (MATRIX, OTHER[0])),
    "subtract": (np.subtract, (MATRIX, OTHER[:, :1])),
    "multiply": (np.multiply, (MATRIX, OTHER)),
    "divide": (np.divide, (MATRIX, POSITIVE)),
    "power": (np.power, (POSITIVE, OTHER)),
    "maximum": (np.maximum, (MATRIX, OTHER)),
    "minimum": (np.minimum, (MATRIX, OTHER)),
    "matmul": (np.matmul, (MATRIX, OTHER.T)),
    "matmul of vectors": (np.matmul, (MATRIX, OTHER[0])),
    "add with dtype": (lambda a, b: np.add(a, b, dtype=np.float64), (MATRIX, OTHER)),
    "add.reduce": (np.add.reduce, (MATRIX,)),
    "add.reduce keepdims": (lambda a: np.add.reduce(a, axis=1, keepdims=True), (MATRIX,)),
    "add.reduce axis=None": (lambda a: np.add.reduce(a, axis=None), (MATRIX,)),
    "add.reduce axis=()": (lambda a: np.add.reduce(a, axis=()), (MATRIX,)),
    "maximum.reduce": (lambda a: np.maximum.reduce(a, axis=1), (MATRIX,)),
    "minimum.reduce": (np.minimum.reduce, (MATRIX,)),
    "multiply.outer": (np.multiply.outer, (MATRIX, VECTOR)),
    "subtract.outer": (np.subtract.outer, (VECTOR, MATRIX[0])),
}

UNIVERSAL |= {
    name: (getattr(np, name), (MATRIX,))
    for name in (
        "sin", "cos", "tan", "sinh", "cosh", "arctan", "arcsinh", "exp2", "expm1", "degrees",
        "radians", "deg2rad", "rad2deg", "fabs",
    )
}  # fmt: skip
UNIVERSAL |= {
    name: (getattr(np, name), (POSITIVE,)) for name in ("log2", "log10", "log1p", "reciprocal")
}
UNIVERSAL |= {
    "arccosh": (np.arccosh, (POSITIVE + 1,)),
    "arcsin": (np.arcsin, (POSITIVE / 3,)),
    "arccos": (np.arccos, (POSITIVE / 3,)),
    "arctanh": (np.arctanh, (POSITIVE / 3,)),
    "arctan2": (np.arctan2, (MATRIX, OTHER)),
    "float_power": (np.float_power, (POSITIVE, OTHER)),
    "fmax": (np.fmax, (MATRIX, OTHER)),
    "fmin": (np.fmin, (MATRIX, OTHER)),
    "hypot": (np.hypot, (MATRIX, OTHER)),
    "logaddexp": (np.logaddexp, (MATRIX, OTHER)),
    "logaddexp2": (np.logaddexp2, (MATRIX, OTHER)),
    "copysign": (np.copysign, (MATRIX, OTHER)),
}
SQUARE = rng.normal(size=(2, 3, 3)) + 2 * np.eye(3)
DEFINITE = SQUARE @ SQUARE.mT
IMAGES = rng.normal(size=(2, 1, 4, 5))
windows = np.lib.stride_tricks.sliding_window_view


def symmetric(a: Any) -> Any:
    """Return a matrix of which both triangles are read."""
    return (a + np.matrix_transpose(a)) / 2


ALGEBRA: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "det": (np.linalg.det, (SQUARE,)),
    "inv": (np.linalg.inv, (SQUARE,)),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], (SQUARE,)),
    "solve": (np.linalg.solve, (SQUARE, MATRIX)),
    "solve, a vector": (np.linalg.solve, (SQUARE[0], VECTOR[:3])),
    "cholesky": (lambda a: np.linalg.cholesky(symmetric(a)), (DEFINITE,)),
    "eigvalsh": (lambda a: np.linalg.eigvalsh(symmetric(a)), (DEFINITE,)),
    "eigh": (lambda a: np.linalg.eigh(symmetric(a))[0], (DEFINITE,)),
    "svd": (lambda a: np.linalg.svd(a)[1], (MATRIX,)),
    "singular values": (lambda a: np.linalg.svd(a, compute_uv=False), (MATRIX,)),
    "qr": (lambda a: np.linalg.qr(a)[1], (SQUARE,)),
    "pinv": (np.linalg.pinv, (MATRIX,)),
    "matrix_power": (lambda a: np.linalg.matrix_power(a, 3), (SQUARE,)),
    "kron": (np.kron, (MATRIX, OTHER[:2, :2])),
    "cumsum": (np.cumsum, (MATRIX,)),
    "cumsum over an axis": (lambda a: np.cumsum(a, axis=1), (MATRIX,)),
    "cumprod": (lambda a: np.cumprod(a, 0), (MATRIX,)),
    "prod": (np.prod, (MATRIX,)),
    "prod keepdims": (lambda a: np.prod(a, keepdims=True), (MATRIX,)),
    "prod over an axis": (lambda a: np.prod(a, axis=1), (MATRIX,)),
    "trapezoid": (lambda a: np.trapezoid(a, dx=0.5, axis=0), (MATRIX,)),
    "trapezoid at points": (np.trapezoid, (VECTOR, np.sort(POSITIVE.ravel())[:5])),
    "sliding windows": (lambda a: windows(a, 3), (VECTOR,)),
    "sliding windows of all axes": (lambda a: windows(a, (2, 3)), (MATRIX,)),
    "sliding windows of images": (lambda a: windows(a, (3, 2), axis=(2, 3)), (IMAGES,)),
    "convolve": (np.convolve, (VECTOR, MATRIX[0])),
    "convolve same": (lambda a, b: np.convolve(a, b, "same"), (VECTOR, MATRIX[0])),
    "convolve same, odd": (lambda a, b: np.convolve(a, b, "same"), (VECTOR, MATRIX[0, :3])),
    "convolve valid": (lambda a, b: np.convolve(a, b, "valid"), (MATRIX[0], VECTOR)),
    "pad": (lambda a: np.pad(a, ((0, 0), (1, 2))), (MATRIX,)),
    "pad all sides": (lambda a: np.pad(a, 1, constant_values=2.0), (MATRIX,)),
    "pad, a pair": (lambda a: np.pad(a, (1, 0)), (MATRIX,)),
    "rollaxis": (lambda a: np.rollaxis(a, 2, 1), (CUBE,)),
    "einsum": (lambda a, b: np.einsum("ij,kj->ik", a, b), (MATRIX, OTHER)),
    "an im2col convolution": (
        lambda x, w: np.einsum("nchwij,ocij->nohw", windows(x, (3, 3), axis=(2, 3)), w),
        (IMAGES, rng.normal(size=(2, 1, 3, 3))),
    ),
}

OTHERS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "sum": (np.sum, (MATRIX,)),
    "sum over an axis": (lambda a: np.sum(a, axis=1, keepdims=True), (MATRIX,)),
    "sum, positional": (lambda a: np.sum(a, (0, 2)), (CUBE,)),
    "sum with dtype": (lambda a: np.sum(a, dtype=np.float64), (MATRIX,)),
    "mean": (lambda a: np.mean(a, axis=0), (MATRIX,)),
    "var": (lambda a: np.var(a, axis=1, ddof=1), (MATRIX,)),
    "var of all": (np.var, (MATRIX,)),
    "std": (lambda a: np.std(a, axis=1, keepdims=True), (MATRIX,)),
    "std with correction": (lambda a: np.std(a, correction=1), (MATRIX,)),
    "max": (lambda a: np.max(a, axis=1, keepdims=True), (MATRIX,)),
    "amax": (np.amax, (MATRIX,)),
    "min": (lambda a: np.min(a, axis=0), (MATRIX,)),
    "ptp": (lambda a: np.ptp(a, axis=1), (MATRIX,)),
    "average": (np.average, (MATRIX,)),
    "average with weights": (lambda a, w: np.average(a, axis=1, weights=w), (MATRIX, POSITIVE[0])),
    "average, first axis": (
        lambda a, w: np.average(a, axis=0, weights=w),
        (MATRIX, POSITIVE[:, 0]),
    ),
    "average, full weights": (lambda a, w: np.average(a, weights=w), (MATRIX, POSITIVE)),
    "norm": (np.linalg.norm, (MATRIX,)),
    "norm of a cube": (np.linalg.norm, (CUBE,)),
    "norm over an axis": (lambda a: np.linalg.norm(a, axis=1, keepdims=True), (MATRIX,)),
    "norm of rank 1": (lambda a: np.linalg.norm(a, ord=1), (VECTOR,)),
    "norm, largest": (lambda a: np.linalg.norm(a, np.inf, axis=0), (MATRIX,)),
    "norm, Frobenius": (lambda a: np.linalg.norm(a, "fro"), (MATRIX,)),
    "norm, Frobenius of a stack": (lambda a: np.linalg.norm(a, axis=(1, 2)), (CUBE,)),
    "where": (lambda a, b: np.where(MATRIX > 0, a, b), (MATRIX, OTHER)),
    "where with a number": (lambda a: np.where(MATRIX > 0, a, 0.01), (OTHER,)),
    "where with integers": (lambda a: np.where([1, 0, 2, 0], a, 0), (MATRIX,)),
    "clip": (lambda a: np.clip(a, -0.5, 0.5), (MATRIX,)),
    "clip, one limit": (lambda a: np.clip(a, None, 0.5), (MATRIX,)),
    "clip, named": (lambda a: np.clip(a, min=0), (MATRIX,)),
    "clip, no limit": (lambda a: np.clip(a, None, None), (MATRIX,)),
    "copy": (np.copy, (MATRIX,)),
    "real": (np.real, (MATRIX,)),
    "dot of matrices": (np.dot, (MATRIX, OTHER.T)),
    "dot of vectors": (np.dot, (MATRIX[0], OTHER[0])),
    "dot with a number": (lambda a: np.dot(a, 2.0), (MATRIX,)),
    "dot of cubes": (np.dot, (CUBE, rng.normal(size=(2, 4, 3)))),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=([1, 0], [0, 1])), (CUBE, CUBE[:, :, 1].T)),
    "tensordot by number": (lambda a, b: np.tensordot(a, b, 1), (CUBE, OTHER.T)),
    "tensordot of nothing": (lambda a, b: np.tensordot(a, b, 0), (VECTOR, MATRIX)),
    "inner": (np.inner, (CUBE, MATRIX)),
    "inner with a number": (np.inner, (MATRIX, np.array(2.0))),
    "vdot": (np.vdot, (MATRIX, OTHER)),
    "outer": (np.outer, (MATRIX, VECTOR)),
    "linalg.matmul": (np.linalg.matmul, (MATRIX, OTHER.T)),
    "reshape": (lambda a: np.reshape(a, (2, -1)), (MATRIX,)),
    "reshape to a vector": (lambda a: np.reshape(a, -1), (MATRIX,)),
    "ravel": (np.ravel, (CUBE,)),
    "transpose": (np.transpose, (CUBE,)),
    "transpose with axes": (lambda a: np.transpose(a, (1, 0, 2)), (CUBE,)),
    "matrix_transpose": (np.matrix_transpose, (CUBE,)),
    "swapaxes": (lambda a: np.swapaxes(a, 0, -1), (CUBE,)),
    "moveaxis": (lambda a: np.moveaxis(a, (0, 2), (2, 0)), (CUBE,)),
    "moveaxis of one": (lambda a: np.moveaxis(a, -1, 0), (CUBE,)),
    "squeeze": (np.squeeze, (CUBE[:, :1],)),
    "squeeze of an axis": (lambda a: np.squeeze(a, axis=1), (CUBE[:1, :1],)),
    "expand_dims": (lambda a: np.expand_dims(a, axis=1), (MATRIX,)),
    "expand_dims of two": (lambda a: np.expand_dims(a, (0, -1)), (MATRIX,)),
    "broadcast_to": (lambda a: np.broadcast_to(a, (2, 3, 4)), (MATRIX,)),
    "broadcast_arrays": (lambda a, b: np.broadcast_arrays(a, b)[1], (MATRIX, OTHER[0])),
    "atleast_1d": (np.atleast_1d, (np.array(2.0),)),
    "atleast_2d": (np.atleast_2d, (VECTOR,)),
    "atleast_3d of a matrix": (np.atleast_3d, (MATRIX,)),
    "atleast_3d of a vector": (np.atleast_3d, (VECTOR,)),
    "atleast_3d of a number": (np.atleast_3d, (np.array(2.0),)),
    "concatenate": (lambda a, b: np.concatenate([a, b], axis=1), (MATRIX, OTHER)),
    "concatenate flat": (lambda a, b: np.concatenate((a, b), axis=None), (MATRIX, VECTOR)),
    "concatenate with an array": (lambda a: np.concatenate([OTHER, a]), (MATRIX,)),
    "stack": (lambda a, b: np.stack([a, b], axis=1), (MATRIX, OTHER)),
    "vstack": (lambda a, b: np.vstack([a, b]), (MATRIX, OTHER[0])),
    "hstack": (lambda a, b: np.hstack([a, b]), (MATRIX, OTHER[:, :2])),
    "hstack of vectors": (lambda a, b: np.hstack([a, b]), (VECTOR, MATRIX[0])),
    "column_stack": (lambda a, b: np.column_stack([a, b]), (MATRIX[:, 0], OTHER)),
    "append": (lambda a, b: np.append(a, b, axis=0), (MATRIX, OTHER)),
    "split": (lambda a: np.split(a, 2, axis=1)[1], (MATRIX,)),
    "split at indices": (lambda a: np.split(a, [1, 1, 3])[2], (VECTOR,)),
    "array_split": (lambda a: np.array_split(a, [2])[1], (VECTOR,)),
    "take": (lambda a: np.take(a, [[0, 0], [2, 1]], axis=0), (MATRIX,)),
    "take flat": (lambda a: np.take(a, [5, 5, 0]), (MATRIX,)),
    "take_along_axis": (
        lambda a: np.take_along_axis(a, np.array([[0], [3], [-1]]), axis=1),
        (MATRIX,),
    ),
    "sort": (lambda a: np.sort(a, axis=0), (MATRIX,)),
    "sort flat": (lambda a: np.sort(a, axis=None), (MATRIX,)),
    "flip": (np.flip, (MATRIX,)),
    "flip of an axis": (lambda a: np.flip(a, -1), (CUBE,)),
    "roll": (lambda a: np.roll(a, 2), (MATRIX,)),
    "roll of axes": (lambda a: np.roll(a, (1, -1), axis=(0, 1)), (MATRIX,)),
    "repeat": (lambda a: np.repeat(a, 2), (MATRIX,)),
    "repeat by counts": (lambda a: np.repeat(a, [2, 0, 1], axis=0), (MATRIX,)),
    "tile": (lambda a: np.tile(a, 2), (MATRIX,)),
    "tile to more dimensions": (lambda a: np.tile(a, (2, 1, 3)), (MATRIX,)),
    "diag of a vector": (lambda a: np.diag(a, 1), (VECTOR,)),
    "diag of a vector below": (lambda a: np.diag(a, -2), (VECTOR,)),
    "diag of a matrix": (lambda a: np.diag(a, -1), (MATRIX,)),
    "diagonal": (lambda a: np.diagonal(a, 1, 0, 2), (CUBE,)),
    "trace": (np.trace, (MATRIX,)),
    "tril": (lambda a: np.tril(a, -1), (MATRIX,)),
    "triu": (np.triu, (CUBE,)),
    "diff": (lambda a: np.diff(a, axis=0), (MATRIX,)),
    "diff twice": (lambda a: np.diff(a, 2), (MATRIX,)),
}
ALL = UNIVERSAL | ALGEBRA | OTHERS


def leaves(arrays: tuple[np.ndarray, ...]) -> list[cr.Tensor]:
    return [cr.tensor(a, requires_grad=True) for a in arrays]


@pytest.mark.parametrize("name", ALL)
def test_value_is_numpys_and_recorded(name: str) -> None:
    function, arrays = ALL[name]
    result = function(*leaves(arrays))
    expected = np.asarray(function(*arrays))
    assert isinstance(result, cr.Tensor)
    assert result.requires_grad
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_gradient_agrees_with_finite_differences(name: str) -> None:
    function, arrays = ALL[name]
    assert cr.autograd.gradcheck(function, leaves(arrays))


@pytest.mark.parametrize("name", ALL)
def test_without_gradient_the_result_is_a_plain_tensor(name: str) -> None:
    function, arrays = ALL[name]
    result = function(*(cr.tensor(a) for a in arrays))
    assert isinstance(result, cr.Tensor)
    assert not result.requires_grad
    np.testing.assert_allclose(result.numpy(), function(*arrays), rtol=1e-12)


def test_results_of_several_tensors_are_tensors() -> None:
    t = cr.tensor(MATRIX, requires_grad=True)
    for pieces, expected in (
        (np.split(t, 3), np.split(MATRIX, 3)),
        (np.array_split(t, [1, 2], axis=1), np.array_split(MATRIX, [1, 2], axis=1)),
        (np.broadcast_arrays(t, VECTOR[:1]), np.broadcast_arrays(MATRIX, VECTOR[:1])),
    ):
        assert len(pieces) == len(expected)
        for piece, values in zip(pieces, expected, strict=True):
            np.testing.assert_array_equal(piece.detach().numpy(), values)


def test_pieces_of_unequal_sizes_are_numpys_error_for_split() -> None:
    with pytest.raises(ValueError, match="equal division"):
        np.split(cr.tensor(VECTOR), 2)


def test_array_split_into_unequal_pieces() -> None:
    pieces = np.array_split(cr.tensor(VECTOR, requires_grad=True), 2)
    assert [len(p) for p in pieces] == [3, 2]


def test_norm_of_zero_has_the_gradient_zero_as_in_pytorch() -> None:
    t = cr.zeros(3, requires_grad=True)
    np.linalg.norm(t).backward()
    np.testing.assert_array_equal(t.grad, np.zeros(3))


@pytest.mark.parametrize("function", [np.zeros_like, np.ones_like, np.empty_like])
def test_like_functions_make_constant_tensors(function: Callable[..., Any]) -> None:
    t = cr.tensor(MATRIX, requires_grad=True)
    made = function(t)
    assert isinstance(made, cr.Tensor)
    assert not made.requires_grad
    assert made.dtype == t.dtype
    assert made.shape == t.shape
    assert function(t, dtype=np.int64, shape=(2,)).shape == (2,)
    assert function(t, dtype=np.int64).dtype == np.int64


def test_full_like_takes_the_value_to_the_dtype_of_the_tensor() -> None:
    made = np.full_like(cr.tensor([1, 2]), 7.9)
    np.testing.assert_array_equal(made.numpy(), np.full_like(np.array([1, 2]), 7.9))
    assert made.dtype == np.int64


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda t: np.shape(t), (3, 4)),
        (lambda t: np.ndim(t), 2),
        (lambda t: np.size(t), 12),
        (lambda t: np.size(t, 1), 4),
        (lambda t: np.allclose(t, MATRIX), True),
        (lambda t: np.array_equal(MATRIX, t), True),
        (lambda t: np.array_equal(t, OTHER), False),
        (lambda t: np.count_nonzero(t), 12),
        (lambda t: np.iscomplexobj(t), False),
        (lambda t: np.result_type(t, np.float32), np.dtype("float64")),
    ],
)
def test_questions_about_values_and_shapes_are_answered_as_numpy_does(
    function: Callable[..., Any], expected: Any
) -> None:
    answer = function(cr.tensor(MATRIX, requires_grad=True))
    assert answer == expected
    assert not isinstance(answer, cr.Tensor) or not answer.requires_grad


@pytest.mark.parametrize(
    "function",
    [
        lambda t: np.argmax(t, axis=1),
        lambda t: np.argmin(t),
        lambda t: np.argmax(t, axis=0, keepdims=True),
        lambda t: np.isclose(t, 0.0, atol=0.5),
        lambda t: np.argsort(t),
        lambda t: np.isnan(t),
        lambda t: np.isfinite(t),
        lambda t: np.greater(t, 0),
        lambda t: np.less_equal(0.0, t),
        lambda t: np.equal(t, t),
        lambda t: np.logical_and(np.greater(t, 0), np.less(t, 1)),
        lambda t: np.logical_not(np.greater(t, 0)),
        lambda t: np.any(np.greater(t, 2), axis=1),
        lambda t: np.all(np.greater(t, -9)),
        lambda t: np.floor(t),
        lambda t: np.rint(t),
        lambda t: np.searchsorted(t[0].detach() if isinstance(t, cr.Tensor) else t[0], 0.5),
    ],
)
def test_results_without_derivative_are_constants(function: Callable[..., Any]) -> None:
    result = function(cr.tensor(MATRIX, requires_grad=True))
    assert isinstance(result, cr.Tensor)
    np.testing.assert_array_equal(result.detach().numpy(), function(MATRIX))


def test_where_with_a_condition_alone_gives_the_indices() -> None:
    rows, columns = np.where(cr.tensor(MATRIX) > 0)
    for found, expected in zip((rows, columns), np.where(MATRIX > 0), strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)


def test_mean_of_integers_and_bools_is_a_float() -> None:
    assert np.mean(cr.tensor([1, 2])).item() == 1.5
    assert np.mean(cr.tensor([True, False, True, True])).item() == 0.75


def test_squeezing_an_axis_of_another_size_is_numpys_error() -> None:
    with pytest.raises(ValueError, match="size not equal to one: axis 1"):
        np.squeeze(cr.tensor(MATRIX), axis=1)


def test_tensordot_of_unequal_sizes_names_them() -> None:
    with pytest.raises(RuntimeError, match=r"\[4\] and \[3\]"):
        np.tensordot(cr.tensor(MATRIX), cr.tensor(MATRIX), 1)
