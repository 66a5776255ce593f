"""A module whose forward is a list of calls, as ``torch.fx`` traced them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.interop.pytorch.functions import function_like
from chainrule.nn.module import Module
from chainrule.tensor import Tensor


@dataclass(frozen=True)
class Result:
    """Stands in arguments for the result of an earlier call."""

    name: str


@dataclass(frozen=True)
class Call:
    """One line of the program."""

    kind: str
    name: str
    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Traced(Module):
    """A module that was a class of one's own in PyTorch; ``from_torch`` makes it.

    Its forward takes the arguments of the original by position or name.
    """

    def __init__(self, original: str) -> None:
        super().__init__()
        self.original = original
        self.calls: list[Call] = []

    def program(self, graph: Any, converter: Any) -> None:
        """Take over a traced graph, with functions and constants converted."""
        for node in graph.nodes:
            target = node.target
            if node.op == "call_function":
                target = function_like(target)
            elif node.op == "call_method" and not hasattr(Tensor, target):
                raise TypeError(
                    f"from_torch: chainrule's tensors have no method {target!r}, which the forward "
                    f"of {self.original} calls"
                )
            args, kwargs = (_arguments(part, converter) for part in (node.args, node.kwargs))
            self.calls.append(Call(node.op, node.name, target, tuple(args), dict(kwargs)))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the calls."""
        values = self._given(args, kwargs)
        for call in self.calls:
            if call.kind == "placeholder":
                continue
            if call.kind == "get_attr":
                values[call.name] = self._reach(call.target)
                continue
            given = _filled(call.args, values)
            if call.kind == "output":
                return given[0]
            named = _filled(call.kwargs, values)
            if call.kind == "call_method":
                function = getattr(given[0], call.target)
                given = given[1:]
            else:
                function = call.target
                if call.kind == "call_module":
                    function = self._reach(call.target)
            values[call.name] = function(*given, **named)
        raise RuntimeError(f"{self.original} has no forward of its own: it only holds others")

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Bind the arguments of a call."""
        values: dict[str, Any] = {}
        expected = [call for call in self.calls if call.kind == "placeholder"]
        if len(args) > len(expected):
            raise TypeError(
                f"{self.original} takes {len(expected)} arguments "
                f"({', '.join(str(c.target) for c in expected)}), got {len(args)}"
            )
        for k, call in enumerate(expected):
            if k < len(args):
                values[call.name] = args[k]
            elif call.target in kwargs:
                values[call.name] = kwargs[call.target]
            elif call.args:
                values[call.name] = call.args[0]
            else:
                raise TypeError(f"{self.original} is missing the argument {call.target!r}")
        return values

    def _reach(self, path: str) -> Any:
        value: Any = self
        for name in path.split("."):
            value = getattr(value, name)
        return value

    def extra_repr(self) -> str:
        """Return the name of the class it was."""
        return f"from {self.original}"


def _arguments(value: Any, converter: Any) -> Any:
    """Return arguments of a traced call with results marked and constants converted."""
    if hasattr(value, "op") and hasattr(value, "name"):
        return Result(value.name)
    if isinstance(value, tuple | list):
        # torch.fx keeps lists and tuples in classes of its own.
        kind = list if isinstance(value, list) else tuple
        return kind(_arguments(v, converter) for v in value)
    if isinstance(value, dict):
        return {k: _arguments(v, converter) for k, v in value.items()}
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return slice(*(_arguments(v, converter) for v in parts))
    return converter.value(value)


def _filled(value: Any, values: dict[str, Any]) -> Any:
    """Return arguments with the results put in."""
    if isinstance(value, Result):
        return values[value.name]
    if isinstance(value, tuple | list):
        return type(value)([_filled(v, values) for v in value])
    if isinstance(value, dict):
        return {k: _filled(v, values) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(*(_filled(v, values) for v in (value.start, value.stop, value.step)))
    return value
