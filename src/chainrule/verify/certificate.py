"""One certificate for a model: its gradients against every other way of computing them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.replay import gradients, root_of
from chainrule.tensor import Tensor
from chainrule.verify import references
from chainrule.verify.reevaluation import Reevaluation
from chainrule.verify.references import Comparison

METHODS = ("textbook", "finite differences", "complex step", "PyTorch")


@dataclass(frozen=True)
class CertificateRow:
    """One parameter of a certificate.

    Attributes:
        name: the parameter's name.
        shape: its shape.
        errors: per method the largest error of the engine's gradient, in units in the last place of
            the parameter's largest gradient entry; None where the method does not apply.
        ok: whether every error is explained by rounding (and the method's own error).
        spent: the rules are right, as the same rules in double precision show, but the gradient
            has lost more than a thousandth of its size to cancellation in its own precision.
    """

    name: str
    shape: tuple[int, ...]
    errors: dict[str, float | None]
    ok: bool
    spent: bool = False


@dataclass(frozen=True)
class Certificate:
    """What `prove` found.

    Attributes:
        ok: every gradient agrees with every method that applies, and at least one does.
        rows: one per parameter.
        methods: the methods, with what each did (or why it does not apply).
        loss: the loss's value.
        dtype: the precision of the engine's gradients, and the unit of the errors.
    """

    rows: list[CertificateRow]
    methods: dict[str, str]
    loss: float
    dtype: str
    applied: frozenset[str] = field(default=frozenset())

    @property
    def ok(self) -> bool:
        """Whether all gradients agree with every method that applies."""
        return bool(self.applied) and bool(self.rows) and all(row.ok for row in self.rows)

    @property
    def verdict(self) -> str:
        """The outcome in a few words."""
        if not self.applied:
            return "nothing to compare with"
        if self.ok:
            return "all gradients agree"
        if all(row.ok or row.spent for row in self.rows):
            return "the rules agree, the precision is spent"
        return "GRADIENTS DISAGREE"

    def _advice(self) -> str:
        return (
            f"right in double precision; in {self.dtype} the values that this gradient is made of "
            "cancel and leave fewer than three digits. Prove it in float64, or where the loss is "
            "not yet so small"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as plain data."""
        return {
            "ok": self.ok,
            "loss": self.loss,
            "dtype": self.dtype,
            "methods": dict(self.methods),
            "rows": [
                {
                    "name": r.name,
                    "shape": list(r.shape),
                    "errors": dict(r.errors),
                    "ok": r.ok,
                    "spent": r.spent,
                }
                for r in self.rows
            ],
        }

    def json(self) -> str:
        """Return the certificate as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def text(self) -> str:
        """Return the certificate as text of at most 80 columns."""
        count = sum(int(np.prod(r.shape)) for r in self.rows)
        lines = [
            f"Certificate: {self.verdict}",
            f"{len(self.rows)} parameters, {count} entries, {self.dtype}; loss {self.loss:.6g}",
            "Errors in units in the last place of each gradient's largest entry:",
            "",
        ]
        columns = [m for m in METHODS if m in self.applied]
        name_width = min(28, max([9, *(len(r.name) for r in self.rows)]))
        shape_width = max([5, *(len(_shape(r.shape)) for r in self.rows)])
        head = f"  {'parameter':<{name_width}}  {'shape':<{shape_width}}"
        titles = {m: m.replace("differences", "diff.") for m in columns}
        lines.append(head + "".join(f"  {titles[m]:>12}" for m in columns))
        for row in self.rows:
            name = row.name if len(row.name) <= name_width else "…" + row.name[1 - name_width :]
            cells = "".join(f"  {_cell(row.errors.get(m)):>12}" for m in columns)
            mark = "" if row.ok else "  ~" if row.spent else "  ✗"
            lines.append(f"  {name:<{name_width}}  {_shape(row.shape):<{shape_width}}{cells}{mark}")
        lines.append("")
        if any(row.spent for row in self.rows):
            lines.extend(_wrapped(f"~ {self._advice()}", width=78))
        for method, note in self.methods.items():
            lines.extend(_wrapped(f"{method}: {note}", width=78))
        return "\n".join(lines)

    def html(self) -> str:
        """Return the certificate as an HTML fragment."""
        columns = [m for m in METHODS if m in self.applied]
        head = "".join(f"<th>{escape(m)}</th>" for m in columns)
        body = []
        for r in self.rows:
            cells = "".join(
                f'<td style="text-align:right">{escape(_cell(r.errors.get(m)))}</td>'
                for m in columns
            )
            colour = "" if r.ok else ' style="background:#fde8e8"'
            body.append(
                f"<tr{colour}><td><code>{escape(r.name)}</code></td>"
                f"<td>{escape(_shape(r.shape))}</td>{cells}"
                f"<td>{'✓' if r.ok else '~' if r.spent else '✗'}</td></tr>"
            )
        notes = "".join(
            f"<li><b>{escape(m)}</b>: {escape(note)}</li>" for m, note in self.methods.items()
        )
        if any(row.spent for row in self.rows):
            notes = f"<li><b>~</b>: {escape(self._advice())}</li>{notes}"
        return (
            '<div class="chainrule-certificate" style="font-family:sans-serif;max-width:60em">'
            f"<h3>Certificate: {self.verdict.lower()}</h3>"
            f"<p>Loss {self.loss:.6g}, {escape(self.dtype)}. "
            "Errors in units in the last place of each gradient's largest entry.</p>"
            f'<table style="border-collapse:collapse"><thead><tr><th style="text-align:left">'
            f'parameter</th><th style="text-align:left">shape</th>{head}<th></th></tr></thead>'
            f"<tbody>{''.join(body)}</tbody></table><ul>{notes}</ul></div>"
        )

    def _repr_html_(self) -> str:
        return self.html()

    def __str__(self) -> str:
        return self.text()


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) if shape else "scalar"


def _cell(error: float | None) -> str:
    if error is None:
        return "–"
    if error == 0:
        return "0"
    return f"{error:.2g}" if error < 100 else f"{error:.3g}"


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")


def prove(
    model: Any,
    inputs: Any,
    targets: Any,
    loss: Callable[[Any, Any], Any],
    *,
    methods: Iterable[str] = METHODS,
    directions: int = 8,
    exhaustive: int = 512,
    seed: int = 0,
) -> Certificate:
    """Certify a model's gradients: the engine against everything else that can compute them.

    The model and the loss run once. The recorded graph is then evaluated in double precision by
    methods that share nothing with the derivative rules:

    - *textbook*: the delta recursion in plain NumPy, for stacks of dense layers;
    - *finite differences*: central differences with Richardson extrapolation (Richardson,
      Phil. Trans. R. Soc. A 210, 1911);
    - *complex step*: Im f(x + ih) / h, free of cancellation, for graphs of analytic operations
      (Squire and Trapp, SIAM Review 40, 1998);
    - *PyTorch*, where it is installed: the same operations recorded and differentiated there.

    The two methods that move one entry at a time do so for every entry of models with at most
    ``exhaustive`` of them, and along ``directions`` random directions per parameter beyond that.

    Args:
        model: a module, or any function of ``inputs`` whose parameters require grad.
        inputs: what the model is called with; arrays become tensors.
        targets: what the loss compares with; arrays become tensors.
        loss: ``loss(output, targets)``, a tensor with one element.
        methods: the methods to try.
        directions: how many random directions per parameter.
        exhaustive: the number of entries up to which each is moved by itself.
        seed: of the random directions.

    Raises:
        TypeError: for an unknown method.
        RuntimeError: if the loss has more than one element or depends on no parameter.

    >>> import chainrule as cr
    >>> W = cr.tensor([[0.5, -1.0]], requires_grad=True)
    >>> certificate = cr.verify.prove(
    ...     lambda x: (x @ W.mT).tanh(), [[1.0, 2.0]], [[0.5]],
    ...     lambda y, t: ((y - t) ** 2).mean(), methods=["finite differences", "complex step"],
    ... )
    >>> certificate.ok
    True
    """
    chosen = tuple(methods)
    unknown = [m for m in chosen if m not in METHODS]
    if unknown:
        raise TypeError(f"unknown method {unknown[0]!r}; the methods are {', '.join(METHODS)}")
    call = model if callable(model) else model.forward
    value = loss(call(_as_tensor(inputs)), _as_tensor(targets))
    if not isinstance(value, Tensor) or value._array.size != 1:
        given = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise RuntimeError(
            f"prove: the loss must be a tensor with one element, got {given}; reduce it with "
            ".mean() or .sum()"
        )
    root = root_of(value)
    found = gradients(value)
    names = leaf_names(model, root, found)
    function = Reevaluation(value)
    parameters = [node for node in names if node in function.leaves]
    comparisons: dict[str, Comparison] = {}
    notes: dict[str, str] = {}
    for method in METHODS:
        if method not in chosen:
            continue
        result = references.compute(
            method,
            value,
            function,
            parameters,
            directions=directions,
            exhaustive=exhaustive,
            seed=seed,
        )
        notes[method] = result.note
        if result.applies:
            comparisons[method] = result
    precise = function.engine_gradients()
    sizes = [float(np.max(np.abs(found[node]), initial=0)) for node in parameters]
    largest = max((size for size in sizes if np.isfinite(size)), default=0.0)
    rows = [
        _row(names[node], node, np.asarray(found[node]), comparisons, precise.get(node), largest)
        for node in parameters
    ]
    return Certificate(
        rows,
        notes,
        float(value._array.reshape(())),
        str(value._array.dtype),
        frozenset(comparisons),
    )


# How many units in the last place rounding may cost for each square root of a term in the sums that
# make up a gradient. Measured errors are a tenth of it; a wrong rule is wrong by thousands.
_ROUNDING = 64.0
# Where values cancel (p − onehot of a confident classifier) rounding in the forward pass costs
# more. The same rules in double precision show how much; beyond this part of a gradient it is no
# excuse.
_CANCELLATION = 1e-3
# How far right gradients in double precision may be from the other methods, relative.
_DOUBLE = 1e-6


def _row(
    name: str,
    node: Node,
    gradient: Any,
    comparisons: dict[str, Comparison],
    precise: Any,
    largest: float,
) -> CertificateRow:
    errors: dict[str, float | None] = {}
    ok = bool(np.all(np.isfinite(gradient)))
    unit = unit_in_last_place(gradient)
    # A gradient that is 0 but for rounding (that of a bias before a normalisation) is as inexact as
    # what cancels in it, of which the largest gradient of the model tells the size.
    eps = float(np.finfo(gradient.dtype).eps)
    allowed = _ROUNDING * max(unit, eps * largest)
    if precise is not None and gradient.size:
        lost = float(np.max(np.abs(precise - gradient)))
        allowed += min(2 * lost, _CANCELLATION * float(np.max(np.abs(gradient))))
    finite = ok
    for method, comparison in comparisons.items():
        error, uncertainty = comparison.error(node, gradient)
        errors[method] = error / unit
        ok = ok and error <= allowed + 10 * uncertainty
    spent = not ok and finite and precise is not None and _agrees(node, precise, comparisons)
    return CertificateRow(name, tuple(gradient.shape), errors, ok, spent)


def _agrees(node: Node, precise: Any, comparisons: dict[str, Comparison]) -> bool:
    """Tell whether the rules in double precision agree with the methods that work in it."""
    size = float(np.max(np.abs(precise), initial=0))
    outcomes = []
    for comparison in comparisons.values():
        error, uncertainty = comparison.error(node, precise)
        outcomes.append(error <= _DOUBLE * size + 10 * uncertainty)
    return bool(outcomes) and all(outcomes)


def unit_in_last_place(gradient: Any) -> float:
    """Return the spacing of floats at a gradient's largest entry."""
    array = np.asarray(gradient)
    largest = np.max(np.abs(array), initial=0) if array.size else array.dtype.type(0)
    if not np.isfinite(largest):
        return float("nan")
    return float(np.spacing(max(largest, np.finfo(array.dtype).tiny)))


def _as_tensor(value: Any) -> Any:
    if isinstance(value, np.ndarray | list | int | float | np.generic):
        from chainrule.ops.creation import as_tensor

        return as_tensor(value)
    return value


def leaf_names(model: Any, root: Node, reached: Iterable[Node]) -> dict[Node, str]:
    """Return the parameters of a model that a graph depends on, with their names.

    Without ``named_parameters`` the leaves of the graph are named by their order.
    """
    wanted = {node for node in reached if node.primitive is None}
    names: dict[Node, str] = {}
    listed = getattr(model, "named_parameters", None)
    if callable(listed):
        for name, parameter in listed():
            if parameter._node in wanted:
                names[parameter._node] = name
    for k, node in enumerate(sorted(wanted, key=lambda n: n.index), start=1):
        names.setdefault(node, f"leaf {k}")
    if not names:
        raise RuntimeError(
            "prove: the loss depends on no tensor with requires_grad=True; nothing to certify"
        )
    return names
