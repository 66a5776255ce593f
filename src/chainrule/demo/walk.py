"""One sample's way through a network and back, as a lecture writes it on the board.

The sample is a column x, and each layer is written W x + b with the engine's own operations. The
graph that this records is read twice: `chainrule.replay` gives every number, and the derivative
rules of its operations, read on symbols, give every formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.graph import Node
from chainrule.nn import Linear, ReLU, Sequential
from chainrule.nn.functional import cross_entropy
from chainrule.ops.creation import tensor
from chainrule.ops.exponential import softmax
from chainrule.primitive import Primitive, table
from chainrule.replay import ancestors, forward_values, gradients, params_of
from chainrule.symbol import Call, Constant, Expr, Notation, Symbol
from chainrule.tensor import Tensor

# They lay a vector out anew and leave its numbers alone, so it keeps its name.
_LAYOUT = frozenset({"reshape", "squeeze", "transpose", "unsqueeze"})
# A product of matrices inside an elementwise one is clearer in parentheses.
_GROUP = Primitive("group", lambda x: x, ("x",), (), {}, Notation("({x})", r"\left({x}\right)"))
# The logits are one column, so that a lecture need not say along which dimension.
_SOFTMAX = Primitive(
    "softmax",
    table["softmax"].forward,
    ("x",),
    ("dim",),
    {},
    Notation("softmax({x})", r"\operatorname{{softmax}}\left({x}\right)"),
)
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Step:
    """One value, or the gradient with respect to one.

    Attributes:
        symbol: its name: z⁽¹⁾, δ⁽¹⁾, ∇W⁽¹⁾.
        formula: what it is computed from; None for the input.
        array: its numbers; samples are columns.
        layer: the number of the layer it belongs to, 0 for the input.
        parameter: the name of the parameter whose gradient it is, else "".
    """

    symbol: Symbol
    formula: Expr | None
    array: NDArray[Any]
    layer: int
    parameter: str = ""

    @property
    def name(self) -> str:
        """Its name as text."""
        return self.symbol.name

    @property
    def equation(self) -> str:
        """Name and formula as text."""
        return self.name if self.formula is None else f"{self.name} = {self.formula.text()}"


@dataclass(frozen=True)
class Walk:
    """A sample's forward and backward pass.

    Attributes:
        label: the sample's class y.
        forward: the input, each layer's values, the probabilities p and the loss L.
        backward: the gradients in the order in which the sweep reaches them: each δ⁽ˡ⁾ = ∂L/∂z⁽ˡ⁾,
            then those of the layer's weight and bias.
    """

    label: int
    forward: list[Step]
    backward: list[Step]

    def __getitem__(self, name: str) -> Step:
        """Return a step by the name of its value, ``walk["z⁽¹⁾"]``."""
        for step in (*self.forward, *self.backward):
            if step.name == name:
                return step
        raise KeyError(
            f"no step is called {name!r}; there are "
            f"{', '.join(s.name for s in (*self.forward, *self.backward))}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the walk as plain data; matrices are summarised, columns complete."""
        return {
            "label": self.label,
            "forward": [_step_data(step) for step in self.forward],
            "backward": [_step_data(step) for step in self.backward],
        }


def _step_data(step: Step) -> dict[str, Any]:
    array = step.array
    column = array.ndim < 2 or array.shape[1] == 1
    return {
        "name": step.name,
        "formula": None if step.formula is None else step.formula.text(),
        "latex": None if step.formula is None else step.formula.latex(),
        "parameter": step.parameter or None,
        "layer": step.layer,
        "shape": list(array.shape),
        "norm": float(np.linalg.norm(array)),
        "smallest": float(array.min()),
        "largest": float(array.max()),
        "values": array.ravel().tolist() if column else None,
    }


