"""`explain` and what it returns."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.explanation.derivation import Derivation, Value
from chainrule.explanation.derive import derive, focused
from chainrule.explanation.numbers import Amount
from chainrule.tensor import Tensor

if TYPE_CHECKING:
    from chainrule.graph import Node

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
FORMATS = {
    ".txt": "text",
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".svg": "svg",
    ".json": "json",
}


class Explanation:
    """A derivation, ready to be read as text, Markdown, LaTeX, HTML, SVG or JSON.

    Attributes:
        derivation: the structure that all renderings are written from.
        amount: how much of each array they show.
    """

    def __init__(self, derivation: Derivation, amount: Amount | None = None) -> None:
        self.derivation = derivation
        self.amount = amount if amount is not None else Amount()

    def text(self, *, color: bool = False, width: int = 80) -> str:
        """Return the derivation as Unicode text for a terminal.

        Args:
            color: with ANSI colours.
            width: columns of the terminal, at least 40.
        """
        from chainrule.explanation.render.text import render

        if width < 40:
            raise ValueError(f"text: expected a width of at least 40 columns, got {width}")
        return render(self.derivation, self.amount, width, color)

    def markdown(self) -> str:
        """Return the derivation as Markdown with formulas in ``$…$``."""
        from chainrule.explanation.render.markdown import render

        return render(self.derivation, self.amount)

    def latex(self) -> str:
        """Return the derivation as a LaTeX document that compiles with pdflatex."""
        from chainrule.explanation.render.latex import render

        return render(self.derivation, self.amount)

    def to_dict(self) -> dict[str, Any]:
        """Return the derivation as plain data; docs/explanation-schema.md describes it."""
        from chainrule.explanation.render.data import render

        return render(self.derivation)

    def svg(self) -> str:
        """Return the computation graph as a picture, with values and gradients on it."""
        from chainrule.explanation.render.svg import render

        return render(self.derivation, self.amount)

    def html(self) -> str:
        """Return one page that needs no network: the graph, a stepper, formulas and numbers."""
        from chainrule.explanation.render.html import render

        return render(self.derivation, self.amount)

    def json(self) -> str:
        """Return `to_dict` as JSON text."""
        from chainrule.explanation.render.data import to_json

        return to_json(self.derivation)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the derivation to a file in the format that its ending asks for.

        Args:
            path: ends in .txt, .md, .tex, .html, .svg or .json.

        Raises:
            ValueError: for another ending.
        """
        target = Path(path)
        try:
            written = self.render(FORMATS[target.suffix.lower()])
        except KeyError:
            raise ValueError(
                f"save: the ending of {target.name!r} names no format; use one of "
                f"{', '.join(FORMATS)}"
            ) from None
        target.write_text(written, encoding="utf-8")
        return target

    def render(self, format: str) -> str:
        """Return the derivation in a format by name: "text", "markdown", "latex", "html", …"""
        renderings = {
            "text": self.text,
            "markdown": self.markdown,
            "latex": self.latex,
            "html": self.html,
            "svg": self.svg,
            "json": self.json,
        }
        return renderings[format]()

    def __getitem__(self, name: str | Tensor) -> Explanation:
        """Return the derivation of one value only: its path back to the loss.

        Raises:
            KeyError: if no value of the derivation is called so.
        """
        return Explanation(focused(self.derivation, self._find(name)), self.amount)

    def _find(self, name: str | Tensor) -> Value:
        values = self.derivation.values.values()
        if isinstance(name, Tensor):
            for value in values:
                if value.node is not None and value.node is name._node:
                    return value
            raise KeyError("this tensor is no part of the explained graph, or needs no gradient")
        for value in values:
            gradient = value.gradient_symbol
            if name == value.name or (gradient is not None and name == gradient.name):
                if value.gradient is None:
                    raise KeyError(
                        f"{name} is a constant: no gradient was asked for. Make it with "
                        "requires_grad=True to have one"
                    )
                return value
            if name == self.derivation.loss_name and value.key == self.derivation.loss:
                return value
        known = [v.name for v in values if v.gradient is not None]
        close = difflib.get_close_matches(name, known, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known[:20])}"
        raise KeyError(f"no value is called {name!r}; {hint}")

    def __repr__(self) -> str:
        loss = self.derivation.values[self.derivation.loss]
        count = sum(1 for _ in self.derivation.forward())
        gradients = len(self.derivation.steps)
        return f"<Explanation of {loss.name}: {count} operations, {gradients} gradients>"

    def __str__(self) -> str:
        return self.text()

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        """Show the page inside a notebook, in a frame of its own."""
        from html import escape

        return (
            '<iframe title="Explanation of a gradient" style="width:100%;height:640px;border:0" '
            f'srcdoc="{escape(self.html(), quote=True)}"></iframe>'
        )


def explain(
    loss: Tensor,
    model: Any = None,
    names: Mapping[str, Any] | None = None,
    *,
    convention: str | None = None,
    precision: int = 4,
    max_entries: int = 64,
    scope: FrameType | Mapping[str, Any] | None = None,
    leaves: Mapping[Node, Any] | None = None,
) -> Explanation:
    """Explain every gradient of a tensor: the forward pass and the chain rule, with its numbers.

    Call it before ``backward()``, or after ``backward(retain_graph=True)``. Nothing is changed:
    neither a ``.grad`` nor the graph.

    Args:
        loss: what is differentiated, usually a scalar; of another shape, the sum of its entries is.
        model: a module; its parameters, buffers and tensor attributes give names.
        names: more names, each with the tensor it stands for: ``{"W": W}``.
        convention: "row" or "column": how samples lie; None for as the program has them.
        precision: digits after the point.
        max_entries: arrays with more entries are summarised.
        scope: where the caller's variables are looked up; the calling frame if None.
        leaves: arrays that leaves held when the loss was computed, by node, if they changed since.

    Raises:
        TypeError: if ``loss`` is no Tensor or ``names`` does not map strings to tensors.
        ValueError: for another convention or a negative precision.
        RuntimeError: if the tensor has no graph, it was freed, or values in it changed since.

    >>> import chainrule as cr
    >>> w = cr.tensor(3.0, requires_grad=True)
    >>> x = cr.tensor(2.0)
    >>> error = w * x - 5
    >>> loss = error**2
    >>> print(cr.explain(loss)["w"].text())
    How L (your loss) depends on w
    <BLANKLINE>
    Given
      w = 3.0000                                                              scalar
    ...
    """
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"explain: expected the Tensor that is differentiated, got {type(loss).__name__}; pass "
            "the loss itself, not its value or its gradient"
        )
    if convention not in (None, "row", "column"):
        raise ValueError(
            f'explain: expected convention "row" or "column" (or None for the program\'s own), got '
            f"{convention!r}"
        )
    amount = Amount(precision, max_entries)
    if scope is None:
        scope = _caller()
    # What overflows or is not a number is said in the explanation; NumPy need not say it as well.
    with np.errstate(all="ignore"):
        return Explanation(derive(loss, model, names, scope, convention, leaves), amount)


def _caller() -> FrameType | None:
    """Return the frame of the program that called into this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame
