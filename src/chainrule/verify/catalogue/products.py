"""Matrix products with a wrong factor: another activation, another delta, other weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.symbol import Symbol
from chainrule.verify.catalogue.registry import kind
from chainrule.verify.catalogue.scaling import total
from chainrule.verify.diagnosis.anatomy import Product
from chainrule.verify.diagnosis.hypothesis import Claim, Hypothesis, Reading, View, both
from chainrule.verify.diagnosis.recording import Array, Change


def _active(view: View, products: list[Product]) -> list[Product]:
    return [p for p in products if p.edge[0] in view.recording.gradients and p.target in view.reach]


def right_formula(view: View, product: Product) -> str:
    """Return the right gradient of a product's operand in the user's names."""
    return f"{view.gradient_name(product.target)} = {view.names.rule(product.edge)}"


def _with(view: View, product: Product, other: str) -> str:
    node, k = product.edge
    del node
    rule = view.names.rule(product.edge, inputs={1 - k: Symbol(other)})
    return f"{view.gradient_name(product.target)} = {rule}"


@kind(
    "transpose",
    summary="the gradient is transposed",
    right="dW = xᵀ dz",
    wrong="dW = dzᵀ x",
)
def transpose(view: View) -> Iterator[Hypothesis]:
    """Yield transposed gradients: of single claims, of what flows on, of all weights."""

    def reading(node: Node, prior: float) -> Reading:
        name = view.gradient_name(node)
        return Reading(
            "transpose",
            lambda: (
                f"{name} is the transpose of the right gradient: the factors of the product "
                "stand in the wrong order, or the result was transposed."
            ),
            lambda: f"{name} = {total(view, node)}",
            lambda: f"{name} = ({total(view, node)})ᵀ",
            prior,
        )

    def swapped(g: Array) -> Array:
        return np.asarray(g.mT)

    for node in view.wrong_nodes:
        if node.shape is not None and len(node.shape) >= 2:
            yield Hypothesis(node, Change(final={node: swapped}), reading(node, 0.9))
    for node in view.recording.nodes:
        shape = node.shape
        if (
            node in view.reach
            and node.primitive is not None
            and shape is not None
            and len(shape) >= 2
            and shape[-1] == shape[-2] > 1
        ):
            yield Hypothesis(node, Change(nodes={node: swapped}), reading(node, 0.8))
    yield from _turned_factors(view)
    weights = [p.weight for p in view.anatomy.weight_products if p.weight is not None]
    every = [n for n in dict.fromkeys(weights) if n in view.wrong_nodes and len(n.shape or ()) >= 2]
    if len(every) > 1:
        change = both(Change(final={n: swapped}) for n in every)
        if change is not None:
            yield Hypothesis(every[-1], change, reading(every[-1], 0.89), places=len(every))


def _turned_factors(view: View) -> Iterator[Hypothesis]:
    """Yield products in which one square factor is transposed: a dc for aᵀ dc."""

    def square(array: Array) -> bool:
        return array.ndim >= 2 and array.shape[-1] == array.shape[-2] > 1

    for product in _active(view, view.anatomy.products):
        node, k = product.edge
        g = np.asarray(view.recording.gradients[node])
        upstream = view.gradient_name(node)
        own = view.names.text(product.other, view.recording.inputs(node)[1 - k])
        if square(product.operand) and not product.other_is_weight:
            change = view.replace(product.edge, _multiplied(product, product.operand.mT))
            if change is not None:
                yield Hypothesis(
                    node,
                    change,
                    _turned_reading(view, product, own, _with(view, product, f"({own}ᵀ)")),
                )
        if square(g):
            change = view.replace(
                product.edge,
                lambda g, p=product: p.multiply(g.mT, p.operand),  # type: ignore[misc]
            )
            formula = view.names.rule(product.edge, upstream=f"({upstream}ᵀ)")
            claimed = f"{view.gradient_name(product.target)} = {formula}"
            if change is not None:
                yield Hypothesis(node, change, _turned_reading(view, product, upstream, claimed))


def _turned_reading(view: View, product: Product, factor: str, claimed: str) -> Reading:
    name = view.gradient_name(product.target)
    return Reading(
        "transpose",
        lambda: (
            f"In the product for {name} the factor {factor} is transposed, or its transpose is "
            "missing."
        ),
        lambda: right_formula(view, product),
        lambda: claimed,
        0.82,
    )


# --- Another activation ---------------------------------------------------------------------------


def _activation_values(view: View) -> list[tuple[Node | None, str, Array]]:
    """Return what could be mistaken for an activation: named values, products' operands, data."""
    found: list[tuple[Node | None, str, Array]] = []
    seen: set[int] = set()

    def add(name: str, node: Node | None, value: Any) -> None:
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or id(value) in seen:
            return
        if value.ndim == 0:
            return
        seen.add(id(value))
        found.append((node, name, value))

    for product in view.anatomy.products:
        if not product.other_is_weight:
            values = view.recording.inputs(product.edge[0])
            other = 1 - product.edge[1]
            add(view.names.text(product.other, values[other]), product.other, product.operand)
    for site in view.anatomy.activations:
        add(view.names.text(site.a), site.a, view.recording.values[site.a])
        add(view.names.text(site.z), site.z, view.recording.values[site.z])
    for node in view.recording.nodes:
        if node.primitive is not None and view.names.given(node) is not None:
            add(view.names.text(node), node, view.recording.values[node])
    for constant in view.anatomy.constants:
        add(view.names.constant(constant).text(), None, constant)
    return found