def walk(model: Sequential, sample: ArrayLike, label: int) -> Walk:
    """Walk one sample forward and backward through a network of dense layers.

    Args:
        model: affine layers with ReLUs between them, the last one giving logits.
        sample: the input, shape (features,).
        label: its class; the loss is the cross-entropy of the logits with it.

    Raises:
        TypeError: for a layer that is neither affine nor a ReLU.

    >>> from chainrule.demo.digits import build
    >>> steps = walk(build((3, 4, 2)), [1.0, 0.5, -1.0], 1)
    >>> for step in steps.backward:
    ...     print(step.equation)
    δ⁽²⁾ = p − onehot(y)
    ∇W⁽²⁾ = δ⁽²⁾ a⁽¹⁾ᵀ
    ∇b⁽²⁾ = δ⁽²⁾
    δ⁽¹⁾ = (W⁽²⁾ᵀ δ⁽²⁾) ⊙ [a⁽¹⁾ > 0]
    ∇W⁽¹⁾ = δ⁽¹⁾ xᵀ
    ∇b⁽¹⁾ = δ⁽¹⁾
    """
    board = _Board(model, sample, label)
    return Walk(label, board.forward(), board.backward())


class _Board:
    """A sample's graph, recorded as a lecture writes it, and the names of what is in it."""

    def __init__(self, model: Sequential, sample: ArrayLike, label: int) -> None:
        self.names: dict[Node, Symbol] = {}
        self.layer_of: dict[Node, int] = {}
        self.parameters: dict[Node, str] = {}
        # Per layer its z, W and b.
        self.layers: list[tuple[Node, Node, Node]] = []
        self.x, self.y = Symbol("x"), Symbol("y")
        self.p, self.L = Symbol("p"), Symbol("L")
        self.column: NDArray[Any] = np.asarray(sample, np.float32).reshape(-1, 1)
        self.logits = self._record(model)
        self.loss = cross_entropy(self.logits.mT, tensor([label]))
        self._name(self.loss, self.L, 0)
        self.arrays = forward_values(self.loss)
        self.order = ancestors(_node(self.loss))

    def _record(self, model: Sequential) -> Tensor:
        value, number = Tensor(self.column), 0
        for name, module in model.named_children():
            if isinstance(module, Linear) and module.bias is not None:
                number += 1
                weight, bias = module.weight, module.bias
                value = weight @ value + bias.unsqueeze(1)
                self._name(weight, _numbered("W", number), number)
                self._name(bias, _numbered("b", number), number)
                self._name(value, _numbered("z", number), number)
                self.layers.append((_node(value), _node(weight), _node(bias)))
                self.parameters[_node(weight)] = f"{name}.weight"
                self.parameters[_node(bias)] = f"{name}.bias"
            elif isinstance(module, ReLU):
                value = value.relu()
                self._name(value, _numbered("a", number), number)
            else:
                raise TypeError(
                    "walk: expected affine layers (with bias) and ReLUs, got "
                    f"{name} = {type(module).__name__}"
                )
        return value

    def _name(self, value: Tensor, symbol: Symbol, layer: int) -> None:
        self.names[_node(value)] = symbol
        self.layer_of[_node(value)] = layer

    # --- Forward: what each value is computed from ------------------------------------------------

    def forward(self) -> list[Step]:
        """Return the steps from the input to the loss."""
        steps = [Step(self.x, None, self.column, 0)]
        for node in self.order:
            if node.primitive is None or node not in self.names:
                continue
            symbol = self.names[node]
            formula = self._call(node)
            if symbol is self.L:
                steps.append(self._probabilities())
                # The mean over one sample is that sample's loss: nothing is divided or summed.
                formula = Call(table["cross_entropy"], formula.args, (self.y, 0))
            steps.append(Step(symbol, formula, self.arrays[node], self.layer_of[node]))
        return steps

    def _probabilities(self) -> Step:
        logits = _node(self.logits)
        formula = Call(_SOFTMAX, (self.names[logits],), (0,))
        p = softmax(self.logits.detach(), 0).numpy()
        return Step(self.p, formula, p, self.layer_of[logits])

    def _call(self, node: Node) -> Call:
        """Return the operation that made a value, on names."""
        assert node.primitive is not None
        return Call(node.primitive, self._operands(node), self._params(node))

    def _operands(self, node: Node) -> tuple[Any, ...]:
        """Return what an operation was given, on names; the only constant is the input."""
        return tuple(self.x if parent is None else self._written(parent) for parent in node.inputs)

    def _written(self, node: Node) -> Expr:
        """Return a value by its name, else by how it was made."""
        if node in self.names:
            return self.names[node]
        if node.name in _LAYOUT and node.inputs[0] is not None:
            return self._written(node.inputs[0])
        return self._call(node)

    def _params(self, node: Node) -> tuple[Any, ...]:
        """Return the static parameters; an array among them is the label."""
        return tuple(self.y if isinstance(p, np.ndarray) else p for p in params_of(node))

    # --- Backward: the rules, read on names -------------------------------------------------------

    def backward(self) -> list[Step]:
        """Return the gradients from the loss to the first layer, layer by layer."""
        formulas = self._swept()
        found = gradients(self.loss)
        steps = []
        for number, layer in reversed(list(enumerate(self.layers, start=1))):
            for node, letter in zip(layer, ("δ", "∇W", "∇b"), strict=True):
                array = np.asarray(found[node])
                steps.append(
                    Step(
                        _numbered(letter, number),
                        formulas[node],
                        array if array.ndim == 2 else array.reshape(-1, 1),
                        number,
                        self.parameters.get(node, ""),
                    )
                )
        return steps

    def _swept(self) -> dict[Node, Expr]:
        """Return the gradient's formula for every node: the backward sweep, on symbols."""
        deltas = {layer[0]: _numbered("δ", k) for k, layer in enumerate(self.layers, start=1)}
        arriving: dict[Node, Any] = {_node(self.loss): 1.0}
        for node in reversed(self.order):
            upstream = arriving[node] = self._tidy(arriving[node])
            if node.primitive is None:
                continue
            if node in deltas:
                upstream = deltas[node]
            elif node in self.names and _calls(upstream, "matmul"):
                upstream = Call(_GROUP, (upstream,), ())
            pulled = [upstream] if node.name in _LAYOUT else self._rules(node, upstream)
            for parent, formula in zip(node.inputs, pulled, strict=True):
                if parent is not None:
                    known = arriving.get(parent)
                    arriving[parent] = formula if known is None else known + formula
        return arriving

    def _rules(self, node: Node, upstream: Any) -> list[Any]:
        """Return what the rules of an operation make of the gradient that arrives at it."""
        assert node.primitive is not None
        operands = self._operands(node)
        formulas = node.primitive.formula(
            operands,
            self._params(node),
            output=self.names.get(node),
            upstream=upstream,
        )
        return [formulas.get(name) for name in node.primitive.input_names(len(operands))]

    def _tidy(self, formula: Any) -> Any:
        """Return a formula without the factor 1 that every sweep starts from, and with p named."""
        if not isinstance(formula, Call):
            return formula
        if _calls(formula, "softmax") and formula.args[0] is self.names[_node(self.logits)]:
            return self.p
        args = tuple(map(self._tidy, formula.args))
        if _calls(formula, "mul") and isinstance(args[0], Constant) and args[0].value == 1:
            return args[1]
        return Call(formula.primitive, args, formula.params)


def _calls(formula: Any, name: str) -> bool:
    return isinstance(formula, Call) and formula.primitive.name == name


def _node(value: Tensor) -> Node:
    node = value._node
    assert node is not None, "what depends on a parameter has a node"
    return node


def _numbered(letter: str, layer: int) -> Symbol:
    """Return the symbol of a layer's value, z⁽¹⁾."""
    latex = {"δ": r"\delta", "∇W": r"\nabla W", "∇b": r"\nabla b"}.get(letter, letter)
    raised = str(layer).translate(_SUPERSCRIPT)
    return Symbol(f"{letter}⁽{raised}⁾", f"{latex}^{{({layer})}}")
