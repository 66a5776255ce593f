"""Running a user's script and finding the scalar it ends with."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.explanation.facade import Explanation, explain
from chainrule.graph import Node
from chainrule.replay import ancestors
from chainrule.tensor import Tensor

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


class ScriptError(Exception):
    """The script failed; ``report`` is the traceback of its own lines."""

    def __init__(self, report: str) -> None:
        super().__init__(report)
        self.report = report


class Ending:
    """What a script ended with: a loss, its variables, and leaves as they were for the loss."""

    def __init__(
        self, loss: Tensor, scope: Mapping[str, Any], leaves: Mapping[Node, Any] | None
    ) -> None:
        self.loss = loss
        self.scope = scope
        self.leaves = leaves

    def explain(self, **options: Any) -> Explanation:
        """Explain the loss with the names of the script's variables."""
        return explain(self.loss, scope=self.scope, leaves=self.leaves, **options)


class _LastBackward:
    """The tensor that `backward` was last called on, and its leaves as they were then.

    A script usually calls ``backward()``, which frees the graph, and then changes its parameters.
    While it runs, graphs are kept, and the leaves of the last one copied.
    """

    def __init__(self) -> None:
        self.loss: Tensor | None = None
        self.leaves: dict[Node, Any] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        original = Tensor.backward

        def backward(
            tensor: Tensor,
            gradient: Any = None,
            retain_graph: bool | None = None,
            create_graph: bool = False,
            inputs: Any = None,
        ) -> None:
            self._remember(tensor)
            kept = True if retain_graph is None else retain_graph
            original(tensor, gradient, kept, create_graph, inputs)

        Tensor.backward = backward  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            Tensor.backward = original  # type: ignore[method-assign]

    def _remember(self, tensor: Tensor) -> None:
        if tensor._node is None:
            return
        self.loss = tensor
        self.leaves = {
            node: node.saved[0].copy()
            for node in ancestors(tensor._node)
            if node.primitive is None and node.saved is not None
        }


def run(path: Path, target: str | None = None) -> Ending:
    """Run a script and return what it ends with.

    What the script prints goes to the standard error stream, so that the explanation has the
    standard output to itself.

    Args:
        path: the script.
        target: the variable to explain; None for the last scalar that was made.

    Raises:
        ScriptError: if the script raises.
        ValueError: if it leaves no scalar with a graph, or none under the name asked for.
        OSError: if the file cannot be read.
    """
    source = path.read_bytes()
    scope: dict[str, Any] = {
        "__name__": "__main__",
        "__file__": str(path),
        "__builtins__": __builtins__,
    }
    last = _LastBackward()
    arguments, sys.argv = sys.argv, [str(path)]
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with last.watching(), contextlib.redirect_stdout(sys.stderr):
            exec(compile(source, str(path), "exec"), scope)
    except SystemExit as stop:
        if stop.code not in (None, 0):
            raise ScriptError(f"{path} ended with exit status {stop.code}\n") from None
    except BaseException as error:
        raise ScriptError(_report(error, str(path))) from None
    finally:
        sys.argv = arguments
        with contextlib.suppress(ValueError):  # The script may have changed the path itself.
            sys.path.remove(str(path.resolve().parent))
    loss = _named(scope, target) if target is not None else _last_scalar(scope, last)
    if loss is None:
        raise ValueError(
            f"{path} ends without a scalar that was computed from a tensor with "
            "requires_grad=True; name what to explain with --target"
        )
    # The leaves are as they were for the loss unless a later backward pass came from another one.
    return Ending(loss, scope, last.leaves if loss is last.loss else None)


def _report(error: BaseException, file: str) -> str:
    """Return an error's traceback with the user's own frames only."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    kept = traceback.TracebackException(type(error), error, trace)
    kept.stack = traceback.StackSummary.from_list(
        [frame for frame in kept.stack if not frame.filename.startswith(_PACKAGE)]
    )
    kept.__context__ = kept.__cause__ = None
    return "".join(kept.format())


def _named(scope: Mapping[str, Any], name: str) -> Tensor:
    value = scope.get(name)
    if isinstance(value, Tensor):
        return value
    known = [k for k, v in scope.items() if isinstance(v, Tensor) and v._node is not None]
    what = "no such variable" if name not in scope else f"a {type(value).__name__}, not a Tensor"
    raise ValueError(f"--target {name}: {what}; tensors with a graph: {', '.join(known) or 'none'}")


def _last_scalar(scope: Mapping[str, Any], last: _LastBackward) -> Tensor | None:
    found = [last.loss] if last.loss is not None else []
    found += [v for k, v in scope.items() if isinstance(v, Tensor) and not k.startswith("_")]
    scalars = [
        t
        for t in found
        if t._node is not None and t._node.primitive is not None and t._array.size == 1
    ]
    return max(scalars, key=lambda t: t._node.index, default=None)  # type: ignore[union-attr]
