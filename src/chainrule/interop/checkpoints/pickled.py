"""Pickles without a pickle machine: the opcodes that data needs, and no others.

`pickle.Unpickler` calls what a file names and lets it set any attribute. This reader knows a fixed
list of names and what each makes, and builds containers itself; an opcode or a name that is not
listed is refused. `pickletools` takes the stream apart, which checks every length.
"""

from __future__ import annotations

import pickletools
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any


class Refused(Exception):
    """The pickle holds something else than data; the message says what."""


class Maker:
    """A name that may be called in a pickle, and what it makes of its arguments."""

    def __init__(self, name: str, make: Callable[..., Any]) -> None:
        self.name = name
        self.make = make


_MARK = object()
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_KEYS = (str, int, float, bytes, type(None))


class Reader:
    """Runs the opcodes of one pickle.

    Args:
        names: what (module, name) stands for: a `Maker` or a plain value.
        persistent: what the persistent ids stand for.
    """

    def __init__(
        self, names: Mapping[tuple[str, str], Any], persistent: Callable[[Any], Any]
    ) -> None:
        self.names = names
        self.persistent = persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self, data: bytes) -> Any:
        """Return the object that a pickle describes.

        Raises:
            Refused: for what is not data, and for a stream that is damaged.
        """
        try:
            for opcode, argument, _ in pickletools.genops(data):
                if opcode.name == "STOP":
                    return self.pop()
                self.step(opcode.name, argument)
        except Refused:
            raise
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            struct.error,
        ) as error:
            raise Refused(f"its description is damaged ({error})") from None
        raise Refused("its description ends early")

    def step(self, name: str, argument: Any) -> None:
        """Run one opcode."""
        if name in ("PROTO", "FRAME"):
            return
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name == "MARK":
            self.stack.append(_MARK)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[int(argument)] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self.stack.append(self.memo[int(argument)])
        else:
            method = getattr(self, f"do_{name.lower()}", None)
            if method is None:
                raise Refused(f"it uses {name}, which no data needs")
            method(argument)

    def pop(self) -> Any:
        """Take the topmost value; the mark is none."""
        value = self.stack.pop()
        if value is _MARK:
            raise Refused("its description is damaged (a value is missing)")
        return value

    def above_mark(self) -> list[Any]:
        """Take everything above the last mark."""
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not _MARK:
            at -= 1
        if at < 0:
            raise Refused("its description is damaged (a mark is missing)")
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    # --- Containers

    def do_pop(self, _: Any) -> None:
        self.stack.pop()

    def do_pop_mark(self, _: Any) -> None:
        self.above_mark()

    def do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.above_mark()))

    def do_tuple1(self, _: Any) -> None:
        self.stack.append((self.pop(),))

    def do_tuple2(self, _: Any) -> None:
        b, a = self.pop(), self.pop()
        self.stack.append((a, b))

    def do_tuple3(self, _: Any) -> None:
        c, b, a = self.pop(), self.pop(), self.pop()
        self.stack.append((a, b, c))

    def do_list(self, _: Any) -> None:
        self.stack.append(self.above_mark())

    def do_append(self, _: Any) -> None:
        value = self.pop()
        self.last(list).append(value)

    def do_appends(self, _: Any) -> None:
        values = self.above_mark()
        self.last(list).extend(values)

    def do_dict(self, _: Any) -> None:
        values = self.above_mark()
        self.stack.append({})
        self.put(values)

    def do_setitem(self, _: Any) -> None:
        value, key = self.pop(), self.pop()
        self.put([key, value])

    def do_setitems(self, _: Any) -> None:
        self.put(self.above_mark())

    def do_additems(self, _: Any) -> None:
        values = self.above_mark()
        self.last(set).update(checked_key(v) for v in values)

    def do_frozenset(self, _: Any) -> None:
        self.stack.append(frozenset(checked_key(v) for v in self.above_mark()))

    def put(self, values: list[Any]) -> None:
        """Put keys and values, one after the other, into the dict on top of the stack."""
        target = self.last(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[checked_key(key)] = value

    def last(self, kind: type) -> Any:
        """Return the topmost value, which must be a container of a kind."""
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise Refused(f"it adds elements to a {type(value).__name__}")
        return value

    # --- Names

    def do_global(self, argument: Any) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(self.named(module, name))

    def do_stack_global(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        self.stack.append(self.named(module, name))

    def named(self, module: Any, name: Any) -> Any:
        """Return what a name stands for."""
        try:
            return self.names[module, name]
        except (KeyError, TypeError):
            raise Refused(
                f"it holds a {module}.{name}; save tensors and containers of them, for a model "
                "model.state_dict()"
            ) from None

    def do_reduce(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Maker) or not isinstance(arguments, tuple):
            raise Refused(f"it calls a {type(function).__name__}")
        self.stack.append(function.make(*arguments))

    def do_newobj(self, _: Any) -> None:
        self.do_reduce(None)

    def do_build(self, _: Any) -> None:
        state = self.pop()
        target = self.stack[-1]
        # A state dict carries the versions of its modules; nothing else has attributes.
        if type(target) is not OrderedDict or not isinstance(state, dict):
            raise Refused(f"it sets the state of a {type(target).__name__}")
        if set(state) - {"_metadata"}:
            raise Refused(f"it sets the attributes {', '.join(map(str, state))}")
        if state:
            target._metadata = state["_metadata"]  # type: ignore[attr-defined]

    def do_binpersid(self, _: Any) -> None:
        self.stack.append(self.persistent(self.pop()))


def checked_key(key: Any) -> Any:
    """Return a key of a dict or an element of a set, which must be a number, text or a tuple."""
    parts = [key]
    while parts:
        part = parts.pop()
        if isinstance(part, tuple):
            parts.extend(part)
        elif not isinstance(part, _KEYS):
            raise Refused(f"it has a {type(part).__name__} for a key")
    return key


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict((checked_key(k), v) for k, v in pairs)


def _counter(counts: Any = ()) -> Counter[Any]:
    if counts != () and not isinstance(counts, dict):
        raise Refused(f"it counts a {type(counts).__name__}")
    if not all(isinstance(n, int) for n in dict(counts).values()):
        raise Refused("it has a Counter of something else than numbers")
    return Counter(counts)


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("it encodes something else than bytes")
    return text.encode("latin1")


def _set_of(kind: Callable[..., Any]) -> Callable[..., Any]:
    return lambda elements=(): kind(checked_key(e) for e in elements)


CONTAINERS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): Maker("OrderedDict", _ordered),
    ("collections", "Counter"): Maker("Counter", _counter),
    ("_codecs", "encode"): Maker("encode", _encoded),
}
for _module in ("builtins", "__builtin__"):
    CONTAINERS[_module, "bytes"] = Maker("bytes", lambda: b"")  # empty ones are written so
    CONTAINERS[_module, "set"] = Maker("set", _set_of(set))
    CONTAINERS[_module, "frozenset"] = Maker("frozenset", _set_of(frozenset))
