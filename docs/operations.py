"""Writes operations.md: every operation with its derivative, read off the table.

``python -m docs.operations`` writes the page. Formulas come from the rules themselves, dtypes and
shapes from running the samples that the operation is tested on, so that the page says what the
library does.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import replay
from chainrule.symbol import Call, Expr, Symbol, bar
from tests.ops.comparison import REFUSALS, differentiable, run_here
from tests.ops.samples import OPERATIONS
from tests.ops.samples.description import Operation, Sample

PAGE = Path(__file__).with_suffix(".md")
NAMESPACES: tuple[tuple[str, str], ...] = (
    ("", "chainrule"),
    ("linalg.", "chainrule.linalg"),
    ("special.", "chainrule.special"),
    ("nn.functional.", "chainrule.nn.functional"),
)
# The modules whose functions are not operations on tensors: they make or draw them.
_MAKERS = {"chainrule.ops.creation", "chainrule.ops.random"}
_SIGNATURE_OF_ALL = "(*args, **kwargs)"


@dataclass
class Entry:
    """One operation of the page."""

    names: list[str]
    function: Callable[..., Any]
    descriptions: list[Operation] = field(default_factory=list)

    @property
    def family(self) -> str:
        return self.function.__module__

    @property
    def samples(self) -> Iterator[tuple[Operation, Sample]]:
        for description in self.descriptions:
            for sample in description.samples:
                yield description, sample


def entries() -> list[Entry]:
    """Every public operation once, with all its names."""
    found: dict[int, Entry] = {}
    for prefix, module_name in NAMESPACES:
        module = importlib_import(module_name)
        for name in public_names(module):
            function = getattr(module, name)
            if not is_operation(function):
                continue
            entry = found.setdefault(id(function), Entry([], function))
            entry.names.append(prefix + name)
    for entry in found.values():
        plain = {n.rpartition(".")[2] for n in entry.names}
        described = [d for d in OPERATIONS if d.ours is entry.function or subject(d.name) in plain]
        # The operation as such before its variants.
        entry.descriptions = sorted(described, key=lambda d: not d.name.isidentifier())
    return sorted(found.values(), key=lambda e: (e.family, e.names[0].lower()))


def subject(name: str) -> str:
    """The operation that the name of a description starts with: of "linalg.qr complete", qr."""
    match = re.match(r"[\w.]+", name)
    return match.group().rpartition(".")[2] if match else ""


def importlib_import(name: str) -> ModuleType:
    import importlib

    return importlib.import_module(name)


def public_names(module: ModuleType) -> list[str]:
    names = dir(module) if module is cr else getattr(module, "__all__", None) or dir(module)
    return sorted(n for n in names if not n.startswith("_"))


def is_operation(function: Any) -> bool:
    if not callable(function) or inspect.isclass(function) or isinstance(function, ModuleType):
        return False
    module = getattr(function, "__module__", "") or ""
    return module not in _MAKERS and module.startswith(
        ("chainrule.ops.", "chainrule.nn.functional.", "chainrule.linalg", "chainrule.special")
    )


# --- Formulas -------------------------------------------------------------------------------------


@dataclass
class Derivation:
    """What one sample shows of an operation's derivative."""

    sample: Sample
    call: str = ""
    rules: list[tuple[str, str]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)


def derivation(entry: Entry) -> Derivation | None:
    """Read the rules on the first sample that has a gradient; None if no sample has one."""
    for description, sample in entry.samples:
        try:
            inputs, results = run_here(description, sample, np.float64, requires_grad=True)
        except (*REFUSALS, NotImplementedError):
            continue
        active = [r for r in results if differentiable(r)]
        if not active or not all(x.numel() for x in inputs):
            continue
        nodes = [n for n in replay.ancestors(active[0]._node) if n.primitive is not None]
        if not nodes:
            continue
        found = Derivation(sample)
        names = argument_names(entry, inputs)
        written = {x._node: Symbol(n, shape=x.shape) for x, n in zip(inputs, names, strict=True)}
        expressions: dict[Any, Any] = dict(written)
        letters = iter("abcdeh")
        for node in nodes:
            expressions[node] = call_of(node, expressions, letters)
        root = nodes[-1]
        if len(nodes) <= 8:
            found.call = expressions[root].text()
        if len(nodes) == 1:
            found.rules = rules_of(root, expressions, written)
        elif len(nodes) == 2 and root.name == "output":
            found.call = expressions[nodes[0]].text()
            found.rules = rules_of(nodes[0], expressions, written)
        else:
            found.parts = list(dict.fromkeys(n.name for n in nodes if n.name != "output"))
        return found
    return None


