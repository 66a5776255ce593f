"""The door of the textbook recursion: what comes in is checked here, once, and explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.textbook.activations import ACTIVATIONS, Activation, Array
from chainrule.textbook.layout import (
    SAMPLE_LAYOUTS,
    WEIGHT_LAYOUTS,
    Layout,
    SampleLayout,
    WeightLayout,
)
from chainrule.textbook.losses import LOSSES, Loss, Reduction

EntryT = TypeVar("EntryT")
NamedT = TypeVar("NamedT", Activation, Loss)

# Probabilities may miss a sum of one by their rounding, also that of a lower precision.
_SUM_TOLERANCE = 1e-3


def real_array(value: ArrayLike, name: str) -> NDArray[Any]:
    """``value`` as a NumPy array of real numbers; ``name`` is what messages call it."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} is not a rectangular array ({error}); give rows of equal length"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} has dtype {array.dtype}, expected real numbers; "
            "convert it first, for example to float64"
        )
    return array


def common_dtype(values: Iterable[object]) -> np.dtype[np.floating[Any]]:
    """The floating dtype to compute in: the widest among the arrays of ``values``.

    Lists, numbers and integer arrays follow the floating arrays; without any, it is float64.
    """
    dtypes = (np.asarray(value).dtype for value in values if hasattr(value, "__array__"))
    floating = [dtype for dtype in dtypes if dtype.kind == "f"]
    return np.result_type(*floating) if floating else np.dtype(np.float64)


def frozen_copy(array: ArrayLike, dtype: np.dtype[np.floating[Any]]) -> Array:
    """A read-only copy, so that a later ``W -= …`` of the caller cannot reach into a record."""
    copy = np.array(array, dtype=dtype)
    copy.flags.writeable = False
    return copy


def _check_choice(given: object, keyword: str, choices: Sequence[str]) -> None:
    if given not in choices:
        quoted = " or ".join(repr(choice) for choice in choices)
        raise ValueError(f"{keyword}={given!r} is unknown; expected {quoted}")


def layout_of(x: NDArray[Any], weights: WeightLayout, samples: SampleLayout) -> Layout:
    """The layout that ``weights=``, ``samples=`` and the dimensions of ``x`` describe."""
    _check_choice(weights, "weights", WEIGHT_LAYOUTS)
    _check_choice(samples, "samples", SAMPLE_LAYOUTS)
    if x.ndim not in (1, 2):
        raise ValueError(
            f"x has shape {x.shape}, expected one sample of shape (features,) or a batch of shape "
            f"{Layout(weights, samples, single=False).batch_shape('features')}; "
            "bring it into that shape with reshape"
        )
    return Layout(weights, samples, single=x.ndim == 1)


def check_reduction(reduction: Reduction) -> None:
    """Refuse a reduction that is not one."""
    _check_choice(reduction, "reduction", get_args(Reduction))


def per_layer(values: Iterable[EntryT], name: str, dimensions: int) -> list[EntryT]:
    """``values`` as a list, one entry per layer, each meant to have ``dimensions``."""
    if isinstance(values, np.ndarray) and values.ndim <= dimensions:
        raise ValueError(
            f"{name} is one array of shape {values.shape}, expected a list with one array per "
            f"layer; for a network of one layer pass [{name}]"
        )
    return list(values)


def weight_arrays(W: Sequence[ArrayLike]) -> list[NDArray[Any]]:
    """The weights, one array per layer, each checked to be a matrix."""
    arrays = [real_array(matrix, f"W[{layer}]") for layer, matrix in enumerate(W, start=1)]
    if not arrays:
        raise ValueError("W is empty, expected a list with one matrix per layer; give at least one")
    for layer, array in enumerate(arrays, start=1):
        if array.ndim != 2:
            raise ValueError(
                f"layer {layer}: W[{layer}] has shape {array.shape}, expected a matrix; W is a "
                "list with one matrix per layer, so for a network of one layer pass [W]"
            )
    return arrays


def check_chain(x: NDArray[Any], W: Sequence[NDArray[Any]], layout: Layout) -> None:
    """Check that every matrix takes as many features as the layer before it gives."""
    mismatch = _first_mismatch(x, W, layout)
    if mismatch is None:
        return
    advice = "check the layer sizes, and the keywords weights= and samples="
    for other in _other_layouts(layout):
        if _first_mismatch(x, W, other) is None:
            advice = f"all shapes fit with {_change(layout, other)}"
            break
    raise ValueError(f"{mismatch}; {advice}")


