"""Derivatives of activations: missing, taken at the wrong point, of another function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.catalogue.registry import kind
from chainrule.verify.diagnosis.anatomy import FUNCTIONS, ActivationSite
from chainrule.verify.diagnosis.hypothesis import Hypothesis, Reading, View, both
from chainrule.verify.diagnosis.recording import Array, Change

Local = Callable[[Array], Array]

_DERIVATIVE = {
    "sigmoid": "{a} ⊙ (1 − {a})",
    "tanh": "(1 − {a}²)",
    "relu": "[{z} > 0]",
}


def through(view: View, site: ActivationSite, local: Local) -> Change:
    """Return the change by which a gradient passes an activation by another rule."""
    edges = view.anatomy.entering(site.z, site.a)
    if len(edges) == 1 and edges[0][0] is site.a:
        return Change(edges={edges[0]: lambda g, _: local(g)})
    # A function of several operations: what they send is dropped, the new rule takes its place.
    return Change(
        edges=dict.fromkeys(edges, lambda _, right: np.zeros_like(right)),
        extra={site.a: [(site.z, local)]},
    )


def _texts(view: View, site: ActivationSite) -> dict[str, str]:
    return {
        "dz": view.gradient_name(site.z),
        "da": view.gradient_name(site.a),
        "z": view.names.text(site.z),
        "a": view.names.text(site.a),
    }


def right_formula(view: View, site: ActivationSite) -> str:
    """Return the right rule of an activation in the user's names."""
    t = _texts(view, site)
    if site.kind == "softmax":
        return f"{t['dz']} = {t['a']} ⊙ ({t['da']} − Σ({t['da']} ⊙ {t['a']}))"
    return f"{t['dz']} = {t['da']} ⊙ " + _DERIVATIVE[site.kind].format(**t)


def sites(view: View, *kinds: str) -> list[ActivationSite]:
    """Return the activations of some kinds through which a wrong claim could have come."""
    return [
        s
        for s in view.anatomy.activations
        if s.kind in kinds and s.a in view.recording.gradients and s.z in view.reach
    ]


def one_and_all(
    view: View,
    found: list[ActivationSite],
    make: Callable[[ActivationSite], tuple[Change | None, Reading] | None],
) -> Iterator[Hypothesis]:
    """Yield a mistake at each site, at all of them, and at all but the output's."""
    made = [(site, *pair) for site in found if (pair := make(site)) is not None]
    for site, change, reading in made:
        if change is not None:
            yield Hypothesis(site.a, change, reading)
    groups = [made, made[:-1]] if len(made) > 2 else [made]
    for group in groups:
        if len(group) < 2:
            continue
        change = both(change for _, change, _ in group)
        if change is None:
            continue
        last, _, reading = group[-1]
        where = ", ".join(dict.fromkeys(view.names.text(s.a) for s, _, _ in group))
        message = _several(reading, len(group), where)
        yield Hypothesis(
            last.a,
            change,
            Reading(reading.kind, message, reading.expected, reading.claimed, reading.prior - 0.01),
            places=len(group),
        )


def _several(reading: Reading, count: int, where: str) -> Callable[[], str]:
    shown = where if len(where) < 60 else where[:57] + "…"
    return lambda: f"{reading.message()} The same holds at all {count} places: {shown}."


def _named_function(kind_: str) -> str:
    return {"sigmoid": "σ", "tanh": "tanh", "relu": "relu"}[kind_]


@kind(
    "missing_activation_derivative",
    summary="the gradient passes an activation as if that were the identity",
    right="dz = da ⊙ σ′(z)",
    wrong="dz = da",
)
def missing_activation_derivative(view: View) -> Iterator[Hypothesis]:
    """Yield activations that are passed unchanged."""

    def make(site: ActivationSite) -> tuple[Change | None, Reading]:
        t = _texts(view, site)
        f = _named_function(site.kind)
        return through(view, site, lambda g: g), Reading(
            "missing_activation_derivative",
            lambda: (
                f"{t['dz']} lacks the derivative {f}′: the gradient went through the {site.kind} "
                "unchanged."
            ),
            lambda: right_formula(view, site),
            lambda: f"{t['dz']} = {t['da']}",
            0.9,
        )

    yield from one_and_all(view, sites(view, "sigmoid", "tanh"), make)


