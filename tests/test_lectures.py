"""The figures of five lectures on backpropagation, computed by the engine.

`tests/textbook/test_lectures.py` has them from the delta recursion in plain NumPy; here they come
out of `backward()`, of layers, and of NumPy programs on tensors.
"""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

FOUR_DIGITS = {"rtol": 0, "atol": 0.6e-4}
# Where the weights themselves are known only as printed, to four digits: a unit of the last digit,
# or a few after products with inputs up to 6 and of three matrices.
A_UNIT = {"rtol": 0, "atol": 1e-4}
A_FEW_UNITS = {"rtol": 0, "atol": 3e-4}


def leaf(values: Any) -> cr.Tensor:
    return cr.Tensor(np.array(values, dtype=np.float64), requires_grad=True)


def close(tensor: Any, figures: Any, **tolerance: Any) -> None:
    """Compare a tensor with the figures of a lecture, printed to four decimals."""
    np.testing.assert_allclose(np.asarray(tensor.detach()), figures, **(tolerance or FOUR_DIGITS))


class TestReluWithoutBiasesOnOneColumn:
    """Lecture 000: weights as (inputs, outputs), one sample as a column, squared error."""

    W = ([[0.2, 0.5], [0.2, 0.4]], [[0.5, 0.7], [0.6, 0.8]], [[0.9], [1.0]])
    GRADIENTS = (
        [[0, 0], [-0.5382, -0.62712]],
        [[-0.08424, -0.0936], [-0.16848, -0.1872]],
        [[-0.15912], [-0.21528]],
    )

    def test_products_written_in_numpy(self) -> None:
        W = [leaf(w) for w in self.W]
        a: Any = np.array([[0], [1]])
        values = []
        for w in W:
            f = np.dot(w.T, a)
            a = np.maximum(0, f)
            values.append((f, a))
        figures = ([[0.2], [0.4]], [[0.34], [0.46]], [[0.766]])
        for (f, activation), printed in zip(values, figures, strict=True):
            close(f, printed, rtol=1e-14)
            close(activation, printed, rtol=1e-14)
        np.sum((a - np.array([[1]])) ** 2).backward()
        for w, printed_gradient in zip(W, self.GRADIENTS, strict=True):
            close(w.grad, printed_gradient, rtol=1e-13)

    def test_layers_with_the_weights_of_the_lecture(self) -> None:
        layers = [nn.Linear(len(w), len(w[0]), bias=False) for w in self.W]
        with cr.no_grad():
            for layer, w in zip(layers, self.W, strict=True):
                layer.weight.copy_(cr.tensor(w).T)
        a = cr.tensor([[0.0, 1.0]])
        for layer in layers:
            a = layer(a).relu()
        close(a, [[0.766]])
        nn.MSELoss()(a, cr.tensor([[1.0]])).backward()
        for layer, gradient in zip(layers, self.GRADIENTS, strict=True):
            close(layer.weight.grad.T, gradient)


class TestReluAndSigmoidWithCrossEntropy:
    """Lecture 001: weights as (outputs, inputs), one sample as a row, binary cross-entropy."""

    W1 = ([0.1433, -0.2529, 0.2200, 0.0073], [-0.3766, 0.0989, -0.0612, 0.1814])
    W2 = ([-0.5954, 0.5741],)

    def test_loss_and_gradients_of_the_network(self) -> None:
        net = nn.Sequential(
            nn.Linear(4, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False), nn.Sigmoid()
        )
        net.load_state_dict({"0.weight": cr.tensor(self.W1), "2.weight": cr.tensor(self.W2)})
        prediction = net(cr.tensor([[-2, -0.3, 1.7, 0.2]]))
        loss = nn.BCELoss()(prediction, cr.tensor([[1.0]]))
        loss.backward()
        close(prediction, [[0.56918734]], **A_UNIT)
        close(loss, 0.56354564, **A_UNIT)
        close(net[2].weight.grad, [[-0.0709, -0.2826]], **A_UNIT)
        close(
            net[0].weight.grad,
            [[-0.5130, -0.0770, 0.4361, 0.0513], [0.4947, 0.0742, -0.4205, -0.0495]],
            **A_UNIT,
        )

    def test_every_gradient_on_the_way(self) -> None:
        w1, w2 = leaf(self.W1), leaf(self.W2)
        first = np.dot(w1, np.array([[-2, -0.3, 1.7, 0.2]]).T)
        hidden = np.maximum(first, 0)
        second = np.dot(w2, hidden)
        output = 1 / (1 + np.exp(-second))
        loss = -np.log(output)
        loss.backward()
        close(first, [[0.1646], [0.6559]], **A_FEW_UNITS)
        close(second, [[0.2785]], **A_FEW_UNITS)
        close(output.grad, [[-1.7569]], **A_FEW_UNITS)
        close(second.grad, [[-0.4308]], **A_UNIT)
        close(hidden.grad, [[0.2565], [-0.2473]], **A_UNIT)
        close(w2.grad, [[-0.0709, -0.2826]], **A_UNIT)


