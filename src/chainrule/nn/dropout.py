"""Dropout as a module."""

from __future__ import annotations

from chainrule.nn.functional import channel_dropout
from chainrule.nn.functional.dropout import check_probability, dropout
from chainrule.nn.module import Module
from chainrule.tensor import Tensor

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
]


class Dropout(Module):
    """In training, set elements to 0 with probability ``p`` and divide the others by 1 − p.

    Args:
        p: the probability that an element is dropped.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> layer = cr.nn.Dropout(0.2)
    >>> layer
    Dropout(p=0.2, inplace=False)
    >>> layer.eval()(cr.ones(3))
    tensor([1., 1., 1.])
    """

    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements of the input, in training."""
        return dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """In training, set whole channels of sequences to 0 with probability ``p``.

    Args:
        p: the probability that one is dropped.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.Dropout1d().eval()(cr.ones(1, 2, 1)).sum()
    tensor(2.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop parts of the input, in training."""
        return channel_dropout.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """In training, set whole channels of images to 0 with probability ``p``.

    Args:
        p: the probability that one is dropped.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.Dropout2d().eval()(cr.ones(1, 2, 1, 1)).sum()
    tensor(2.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop parts of the input, in training."""
        return channel_dropout.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(Dropout):
    """In training, set whole channels of volumes to 0 with probability ``p``.

    Args:
        p: the probability that one is dropped.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.Dropout3d().eval()(cr.ones(1, 2, 1, 1, 1)).sum()
    tensor(2.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop parts of the input, in training."""
        return channel_dropout.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(Dropout):
    """In training, drop elements while keeping mean 0 and variance 1, for SELU.

    Args:
        p: the probability that one is dropped.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.AlphaDropout().eval()(cr.ones(2)).sum()
    tensor(2.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop parts of the input, in training."""
        return channel_dropout.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(Dropout):
    """In training, drop channels while keeping mean 0 and variance 1, for SELU.

    Args:
        p: the probability that one is dropped.
        inplace: overwrite the input.

    >>> import chainrule as cr
    >>> cr.nn.FeatureAlphaDropout().eval()(cr.ones(1, 2)).sum()
    tensor(2.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop parts of the input, in training."""
        return channel_dropout.feature_alpha_dropout(input, self.p, self.training, self.inplace)
