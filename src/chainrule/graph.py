"""The graph: what was computed from what, and the sweep that runs backward through it.

A tensor that requires grad has a `Node`: the node of the operation that made it, or a leaf node
without an operation. A node points to the nodes of its inputs and only weakly to the tensor it
made, so a graph is freed by reference counting alone and an intermediate value that nobody holds
costs nothing. Nodes are numbered as they are made; an operation's inputs exist before it does, so
descending numbers are a topological order and the sweep needs neither recursion nor sorting.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from heapq import heappop, heappush, heappushpop
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from chainrule.modes import modes

if TYPE_CHECKING:
    from chainrule.primitive import Primitive
    from chainrule.tensor import Tensor


class _Ours(dict[str, bool]):
    """Whether a source file belongs to this library, worked out once a file."""

    _package = os.path.dirname(__file__) + os.sep

    def __missing__(self, file: str) -> bool:
        self[file] = ours = file.startswith(self._package)
        return ours


_OURS = _Ours()
_ticks = itertools.count(1).__next__


class Node:
    """One operation in the graph, or (with ``primitive`` None) a leaf.

    Attributes:
        primitive: the operation; its rules turn this node's gradient into those of its inputs.
        inputs: a parent node per input, None for an input that needs no gradient.
        saved: the environment the rules read: each input's array (None when no rule needs it; an
            input without a node is always kept, so that the graph can be replayed), the output
            (likewise), then the static parameters. None once the graph was freed.
        index: its place in the order of recording.
        output: weak reference to the tensor it made.
        shape: the shape of the value it made; None for an operation with several outputs.
        where: the user's code object and instruction that caused it.
        hooks: functions that see (and may replace) the gradient; None without any.
    """

    __slots__ = (
        "__weakref__",
        "hooks",
        "index",
        "inputs",
        "output",
        "primitive",
        "saved",
        "shape",
        "where",
    )

    primitive: Primitive | None
    inputs: tuple[Node | None, ...]
    saved: tuple[Any, ...] | None
    index: int
    output: Callable[[], Tensor | None]
    shape: tuple[int, ...] | None
    where: tuple[CodeType, int]
    hooks: dict[int, Callable[[Tensor], Tensor | None] | AfterAccumulation] | None

    @property
    def name(self) -> str:
        """The operation's name, "leaf" for a leaf."""
        return "leaf" if self.primitive is None else self.primitive.name

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The parents, paired with an output number, as PyTorch gives them."""
        return tuple((parent, 0) for parent in self.inputs)

    def __repr__(self) -> str:
        return f"<{self.name} node {self.index}>"


def nothing() -> None:
    """Stand for a weak reference whose tensor is gone."""


def record(
    primitive: Primitive | None,
    tensor: Tensor | None,
    inputs: tuple[Node | None, ...],
    saved: tuple[Any, ...],
    shape: tuple[int, ...] | None,
    new: Callable[[type[Node]], Node] = object.__new__,
    tick: Callable[[], int] = _ticks,
    ref: Callable[[Any], Callable[[], Any]] = weakref.ref,
    caller: Callable[[int], Any] = sys._getframe,
    ours: dict[str, bool] = _OURS,
) -> Node:
    """Make the node of an operation that has just run, and note the user's line."""
    if _blocks_that_copy and primitive is not None:
        saved = tuple(v.copy() if isinstance(v, ndarray) else v for v in saved)
    node = new(Node)
    node.primitive = primitive
    node.inputs = inputs
    node.saved = saved
    node.index = tick()
    node.output = nothing if tensor is None else ref(tensor)
    node.shape = shape
    node.hooks = None
    frame = caller(2)
    code = frame.f_code
    if ours[code.co_filename]:
        node.where = modes.site or users_place(frame)
    else:
        node.where = (code, frame.f_lasti)
    return node


def users_place(frame: FrameType) -> tuple[CodeType, int]:
    """Return the code and instruction of the nearest frame that is not the library's own."""
    code = frame.f_code
    while _OURS[code.co_filename]:
        outer = frame.f_back
        if outer is None:
            break
        frame = outer
        code = frame.f_code
    return code, frame.f_lasti


def leaf(tensor: Tensor) -> Node:
    """Make the node of a tensor that the user asks gradients for."""
    return record(None, tensor, (), (tensor._array,), tensor._array.shape)


def source_line(node: Node) -> tuple[str, int]:
    """Return the file and line of the user's code that made the node.

    >>> import chainrule as cr
    >>> y = cr.tensor(1.0, requires_grad=True).exp()
    >>> source_line(y._node)[1]
    1
    """
    code, offset = node.where
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            line = number
    return code.co_filename, line


# --- Memory that changed after it was saved -------------------------------------------------------
# Versions belong to memory, not to tensors: views, detached tensors and tensors that are gone all
# share it. Only an in-place operation pays for this register; recording an operation does not.


