"""The loss and the softmax in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.verify.catalogue.activations import one_and_all, right_formula, sites, through
from chainrule.verify.catalogue.registry import kind
from chainrule.verify.catalogue.scaling import total
from chainrule.verify.diagnosis.anatomy import ActivationSite, softmax
from chainrule.verify.diagnosis.hypothesis import Hypothesis, Reading, View
from chainrule.verify.diagnosis.recording import Array, Change


@kind(
    "elementwise_softmax",
    summary="the softmax is differentiated entry by entry, without its off-diagonal terms",
    right="dz = p ⊙ (dp − Σ(dp ⊙ p))",
    wrong="dz = dp ⊙ p ⊙ (1 − p)",
)
def elementwise_softmax(view: View) -> Iterator[Hypothesis]:
    """Yield softmaxes whose Jacobian is taken to be diagonal."""
    for text, how, factor, prior in (
        (
            "{p} ⊙ (1 − {p})",
            "The softmax {p} is differentiated entry by entry, p(1 − p): every entry depends "
            "on all "
            "logits, and the terms −pᵢpⱼ of its Jacobian are missing.",
            lambda p: p * (1 - p),
            0.9,
        ),
        (
            "{p}",
            "Of the softmax's Jacobian only p remains: the term −p Σ(dp ⊙ p) is missing.",
            lambda p: p,
            0.84,
        ),
        ("1", "The softmax {p} is passed unchanged: its Jacobian is missing.", np.ones_like, 0.83),
    ):

        def make(
            site: ActivationSite,
            text: str = text,
            how: str = how,
            factor: Callable[[Array], Array] = factor,
            prior: float = prior,
        ) -> tuple[Change | None, Reading]:
            p = view.recording.values[site.a]
            slope = factor(p)
            name = view.names.text(site.a)
            dz, da = view.gradient_name(site.z), view.gradient_name(site.a)
            return through(view, site, lambda g: g * slope), Reading(
                "elementwise_softmax",
                lambda: how.format(p=name),
                lambda: right_formula(view, site),
                lambda: f"{dz} = {da} ⊙ {text.format(p=name)}",
                prior,
            )

        yield from one_and_all(view, sites(view, "softmax"), make)
    for node, p, targets, c in _logits(view):
        # What the cross-entropy's −onehot / p becomes with a diagonal Jacobian, and with none, also
        # where the forward pass never computed p.
        name, n = view.gradient_name(node), _count(c)
        for value, text, how, prior in (
            (
                c * targets * (p - 1),
                f"onehot(y) ⊙ (p − 1){n}",
                "differs from 0 at the target class only: the softmax was differentiated entry by "
                "entry, p(1 − p), without the terms −pᵢpⱼ of its Jacobian.",
                0.89,
            ),
            (
                -c * targets / p,
                f"−onehot(y) / p{n}",
                "is the derivative by the probabilities p: the softmax's Jacobian is missing.",
                0.83,
            ),
        ):
            yield Hypothesis(
                node,
                Change(nodes={node: lambda _, v=value: v}),  # type: ignore[misc]
                Reading(
                    "elementwise_softmax",
                    lambda m=name, h=how: f"{m} {h}",  # type: ignore[misc]
                    lambda m=name, k=n: f"{m} = (p − onehot(y)){k}",  # type: ignore[misc]
                    lambda m=name, t=text: f"{m} = {t}",  # type: ignore[misc]
                    prior,
                ),
            )


# --- What arrives at the prediction ---------------------------------------------------------------


def _logits(view: View) -> Iterator[tuple[Node, Array, Array, float]]:
    """Yield values whose right gradient is c · (softmax − targets): node, softmax, targets, c."""
    for node in view.recording.nodes:
        g = view.recording.gradients.get(node)
        z = view.recording.values.get(node)
        if (
            node not in view.reach
            or node.primitive is None
            or not isinstance(g, np.ndarray)
            or not isinstance(z, np.ndarray)
            or z.ndim == 0
            or z.shape[-1] < 2
            or z.dtype.kind != "f"
        ):
            continue
        for dim in (-1, -2)[: z.ndim]:
            p = softmax(z.astype(np.float64), dim)
            # Where the target is 0 the gradient is c · p: the factor most entries agree on.
            with np.errstate(all="ignore"):
                ratio = g / p
            ratio = ratio[np.isfinite(ratio)]
            if not ratio.size:
                continue
            c = float(np.median(ratio[ratio > 0])) if np.any(ratio > 0) else 0.0
            if c <= 0:
                continue
            targets = p - g / c
            if _is_distribution(targets, dim):
                yield node, p, np.round(targets, 6), c
                break


def _is_distribution(targets: Array, dim: int) -> bool:
    return bool(
        np.allclose(targets.sum(axis=dim), 1, atol=1e-3)
        and np.all((np.abs(targets) < 1e-3) | (np.abs(targets - 1) < 1e-3))
    )


@kind(
    "missing_one_hot",
    summary="the one-hot target is not subtracted from the softmax",
    right="dz = (p − onehot(y)) / n",
    wrong="dz = p / n",
)
def missing_one_hot(view: View) -> Iterator[Hypothesis]:
    """Yield logits whose gradient is the softmax alone, the target alone, or mixed up."""
    for node, p, targets, c in _logits(view):
        name = view.gradient_name(node)
        n = _count(c)
        rows: list[tuple[Array, str, str, float]] = [
            (
                c * p,
                f"p{n}",
                "lacks the targets: the one-hot rows are not subtracted from p.",
                0.92,
            ),
            (-c * targets, f"−onehot(y){n}", "lacks the softmax: only the targets remain.", 0.8),
            (
                c * (1 - targets) * p,
                f"p{n} except at the target, 0 there",
                "is 0 at the target class.",
                0.7,
            ),
            (
                c * (p - 1),
                f"(p − 1){n}",
                "has 1 subtracted everywhere, not at the target only.",
                0.8,
            ),
            (
                c * (p + targets),
                f"(p + onehot(y)){n}",
                "has the targets added, not subtracted.",
                0.8,
            ),
        ]
        classes = targets.shape[-1]
        if targets.ndim == 2 and p.ndim == 2:
            index = targets.argmax(axis=-1)
            if int(index.max(initial=0)) < classes:
                column = np.array(p)
                column[:, index] -= 1
                rows.append(
                    (
                        c * column,
                        f"(p[:, y] − 1){n}",
                        "has 1 subtracted from whole columns p[:, y], not from the entries "
                        "p[arange(n), y].",
                        0.85,
                    )
                )
        for value, text, how, prior in rows:
            yield Hypothesis(
                node,
                Change(nodes={node: lambda _, v=value: v}),  # type: ignore[misc]
                Reading(
                    "missing_one_hot",
                    lambda n=name, h=how: f"{n} {h}",  # type: ignore[misc]
                    lambda m=name, k=n, v=node: (
                        f"{m} = (p − onehot(y)){k}, p = softmax({view.names.text(v)})"
                    ),  # type: ignore[misc]
                    lambda n=name, t=text: f"{n} = {t}",  # type: ignore[misc]
                    prior,
                ),
            )


def _count(c: float) -> str:
    n = 1 / c
    return (
        "" if abs(n - 1) < 1e-6 else f" / {round(n)}" if abs(n - round(n)) < 1e-3 else f" · {c:.4g}"
    )


def _targets(view: View) -> list[Array]:
    """Return the constants that could be targets."""
    return [np.asarray(c, np.float64) for c in view.anatomy.constants if c.dtype.kind in "fiub"]


@kind(
    "wrong_loss_derivative",
    summary="the derivative of another loss is used",
    right="da = −y / a + (1 − y) / (1 − a)   for the binary cross-entropy",
    wrong="da = a − y",
)
def wrong_loss_derivative(view: View) -> Iterator[Hypothesis]:
    """Yield predictions at which the derivative of another loss arrives."""
    shown = {n for s in view.anatomy.activations for n in (s.a, s.z)}
    shown |= {p.edge[0] for p in view.anatomy.products}
    shown |= {n for n in view.recording.nodes if n.name in ("add", "reshape", "squeeze", "getitem")}
    candidates = [
        node
        for node in view.recording.nodes
        if node in view.reach and node in view.recording.gradients
        and node.primitive is not None and (node in shown or view.names.given(node) is not None)
        and isinstance(view.recording.values[node], np.ndarray)
        and view.anatomy.layers.get(node, 0) == max(view.anatomy.layers.values(), default=0)
    ]  # fmt: skip
    logits = {node: t for node, _, t, _ in _logits(view)}
    for node in candidates:
        a = np.asarray(view.recording.values[node], np.float64)
        one_hot = next(iter(logits.values()), None)
        targets = [t for t in _targets(view) if t.shape == a.shape]
        if one_hot is not None and one_hot.shape == a.shape:
            targets.append(one_hot)
        for t in targets:
            for value, text, loss in _derivatives(a, t):
                if not np.all(np.isfinite(value)):
                    continue
                yield from _with_divisors(view, node, value, text, loss)


def _derivatives(a: Array, t: Array) -> Iterator[tuple[Array, str, str]]:
    with np.errstate(all="ignore"):
        yield a - t, "a − y", "half the squared error"
        yield np.sign(a - t), "sign(a − y)", "the absolute error"
        yield (a - t) / (a * (1 - a)), "(a − y) / (a (1 − a))", "the binary cross-entropy"
        yield -t / a, "−y / a", "the cross-entropy (without the terms of 1 − y)"
        yield (1 - t) / (1 - a), "(1 − y) / (1 − a)", "half of the binary cross-entropy"
        yield (a - t) * a * (1 - a), "(a − y) a (1 − a)", "the squared error of a sigmoid's output"
        sigmoid = 1 / (1 + np.exp(-a))
        yield sigmoid - t, "σ(a) − y", "the binary cross-entropy of logits"
        yield (
            (sigmoid - t) * sigmoid * (1 - sigmoid),
            "(σ(a) − y) σ′(a)",
            "the squared error of σ(a)",
        )
        if a.ndim and a.shape[-1] > 1:
            p = softmax(a)
            yield p - t, "softmax(a) − y", "the cross-entropy of softmax(a)"
            yield (
                p * ((p - t) - ((p - t) * p).sum(axis=-1, keepdims=True)),
                "the softmax's Jacobian times (p − y)",
                "the squared error of softmax(a)",
            )
            yield (p - t) * p * (1 - p), "(p − y) p (1 − p)", "the squared error, entry by entry"
        yield np.asarray(t, np.float64) * 0 + a, "a", "half the squared norm: the target is missing"


def _with_divisors(
    view: View, node: Node, value: Array, text: str, loss: str
) -> Iterator[Hypothesis]:
    name = view.gradient_name(node)
    right = view.recording.gradients[node]
    length = float(np.vdot(value, value))
    # The same up to a factor is a question of scale, not of the loss.
    if length == 0 or _parallel(value, right):
        return

    divisors: list[tuple[float, str]] = [(1.0, ""), (2.0, "2·")]
    rows = int((node.shape or (1,))[0]) if node.shape else 1
    every = int(np.prod(node.shape or ()))
    for n in dict.fromkeys((rows, every)):
        if n > 1:
            divisors += [(1 / n, f"1/{n} · "), (2 / n, f"2/{n} · ")]
    for factor, written in divisors:
        scaled = factor * value
        said = Reading(
            "wrong_loss_derivative",
            lambda: (
                f"{name} is the derivative of another loss, {loss}, at a = {view.names.text(node)}."
            ),
            lambda: f"{name} = {total(view, node)}",
            lambda w=written: f"{name} = {w}({text})" if w else f"{name} = {text}",  # type: ignore[misc]
            0.72,
        )
        yield Hypothesis(node, Change(nodes={node: lambda _, v=scaled: v}), said)  # type: ignore[misc]


def _parallel(a: Any, b: Any) -> bool:
    x, y = np.ravel(a), np.ravel(b)
    if x.shape != y.shape:
        return False
    product = float(x @ y)
    return abs(product**2 - float(x @ x) * float(y @ y)) <= 1e-9 * float(x @ x) * float(y @ y)
