"""Checks of functions: on the given data, then on random data of the same shapes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.tensor import Tensor
from chainrule.verify.checking import run
from chainrule.verify.claims import flattened
from chainrule.verify.diagnosis.recording import Array
from chainrule.verify.report import Report


def on_trials(
    loss_fn: Callable[..., Any],
    grad_fn: Callable[..., Any],
    params: Any,
    data: tuple[Any, ...],
    trials: int,
    seed: int,
    rtol: float | None,
    atol: float | None,
) -> Report:
    """Return the report on the given data, or on the first random data that shows a mistake."""
    random = np.random.default_rng(seed)
    first, right = _judged(*_evaluated(loss_fn, grad_fn, params, data), rtol, atol, {})
    notes: list[str] = []
    if not first.ok and all(m.kind != "unknown" for m in first.mistakes):
        return first
    failing: tuple[int, Report] | None = None
    for trial in range(1, trials + 1):
        p, d = _like(params, random), tuple(_data_like(v, random) for v in data)
        try:
            evaluated = _evaluated(loss_fn, grad_fn, p, d)
        except Exception as error:
            notes.append(f"random trial {trial} could not be run: {type(error).__name__}: {error}")
            continue
        report, right = _judged(*evaluated, rtol, atol, right)
        if np.isfinite(report.loss) and not report.ok:
            failing = (trial, report)
            break
    if failing is None:
        return replace(first, notes=[*first.notes, *notes])
    trial, report = failing
    if first.ok:
        wrong = [row.name for row in report.rows if not row.ok]
        notes.append(
            f"Right on the given data only: on random data (trial {trial}, seed {seed}) "
            f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong. What follows is about "
            "that trial."
        )
        return replace(report, notes=[*report.notes, *notes])
    stale = [m for m in report.mistakes if m.kind == "stale"]
    if stale and not any(m.kind == "stale" for m in first.mistakes):
        notes.append(f"On random data (trial {trial}): {stale[0].message}")
    return replace(first, notes=[*first.notes, *notes])


def _evaluated(
    loss_fn: Callable[..., Any],
    grad_fn: Callable[..., Any],
    params: Any,
    data: tuple[Any, ...],
) -> tuple[Tensor, dict[str, Any], dict[str, Tensor], list[tuple[str, Array]]]:
    """Run both functions; return loss, claims, parameters and data, by name."""
    tensors = _mapped(params, _as_parameter)
    loss = loss_fn(tensors, *copy.deepcopy(data))
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"check_functions: the loss function returned a {type(loss).__name__} that does not "
            "depend on params through NumPy's functions; leave out float(...), .item() and "
            "np.array(...) in it, and return the loss itself"
        )
    claims = grad_fn(copy.deepcopy(params), *copy.deepcopy(data))
    if isinstance(claims, tuple) and len(claims) == 2 and _is_scalar(claims[0]):
        claims = claims[1]  # the customary (loss, gradients)
    known = {name: t for name, t in flattened(tensors) if isinstance(t, Tensor)}
    arrays = _named_data(loss_fn, data)
    if isinstance(params, Mapping) and isinstance(claims, list | tuple):
        claims = dict(zip(params, claims, strict=False))
    given = _by_parameter(claims, known)
    return loss, given, known, arrays


def _judged(
    loss: Tensor,
    given: dict[str, Any],
    known: dict[str, Tensor],
    arrays: list[tuple[str, Array]],
    rtol: float | None,
    atol: float | None,
    earlier: Mapping[str, Array],
) -> tuple[Report, dict[str, Array]]:
    """Return the report, and the right gradients by name for the next trial."""
    past: dict[Node, Array] = {
        known[name]._node: g  # type: ignore[misc]
        for name, g in earlier.items()
    }
    used = set(_graph(loss))
    inside = {name: value for name, value in given.items() if known[name]._node in used}
    report, right = run(loss, inside, known, rtol=rtol, atol=atol, earlier=past, arrays=arrays)
    names = {t._node: name for name, t in known.items()}
    return report, {names[node]: g for node, g in right.items() if node in names}


def _named_data(loss_fn: Callable[..., Any], data: tuple[Any, ...]) -> list[tuple[str, Array]]:
    """Return the data arrays under the names that the loss function gives them."""
    try:
        parameters = list(inspect.signature(loss_fn).parameters)[1:]
    except (TypeError, ValueError):
        return []
    return [
        (name, value)
        for name, value in zip(parameters, data, strict=False)
        if isinstance(value, np.ndarray)
    ]


def _is_scalar(value: Any) -> bool:
    return isinstance(value, int | float | np.generic) or getattr(value, "shape", None) == ()


def _graph(loss: Tensor) -> list[Node]:
    from chainrule.replay import ancestors, root_of

    return ancestors(root_of(loss))


def _by_parameter(claims: Any, known: Mapping[str, Tensor]) -> dict[str, Any]:
    if not isinstance(claims, Mapping | list | tuple):
        raise TypeError(
            f"check_functions: the gradient function returned a {type(claims).__name__}, "
            f"expected a "
            "dictionary with the names of params"
        )
    if isinstance(claims, list | tuple) and len(claims) == len(known):
        return dict(zip(known, claims, strict=True))
    flat = dict(flattened(claims))
    if not isinstance(claims, Mapping):
        flat = dict(flattened(list(claims)))
    found: dict[str, Any] = {}
    for name in known:
        keys = (name, f"d{name}", f"grad_{name}", f"{name}_grad", f"d_{name}")
        found[name] = next((flat[k] for k in keys if k in flat), None)
    return found


def _as_parameter(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        return value
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    return Tensor(array, requires_grad=True)


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {k: _mapped(v, function) for k, v in value.items()}
    if isinstance(value, list | tuple) and not all(isinstance(v, int | float) for v in value):
        return type(value)(_mapped(v, function) for v in value)
    return function(value)


def _like(params: Any, random: np.random.Generator) -> Any:
    def draw(value: Any) -> Any:
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return value
        spread = float(np.std(array)) or 0.5
        return (array + spread * random.standard_normal(array.shape)).astype(array.dtype)

    return _mapped(params, draw)


def _data_like(value: Any, random: np.random.Generator) -> Any:
    """Return data of the same kind: labels shuffled, one-hot rows and signs kept, values moved."""
    array = np.asarray(value) if isinstance(value, np.ndarray) else None
    if array is None or array.ndim == 0 or array.size == 0:
        return value
    if array.dtype.kind != "f" or len(np.unique(array)) <= 2:
        return random.permutation(array)
    spread = float(np.std(array)) or 0.5
    moved = (array + spread * random.standard_normal(array.shape)).astype(array.dtype)
    if array.min() >= 0:
        moved = np.abs(moved)
        if array.max() <= 1:
            moved = np.clip(moved, 0, 1).astype(array.dtype)
    return moved