def _other_layouts(layout: Layout) -> list[Layout]:
    """The other layouts that could be meant, those with one keyword changed first."""
    weights = WEIGHT_LAYOUTS[1 - WEIGHT_LAYOUTS.index(layout.weights)]
    samples = SAMPLE_LAYOUTS[1 - SAMPLE_LAYOUTS.index(layout.samples)]
    if layout.single:
        return [Layout(weights, layout.samples, single=True)]
    return [
        Layout(layout.weights, samples, single=False),
        Layout(weights, layout.samples, single=False),
        Layout(weights, samples, single=False),
    ]


def _change(layout: Layout, other: Layout) -> str:
    changes = []
    if other.weights != layout.weights:
        changes.append(f"weights={other.weights!r}")
    if other.samples != layout.samples:
        changes.append(f"samples={other.samples!r} (or x.T for x)")
    return " and ".join(changes)


def _first_mismatch(x: NDArray[Any], W: Sequence[NDArray[Any]], layout: Layout) -> str | None:
    count, features = layout.size_of(x.shape)
    for layer, matrix in enumerate(W, start=1):
        outputs, inputs = layout.out_in(matrix).shape
        if inputs != features:
            source = "x" if layer == 1 else f"a[{layer - 1}]"
            noun = "feature" if features == 1 else "features"
            return (
                f"layer {layer}: {source} of shape {layout.batch_shape(features, count)} has "
                f"{features} {noun} per sample, but W[{layer}] of shape {matrix.shape} takes "
                f"{inputs} (weights={layout.weights!r}): shapes cannot be multiplied "
                f"({_product(count, features, outputs, inputs, layout)})"
            )
        features = outputs
    return None


def _product(count: int, features: int, outputs: int, inputs: int, layout: Layout) -> str:
    """The shapes of the refused matrix product, factor by factor, as PyTorch prints them."""
    if layout.single:
        return f"{outputs}x{inputs} and {features}"
    if layout.columns:
        return f"{outputs}x{inputs} and {features}x{count}"
    return f"{count}x{features} and {inputs}x{outputs}"


def bias_arrays(
    b: Sequence[ArrayLike | None] | None, outputs: Sequence[int], layout: Layout
) -> list[NDArray[Any] | None]:
    """The biases, one per layer or None, each checked to hold one number per output."""
    if b is None:
        return [None] * len(outputs)
    if len(b) != len(outputs):
        raise ValueError(
            f"b has {len(b)} entries, but W has {len(outputs)} layers; give one vector per layer, "
            "None for a layer without bias"
        )
    arrays: list[NDArray[Any] | None] = []
    for layer, (bias, size) in enumerate(zip(b, outputs, strict=True), start=1):
        if bias is None:
            arrays.append(None)
            continue
        array = real_array(bias, f"b[{layer}]")
        column = layout.samples == "columns"
        allowed = [(size,), (size, 1) if column else (1, size)]
        if array.shape not in allowed:
            raise ValueError(
                f"layer {layer}: b[{layer}] has shape {array.shape}, expected {allowed[0]} or "
                f"{allowed[1]}: one number for each of the layer's {size} outputs"
                + ("; pass it through reshape" if array.size == size else "")
            )
        arrays.append(array)
    return arrays


def _named(given: object, table: Mapping[str, NamedT], keyword: str) -> NamedT:
    kind = type(next(iter(table.values())))
    if isinstance(given, kind):
        return given
    if not isinstance(given, str):
        raise TypeError(
            f"{keyword}= has {given!r}, expected a name or a textbook.{kind.__name__}; "
            f"known names are {', '.join(table)}"
        )
    if given not in table:
        raise ValueError(
            f"{keyword}={given!r} is unknown; expected one of {', '.join(table)}, "
            f"or a textbook.{kind.__name__} of your own"
        )
    return table[given]


def activation_list(activations: object, layers: int) -> list[Activation]:
    """One activation per layer, from one for all or a list."""
    if isinstance(activations, str) or not isinstance(activations, Iterable):
        return [_named(activations, ACTIVATIONS, "activations")] * layers
    given = list(activations)
    if len(given) != layers:
        raise ValueError(
            f"activations has {len(given)} entries, but W has {layers} layers; give one per "
            "layer ('identity' for a layer without), or a single one for all"
        )
    return [_named(one, ACTIVATIONS, "activations") for one in given]


def loss_of(loss: str | Loss | None, targets: ArrayLike | None) -> Loss | None:
    """The loss by name, present exactly when there are targets."""
    if (loss is None) != (targets is None):
        given, missing = ("targets", "loss") if loss is None else ("loss", "targets")
        raise TypeError(
            f"{given}= is given without {missing}=; give both, or neither for the outputs alone"
        )
    return None if loss is None else _named(loss, LOSSES, "loss")


