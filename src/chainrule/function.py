"""`Function`: an operation whose backward pass the user writes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from chainrule.graph import Node, mutations, record
from chainrule.modes import modes, no_grad
from chainrule.operation import connect_outputs
from chainrule.ops.inplace import node_of
from chainrule.primitive import Array, Cotangents, attach
from chainrule.symbol import function_notation
from chainrule.tensor import Tensor


class Context:
    """What a `Function`'s forward hands to its backward.

    Any attribute may be set; tensors among inputs and outputs belong in `save_for_backward`.
    """

    def __init__(self) -> None:
        self._saved: tuple[Any, ...] = ()
        self._not_differentiable: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._materialize = True
        self._freed = False
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for the backward pass; changes to them in between are noticed."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but got {type(t).__name__}; set "
                    "other values as attributes of ctx"
                )
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved, in order."""
        if self._freed:
            raise RuntimeError(
                "Trying to backward through the graph a second time: the saved tensors were freed. "
                "Pass retain_graph=True to the first backward()"
            )
        return self._unpack()

    def _unpack(self) -> tuple[Any, ...]:
        return tuple(self._saved)

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Declare outputs that have no gradient, such as indices."""
        self._not_differentiable = outputs

    def mark_dirty(self, *inputs: Tensor) -> None:
        """Refuse: a custom operation must not change its inputs."""
        raise NotImplementedError(
            "in-place custom functions are not supported; return a new tensor instead of marking "
            "an input dirty"
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Choose whether missing output gradients arrive as zeros (the default) or as None."""
        self._materialize = value


