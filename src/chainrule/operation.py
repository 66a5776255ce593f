"""From a definition to an operation: a function that runs, records, and reads as a formula."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numpy import asarray, ndarray

from chainrule import dtypes, operands, primitive
from chainrule.graph import Node, memory_owner, record
from chainrule.modes import modes
from chainrule.operands import lift, operand_error, refuse_bools, rewired
from chainrule.primitive import (
    Cotangents,
    Primitive,
    Rule,
    attach,
    build,
    connect_outputs,
    table,
)
from chainrule.symbol import Notation, operators

if TYPE_CHECKING:
    from chainrule.tensor import Tensor
else:
    # Results are Tensors, a class that stands above this module; it announces itself below.
    Tensor = None

Operation = Callable[..., "Tensor"]
"""A function of the table: on tensors it records, on arrays it computes, on symbols it writes."""

_new: Callable[..., Any] = object.__new__
boolean = dtypes.bool


def results_are(cls: Any) -> Any:
    """Announce the class of tensors; a decorator that `chainrule.tensor` uses once."""
    for module in (primitive, operands):
        vars(module)["Tensor"] = cls
    globals()["Tensor"] = cls
    return cls


def define(
    name: str,
    forward: Callable[..., Any],
    *,
    inputs: tuple[str, ...] | None = None,
    params: tuple[str, ...] = (),
    notation: Notation | None = None,
    view: bool = False,
    floating: bool = False,
    several: bool = False,
    refuses_bools: str = "",
    doc: str = "",
    by_hand: dict[str, tuple[str, str]] | None = None,
    extras: dict[str, Rule] | None = None,
    **rules: Rule,
) -> Operation:
    """Define a primitive and return the operation.

    Args:
        name: the operation's name, PyTorch's where it has one.
        forward: the function on arrays; it takes the inputs, then the static parameters.
        inputs: the operands' names, those of the rules if None; ``("*xs",)`` for a tuple of any
            length.
        params: the static parameters' names, in the order in which ``forward`` takes them.
        notation: how a call is printed; ``name(operands, parameters)`` if None.
        view: the output may share its memory with the input; with ``several``, each output does.
        floating: the result is a float also for integers.
        several: ``forward`` returns a tuple of arrays.
        refuses_bools: the error for bool operands, if they have no meaning here.
        doc: the docstring of the operation.
        by_hand: formulas (text, LaTeX) per input, for rules whose code no symbol can read.
        extras: values that ``forward`` works out anyway and that rules read by name: it returns
            them after the output, and these rules work them out from the inputs where the
            derivative rules are read on tensors or symbols. For operations with two inputs or
            static parameters.
        **rules: the derivative rule per input.
    """
    names = inputs if inputs is not None else tuple(rules)
    definition = Primitive(
        name,
        forward,
        names,
        params,
        rules,
        notation,
        view=view,
        floating=floating,
        several=several,
        refuses_bools=refuses_bools,
        by_hand=by_hand,
        extras=extras,
    )
    if definition.variadic:
        operation: Operation = _variadic(definition)
    elif several:
        operation = _several_views(definition) if view else _several(definition)
    elif view:
        operation = _view(definition)
    elif len(names) == 1 and not extras:
        operation = _unary(definition)
    else:
        operation = _straight_line(definition)
    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = doc
    # The operation belongs to the module of the table that defines it, where doctest looks.
    caller = inspect.currentframe()
    assert caller is not None and caller.f_back is not None
    operation.__module__ = caller.f_back.f_globals["__name__"]
    operation.primitive = definition  # type: ignore[attr-defined]
    operators[name] = operation
    table[name] = definition
    return operation


def _view(p: Primitive) -> Any:
    forward = p.forward
    if p.remembers:
        raise TypeError(f"{p.name} is a view, so its rule may read shapes and parameters only")

    def operation(input: Any, *params: Any) -> Any:
        if not isinstance(input, Tensor):
            if type(input) is ndarray:  # in a rule that is read on arrays
                return forward(input, *params)
            return p.read((input,), params)
        x = input._array
        y = forward(x, *params)
        if type(y) is not ndarray:
            y = asarray(y)
        result = _new(Tensor)
        result._array = y
        node = input._node if input._base is None else rewired(input)
        owner = y.base
        if (
            y is not x
            and owner is not x
            and (owner is None or memory_owner(y) is not memory_owner(x))
        ):
            result._base = None
        else:
            base = input if input._base is None else input._base
            result._base = base
            if base._changes:
                result._changes = base._changes
            if input._silent or (node is not None and not modes.grad):
                result._silent = True
        if node is None or not modes.grad:
            result._node = None
        else:
            result._node = record(p, result, (node,), (None, None, *params), y.shape)
        return result

    return operation


def _saved(
    p: Primitive, arrays: Sequence[Any], nodes: Sequence[Node | None], y: Any, params: Any
) -> tuple[Any, ...]:
    """Return what a node keeps: operands that rules read or that are constants, output, params."""
    if p.variadic:
        reads = p.inputs[0] in p.needs.get(p.inputs[0], ())
        kept = [a if reads or n is None else None for a, n in zip(arrays, nodes, strict=True)]
    else:
        wanted: frozenset[str] = frozenset().union(
            *(p.needs.get(r, ()) for r, n in zip(p.inputs, nodes, strict=True) if n is not None)
        )
        kept = [
            a if n is None or name in wanted else None
            for a, n, name in zip(arrays, nodes, p.inputs, strict=True)
        ]
    return (*kept, y if p.keeps_output else None, *params)


def _unary(p: Primitive) -> Any:
    """Return an operation with one input; `_straight_line` says what it does."""
    forward, floating, refuses_bools = p.forward, p.floating, p.refuses_bools
    keep_x, keep_y = p.inputs[0] in p.needs.get(p.inputs[0], ()), p.keeps_output
    differentiable = bool(p.rules)
    generally = _generally(p)

    def operation(input: Any, *params: Any) -> Any:
        if not isinstance(input, Tensor):
            if type(input) is ndarray:  # in a rule that is read on arrays
                return forward(input, *params)
            return generally((input,), params)
        x = input._array
        if (floating and x.dtype.kind != "f") or (refuses_bools and x.dtype is boolean):
            return generally((input,), params)
        y = forward(x, *params)
        if type(y) is not ndarray:
            y = asarray(y)
        result = _new(Tensor)
        result._array = y
        result._base = None
        node = input._node if input._base is None else rewired(input)
        if node is not None and modes.grad and differentiable:
            saved = (x if keep_x else None, y if keep_y else None, *params)
            result._node = record(p, result, (node,), saved, y.shape)
        else:
            result._node = None
        return result

    return operation


def _straight_line(p: Primitive) -> Any:
    """Return an operation with two or more inputs, or with extra values, as straight-line code.

    What it spells out, for tensors of one dtype: run the forward function, and if a gradient may
    be asked for, record a node with what the rules of the inputs that need one will read. All
    other operands (numbers, arrays, mixed dtypes, symbols) go the general way. Loops over the
    operands instead would cost more than NumPy's work on a small array.
    """
    # Named by position, so that primitives of one pattern share one piece of code.
    names = tuple(f"x{k}" for k in range(len(p.inputs)))
    public = ("input", "other") if len(names) <= 2 else p.inputs
    arguments = [*public[: len(names)], *p.param_names]
    passed = ", ".join((*(f"{n}_" for n in names), *p.param_names))
    extras = [f"{n}_extra" for n in p.extras]
    returned = ", ".join(("y", *extras))
    lines = [
        "def make(_primitive, forward, generally):",
        f"    def operation({', '.join(arguments)}):",
    ]
    scalars = len(names) == 2 and not p.param_names
    tensors = " and ".join(f"isinstance({a}, Tensor)" for a, _ in zip(public, names, strict=False))
    lines.append(f"        if {tensors}:")
    for a, n in zip(public, names, strict=False):
        lines += [
            f"            {n}_ = {a}._array",
            f"            {n}_node = {a}._node if {a}._base is None else rewired({a})",
        ]
    weighed = [n for n, given in zip(names, p.inputs, strict=True) if given != "condition"]
    same = [f"{n}_.dtype is {weighed[0]}_.dtype" for n in weighed[1:]]
    if p.floating:
        same.append(f"{weighed[0]}_.dtype.kind == 'f'")
    if p.refuses_bools:
        same.append(f"{weighed[0]}_.dtype is not boolean")
    everything = "".join(f"{a}, " for a in public[: len(names)])
    general = f"generally(({everything}), ({''.join(f'{n}, ' for n in p.param_names)}))"
    if same:
        lines += [
            f"            if not ({' and '.join(same)}):",
            f"                return {general}",
        ]
    if scalars:
        for k, other in ((0, 1), (1, 0)):
            tensor, number = public[k], public[other]
            t, n = names[k], names[other]
            lines += [
                f"        elif type({number}) is float and isinstance({tensor}, Tensor) and "
                f"{tensor}._array.dtype.kind == 'f':",
                f"            {t}_ = {tensor}._array",
                f"            {t}_node = {tensor}._node if {tensor}._base is None "
                f"else rewired({tensor})",
                f"            {n}_ = {number}",
                f"            {n}_node = None",
            ]
    lines += ["        else:", f"            return {general}"]
    if len(names) == 2:
        lines += [
            "        try:",
            f"            {returned} = forward({passed})",
            "        except ValueError as error:",
            f"            given = ({names[0]}_, {names[1]}_)",
            "            raise operand_error(_primitive, given, error) from None",
        ]
    else:
        lines.append(f"        {returned} = forward({passed})")
    anyone = " or ".join(f"{n}_node is not None" for n in names)
    kept = []
    for n, given in zip(names, p.inputs, strict=True):
        readers = [r for r, by in zip(names, p.inputs, strict=True) if given in p.needs.get(by, ())]
        wanted = " or ".join((f"{n}_node is None", *(f"{r}_node is not None" for r in readers)))
        kept.append(f"{n}_ if {wanted} else None")
    saved = ", ".join((*kept, "y" if p.keeps_output else "None", *p.param_names, *extras))
    lines += [
        "        if type(y) is not ndarray:",
        "            y = asarray(y)",
        "        result = _new(Tensor)",
        "        result._array = y",
        "        result._base = None",
        "        result._node = None",
    ]
    if p.rules:  # else (a comparison) the result is a constant
        lines += [
            f"        if ({anyone}) and modes.grad:",
            f"            inputs = ({''.join(f'{n}_node, ' for n in names)})",
            f"            result._node = record(_primitive, result, inputs, ({saved},), y.shape)",
        ]
    lines += ["        return result", "    return operation"]
    make = build("\n".join(lines), "operation", globals())
    return make(p, p.forward_with_extras, _generally(p))


def _generally(p: Primitive) -> Callable[[tuple[Any, ...], tuple[Any, ...]], Any]:
    """Return the operation for operands that the straight-line code does not handle."""

    def operation(inputs: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        for value in inputs:
            if isinstance(value, Tensor):
                break
        else:
            return p.read(inputs, params)
        if p.refuses_bools:
            refuse_bools(p, inputs)
        if len(inputs) == 2 and not params:
            operands_of_one_dtype = operands.agree(p, *inputs)
            if operands_of_one_dtype is None:
                return p.read(inputs, params)
            inputs = operands_of_one_dtype
        else:
            inputs = tuple(operands.agree_all(p, inputs))
        arrays, nodes, recording = lift(p, inputs)
        extras: Sequence[Any] = ()
        try:
            y = p.forward_with_extras(*arrays, *params)
        except ValueError as error:
            raise operand_error(p, arrays, error) from None
        if p.extras:
            y, *extras = y
        if type(y) is not ndarray:
            y = asarray(y)
        result = attach(y, None)
        if recording:
            saved = (*_saved(p, arrays, nodes, y, params), *extras)
            result._node = record(p, result, tuple(nodes), saved, y.shape)
        return result

    return operation


def _variadic(p: Primitive) -> Any:
    forward = p.forward

    def operation(inputs: Sequence[Any], *params: Any) -> Any:
        if not any(isinstance(v, Tensor) for v in inputs):
            return p.read(tuple(inputs), params)
        arrays, nodes, recording = lift(p, operands.agree_all(p, inputs))
        y = asarray(forward(tuple(arrays), *params))
        result = attach(y, None)
        if recording:
            saved = _saved(p, arrays, nodes, y, params)
            result._node = record(p, result, tuple(nodes), saved, y.shape)
        return result

    return operation


def _several(p: Primitive) -> Any:
    count, forward = len(p.inputs), p.forward

    def operation(*args: Any) -> Any:
        inputs, params = args[:count], args[count:]
        if not any(isinstance(v, Tensor) for v in inputs):
            return p.read(inputs, params)
        arrays, nodes, recording = lift(p, operands.agree_all(p, inputs))
        values = tuple(asarray(v) for v in forward(*arrays, *params))
        results = tuple(attach(v, None) for v in values)
        if recording:
            shapes = tuple((v.shape, v.dtype) for v in values)
            saved = (*_saved(p, arrays, nodes, values, params), shapes)
            main = record(p, None, tuple(nodes), saved, None)
            connect_outputs(main, results)
        return results

    return operation


def _several_views(p: Primitive) -> Any:
    forward = p.forward

    def operation(input: Any, *params: Any) -> Any:
        if not isinstance(input, Tensor):
            return p.read((input,), params)
        node = input._node if input._base is None else rewired(input)
        base = input if input._base is None else input._base
        silent = input._silent or (node is not None and not modes.grad)
        values = forward(input._array, *params)
        results = []
        for value in values:
            result = attach(value, None)
            result._base = base
            if base._changes:
                result._changes = base._changes
            if silent:
                result._silent = True
            results.append(result)
        if node is not None and modes.grad:
            shapes = tuple((v.shape, v.dtype) for v in values)
            connect_outputs(record(p, None, (node,), (None, None, *params, shapes), None), results)
        return tuple(results)

    return operation


define(
    "output",
    lambda values, k, count: values[k],
    params=("k", "count"),
    values=lambda g, k, count: Cotangents.of_one(g, k, count),
    doc="Pick one output of an operation that has several.",
)