def _last_activation(view: View) -> Node | None:
    """Return the network's output: the last activation, or what the last product made."""
    sites = view.anatomy.activations
    if sites:
        return sites[-1].a
    return None


@kind(
    "wrong_activation",
    summary="the outer product is taken with the activation of another layer",
    right="dW1 = δ1 xᵀ",
    wrong="dW1 = δ1 a[0 − 1]ᵀ, the last activation",
)
def wrong_activation(view: View) -> Iterator[Hypothesis]:
    """Yield weight gradients with another activation, and attention's products with another one."""
    values = _activation_values(view)
    products = [p for p in _active(view, view.anatomy.products) if not p.other_is_weight]
    last = _last_activation(view)
    for product in products:
        layer = view.anatomy.layers.get(product.edge[0], 0)
        k = product.edge[1]
        own = view.names.text(product.other, view.recording.inputs(product.edge[0])[1 - k])
        first = product.weight is not None and not _computed(view, product.other)
        turned = product.other is not None and product.other.name == "transpose"
        near = view.nearest(product.edge[0], values, len(products))
        if turned:
            near += [(v, f"{n}ᵀ", a.mT) for v, n, a in near if a.ndim > 1]
        for node, name, value in near:
            if value.ndim != product.operand.ndim or value is product.operand:
                continue
            if value.shape == product.operand.shape and np.array_equal(value, product.operand):
                continue
            change = view.replace(product.edge, _multiplied(product, value))
            if change is None:
                continue
            wraps = first and node is not None and node is last
            if wraps:
                how = (
                    f"{view.gradient_name(product.target)} is the outer product with {name}, the "
                    f"last activation, instead of {own}: for the first layer a[l − 1] is "
                    f"a[−1], and "
                    "index −1 wraps round to the last entry of the list."
                )
            else:
                how = (
                    f"{view.gradient_name(product.target)} is formed with {name} instead of {own}."
                )
            prior = 0.9 if wraps else _nearness(view, product, node, layer)
            yield Hypothesis(
                product.edge[0],
                change,
                Reading(
                    "wrong_activation",
                    lambda how=how: how,  # type: ignore[misc]
                    lambda p=product: right_formula(view, p),  # type: ignore[misc]
                    lambda p=product, n=name: _with(view, p, n),  # type: ignore[misc]
                    prior,
                ),
            )
    yield from _shifted_in_time(view)


def _computed(view: View, node: Node | None) -> bool:
    return node is not None and view.anatomy.source(node).primitive is not None


def _multiplied(product: Product, value: Array) -> Any:
    return lambda g: product.multiply(g, value)


def _nearness(view: View, product: Product, node: Node | None, layer: int) -> float:
    """Return how likely a mix-up is: neighbouring layers are confused rather than far ones."""
    if node is None:
        return 0.6
    return 0.78 if abs(view.anatomy.layers.get(node, 0) - layer) <= 1 else 0.7


