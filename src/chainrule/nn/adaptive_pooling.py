"""Pooling layers whose windows follow from the output's size, or are drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from chainrule.nn.functional import adaptive_pooling
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
]

Sizes = int | Sequence[int]
OutSizes = int | None | Sequence[int | None]


def _each(value: Sizes, count: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,) * count


class _FractionalMaxPool(Module):
    """The largest element of windows whose places are drawn at random."""

    dims: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        output_size: Sizes | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        self.kernel_size = _each(kernel_size, self.dims)
        self.output_size = None if output_size is None else _each(output_size, self.dims)
        self.output_ratio: tuple[float, ...] | None = None
        if output_ratio is not None:
            ratios: tuple[float, ...]
            if isinstance(output_ratio, Sequence):
                ratios = tuple(output_ratio)
            else:
                ratios = (output_ratio,) * self.dims
            if not all(0 < ratio < 1 for ratio in ratios):
                raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
            self.output_ratio = ratios
        self.return_indices = return_indices
        self._random_samples = _random_samples

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, with where they are if asked for."""
        pool = type(self).function
        return pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """Return the largest element of windows of images (n, channels, H, W), drawn at random.

    >>> import chainrule as cr
    >>> cr.nn.FractionalMaxPool2d(2, output_size=3)(cr.zeros(1, 1, 6, 6)).shape
    chainrule.Size([1, 1, 3, 3])
    """

    dims = 2
    function = staticmethod(adaptive_pooling.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPool):
    """Return the largest element of windows of volumes (n, channels, D, H, W), drawn at random.

    >>> import chainrule as cr
    >>> cr.nn.FractionalMaxPool3d(2, output_size=3)(cr.zeros(1, 1, 6, 6, 6)).shape
    chainrule.Size([1, 1, 3, 3, 3])
    """

    dims = 3
    function = staticmethod(adaptive_pooling.fractional_max_pool3d)


class _AdaptiveAvgPool(Module):
    """Means of adaptive windows."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: OutSizes) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        pool = type(self).function
        return pool(input, self.output_size)

    def extra_repr(self) -> str:
        """Return the output's size."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPool(Module):
    """Maxima of adaptive windows."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: OutSizes, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, with where they are if asked for."""
        pool = type(self).function
        return pool(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """Return the output's size."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Return means of sequences (n, channels, L), as many as are asked for.

    >>> import chainrule as cr
    >>> cr.nn.AdaptiveAvgPool1d(2)(cr.zeros(1, 3, 5)).shape
    chainrule.Size([1, 3, 2])
    """

    function = staticmethod(adaptive_pooling.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Return means of images (n, channels, H, W), as many as are asked for.

    >>> import chainrule as cr
    >>> cr.nn.AdaptiveAvgPool2d(2)(cr.zeros(1, 3, 5, 5)).shape
    chainrule.Size([1, 3, 2, 2])
    """

    function = staticmethod(adaptive_pooling.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Return means of volumes (n, channels, D, H, W), as many as are asked for.

    >>> import chainrule as cr
    >>> cr.nn.AdaptiveAvgPool3d(2)(cr.zeros(1, 3, 5, 5, 5)).shape
    chainrule.Size([1, 3, 2, 2, 2])
    """

    function = staticmethod(adaptive_pooling.adaptive_avg_pool3d)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Return maxima of sequences (n, channels, L), as many as are asked for.

    >>> import chainrule as cr
    >>> cr.nn.AdaptiveMaxPool1d(2)(cr.zeros(1, 3, 5)).shape
    chainrule.Size([1, 3, 2])
    """

    function = staticmethod(adaptive_pooling.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Return maxima of images (n, channels, H, W), as many as are asked for.

    >>> import chainrule as cr
    >>> cr.nn.AdaptiveMaxPool2d(2)(cr.zeros(1, 3, 5, 5)).shape
    chainrule.Size([1, 3, 2, 2])
    """

    function = staticmethod(adaptive_pooling.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Return maxima of volumes (n, channels, D, H, W), as many as are asked for.

    >>> import chainrule as cr
    >>> cr.nn.AdaptiveMaxPool3d(2)(cr.zeros(1, 3, 5, 5, 5)).shape
    chainrule.Size([1, 3, 2, 2, 2])
    """

    function = staticmethod(adaptive_pooling.adaptive_max_pool3d)
