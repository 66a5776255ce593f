"""Names: the user's where there is one, else the lecture's.

A value is called what the program calls it: as a parameter of a module, an attribute of one, or a
variable of the caller. What has no name gets one from the notation of lectures: x, W⁽²⁾, b⁽²⁾,
z⁽²⁾, a⁽²⁾, y, and u₁, u₂, … for what lectures would not write down.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np

from chainrule.explanation.algebra import REARRANGEMENTS
from chainrule.explanation.derivation import Value
from chainrule.explanation.layers import FoundLayer
from chainrule.explanation.tracing import Trace
from chainrule.symbol import Symbol, latex_identifier
from chainrule.tensor import Tensor

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_GREEK = frozenset(
    {
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota",
        "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi",
        "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma",
        "Phi", "Psi", "Omega",
    }
)  # fmt: skip
# Operations by which a loss compares what the net says with what it should say.
_COMPARES = frozenset(
    {
        "sub", "mse_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
        "cross_entropy",
    }
)  # fmt: skip
# What lectures call the outcome of these operations.
LETTERS = {"gru_step": "h", "lstm_memory": "c", "lstm_output": "h", "softmax": "p"}


# --- Where names come from ------------------------------------------------------------------------


def names_of(
    trace: Trace,
    model: Any,
    names: Mapping[str, Any] | None,
    frame: FrameType | Mapping[str, Any] | None,
) -> dict[str, str]:
    """Return the user's name of each value that has one, by key.

    Args:
        trace: the graph.
        model: a module whose parameters, buffers and tensor attributes are named.
        names: names that the user gives, with the tensors (or arrays) they stand for.
        frame: the caller, or its variables.

    Raises:
        TypeError: if ``model`` is no module, or ``names`` does not map strings to tensors or
            arrays.
    """
    found: dict[str, str] = {}
    by_node = {id(node): value.key for node, value in trace.by_node.items()}
    by_array = {id(v.array): v.key for v in trace.values.values() if v.node is None}
    taken: set[str] = set()

    def offer(name: str, held: Any) -> None:
        if isinstance(held, Tensor):
            key = by_node.get(id(held._node)) or by_array.get(id(held._array))
        else:
            key = by_array.get(id(held))
        if key is not None and key not in found and name not in taken:
            found[key] = name
            taken.add(name)

    for name, held in _explicit(names):
        offer(name, held)
    scopes = _variables(frame)
    if model is not None and not is_module(model):
        raise TypeError(
            "explain: model names its parameters, so it must be a module with named_parameters(); "
            f"got {type(model).__name__}. Tensors get names by names={{...}}"
        )
    if model is not None:
        called = (n for scope in scopes for n, v in scope.items() if v is model and n[0] != "_")
        _offer_all(_of_module(model, _prefix(model, next(called, "model"))), offer)
    _offer_all(_of_variables(trace, scopes, model), offer)
    return found


def _offer_all(pairs: Iterable[tuple[str, Any]], offer: Callable[[str, Any], None]) -> None:
    for name, held in pairs:
        offer(name, held)


def _explicit(names: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    for name, held in (names or {}).items():
        given: Any = name
        if not isinstance(given, str) or not isinstance(held, Tensor | np.ndarray):
            raise TypeError(
                "explain: names maps a name to the tensor it stands for, for example "
                f'names={{"W": W}}; got {type(name).__name__}: {type(held).__name__}'
            )
        yield name, held


def _variables(frame: FrameType | Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if frame is None:
        return []
    if isinstance(frame, FrameType):
        scopes: list[Mapping[str, Any]] = [frame.f_locals]
        if frame.f_globals is not frame.f_locals:
            scopes.append(frame.f_globals)
        return scopes
    return [frame]


def is_module(value: Any) -> bool:
    """Tell whether a value is a module: it can name its parameters and its parts."""
    return (
        not isinstance(value, type)
        and callable(getattr(value, "named_parameters", None))
        and callable(getattr(value, "named_modules", None))
    )


def _prefix(module: Any, name: str) -> str:
    """Return what stands before a module's names: nothing, unless a name would be a number."""
    numbered = any(part[:1].isdigit() for part, _ in module.named_parameters())
    return f"{name}." if numbered else ""


