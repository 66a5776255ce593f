"""A tuple numbered as a lecture numbers its layers, which never wraps round."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class ByLayer(Generic[T]):
    """One value per layer, indexed by the layer's number in the lecture.

    Activations are numbered ``a[0]`` (the input) to ``a[L]`` (the output); pre-activations,
    weights, biases and deltas ``z[1]`` to ``z[L]``. Iteration runs in that order, so
    ``zip(W, backward.dW)`` pairs a plain list of matrices with its gradients.

    A number outside the range is an ``IndexError``, negative numbers included: in Python
    ``a[l - 1]`` at ``l = 0`` quietly reads the *last* activation, and the first layer's gradient
    is then wrong without anything failing.

    >>> from chainrule.textbook import ByLayer
    >>> z = ByLayer("z", ["first", "second"], first=1)
    >>> z[2], list(z), len(z)
    ('second', ['first', 'second'], 2)
    >>> z[0]
    Traceback (most recent call last):
        ...
    IndexError: z[0] does not exist: z is numbered by layer, z[1] to z[2]
    """

    __slots__ = ("_first", "_name", "_values")

    def __init__(self, name: str, values: Iterable[T], *, first: int) -> None:
        self._name = name
        self._values = tuple(values)
        self._first = first

    def __getitem__(self, layer: int) -> T:
        try:
            position = operator.index(layer) - self._first
        except TypeError:
            raise TypeError(
                f"{self._name} is indexed by a layer's number, not by {layer!r}; "
                f"list({self._name}) gives all values in order"
            ) from None
        if not 0 <= position < len(self._values):
            last = self._first + len(self._values) - 1
            message = (
                f"{self._name}[{layer}] does not exist: {self._name} is numbered by layer, "
                f"{self._name}[{self._first}] to {self._name}[{last}]"
            )
            if layer < 0:
                message += f"; negative numbers do not wrap round, the last is {self._name}[{last}]"
            raise IndexError(message)
        return self._values[position]

    def __iter__(self) -> Iterator[T]:
        return iter(self._values)

    def __reversed__(self) -> Iterator[T]:
        return reversed(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        lines = (
            f"{self._name}[{layer}] = {value!r}"
            for layer, value in enumerate(self._values, start=self._first)
        )
        return "\n".join(lines)
