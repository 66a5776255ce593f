"""What is worth noticing in a derivation: where gradients die, explode or are not numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.explanation.derivation import Derivation, Layer, Observation, Value
from chainrule.symbol import Call, Constant

# A sigmoid or tanh passes less than this part of the gradient where it is called saturated.
SATURATED = 0.02
# The deltas' root mean squares of neighbouring ends of a net differ by more than this: a warning.
FACTOR = 1e3


def observe(derivation: Derivation) -> list[Observation]:
    """Return what is worth noticing, the most serious first."""
    found = [
        *_not_finite(derivation),
        *_dead_units(derivation),
        *_saturated(derivation),
        *_delta_sizes(derivation),
        *_zero_gradients(derivation),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda observation: order[observation.level])


def _not_finite(derivation: Derivation) -> Iterator[Observation]:
    for value in derivation.values.values():
        if _bad(value.array) and not _meant(derivation, value):
            what = (
                f"{value.name} = {value.formula.text()}"
                if value.formula is not None
                else value.name
            )
            yield Observation(
                "not finite",
                "error",
                f"{_kind(value.array)} first appears in the forward pass in {what}{_at(value)}.",
                (value.key,),
                "Look at what enters it: a logarithm or division of zero, an overflow.",
            )
            break
    for step in derivation.steps:
        value = derivation.values[step.of]
        if value.gradient is None or not _bad(value.gradient):
            continue
        through = next((t.operation for t in step.terms if _bad(t.array)), "")
        maker = derivation.values[step.terms[0].via[0]] if step.terms else value
        assert value.gradient_symbol is not None
        yield Observation(
            "gradient not finite",
            "error",
            f"{_kind(value.gradient)} first appears in the backward pass in "
            f"{value.gradient_symbol.name}, from the rule of {through}{_at(maker)}.",
            (value.key,),
            "Its inputs are where the derivative does not exist or overflows.",
        )
        break


def _bad(array: Any) -> bool:
    array = np.asarray(array)
    return array.dtype.kind == "f" and not bool(np.isfinite(array).all())


def _meant(derivation: Derivation, value: Value) -> bool:
    """Tell whether infinities were put there rather than computed, as masks put −∞."""
    if bool(np.isnan(np.asarray(value.array)).any()):
        return False
    if value.role == "constant":
        return not bool(np.isposinf(value.array).any())
    if _names_infinity(value.formula):
        return True
    return any(_bad(derivation.values[key].array) for key in value.inputs)


def _names_infinity(formula: Any) -> bool:
    if isinstance(formula, Constant):
        return _is_infinite(formula.value)
    if isinstance(formula, Call):
        return any(_names_infinity(a) or _is_infinite(a) for a in (*formula.args, *formula.params))
    return False


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and math.isinf(value)


def _kind(array: Any) -> str:
    return "NaN" if bool(np.isnan(np.asarray(array)).any()) else "An infinity"


def _at(value: Value) -> str:
    if value.source is None or not value.source.text:
        return ""
    return f", line {value.source.line}: {value.source.text}"


def _samples_and_units(derivation: Derivation, value: Value) -> tuple[Any, int]:
    """Return an activation with samples as rows, and how many samples there are."""
    array = np.asarray(value.array)
    if array.ndim == 2 and derivation.convention == "column":
        array = array.T
    if array.ndim > 3:
        # Images: the units are the channels, each with many places.
        return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1]), array.shape[0]
    array = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    return array, array.shape[0]


def _dead_units(derivation: Derivation) -> Iterator[Observation]:
    for value in derivation.values.values():
        if value.operation != "relu" or np.size(value.array) == 0:
            continue
        array, samples = _samples_and_units(derivation, value)
        dead = np.flatnonzero((array <= 0).all(axis=0))
        if dead.size == 0:
            continue
        units = array.shape[1]
        who = f"{dead.size} of {units} units" if units > 1 else "The only unit"
        verb = "is" if dead.size == 1 else "are"
        where = "for this sample" if samples == 1 else f"for all {samples} samples"
        total = dead.size == units
        yield Observation(
            "dead relu",
            "warning" if samples > 1 or total else "note",
            f"{who} of {value.name} {verb} 0 {where}: no gradient passes through "
            f"{'it' if dead.size == 1 else 'them'}"
            + (f" (unit {_listed(dead)})." if units > 1 and not total else "."),
            (value.key,),
            "If it stays so over the whole data set: a smaller learning rate, another "
            "initialisation, or leaky_relu."
            if samples > 1 or total
            else "",
        )


def _listed(indices: Any) -> str:
    shown = [str(int(i)) for i in indices[:8]]
    return ", ".join(shown) + (", …" if len(indices) > 8 else "")


def _saturated(derivation: Derivation) -> Iterator[Observation]:
    closed = {
        step.of for step in derivation.steps if any(f.kind == "closed form" for f in step.forms)
    }
    for value in derivation.values.values():
        if value.operation not in ("sigmoid", "tanh") or np.size(value.array) == 0:
            continue
        if value.inputs and value.inputs[0] in closed:
            continue  # With its cross-entropy a saturated sigmoid passes the whole error.
        y = np.asarray(value.array, np.float64)
        slope = y * (1 - y) if value.operation == "sigmoid" else 1 - y * y
        share = float(np.mean(slope < SATURATED))
        if share >= 0.5:
            name = "σ′" if value.operation == "sigmoid" else "tanh′"
            yield Observation(
                "saturated",
                "warning",
                f"{share:.0%} of the entries of {value.name} are saturated: {name} is below "
                f"{SATURATED} there, so little gradient passes.",
                (value.key,),
                "Smaller initial weights, normalised inputs, or another activation.",
            )


def rms(array: Any) -> float:
    """Return the root mean square of an array's entries, 0 for none."""
    array = np.asarray(array, np.float64)
    return float(np.sqrt(np.mean(array * array))) if array.size else 0.0


def delta_norms(derivation: Derivation) -> list[tuple[Layer, float, float]]:
    """Return each layer with the Euclidean norm and the root mean square of its delta."""
    table = []
    for layer in derivation.layers:
        gradient = derivation.values[layer.z].gradient
        if gradient is not None:
            norm = float(np.linalg.norm(np.asarray(gradient, np.float64)))
            table.append((layer, norm, rms(gradient)))
    return table


def _delta_sizes(derivation: Derivation) -> Iterator[Observation]:
    table = delta_norms(derivation)
    if len(table) < 2:
        return
    keys = tuple(layer.z for layer, _, _ in table)
    first, last = table[0], table[-1]
    if not np.isfinite([first[2], last[2]]).all() or last[2] == 0:
        return
    ratio = first[2] / last[2]
    if ratio < 1 / FACTOR or ratio > FACTOR:
        word = "vanish" if ratio < 1 else "explode"
        yield Observation(
            f"{word}ing deltas" if ratio > 1 else "vanishing deltas",
            "warning",
            f"The deltas {word}: from layer {last[0].number} to layer {first[0].number} their "
            f"root mean square goes from {last[2]:.2g} to {first[2]:.2g}.",
            keys,
            "Initialise by fan-in (Glorot, He), normalise, or add skip connections."
            if ratio < 1
            else "Clip the gradient's norm, lower the gain of the initialisation.",
        )


def _zero_gradients(derivation: Derivation) -> Iterator[Observation]:
    for value in derivation.values.values():
        if value.role != "parameter" or value.gradient is None or not np.size(value.gradient):
            continue
        if not np.any(value.gradient):
            yield Observation(
                "zero gradient",
                "warning",
                f"The gradient of {value.name} is exactly zero: this step does not move it.",
                (value.key,),
            )
