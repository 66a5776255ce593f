"""Primitives: an operation and its derivative rules, written once and read three ways.

A rule is a function whose argument names say what it needs: ``g`` is the gradient arriving from
above (ȳ), ``y`` the output, and the other names are the primitive's inputs, their shapes
(``x_shape``) and its static parameters. Only what a rule names is saved when the operation runs.

    exp = define("exp", np.exp, x=lambda g, y: g * y)
    matmul = define("matmul", np.matmul, a=lambda g, b: g @ b.mT, b=lambda g, a: a.mT @ g)

`define` returns the operation as a function that runs on tensors (and records), on arrays (the
numeric backward pass), and on symbols (the formula). Rules are written in terms of operators and
of these functions, and so can be read on all three as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import asarray, ndarray

from chainrule import dtypes
from chainrule.graph import Node, modes, mutations, record, source_line
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
    # Results are Tensors, a class that stands above this module; it announces itself below.
    Tensor = None

Array = ndarray[Any, Any]
Rule = Callable[..., Any]
_new: Callable[..., Any] = object.__new__


def results_are(cls: Any) -> Any:
    """Announce the class of tensors; a decorator that `chainrule.tensor` uses once."""
    globals()["Tensor"] = cls
    return cls


class Cotangents(tuple[Any, ...]):
    """The gradients of an operation with several outputs, None where one was not used."""

    shape = None

    def __add__(self, other: Any) -> Cotangents:
        return Cotangents(
            b if a is None else a if b is None else a + b for a, b in zip(self, other, strict=True)
        )


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
        outputs: the number of outputs if there are several, a function of the parameters or None.
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
        by_hand: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        self.name = name
        self.forward = forward
        self.variadic = inputs[0].startswith("*")
        self.inputs = tuple(n.lstrip("*") for n in inputs)
        self.param_names = params
        self.rules = rules
        self.notation = notation if notation is not None else function_notation(name)
        self.view = view
        self.floating = floating
        self.several = several
        self.by_hand = by_hand or {}
        environment = ("g", *self.inputs, "y", *params)
        if several:
            environment += ("output_shapes",)
        if self.variadic:
            environment += ("shapes", "k")
        else:
            environment += tuple(f"{n}_shape" for n in self.inputs)
        self._readers: list[tuple[Rule, Any] | None] = []
        self.needs: dict[str, frozenset[str]] = {}
        for input_name in self.inputs:
            rule = rules.get(input_name)
            if rule is None:
                self._readers.append(None)
                continue
            wanted = tuple(inspect.signature(rule).parameters)
            unknown = [n for n in wanted if n not in environment]
            if unknown:
                raise TypeError(
                    f"the rule of {name} for {input_name} asks for {', '.join(unknown)}; it may "
                    f"ask for {', '.join(environment)}"
                )
            self.needs[input_name] = frozenset(wanted)
            positions = tuple(environment.index(n) for n in wanted)
            self._readers.append((rule, None if positions == (0,) else _picker(positions)))
        extra = set(rules) - set(self.inputs)
        if extra:
            raise TypeError(f"{name} has rules for {', '.join(sorted(extra))}, not inputs of it")
        asked = frozenset().union(*self.needs.values()) if self.needs else frozenset()
        self.keeps_output = "y" in asked
        self.remembers = bool(asked & {*self.inputs, "y"})
        self._wants_shapes = bool(asked & {"shapes", "k", *(f"{n}_shape" for n in self.inputs)})

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def keeps(self, active: Sequence[bool]) -> tuple[bool, ...]:
        """Tell which inputs must be saved when the ``active`` ones need a gradient."""
        asked = frozenset().union(
            *(self.needs.get(n, frozenset()) for n, on in zip(self.inputs, active, strict=True) if on)
        )
        return tuple(name in asked for name in self.inputs)

    def input_names(self, count: int) -> tuple[str, ...]:
        """Return a name for each of ``count`` inputs."""
        if self.variadic:
            return tuple(f"{self.inputs[0]}{k}" for k in range(count))
        return self.inputs[:count]

    def reads(self, node: Node, position: int) -> bool:
        """Tell whether a rule that ``node`` will run reads the saved value at ``position``."""
        names = ("xs" if self.variadic else None,)
        count = len(node.inputs)
        if self.variadic:
            return position < count and self.inputs[0] in self.needs.get(self.inputs[0], ())
        names = (*self.inputs, "y")
        if position > count:
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
        return "the output"

    # --- Reading the rules on arrays and on tensors -----------------------------------------------

    def pull(
        self, node: Node, g: Any, tensors: bool, only: set[Node] | None
    ) -> list[tuple[Node, Any]]:
        """Return each parent of ``node`` with the gradient its rule gives for it."""
        saved = node.saved
        assert saved is not None
        if tensors:
            saved = self._saved_as_tensors(node)
        if self.several:
            g = _complete(g, node)
        if self.variadic:
            return self._pull_variadic(node, g, saved, only)
        environment = (g, *saved)
        if self._wants_shapes:
            environment += tuple(
                np.shape(saved[k]) if p is None else p.shape for k, p in enumerate(node.inputs)
            )
        pulled = []
        for parent, reader in zip(node.inputs, self._readers, strict=True):
            if parent is None or (only is not None and parent not in only):
                continue
            if reader is None:
                raise self.no_rule(node)
            rule, pick = reader
            gradient = rule(g) if pick is None else rule(*pick(environment))
            if gradient.shape != parent.shape:
                gradient = operators["sum_to"](gradient, parent.shape)
            pulled.append((parent, gradient))
        return pulled

    def _pull_variadic(
        self, node: Node, g: Any, saved: tuple[Any, ...], only: set[Node] | None
    ) -> list[tuple[Node, Any]]:
        count = len(node.inputs)
        reader = self._readers[0]
        shapes = tuple(
            np.shape(saved[k]) if p is None else p.shape for k, p in enumerate(node.inputs)
        )
        head = (g, saved[:count], *saved[count:], shapes)
        pulled = []
        for k, parent in enumerate(node.inputs):
            if parent is None or (only is not None and parent not in only):
                continue
            if reader is None:
                raise self.no_rule(node)
            rule, pick = reader
            gradient = rule(g) if pick is None else rule(*pick((*head, k)))
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
                raise RuntimeError(
                    f"{self.name} has several outputs and its rule reads them; second derivatives "
                    "of it are not available"
                )
        return tuple(values)

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
        if all(isinstance(v, int | float) for v in inputs):
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
        gradients: dict[str, Expr] = {}
        for k, (name, argument) in enumerate(zip(names, arguments, strict=True)):
            reader = self._readers[0 if self.variadic else k]
            if reader is None or not isinstance(argument, Expr):
                continue
            environment = (
                (g, tuple(arguments), y, *params, named, k)
                if self.variadic
                else (g, *arguments, y, *params, *named)
            )
            rule, pick = reader
            gradients[name] = rule(g) if pick is None else rule(*pick(environment))
        return gradients


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


def has_nan(value: Any) -> bool:
    """Tell whether a gradient, as an array or a tensor, holds a NaN."""
    if isinstance(value, Cotangents):
        return any(has_nan(part) for part in value if part is not None)
    array = value._array if isinstance(value, Tensor) else value
    return bool(np.isnan(array).any())


def _complete(g: Any, node: Node) -> Any:
    """Fill in zeros for the outputs whose gradient never arrived."""
    if None not in g:
        return g
    assert node.saved is not None
    shapes_and_dtypes = node.saved[-1]
    lift = next(type(part) for part in g if part is not None) is not ndarray
    parts = []
    for part, (shape, dtype) in zip(g, shapes_and_dtypes, strict=True):
        if part is None:
            zeros = np.zeros(shape, dtype)
            part = attach(zeros, None) if lift else zeros
        parts.append(part)
    return Cotangents(parts)


# --- From definition to function ------------------------------------------------------------------


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
    doc: str = "",
    by_hand: dict[str, tuple[str, str]] | None = None,
    **rules: Rule,
) -> Callable[..., Tensor]:
    """Define a primitive and return the operation.

    Args:
        name: the operation's name, PyTorch's where it has one.
        forward: the function on arrays; it takes the inputs, then the static parameters.
        inputs: the operands' names, those of the rules if None; ``("*xs",)`` for a tuple of any
            length.
        params: the static parameters' names, in the order in which ``forward`` takes them.
        notation: how a call is printed; ``name(operands, parameters)`` if None.
        view: the output may share its memory with the input.
        floating: the result is a float also for integers.
        several: ``forward`` returns a tuple of arrays.
        doc: the docstring of the operation.
        by_hand: formulas (text, LaTeX) per input, for rules whose code no symbol can read.
        **rules: the derivative rule per input.
    """
    names = inputs if inputs is not None else tuple(rules)
    primitive = Primitive(
        name,
        forward,
        names,
        params,
        rules,
        notation,
        view=view,
        floating=floating,
        several=several,
        by_hand=by_hand,
    )
    if primitive.variadic:
        operation = _variadic(primitive)
    elif several:
        operation = _several(primitive)
    elif view:
        operation = _view(primitive)
    elif len(names) == 1:
        operation = _unary(primitive)
    elif len(names) == 2 and not params:
        operation = _binary(primitive)
    else:
        operation = _general(primitive)
    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = doc
    # The operation belongs to the module of the table that defines it, where doctest looks.
    caller = inspect.currentframe()
    assert caller is not None and caller.f_back is not None
    operation.__module__ = caller.f_back.f_globals["__name__"]
    operation.primitive = primitive  # type: ignore[attr-defined]
    operators[name] = operation
    table[name] = primitive
    return operation


table: dict[str, Primitive] = {}


def rewired(view: Tensor) -> Node | None:
    """Return the node of a tensor that shares another's memory.

    When the base was changed in place, the node it had when the view was taken no longer says
    where the view's values come from; the view then continues at the base's present node.
    """
    base = view._base
    assert base is not None
    if view._silent:
        return view._node
    node = base._node
    if node is not view._base_node and node is not None and node.primitive is not None:
        from chainrule.ops.inplace import reattach

        reattach(view)
    return view._node


def _unary(p: Primitive) -> Any:
    forward, floating, keep_y = p.forward, p.floating, p.keeps_output
    (keep_x,) = p.keeps((True,))

    def operation(input: Any, *params: Any) -> Any:
        if not isinstance(input, Tensor):
            return p.read((input,), params)
        x = input._array
        if floating and x.dtype.kind != "f":
            x = x.astype(dtypes.get_default_dtype())
        y = forward(x, *params)
        if type(y) is not ndarray:
            y = asarray(y)
        result = _new(Tensor)
        result._array = y
        result._base = None
        node = input._node if input._base is None else rewired(input)
        if node is None or not modes.grad:
            result._node = None
        else:
            saved = (x if keep_x else None, y if keep_y else None, *params)
            result._node = record(p, result, (node,), saved, y.shape)
        return result

    return operation


def _view(p: Primitive) -> Any:
    forward = p.forward
    if p.remembers:
        raise TypeError(f"{p.name} is a view, so its rule may read shapes and parameters only")

    def operation(input: Any, *params: Any) -> Any:
        if not isinstance(input, Tensor):
            return p.read((input,), params)
        x = input._array
        y = forward(x, *params)
        if type(y) is not ndarray:
            y = asarray(y)
        result = _new(Tensor)
        result._array = y
        node = input._node if input._base is None else rewired(input)
        if y.base is None and y is not x:
            result._base = None
        else:
            base = input if input._base is None else input._base
            result._base = base
            result._base_node = base._node
            if input._silent or (node is not None and not modes.grad):
                result._silent = True
        if node is None or not modes.grad:
            result._node = None
        else:
            result._node = record(p, result, (node,), (None, None, *params), y.shape)
        return result

    return operation


def _binary(p: Primitive) -> Any:
    forward, floating, keep_y = p.forward, p.floating, p.keeps_output
    keep = {k: p.keeps(k) for k in ((True, True), (True, False), (False, True))}
    keep_both, keep_left, keep_right = keep.values()

    def operation(input: Any, other: Any) -> Any:
        if isinstance(input, Tensor):
            a = input._array
            left = input._node if input._base is None else rewired(input)
            if isinstance(other, Tensor):
                b = other._array
                right = other._node if other._base is None else rewired(other)
                if a.dtype is not b.dtype:
                    return operation(*promoted(p, input, other))
            elif type(other) is float and a.dtype.kind == "f":
                b, right = other, None
            else:
                return _mixed(p, operation, input, other)
        elif isinstance(other, Tensor):
            b = other._array
            right = other._node if other._base is None else rewired(other)
            if type(input) is float and b.dtype.kind == "f":
                a, left = input, None
            else:
                return _mixed(p, operation, input, other)
        else:
            return p.read((input, other), ())
        if floating and b.__class__ is ndarray and b.dtype.kind != "f":
            return operation(*_as_floats(input, other))
        try:
            y = forward(a, b)
        except ValueError as error:
            raise shape_error(p, a, b, error) from None
        if type(y) is not ndarray:
            y = asarray(y)
        result = _new(Tensor)
        result._array = y
        result._base = None
        if not modes.grad or (left is None and right is None):
            result._node = None
            return result
        if left is None:
            keep_b = keep_right[1]
            saved = (a, b if keep_b else None, y if keep_y else None)
        elif right is None:
            saved = (a if keep_left[0] else None, b, y if keep_y else None)
        else:
            saved = (
                a if keep_both[0] else None,
                b if keep_both[1] else None,
                y if keep_y else None,
            )
        result._node = record(p, result, (left, right), saved, y.shape)
        return result

    return operation


def _mixed(p: Primitive, operation: Any, a: Any, b: Any) -> Any:
    """Run a binary operation on a tensor and something else: a number, an array or a symbol."""
    if isinstance(a, Expr) or isinstance(b, Expr):
        return p.read((a, b), ())
    tensor, other = (a, b) if isinstance(a, Tensor) else (b, a)
    if isinstance(other, bool | int | float | np.generic):
        number = other.item() if isinstance(other, np.generic) else other
        if not isinstance(number, bool | int | float):
            raise TypeError(f"{p.name}: {number!r} is not a real number; complex is not supported")
        dtype = dtypes.result_type(tensor._array, number)
        if p.floating and dtype.kind != "f":
            dtype = dtypes.get_default_dtype()
        number = float(number) if dtype.kind == "f" else number
        if tensor._array.dtype is not dtype:
            tensor = tensor.to(dtype)
        if dtype.kind != "f":
            number = attach(_integer(p, number, dtype), None)
        return operation(tensor, number) if isinstance(a, Tensor) else operation(number, tensor)
    if isinstance(other, ndarray):
        converted = attach(other.astype(dtypes.as_dtype(other.dtype), copy=False), None)
        return operation(tensor, converted) if isinstance(a, Tensor) else operation(converted, tensor)
    raise TypeError(
        f"{p.name}: unsupported operand of type {type(other).__name__}; expected a Tensor, a NumPy "
        "array or a number. Convert it with cr.tensor(...)"
    )


def _integer(p: Primitive, number: Any, dtype: Any) -> Array:
    try:
        return np.array(number, dtype)
    except OverflowError:
        limits = np.iinfo(dtype)
        raise OverflowError(
            f"{p.name}: {number} does not fit into {dtype} ({limits.min}..{limits.max}); convert "
            "the tensor to a wider type first, for example with .to(cr.int64)"
        ) from None


def _as_floats(*operands: Any) -> Iterator[Any]:
    for operand in operands:
        if isinstance(operand, Tensor) and operand._array.dtype.kind != "f":
            yield operand.to(dtypes.get_default_dtype())
        else:
            yield operand


def promoted(p: Primitive, *operands: Any) -> list[Any]:
    """Return the operands converted to the dtype that PyTorch's promotion gives them."""
    arrays = [o._array if isinstance(o, Tensor) else o for o in operands if o is not None]
    dtype = dtypes.result_type(*arrays)
    if p.floating and dtype.kind != "f":
        dtype = dtypes.get_default_dtype()
    result = []
    for operand in operands:
        if isinstance(operand, Tensor) and operand._array.dtype is not dtype:
            operand = operand.to(dtype)
            if operand._array.dtype is not dtype:  # a dtype object other than NumPy's singleton
                operand = attach(operand._array.view(dtype), operand._node)
        result.append(operand)
    return result


