"""The recursion against PyTorch, against finite differences, and at its edges."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule import textbook
from chainrule.textbook.layout import SAMPLE_LAYOUTS, WEIGHT_LAYOUTS, Layout
from tests.textbook.networks import SMOOTH, Drawn, assert_close, by_pytorch, networks


def assert_agrees_with_pytorch(net: Drawn, *, closed_form: bool, tolerance: float) -> None:
    """Every value agrees with PyTorch's in double precision."""
    forward = textbook.forward(**net.arguments())
    backward = textbook.backward(forward, closed_form=closed_form)
    expected = by_pytorch(net.in_double_precision())

    assert_close(forward.loss, expected.loss, tolerance, "loss")
    for what, actual, values in [
        ("z", net.as_rows(forward.z), expected.z),
        ("a", net.as_rows(forward.a), expected.a),
        ("delta", net.as_rows(backward.delta), expected.delta),
        ("da", net.as_rows(backward.da), expected.da),
        ("dW", [net.layout.out_in(matrix) for matrix in backward.dW], expected.dW),
    ]:
        assert len(actual) == len(values)
        for layer, pair in enumerate(zip(actual, values, strict=True)):
            assert_close(*pair, tolerance, f"{what}, entry {layer}")
    for layer, (actual_b, expected_b) in enumerate(zip(backward.db, expected.db, strict=True)):
        if expected_b is None:
            assert actual_b is None
        else:
            assert_close(actual_b, expected_b, tolerance, f"db, entry {layer}")


@given(networks(), st.booleans())
def test_every_value_agrees_with_pytorch(net: Drawn, closed_form: bool) -> None:
    assert_agrees_with_pytorch(net, closed_form=closed_form, tolerance=1e-9)


# The derivative of BCE by a probability close to one has lost its digits in single precision.
@given(networks(dtype=np.float32, losses=sorted(set(textbook.LOSSES) - {"bce"})))
def test_every_value_is_right_to_the_precision_of_float32(net: Drawn) -> None:
    assert_agrees_with_pytorch(net, closed_form=True, tolerance=1e-4)


@given(networks(hidden=SMOOTH))
def test_gradients_agree_with_finite_differences(net: Drawn) -> None:
    arguments = net.arguments()
    backward = textbook.backward(textbook.forward(**arguments))
    step = 1e-5

    def difference(array: np.ndarray, index: tuple[int, ...]) -> float:
        kept = array[index]
        array[index] = kept + step
        above = textbook.forward(**arguments).loss
        array[index] = kept - step
        below = textbook.forward(**arguments).loss
        array[index] = kept
        return float((above - below) / (2 * step))

    checked = [
        (arguments["x"], backward.dx),
        (arguments["W"][0], backward.dW[1]),
        (arguments["W"][-1], backward.dW[len(net.W)]),
        *((bias, db) for bias, db in zip(net.b, backward.db, strict=True) if bias is not None),
    ]
    for array, gradient in checked:
        numeric = np.array([difference(array, index) for index in np.ndindex(array.shape)])
        assert_close(gradient.reshape(-1), numeric, 1e-7, "gradient")


@given(networks())
def test_the_layout_of_the_arguments_changes_nothing_but_the_layout(net: Drawn) -> None:
    reference = textbook.backward(
        textbook.forward(**net.in_layout(Layout("out_in", "rows", single=False)).arguments())
    )
    for weights in WEIGHT_LAYOUTS:
        for samples in SAMPLE_LAYOUTS:
            layout = Layout(weights, samples, single=False)
            backward = textbook.backward(textbook.forward(**net.in_layout(layout).arguments()))
            for layer in range(1, len(net.W) + 1):
                assert_close(
                    layout.out_in(backward.dW[layer]), reference.dW[layer], 1e-12, f"dW[{layer}]"
                )
                assert_close(
                    layout.to_rows(backward.delta[layer]),
                    reference.delta[layer],
                    1e-12,
                    f"delta[{layer}]",
                )


