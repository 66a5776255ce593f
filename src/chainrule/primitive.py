"""Primitives: an operation and its derivative rules, written once and read three ways.

A rule is a function whose argument names say what it needs: ``g`` is the gradient arriving from
above (ȳ), ``y`` the output, and the other names are the primitive's inputs, their shapes
(``x_shape``) and its static parameters. Only what a rule names is saved when the operation runs.

    exp = define("exp", np.exp, x=lambda g, y: g * y)
    matmul = define("matmul", np.matmul, a=lambda g, b: g @ b.mT, b=lambda g, a: a.mT @ g)

`chainrule.operation.define` returns the operation as a function that runs on tensors (and
records), on arrays (the numeric backward pass), and on symbols (the formula). Rules are written in
terms of operators and of these functions, and so can be read on all three as well.
"""

from __future__ import annotations

import inspect
import linecache
import os
from collections.abc import Callable, Sequence
from operator import itemgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import asarray, ndarray

from chainrule.graph import Node, record, source_line
from chainrule.symbol import (
    Call,
    Expr,
    NamedShape,
    Notation,
    Symbol,
    bar,
    function_notation,
    operators,
)

if TYPE_CHECKING:
    from chainrule.tensor import Tensor
else:
    # Results are Tensors, a class that stands above this module, announced by
    # `chainrule.operation.results_are`.
    Tensor = None

Array = ndarray[Any, Any]
Rule = Callable[..., Any]
_new: Callable[..., Any] = object.__new__


class Cotangents(list[Any]):
    """The gradients of an operation with several outputs, None where one was not used."""

    shape = None
    # The one output that has a gradient here, None if there may be more; and whether this is a sum
    # that nobody else holds. With them, n outputs are added up in n steps rather than n².
    only: int | None = None
    summed = False

    @classmethod
    def of_one(cls, gradient: Any, k: int, count: int) -> Cotangents:
        """Return the gradient of the k-th output, the others not used."""
        self = cls([None] * count)
        self[k] = gradient
        self.only = k
        return self

    def __add__(self, other: Any) -> Any:
        total = self if self.summed else Cotangents(self)
        total.summed = True
        for k in range(len(other)) if other.only is None else (other.only,):
            part = other[k]
            if part is not None:
                known = total[k]
                total[k] = part if known is None else known + part
        return total


