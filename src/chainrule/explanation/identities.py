"""Closed forms that people know by heart, recognised by the shape of the graph.

An entry looks at one value and what follows it. If the pattern is there it returns the closed form
of the value's gradient, which is shown only after it gave the same numbers as the rules did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.explanation.algebra import call, simplify
from chainrule.explanation.derivation import Form, Step, Value
from chainrule.explanation.formulas import Reader
from chainrule.explanation.tracing import Operation, Trace
from chainrule.symbol import Constant, Expr


class ClosedForm(NamedTuple):
    """A candidate: the formula and the identity's name."""

    formula: Any
    identity: str


Identity = Callable[[Trace, Value], Iterator[ClosedForm]]


def add_closed_forms(reader: Reader, steps: list[Step]) -> None:
    """Put each closed form that holds on the numbers in front of a gradient's other forms."""
    trace = reader.trace
    for step in steps:
        value = trace.values[step.of]
        if not step.forms:
            continue
        for identity in IDENTITIES:
            found = _first_that_holds(reader, identity(trace, value), value)
            if found is None:
                continue
            form, text = found, found.formula.text()
            same = next((f for f in step.forms if f.formula.text() == text), None)
            if same is not None:
                step.forms.remove(same)
            step.forms.insert(0, form)
            break


def _first_that_holds(
    reader: Reader, candidates: Iterator[ClosedForm], value: Value
) -> Form | None:
    for candidate in candidates:
        formula = simplify(candidate.formula)
        error = reader.error_of(formula, value.gradient)
        if error is not None:
            return Form("closed form", formula, candidate.identity, "", error)
    return None


# --- Looking around in the graph ------------------------------------------------------------------


def _next(trace: Trace, value: Value, *names: str) -> Operation | None:
    """Return the only operation that uses a value, if it is one of ``names``."""
    use = trace.only_use(value)
    return use if use is not None and use.name in names and use.outputs else None


def _upstream(trace: Trace, value: Value) -> Expr:
    if value is trace.root and np.ndim(value.array) == 0:
        return Constant(1)
    assert value.gradient_symbol is not None
    return value.gradient_symbol


def _divided(upstream: Any, difference: Any, divisor: float) -> Any:
    product = upstream * difference
    return product if divisor in (0, 1) else product / divisor


def _between(trace: Trace, value: Value, allowed: frozenset[str]) -> list[Operation] | None:
    """Return the operations from a value to the loss, None if one is not ``allowed``."""
    found: list[Operation] = []
    waiting = [value]
    seen: set[str] = set()
    while waiting:
        here = waiting.pop()
        for use, _ in trace.uses[here.key]:
            if use.name not in allowed:
                return None
            for output in use.outputs:
                if output.key not in seen:
                    seen.add(output.key)
                    found.append(use)
                    waiting.append(output)
    return found


# --- The identities -------------------------------------------------------------------------------

_OF_A_LOSS = frozenset(
    {
        "log", "sub", "add", "neg", "mul", "div", "sum", "mean", "log_softmax", "clamp_min",
        "clamp_max",
    }
)  # fmt: skip


def sigmoid_and_cross_entropy(trace: Trace, z: Value) -> Iterator[ClosedForm]:
    """∂L/∂z = ŷ − y for ŷ = σ(z) and L = −y log ŷ − (1 − y) log(1 − ŷ)."""
    identity = "sigmoid with cross-entropy: ŷ − y"
    activation = _next(trace, z, "sigmoid")
    if activation is None:
        logits = _next(trace, z, "binary_cross_entropy_with_logits")
        if logits is not None and logits.operands[0] is z:
            target, divisor = logits.operands[1], logits.params[0]
            p = call("sigmoid", z.symbol)
            t = target.symbol if isinstance(target, Value) else target
            upstream = _upstream(trace, logits.outputs[0])
            yield ClosedForm(_divided(upstream, p - t, divisor), identity)
        return
    p_value = activation.outputs[0]
    loss = _next(trace, p_value, "binary_cross_entropy")
    if loss is not None and loss.operands[0] is p_value:
        target, divisor = loss.operands[1], loss.params[0]
        t = target.symbol if isinstance(target, Value) else target
        upstream = _upstream(trace, loss.outputs[0])
        yield ClosedForm(_divided(upstream, p_value.symbol - t, divisor), identity)
        return
    yield from _by_hand(trace, p_value, p_value.symbol, identity)


def softmax_and_cross_entropy(trace: Trace, z: Value) -> Iterator[ClosedForm]:
    """∂L/∂z = p − t for p = softmax(z) and L = −Σ t log p, with t one-hot for class labels.

    Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.109.
    """
    fused = _next(trace, z, "cross_entropy")
    if fused is not None:
        index, divisor = fused.params[:2]
        label = index.symbol if isinstance(index, Value) else index
        softmax = call("softmax", z.symbol, params=(1,))
        difference = call("minus_one_hot", softmax, params=(label,))
        upstream: Any = _upstream(trace, fused.outputs[0])
        if divisor == 0:
            upstream = call("unsqueeze", upstream, params=((1,),))
        identity = "softmax with cross-entropy: p − onehot(y)"
        yield ClosedForm(_divided(upstream, difference, divisor), identity)
        return
    identity = "softmax with cross-entropy: p − y"
    activation = _next(trace, z, "softmax", "log_softmax")
    if activation is None:
        return
    out = activation.outputs[0]
    p: Any = out.symbol if activation.name == "softmax" else call("exp", out.symbol)
    yield from _by_hand(trace, out, p, identity)