@given(networks(), st.sampled_from([np.float16, np.float32, np.float64, np.longdouble]))
def test_every_gradient_has_the_shape_and_dtype_of_what_it_belongs_to(
    net: Drawn, dtype: type
) -> None:
    arguments = net.arguments()
    arguments["x"] = arguments["x"].astype(dtype)
    arguments["W"] = [matrix.astype(dtype) for matrix in arguments["W"]]
    arguments["b"] = [None if bias is None else bias.astype(dtype) for bias in arguments["b"]]
    forward = textbook.forward(**arguments)
    backward = textbook.backward(forward)

    def form(array: np.ndarray) -> tuple[tuple[int, ...], np.dtype]:
        return array.shape, array.dtype

    assert forward.loss.dtype == forward.y_hat.dtype == dtype
    assert form(backward.dx) == form(arguments["x"])
    assert form(backward.dy_hat) == form(forward.y_hat)
    assert [form(d) for d in backward.delta] == [form(z) for z in forward.z]
    assert [form(d) for d in backward.da] == [form(a) for a in forward.a]
    assert [form(d) for d in backward.dW] == [form(matrix) for matrix in arguments["W"]]
    for db, bias in zip(backward.db, arguments["b"], strict=True):
        assert (db is None and bias is None) or form(db) == form(bias)


@given(networks())
def test_the_losses_of_the_samples_reduce_to_the_loss(net: Drawn) -> None:
    forward = textbook.forward(**net.arguments())
    assert forward.losses.shape == (() if net.layout.single else (len(net.x),))
    reduced = np.mean(forward.losses) if net.reduction == "mean" else np.sum(forward.losses)
    assert_close(forward.loss, reduced, 1e-14, "loss")