def _of_module(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, parameter in module.named_parameters():
        yield prefix + name, parameter
    for name, buffer in module.named_buffers():
        yield prefix + name, buffer
    for path, part in module.named_modules():
        start = f"{prefix}{path}." if path else prefix
        for name, held in _of_container(vars(part), 1):
            yield start + name, held


def _of_variables(
    trace: Trace, scopes: list[Mapping[str, Any]], model: Any
) -> Iterator[tuple[str, Any]]:
    """Yield what the caller's variables hold: tensors, then modules, then containers."""
    nodes = {id(node) for node in trace.by_node}
    for scope in scopes:
        variables = {k: v for k, v in list(scope.items()) if not k.startswith("_")}
        for name, value in variables.items():
            if isinstance(value, Tensor | np.ndarray):
                yield name, value
        modules = {
            name: value
            for name, value in variables.items()
            if is_module(value)
            and value is not model
            and any(id(getattr(p, "_node", None)) in nodes for _, p in value.named_parameters())
        }
        for name, value in modules.items():
            alone = (len(modules) == 1 or name == "self") and model is None
            yield from _of_module(value, _prefix(value, name) if alone else f"{name}.")
        owner = variables.get("self")
        if owner is not None and not is_module(owner) and hasattr(owner, "__dict__"):
            for name, held in _of_container(vars(owner), 2):
                yield f"self.{name}", held
        for name, value in variables.items():
            if isinstance(value, dict):
                yield from _of_container(value, 2)
            elif isinstance(value, list | tuple):
                for k, held in _of_container(value, 2):
                    yield f"{name}{k}", held


def _of_container(container: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the tensors in a dict (by their keys), a list or a tuple (by their places)."""
    if isinstance(container, Mapping):
        items = [(str(k), v) for k, v in container.items() if isinstance(k, str)]
    else:
        items = [(f"[{k}]", v) for k, v in enumerate(container)]
    if len(items) > 1000:
        return
    for name, value in items:
        if name.startswith("_"):
            continue
        if isinstance(value, Tensor):
            yield name, value
        elif depth > 1 and isinstance(value, list | tuple | dict):
            for more, held in _of_container(value, depth - 1):
                yield (name + more if more.startswith("[") else f"{name}.{more}"), held


# --- Giving every value its symbol ----------------------------------------------------------------


def latex_name(name: str) -> str:
    r"""Return a program's name as LaTeX.

    >>> latex_name("z2"), latex_name("theta"), latex_name("h_prev"), latex_name("fc1.weight")
    ('z_{2}', '\\theta', 'h_{\\mathrm{prev}}', '\\mathrm{fc1.weight}')
    """
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d+)", name) or re.fullmatch(
        r"([A-Za-z]+)_([A-Za-z0-9]+)", name
    )
    if match is None:
        return rf"\{name}" if name in _GREEK else latex_identifier(name)
    head, index = match.groups()
    if len(head) > 1 and head not in _GREEK:
        return latex_identifier(name)
    index = index if index.isdigit() or len(index) == 1 else rf"\mathrm{{{index}}}"
    return f"{latex_name(head)}_{{{index}}}"


def lecture_symbol(letter: str, layer: int, shape: tuple[int, ...] | None) -> Symbol:
    """Return a symbol with its layer in raised parentheses: z⁽²⁾."""
    latex = {"δ": r"\delta"}.get(letter, letter)
    raised = str(layer).translate(_SUPERSCRIPTS)
    return Symbol(f"{letter}⁽{raised}⁾", rf"{{{latex}^{{({layer})}}}}", shape)


class Names:
    """Symbols handed out, each only once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self._next: dict[str, int] = {}

    def give(self, value: Value, text: str, latex: str | None = None) -> None:
        """Name a value, with a prime if the name is taken."""
        latex = latex if latex is not None else latex_name(text)
        while text in self.taken:
            text, latex = text + "′", latex + "'"
        self.taken.add(text)
        value.symbol = Symbol(text, latex, value.shape)

    def number(self, value: Value, letter: str, latex: str | None = None) -> None:
        """Name a value by a letter and the next free index."""
        k = self._next.get(letter, 1)
        while letter + str(k).translate(_SUBSCRIPTS) in self.taken:
            k += 1
        self._next[letter] = k + 1
        self.give(value, letter + str(k).translate(_SUBSCRIPTS), f"{latex or letter}_{{{k}}}")


def steps_of_rearrangements(
    trace: Trace, layers: list[FoundLayer], users: Mapping[str, str]
) -> set[str]:
    """Return the keys of values that are only on the way: a reshape before a transpose."""
    written = {v.key for layer in layers for v in (layer.z, layer.a) if v is not None}
    found: set[str] = set()
    for operation in trace.operations:
        if operation.name not in REARRANGEMENTS:
            continue
        for value in operation.outputs:
            use = trace.only_use(value)
            if value.key in users or value.key in written or use is None or len(use.outputs) != 1:
                continue
            # A matrix that is only turned where it is used keeps its name: k in q kᵀ.
            if use.name in REARRANGEMENTS and transposes(trace, use.outputs[0]) is None:
                found.add(value.key)
    return found


def give_symbols(
    trace: Trace, layers: list[FoundLayer], users: dict[str, str], passing: set[str]
) -> str:
    """Give every value and gradient its symbol; return what the program calls the loss.

    Args:
        trace: the graph.
        layers: its layers.
        users: the user's names, by key.
        passing: keys of values that are hardly ever shown; they are named last.
    """
    root = trace.root
    loss_name = users.pop(root.key, "")
    names = Names(users.values())
    for key, name in users.items():
        value = trace.values[key]
        value.named = True
        value.symbol = Symbol(name, latex_name(name), value.shape)
    names.give(root, "L" if "L" not in names.taken else loss_name or "Loss")
    _name_layers(trace, layers, names)
    if layers:
        _name_target(trace, names)
    inner = {v.key: v for layer in layers for v in layer.inner if v.symbol.name == "?"}
    inner.update((key, trace.values[key]) for key in trace.values if key in passing)
    for value in [v for v in trace.values.values() if v.key not in inner] + list(inner.values()):
        if value.symbol.name != "?":
            continue
        if value.role == "constant":
            names.number(value, "c")
        elif value.role == "parameter":
            names.number(value, "θ", r"\theta")
        elif not _name_as_transpose(trace, value, names):
            names.number(value, LETTERS.get(value.operation, "u"))
    deltas = {layer.z.key: number for number, layer in enumerate(layers, 1)}
    for value in trace.values.values():
        if value.gradient is not None:
            value.gradient_symbol = _gradient_symbol(value, root, deltas.get(value.key, 0))
    return loss_name


def _name_layers(trace: Trace, layers: list[FoundLayer], names: Names) -> None:
    shared = Counter(w.key for layer in layers for w in (*layer.weights, *layer.biases))
    for number, layer in enumerate(layers, 1):
        for letters, values in (("WUV", layer.weights), ("bcd", layer.biases)):
            for k, value in enumerate(values):
                if value.symbol.name != "?":
                    continue
                letter = letters[k % 3]
                if shared[value.key] > 1:
                    names.give(value, letter)
                else:
                    _give_lecture(names, value, letter, number)
        for letter, found in (("z", layer.z), ("a", layer.a)):
            if found is not None and found.symbol.name == "?":
                _give_lecture(names, found, letter, number)
        for value in layer.inputs:
            if not value.operation and value.symbol.name == "?":
                names.give(value, "x")


def _give_lecture(names: Names, value: Value, letter: str, number: int) -> None:
    symbol = lecture_symbol(letter, number, value.shape)
    names.give(value, symbol.name, symbol.latex_name)


def _name_target(trace: Trace, names: Names) -> None:
    """Call the constant that the loss compares with y."""
    for operation in reversed(trace.operations):
        if operation.name not in _COMPARES:
            continue
        for value in (*operation.operands, *operation.params):
            if isinstance(value, Value) and value.role == "constant":
                if value.symbol.name == "?":
                    names.give(value, "y")
                return


def _name_as_transpose(trace: Trace, value: Value, names: Names) -> bool:
    """Name a transpose after what it is the transpose of: Wᵀ."""
    source = transposes(trace, value)
    if source is None or source.symbol.name == "?" or source.symbol.name + "ᵀ" in names.taken:
        return False
    names.give(value, source.symbol.name + "ᵀ", rf"{{{source.symbol.latex_name}^{{\top}}}}")
    return True


def transposes(trace: Trace, value: Value) -> Value | None:
    """Return the value that another is the matrix transpose of, None if it is not one."""
    maker = trace.maker.get(value.key)
    if maker is None or maker.name != "transpose" or value.named:
        return None
    rank = len(value.shape)
    if {d % rank for d in maker.params} != {rank - 1, rank - 2}:
        return None
    source = maker.operands[0]
    return source if isinstance(source, Value) else None


def _gradient_symbol(value: Value, root: Value, layer: int) -> Symbol:
    if layer:
        symbol = lecture_symbol("δ", layer, value.shape)
        return symbol
    name, latex = value.symbol.name, value.symbol.latex_name
    if name.endswith("ᵀ"):
        name, latex = f"({name})", rf"\left({latex}\right)"
    loss = root.symbol
    return Symbol(
        f"∂{loss.name}/∂{name}",
        rf"\frac{{\partial {loss.latex_name}}}{{\partial {latex}}}",
        value.shape,
        level="power",
    )