def target_rows(targets: ArrayLike, y_hat: NDArray[Any], layout: Layout, loss: Loss) -> Array:
    """The targets as ``(N, K)`` in the dtype of the outputs ``y_hat``, laid out by the caller.

    Class indices become one-hot rows. Nothing is broadcast, except that with one output a plain
    list of numbers, one per sample, is unambiguous and accepted.
    """
    given = real_array(targets, "targets")
    count, outputs = layout.size_of(y_hat.shape)
    scalar_of_one = given.ndim == 0 and count == 1
    if given.shape == y_hat.shape:
        rows = layout.to_rows(given)
    elif loss.targets == "classes" and (given.shape == (count,) or scalar_of_one):
        return _one_hot(given.reshape(count), outputs, y_hat.dtype)
    elif outputs == 1 and (given.shape == (count,) or scalar_of_one):
        rows = given.reshape(count, 1)
    else:
        raise ValueError(_target_shape_message(given, y_hat, layout, loss))
    if loss.targets != "any":
        _check_between_0_and_1(rows, "targets", loss.name, _target_advice(loss))
    if loss.targets == "classes":
        _check_sum_of_one(
            rows, "targets", loss.name, "for samples of several classes at once use bce"
        )
    return frozen_copy(rows, y_hat.dtype)


def _target_shape_message(
    given: NDArray[Any], y_hat: NDArray[Any], layout: Layout, loss: Loss
) -> str:
    expected = f"{y_hat.shape}, the shape of the outputs"
    if loss.targets == "classes":
        count = layout.size_of(y_hat.shape)[0]
        indices = "a single integer" if layout.single else f"integers of shape ({count},)"
        expected += f", or class indices: {indices}"
    message = f"targets have shape {given.shape}, expected {expected}"
    if given.shape[::-1] == y_hat.shape:
        return f"{message}; targets.T has the right shape (samples={layout.samples!r})"
    return f"{message}; they are not broadcast, reshape them"


def _target_advice(loss: Loss) -> str:
    if loss.targets == "classes":
        return "give one-hot rows, or class indices as integers of shape (N,)"
    return "give 0 or 1, or a probability"


def _one_hot(classes: NDArray[Any], outputs: int, dtype: np.dtype[Any]) -> Array:
    if classes.dtype.kind not in "iu" and classes.size:
        raise TypeError(
            f"class indices have dtype {classes.dtype}, expected integers; "
            "use targets.astype(int), or give one-hot targets of the shape of the outputs"
        )
    outside = classes[(classes < 0) | (classes >= outputs)]
    if outside.size:
        raise ValueError(
            f"target {outside[0]} is out of bounds: the network has {outputs} outputs, "
            f"so classes run from 0 to {outputs - 1}; renumber the classes or widen the last layer"
        )
    rows = np.zeros((len(classes), outputs), dtype)
    rows[np.arange(len(classes)), classes.astype(np.intp)] = 1
    rows.flags.writeable = False
    return rows


def check_outputs(y_hat: Array, loss: Loss, activation: Activation) -> None:
    """Check that the outputs, ``(N, K)``, are what the loss is a function of."""
    advice = f"the output activation is {activation.name!r}; "
    if loss.outputs == "between 0 and 1":
        advice += "use 'sigmoid' there, or the loss 'bce_with_logits'"
        _check_between_0_and_1(y_hat, "outputs", loss.name, advice)
    elif loss.outputs == "probabilities":
        advice += "use 'softmax' there, or the loss 'softmax_cross_entropy'"
        _check_between_0_and_1(y_hat, "outputs", loss.name, advice)
        _check_sum_of_one(y_hat, "outputs", loss.name, advice)
    elif loss.outputs == "log-probabilities":
        advice += "use 'log_softmax' there, or the loss 'softmax_cross_entropy'"
        with np.errstate(over="ignore"):
            probabilities = np.exp(y_hat)
        _check_sum_of_one(probabilities, "exponentials of the outputs", loss.name, advice)


def _check_between_0_and_1(rows: NDArray[Any], what: str, loss: str, advice: str) -> None:
    # Comparisons written so that NaN passes: it is not out of range, and ends up in the loss.
    outside = rows[(rows < 0) | (rows > 1)]
    if outside.size:
        raise ValueError(
            f"loss {loss!r}: all {what} should be between 0 and 1, found {outside[0]:g}; {advice}"
        )


def _check_sum_of_one(rows: NDArray[Any], what: str, loss: str, advice: str) -> None:
    sums = rows.sum(axis=1, dtype=np.float64)
    tolerance = _SUM_TOLERANCE
    if rows.dtype.kind == "f":
        tolerance = max(tolerance, float(np.sqrt(np.finfo(rows.dtype).eps)))
    wrong = np.flatnonzero(np.abs(sums - 1) > tolerance)
    if wrong.size:
        sample = wrong[0]
        raise ValueError(
            f"loss {loss!r}: the {what} of each sample should sum to 1, those of sample {sample} "
            f"(counted from 0) sum to {sums[sample]:g}; {advice}"
        )