@kind(
    "activation_derivative_at_wrong_point",
    summary="the activation's derivative is taken at another value",
    right="dz = da ⊙ σ(z) ⊙ (1 − σ(z))",
    wrong="dz = da ⊙ σ(a) ⊙ (1 − σ(a))  or  da ⊙ z ⊙ (1 − z)",
)
def activation_derivative_at_wrong_point(view: View) -> Iterator[Hypothesis]:
    """Yield derivatives at the output, at the pre-activation and at other values of the shape."""
    found = sites(view, "sigmoid", "tanh")
    for which in ("σ′ of the output", "pre-activation for the output"):

        def make(site: ActivationSite, which: str = which) -> tuple[Change | None, Reading]:
            z, a = view.recording.values[site.z], view.recording.values[site.a]
            t = _texts(view, site)
            f = _named_function(site.kind)
            if which == "σ′ of the output":
                point = FUNCTIONS[site.kind](a)
                text = f"{f}′({t['a']})"
                how = (
                    f"The derivative {f}′ is taken at the output {t['a']} instead of the "
                    f"pre-activation {t['z']}: {f} was applied twice."
                )
            else:
                point = z
                text = _DERIVATIVE[site.kind].format(a=t["z"], z=t["z"])
                how = (
                    f"The derivative {f}′ was written in terms of the output, but the "
                    f"pre-activation "
                    f"{t['z']} was put in for {t['a']}."
                )
            return through(view, site, _by(_slope(site.kind, point))), Reading(
                "activation_derivative_at_wrong_point",
                lambda: how,
                lambda: right_formula(view, site),
                lambda: f"{t['dz']} = {t['da']} ⊙ {text}",
                0.85,
            )

        yield from one_and_all(view, found, make)
    for site in found:
        yield from _at_other_values(view, site)


def _slope(kind_: str, a: Array) -> Array:
    """Return an activation's derivative, written by its output."""
    if kind_ == "sigmoid":
        return np.asarray(a * (1 - a))
    if kind_ == "tanh":
        return np.asarray(1 - a * a)
    return np.asarray(a > 0)


def _by(factor: Array) -> Local:
    return lambda g: g * factor


def _at_other_values(view: View, site: ActivationSite) -> Iterator[Hypothesis]:
    t = _texts(view, site)
    f = _named_function(site.kind)
    a = view.recording.values[site.a]
    others: list[tuple[Node, Any]] = [
        (n, v)
        for n, v in view.recording.values.items()
        if n not in (site.a, site.z)
        and isinstance(v, np.ndarray)
        and v.shape == a.shape
        and (
            view.names.given(n) is not None
            or any(n is s.a or n is s.z for s in view.anatomy.activations)
        )
    ]
    for node, value in view.nearest(site.a, others, len(view.anatomy.activations)):
        if np.array_equal(value, a):
            continue
        other = view.names.text(node)
        yield Hypothesis(
            site.a,
            through(view, site, _by(_slope(site.kind, value))),
            Reading(
                "activation_derivative_at_wrong_point",
                lambda o=other: f"The derivative {f}′ is taken with {o} in place of {t['a']}.",  # type: ignore[misc]
                lambda: right_formula(view, site),
                lambda o=other: (
                    f"{t['dz']} = {t['da']} ⊙ "  # type: ignore[misc]
                    + _DERIVATIVE[site.kind].format(a=o, z=o)
                ),
                0.6,
            ),
        )


