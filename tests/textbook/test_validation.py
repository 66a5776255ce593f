"""The door: every refusal says what was given, what was expected, where, and what to do."""

from typing import Any

import numpy as np
import pytest

from chainrule import textbook

ROW = np.ones((1, 3))
BATCH = np.ones((5, 3))
W = (np.ones((4, 3)), np.ones((2, 4)))


def forward(x: Any = BATCH, W: Any = W, b: Any = None, **options: Any) -> textbook.Forward:
    return textbook.forward(x, W, b, **{"activations": "identity", **options})


def with_loss(loss: str, targets: Any, activation: str = "identity") -> textbook.Forward:
    return forward(loss=loss, targets=targets, activations=["identity", activation])


# Each: the call, the error, and the parts of its message.
REFUSALS: dict[str, tuple[Any, type[Exception], list[str]]] = {
    "a sample of the wrong size": (
        lambda: forward(np.ones((5, 7))),
        ValueError,
        [
            "layer 1",
            "x of shape (5, 7) has 7 features",
            "W[1] of shape (4, 3) takes 3",
            "cannot be multiplied (5x7 and 3x4)",
            "check the layer sizes",
        ],
    ),
    "a single sample of the wrong size": (
        lambda: forward(np.ones(1)),
        ValueError,
        ["x of shape (1,) has 1 feature per sample", "(4x3 and 1)"],
    ),
    "a column for a row": (
        lambda: forward(ROW.T),
        ValueError,
        ["(3x1 and 3x4)", "all shapes fit with samples='columns' (or x.T for x)"],
    ),
    "a row for a column": (
        lambda: forward(ROW, samples="columns"),
        ValueError,
        ["(4x3 and 1x3)", "all shapes fit with samples='rows' (or x.T for x)"],
    ),
    "weights the other way round": (
        lambda: forward(W=[matrix.T for matrix in W]),
        ValueError,
        ["(weights='out_in')", "(5x3 and 4x3)", "all shapes fit with weights='in_out'"],
    ),
    "weights the other way round, single": (
        lambda: forward(BATCH[0], W, weights="in_out"),
        ValueError,
        ["(3x4 and 3)", "all shapes fit with weights='out_in'"],
    ),
    "weights and samples the other way round": (
        lambda: forward(np.ones((3, 1)), [matrix.T for matrix in W]),
        ValueError,
        ["all shapes fit with weights='in_out' and samples='columns' (or x.T for x)"],
    ),
    "a layer that does not follow": (
        lambda: forward(W=[W[0], np.ones((2, 5))]),
        ValueError,
        ["layer 2", "a[1] of shape (5, 4) has 4 features", "W[2] of shape (2, 5) takes 5"],
    ),
    "a three-dimensional input": (
        lambda: forward(np.ones((5, 8, 8))),
        ValueError,
        ["x has shape (5, 8, 8)", "(features,)", "(N, features)", "reshape"],
    ),
    "one matrix for a list": (
        lambda: forward(W=W[0]),
        ValueError,
        ["W is one array of shape (4, 3)", "expected a list", "pass [W]"],
    ),
    "a nested list for a list of matrices": (
        lambda: forward(W=W[0].tolist()),
        ValueError,
        ["layer 1: W[1] has shape (3,)", "expected a matrix", "pass [W]"],
    ),
    "no layers": (lambda: forward(W=[]), ValueError, ["W is empty", "give at least one"]),
    "ragged rows": (
        lambda: forward(W=[[[1.0, 2.0], [3.0]]]),
        ValueError,
        ["W[1] is not a rectangular array", "rows of equal length"],
    ),
    "complex numbers": (
        lambda: forward(BATCH + 1j),
        TypeError,
        ["x has dtype complex128", "expected real numbers", "convert"],
    ),
    "text": (lambda: forward(["one", "two"]), TypeError, ["x has dtype <U3"]),
    "one bias for a list": (
        lambda: forward(b=np.ones(4)),
        ValueError,
        ["b is one array of shape (4,)", "pass [b]"],
    ),
    "too few biases": (
        lambda: forward(b=[np.ones(4)]),
        ValueError,
        ["b has 1 entries, but W has 2 layers", "None for a layer without bias"],
    ),
    "a bias of the wrong size": (
        lambda: forward(b=[np.ones(3), None]),
        ValueError,
        ["layer 1: b[1] has shape (3,)", "expected (4,) or (1, 4)", "4 outputs"],
    ),
    "a bias as a column among rows": (
        lambda: forward(b=[np.ones((4, 1)), None]),
        ValueError,
        ["b[1] has shape (4, 1)", "expected (4,) or (1, 4)", "pass it through reshape"],
    ),
    "an unknown activation": (
        lambda: forward(activations="swish"),
        ValueError,
        ["activations='swish' is unknown", "relu", "or a textbook.Activation of your own"],
    ),
    "a function for an activation": (
        lambda: forward(activations=[np.tanh, np.tanh]),
        TypeError,
        ["expected a name or a textbook.Activation", "tanh"],
    ),
    "a bare function for all activations": (
        lambda: forward(activations=np.tanh),
        TypeError,
        ["expected a name or a textbook.Activation"],
    ),
    "too many activations": (
        lambda: forward(activations=["relu"] * 3),
        ValueError,
        ["activations has 3 entries, but W has 2 layers", "a single one for all"],
    ),
    "an unknown weight layout": (
        lambda: forward(weights="inout"),
        ValueError,
        ["weights='inout' is unknown", "'out_in' or 'in_out'"],
    ),
    "an unknown sample layout": (
        lambda: forward(samples="row"),
        ValueError,
        ["samples='row' is unknown", "'rows' or 'columns'"],
    ),
    "an unknown reduction": (
        lambda: forward(reduction="none"),
        ValueError,
        ["reduction='none' is unknown", "'mean' or 'sum'"],
    ),
    "an unknown loss": (
        lambda: with_loss("hinge", np.ones((5, 2))),
        ValueError,
        ["loss='hinge' is unknown", "softmax_cross_entropy", "textbook.Loss"],
    ),
    "targets without a loss": (
        lambda: forward(targets=np.ones((5, 2))),
        TypeError,
        ["targets= is given without loss="],
    ),
    "a loss without targets": (
        lambda: forward(loss="mse"),
        TypeError,
        ["loss= is given without targets="],
    ),
    "targets of another shape": (
        lambda: with_loss("mse", np.ones((5, 3))),
        ValueError,
        ["targets have shape (5, 3)", "expected (5, 2)", "not broadcast"],
    ),
    "targets the other way round": (
        lambda: with_loss("mse", np.ones((2, 5))),
        ValueError,
        ["targets.T has the right shape (samples='rows')"],
    ),
    "a scalar target for a batch": (
        lambda: with_loss("mse", 1.0),
        ValueError,
        ["targets have shape ()", "expected (5, 2)"],
    ),
    "classes of another count": (
        lambda: with_loss("softmax_cross_entropy", [0, 1]),
        ValueError,
        ["targets have shape (2,)", "or class indices: integers of shape (5,)"],
    ),
    "classes for a single sample": (
        lambda: forward(BATCH[0], loss="softmax_cross_entropy", targets=[0, 1, 0]),
        ValueError,
        ["or class indices: a single integer"],
    ),
    "a class out of bounds": (
        lambda: with_loss("softmax_cross_entropy", [0, 1, 2, 0, 1]),
        ValueError,
        ["target 2 is out of bounds", "2 outputs", "from 0 to 1"],
    ),
    "a negative class": (
        lambda: with_loss("softmax_cross_entropy", [0, 1, -1, 0, 1]),
        ValueError,
        ["target -1 is out of bounds"],
    ),
    "classes that are not integers": (
        lambda: with_loss("softmax_cross_entropy", [0.0, 1.0, 1.0, 0.0, 1.0]),
        TypeError,
        ["class indices have dtype float64", "astype(int)", "one-hot"],
    ),
    "several classes at once": (
        lambda: with_loss("softmax_cross_entropy", np.ones((5, 2))),
        ValueError,
        ["the targets of each sample should sum to 1", "sample 0", "sum to 2", "use bce"],
    ),
    "binary targets that are not": (
        lambda: with_loss("bce_with_logits", np.full((5, 2), -1)),
        ValueError,
        ["all targets should be between 0 and 1, found -1", "give 0 or 1"],
    ),
    "logits for probabilities": (
        lambda: with_loss("bce", np.ones((5, 2))),
        ValueError,
        [
            "all outputs should be between 0 and 1, found 12",
            "'identity'",
            "'sigmoid'",
            "'bce_with_logits'",
        ],
    ),
    "logits for class probabilities": (
        lambda: with_loss("cross_entropy", [0, 1, 0, 1, 0]),
        ValueError,
        ["all outputs should be between 0 and 1", "'softmax'", "'softmax_cross_entropy'"],
    ),
    "independent probabilities for class probabilities": (
        lambda: with_loss("cross_entropy", [0, 1, 0, 1, 0], activation="sigmoid"),
        ValueError,
        ["the outputs of each sample should sum to 1", "'sigmoid'", "'softmax'"],
    ),
    "probabilities for log-probabilities": (
        lambda: with_loss("nll", [0, 1, 0, 1, 0], activation="softmax"),
        ValueError,
        ["the exponentials of the outputs of each sample should sum to 1", "'log_softmax'"],
    ),
    "a backward pass without a loss": (
        lambda: textbook.backward(forward()),
        TypeError,
        ["no loss to differentiate", "targets= and loss=", "dy_hat="],
    ),
    "a backward pass with two losses": (
        lambda: textbook.backward(with_loss("mse", np.ones((5, 2))), dy_hat=np.ones((5, 2))),
        TypeError,
        ["dy_hat= is given", "has the loss 'mse'", "leave out one"],
    ),
    "an output gradient of another shape": (
        lambda: textbook.backward(forward(), dy_hat=np.ones((5, 1))),
        ValueError,
        ["dy_hat has shape (5, 1)", "expected the shape of the output, (5, 2)"],
    ),
}