class _Mutations:
    """When each array's memory was last changed in place, in ticks of the recording order."""

    def __init__(self) -> None:
        self.latest = 0
        self._by_owner: dict[int, list[Any]] = {}

    def mark(self, array: ndarray[Any, Any]) -> int:
        """Note that the memory of ``array`` has just changed; return the tick."""
        owner = memory_owner(array)
        key = id(owner)
        entry = self._by_owner.get(key)
        self.latest = tick = _ticks()
        if entry is None:
            forget = self._by_owner.pop
            self._by_owner[key] = [tick, 1, weakref.ref(owner, lambda _: forget(key, None))]
        else:
            entry[0] = tick
            entry[1] += 1
        return tick

    def mark_all(self, arrays: Iterable[ndarray[Any, Any]]) -> None:
        """Note that the memory of several arrays has just changed, at one tick."""
        entries = self._by_owner
        self.latest = tick = _ticks()
        for array in arrays:
            entry = entries.get(id(array if array.base is None else memory_owner(array)))
            if entry is None:
                self.mark(array)
            else:
                entry[0] = tick
                entry[1] += 1

    def last(self, array: ndarray[Any, Any]) -> int:
        """Return the tick of the latest change to the memory of ``array``, 0 for none."""
        entry = self._by_owner.get(id(memory_owner(array)))
        return 0 if entry is None else entry[0]

    def count(self, array: ndarray[Any, Any]) -> int:
        """Return how often the memory of ``array`` was changed in place."""
        entry = self._by_owner.get(id(memory_owner(array)))
        return 0 if entry is None else entry[1]


mutations = _Mutations()


def memory_owner(array: ndarray[Any, Any]) -> ndarray[Any, Any]:
    """Return the array that owns the memory that ``array`` looks at."""
    base = array.base
    while isinstance(base, ndarray):
        array, base = base, base.base
    return array


def _check_unchanged(node: Node) -> None:
    """Raise if a value that the rules of ``node`` read was changed after it was saved."""
    primitive = node.primitive
    assert primitive is not None and node.saved is not None
    for position, value in enumerate(node.saved):
        # An index is a tuple, and arrays of positions in it are the user's.
        for part in value if type(value) is tuple else (value,):
            if not isinstance(part, ndarray) or mutations.last(part) <= node.index:
                continue
            if primitive.reads(node, position):
                raise changed_after_use(node, primitive.describe(position), part)


def changed_after_use(node: Node, what: str, value: ndarray[Any, Any]) -> RuntimeError:
    """Return the error for a value that an operation saved and that was changed since."""
    file, line = source_line(node)
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: {what} of {node.name}, a value of shape {list(value.shape)} recorded at "
        f"{file}:{line}, was changed after it was used. Use the out-of-place form (x = x + 1 for "
        "x += 1), or change a clone()"
    )


# How many blocks of `allow_mutation_on_saved_tensors` are open, in all threads: a thread that
# copies because of another's block computes the same.
_blocks_that_copy = 0
_counting_blocks = threading.Lock()


class allow_mutation_on_saved_tensors:
    """Save copies inside, so that later in-place changes leave every gradient right.

    It costs the memory and time of the copies. PyTorch has it under the same name in
    ``torch.autograd.graph``.

    >>> import chainrule as cr
    >>> x = cr.tensor([0.0, 1.0], requires_grad=True)
    >>> with cr.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.exp()
    >>> y /= y.sum()
    >>> y[0].backward()
    >>> x.grad
    tensor([ 0.1966, -0.1966])
    """

    def __enter__(self) -> None:
        global _blocks_that_copy
        with _counting_blocks:
            _blocks_that_copy += 1

    def __exit__(self, *exception: object) -> None:
        global _blocks_that_copy
        with _counting_blocks:
            _blocks_that_copy -= 1


# --- The backward sweep ---------------------------------------------------------------------------


