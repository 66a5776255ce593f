"""Batch and instance normalisation as modules, with PyTorch's running statistics."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from chainrule import dtypes
from chainrule.nn import init
from chainrule.nn.functional.normalization import batch_norm, instance_norm
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.ops.creation import empty, ones, tensor, zeros
from chainrule.tensor import Tensor

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
]


class _ChannelNorm(Module):
    """What batch and instance normalisation have in common: parameters and running statistics."""

    _version = 2
    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        size = (num_features,)
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            value = Parameter(empty(size, dtype=dtype, device=device)) if wanted else None
            self.register_parameter(name, value)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(size, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ones(size, dtype=dtype) if tracked else None)
        count = tensor(0, dtype=dtypes.int64) if tracked else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Return the running statistics to mean 0 and variance 1."""
        if self.track_running_stats:
            assert self.running_mean is not None and self.running_var is not None
            assert self.num_batches_tracked is not None
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Return statistics and parameters to their first values."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any
    ) -> None:
        key = prefix + "num_batches_tracked"
        version = local_metadata.get("version", None)
        # Files of the first version have no count of batches.
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            state_dict[key] = tensor(0, dtype=dtypes.int64)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_ChannelNorm):
    _dims: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return each channel standardised: by its batch in training, else by the statistics."""
        if input._array.ndim not in self._dims:
            wanted = " or ".join(f"{n}D" for n in self._dims)
            raise ValueError(
                f"expected {wanted} input (got {input._array.ndim}D input) in {type(self).__name__}"
            )
        factor = 0.0 if self.momentum is None else self.momentum
        tracking = self.training and self.track_running_stats
        if tracking and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                factor = 1.0 / self.num_batches_tracked.item()
        kept = self.running_mean is not None or self.running_var is not None
        used = not self.training or self.track_running_stats
        return batch_norm(
            input,
            self.running_mean if used else None,
            self.running_var if used else None,
            self.weight,
            self.bias,
            self.training or not kept,
            factor,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of features: each channel standardised over the batch.

    In training by the statistics of the batch, towards which the running ones move; in evaluation
    by the running ones.

    Args:
        num_features: the number of channels, C.
        eps: what is added to the variance.
        momentum: the weight of a batch in the running statistics; None for the mean of all batches.
        affine: whether there are a weight and a bias.
        track_running_stats: whether there are running statistics.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.
        bias: whether there is a bias, if ``affine``.

    Shapes: (N, C) or (N, C, L), the same out.

    Source: Ioffe and Szegedy, "Batch normalization", 2015.

    >>> import chainrule as cr
    >>> layer = cr.nn.BatchNorm1d(1, affine=False)
    >>> layer(cr.tensor([[1.0], [3.0]]))
    tensor([[-1.0000],
            [ 1.0000]])
    >>> layer.running_mean
    tensor([0.2000])
    """

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images, (N, C, H, W); `BatchNorm1d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.BatchNorm2d(3)(cr.ones(2, 3, 4, 4)).shape
    chainrule.Size([2, 3, 4, 4])
    """

    _dims = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes, (N, C, D, H, W); `BatchNorm1d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.BatchNorm3d(3)(cr.ones(2, 3, 1, 4, 4)).shape
    chainrule.Size([2, 3, 1, 4, 4])
    """

    _dims = (5,)


class _InstanceNorm(_ChannelNorm):
    _dims: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return each channel of each sample standardised."""
        n = input._array.ndim
        if n not in (self._dims - 1, self._dims):
            raise ValueError(
                f"expected {self._dims - 1}D or {self._dims}D input (got {n}D input) in "
                f"{type(self).__name__}"
            )
        dim = n - self._dims + 1
        size = input._array.shape[dim]
        if size != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features "
                    f"({self.num_features}), but got: {size}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. You can silence this "
                "warning by not passing in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        batch = input if n == self._dims else input.unsqueeze(0)
        y = instance_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y if n == self._dims else y.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of sequences: each channel of each sample standardised.

    Args:
        num_features: the number of channels, C.
        eps: what is added to the variance.
        momentum: the weight of an input in the running statistics.
        affine: whether there are a weight and a bias.
        track_running_stats: whether there are running statistics, used in evaluation.
        device: only ``"cpu"``.
        dtype: the parameters' dtype; the default dtype if None.
        bias: whether there is a bias, if ``affine``.

    Shapes: (N, C, L) or (C, L), the same out.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016.

    >>> import chainrule as cr
    >>> cr.nn.InstanceNorm1d(1)(cr.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """

    _dims = 3


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images; `InstanceNorm1d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.InstanceNorm2d(3)(cr.ones(2, 3, 4, 4)).shape
    chainrule.Size([2, 3, 4, 4])
    """

    _dims = 4


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes; `InstanceNorm1d` describes the arguments.

    >>> import chainrule as cr
    >>> cr.nn.InstanceNorm3d(3)(cr.ones(2, 3, 2, 4, 4)).shape
    chainrule.Size([2, 3, 2, 4, 4])
    """

    _dims = 5