@kind(
    "wrong_activation_derivative",
    summary="the derivative of another function is used, or one with a part missing",
    right="dz = da ⊙ (1 − a²)   for a = tanh(z)",
    wrong="dz = da ⊙ a ⊙ (1 − a)   or   da ⊙ (1 − a)",
)
def wrong_activation_derivative(view: View) -> Iterator[Hypothesis]:
    """Yield derivatives of other activations at the right point, and incomplete ones."""
    variants: dict[str, list[tuple[str, Callable[[Array, Array], Array], str]]] = {
        "sigmoid": [
            ("1 − {a}²", lambda z, a: 1 - a * a, "that of tanh"),
            ("[{z} > 0]", lambda z, a: z > 0, "that of relu"),
            ("(1 − {a})", lambda z, a: 1 - a, "incomplete: the factor σ(z) is missing"),
            ("{a}", lambda z, a: a, "incomplete: the factor 1 − σ(z) is missing"),
            ("{a} ⊙ (1 + {a})", lambda z, a: a * (1 + a), "with a wrong sign"),
            ("{a} ⊙ ({a} − 1)", lambda z, a: a * (a - 1), "with the sign reversed"),
        ],
        "tanh": [
            ("{a} ⊙ (1 − {a})", lambda z, a: a * (1 - a), "that of the sigmoid"),
            ("[{z} > 0]", lambda z, a: z > 0, "that of relu"),
            ("(1 − {a})", lambda z, a: 1 - a, "incomplete: the square is missing"),
            ("(1 + {a}²)", lambda z, a: 1 + a * a, "with a wrong sign"),
            ("{a}²", lambda z, a: a * a, "incomplete: 1 − is missing"),
        ],
        "relu": [
            ("{a} ⊙ (1 − {a})", lambda z, a: a * (1 - a), "that of the sigmoid"),
            ("(1 − {a}²)", lambda z, a: 1 - a * a, "that of tanh"),
            ("{a}", lambda z, a: a, "missing: the activation itself stands in its place"),
        ],
    }
    for name, rows in variants.items():
        found = sites(view, name)
        for formula, slope, what in rows:

            def make(
                site: ActivationSite,
                formula: str = formula,
                slope: Callable[[Array, Array], Array] = slope,
                what: str = what,
            ) -> tuple[Change | None, Reading]:
                t = _texts(view, site)
                values = view.recording.values
                factor = np.asarray(slope(values[site.z], values[site.a]))
                return through(view, site, _by(factor)), Reading(
                    "wrong_activation_derivative",
                    lambda: f"The derivative of the {site.kind} at {t['a']} is {what}.",
                    lambda: right_formula(view, site),
                    lambda: f"{t['dz']} = {t['da']} ⊙ " + formula.format(**t),
                    0.75 if what != "with the sign reversed" else 0.5,
                )

            yield from one_and_all(view, found, make)


@kind(
    "relu_mask",
    summary="the relu's mask is missing, of the wrong tensor, reversed, or passes at the kink",
    right="dz = da ⊙ [z > 0]",
    wrong="dz = da   or   da ⊙ [da > 0]   or   da ⊙ [z ≥ 0]",
)
def relu_mask(view: View) -> Iterator[Hypothesis]:
    """Yield gradients that pass a relu with no mask or with another one."""
    found = sites(view, "relu")

    def variant(
        text: str, how: str, mask: Callable[[ActivationSite, Array], Any], prior: float
    ) -> Iterator[Hypothesis]:
        def make(site: ActivationSite) -> tuple[Change | None, Reading]:
            t = _texts(view, site)
            return through(view, site, lambda g: g * mask(site, g)), Reading(
                "relu_mask",
                lambda: how.format(**t),
                lambda: right_formula(view, site),
                lambda: text.format(**t),
                prior,
            )

        yield from one_and_all(view, found, make)

    values = view.recording.values
    yield from variant(
        "{dz} = {da}", "{dz} lacks the relu's mask [{z} > 0].", lambda s, g: 1.0, 0.9
    )
    yield from variant(
        "{dz} = {da} ⊙ [{da} > 0]",
        "The relu's mask is taken of the arriving gradient {da}, not of {z}.",
        lambda s, g: g > 0,
        0.85,
    )
    yield from variant(
        "{dz} = {da} ⊙ [{z} < 0]",
        "The relu's mask is reversed: gradients pass where {z} is negative.",
        lambda s, g: values[s.z] < 0,
        0.8,
    )
    yield from variant(
        "{dz} = {da} ⊙ [{z} ≥ 0]",
        "The relu's mask passes the gradient where {z} is exactly 0 (≥ for >), or where {a} ≥ 0, "
        "which always holds.",
        lambda s, g: values[s.z] >= 0,
        0.88,
    )
    for site in found:
        yield from _other_masks(view, site)


def _other_masks(view: View, site: ActivationSite) -> Iterator[Hypothesis]:
    t = _texts(view, site)
    shape = site.a.shape
    right = view.recording.values[site.z] > 0
    candidates: list[tuple[Node | None, Any]] = [
        (n, v)
        for n, v in view.recording.values.items()
        if isinstance(v, np.ndarray) and v.shape == shape and n not in (site.a, site.z)
    ]
    candidates += [(None, c) for c in view.anatomy.constants if c.shape == shape]
    for node, value in view.nearest(site.a, candidates, len(view.anatomy.activations)):
        name = view.names.text(node, value)
        mask = value > 0
        if np.array_equal(mask, right):
            continue
        yield Hypothesis(
            site.a,
            through(view, site, _by(mask)),
            Reading(
                "relu_mask",
                lambda n=name: f"The relu's mask is taken of {n} instead of {t['z']}.",  # type: ignore[misc]
                lambda: right_formula(view, site),
                lambda n=name: f"{t['dz']} = {t['da']} ⊙ [{n} > 0]",  # type: ignore[misc]
                0.7,
            ),
        )


