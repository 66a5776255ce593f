"""Writing pickles that name classes of PyTorch without having it.

Protocol 2, with the opcodes that `torch.load(weights_only=True)` and `pickled.Reader` know.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

_DEPTH = 200


class Writer:
    """Writes one pickle.

    Args:
        special: called with a writer and a value; writes it and returns True, or leaves it.
    """

    def __init__(self, special: Callable[[Writer, Any, str], bool]) -> None:
        self.special = special
        self.out = bytearray(b"\x80\x02")
        self.memo: dict[int, int] = {}
        self.kept: list[Any] = []
        self.depth = 0

    def dump(self, value: Any) -> bytes:
        """Return the pickle of a value."""
        self.write(value, "obj")
        return bytes(self.out + b".")

    def write(self, value: Any, place: str) -> None:
        """Write a value that stands at a place of the object, named for messages."""
        if self.depth > _DEPTH:
            raise TypeError(f"save: {place} is nested more than {_DEPTH} containers deep")
        if id(value) in self.memo:
            self.get(value)
            return
        self.depth += 1
        if not self.special(self, value, place) and not self.scalar(value):
            self.container(value, place)
        self.depth -= 1

    def scalar(self, value: Any) -> bool:
        """Write None, a bool, a number, a string or bytes."""
        if isinstance(value, np.generic):
            value = value.item()
        kind = type(value)
        if value is None:
            self.out += b"N"
        elif kind is bool:
            self.out += b"\x88" if value else b"\x89"
        elif kind is int:
            self.integer(value)
        elif kind is float:
            self.out += b"G" + struct.pack(">d", value)
        elif isinstance(value, str):
            text = str(value).encode("utf-8", "surrogatepass")
            self.out += b"X" + struct.pack("<I", len(text)) + text
        elif kind is bytes:
            self.name("_codecs", "encode")
            self.scalar(value.decode("latin1"))
            self.scalar("latin1")
            self.out += b"\x86R"
        else:
            return False
        return True

    def integer(self, value: int) -> None:
        """Write an integer of any size."""
        if -(2**31) <= value < 2**31:
            self.out += b"J" + struct.pack("<i", value)
            return
        raw = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
        if len(raw) > 255:
            raise TypeError("save: an integer of more than 2,000 bits cannot be saved")
        self.out += b"\x8a" + bytes([len(raw)]) + raw

    def container(self, value: Any, place: str) -> None:
        """Write a list, tuple, set or dict."""
        kind = type(value)
        if kind is list:
            self.out += b"]"
            self.put(value)
            self.out += b"("
            for k, element in enumerate(value):
                self.write(element, f"{place}[{k}]")
            self.out += b"e"
        elif kind is tuple:
            self.out += b"("
            for k, element in enumerate(value):
                self.write(element, f"{place}[{k}]")
            self.out += b"t"
            self.put(value)
        elif kind is dict:
            self.out += b"}"
            self.put(value)
            self.items(value, place)
        elif kind is OrderedDict:
            self.name("collections", "OrderedDict")
            self.out += b")R"
            self.put(value)
            self.items(value, place)
            metadata = getattr(value, "_metadata", None)
            if metadata is not None:
                self.out += b"}"
                self.scalar("_metadata")
                self.write(metadata, f"{place}._metadata")
                self.out += b"sb"
        elif kind is Counter:
            self.name("collections", "Counter")
            self.write(dict(value), place)
            self.out += b"\x85R"
        elif kind in (set, frozenset):
            self.name("__builtin__", kind.__name__)
            self.write(list(value), place)
            self.out += b"\x85R"
        else:
            raise TypeError(
                f"save: {place} is a {kind.__module__}.{kind.__qualname__}; tensors, numbers, text "
                "and containers of them can be saved. Of a module or an optimizer, save its "
                "state_dict()"
            )

    def items(self, value: dict[Any, Any], place: str) -> None:
        """Write the items of a dict into the one on top of the stack."""
        self.out += b"("
        for key, element in value.items():
            self.write(key, f"a key of {place}")
            self.write(element, f"{place}[{key!r}]")
        self.out += b"u"

    def name(self, module: str, name: str) -> None:
        """Write the name of a class or a function."""
        self.out += f"c{module}\n{name}\n".encode()

    def put(self, value: Any) -> None:
        """Remember the value on top of the stack, so that it is written once."""
        number = len(self.memo)
        self.memo[id(value)] = number
        self.kept.append(value)  # its id stays its own
        self.out += b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number)

    def get(self, value: Any) -> None:
        """Write a value that was written before."""
        number = self.memo[id(value)]
        self.out += b"h" + bytes([number]) if number < 256 else b"j" + struct.pack("<I", number)
