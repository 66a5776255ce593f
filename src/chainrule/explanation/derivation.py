"""The derivation: one structure between the graph and every rendering.

A `Derivation` says what was computed (its values, in order), what the chain rule makes of it (its
backward steps, in the order in which they run), how the values belong to layers, and what is worth
noticing. Renderings read it and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.symbol import Expr, Symbol

if TYPE_CHECKING:
    from chainrule.graph import Node

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A line of the user's program: its file, its number and its text, stripped."""

    file: str
    line: int
    text: str
    function: str


@dataclass(slots=True, eq=False)
class Value:
    """One value of the forward pass.

    Attributes:
        key: identifies it inside the derivation, for example ``"v3"``.
        role: "parameter" (a leaf that requires grad), "constant", "intermediate" or "loss".
        array: its numbers, laid out as the derivation's convention says.
        symbol: its name.
        gradient: ∂L/∂value, laid out like ``array``; None for constants.
        gradient_symbol: the gradient's name: δ⁽²⁾, or ∂L/∂x.
        operation: the operation that made it, "" for leaves and constants.
        formula: how it was made, in names; None where no formula is known.
        inputs: the keys of the values it was made from, in order.
        source: the user's line that made it.
        layer: the number of the layer it belongs to, 0 for none.
        group: the path of the module or part of the network it belongs to.
        named: its name is the user's, not the lecture's.
        transposed: the convention shows the transpose of what the program holds.
        folded: a textbook does not write it down; its formula is part of another one.
        node: the graph's node; None for constants.
    """

    key: str
    role: str
    array: Any
    symbol: Symbol = field(default_factory=lambda: Symbol("?"))
    gradient: Any = None
    gradient_symbol: Symbol | None = None
    operation: str = ""
    formula: Expr | None = None
    inputs: tuple[str, ...] = ()
    source: Source | None = None
    layer: int = 0
    group: str = ""
    named: bool = False
    transposed: bool = False
    folded: bool = False
    node: Node | None = None

    @property
    def name(self) -> str:
        """Its name as text."""
        return self.symbol.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, as shown."""
        return tuple(np.shape(self.array))


@dataclass(slots=True, eq=False)
class Term:
    """What one use of a value contributes to its gradient.

    Attributes:
        via: the keys of the values that the using operation made.
        operation: the name of that operation.
        formula: the local rule with the actual names in it; None where it cannot be read.
        array: the contribution's numbers.
        note: why there is no formula, where there is none.
    """

    via: tuple[str, ...]
    operation: str
    formula: Expr | None
    array: Any
    note: str = ""


@dataclass(slots=True, eq=False)
class Form:
    """One way of writing a gradient, checked on the numbers.

    Attributes:
        kind: "rule" (as the engine computed it), "textbook" (the delta recursion) or "closed form".
        formula: the right-hand side.
        note: the identity behind it, or what its new symbols mean.
        latex_note: the note as LaTeX text.
        error: the largest difference between the formula's value and the gradient.
    """

    kind: str
    formula: Expr
    note: str = ""
    latex_note: str = ""
    error: float = 0.0


@dataclass(slots=True, eq=False)
class Step:
    """One gradient of the backward pass.

    Attributes:
        of: the key of the value whose gradient it is.
        terms: the contributions of the value's uses; their sum is the gradient.
        forms: ways of writing the sum, the most readable first; empty where no formula is known.
        note: what to say instead of a formula.
    """

    of: str
    terms: list[Term]
    forms: list[Form] = field(default_factory=list)
    note: str = ""

    @property
    def paths(self) -> int:
        """Over how many values the gradient arrives; x ⊙ x uses x twice on one path."""
        return len({term.via for term in self.terms})


@dataclass(slots=True, eq=False)
class Layer:
    """A layer as a textbook sees it: a pre-activation z = W a + b and what is applied to it.

    Attributes:
        number: counted from 1 at the input.
        name: the module's qualified name, or "" if there is none.
        z: key of the pre-activation.
        a: key of the activation, "" if nothing is applied.
        activation: the activation's name, "" for none.
        inputs, weights, biases: keys.
    """

    number: int
    name: str
    z: str
    a: str
    activation: str
    inputs: tuple[str, ...]
    weights: tuple[str, ...]
    biases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """Something worth noticing: its kind, how serious, the sentence, the values concerned.

    ``level`` is "note", "warning" or "error"; ``advice`` says what people do about it.
    """

    kind: str
    level: str
    text: str
    values: tuple[str, ...] = ()
    advice: str = ""


@dataclass(eq=False)
class Derivation:
    """A whole derivation; see the attributes of its parts.

    Attributes:
        values: every value by key, in the order of the forward pass.
        steps: the backward pass, in the order in which it runs.
        loss: the key of the value that is differentiated.
        layers: the network's layers, first to last; empty where none is recognised.
        observations: what is worth noticing.
        convention: "row" (samples are rows, as in the program) or "column".
        loss_name: what the program calls the loss, "" if nothing.
        focus: the key of the one value that is explained, "" for all.
    """

    values: dict[str, Value]
    steps: list[Step]
    loss: str
    layers: list[Layer]
    observations: list[Observation]
    convention: str
    loss_name: str = ""
    focus: str = ""

    def given(self) -> Iterator[Value]:
        """Yield what the computation starts from: constants and leaves."""
        return (v for v in self.values.values() if not v.operation)

    def forward(self) -> Iterator[Value]:
        """Yield what was computed, in order."""
        return (v for v in self.values.values() if v.operation)

    def numbers(self) -> dict[Symbol, Any]:
        """Return what every symbol of the derivation stands for."""
        known: dict[Symbol, Any] = {}
        for value in self.values.values():
            known[value.symbol] = value.array
            if value.gradient_symbol is not None and value.gradient is not None:
                known[value.gradient_symbol] = value.gradient
        return known

    def step_of(self, key: str) -> Step | None:
        """Return the backward step of a value, None for a constant."""
        return self._steps.get(key)

    def place_of(self, key: str) -> int:
        """Return a value's place in the order of the forward pass."""
        return self._places[key]

    @cached_property
    def _steps(self) -> dict[str, Step]:
        return {step.of: step for step in self.steps}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.values)}
