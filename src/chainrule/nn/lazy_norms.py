"""Batch and instance normalisation that learn the number of channels from the first input."""

from __future__ import annotations

from typing import Any

from chainrule.nn import batchnorm
from chainrule.nn.lazy import LazyModuleMixin
from chainrule.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from chainrule.ops.creation import tensor

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _LazyNorm(LazyModuleMixin, batchnorm._ChannelNorm):
    """What they have in common: parameters and statistics of a size that is not known yet."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0)

    def reset_parameters(self) -> None:
        """Return statistics and parameters to their first values, once there are any."""
        if self.num_features != 0 and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:
        """Take the number of channels, the input's second dimension."""
        if self.has_uninitialized_params():
            self.num_features = input.shape[1]
            own = self.__dict__
            for name in ("weight", "bias", "running_mean", "running_var"):
                if is_lazy(own[name]):
                    own[name].materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, batchnorm.BatchNorm1d):
    """`BatchNorm1d` with the number of channels of its first input.

    >>> import chainrule as cr
    >>> layer = cr.nn.LazyBatchNorm1d()
    >>> layer(cr.ones(2, 3)).shape
    chainrule.Size([2, 3])
    >>> type(layer).__name__, layer.num_features
    ('BatchNorm1d', 3)
    """

    cls_to_become = batchnorm.BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, batchnorm.BatchNorm2d):
    """`BatchNorm2d` with the number of channels of its first input."""

    cls_to_become = batchnorm.BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, batchnorm.BatchNorm3d):
    """`BatchNorm3d` with the number of channels of its first input."""

    cls_to_become = batchnorm.BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, batchnorm.InstanceNorm1d):
    """`InstanceNorm1d` with the number of channels of its first input."""

    cls_to_become = batchnorm.InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, batchnorm.InstanceNorm2d):
    """`InstanceNorm2d` with the number of channels of its first input."""

    cls_to_become = batchnorm.InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, batchnorm.InstanceNorm3d):
    """`InstanceNorm3d` with the number of channels of its first input."""

    cls_to_become = batchnorm.InstanceNorm3d