def shape_error(p: Primitive, a: Any, b: Any, error: ValueError) -> Exception:
    """Turn NumPy's complaint about two shapes into PyTorch's, with what to do."""
    shape_a, shape_b = np.shape(a), np.shape(b)
    try:
        np.broadcast_shapes(shape_a, shape_b)
    except ValueError:
        pass
    else:
        return error
    n = min(len(shape_a), len(shape_b))
    dim = next(
        d for d in range(1, n + 1) if shape_a[-d] != shape_b[-d] and 1 not in (shape_a[-d], shape_b[-d])
    )
    return RuntimeError(
        f"The size of tensor a ({shape_a[-dim]}) must match the size of tensor b ({shape_b[-dim]}) "
        f"at non-singleton dimension {max(len(shape_a), len(shape_b)) - dim}: {p.name} of shapes "
        f"{list(shape_a)} and {list(shape_b)}. Sizes must be equal or 1; reshape, transpose or "
        "unsqueeze one of the operands"
    )


def _lift(p: Primitive, values: Sequence[Any]) -> tuple[list[Any], list[Node | None], bool]:
    """Return the arrays and nodes of an operation's operands, converted to a common dtype."""
    arrays: list[Any] = []
    nodes: list[Node | None] = []
    recording = False
    dtype = None
    mixed = False
    for value in values:
        if isinstance(value, Tensor):
            array = value._array
            node = value._node if value._base is None else rewired(value)
            if node is not None:
                recording = True
            if array.dtype is not dtype:
                mixed = dtype is not None
                dtype = array.dtype
        else:
            array, node = value, None
            if isinstance(array, np.generic):
                array = array.item()
        arrays.append(array)
        nodes.append(node)
    if mixed and len({a.dtype for a in arrays if isinstance(a, ndarray) and a.dtype.kind != "b"}) > 1:
        return _lift(p, promoted_inputs(p, values))
    return arrays, nodes, recording and modes.grad