class TestLinearLayersAndSigmoid:
    """Lecture 002: two linear layers and a sigmoid; a batch of rows, then its first row."""

    W = (
        [
            [0.2369, 0.4875, -0.0785],
            [-0.1420, 0.5180, -0.4875],
            [-0.0190, -0.2783, 0.3500],
            [0.2950, -0.3992, 0.5065],
        ],
        [[-0.0172, -0.1255, 0.3816, 0.4249], [-0.0027, -0.1248, 0.4886, 0.1373]],
        [[-0.2785, 0.4220]],
    )
    X = ([1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [3.0, 4.0, 5.0], [4.0, 5.0, 6.0])
    y = ([1.0], [0.0], [1.0], [0.0])

    @pytest.fixture
    def layers(self) -> list[nn.Linear]:
        made = [
            nn.Linear(3, 4, bias=False),
            nn.Linear(4, 2, bias=False),
            nn.Linear(2, 1, bias=False),
        ]
        for layer, w in zip(made, self.W, strict=True):
            layer.load_state_dict({"weight": cr.tensor(w)})
        return made

    def test_outputs_and_losses_of_the_batch(self, layers: list[nn.Linear]) -> None:
        y_hat = nn.Sequential(*layers, nn.Sigmoid())(cr.tensor(self.X))
        close(y_hat, [[0.4999], [0.4962], [0.4926], [0.4889]], **A_FEW_UNITS)
        y = cr.tensor(self.y)
        each = -y * cr.log(y_hat) - (1 - y) * cr.log(1 - y_hat)
        close(each, [[0.6933], [0.6857], [0.7081], [0.6712]], **A_FEW_UNITS)
        close(cr.sum(each) / len(y), 0.6896, **A_FEW_UNITS)
        close(nn.BCELoss()(y_hat, y), 0.6896, **A_FEW_UNITS)

    def test_every_delta_and_gradient_of_the_first_row(self, layers: list[nn.Linear]) -> None:
        x = cr.tensor([self.X[0]], requires_grad=True)
        z1 = layers[0](x)
        z2 = layers[1](z1)
        z3 = layers[2](z2)
        loss = nn.BCELoss()(z3.sigmoid(), cr.tensor([[1.0]]))
        loss.backward()
        close(z1, [[0.9764, -0.5687, 0.4745, 1.0161]], **A_FEW_UNITS)
        close(z2, [[0.6674, 0.4397]], **A_FEW_UNITS)
        close(z3, [[-0.0003]], **A_FEW_UNITS)
        close(loss, 0.6933, **A_FEW_UNITS)
        # Intermediate tensors keep their gradients: the deltas.
        close(z3.grad, [[-0.5001]], **A_FEW_UNITS)
        close(z2.grad, [[0.1393, -0.2110]], **A_FEW_UNITS)
        close(z1.grad, [[-0.0018, 0.0089, -0.0500, 0.0302]], **A_FEW_UNITS)
        close(x.grad, [[0.0082, 0.0055, -0.0064]], **A_FEW_UNITS)
        close(layers[2].weight.grad, [[-0.3337, -0.2199]], **A_FEW_UNITS)
        close(
            layers[1].weight.grad,
            [[0.1360, -0.0792, 0.0661, 0.1415], [-0.2061, 0.1200, -0.1001, -0.2144]],
            **A_FEW_UNITS,
        )
        close(
            layers[0].weight.grad,
            [
                [-0.0018, -0.0037, -0.0055],
                [0.0089, 0.0177, 0.0266],
                [-0.0500, -0.0999, -0.1499],
                [0.0302, 0.0604, 0.0906],
            ],
            **A_FEW_UNITS,
        )

    def test_the_gradients_by_hand_equal_the_engines(self, layers: list[nn.Linear]) -> None:
        x = cr.tensor([self.X[0]])
        z1 = layers[0](x)
        z2 = layers[1](z1)
        y_hat = layers[2](z2).sigmoid()
        nn.BCELoss()(y_hat, cr.tensor([[1.0]])).backward()
        delta3 = (y_hat - cr.tensor([[1.0]])).detach()
        delta2 = delta3 @ layers[2].weight.detach()
        delta1 = delta2 @ layers[1].weight.detach()
        close(delta3.T @ z2, layers[2].weight.grad, rtol=1e-5)
        close(delta2.T @ z1, layers[1].weight.grad, rtol=1e-5)
        close(delta1.T @ x, layers[0].weight.grad, rtol=1e-5)

    def test_a_column_in_place_of_a_row_is_refused_with_pytorchs_words(
        self, layers: list[nn.Linear]
    ) -> None:
        words = r"mat1 and mat2 shapes cannot be multiplied \(3x1 and 3x4\)"
        with pytest.raises(RuntimeError, match=words):
            layers[0](cr.tensor([self.X[0]]).T)

    def test_a_column_times_a_row(self) -> None:
        a, b = cr.tensor([[1.0, 2.0, 3.0]]).T, cr.tensor([[2.0, 3.0, 4.0]])
        close(a @ b, [[2, 3, 4], [4, 6, 8], [6, 9, 12]])


class TestTheLectureThatBuildsAnEngine:
    """Lecture 003: every check of it, through our Tensor; samples are columns."""

    def test_gradients_of_all_tensors_that_are_held(self) -> None:
        a, b = cr.Tensor(1.0, requires_grad=True), cr.Tensor(2.0, requires_grad=True)
        c = a + b
        d = c + a
        d.backward()
        assert [t.grad.item() for t in (d, c, b, a)] == [1, 1, 1, 2]  # type: ignore[union-attr]

    def test_results_know_the_operation_that_made_them_and_leaves_know_none(self) -> None:
        a, b = cr.Tensor(1.0, requires_grad=True), cr.Tensor(2.0, requires_grad=True)
        c = a + b
        d = c + a
        assert d.grad_fn is not None and d.grad_fn.name == "add"
        assert c.grad_fn is not None and c.grad_fn.name == "add"
        assert a.grad_fn is None and b.grad_fn is None

    def test_a_graph_is_swept_once(self) -> None:
        a, b = cr.Tensor(1.0, requires_grad=True), cr.Tensor(2.0, requires_grad=True)
        c = a + b
        d = c + a
        d.backward()
        with pytest.raises(RuntimeError, match="Trying to backward through the graph a second"):
            d.backward()

    @pytest.mark.parametrize(("zeroed", "expected"), [(False, [1, 1, 2, 4]), (True, [1, 1, 1, 2])])
    def test_gradients_accumulate_until_they_are_zeroed(
        self, zeroed: bool, expected: list[int]
    ) -> None:
        a, b = cr.Tensor(1.0, requires_grad=True), cr.Tensor(2.0, requires_grad=True)
        (a + b + a).backward()
        if zeroed:
            a.zero_grad()
            b.zero_grad()
        c = a + b
        d = c + a
        d.backward()
        assert [t.grad.item() for t in (d, c, b, a)] == expected  # type: ignore[union-attr]

    def test_multiplication(self) -> None:
        a, b = cr.Tensor(2.0, requires_grad=True), cr.Tensor(3.0, requires_grad=True)
        c = a * b
        c.backward(2.0)
        assert np.abs(a.grad - 6.0) < 1e-6 and np.abs(b.grad - 4.0) < 1e-6
        assert c.grad is not None and c.grad.item() == 2.0

    def test_division_with_a_number_arriving_at_a_vector(self) -> None:
        a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        (a / b).backward(0.5)
        assert np.linalg.norm(a.grad - np.array([1 / 6, 1 / 8])) < 1e-6
        assert np.linalg.norm(b.grad - np.array([-1 / 18, -1 / 16])) < 1e-6

    def test_power_with_an_array_arriving(self) -> None:
        A = leaf([[1.0, 2.0], [3.0, 4.0]])
        (A**4).backward(np.array([[-1.0, 0], [1.0, 2.0]]))
        assert np.linalg.norm(A.grad - np.array([[-4.0, 0.0], [108.0, 512.0]])) < 1e-6

    def test_matrix_products(self) -> None:
        A, b, c = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[1.0], [2.0]]), leaf([[3.0, 4.0]])
        d = c @ A @ b
        d.backward(-1.5)
        assert np.linalg.norm(A.grad - np.array([[-4.5, -9.0], [-6.0, -12.0]])) < 1e-6
        assert np.linalg.norm(b.grad - np.array([[-22.5], [-33.0]])) < 1e-6
        assert np.linalg.norm(c.grad - np.array([[-7.5, -16.5]])) < 1e-6
        np.testing.assert_array_equal(d.grad, [[-1.5]])

    def test_relu(self) -> None:
        A = leaf([[-1.0, -2.0], [0.5, 2.0], [1.0, 5.0]])
        cr.relu(A).backward(np.array([[4.0, 3.0], [2.0, 1.0], [0.0, -1.0]]))
        assert np.linalg.norm(A.grad - np.array([[0.0, 0.0], [2.0, 1.0], [0.0, -1.0]])) < 1e-6

    def test_exponential(self) -> None:
        A = leaf([[-1.0], [2.0]])
        cr.exp(A).backward(np.array([[-1.0], [2.0]]))
        assert np.linalg.norm(A.grad - np.exp(A.data) * np.array([[-1.0], [2.0]])) < 1e-6

    def test_logarithm_up_to_a_number_of_forty_four_digits(self) -> None:
        A = leaf([0.1, 1.0, 2.0, np.exp(100.0)])
        cr.log(A).backward(1.5)
        expected = np.array([15.0, 1.5, 0.75, 1.5 * np.exp(-100.0)])
        assert np.linalg.norm(A.grad - expected) < 1e-6

    def test_sums(self) -> None:
        A = leaf([[1.0, 2.0], [3.0, 4.0]])
        b = A.sum(dim=1)
        b = b.sum()
        b.backward(2.5)
        assert np.linalg.norm(A.grad - 2.5 * np.ones((2, 2))) < 1e-6

    def test_mean(self) -> None:
        A = leaf([[1.0, 2.0], [3.0, 4.0]])
        A.mean().backward()
        assert np.linalg.norm(A.grad - 0.25 * np.ones((2, 2))) < 1e-6

    def test_indexing(self) -> None:
        A = leaf([[1.0, 2.0], [3.0, 4.0]])
        A[0, 1].backward(5.0)
        assert np.linalg.norm(A.grad - 5.0 * np.array([[0.0, 1.0], [0.0, 0.0]])) < 1e-6

    def test_the_network_with_samples_as_columns(self) -> None:
        W1, b1 = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[1.0], [2.0]])
        W2, b2 = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), leaf([[1.0], [2.0], [3.0]])
        scores = W2 @ cr.relu(W1 @ np.array([[1.0], [2.0]]) + b1) + b2
        loss = nn.CrossEntropyLoss()(scores.T, cr.tensor([1]))
        loss.backward()
        assert np.linalg.norm(W1.grad - np.array([[2.0, 4.0], [2.0, 4.0]])) < 1e-6
        assert np.linalg.norm(b1.grad - np.array([[2.0], [2.0]])) < 1e-6
        # Nine printed digits, also of the numbers of the order of 1e-34.
        close(W2.grad, [[8.00168889e-34, 1.73369926e-33], [-6, -13], [6, 13]], rtol=1e-8)
        close(b2.grad, [[1.33361482e-34], [-1], [1]], rtol=1e-8)

    def test_the_same_loss_written_with_exponentials_and_logarithms(self) -> None:
        W2, b2 = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), leaf([[1.0], [2.0], [3.0]])
        scores = W2 @ np.array([[6.0], [13.0]]) + b2
        shifted = scores - np.max(scores.detach())
        loss = -shifted[1, 0] + np.log(np.sum(np.exp(shifted)))
        loss.backward()
        close(W2.grad, [[8.00168889e-34, 1.73369926e-33], [-6, -13], [6, 13]], rtol=1e-8)