class Primitive:
    """An operation: its forward function on arrays, its rules, and how it is written.

    Attributes:
        name: as PyTorch calls it.
        forward: the function on arrays.
        inputs: the names of its differentiable operands; ``("*xs",)`` for any number of them.
        param_names: the names of its static parameters.
        rules: a derivative rule per input name; none for an input without derivative.
        notation: how a call is printed.
        view: its output may share the memory of its input.
        floating: it makes floats, so integers are converted to the default dtype first.
        several: its forward function returns several arrays.
        refuses_bools: the error for bool operands, empty where they are welcome.
        extras: values that the forward function works out anyway and that rules read by name, each
            with a rule that works it out from the inputs, for tensors and symbols.
        remembers: its rules read inputs or outputs, which are freed after a backward pass.
    """

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        inputs: tuple[str, ...],
        params: tuple[str, ...],
        rules: dict[str, Rule],
        notation: Notation | None = None,
        *,
        view: bool = False,
        floating: bool = False,
        several: bool = False,
        refuses_bools: str = "",
        by_hand: dict[str, tuple[str, str]] | None = None,
        extras: dict[str, Rule] | None = None,
    ) -> None:
        self.name = name
        self.extras = extras or {}
        self.forward_with_extras = forward
        self.forward: Callable[..., Any] = forward
        if extras:
            self.forward = lambda *given: forward(*given)[0]
        self.variadic = inputs[0].startswith("*")
        self.inputs = tuple(n.lstrip("*") for n in inputs)
        self.param_names = params
        self.rules = rules
        self.notation = notation if notation is not None else function_notation(name)
        self.view = view
        self.floating = floating
        self.several = several
        self.refuses_bools = refuses_bools
        self.by_hand = by_hand or {}
        environment = ("g", *self.inputs, "y", *params)
        if several:
            environment += ("output_shapes",)
        if self.variadic:
            environment += ("shapes", "k")
        else:
            environment += tuple(f"{n}_shape" for n in self.inputs)
        environment += tuple(self.extras)
        self._readers: list[tuple[Rule, Callable[[tuple[Any, ...]], tuple[Any, ...]]] | None] = []
        self.needs: dict[str, frozenset[str]] = {}
        for input_name in self.inputs:
            rule = rules.get(input_name)
            if rule is None:
                self._readers.append(None)
                continue
            wanted = argument_names(rule)
            unknown = [n for n in wanted if n not in environment]
            if unknown:
                raise TypeError(
                    f"the rule of {name} for {input_name} asks for {', '.join(unknown)}; it may "
                    f"ask for {', '.join(environment)}"
                )
            # Who reads an extra value reads what it is worked out from.
            behind = (argument_names(self.extras[n]) for n in wanted if n in self.extras)
            self.needs[input_name] = frozenset(wanted).union(*behind)
            positions = tuple(environment.index(n) for n in wanted)
            self._readers.append((rule, _picker(positions)))
        extra = set(rules) - set(self.inputs)
        if extra:
            raise TypeError(f"{name} has rules for {', '.join(sorted(extra))}, not inputs of it")
        asked = frozenset().union(*self.needs.values()) if self.needs else frozenset()
        self.keeps_output = "y" in asked
        self.remembers = bool(asked & {*self.inputs, "y", *self.extras})

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def input_names(self, count: int) -> tuple[str, ...]:
        """Return a name for each of ``count`` inputs."""
        if self.variadic:
            return tuple(f"{self.inputs[0]}{k}" for k in range(count))
        return self.inputs[:count]

    def reads(self, node: Node, position: int) -> bool:
        """Tell whether a rule that ``node`` will run reads the saved value at ``position``."""
        count = len(node.inputs)
        if self.variadic:
            names = (*(self.inputs[0],) * count, "y", *self.param_names)
            return position < len(names) and names[position] in self.needs.get(self.inputs[0], ())
        names = (*self.inputs, "y", *self.param_names, *self.extras)
        if position >= len(names):
            return False
        wanted = names[position]
        return any(
            wanted in self.needs.get(name, ())
            for name, parent in zip(self.inputs, node.inputs, strict=True)
            if parent is not None
        )

    def describe(self, position: int) -> str:
        """Name a saved value in an error message."""
        if self.variadic or position < len(self.inputs):
            return f"input {position + 1}"
        position -= len(self.inputs) + 1
        if position < 0:
            return "the output"
        return f"the value {(*self.param_names, *self.extras)[position]}"

    # --- Reading the rules on arrays and on tensors -----------------------------------------------

    def pull(
        self, node: Node, g: Any, tensors: bool, only: set[Node] | None
    ) -> Sequence[tuple[Node, Any]]:
        """Return each parent of ``node`` with the gradient its rule gives for it.

        Args:
            node: the operation's node.
            g: the gradient arriving at it.
            tensors: read the rules on tensors, so that they are recorded, rather than on arrays.
            only: the parents worth a visit; None for all.
        """
        if not tensors and not self.variadic and not self.several:
            self.pull = straight_line_pull(self)  # type: ignore[method-assign]
            return self.pull(node, g, tensors, only)
        return self.pull_generally(node, g, tensors, only)

    def pull_generally(
        self, node: Node, g: Any, tensors: bool, only: set[Node] | None
    ) -> list[tuple[Node, Any]]:
        """Do what `pull` does for any primitive, on arrays or tensors."""
        saved = node.saved
        assert saved is not None
        if tensors:
            saved = self._saved_as_tensors(node)
        if self.several:
            g = _complete(g, node, tensors)
        shapes = tuple(
            np.shape(saved[k]) if p is None else p.shape for k, p in enumerate(node.inputs)
        )
        count = len(node.inputs)
        before = len(saved) - len(self.extras)
        pulled = []
        for k, parent in enumerate(node.inputs):
            if parent is None or (only is not None and parent not in only):
                continue
            reader = self._readers[0 if self.variadic else k]
            if reader is None:
                raise self.no_rule(node)
            environment = (
                (g, saved[:count], *saved[count:], shapes, k)
                if self.variadic
                else (g, *saved[:before], *shapes, *saved[before:])
            )
            rule, pick = reader
            gradient = rule(*pick(environment))
            if gradient.shape != parent.shape:
                gradient = operators["sum_to"](gradient, parent.shape)
            pulled.append((parent, gradient))
        return pulled

    def _saved_as_tensors(self, node: Node) -> tuple[Any, ...]:
        """Return what was saved with the arrays as tensors that hang in the graph."""
        assert node.saved is not None
        values = list(node.saved)
        count = len(node.inputs)
        for k, parent in enumerate((*node.inputs, node)):
            value = values[k]
            if isinstance(value, ndarray | np.generic):
                values[k] = attach(asarray(value), parent)
            elif isinstance(value, tuple) and k == count:
                # Each output hangs on a node of its own that leads to this one, as it did when
                # the operation ran.
                values[k] = outputs = tuple(attach(v, None) for v in value)
                connect_outputs(node, outputs)
        if self.extras:
            named = dict(zip((*self.inputs, "y", *self.param_names), values, strict=False))
            start = len(values) - len(self.extras)
            values[start:] = self._worked_out(named)
        return tuple(values)

    def _worked_out(self, named: dict[str, Any]) -> list[Any]:
        """Return the extra values as their rules give them for tensors or symbols."""
        return [rule(*(named[n] for n in argument_names(rule))) for rule in self.extras.values()]

    def no_rule(self, node: Node) -> RuntimeError:
        """Return the error for a gradient that was asked for and does not exist."""
        file, line = source_line(node)
        return RuntimeError(
            f"the derivative of {self.name} with respect to this input is not implemented "
            f"(recorded at {file}:{line}); detach() the input if it is to count as a constant"
        )

    # --- Reading the rules on symbols -------------------------------------------------------------

    def read(self, inputs: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        """Run on arrays, numbers or symbols: the readings of the table that record nothing."""
        for value in inputs:
            if isinstance(value, Expr):
                return Call(self, inputs, params)
        arrays = (inputs, *params) if self.variadic else (*inputs, *params)
        result = self.forward(*arrays)
        # A NumPy float is a Python float too, but may stand for a 0-d array and be broadcast.
        if all(isinstance(v, int | float) and not isinstance(v, np.generic) for v in inputs):
            # Python numbers stay weak: as NumPy scalars they would widen the arrays they meet.
            return result.item() if isinstance(result, ndarray | np.generic) else result
        return result

    def formula(
        self,
        arguments: Sequence[Any] | None = None,
        params: tuple[Any, ...] = (),
        *,
        output: Symbol | None = None,
        upstream: Any = None,
        shapes: Sequence[tuple[int, ...]] | None = None,
    ) -> dict[str, Expr]:
        """Return each input's gradient as an expression: the rules read on symbols.

        Args:
            arguments: the inputs as symbols or numbers; symbols of their own names if None.
            params: the static parameters of the call.
            output: the output's symbol, ``y`` if None.
            upstream: the arriving gradient's symbol, ``ȳ`` if None.
            shapes: the inputs' shapes, where rules depend on them.
        """
        if arguments is None:
            arguments = [Symbol(n) for n in self.inputs]
        names = self.input_names(len(arguments))
        if shapes is None:
            shapes = [getattr(a, "shape", None) or () for a in arguments]
        y = output if output is not None else Symbol("y")
        g = upstream if upstream is not None else Symbol(bar("y"), r"\bar{y}")
        named = tuple(
            NamedShape(s, a.name, a.latex_name) if isinstance(a, Symbol) else s
            for s, a in zip(shapes, arguments, strict=True)
        )
        extras: list[Any] = []
        if self.extras:
            known = (*self.inputs, "y", *self.param_names)
            extras = self._worked_out(dict(zip(known, (*arguments, y, *params), strict=False)))
        output_shapes = (None,) if self.several else ()
        gradients: dict[str, Expr] = {}
        for k, (name, argument) in enumerate(zip(names, arguments, strict=True)):
            reader = self._readers[0 if self.variadic else k]
            if reader is None or not isinstance(argument, Expr):
                continue
            environment = (
                (g, tuple(arguments), y, *params, named, k)
                if self.variadic
                else (g, *arguments, y, *params, *output_shapes, *named, *extras)
            )
            rule, pick = reader
            gradients[name] = rule(*pick(environment))
        return gradients


def argument_names(rule: Rule) -> tuple[str, ...]:
    """Return what a rule asks for."""
    if isinstance(rule, FunctionType):  # nearly always; `inspect` takes its time
        return rule.__code__.co_varnames[: rule.__code__.co_argcount]
    return tuple(inspect.signature(rule).parameters)


def _picker(positions: tuple[int, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return a function that picks the rule's arguments out of its environment."""
    if len(positions) == 1:
        only = positions[0]
        return lambda environment: (environment[only],)
    return itemgetter(*positions)


def attach(array: Array, node: Node | None) -> Tensor:
    """Return a tensor that holds ``array`` and continues at ``node``."""
    tensor = _new(Tensor)
    tensor._array = array
    tensor._node = node
    tensor._base = None
    return tensor  # type: ignore[no-any-return]


def connect_outputs(main: Node, results: Sequence[Tensor | None]) -> None:
    """Give each floating output of an operation with several a node that leads to it."""
    for k, result in enumerate(results):
        if result is not None and result._array.dtype.kind == "f":
            saved = (None, None, k, len(results))
            result._node = record(table["output"], result, (main,), saved, result._array.shape)


def has_nan(value: Any) -> bool:
    """Tell whether a gradient, as an array or a tensor, holds a NaN."""
    if isinstance(value, Cotangents):
        return any(has_nan(part) for part in value if part is not None)
    array = value._array if isinstance(value, Tensor) else value
    return bool(np.isnan(array).any())


def _complete(g: Any, node: Node, tensors: bool) -> Any:
    """Fill in zeros for the outputs whose gradient never arrived."""
    if all(part is not None for part in g):
        return g
    assert node.saved is not None
    parts = []
    for part, (shape, dtype) in zip(g, node.saved[-1], strict=True):
        if part is None:
            zeros = np.zeros(shape, dtype)
            part = attach(zeros, None) if tensors else zeros
        parts.append(part)
    return Cotangents(parts)


# --- The numeric backward pass, at full speed -----------------------------------------------------


def straight_line_pull(p: Primitive) -> Callable[..., Sequence[tuple[Node, Any]]]:
    """Return `Primitive.pull` for arrays as straight-line code for the rules of one primitive.

    It does what `pull_generally` does, without its loops and tuples: on small arrays that is the
    larger part of a backward pass.
    """
    # Named by position, so that primitives of one pattern share one piece of code.
    names = {given: f"x{k}" for k, given in enumerate(p.inputs)}
    saved = ", ".join(
        (*(f"{n}_" for n in names.values()), "y", *p.param_names, *(f"{n}_extra" for n in p.extras))
    )
    lines = [
        "def make(p, rules, operators, shape_of):",
        f"    {''.join(f'{n}_rule, ' for n in names.values())}= rules",
        "    def pull(node, g, tensors, only):",
        "        if tensors:",
        "            return p.pull_generally(node, g, tensors, only)",
        f"        {''.join(f'{n}_node, ' for n in names.values())}= node.inputs",
        f"        {saved}, = node.saved",
        "        pulled = []",
    ]
    for given, n in names.items():
        lines.append(f"        if {n}_node is not None and (only is None or {n}_node in only):")
        rule = p.rules.get(given)
        if rule is None:
            lines.append("            raise p.no_rule(node)")
            continue
        arguments = []
        for wanted in argument_names(rule):
            owner = names.get(wanted.removesuffix("_shape"))
            if wanted in names:
                arguments.append(f"{names[wanted]}_")
            elif owner is not None:
                arguments.append(
                    f"{owner}_node.shape if {owner}_node is not None else shape_of({owner}_)"
                )
            else:
                arguments.append(f"{wanted}_extra" if wanted in p.extras else wanted)
        lines += [
            f"            gradient = {n}_rule({', '.join(arguments)})",
            f"            if gradient.shape != {n}_node.shape:",
            f"                gradient = operators['sum_to'](gradient, {n}_node.shape)",
            f"            pulled.append(({n}_node, gradient))",
        ]
    lines += ["        return pulled", "    return pull"]
    on_arrays = [_on_arrays(p.rules[n]) if n in p.rules else None for n in p.inputs]
    return build("\n".join(lines), "rules")(p, on_arrays, operators, np.shape)  # type: ignore[no-any-return]


def _on_arrays(rule: Rule) -> Rule:
    """Return a rule with the operations it names replaced by their forward functions.

    The same code in another namespace: it no longer has to find out that it runs on arrays.
    """
    if not isinstance(rule, FunctionType):
        return rule
    forwards = {
        name: value.primitive.forward
        for name in rule.__code__.co_names
        if (value := rule.__globals__.get(name)) is not None
        and isinstance(getattr(value, "primitive", None), Primitive)
    }
    if not forwards:
        return rule
    specialised = FunctionType(
        rule.__code__,
        {**rule.__globals__, **forwards},
        rule.__name__,
        rule.__defaults__,
        rule.__closure__,
    )
    return specialised


_built: dict[str, Any] = {}


def build(source: str, name: str, namespace: dict[str, Any] | None = None) -> Any:
    """Compile a factory function from source, once for each distinct source."""
    factory = _built.get(source)
    if factory is None:
        scope: dict[str, Any] = {}
        # Its frames are the package's, so that a node's line is found beyond them.
        file = os.path.join(os.path.dirname(__file__), f"<{name} {len(_built)}>")
        code = compile(source, file, "exec")
        exec(code, namespace if namespace is not None else {}, scope)
        factory = _built[source] = scope["make"]
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return factory


table: dict[str, Primitive] = {}
