"""`check`: name the mistake in a hand-written backward pass."""

from __future__ import annotations

import linecache
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.graph import Node, source_line
from chainrule.replay import gradients
from chainrule.tensor import Tensor
from chainrule.verify.catalogue.scaling import total
from chainrule.verify.claims import GivenClaim, flattened, given_claims, variables
from chainrule.verify.diagnosis.anatomy import Anatomy
from chainrule.verify.diagnosis.hypothesis import Claim, View
from chainrule.verify.diagnosis.kinks import relu_convention
from chainrule.verify.diagnosis.naming import Names
from chainrule.verify.diagnosis.recording import Array, Recording
from chainrule.verify.diagnosis.rounding import rounding_errors
from chainrule.verify.diagnosis.search import Finding, RootCause, find_root_causes
from chainrule.verify.report import Mistake, Report, Row, Where
from chainrule.verify.verdicts import RIGHT, Measure, measure, precision_of

# The right gradients of the previous check of each leaf: a claim that equals them is stale.
_previous: weakref.WeakKeyDictionary[Node, Array] = weakref.WeakKeyDictionary()

# Reports of this process, for `chainrule check FILE.py`; None while nobody collects them.
collected: list[Report] | None = None


def check(
    loss: Tensor,
    claims: Mapping[Any, Any],
    *,
    model: Any = None,
    names: Mapping[str, Tensor] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> Report:
    """Check claimed gradients of a loss, and name the mistake in each wrong one.

    A wrong claim is explained by hypothesis: the rules of the recorded graph are changed, one human
    mistake at a time, and the mistake that reproduces the claim is named, with the right formula
    and the one that was evidently used. An error is told from its consequences: with the mistake in
    the rules, the claims further down come out as they were claimed.

    Args:
        loss: a tensor with one element, with its graph (check before ``backward()``, or call that
            with ``retain_graph=True``).
        claims: tensors or names to claimed gradients, for parameters and intermediate values;
            arrays, lists, tensors of this library or PyTorch's. A name is looked up in ``names``,
            among the model's parameters and the caller's variables, also without a leading ``d``:
            ``"dlogits"`` is the gradient of ``logits``.
        model: a module whose parameters give names. Only what is claimed is checked.
        names: tensors by name.
        rtol: relative tolerance, entry by entry; with neither tolerance what rounding explains.
        atol: absolute tolerance.

    Raises:
        KeyError: for a name that no tensor has.
        ValueError: for a tensor that the loss does not depend on, or a loss of several elements.
        RuntimeError: if the graph was freed or the values in it changed.

    >>> import chainrule as cr
    >>> W = cr.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> x = cr.tensor([[1.0, -1.0]])
    >>> loss = ((x @ W) ** 2).sum()
    >>> report = cr.check(loss, {"dW": [[-2.0, -2.0], [2.0, 2.0]]})
    >>> report.ok, report.mistakes[0].kind
    (False, 'scale')
    """
    known: dict[str, Tensor] = dict(names or {})
    if model is not None:
        for name, parameter in model.named_parameters():
            known.setdefault(name, parameter)
    arrays: list[tuple[str, Array]] = []
    for name, value in variables(sys._getframe(1)).items():
        if isinstance(value, Tensor):
            known.setdefault(name, value)
        else:
            arrays.append((name, value))
    report, right = run(loss, claims, known, rtol=rtol, atol=atol, earlier=_previous, arrays=arrays)
    for node, gradient in right.items():
        if node.primitive is None:
            _previous[node] = gradient
    if collected is not None:
        collected.append(report)
    return report


def run(
    loss: Tensor,
    claims: Mapping[Any, Any],
    known: Mapping[str, Tensor],
    *,
    rtol: float | None = None,
    atol: float | None = None,
    earlier: Mapping[Node, Array] | None = None,
    arrays: Sequence[tuple[str, Array]] = (),
) -> tuple[Report, dict[Node, Array]]:
    """Check claims; return the report and the right gradients of the claimed nodes.

    Args:
        loss: see `check`.
        claims: see `check`.
        known: tensors by name.
        rtol: see `check`.
        atol: see `check`.
        earlier: gradients of an earlier pass, which a stale claim may equal.
        arrays: names of arrays that may stand in the graph as constants.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"check: the loss is a {type(loss).__name__}, expected a Tensor with its graph; "
            f"compute "
            "it from tensors with requires_grad=True (check_functions does that for NumPy "
            "functions)"
        )
    if loss._array.size != 1:
        raise ValueError(
            f"check: the loss has shape {list(loss.shape)}, expected one element; reduce it with "
            ".sum() or .mean()"
        )
    recording = Recording(loss)
    given = given_claims(recording, claims, known)
    native = gradients(loss)
    measures = _measured(recording, given, native, rtol, atol)
    if not _all_right(measures):
        rounding = rounding_errors(recording)
        if rounding:
            measures = _measured(recording, given, native, rtol, atol, rounding)
    other = relu_convention(recording) if not _all_right(measures) else None
    if other is not None:
        recording.adopt(other, 1.0)
        again = _measured(recording, given, recording.gradients, rtol, atol)
        if _count_wrong(again) <= _count_wrong(measures):
            measures = again
        else:
            recording = Recording(loss)
    right = {
        claim.node: np.array(recording.gradients[claim.node], np.float64)
        for claim in given
        if claim.node in recording.gradients
    }
    for claim in given:
        # A value that no gradient reaches has the gradient 0.
        recording.gradients.setdefault(claim.node, np.zeros(claim.node.shape or ()))
    causes: list[RootCause] = []
    view = None
    if not _all_right(measures):
        view = _view(recording, given, measures, known, earlier or {}, arrays)
        causes = find_root_causes(view)
    return _report(loss, given, measures, causes, view), right


def _measured(
    recording: Recording,
    given: list[GivenClaim],
    native: Mapping[Node, Any],
    rtol: float | None,
    atol: float | None,
    rounding: Mapping[Node, float] | None = None,
) -> list[Measure]:
    found = []
    for claim in given:
        own = native.get(claim.node)
        own = np.zeros(claim.node.shape or ()) if own is None else np.asarray(own)
        own = own.astype(recording.dtype, copy=False)
        doubt = (rounding or {}).get(claim.node, 0.0)
        found.append(measure(recording, claim.node, own, claim.array, rtol, atol, doubt))
    return found


def _all_right(measures: list[Measure]) -> bool:
    return all(m.verdict in ("exact", "equal") for m in measures)


def _count_wrong(measures: list[Measure]) -> int:
    return sum(m.verdict not in RIGHT for m in measures)


def _view(
    recording: Recording,
    given: list[GivenClaim],
    measures: list[Measure],
    known: Mapping[str, Tensor],
    earlier: Mapping[Node, Array],
    arrays: Sequence[tuple[str, Array]],
) -> View:
    named: dict[Node, str] = {}
    variables: dict[Node, str] = {}
    constants = [(name, array) for name, array in arrays if array.ndim]
    for name, tensor in reversed(list(known.items())):
        if tensor._node is None:
            constants.append((name, tensor._array))
        elif tensor._node.primitive is None:
            named[tensor._node] = name
        else:
            variables[tensor._node] = name
    for claim in given:
        named.setdefault(claim.node, variables.get(claim.node, claim.name))
    names = Names(recording, named, variables, constants)
    floor = 64 * np.finfo(recording.dtype).eps * _largest(recording)
    claims = []
    for claim, m in zip(given, measures, strict=True):
        if claim.array is None or m.verdict == "not finite":
            continue
        tolerance = 50 * precision_of(recording.dtype)
        if claim.array.dtype.kind == "f":
            tolerance = max(tolerance, 50 * precision_of(claim.array.dtype))
        tolerance = min(max(tolerance, 1e-7), 2e-3)
        if m.verdict == "close" and m.relative is not None:
            tolerance = min(tolerance, m.relative / 50)
        array = claim.array.astype(np.float64)
        if m.verdict in RIGHT:
            array = array.reshape(claim.node.shape or ())
        wrong = m.verdict not in ("exact", "equal")
        claims.append(Claim(claim.name, claim.node, array, tolerance, wrong, floor))
    past = {node: [g] for node in recording.nodes if (g := earlier.get(node)) is not None}
    for claim in given:
        held = claim.node.output()
        grad = None if held is None else held.grad
        if grad is not None:
            past.setdefault(claim.node, []).append(np.asarray(grad._array, np.float64))
    return View(recording, Anatomy(recording), names, claims, past)


def _largest(recording: Recording) -> float:
    sizes = [
        float(np.max(np.abs(recording.gradients[node]), initial=0))
        for node in recording.nodes
        if node in recording.gradients and node.shape is not None and node is not recording.root
    ]
    return max((s for s in sizes if np.isfinite(s)), default=0.0)


# --- From findings to a report --------------------------------------------------------------------


def _report(
    loss: Tensor,
    given: list[GivenClaim],
    measures: list[Measure],
    causes: list[RootCause],
    view: View | None,
) -> Report:
    verdicts = {claim.node: m.verdict for claim, m in zip(given, measures, strict=True)}
    roles: dict[Node, tuple[str, str]] = {}
    mistakes: list[Mistake] = []
    unknown = [c for c in causes if not c.findings and verdicts[c.claim.node] != "close"]
    for cause in causes:
        assert view is not None
        if not cause.findings:
            if verdicts[cause.claim.node] == "close":
                mistake = _precision(view, cause.claim)
            elif cause is unknown[0]:
                mistake = _unknown(view, cause, [c.claim.name for c in unknown[1:]])
            else:
                first = unknown[0].claim.name
                text = f"not explained; may be a consequence of what is wrong in {first}"
                roles[cause.claim.node] = ("unexplained", text)
                continue
            mistakes.append(mistake)
            roles[cause.claim.node] = ("root cause", mistake.message)
            for claim in cause.explains[1:]:
                text = f"consequence of what is wrong in {cause.claim.name}"
                roles[claim.node] = ("consequence", text)
            continue
        best, *others = cause.findings
        mistake = _mistake(view, best, tuple(_mistake(view, f, ()) for f in others[:3]))
        mistakes.append(mistake)
        for claim in best.explains:
            if claim is cause.claim:
                roles[claim.node] = ("root cause", f"{mistake.kind}: {mistake.message}")
            else:
                text = f"consequence of the mistake in {cause.claim.name} ({mistake.kind})"
                roles.setdefault(claim.node, ("consequence", text))
    for brought, m in zip(given, measures, strict=True):
        if m.verdict in ("missing", "not finite"):
            mistake = _absent(brought, m)
            mistakes.append(mistake)
            roles[brought.node] = ("root cause", mistake.message)
    rows = []
    for brought, m in zip(given, measures, strict=True):
        role, diagnosis = roles.get(brought.node, ("right", ""))
        if role == "right" and m.verdict not in RIGHT:
            role, diagnosis = "unexplained", "wrong, and not explained by the mistakes found"
        shape = None if brought.array is None else brought.array.shape
        verdict = m.verdict
        if verdict == "close" and any(
            x.claim == brought.name and x.kind != "precision" for x in mistakes
        ):
            verdict = "wrong"
        expected = tuple(brought.node.shape or ())
        rows.append(Row(brought.name, verdict, shape, expected, m, diagnosis, role))
    mistakes.sort(key=lambda x: (x.kind == "unknown", -len(x.explains), -x.likelihood))
    return Report(rows, mistakes, float(loss._array.reshape(())))


def _mistake(view: View, finding: Finding, alternatives: tuple[Mistake, ...]) -> Mistake:
    reading = finding.reading
    return Mistake(
        reading.kind,
        finding.first.name,
        place(view, finding.hypothesis.node, finding.first.node),
        reading.message(),
        reading.expected(),
        reading.claimed(),
        tuple(claim.name for claim in _in_order(view, finding.explains)),
        reading.prior,
        alternatives,
    )


def _in_order(view: View, claims: list[Claim]) -> list[Claim]:
    return [claim for claim in view.claims if claim in claims]


def place(view: View, node: Node, claimed: Node) -> Where:
    """Return where a mistake was made: the operation a leaf enters stands for the leaf."""
    if node.primitive is None:
        consumers = [n for n, _ in view.recording.consumers[node]]
        node = consumers[-1] if consumers else claimed
    while node.name in ("clone", "cast", "transpose", "broadcast_to") and (
        after := [n for n, _ in view.recording.consumers[node]]
    ):
        node = after[0]
    file, line = source_line(node)
    layer = view.anatomy.layers.get(node, 0)
    name = view.names.given(claimed) or ""
    layer_name = name.rsplit(".", 1)[0] if "." in name else (str(layer) if layer else "")
    return Where(node.name, layer_name, file, line, linecache.getline(file, line).strip())


def _unknown(view: View, cause: RootCause, others: list[str]) -> Mistake:
    claim = cause.claim
    where = place(view, claim.node, claim.node)
    if cause.after is None:
        right_until = "No claim before it in the backward pass is known to be right"
    else:
        right_until = f"Everything claimed up to {cause.after.name} is right or accounted for"
    message = (
        f"No mistake in the catalogue reproduces {claim.name}. {right_until}; the error enters in "
        f"{_operations_between(view, cause)}. Claim the gradients of intermediate values to narrow "
        "it down."
    )
    if others:
        message += f" It may be what makes {', '.join(others)} wrong, too."
    name = view.gradient_name(claim.node)
    expected = f"{name} = {total(view, claim.node)}"
    explains = tuple(c.name for c in cause.explains)
    return Mistake("unknown", claim.name, where, message, expected, "", explains, 0.0)


def _operations_between(view: View, cause: RootCause) -> str:
    """Name the operations between the last gradients known to be right and the first wrong one."""
    recording = view.recording
    verified: set[Node] = set()
    for claim in view.claims:
        if claim.wrong:
            continue
        verified.add(claim.node)
        consumers = recording.consumers[claim.node]
        if claim.node.primitive is None and len(consumers) == 1:
            # A weight's gradient comes out right only if the one arriving at its product is right.
            verified.add(consumers[0][0])
    reached = {cause.claim.node}
    names: list[str] = []
    for node in recording.nodes:
        if not any(p in reached for p in node.inputs):
            continue
        passes = any(p in reached and p.shape == node.shape for p in node.inputs if p is not None)
        if node.name != "add" or not passes:
            text = view.names.given(node)
            names.append(f"{node.name} ({text})" if text is not None else node.name)
        if node not in verified:
            reached.add(node)
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"the rule of {shown}" if len(names) == 1 else f"one of the rules of {shown}"


def _precision(view: View, claim: Claim) -> Mistake:
    return Mistake(
        "precision",
        claim.name,
        place(view, claim.node, claim.node),
        f"{claim.name} is right but imprecise: finite differences, a short float type or rounding, "
        "rather than an error in the derivation.",
        "",
        "",
        (claim.name,),
        0.5,
    )


def _absent(claim: GivenClaim, m: Measure) -> Mistake:
    file, line = source_line(claim.node)
    where = Where(claim.node.name, "", file, line, linecache.getline(file, line).strip())
    if m.verdict == "missing":
        message = f"{claim.name} is missing: no gradient was claimed for it (None)."
        kind = "zero"
    else:
        message = (
            f"{claim.name} is not finite: {m.claimed} at {list(m.worst or ())}. Look for a "
            f"division "
            "by zero, a logarithm of zero or an overflow in what it is computed from."
        )
        kind = "not_finite"
    return Mistake(kind, claim.name, where, message, "", "", (claim.name,), 0.9)


def check_functions(
    loss_fn: Callable[..., Any],
    grad_fn: Callable[..., Any],
    params: Any,
    *data: Any,
    trials: int = 3,
    seed: int = 0,
    rtol: float | None = None,
    atol: float | None = None,
) -> Report:
    """Check a hand-written gradient function against a loss function in plain NumPy.

    The loss function is differentiated as it stands: it is called with tensors, which NumPy's
    functions accept. The gradients are checked on the given data and on random data of the same
    shapes, since some mistakes show on some inputs only: a relu never at its kink, symmetric
    weights, a batch of one.

    Args:
        loss_fn: ``loss_fn(params, *data)`` returns the scalar loss.
        grad_fn: ``grad_fn(params, *data)`` returns the gradients, with the names of ``params`` (a
            leading ``d`` is allowed).
        params: the parameters: a dictionary of arrays; lists of arrays are allowed inside.
        *data: further arguments of both functions.
        trials: on how many random inputs to check besides the given one.
        seed: of the random inputs.
        rtol: see `check`.
        atol: see `check`.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> def loss(p, x, y):
    ...     return np.mean((x @ p["w"] - y) ** 2)
    >>> def gradient(p, x, y):
    ...     return {"w": x.T @ (x @ p["w"] - y) / len(y)}
    >>> x, y = np.arange(6.0).reshape(3, 2), np.array([1.0, 0.0, 2.0])
    >>> report = cr.check_functions(loss, gradient, {"w": np.array([0.5, -1.0])}, x, y)
    >>> report.mistakes[0].message
    'dw is 1/2 times what it should be: a factor 2 is missing (or it was divided by 2).'
    """
    from chainrule.verify.trials import on_trials

    report = on_trials(loss_fn, grad_fn, params, data, trials, seed, rtol, atol)
    if collected is not None:
        collected.append(report)
    return report


__all__ = ["check", "check_functions", "flattened", "run"]