class _CustomOperation:
    """The part of a primitive that the graph needs, with the user's backward as its rule."""

    by_hand: dict[str, tuple[str, str]] = {}  # noqa: RUF012 (a constant, shared)
    remembers = True
    several = False
    view = False
    variadic = True
    param_names = ()

    def __init__(self, function: type[Function], ctx: Context, tensors: list[int], count: int):
        self.function = function
        self.ctx = ctx
        self.positions = tensors
        self.count = count
        self.name = function.__name__
        self.notation = function_notation(self.name)
        self.metadata: list[tuple[tuple[int, ...], Any]] = []
        self.saved_at: list[tuple[Array, Node | None, int]] = []

    def reads(self, node: Node, position: int) -> bool:
        return True

    def describe(self, position: int) -> str:
        return f"saved tensor {position + 1}"

    def input_names(self, count: int) -> tuple[str, ...]:
        return tuple(f"x{k}" for k in range(count))

    def formula(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return nothing: the user's code has no formula that could be read."""
        return {}

    def pull(
        self, node: Node, g: Any, tensors: bool, only: set[Node] | None
    ) -> list[tuple[Node, Any]]:
        gradients = list(g) if isinstance(g, Cotangents) else [g]
        for k, (shape, dtype) in enumerate(self.metadata):
            if gradients[k] is None and self.ctx._materialize:
                gradients[k] = np.zeros(shape, dtype)
            if isinstance(gradients[k], ndarray | np.generic):
                gradients[k] = attach(np.asarray(gradients[k]), None)
        before = modes.grad
        modes.grad = tensors
        try:
            returned = self.function.backward(self.ctx, *gradients)
        finally:
            modes.grad = before
        if not isinstance(returned, tuple | list):
            returned = (returned,)
        if len(returned) != self.count and any(r is not None for r in returned[self.count :]):
            raise RuntimeError(
                f"function {self.name}Backward returned an incorrect number of gradients (expected "
                f"{self.count}, got {len(returned)}): backward must return one for each argument "
                "of forward, None for those without gradient"
            )
        pulled: list[tuple[Node, Any]] = []
        for k, parent in zip(self.positions, node.inputs, strict=True):
            if parent is None or (only is not None and parent not in only):
                continue
            gradient = returned[k] if k < len(returned) else None
            if gradient is None:
                continue
            if not isinstance(gradient, Tensor):
                raise TypeError(
                    f"{self.name}.backward returned a {type(gradient).__name__} for argument {k}, "
                    "expected a Tensor or None"
                )
            if gradient._array.shape != parent.shape:
                raise RuntimeError(
                    f"Function {self.name}Backward returned an invalid gradient at index {k} - got "
                    f"{list(gradient.shape)} but expected shape compatible with "
                    f"{list(parent.shape or ())}"
                )
            pulled.append((parent, gradient if tensors else gradient._array))
        return pulled


class Function:
    """Base class of operations with a hand-written backward pass.

    Subclasses define ``forward(ctx, *args)`` and ``backward(ctx, *gradients)`` as static methods
    (or ``forward(*args)`` with ``setup_context(ctx, inputs, output)``) and are called through
    `apply`. The backward pass may itself be differentiated if it is written on tensors.

    >>> import chainrule as cr
    >>> class Square(cr.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * g
    >>> x = cr.tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)
    """

    setup_context: Any = None

    def __init__(self) -> None:
        raise RuntimeError(
            f"{type(self).__name__} is not to be instantiated; call its apply(...) on the class"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; to be defined by the subclass."""
        raise NotImplementedError("a Function must define forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return a gradient per argument of forward; to be defined by the subclass."""
        raise NotImplementedError("a Function must define backward(ctx, *gradients)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run the operation and record it."""
        ctx = Context()
        positions = [k for k, a in enumerate(args) if isinstance(a, Tensor)]
        nodes = [node_of(args[k]) for k in positions]
        recording = modes.grad and any(n is not None for n in nodes)
        ctx.needs_input_grad = tuple(
            isinstance(a, Tensor) and node_of(a) is not None and modes.grad for a in args
        )
        with no_grad():
            if cls.setup_context is not None:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        single = isinstance(output, Tensor)
        outputs = [output] if single else list(output)
        # An input returned as it is becomes an output of its own.
        inputs = {id(args[k]) for k in positions}
        outputs = [
            attach(o._array.copy(), None) if isinstance(o, Tensor) and id(o) in inputs else o
            for o in outputs
        ]
        if recording:
            cls._record(ctx, args, positions, nodes, outputs)
        return outputs[0] if single else tuple(outputs)

    @classmethod
    def _record(
        cls, ctx: Context, args: Any, positions: list[int], nodes: list[Node | None], outputs: Any
    ) -> None:
        operation: Any = _CustomOperation(cls, ctx, positions, len(args))
        constant = {id(t) for t in ctx._not_differentiable}
        active = [
            o
            for o in outputs
            if isinstance(o, Tensor) and id(o) not in constant and o._array.dtype.kind == "f"
        ]
        operation.metadata = [(o._array.shape, o._array.dtype) for o in outputs]
        arrays = tuple(t._array if isinstance(t, Tensor) else None for t in ctx._saved)
        if len(outputs) == 1:
            if not active:
                return
            main = record(operation, active[0], tuple(nodes), arrays, active[0]._array.shape)
            active[0]._node = main
        else:
            main = record(operation, None, tuple(nodes), arrays, None)
            connect_outputs(main, outputs)
            for o in outputs:
                if id(o) in constant:
                    o._node = None
        _keep_without_cycles(ctx, args, outputs, main)


def _keep_without_cycles(ctx: Context, args: Any, outputs: Any, main: Node) -> None:
    """Let the context hold saved tensors so that the graph still frees itself.

    A saved output would refer to the node that holds the context. So arrays are kept, with the
    node they hang on (weakly for outputs), and tensors are made of them when asked for.
    """
    import weakref

    at = main.index
    made = {id(o): k for k, o in enumerate(outputs) if isinstance(o, Tensor)}
    kept: list[tuple[Any, Any, Any]] = []
    for t in ctx._saved:
        if t is None:
            kept.append((None, None, None))
        elif id(t) in made:
            node = t._node
            kept.append((t._array, None if node is None else weakref.ref(node), None))
        else:
            node = node_of(t)
            kept.append((t._array, None if node is None else (lambda n=node: n), None))
    ctx._saved = ()

    def unpack() -> tuple[Any, ...]:
        tensors: list[Any] = []
        for array, node, _ in kept:
            if array is None:
                tensors.append(None)
                continue
            if mutations.last(array) > at:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    "inplace operation: a tensor saved for backward was changed afterwards; save a "
                    "clone()"
                )
            tensors.append(attach(array, node() if node is not None else None))
        return tuple(tensors)

    ctx._unpack = unpack  # type: ignore[method-assign]