@pytest.mark.parametrize("mistake", REFUSALS)
def test_refusals_name_the_given_the_expected_and_the_remedy(mistake: str) -> None:
    call, error, parts = REFUSALS[mistake]
    with pytest.raises(error) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("samples", ["rows", "columns"])
@pytest.mark.parametrize("weights", ["out_in", "in_out"])
def test_a_suggested_layout_works(samples: str, weights: str) -> None:
    x = np.ones((5, 3)) if samples == "rows" else np.ones((3, 5))
    matrices = W if weights == "out_in" else [matrix.T for matrix in W]
    assert forward(x, matrices, samples=samples, weights=weights).y_hat.size == 10
    for other in ("rows", "columns"):
        if other != samples:
            with pytest.raises(ValueError, match=f"fit with samples='{samples}'"):
                forward(x, matrices, samples=other, weights=weights)
    for other in ("out_in", "in_out"):
        if other != weights:
            with pytest.raises(ValueError, match=f"fit with weights='{weights}'"):
                forward(x, matrices, samples=samples, weights=other)


def test_probabilities_of_lower_precision_still_sum_to_one() -> None:
    probabilities = np.full((5, 2), 0.5) + np.float32(1e-4) * np.ones((5, 2))
    assert np.isfinite(with_loss("softmax_cross_entropy", probabilities).loss)


def test_nan_is_not_taken_for_a_number_out_of_range() -> None:
    nan = np.full((5, 2), np.nan)
    assert np.isnan(with_loss("bce_with_logits", nan).loss)
