"""NumPy's protocols: who takes the call, `out=`, `where=`, ufunc methods, and what is refused."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

MATRIX = np.array([[1.0, -2.0], [3.0, 0.5]])


@pytest.fixture
def t() -> cr.Tensor:
    return cr.tensor(MATRIX, requires_grad=True)


OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.matmul,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]


@pytest.mark.parametrize("operation", OPERATORS)
def test_array_and_tensor_operate_in_both_orders(operation: Callable[..., Any]) -> None:
    array = np.array([[2.0, -2.0], [0.25, 4.0]])
    tensor = cr.tensor(MATRIX, requires_grad=True)
    for left, right in ((array, tensor), (tensor, array)):
        result = operation(left, right)
        assert isinstance(result, cr.Tensor)
        plain = (v.detach().numpy() if isinstance(v, cr.Tensor) else v for v in (left, right))
        np.testing.assert_array_equal(result.detach().numpy(), operation(*plain))
        assert result.requires_grad == (result.dtype != np.bool_)


@pytest.mark.parametrize("operation", OPERATORS[:5])
def test_gradients_of_an_array_times_a_tensor_in_both_orders(
    operation: Callable[..., Any], t: cr.Tensor
) -> None:
    array = np.array([[2.0, -1.0], [0.25, 4.0]])
    assert cr.autograd.gradcheck(lambda x: operation(array, x), (t,))
    assert cr.autograd.gradcheck(lambda x: operation(x, array), (t,))


@pytest.mark.parametrize("scalar", [np.float64(2.0), np.float32(2.0), np.int64(2), np.bool_(True)])
def test_numpy_scalars_do_not_widen_the_tensor(scalar: Any) -> None:
    x = cr.tensor([1.0, 3.0], requires_grad=True)
    for result in (scalar * x, x * scalar, scalar + x, x / scalar, np.multiply(scalar, x)):
        assert isinstance(result, cr.Tensor)
        assert result.dtype == cr.float32
        assert result.requires_grad


def test_arrays_widen_as_tensors_of_their_dtype_do() -> None:
    x = cr.tensor([1.0, 3.0])
    assert (np.ones(2) * x).dtype == cr.float64
    assert (x * np.ones(2)).dtype == cr.float64
    assert (np.array(2.0) * x).dtype == cr.float32  # 0-d


def test_matrix_vector_products_of_mixed_kinds(t: cr.Tensor) -> None:
    vector = np.array([1.0, 2.0])
    np.testing.assert_array_equal((vector @ t).detach(), vector @ MATRIX)
    np.testing.assert_array_equal((t @ vector).detach(), MATRIX @ vector)


# --- out= and where= ------------------------------------------------------------------------------


def test_out_tensor_receives_the_values_and_the_gradient(t: cr.Tensor) -> None:
    out = cr.zeros(2, 2, dtype=cr.float64)
    returned = np.exp(t, out=out)
    assert returned is out
    out.sum().backward()
    np.testing.assert_allclose(t.grad, np.exp(MATRIX))


def test_out_tensor_of_a_reduction_receives_the_gradient(t: cr.Tensor) -> None:
    out = cr.zeros(2, dtype=cr.float64)
    assert np.sum(t, axis=1, out=out) is out
    out[0].backward()
    np.testing.assert_array_equal(t.grad, [[1, 1], [0, 0]])


def test_out_array_is_filled_when_no_gradient_is_at_stake() -> None:
    out = np.zeros((2, 2))
    assert np.exp(cr.tensor(MATRIX), out=out) is out
    np.testing.assert_array_equal(out, np.exp(MATRIX))
    total = np.zeros(2)
    assert np.sum(cr.tensor(MATRIX), axis=0, out=total) is total
    np.testing.assert_array_equal(total, MATRIX.sum(0))


def test_out_array_that_would_lose_the_gradient_is_refused(t: cr.Tensor) -> None:
    out = np.zeros((2, 2))
    with pytest.raises(TypeError, match=r"np\.exp with out= an array.*cannot carry"):
        np.exp(t, out=out)
    with pytest.raises(TypeError, match=r"np\.sum with out="):
        np.sum(t, axis=1, out=np.zeros(2))
    np.testing.assert_array_equal(out, np.zeros((2, 2)))


def test_out_of_another_shape_is_refused(t: cr.Tensor) -> None:
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        np.exp(t, out=cr.zeros(2, dtype=cr.float64))


def test_a_leaf_as_out_is_refused_outside_no_grad(t: cr.Tensor) -> None:
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        np.exp(t, out=t)


def test_only_out_is_a_tensor() -> None:
    out = cr.zeros(2)
    assert np.add(np.ones(2, np.float32), np.ones(2, np.float32), out=out) is out
    np.testing.assert_array_equal(out.numpy(), [2, 2])


def test_where_is_refused_with_a_gradient_and_computed_without(t: cr.Tensor) -> None:
    with pytest.raises(TypeError, match=r"np\.exp .* not supported with these arguments"):
        np.exp(t, where=MATRIX > 0)
    with pytest.raises(TypeError, match=r"np\.sum .* not supported with these arguments"):
        np.sum(t, where=MATRIX > 0)
    assert np.sum(t.detach(), where=MATRIX > 0).item() == 4.5


# --- Methods of universal functions ---------------------------------------------------------------


def test_add_at_accumulates_repeated_indices_and_is_differentiable() -> None:
    values = cr.tensor([1.0, 2.0, 4.0], requires_grad=True)
    target = cr.zeros(3)
    np.add.at(target, [0, 0, 2], values)
    np.testing.assert_array_equal(target.detach().numpy(), [3, 0, 4])
    (target * cr.tensor([10.0, 20.0, 30.0])).sum().backward()
    np.testing.assert_array_equal(values.grad, [10, 10, 30])


def test_subtract_at_broadcasts_its_values() -> None:
    target, expected = cr.zeros(3, 2), np.zeros((3, 2))
    np.subtract.at(target, (slice(None), [1, 1]), 2.0)
    np.subtract.at(expected, (slice(None), [1, 1]), 2.0)
    np.testing.assert_array_equal(target.numpy(), expected)


def test_other_methods_are_computed_without_and_refused_with_a_gradient(t: cr.Tensor) -> None:
    with pytest.raises(TypeError, match=r"np\.multiply\.at"):
        np.multiply.at(t, (0, 0), 2.0)
    with pytest.raises(TypeError, match=r"np\.add\.reduceat"):
        np.add.reduceat(t, [0, 1])
    plain = t.detach().clone()
    np.multiply.at(plain, (0, [0, 0]), 3.0)
    assert plain[0, 0].item() == 9.0
    np.testing.assert_array_equal(np.add.reduceat(plain, [0]), np.add.reduceat(plain.numpy(), [0]))


def test_add_at_on_an_array_with_values_that_require_grad_is_refused(t: cr.Tensor) -> None:
    target = np.zeros((2, 2))
    with pytest.raises(TypeError, match=r"np\.add\.at"):
        np.add.at(target, slice(None), t)
    np.testing.assert_array_equal(target, np.zeros((2, 2)))


# --- What chainrule does not have -----------------------------------------------------------------


def test_unknown_function_on_tensors_without_gradient_is_numpys(t: cr.Tensor) -> None:
    result = np.linalg.qr(t.detach())
    expected = np.linalg.qr(MATRIX)
    assert isinstance(result.Q, cr.Tensor)
    np.testing.assert_array_equal(result.R.numpy(), expected.R)
    quotient, rest = np.divmod(t.detach(), 2.0)
    np.testing.assert_array_equal(quotient.numpy(), MATRIX // 2)
    np.testing.assert_array_equal(rest.numpy(), MATRIX % 2)


def test_unknown_function_with_a_gradient_is_refused_by_name(t: cr.Tensor) -> None:
    with pytest.raises(TypeError, match=r"np\.linalg\.eigvals on a tensor that requires grad"):
        np.linalg.eigvals(t[:, :3])
    with pytest.raises(TypeError, match=r"np\.divmod on a tensor.*gradient would be lost"):
        np.divmod(t, 2.0)
    with pytest.raises(TypeError, match=r"np\.nanmedian"):
        np.nanmedian(t)


def test_unknown_function_under_no_grad_is_numpys(t: cr.Tensor) -> None:
    with cr.no_grad():
        assert np.nanmedian(t).item() == 0.75


def test_refusal_names_chainrules_function_of_that_name_where_there_is_one(t: cr.Tensor) -> None:
    with pytest.raises(TypeError, match=r"Use cr\.sum with PyTorch's arguments"):
        np.sum(t, initial=3.0)


def test_results_no_tensor_can_hold_stay_arrays() -> None:
    transformed = np.fft.fft(cr.tensor([1.0, 2.0]))
    assert isinstance(transformed, np.ndarray)
    assert transformed.dtype.kind == "c"


def test_results_of_numpy_never_share_memory_with_the_tensor() -> None:
    plain = cr.zeros(2, 2)
    turned = np.rot90(plain)
    turned += 1
    np.testing.assert_array_equal(plain.numpy(), np.zeros((2, 2)))


def test_functions_that_write_into_a_tensor_count_as_in_place_changes() -> None:
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    constant = cr.tensor([3.0, 4.0])
    product = w * constant
    np.put(constant, [0], 9.0)
    assert constant.tolist() == [9.0, 4.0]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


def test_copyto_is_the_in_place_copy(t: cr.Tensor) -> None:
    target = cr.zeros(2, 2, dtype=cr.float64)
    np.copyto(target, t)
    target.sum().backward()
    np.testing.assert_array_equal(t.grad, np.ones((2, 2)))


def test_conversion_to_an_array_that_would_lose_the_gradient_is_refused(t: cr.Tensor) -> None:
    array = np.zeros((2, 2))
    for lose in (
        lambda: np.asarray(t),
        lambda: np.array(t),
        lambda: array.dot(t),
        lambda: operator.setitem(array, 0, t[0]),
        lambda: np.array([t[0], t[1]]),
    ):
        with pytest.raises(RuntimeError, match=r"(?s)requires grad.*np\.stack"):
            lose()
    np.testing.assert_array_equal(array, np.zeros((2, 2)))


def test_conversion_without_a_gradient_follows_the_array_protocol() -> None:
    plain = cr.tensor(MATRIX)
    assert np.shares_memory(np.asarray(plain), plain.numpy())
    assert not np.shares_memory(np.array(plain), plain.numpy())
    assert np.asarray(plain, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(plain, dtype=np.float32, copy=False)
    np.testing.assert_array_equal(np.array([plain[0], plain[1]]), MATRIX)


def test_numpys_assertions_take_tensors(t: cr.Tensor) -> None:
    np.testing.assert_allclose(t.detach(), MATRIX)
    np.testing.assert_array_equal(MATRIX, t.detach())
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(t.detach(), MATRIX + 1)


# --- Memory that both sides can reach -------------------------------------------------------------


def test_array_operand_changed_afterwards_leaves_the_gradient_right() -> None:
    buffer = np.array([1.0, 2.0])
    w = cr.tensor([5.0, 7.0], dtype=cr.float64, requires_grad=True)
    products = [w * buffer, buffer * w, np.multiply(buffer, w), buffer @ w, w @ buffer]
    buffer[:] = 100.0
    for product in products:
        w.grad = None
        product.sum().backward()
        np.testing.assert_array_equal(w.grad, [1, 2])


def test_index_array_changed_afterwards_leaves_the_gradient_right() -> None:
    index = np.array([0, 2])
    mask = np.array([True, False, True])
    w = cr.tensor([1.0, 2.0, 3.0], requires_grad=True)
    picked = [w[index], w[mask], np.take(w, index)]
    target = w * 1
    target[index] = 0.0
    index[:] = 1
    mask[:] = False
    for result, expected in [(p, [1, 0, 1]) for p in picked] + [(target, [0, 1, 0])]:
        w.grad = None
        result.sum().backward()
        np.testing.assert_array_equal(w.grad, expected)


def test_condition_changed_afterwards_leaves_the_gradient_right() -> None:
    condition = np.array([True, False])
    w = cr.tensor([1.0, 2.0], requires_grad=True)
    chosen = [np.where(condition, w, 0.0), cr.where(cr.tensor(condition), w, 0.0)]
    condition[:] = False
    for result in chosen:
        w.grad = None
        result.sum().backward()
        np.testing.assert_array_equal(w.grad, [1, 0])


# --- Programs in plain NumPy ----------------------------------------------------------------------


def test_augmented_assignment_to_an_array_makes_a_tensor_that_has_the_gradient(
    t: cr.Tensor,
) -> None:
    z = memory = np.ones((2, 2))
    z += t
    z *= 2
    assert isinstance(z, cr.Tensor)
    z.sum().backward()
    np.testing.assert_array_equal(t.grad, np.full((2, 2), 2.0))
    np.testing.assert_array_equal(memory, 2 * (MATRIX + 1))  # as NumPy would have it


def test_augmented_assignment_to_integers_is_refused(t: cr.Tensor) -> None:
    z = np.ones((2, 2), dtype=np.int64)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type int64"):
        z += t


def test_augmented_assignment_without_gradient_leaves_an_array() -> None:
    z = np.ones((2, 2))
    z += cr.tensor(MATRIX)
    assert isinstance(z, np.ndarray)
    np.testing.assert_array_equal(z, MATRIX + 1)


def softmax_classifier(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    """Two layers and a cross-entropy, with the in-place steps of everyday NumPy."""
    n = x.shape[0]
    h = x @ W1
    h += b1
    h = np.maximum(0, h)
    scores = np.dot(h, W2) + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    p = np.exp(scores)
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), y]).mean()
    loss += 0.5 * 0.1 * np.sum(W1 * W1)
    loss += 0.5 * 0.1 * np.sum(np.square(W2))
    return loss


def column_network(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    """Samples as columns, sigmoid by its formula, squared error, a one-hot target."""
    onehot = np.zeros((3, x.shape[0]))
    onehot[y, np.arange(len(y))] = 1.0
    z1 = W1.T.dot(x.T) + b1.reshape(-1, 1)
    a1 = 1 / (1 + np.exp(-z1))
    z2 = np.matmul(W2.T, a1) + b2[:, np.newaxis]
    a2 = np.tanh(z2)
    return np.sum((a2 - onehot) ** 2) / (2.0 * x.shape[0])


def normalised_network(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    """Batch normalisation by its formula, leaky rectifier, log-sum-exp."""
    z = x @ W1 + b1
    mean = np.mean(z, axis=0)
    variance = np.var(z, axis=0)
    z = (z - mean) / np.sqrt(variance + 1e-5)
    h = np.where(z > 0, z, 0.1 * z)
    logits = np.concatenate([h, x], axis=1)[:, : W2.shape[0]] @ W2 + b2
    shift = np.max(logits, axis=1, keepdims=True)
    total = np.squeeze(shift, 1) + np.log(np.sum(np.exp(logits - shift), axis=1))
    return np.mean(total - logits[range(len(y)), y])


def recurrent_network(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    """A buffer that is filled anew in every step, and states that are stacked."""
    buffer = np.zeros(x.shape[1])
    state = np.zeros(W1.shape[1])
    states = []
    for row in x:
        buffer[:] = row
        state = np.tanh(buffer @ W1 + b1 + 0.5 * state)
        states.append(state)
    logits = np.stack(states) @ W2 + b2
    return np.mean(np.clip(logits, -1, 1) ** 2) + np.linalg.norm(logits)


def idioms_network(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    """Masks as factors and in assignments, bias columns, distances, loops over samples."""
    padded = np.concatenate([np.ones((x.shape[0], 1)), x], axis=1)
    z = padded @ np.vstack([b1, W1])
    h = z * (z > 0)
    h[h > 2] = 2.0
    h = h.reshape(x.shape[0], -1).transpose().T
    scores = h.dot(W2) + b2.reshape((1, -1))
    onehot = np.eye(3)[y]
    loss = 0.0
    for row, target in zip(scores, onehot, strict=True):
        q = np.exp(row - row.max())
        q = q / q.sum()
        loss -= np.sum(target * np.log(q + 1e-12))
    distances = np.sqrt(np.sum((scores[:, None, :] - scores[None, :, :]) ** 2, axis=-1) + 1.0)
    penalty = np.zeros_like(W1)
    penalty += np.abs(W1) * (W1 > 0).astype(np.float64)
    return loss / len(y) + 0.01 * distances.mean() + 0.1 * penalty.sum() + np.std(np.outer(b1, b2))


@pytest.mark.parametrize(
    "program",
    [softmax_classifier, column_network, normalised_network, recurrent_network, idioms_network],
)
def test_a_forward_pass_in_plain_numpy_is_differentiated_as_it_stands(
    program: Callable[..., Any],
) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 4)), np.array([0, 2, 1, 1, 0, 2])
    parameters = [rng.normal(size=s) for s in ((4, 5), (5,), (5, 3), (3,))]
    tensors = [cr.tensor(p, requires_grad=True) for p in parameters]

    loss = program(*tensors, x, y)
    np.testing.assert_allclose(loss.item(), program(*(p.copy() for p in parameters), x, y))
    loss.backward()

    # Central differences of the same program on plain arrays.
    for k, parameter in enumerate(parameters):
        expected = np.zeros_like(parameter)
        for index in np.ndindex(parameter.shape):
            values = []
            for step in (1e-6, -1e-6):
                moved = [p.copy() for p in parameters]
                moved[k][index] += step
                values.append(program(*moved, x, y))
            expected[index] = (values[0] - values[1]) / 2e-6
        np.testing.assert_allclose(tensors[k].grad, expected, rtol=1e-6, atol=1e-8)