@given(networks())
def test_a_gradient_given_for_the_output_replaces_the_loss(net: Drawn) -> None:
    with_loss = textbook.backward(textbook.forward(**net.arguments()), closed_form=False)
    arguments = net.arguments()
    del arguments["targets"], arguments["loss"]
    without = textbook.forward(**arguments)
    assert without.loss is without.losses is without.targets is without.loss_function is None
    backward = textbook.backward(without, dy_hat=with_loss.dy_hat)
    for mine, theirs in zip(backward.dW, with_loss.dW, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(backward.dx, with_loss.dx)


class TestClosedForm:
    @pytest.mark.parametrize(("logit", "target"), [(900.0, 0.0), (-900.0, 1.0)])
    def test_a_saturated_sigmoid_with_bce_still_learns(self, logit: float, target: float) -> None:
        forward = textbook.forward(
            [logit], [np.eye(1)], activations="sigmoid", targets=target, loss="bce"
        )
        assert forward.loss == 900
        assert textbook.backward(forward).delta[1] == [1 - 2 * target]
        assert textbook.backward(forward, closed_form=False).delta[1] == [0]

    def test_a_saturated_softmax_with_cross_entropy_still_learns(self) -> None:
        forward = textbook.forward(
            [900.0, 0.0], [np.eye(2)], activations="softmax", targets=1, loss="cross_entropy"
        )
        assert forward.loss == 900
        np.testing.assert_array_equal(textbook.backward(forward).delta[1], [1, -1])
        plain = textbook.backward(forward, closed_form=False)
        np.testing.assert_array_equal(plain.delta[1], [0, 0])

    def test_it_is_used_only_where_activation_and_loss_belong_together(self) -> None:
        def used(activation: object, loss: str) -> bool:
            forward = textbook.forward(
                [0.3, 0.2], [np.eye(2)], activations=activation, targets=[0, 1], loss=loss
            )
            return textbook.backward(forward).closed_form is not None

        assert used("sigmoid", "bce")
        assert used("softmax", "cross_entropy")
        assert not used("softmax", "bce")
        assert not used("sigmoid", "mse")
        namesake = textbook.Activation("sigmoid", lambda z: z**2, lambda z, a: 2 * z)
        assert not used(namesake, "bce")


class TestShapesOfTheArguments:
    def test_one_layer_and_one_sample(self) -> None:
        forward = textbook.forward([2.0], [[[3.0]]], [[1.0]], activations="identity")
        backward = textbook.backward(forward, dy_hat=[1.0])
        assert forward.y_hat == [7]
        assert (backward.dW[1], backward.db[1], backward.dx) == ([[2]], [1], [3])

    @pytest.mark.parametrize("samples", SAMPLE_LAYOUTS)
    def test_a_batch_of_one_keeps_its_dimension(self, samples: str) -> None:
        x = np.ones((1, 3)) if samples == "rows" else np.ones((3, 1))
        forward = textbook.forward(x, [np.ones((2, 3))], activations="tanh", samples=samples)
        assert forward.y_hat.shape == ((1, 2) if samples == "rows" else (2, 1))

    @pytest.mark.parametrize("loss", sorted(textbook.LOSSES))
    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    def test_an_empty_batch_has_zero_gradients(self, loss: str, reduction: str) -> None:
        activation = {"bce": "sigmoid", "cross_entropy": "softmax", "nll": "log_softmax"}
        forward = textbook.forward(
            np.zeros((0, 3)),
            [np.ones((2, 3))],
            [np.ones(2)],
            activations=activation.get(loss, "relu"),
            targets=np.zeros((0, 2)),
            loss=loss,
            reduction=reduction,
        )
        assert np.isnan(forward.loss) if reduction == "mean" else forward.loss == 0
        backward = textbook.backward(forward)
        np.testing.assert_array_equal(backward.dW[1], np.zeros((2, 3)))
        np.testing.assert_array_equal(backward.db[1], np.zeros(2))
        assert backward.dx.shape == (0, 3)

    def test_an_empty_batch_may_come_with_empty_class_indices(self) -> None:
        forward = textbook.forward(
            np.zeros((0, 3)),
            [np.ones((2, 3))],
            activations="identity",
            targets=[],
            loss="softmax_cross_entropy",
            reduction="sum",
        )
        assert forward.loss == 0
        assert forward.targets.shape == (0, 2)

    @pytest.mark.parametrize("name", sorted(textbook.ACTIVATIONS))
    def test_a_layer_may_have_no_units(self, name: str) -> None:
        W = [np.ones((0, 3)), np.ones((2, 0))]
        forward = textbook.forward(np.ones((4, 3)), W, activations=[name, "identity"])
        np.testing.assert_array_equal(forward.y_hat, np.zeros((4, 2)))
        backward = textbook.backward(forward, dy_hat=np.ones((4, 2)))
        np.testing.assert_array_equal(backward.dx, np.zeros((4, 3)))

    @pytest.mark.parametrize(
        ("samples", "shape"),
        [("rows", (2,)), ("rows", (1, 2)), ("columns", (2,)), ("columns", (2, 1))],
    )
    def test_biases_may_be_vectors_or_written_like_a_sample(
        self, samples: str, shape: tuple[int, ...]
    ) -> None:
        x = np.ones((4, 3)) if samples == "rows" else np.ones((3, 4))
        b = np.array([1.0, 2.0]).reshape(shape)
        forward = textbook.forward(
            x, [np.zeros((2, 3))], [b], activations="identity", samples=samples
        )
        rows = forward.y_hat if samples == "rows" else forward.y_hat.T
        np.testing.assert_array_equal(rows, [[1, 2]] * 4)
        db = textbook.backward(forward, dy_hat=np.ones_like(forward.y_hat)).db[1]
        np.testing.assert_array_equal(db, np.full(shape, 4.0))

    @pytest.mark.parametrize("targets", [[1.0, 2.0], [[1.0], [2.0]]])
    def test_one_output_takes_one_number_per_sample(self, targets: list) -> None:
        forward = textbook.forward(
            [[1.0], [5.0]], [[[1.0]]], activations="identity", targets=targets, loss="mse"
        )
        assert forward.loss == 4.5

    def test_targets_of_one_output_never_broadcast_against_the_batch(self) -> None:
        # In NumPy (3, 1) - (3,) is (3, 3): a loss over all pairs.
        forward = textbook.forward(
            np.array([[1.0], [2.0], [3.0]]),
            [np.eye(1)],
            activations="identity",
            targets=np.array([1.0, 2.0, 3.0]),
            loss="squared_error",
        )
        assert forward.loss == 0

    def test_stacked_arrays_and_other_records_serve_as_lists_of_layers(self) -> None:
        W = np.arange(8.0).reshape(2, 2, 2)
        first = textbook.forward([1.0, 2.0], W, np.ones((2, 2)), activations="tanh")
        second = textbook.forward(first.x, first.W, first.b, activations=first.activations)
        np.testing.assert_array_equal(first.y_hat, second.y_hat)

    def test_pytorch_tensors_are_taken_as_arrays(self) -> None:
        linear = torch.nn.Linear(3, 2)
        x = torch.randn(4, 3)
        forward = textbook.forward(
            x, [linear.weight.detach()], [linear.bias.detach()], activations="relu"
        )
        assert forward.y_hat.dtype == np.float32
        expected = torch.relu(linear(x)).detach().numpy()
        np.testing.assert_allclose(forward.y_hat, expected, rtol=1e-5, atol=1e-6)

    def test_lists_and_integers_follow_the_floating_arrays(self) -> None:
        W = [np.ones((1, 2), np.float32)]
        assert textbook.forward([1.5, 2.5], W, activations="relu").y_hat.dtype == np.float32
        assert textbook.forward(np.array([1, 2]), W, activations="relu").y_hat.dtype == np.float32
        assert textbook.forward([1, 2], [[[1, 1]]], activations="relu").y_hat.dtype == np.float64

    def test_the_byte_order_of_a_file_does_not_spread(self) -> None:
        forward = textbook.forward(np.ones(2, ">f4"), [np.ones((1, 2), ">f4")], activations="relu")
        assert forward.y_hat.dtype == np.dtype("=f4")


class TestTheRecord:
    def test_a_weight_update_between_the_passes_does_not_reach_the_gradients(self) -> None:
        x, W = np.array([1.0, -2.0]), [np.ones((2, 2)), np.ones((1, 2))]
        arguments = {"activations": "tanh", "targets": 1, "loss": "mse"}
        forward = textbook.forward(x, W, **arguments)
        before = textbook.backward(forward)
        for array in [x, *W]:
            array *= 3
        after = textbook.backward(forward)
        for mine, theirs in zip(after.dW, before.dW, strict=True):
            np.testing.assert_array_equal(mine, theirs)

    @given(networks())
    def test_its_arrays_are_read_only_and_the_arguments_untouched(self, net: Drawn) -> None:
        arguments = net.arguments()
        kept = copy.deepcopy(arguments)
        forward = textbook.forward(**arguments)
        textbook.backward(forward)
        for array in [*forward.a, *forward.z, *forward.W, forward.targets]:
            assert not array.flags.writeable
        np.testing.assert_array_equal(arguments["x"], kept["x"])
        for mine, theirs in zip(arguments["W"], kept["W"], strict=True):
            np.testing.assert_array_equal(mine, theirs)

    @given(networks())
    def test_gradients_can_be_changed_in_place_without_changing_each_other(
        self, net: Drawn
    ) -> None:
        backward = textbook.backward(textbook.forward(**net.arguments()))
        gradients = [*backward.da, *backward.delta, *backward.dW]
        gradients += [db for db in backward.db if db is not None]
        kept = copy.deepcopy(gradients)
        for position, gradient in enumerate(gradients):
            gradient += 1
            for other in range(position + 1, len(gradients)):
                np.testing.assert_array_equal(gradients[other], kept[other])

    def test_it_is_copied_and_pickled_with_its_closed_form(self) -> None:
        forward = textbook.forward([1.0], [[[1.0]]], activations="sigmoid", targets=1, loss="bce")
        for twin in (copy.deepcopy(forward), pickle.loads(pickle.dumps(forward))):
            backward = textbook.backward(twin)
            assert backward.closed_form is not None
            np.testing.assert_array_equal(backward.dW[1], textbook.backward(forward).dW[1])

    def test_names_of_input_and_output(self) -> None:
        forward = textbook.forward([1.0], [[[2.0]]], activations="relu")
        backward = textbook.backward(forward, dy_hat=[1.0])
        assert forward.x is forward.a[0]
        assert forward.y_hat is forward.a[1]
        assert backward.dx is backward.da[0]
        assert backward.dy_hat is backward.da[1]


def test_nan_and_infinity_reach_the_loss() -> None:
    for value in (np.nan, np.inf):
        forward = textbook.forward(
            [value], [[[1.0]]], activations="identity", targets=0, loss="squared_error"
        )
        assert np.isnan(forward.loss) if np.isnan(value) else np.isinf(forward.loss)
    forward = textbook.forward([np.nan], [[[1.0]]], activations="sigmoid", targets=1, loss="bce")
    assert np.isnan(forward.loss)