def argument_names(entry: Entry, inputs: list[Any]) -> list[str]:
    """The operands' names: those of the rules, else x, y, …"""
    primitive = getattr(entry.function, "primitive", None)
    if primitive is not None and not primitive.variadic and len(primitive.inputs) >= len(inputs):
        return list(primitive.inputs[: len(inputs)])
    letters = ["x", "w", "b", "t", "u", "v"]
    return (
        letters[: len(inputs)]
        if len(inputs) <= len(letters)
        else [f"x{k}" for k in range(len(inputs))]
    )


def call_of(node: Any, expressions: dict[Any, Any], letters: Iterator[str]) -> Any:
    arguments = tuple(
        constant(node.saved[k], letters) if parent is None else expressions[parent]
        for k, parent in enumerate(node.inputs)
    )
    params = tuple(constant(p, letters) for p in replay.params_of(node))
    return Call(node.primitive, arguments, params)


def constant(value: Any, letters: Iterator[str]) -> Any:
    """Numbers as they are, arrays as a letter."""
    if isinstance(value, np.ndarray | np.generic) and np.size(value) != 1:
        return Symbol(next(letters, "c"), shape=np.shape(value))
    return value.item() if isinstance(value, np.ndarray | np.generic) else value


def rules_of(node: Any, expressions: dict[Any, Any], written: dict[Any, Symbol]) -> Any:
    call = expressions[node]
    output: Any = Symbol("y", shape=node.shape)
    upstream: Any = Symbol(bar("y"), r"\bar{y}", node.shape)
    if node.primitive.several:
        # A symbol for each result: y₀, y₁, …
        shapes = dict(zip("₀₁₂₃₄₅₆₇₈₉", (shape for shape, _ in node.saved[-1]), strict=False))
        output = tuple(Symbol(f"y{k}", shape=shape) for k, shape in shapes.items())
        upstream = tuple(Symbol(f"ȳ{k}", shape=shape) for k, shape in shapes.items())
    formulas = node.primitive.formula(call.args, call.params, output=output, upstream=upstream)
    rules = []
    names = node.primitive.input_names(len(node.inputs))
    for k, (name, parent) in enumerate(zip(names, node.inputs, strict=True)):
        if parent is None:
            continue
        shown = written[parent].name if parent in written else name
        formula = formulas.get(name)
        by_hand = node.primitive.by_hand.get(
            node.primitive.inputs[min(k, len(node.primitive.inputs) - 1)]
        )
        if by_hand is not None:
            rules.append((shown, by_hand[0]))
        elif isinstance(formula, Expr):
            rules.append((shown, formula.text()))
    return rules


# --- Dtypes and shapes ----------------------------------------------------------------------------


def results_in(description: Operation, sample: Sample, dtype: str) -> str:
    try:
        _, results = run_here(description, sample, np.dtype(dtype))
    except (*REFUSALS, NotImplementedError):
        return "refused"
    return ", ".join(dict.fromkeys(str(r.dtype) for r in results if hasattr(r, "dtype")))


def dtypes(entry: Entry) -> str:
    """What comes out of half precision, integers and bools."""
    for description, sample in entry.samples:
        if not any(isinstance(a, np.ndarray) for a in sample.args):
            continue
        outcome = {d: results_in(description, sample, d) for d in ("float64", "int64", "bool")}
        if outcome["float64"] == "refused":
            continue
        floats = (
            "floats keep theirs"
            if outcome["float64"] == "float64"
            else (f"floats → {outcome['float64']}")
        )
        rest = [
            f"{d} {'refused' if outcome[d] == 'refused' else '→ ' + outcome[d]}"
            for d in ("int64", "bool")
        ]
        return "; ".join([floats, *rest])
    return ""


