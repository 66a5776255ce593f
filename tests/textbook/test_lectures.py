"""The figures of five lectures on backpropagation, each in its own conventions."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from chainrule import textbook
from chainrule.textbook import Backward, Forward

HALF_A_DIGIT = 0.5e-4


class PrintedWeights:
    """A network whose weights are known only as printed, to four decimals.

    Every weight may be off by half a unit of its last digit. How far that can move a figure is
    measured by moving the weights one by one; the figure printed must lie within the sum.
    """

    def __init__(self, run: Callable[[Sequence[np.ndarray]], Backward], W: Sequence[np.ndarray]):
        self.as_printed = run(W)
        self.neighbours = []
        for layer, matrix in enumerate(W):
            for index in np.ndindex(matrix.shape):
                moved = [other.copy() for other in W]
                moved[layer][index] += HALF_A_DIGIT
                self.neighbours.append(run(moved))

    def check(self, figure: Callable[[Backward], object], printed: object) -> None:
        """Assert that the weights as printed give ``figure`` as ``printed``."""
        value = np.asarray(figure(self.as_printed))
        reach = sum(np.abs(np.asarray(figure(other)) - value) for other in self.neighbours)
        assert value.shape == np.shape(printed)
        np.testing.assert_array_less(np.abs(value - printed), reach + HALF_A_DIGIT * 1.01)


class TestReluWithoutBiasesOnOneColumn:
    """Lecture 000: weights as (inputs, outputs), one sample as a column, squared error."""

    W = (
        np.array([[0.2, 0.5], [0.2, 0.4]]),
        np.array([[0.5, 0.7], [0.6, 0.8]]),
        np.array([[0.9], [1.0]]),
    )

    @pytest.fixture
    def forward(self) -> Forward:
        return textbook.forward(
            np.array([[0], [1]]),
            self.W,
            activations="relu",
            targets=np.array([[1]]),
            loss="squared_error",
            weights="in_out",
            samples="columns",
        )

    def test_pre_activations_and_activations(self, forward: Forward) -> None:
        for values in (forward.z, list(forward.a)[1:]):
            for value, printed in zip(
                values, ([[0.2], [0.4]], [[0.34], [0.46]], [[0.766]]), strict=True
            ):
                np.testing.assert_allclose(value, printed, rtol=1e-14)

    def test_weight_gradients(self, forward: Forward) -> None:
        backward = textbook.backward(forward)
        printed = [
            [[0, 0], [-0.5382, -0.62712]],
            [[-0.08424, -0.0936], [-0.16848, -0.1872]],
            [[-0.15912], [-0.21528]],
        ]
        for gradient, figures in zip(backward.dW, printed, strict=True):
            np.testing.assert_allclose(gradient, figures, rtol=1e-13)


class TestReluAndSigmoidWithCrossEntropy:
    """Lecture 001: weights as (outputs, inputs), one sample as a row, binary cross-entropy."""

    W1 = np.array([[0.1433, -0.2529, 0.2200, 0.0073], [-0.3766, 0.0989, -0.0612, 0.1814]])
    W2 = np.array([[-0.5954, 0.5741]])

    @pytest.fixture(params=[True, False], ids=["closed form", "plain chain"])
    def net(self, request: pytest.FixtureRequest) -> PrintedWeights:
        def run(W: Sequence[np.ndarray]) -> Backward:
            forward = textbook.forward(
                np.array([[-2, -0.3, 1.7, 0.2]]),
                W,
                activations=["relu", "sigmoid"],
                targets=np.array([[1.0]]),
                loss="bce",
            )
            return textbook.backward(forward, closed_form=request.param)

        return PrintedWeights(run, [self.W1, self.W2])

    def test_loss_and_gradients_to_a_unit_of_the_fourth_digit(self, net: PrintedWeights) -> None:
        # The weights are rounded to half a unit of it.
        one_unit = {"rtol": 0, "atol": 1e-4}
        backward = net.as_printed
        np.testing.assert_allclose(backward.forward.loss, 0.56354564, **one_unit)
        np.testing.assert_allclose(backward.dW[2], [[-0.0709, -0.2826]], **one_unit)
        np.testing.assert_allclose(
            backward.dW[1],
            [[-0.5130, -0.0770, 0.4361, 0.0513], [0.4947, 0.0742, -0.4205, -0.0495]],
            **one_unit,
        )

    def test_every_value_on_the_way_there_and_back(self, net: PrintedWeights) -> None:
        net.check(lambda run: run.forward.z[1], [[0.1646, 0.6559]])
        net.check(lambda run: run.forward.a[1], [[0.1646, 0.6559]])
        net.check(lambda run: run.forward.z[2], [[0.2785]])
        net.check(lambda run: run.forward.y_hat, [[0.5692]])
        net.check(lambda run: run.forward.loss, 0.5635)
        net.check(lambda run: run.dy_hat, [[-1.7569]])
        net.check(lambda run: run.delta[2], [[-0.4308]])
        net.check(lambda run: run.da[1], [[0.2565, -0.2473]])
        net.check(lambda run: run.delta[1], [[0.2565, -0.2473]])


class TestLinearLayersAndSigmoid:
    """Lecture 002: two linear layers and a sigmoid; a batch of rows, then its first row."""

    W = (
        np.array(
            [
                [0.2369, 0.4875, -0.0785],
                [-0.1420, 0.5180, -0.4875],
                [-0.0190, -0.2783, 0.3500],
                [0.2950, -0.3992, 0.5065],
            ]
        ),
        np.array([[-0.0172, -0.1255, 0.3816, 0.4249], [-0.0027, -0.1248, 0.4886, 0.1373]]),
        np.array([[-0.2785, 0.4220]]),
    )
    X = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [3.0, 4.0, 5.0], [4.0, 5.0, 6.0]])
    y = np.array([[1.0], [0.0], [1.0], [0.0]])
    activations = ("identity", "identity", "sigmoid")

    def net(self, samples: slice) -> PrintedWeights:
        def run(W: Sequence[np.ndarray]) -> Backward:
            forward = textbook.forward(
                self.X[samples],
                W,
                activations=self.activations,
                targets=self.y[samples],
                loss="bce",
            )
            return textbook.backward(forward)

        return PrintedWeights(run, self.W)

    @pytest.fixture
    def first_row(self) -> PrintedWeights:
        return self.net(slice(0, 1))

    def test_outputs_and_losses_of_the_batch(self) -> None:
        net = self.net(slice(None))
        net.check(lambda run: run.forward.y_hat, [[0.4999], [0.4962], [0.4926], [0.4889]])
        net.check(lambda run: run.forward.losses, [0.6933, 0.6857, 0.7081, 0.6712])
        net.check(lambda run: run.forward.loss, 0.6896)

    def test_forward_pass_of_the_first_row(self, first_row: PrintedWeights) -> None:
        first_row.check(lambda run: run.forward.z[1], [[0.9764, -0.5687, 0.4745, 1.0161]])
        first_row.check(lambda run: run.forward.z[2], [[0.6674, 0.4397]])
        first_row.check(lambda run: run.forward.z[3], [[-0.0003]])
        first_row.check(lambda run: run.forward.y_hat, [[0.4999]])
        first_row.check(lambda run: run.forward.loss, 0.6933)

    def test_every_delta_down_to_the_input(self, first_row: PrintedWeights) -> None:
        first_row.check(lambda run: run.delta[3], [[-0.5001]])
        first_row.check(lambda run: run.delta[2], [[0.1393, -0.2110]])
        first_row.check(lambda run: run.delta[1], [[-0.0018, 0.0089, -0.0500, 0.0302]])
        first_row.check(lambda run: run.dx, [[0.0082, 0.0055, -0.0064]])

    def test_all_weight_gradients(self, first_row: PrintedWeights) -> None:
        first_row.check(lambda run: run.dW[3], [[-0.3337, -0.2199]])
        first_row.check(
            lambda run: run.dW[2],
            [[0.1360, -0.0792, 0.0661, 0.1415], [-0.2061, 0.1200, -0.1001, -0.2144]],
        )
        first_row.check(
            lambda run: run.dW[1],
            [
                [-0.0018, -0.0037, -0.0055],
                [0.0089, 0.0177, 0.0266],
                [-0.0500, -0.0999, -0.1499],
                [0.0302, 0.0604, 0.0906],
            ],
        )

    def test_a_column_in_place_of_a_row_is_refused_with_the_shapes(self) -> None:
        with pytest.raises(ValueError, match=r"cannot be multiplied \(3x1 and 3x4\).*x\.T"):
            textbook.forward(self.X[:1].T, self.W, activations=self.activations)


class TestColumnsWithBiasesAndSoftmax:
    """Lecture 003: weights as (outputs, inputs), columns, a class index as the target."""

    def test_gradients_of_both_layers(self) -> None:
        forward = textbook.forward(
            np.array([[1.0], [2.0]]),
            [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])],
            [np.array([[1.0], [2.0]]), np.array([[1.0], [2.0], [3.0]])],
            activations=["relu", "identity"],
            targets=1,
            loss="softmax_cross_entropy",
            samples="columns",
        )
        backward = textbook.backward(forward)
        np.testing.assert_allclose(backward.dW[1], [[2, 4], [2, 4]], rtol=1e-15)
        np.testing.assert_allclose(backward.db[1], [[2], [2]], rtol=1e-15)
        # Nine printed digits, also of the numbers of the order of 1e-34.
        np.testing.assert_allclose(
            backward.dW[2], [[8.00168889e-34, 1.73369926e-33], [-6, -13], [6, 13]], rtol=1e-8
        )
        np.testing.assert_allclose(backward.db[2], [[1.33361482e-34], [-1], [1]], rtol=1e-8)


class TestSigmoidOfAnyDepth:
    """Lecture 004: sigmoid layers of any depth with biases, a column, half squared error."""

    @pytest.mark.parametrize("sizes", [(7, 5, 3, 1), (7, 1), (2, 6, 5, 4, 3, 2, 1)])
    def test_every_gradient_has_the_shape_of_its_parameter(self, sizes: tuple[int, ...]) -> None:
        rng = np.random.default_rng(0)
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        W = [rng.normal(size=shape) for shape in shapes]
        b = [rng.normal(size=(rows, 1)) for rows, _ in shapes]
        forward = textbook.forward(
            rng.normal(size=(sizes[0], 1)),
            W,
            b,
            activations="sigmoid",
            targets=7.9,
            loss="half_squared_error",
            samples="columns",
        )
        backward = textbook.backward(forward)
        assert [gradient.shape for gradient in backward.dW] == shapes
        assert [gradient.shape for gradient in backward.db] == [bias.shape for bias in b]
        assert [delta.shape for delta in backward.delta] == [bias.shape for bias in b]

        # The recursion as the lecture writes it, in a = sigmoid(z) alone.
        a = list(forward.a)
        delta = (a[-1] - 7.9) * a[-1] * (1 - a[-1])
        for layer in range(len(W), 0, -1):
            np.testing.assert_allclose(backward.dW[layer], delta @ a[layer - 1].T, rtol=1e-12)
            np.testing.assert_allclose(backward.db[layer], delta, rtol=1e-12)
            below = a[layer - 1]
            delta = (W[layer - 1].T @ delta) * below * (1 - below)
