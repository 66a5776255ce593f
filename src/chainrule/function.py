"""`Function`: an operation whose backward pass the user writes."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import asarray, ndarray

from chainrule.graph import Node, changed_after_use, mutations, record
from chainrule.modes import modes, no_grad
from chainrule.ops.inplace import node_of
from chainrule.ops.reductions import sum_to
from chainrule.primitive import Cotangents, attach, connect_outputs
from chainrule.symbol import function_notation
from chainrule.tensor import Tensor


class Context:
    """What a `Function`'s forward hands to its backward.

    Any attribute may be set; tensors among inputs and outputs belong in `save_for_backward`.
    """

    def __init__(self) -> None:
        self._saved: tuple[Any, ...] = ()
        self._nodes: tuple[Callable[[], Node | None], ...] = ()
        self._main: Callable[[], Node | None] | None = None
        self._not_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for the backward pass; changes to them in between are noticed."""
        for k, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {k} is of type "
                    f"{type(t).__name__}; set other values as attributes of ctx"
                )
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved, in order."""
        if self._main is None:
            return self._saved
        main = self._main()
        if main is None or main.saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved "
                "tensors after they have already been freed). Pass retain_graph=True to the first "
                "backward()"
            )
        tensors: list[Tensor | None] = []
        arrays = main.saved[len(main.inputs) + 1 :]
        for k, (array, node) in enumerate(zip(arrays, self._nodes, strict=True)):
            if array is None:
                tensors.append(None)
                continue
            if mutations.last(array) > main.index:
                raise changed_after_use(main, f"saved tensor {k + 1}", array)
            tensors.append(attach(array, node()))
        return tuple(tensors)

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

    def _hang_on(self, main: Node, places: dict[int, Tensor]) -> None:
        """Keep, of the saved tensors, the nodes they hang on, so that the graph frees itself.

        The arrays are the main node's. A saved output refers to that node, which refers to this
        context: such nodes are held weakly.
        """
        nodes: list[Callable[[], Node | None]] = []
        for t in self._saved:
            output = places.get(id(t))
            if output is not None:
                node = output._node
                nodes.append(_nothing if node is None else weakref.ref(node))
            else:
                nodes.append(functools.partial(_same, None if t is None else node_of(t)))
        self._nodes = tuple(nodes)
        self._main = weakref.ref(main)
        self._saved = ()
        self._not_differentiable = ()


def _nothing() -> None:
    """Stand for a node that is not there."""


def _same(node: Node | None) -> Node | None:
    return node


class _CustomOperation:
    """The part of a primitive that the graph needs, with the user's backward as its rule."""

    remembers = True
    floating = False
    view = False
    variadic = True
    keeps_output = False
    inputs = ("x",)
    param_names = ()

    def __init__(self, function: type[Function], ctx: Context, args: Sequence[Any]) -> None:
        self.function = function
        self.ctx = ctx
        self.name = function.__name__
        self.notation = function_notation(self.name)
        self.several = False
        self.positions = [k for k, a in enumerate(args) if isinstance(a, Tensor)]
        self.arguments = [None if isinstance(a, Tensor) else a for a in args]
        self.dtypes = [args[k]._array.dtype for k in self.positions]
        self.outputs: list[tuple[tuple[int, ...], Any] | None] = []
        self.rules: dict[str, Any] = {}
        self.by_hand: dict[str, tuple[str, str]] = {}

    def reads(self, node: Node, position: int) -> bool:
        """Say no: what was saved is checked when it is asked for."""
        return False

    def input_names(self, count: int) -> tuple[str, ...]:
        return tuple(f"x{k}" for k in range(count))

    def formula(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return nothing: the user's code has no formula that could be read."""
        return {}

    def forward(self, inputs: Sequence[Any]) -> Any:
        """Run the user's forward again, on arrays."""
        arguments = list(self.arguments)
        for k, value in zip(self.positions, inputs, strict=True):
            arguments[k] = attach(asarray(value), None)
        output = self.function._forward(Context(), arguments)
        if not self.several:
            return output._array
        return tuple(o._array if isinstance(o, Tensor) else o for o in output)

    def pull(
        self, node: Node, g: Any, tensors: bool, only: set[Node] | None
    ) -> list[tuple[Node, Any]]:
        gradients = list(g) if isinstance(g, Cotangents) else [g]
        for k, output in enumerate(self.outputs):
            if gradients[k] is None and output is not None and self.ctx._materialize:
                gradients[k] = np.zeros(*output)
            if isinstance(gradients[k], ndarray | np.generic):
                gradients[k] = attach(asarray(gradients[k]), None)
        before = modes.grad
        modes.grad = tensors
        try:
            returned = self.function.backward(self.ctx, *gradients)
            if not isinstance(returned, tuple | list):
                returned = (returned,)
            self._check_number(returned)
            pulled: list[tuple[Node, Any]] = []
            for k, parent, dtype in zip(self.positions, node.inputs, self.dtypes, strict=True):
                wanted = parent is not None and (only is None or parent in only)
                if wanted and returned[k] is not None:
                    assert parent is not None
                    gradient = self._fitted(returned[k], k, parent.shape or (), dtype)
                    pulled.append((parent, gradient if tensors else gradient._array))
            return pulled
        finally:
            modes.grad = before

    def _check_number(self, returned: Sequence[Any]) -> None:
        count = len(self.arguments)
        if len(returned) < count or any(r is not None for r in returned[count:]):
            raise RuntimeError(
                f"function {self.name}Backward returned an incorrect number of gradients (expected "
                f"{count}, got {len(returned)}): backward must return one for each argument of "
                "forward, None for those without gradient"
            )

    def _fitted(self, gradient: Any, k: int, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """Return a gradient in its input's shape and dtype, or refuse it."""
        if not isinstance(gradient, Tensor):
            raise RuntimeError(
                f"expected Variable or None (got {type(gradient).__name__}): {self.name}.backward "
                f"must return a Tensor or None for argument {k}"
            )
        given = gradient._array.shape
        if given != shape:
            try:
                broadcast = np.broadcast_shapes(given, shape)
            except ValueError:
                broadcast = None
            if broadcast != given:
                raise RuntimeError(
                    f"Function {self.name}Backward returned an invalid gradient at index {k} - got "
                    f"{list(given)} but expected shape compatible with {list(shape)}"
                )
            return sum_to(gradient, shape).to(dtype)
        return gradient.to(dtype)


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
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function: a static method "
            "forward(ctx, *args)"
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return a gradient per argument of forward; to be defined by the subclass."""
        raise NotImplementedError(
            "You must implement the backward method for your custom autograd.Function: a static "
            "method backward(ctx, *gradients)"
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the operation and record it.

        Tensors among the arguments may have gradients, not those inside lists or dictionaries.
        """
        if kwargs:
            args = cls._positional(args, kwargs)
        ctx = Context()
        nodes = [node_of(a) for a in args if isinstance(a, Tensor)]
        ctx.needs_input_grad = tuple(
            isinstance(a, Tensor) and modes.grad and node_of(a) is not None for a in args
        )
        output = cls._forward(ctx, args)
        if any(ctx.needs_input_grad):
            return cls._recorded(ctx, args, nodes, output)
        return output

    @classmethod
    def _positional(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments in the order in which forward declares them."""
        before = () if cls.setup_context is not None else (None,)  # ctx
        bound = inspect.signature(cls.forward).bind(*before, *args, **kwargs)
        bound.apply_defaults()
        return bound.args[len(before) :]

    @classmethod
    def _forward(cls, ctx: Context, args: Sequence[Any]) -> Any:
        with no_grad():
            if cls.setup_context is None:
                return cls.forward(ctx, *args)
            output = cls.forward(*args)
            cls.setup_context(ctx, tuple(args), output)
            return output

    @classmethod
    def _recorded(
        cls, ctx: Context, args: Sequence[Any], nodes: list[Node | None], output: Any
    ) -> Any:
        """Return the outputs with the operation recorded."""
        single = not isinstance(output, tuple | list)
        given = (output,) if single else tuple(output)
        inputs = {id(a) for a in args}
        outputs = [_own(o, id(o) in inputs) for o in given]
        constant = {id(t) for t in ctx._not_differentiable}
        active = [
            isinstance(o, Tensor) and o._array.dtype.kind == "f" and id(before) not in constant
            for o, before in zip(outputs, given, strict=True)
        ]
        if any(active):
            operation: Any = _CustomOperation(cls, ctx, args)
            operation.several = not single
            operation.outputs = [
                (o._array.shape, o._array.dtype) if isinstance(o, Tensor) else None for o in outputs
            ]
            tensors = [a for a in args if isinstance(a, Tensor)]
            constants = (
                None if n is not None else t._array for t, n in zip(tensors, nodes, strict=True)
            )
            kept = (None if t is None else t._array for t in ctx._saved)
            saved = (*constants, None, *kept)
            if single:
                (out,) = outputs
                out._node = main = record(operation, out, tuple(nodes), saved, out._array.shape)
            else:
                main = record(operation, None, tuple(nodes), saved, None)
                connect_outputs(
                    main, [o if on else None for o, on in zip(outputs, active, strict=True)]
                )
            places = {id(b): o for b, o in zip(given, outputs, strict=True) if id(b) not in inputs}
            ctx._hang_on(main, places)
        return outputs[0] if single else tuple(outputs)


def _own(output: Any, is_input: bool) -> Any:
    """Return an output that shares neither identity, nor node, nor memory with anything else."""
    if not isinstance(output, Tensor):
        return output
    if is_input or output._node is not None or output._base is not None:
        return attach(output._array.copy(), None)
    return output


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Declare that a backward pass cannot itself be differentiated; doing so is then an error.

    A decorator between ``@staticmethod`` and ``backward`` of a `Function` whose backward pass
    computes with NumPy, for example.
    """

    @functools.wraps(backward)
    def wrapped(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            returned = backward(ctx, *gradients)
        if not modes.grad:
            return returned
        sources = [
            t for t in (*gradients, *ctx.saved_tensors) if isinstance(t, Tensor) and t.requires_grad
        ]
        single = not isinstance(returned, tuple | list)
        results = tuple(
            _TwiceRefused.apply(r, *sources) if isinstance(r, Tensor) and sources else r
            for r in ((returned,) if single else returned)
        )
        return results[0] if single else results

    return wrapped


class _TwiceRefused(Function):
    """Hang a gradient in the graph at a place through which no gradient passes."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, *sources: Tensor) -> Tensor:
        return gradient.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