def _shifted_in_time(view: View) -> Iterator[Hypothesis]:
    """Yield, for a weight used at several steps, the operands of the step before or after."""
    by_weight: dict[Node, list[Product]] = {}
    for product in _active(view, view.anatomy.weight_products):
        assert product.weight is not None
        if not product.other_is_weight:
            by_weight.setdefault(product.weight, []).append(product)
    for weight, steps in by_weight.items():
        if len(steps) < 2 or len({p.operand.shape for p in steps}) > 1:
            continue
        operands = [p.operand for p in steps]
        last = view.recording.values[_output_of(view, steps[-1])]
        after = [*operands[1:], last if last.shape == operands[0].shape else operands[0]]
        before = [operands[-1], *operands[:-1]]
        wrapped = [last if last.shape == operands[0].shape else operands[-1], *operands[1:]]
        for replaced, text in (
            (after, "the value of the step after: h[t] for h[t − 1]"),
            (before, "the value of the step before"),
            (wrapped, "the last state at the first step: index t − 1 = −1 wraps round"),
        ):
            change = both(
                view.replace(p.edge, _multiplied(p, v))
                for p, v in zip(steps, replaced, strict=True)
            )
            if change is None:
                continue
            name = view.gradient_name(weight)
            yield Hypothesis(
                steps[-1].edge[0],
                change,
                Reading(
                    "wrong_activation",
                    lambda n=name, t=text: f"{n} is accumulated with {t}.",  # type: ignore[misc]
                    lambda w=weight, n=name: f"{n} = {total(view, w)}",  # type: ignore[misc]
                    lambda n=name, t=text: f"{n} = the same sum with {t}",  # type: ignore[misc]
                    0.8,
                ),
                places=len(steps),
            )


def _output_of(view: View, product: Product) -> Node:
    """Return the activation that a product's result goes into."""
    for site in view.anatomy.activations:
        if site.a.index > product.edge[0].index and site.a.shape == product.edge[0].shape:
            return site.a
    return product.edge[0]


# --- Another delta --------------------------------------------------------------------------------


@kind(
    "wrong_delta",
    summary="the product is formed with the gradient of another value",
    right="dW2 = a1ᵀ dz2",
    wrong="dW2 = a1ᵀ da2",
)
def wrong_delta(view: View) -> Iterator[Hypothesis]:
    """Yield weight, bias and input gradients formed with another arriving gradient."""
    gradients = view.recording.gradients
    candidates = [
        (n, np.asarray(g))
        for n, g in gradients.items()
        if n.primitive is not None and isinstance(g, np.ndarray) and g.ndim
    ]
    products = _active(view, view.anatomy.products)
    for product in products:
        node = product.edge[0]
        own = gradients[node]
        for other, g in view.nearest(node, candidates, len(products)):
            if other is node or g.ndim != own.ndim or _same(g, own):
                continue
            change = view.replace(product.edge, _fixed(product, g))
            if change is None:
                continue
            yield Hypothesis(
                node, change, _delta_reading(view, product.edge, product.target, other)
            )
    for edge, target in _bias_edges(view):
        own = gradients[edge[0]]
        for other, g in view.nearest(edge[0], candidates, len(products)):
            if other is edge[0] or g.ndim != own.ndim or _same(g, own):
                continue
            change = view.replace(edge, lambda _, g=g, t=target: _reduced(g, t))  # type: ignore[misc]
            if change is None:
                continue
            yield Hypothesis(edge[0], change, _delta_reading(view, edge, target, other))


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-12, atol=0))


def _fixed(product: Product, g: Array) -> Any:
    return lambda _: product.multiply(g, product.operand)


def _reduced(g: Array, target: Node) -> Array:
    shape = target.shape or ()
    extra = g.ndim - len(shape)
    out = g.sum(axis=tuple(range(extra))) if extra > 0 else g
    axes = tuple(d for d, n in enumerate(shape) if n == 1 and out.shape[d] != 1)
    return np.asarray(out.sum(axis=axes, keepdims=True) if axes else out)


def _bias_edges(view: View) -> Iterator[tuple[tuple[Node, int], Node]]:
    for node in view.recording.nodes:
        if node.primitive is None or node not in view.recording.gradients:
            continue
        if node.name in ("add", "linear"):
            for k, parent in enumerate(node.inputs):
                if parent is None or parent not in view.reach or parent.shape == node.shape:
                    continue
                if view.anatomy.is_parameter(parent) and (node.name == "add" or k == 2):
                    yield (node, k), parent


def _delta_reading(view: View, edge: tuple[Node, int], target: Node, other: Node) -> Reading:
    def right() -> str:
        return view.gradient_name(edge[0])

    def used() -> str:
        return view.gradient_name(other)

    def name() -> str:
        return view.gradient_name(target)

    # The gradient a step further up the chain is the likeliest mix-up: da for dz.
    near = any(other is n for n, _ in view.recording.consumers[edge[0]])
    named = view.names.given(other) is not None
    return Reading(
        "wrong_delta",
        lambda: f"{name()} is formed with {used()} instead of {right()}.",
        lambda: f"{name()} = {view.names.rule(edge)}",
        lambda: f"{name()} = {view.names.rule(edge, upstream=used())}",
        0.76 if near else 0.68 if named else 0.6,
    )


