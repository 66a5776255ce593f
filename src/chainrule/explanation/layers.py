"""Recognising layers: where a graph computes z = W a + b, and what is applied to z.

Only the structure of the graph counts, not who wrote it: `nn.Linear`, ``x @ W + b`` and ``W @ x``
are layers alike, and so is a recurrent step, whose pre-activation adds two products.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chainrule.explanation.algebra import PRODUCTS, REARRANGEMENTS
from chainrule.explanation.derivation import Value
from chainrule.explanation.tracing import Operation, Trace

ACTIVATIONS = frozenset(
    {
        "relu", "sigmoid", "tanh", "softmax", "log_softmax", "gelu", "silu", "elu", "selu",
        "celu", "leaky_relu", "softplus", "softsign", "hardtanh", "relu6", "hardsigmoid",
        "hardswish", "mish", "logsigmoid", "prelu", "clamp_min", "maximum",
    }
)  # fmt: skip
_REARRANGEMENTS = frozenset({"transpose", "permute", "reshape", "unsqueeze", "squeeze"})
# Products and biases that are added up to one pre-activation; a longer sum is no layer's.
LONGEST_SUM = 12
_FUSED = frozenset({"linear", "linear_without_bias"})


@dataclass(slots=True, eq=False)
class FoundLayer:
    """A layer in the graph.

    Attributes:
        z: the pre-activation.
        a: what the activation makes of it, None without one.
        activation: the operation that does.
        inputs: what the weights multiply.
        weights, biases: leaves.
        inner: values on the way to z that a textbook does not write down.
        samples: "row" if the weights stand on the right, "column" if on the left.
    """

    z: Value
    a: Value | None = None
    activation: Operation | None = None
    inputs: list[Value] = field(default_factory=list)
    weights: list[Value] = field(default_factory=list)
    biases: list[Value] = field(default_factory=list)
    inner: list[Value] = field(default_factory=list)
    samples: str = "row"


def find_layers(trace: Trace) -> list[FoundLayer]:
    """Return the layers of a graph, first to last."""
    found: dict[str, FoundLayer] = {}
    products = _sums_of_products(trace)
    products |= _pieces_of(trace, products)
    for operation in trace.operations:
        product = _product(trace, operation)
        if product is None:
            continue
        data, weight, passed, bias, samples = product
        inner, biases = list(passed), [bias] if bias is not None else []
        z = _climb(trace, operation.outputs[0], inner, biases, products)
        layer = found.setdefault(z.key, FoundLayer(z, samples=samples))
        for known, more in (
            (layer.inputs, [data]),
            (layer.weights, [weight]),
            (layer.biases, biases),
            (layer.inner, inner),
        ):
            known.extend(v for v in more if v not in known)
    layers = sorted(found.values(), key=lambda layer: _age(layer.z))
    for layer in layers:
        _find_activation(trace, layer)
    return layers


def _age(value: Value) -> int:
    return value.node.index if value.node is not None else 0


def parameter_behind(trace: Trace, value: Any, passed: list[Value] | None = None) -> Value | None:
    """Return the leaf that a value is a rearrangement of, None if it is something else."""
    while isinstance(value, Value):
        if value.role == "parameter":
            return value
        maker = trace.maker.get(value.key)
        if maker is None or maker.name not in _REARRANGEMENTS:
            return None
        if passed is not None:
            passed.append(value)
        value = maker.operands[0]
    return None


def _product(
    trace: Trace, operation: Operation
) -> tuple[Value, Value, list[Value], Value | None, str] | None:
    """Return the data, the weight, what lies between leaf and product, the bias, and the layout."""
    if not operation.outputs:
        return None
    if operation.name in _FUSED or operation.name.startswith("conv"):
        if len(operation.operands) < 2:
            return None
        data, matrix = operation.operands[:2]
        passed: list[Value] = []
        weight = parameter_behind(trace, matrix, passed)
        if weight is None or not isinstance(data, Value):
            return None
        bias = operation.operands[2] if len(operation.operands) > 2 else None
        return data, weight, passed, bias if isinstance(bias, Value) else None, "row"
    if operation.name not in PRODUCTS:
        return None
    left, right = operation.operands
    paths: tuple[list[Value], list[Value]] = ([], [])
    leaves = [parameter_behind(trace, v, p) for v, p in zip((left, right), paths, strict=True)]
    if leaves[0] is not None and leaves[1] is not None:
        # Two leaves: the one that was turned is the weight; else a column or a row is the data.
        on_left = bool(paths[0]) and not paths[1]
        if bool(paths[0]) == bool(paths[1]):
            on_left = right.shape[-1] == 1 and left.shape[-2] != 1
    elif leaves[0] is None and leaves[1] is None:
        return None
    else:
        on_left = leaves[0] is not None
    if on_left:
        return right, leaves[0], paths[0], None, "column"  # type: ignore[return-value]
    return left, leaves[1], paths[1], None, "row"  # type: ignore[return-value]


def _climb(
    trace: Trace, value: Value, inner: list[Value], biases: list[Value], products: set[str]
) -> Value:
    """Return the pre-activation that a product ends in, through biases and other products."""
    start = len(inner)
    while True:
        use = trace.only_use(value)
        if len(inner) - start >= LONGEST_SUM:
            return value
        if use is None or not use.outputs or use.name not in ("add", "sub", "squeeze"):
            return value
        if use.name != "squeeze":
            other = use.operands[1] if use.operands[0] is value else use.operands[0]
            passed: list[Value] = []
            bias = parameter_behind(trace, other, passed)
            if bias is not None:
                biases.append(bias)
                inner.extend(passed)
            elif not isinstance(other, Value) or other.key not in products:
                return value
        inner.append(value)
        value = use.outputs[0]


def _sums_of_products(trace: Trace) -> set[str]:
    """Return the keys of products with weights, and of sums of such products and leaves."""
    found: set[str] = set()
    for operation in trace.operations:
        if _product(trace, operation) is not None:
            found.add(operation.outputs[0].key)
        elif operation.name in ("add", "sub") and operation.outputs:
            a, b = operation.operands
            for one, other in ((a, b), (b, a)):
                if isinstance(one, Value) and one.key in found and trace.only_use(one) is not None:
                    joins = isinstance(other, Value) and other.key in found
                    if joins or parameter_behind(trace, other) is not None:
                        found.add(operation.outputs[0].key)
    return found


def _pieces_of(trace: Trace, products: set[str]) -> set[str]:
    """Return the keys of what was cut out of products: one time step's share of them, say."""
    found: set[str] = set()
    for operation in trace.operations:
        if operation.name not in REARRANGEMENTS:
            continue
        source = operation.operands[0]
        if isinstance(source, Value) and (source.key in products or source.key in found):
            found.update(value.key for value in operation.outputs)
    return found


def _find_activation(trace: Trace, layer: FoundLayer) -> None:
    for use, _ in trace.uses[layer.z.key]:
        others = [v for v in use.operands if isinstance(v, Value) and v is not layer.z]
        if use.name in ACTIVATIONS and use.outputs and not any(v.node for v in others):
            layer.a, layer.activation = use.outputs[0], use
            return