def _by_hand(trace: Trace, p: Value, formula: Any, identity: str) -> Iterator[ClosedForm]:
    """Yield c (p − t) where what follows p is a cross-entropy written with logarithms."""
    operations = _between(trace, p, _OF_A_LOSS)
    if not operations or np.ndim(trace.root.array) != 0:
        return
    maker = trace.maker[p.key].name
    if maker != "log_softmax" and all(operation.name != "log" for operation in operations):
        return
    targets: list[Value] = []
    for operation in operations:
        for operand in operation.operands:
            if (
                isinstance(operand, Value)
                and operand.role == "constant"
                and operand.shape == p.shape
                and operand not in targets
            ):
                targets.append(operand)
    size, batch = max(np.size(p.array), 1), max(np.shape(p.array)[0], 1) if p.shape else 1
    # A target without a name of its own, like 1 − y, is a worse guess than y itself.
    for target in sorted(targets, key=lambda t: not t.named):
        for divisor in dict.fromkeys((1, size, batch)):
            yield ClosedForm(_divided(Constant(1), formula - target.symbol, divisor), identity)


def squared_error(trace: Trace, prediction: Value) -> Iterator[ClosedForm]:
    """∂L/∂ŷ = 2 c (ŷ − y) for L = c Σ (ŷ − y)²."""
    difference = _next(trace, prediction, "sub")
    if difference is None or len(difference.operands) != 2:
        return
    d = difference.outputs[0]
    uses = trace.uses[d.key]
    square = uses[0][0] if uses else None
    if square is None or not square.outputs:
        return
    if not (
        (square.name == "pow" and len(uses) == 1 and square.operands[1] == 2)
        or (square.name == "mul" and len(uses) == 2 and uses[1][0] is square)
    ):
        return
    factor, value = 2.0, square.outputs[0]
    while value is not trace.root:
        use = trace.only_use(value)
        if use is None or not use.outputs:
            return
        other = next((v for v in use.operands if v is not value), None)
        if use.name == "mean" and use.params[0] is None:
            factor /= max(np.size(value.array), 1)
        elif use.name == "mul" and isinstance(other, int | float):
            factor *= other
        elif use.name == "div" and use.operands[0] is value and isinstance(other, int | float):
            factor /= other
        elif use.name != "sum" or use.params[0] is not None:
            return
        value = use.outputs[0]
    a, b = (v.symbol if isinstance(v, Value) else v for v in difference.operands)
    gap = a - b if difference.operands[0] is prediction else b - a
    scaled = factor * gap if factor >= 1 else gap / (1 / factor)
    if 0 < factor < 1 and not float(1 / factor).is_integer():
        scaled = (2 * gap) / (2 / factor)
    yield ClosedForm(scaled, "squared error: 2 (ŷ − y), scaled like the sum")


def normalisation(trace: Trace, x: Value) -> Iterator[ClosedForm]:
    """∂L/∂x = (ĝ − mean ĝ − x̂ ⊙ mean(ĝ ⊙ x̂)) / s for x̂ = (x − mean x) / s, s = √(var x + ε).

    Ioffe and Szegedy, "Batch normalization", 2015; the three terms of section 3, put together.
    """
    for centring, _ in trace.uses[x.key]:
        if centring.name != "sub" or centring.operands[0] is not x or not centring.outputs:
            continue
        mean = centring.operands[1]
        maker = trace.maker.get(mean.key) if isinstance(mean, Value) else None
        if maker is None or maker.name != "mean" or maker.operands[0] is not x:
            continue
        dims = maker.params[0]
        for scaling, _ in trace.uses[centring.outputs[0].key]:
            if scaling.name != "div" or scaling.operands[0] is not centring.outputs[0]:
                continue
            s, normal = scaling.operands[1], scaling.outputs[0]
            if not isinstance(s, Value) or trace.maker[s.key].name not in ("sqrt", "pow", "std"):
                continue
            if normal.gradient_symbol is None:
                continue
            g, h = normal.gradient_symbol, normal.symbol
            total = g - _mean(g, dims) - h * _mean(g * h, dims)
            yield ClosedForm(total / s.symbol, "normalisation: mean and variance move with x")


def _mean(formula: Any, dims: Any) -> Any:
    return call("mean", formula, params=(dims, True))


def logsumexp(trace: Trace, x: Value) -> Iterator[ClosedForm]:
    """∂/∂x log Σ exp(x) = softmax(x)."""
    use = _next(trace, x, "logsumexp")
    if use is None or len(use.params[0] or ()) != 1:
        return
    dims, keepdim = use.params[:2]
    upstream: Any = _upstream(trace, use.outputs[0])
    if not keepdim and use.outputs[0].shape:
        upstream = call("unsqueeze", upstream, params=(dims,))
    softmax = call("softmax", x.symbol, params=(dims[0],))
    yield ClosedForm(upstream * softmax, "logsumexp: its derivative is the softmax")


def softmax_alone(trace: Trace, x: Value) -> Iterator[ClosedForm]:
    """∂L/∂x = p ⊙ (g − Σ g ⊙ p): the softmax's Jacobian diag(p) − p pᵀ applied to g."""
    use = _next(trace, x, "softmax")
    if use is None:
        return
    p = use.outputs[0].symbol
    g = _upstream(trace, use.outputs[0])
    total = call("sum", g * p, params=((use.params[0],), True))
    yield ClosedForm(p * (g - total), "softmax: (diag p − p pᵀ) applied to the upstream gradient")


IDENTITIES: tuple[Identity, ...] = (
    sigmoid_and_cross_entropy,
    softmax_and_cross_entropy,
    squared_error,
    normalisation,
    logsumexp,
    softmax_alone,
)