# --- Other weights --------------------------------------------------------------------------------


@kind(
    "wrong_weights",
    summary="the gradient is sent back through other weights",
    right="da1 = dz2 W2ᵀ",
    wrong="da1 = dz2 W2   or   dz2 W1ᵀ   or   dz2 (W2 − η dW2)ᵀ",
)
def wrong_weights(view: View) -> Iterator[Hypothesis]:
    """Yield products with weights not transposed, of another layer, or already updated."""
    leaves = [
        (n, np.asarray(view.recording.values[n]))
        for n in view.recording.nodes
        if n.primitive is None and len(n.shape or ()) == 2
    ]
    products = [p for p in _active(view, view.anatomy.products) if p.other_is_weight]
    untransposed: list[tuple[Product, Change, Reading]] = []
    for product in products:
        node = product.edge[0]
        assert product.other is not None
        source = view.anatomy.source(product.other)
        own = view.names.text(source)
        operand = product.operand
        if operand.ndim >= 2 and operand.shape[-1] == operand.shape[-2] > 1:
            change = view.replace(product.edge, _multiplied(product, np.asarray(operand.mT)))
            if change is not None:
                reading = Reading(
                    "wrong_weights",
                    lambda p=product, w=own: (
                        f"{view.gradient_name(p.target)} is sent back through {w} "  # type: ignore[misc]
                        "the wrong way round: the transpose is missing (or one too many)."
                    ),
                    lambda p=product: right_formula(view, p),  # type: ignore[misc]
                    lambda p=product, w=own: _with(view, p, f"{w}ᵀ").replace("ᵀᵀ", ""),  # type: ignore[misc]
                    0.88,
                )
                untransposed.append((product, change, reading))
                yield Hypothesis(node, change, reading)
        transposed = operand.shape != np.shape(view.recording.values[source])
        for leaf, value in leaves:
            if leaf is source:
                continue
            for matrix, mark in ((value, ""), (np.asarray(value.T), "ᵀ")):
                if matrix.shape != operand.shape:
                    continue
                change = view.replace(product.edge, _multiplied(product, matrix))
                if change is None:
                    continue
                other = view.names.text(leaf)
                likelier = bool(mark) == transposed
                yield Hypothesis(
                    node,
                    change,
                    Reading(
                        "wrong_weights",
                        lambda p=product, o=other, w=own: (
                            f"{view.gradient_name(p.target)} is sent back "  # type: ignore[misc]
                            f"through {o}, the weights of another layer, instead of {w}."
                        ),
                        lambda p=product: right_formula(view, p),  # type: ignore[misc]
                        lambda p=product, o=other + mark: _with(view, p, o),  # type: ignore[misc]
                        0.8 if likelier else 0.6,
                    ),
                )
        yield from _updated(view, product, source)
    if len(untransposed) > 1:
        change = both(c for _, c, _ in untransposed)
        last, _, reading = untransposed[-1]
        if change is not None:
            yield Hypothesis(last.edge[0], change, reading, places=len(untransposed))


def _updated(view: View, product: Product, source: Node) -> Iterator[Hypothesis]:
    """Yield the product with weights to which the step was already applied, its size unknown."""
    gradient = view.recording.gradients.get(source)
    if gradient is None:
        return
    step = np.asarray(gradient)
    if step.shape != product.operand.shape:
        step = step.mT if step.ndim > 1 else step.reshape(-1, 1)
    if step.shape != product.operand.shape:
        return
    own = view.names.text(source)

    def reading(eta: float, claim: Claim) -> Reading | None:
        if not 1e-7 < eta < 100 or claim.array.size < 2:
            return None
        return Reading(
            "wrong_weights",
            lambda: (
                f"{view.gradient_name(product.target)} is sent back through {own} after its "
                f"update (step size {eta:.4g}): compute all gradients before changing any weight."
            ),
            lambda: right_formula(view, product),
            lambda: _with(view, product, f"({own} − {eta:.4g}·d{own})"),
            0.83 if _round(eta) else 0.4,
        )

    yield Hypothesis(
        product.edge[0],
        Change(edges={product.edge: lambda g, right: right - product.multiply(g, step)}),
        reading,
        fit=True,
    )


def _round(value: float) -> bool:
    return abs(float(f"{value:.2g}") - value) <= 1e-5 * abs(value)