class TestSigmoidOfAnyDepth:
    """Lecture 004: sigmoid layers of any depth with biases, a column, half squared error."""

    @pytest.mark.parametrize("sizes", [(7, 5, 3, 1), (7, 1), (2, 6, 5, 4, 3, 2, 1)])
    def test_gradients_equal_the_recursion_and_have_their_parameters_shapes(
        self, sizes: tuple[int, ...]
    ) -> None:
        cr.manual_seed(0)
        pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
        W = [cr.randn(*pair, dtype=cr.float64, requires_grad=True) for pair in pairs]
        b = [cr.randn(rows, 1, dtype=cr.float64, requires_grad=True) for rows, _ in pairs]
        x, y = cr.randn(sizes[0], 1, dtype=cr.float64), cr.tensor(7.9)
        a = [x]
        z = []
        for w, bias in zip(W, b, strict=True):
            z.append(cr.matmul(w, a[-1]) + bias)
            a.append(cr.sigmoid(z[-1]))
        (0.5 * cr.pow(a[-1] - y, 2)).backward()

        delta = ((a[-1] - y) * a[-1] * (1 - a[-1])).detach()
        for layer in reversed(range(len(W))):
            close(z[layer].grad, delta.numpy(), rtol=1e-12)
            close(b[layer].grad, delta.numpy(), rtol=1e-12)
            # Of the first layer, too, the outer product with the layer's own input.
            close(W[layer].grad, (delta @ a[layer].detach().T).numpy(), rtol=1e-12)
            assert W[layer].grad.shape == pairs[layer]
            below = a[layer].detach()
            delta = (W[layer].detach().T @ delta) * below * (1 - below)

    def test_the_shapes_of_the_lecture(self) -> None:
        x = cr.tensor([1, 2, 3, 4, 5, 6, 7], dtype=cr.float32).unsqueeze(dim=1)
        assert x.shape == (7, 1)
        assert cr.randn(7, 1).T.shape == (1, 7)