def promoted_inputs(p: Primitive, values: Sequence[Any]) -> list[Any]:
    """Promote all operands except conditions, which stay bool."""
    conditions = [isinstance(v, Tensor) and v._array.dtype.kind == "b" for v in values]
    rest = promoted(p, *(v for v, c in zip(values, conditions, strict=True) if not c))
    converted = iter(rest)
    return [v if c else next(converted) for v, c in zip(values, conditions, strict=True)]


def _save(
    p: Primitive, arrays: Sequence[Any], nodes: Sequence[Node | None], y: Any, params: Any
) -> tuple[Any, ...]:
    """Return what a node keeps: operands its rules read or that are constants, output, parameters."""
    if p.variadic:
        reads = p.inputs[0] in p.needs.get(p.inputs[0], ())
        kept = [a if reads or n is None else None for a, n in zip(arrays, nodes, strict=True)]
    else:
        wanted = p.keeps([n is not None for n in nodes])
        kept = [
            a if k or n is None else None for a, n, k in zip(arrays, nodes, wanted, strict=True)
        ]
    return (*kept, y if p.keeps_output else None, *params)


def _general(p: Primitive) -> Any:
    count, forward, floating = len(p.inputs), p.forward, p.floating
    plans: dict[tuple[bool, ...], tuple[bool, ...]] = {}

    def operation(*args: Any) -> Any:
        inputs, params = args[:count], args[count:]
        for value in inputs:
            if isinstance(value, Tensor):
                break
        else:
            return p.read(inputs, params)
        arrays, nodes, recording = _lift(p, inputs)
        if floating:
            arrays = [
                a.astype(dtypes.get_default_dtype())
                if isinstance(a, ndarray) and a.dtype.kind in "iu"
                else a
                for a in arrays
            ]
        y = forward(*arrays, *params)
        if type(y) is not ndarray:
            y = asarray(y)
        result = attach(y, None)
        if recording:
            active = tuple([n is not None for n in nodes])
            keep = plans.get(active)
            if keep is None:
                wanted = p.keeps(active)
                keep = plans[active] = tuple(
                    k or not on for k, on in zip(wanted, active, strict=True)
                )
            kept = [a if k else None for a, k in zip(arrays, keep, strict=True)]
            saved = (*kept, y if p.keeps_output else None, *params)
            result._node = record(p, result, tuple(nodes), saved, y.shape)
        return result

    return operation


