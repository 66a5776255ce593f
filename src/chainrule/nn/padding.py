"""Padding layers: a border around the last dimensions of (n, channels, *spatial).

How wide it is: an int for all sides, or two for each dimension (before and after), the last
dimension first. `chainrule.nn.functional.pad` says what each border is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from chainrule.nn.functional.padding import pad
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
]


class _Padding(Module):
    """What padding layers have: numbers before and after each dimension, the last one first."""

    dims: ClassVar[int]
    mode: ClassVar[str] = "constant"

    padding: tuple[int, ...]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        count = 2 * self.dims
        self.padding = tuple(padding) if isinstance(padding, Sequence) else (padding,) * count

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with its border."""
        return pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """Return the numbers."""
        return f"{self.padding}"


class _ConstantPadding(_Padding):
    """A border of one number."""

    value: float

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with its border."""
        return pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Return the numbers and the constant."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadding):
    """Put a constant around sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.ConstantPad1d(1, 0.5)(cr.ones(1, 1, 3)).shape
    chainrule.Size([1, 1, 5])
    """

    dims = 1


class ConstantPad2d(_ConstantPadding):
    """Put a constant around images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ConstantPad2d(1, 0.5)(cr.ones(1, 1, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5])
    """

    dims = 2


class ConstantPad3d(_ConstantPadding):
    """Put a constant around volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ConstantPad3d(1, 0.5)(cr.ones(1, 1, 3, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5, 5])
    """

    dims = 3


class ZeroPad1d(_Padding):
    """Put zeros around sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.ZeroPad1d(1)(cr.ones(1, 1, 3)).shape
    chainrule.Size([1, 1, 5])
    """

    dims = 1


class ZeroPad2d(_Padding):
    """Put zeros around images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ZeroPad2d(1)(cr.ones(1, 1, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5])
    """

    dims = 2


class ZeroPad3d(_Padding):
    """Put zeros around volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ZeroPad3d(1)(cr.ones(1, 1, 3, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5, 5])
    """

    dims = 3


class ReflectionPad1d(_Padding):
    """Put mirror images of the inside around sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.ReflectionPad1d(1)(cr.ones(1, 1, 3)).shape
    chainrule.Size([1, 1, 5])
    """

    dims = 1
    mode = "reflect"


class ReflectionPad2d(_Padding):
    """Put mirror images of the inside around images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ReflectionPad2d(1)(cr.ones(1, 1, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5])
    """

    dims = 2
    mode = "reflect"


class ReflectionPad3d(_Padding):
    """Put mirror images of the inside around volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ReflectionPad3d(1)(cr.ones(1, 1, 3, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5, 5])
    """

    dims = 3
    mode = "reflect"


class ReplicationPad1d(_Padding):
    """Put copies of the edge around sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.ReplicationPad1d(1)(cr.ones(1, 1, 3)).shape
    chainrule.Size([1, 1, 5])
    """

    dims = 1
    mode = "replicate"


class ReplicationPad2d(_Padding):
    """Put copies of the edge around images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ReplicationPad2d(1)(cr.ones(1, 1, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5])
    """

    dims = 2
    mode = "replicate"


class ReplicationPad3d(_Padding):
    """Put copies of the edge around volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.ReplicationPad3d(1)(cr.ones(1, 1, 3, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5, 5])
    """

    dims = 3
    mode = "replicate"


class CircularPad1d(_Padding):
    """Surround with copies, as if they repeated, sequences (n, channels, L).

    >>> import chainrule as cr
    >>> cr.nn.CircularPad1d(1)(cr.ones(1, 1, 3)).shape
    chainrule.Size([1, 1, 5])
    """

    dims = 1
    mode = "circular"


class CircularPad2d(_Padding):
    """Surround with copies, as if they repeated, images (n, channels, H, W).

    >>> import chainrule as cr
    >>> cr.nn.CircularPad2d(1)(cr.ones(1, 1, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5])
    """

    dims = 2
    mode = "circular"


class CircularPad3d(_Padding):
    """Surround with copies, as if they repeated, volumes (n, channels, D, H, W).

    >>> import chainrule as cr
    >>> cr.nn.CircularPad3d(1)(cr.ones(1, 1, 3, 3, 3)).shape
    chainrule.Size([1, 1, 5, 5, 5])
    """

    dims = 3
    mode = "circular"