def shapes(entry: Entry, limit: int = 3) -> str:
    """What the shapes of some samples become."""
    found: dict[str, None] = {}
    for description, sample in entry.samples:
        try:
            inputs, results = run_here(description, sample, np.float64)
        except (*REFUSALS, NotImplementedError):
            continue
        after = ", ".join(dict.fromkeys(size(r) for r in results if hasattr(r, "shape")))
        if not inputs or not after or any(x.numel() == 0 for x in inputs):
            continue
        found[f"{', '.join(size(x) for x in inputs)} → {after}"] = None
        if len(found) == limit:
            break
    return "; ".join(found)


def size(tensor: Any) -> str:
    return "×".join(map(str, tensor.shape)) or "0-d"


# --- The page -------------------------------------------------------------------------------------

INTRODUCTION = """# Operations

Every operation of the table: what it computes, the derivative of each operand, dtypes, shapes, and
where it is defined. This page is written by `python -m docs.operations`, which reads the formulas
off the rules and finds dtypes and shapes by running the samples that the tests use.

ȳ is the gradient that arrives at the result y, x̄ the one that leaves for the operand x; gradients
of operands that were broadcast are summed to their shape. `a b` is the matrix product, `a ⊙ b` the
elementwise one, `[a > b]` is 1 where the condition holds and 0 elsewhere, `Σ₁` sums over dimension
1 and keeps it, `sum₁` drops it. Several results are y₀, y₁ and so on. Where parameters matter, the
formula is that of the example named.
An operation that is composed of others is differentiated through them.
"""


def signature(entry: Entry) -> str:
    try:
        text = str(inspect.signature(entry.function))
    except ValueError:
        text = _SIGNATURE_OF_ALL
    text = re.sub(r"\s*->.*$", "", text)
    text = re.sub(r": [^,=)]*(\[[^\]]*\])?[^,=)]*(?=[,=)])", "", text)
    return text.replace(" = ", "=").replace(" =", "=")


def summary(function: Any) -> str:
    text = inspect.getdoc(function) or ""
    return " ".join(text.split("\n\n")[0].split())


def write(entry: Entry) -> list[str]:
    names = [f"`{n}`" for n in entry.names]
    lines = [f"### `{entry.names[0]}`", ""]
    text = summary(entry.function)
    if text:
        lines += [text, ""]
    if len(names) > 1:
        lines.append(f"- also {', '.join(names[1:])}")
    found = derivation(entry)
    if found is not None:
        where = (
            f" ({found.sample.name}{options_of(found.sample)})" if options_of(found.sample) else ""
        )
        if found.call:
            lines.append(f"- y = `{found.call}`{where}")
        for name, formula in found.rules:
            lines.append(f"- {bar(name)} = `{formula}`")
        if found.parts:
            lines.append(f"- through {', '.join(f'`{p}`' for p in found.parts)}")
    elif entry.descriptions:
        lines.append("- no derivative")
    kinds, sizes = dtypes(entry), shapes(entry)
    if kinds:
        lines.append(f"- dtypes: {kinds}")
    if sizes:
        lines.append(f"- shapes: {sizes}")
    lines += [f"- source: [{source(entry)}](../{source(entry)})", ""]
    return lines


def options_of(sample: Sample) -> str:
    constants = [a for a in sample.args if isinstance(a, int | float | str | tuple)]
    given = [repr(a) for a in constants] + [
        f"{k}={v!r}" for k, v in sample.kwargs.items() if not isinstance(v, np.ndarray)
    ]
    return f": {', '.join(given)}" if given else ""


def source(entry: Entry) -> str:
    return f"src/{entry.family.replace('.', '/')}.py"


def title(module: str) -> str:
    text = inspect.getdoc(importlib_import(module)) or module
    return text.split("\n\n")[0].replace("\n", " ").rstrip(".")


def page() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = entries()
        lines = [INTRODUCTION]
        family = None
        for entry in every:
            if entry.family != family:
                family = entry.family
                lines += [f"## {title(family)}", ""]
            lines += write(entry)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