def sweep(
    seeds: Iterable[tuple[Node, Any]],
    deliver: Callable[[Tensor, Any], None] | None,
    *,
    keep: bool = False,
    tensors: bool = False,
    only: set[Node] | None = None,
    collect: dict[Node, Any] | None = None,
) -> None:
    """Run the chain rule backward from ``seeds``.

    Args:
        seeds: nodes and the gradients arriving at them.
        deliver: called with each tensor that is still held and its complete gradient; results
            in backward order, then leaves.
        keep: keep what was saved, so that the graph can be swept again.
        tensors: read the rules on tensors, so that the sweep is itself recorded.
        only: the nodes worth visiting; None for all.
        collect: receives the gradients of the nodes that are its keys, whether their tensors are
            held or not.
    """
    gradients: dict[Node, Any] = {}
    leaves: dict[Node, Any] = {}
    sums: set[Node] = set()  # leaves whose gradient is an array of this sweep, to be added to
    heap: list[tuple[int, Node]] = []
    arriving: Iterable[tuple[Node, Any]] = seeds
    anomaly = modes.anomaly
    while True:
        # A node that is alone is the next one, without a detour over the heap; and delivery counts
        # the references to a gradient, so no name of this loop may hold on to one.
        alone = lonely = None
        for parent, contribution in arriving:
            if parent.primitive is None:
                known = leaves.get(parent)
                if known is None:
                    leaves[parent] = contribution
                elif parent in sums:
                    known += contribution
                    leaves[parent] = known
                else:
                    leaves[parent] = known + contribution
                    if not tensors:
                        sums.add(parent)
            elif parent is alone:
                lonely = lonely + contribution
            elif alone is None and not heap:
                alone, lonely = parent, contribution
            elif parent in gradients:
                gradients[parent] = gradients[parent] + contribution
            else:
                gradients[parent] = contribution
                heappush(heap, (-parent.index, parent))
        contribution = known = arriving = ()
        if alone is None:
            if not heap:
                break
            node = heappop(heap)[1]
            gradient = gradients.pop(node)
        elif heap:
            gradients[alone] = lonely
            node = heappushpop(heap, (-alone.index, alone))[1]
            gradient = gradients.pop(node)
        else:
            node, gradient = alone, lonely
        lonely = None
        if node.hooks is not None:
            gradient = _run_hooks(node, gradient, tensors)
        if deliver is not None and (tensor := node.output()) is not None:
            deliver(tensor, gradient)
        if collect is not None and node in collect:
            collect[node] = gradient
        primitive = node.primitive
        if node.saved is None:
            raise _freed(node)
        if node.index < mutations.latest:
            _check_unchanged(node)
        arriving = primitive.pull(node, gradient, tensors, only)  # type: ignore[union-attr]
        if anomaly:
            _check_not_nan(node, gradient, arriving)
        if not keep and primitive.remembers:  # type: ignore[union-attr]
            node.saved = None
    while leaves:
        node, gradient = leaves.popitem()
        if node.hooks is not None:
            gradient = _run_hooks(node, gradient, tensors)
        if deliver is not None and (tensor := node.output()) is not None:
            deliver(tensor, gradient)
            if node.hooks is not None:
                run_hooks_after(node, tensor)
        if collect is not None and node in collect:
            collect[node] = gradient


def _freed(node: Node) -> RuntimeError:
    file, line = source_line(node)
    return RuntimeError(
        "Trying to backward through the graph a second time: the values saved by "
        f"{node.name} (recorded at {file}:{line}) were freed by the first backward(). "
        "Compute the loss anew before each backward(), or pass retain_graph=True the first time"
    )


def reaching(outputs: Iterable[Node], targets: set[Node]) -> set[Node]:
    """Return the nodes between ``outputs`` and ``targets``: those worth a visit of the sweep."""
    lowest = min((node.index for node in targets), default=0)
    order: list[Node] = []
    seen: set[Node] = set()
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        order.append(node)
        stack.extend(p for p in node.inputs if p is not None and p.index >= lowest)
    found = set(targets)
    for node in sorted(order, key=lambda n: n.index):
        if any(parent in found for parent in node.inputs):
            found.add(node)
    return found


class AfterAccumulation:
    """A hook on a leaf that is called with the tensor once its ``.grad`` was increased."""

    def __init__(self, hook: Callable[[Tensor], None]) -> None:
        self.hook = hook


def run_hooks_after(node: Node, tensor: Tensor) -> None:
    """Call what waits for the ``.grad`` of a leaf."""
    for hook in tuple((node.hooks or {}).values()):
        if isinstance(hook, AfterAccumulation):
            hook.hook(tensor)


def _run_hooks(node: Node, gradient: Any, tensors: bool) -> Any:
    from chainrule.tensor import wrap

    assert node.hooks is not None
    # A copy: a hook may change its argument in place, and rules hand one array to several inputs.
    seen = gradient.clone() if tensors else wrap(gradient.copy())
    for hook in tuple(node.hooks.values()):
        if isinstance(hook, AfterAccumulation):
            continue
        replaced = hook(seen)
        if replaced is not None:
            given: Any = getattr(replaced, "_array", None)
            if given is None or given.shape != seen._array.shape:
                raise RuntimeError(
                    f"a gradient hook on the output of {node.name} returned "
                    f"{_describe(replaced)}, expected a Tensor of shape "
                    f"{list(seen._array.shape)} (or None to leave the gradient as it is)"
                )
            seen = replaced.to(seen._array.dtype)
    return seen if tensors else seen._array


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    kind = type(value).__name__
    return kind if shape is None else f"a {kind} of shape {list(shape)}"


def _check_not_nan(node: Node, gradient: Any, pulled: Iterable[tuple[Node, Any]]) -> None:
    """Raise at the operation whose rule first made a NaN, naming the user's line."""
    from chainrule.primitive import has_nan

    if has_nan(gradient):
        return
    for parent, contribution in pulled:
        if has_nan(contribution):
            file, line = source_line(node)
            raise RuntimeError(
                f"Function '{node.name}' returned nan values in the gradient of its "
                f"{_ordinal(node.inputs.index(parent))} input; it was called at {file}:{line}. "
                f"{_quote(file, line)}Look at the values that enter it: a log or division of "
                "zero, a square root at zero, an overflow"
            )


def _ordinal(k: int) -> str:
    return ("first", "second", "third")[k] if k < 3 else f"{k + 1}th"


def _quote(file: str, line: int) -> str:
    import linecache

    text = linecache.getline(file, line).strip()
    return f"The line is: {text}\n" if text else ""