@kind(
    "wrong_derivative",
    summary="the derivative of an elementwise function is wrong",
    right="dx = dy ⊙ (−½) x^(−3/2)   for y = x^(−1/2)",
    wrong="dx = dy ⊙ (−½) x^(−1/2)",
)
def wrong_derivative(view: View) -> Iterator[Hypothesis]:
    """Yield elementary functions with the slips people make in their derivatives."""
    for node in view.recording.nodes:
        if node not in view.reach or node not in view.recording.gradients or node.primitive is None:
            continue
        for k, text, how, factor in _slips(view, node):
            target = node.inputs[k]
            assert target is not None
            if np.shape(factor) not in ((), node.shape):
                continue
            change = view.replace((node, k), _summed_to(target, factor))
            if change is None:
                continue
            name = view.gradient_name(target)
            upstream = view.gradient_name(node)
            yield Hypothesis(
                node,
                change,
                Reading(
                    "wrong_derivative",
                    lambda how=how, n=node: (
                        f"The derivative of {view.names.text(n)} is wrong: {how}."
                    ),  # type: ignore[misc]
                    lambda name=name, e=(node, k): f"{name} = {view.names.rule(e)}",  # type: ignore[misc]
                    lambda name=name, u=upstream, text=text: f"{name} = {u} ⊙ {text}",  # type: ignore[misc]
                    0.7,
                ),
            )


def _summed_to(target: Node, factor: Any) -> Local:
    def local(g: Array) -> Array:
        product = g * factor
        extra = product.ndim - len(target.shape or ())
        product = product.sum(axis=tuple(range(extra))) if extra else product
        axes = tuple(
            d for d, n in enumerate(target.shape or ()) if n == 1 and product.shape[d] != 1
        )
        return np.asarray(product.sum(axis=axes, keepdims=True) if axes else product)

    return local


def _slips(view: View, node: Node) -> Iterator[tuple[int, str, str, Any]]:
    inputs, y = view.recording.inputs(node), view.recording.values[node]
    x = inputs[0]
    text = [
        view.names.text(parent, value) for parent, value in zip(node.inputs, inputs, strict=True)
    ]
    out = view.names.text(node)
    with np.errstate(all="ignore"):
        if node.name == "pow" and node.inputs[0] is not None and np.ndim(inputs[1]) == 0:
            b = float(inputs[1])
            yield 0, f"{b:g}·{text[0]}^{b:g}", "the exponent is not lowered by one", b * y
            yield 0, f"{text[0]}^({b - 1:g})", "the factor of the exponent is missing", x ** (b - 1)
        elif node.name == "sqrt":
            yield 0, f"1 / (2 {text[0]})", "the root is missing in the denominator", 0.5 / x
            yield 0, f"½ {out}", "the root stands in the numerator", 0.5 * y
        elif node.name == "exp":
            yield 0, text[0], "the exponential is missing", x
            yield 0, "1", "the derivative is missing", 1.0
        elif node.name == "log":
            yield 0, f"1 / {out}", "it divides by the logarithm, not by its argument", 1 / y
            yield 0, "1", "the derivative is missing", 1.0
        elif node.name == "div" and node.inputs[1] is not None:
            a, b = inputs
            yield 1, f"−{text[0]} / {text[1]}", "the square of the denominator is missing", -a / b
            yield 1, f"−1 / {text[1]}²", "the numerator is missing", -1 / (b * b)
            yield 1, f"1 / {text[1]}", "that is the numerator's", 1 / b
        elif node.name == "mul" and node.inputs[0] is not node.inputs[1]:
            for k in (0, 1):
                if node.inputs[k] is None or np.ndim(inputs[1 - k]) == 0:
                    continue
                yield k, "1", f"the other factor, {text[1 - k]}, is missing", 1.0
                if node.inputs[1 - k] is not None:
                    yield k, text[k], "the other factor is meant, not this one itself", inputs[k]
