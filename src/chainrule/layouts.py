"""PyTorch's names for how elements lie in memory."""

from __future__ import annotations

from typing import Any

__all__ = ["contiguous_format", "layout", "memory_format", "preserve_format", "strided"]


class _Named:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"chainrule.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class layout(_Named):
    """How a tensor stores its elements: `strided`, as NumPy's arrays do, is the only way here."""


class memory_format(_Named):
    """In which order of dimensions a copy stores its elements."""


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")


def check_memory_format(given: Any) -> None:
    """Refuse what is not PyTorch's name of the order that rows of a matrix have."""
    if given is not None and not isinstance(given, memory_format):
        raise TypeError(
            f"memory_format must be cr.contiguous_format or cr.preserve_format, got {given!r}; the "
            "values do not depend on it"
        )