def _variadic(p: Primitive) -> Any:
    forward = p.forward

    def operation(inputs: Sequence[Any], *params: Any) -> Any:
        if not any(isinstance(v, Tensor) for v in inputs):
            return p.read(tuple(inputs), params)
        arrays, nodes, recording = _lift(p, inputs)
        y = asarray(forward(tuple(arrays), *params))
        result = attach(y, None)
        if recording:
            saved = _save(p, arrays, nodes, y, params)
            result._node = record(p, result, tuple(nodes), saved, y.shape)
        return result

    return operation


def _several(p: Primitive) -> Any:
    count, forward, floating = len(p.inputs), p.forward, p.floating

    def operation(*args: Any) -> Any:
        inputs, params = args[:count], args[count:]
        if not any(isinstance(v, Tensor) for v in inputs):
            return p.read(inputs, params)
        arrays, nodes, recording = _lift(p, inputs)
        if floating:
            arrays = [
                a.astype(dtypes.get_default_dtype())
                if isinstance(a, ndarray) and a.dtype.kind in "iu"
                else a
                for a in arrays
            ]
        values = tuple(asarray(v) for v in forward(*arrays, *params))
        results = tuple(attach(v, None) for v in values)
        if recording:
            shapes = tuple((v.shape, v.dtype) for v in values)
            saved = (*_save(p, arrays, nodes, values, params), shapes)
            main = record(p, None, tuple(nodes), saved, None)
            connect_outputs(main, results)
        return results

    return operation


def connect_outputs(main: Node, results: Sequence[Tensor]) -> None:
    """Give each floating output of an operation with several a node that leads to it."""
    for k, result in enumerate(results):
        if result._array.dtype.kind == "f":
            output: Primitive = operators["output"].primitive  # type: ignore[attr-defined]
            saved = (None, None, k, len(results))
            result._node = record(output, result, (main,), saved, result._array.shape)


define(
    "output",
    lambda values, k, count: values[k],
    params=("k", "count"),
    values=lambda g, k, count: Cotangents(g if i == k else None for i in range(count)),
    doc="Pick one output of an operation that has several.",
)


def modified(array: Array) -> int:
    """Note that an array's memory has just been changed in place."""
    return mutations.mark(array)
