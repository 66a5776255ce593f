"""Gradients kept within bounds."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.graph import mutations
from chainrule.ops import updates_clipping as clipping
from chainrule.primitive import attach
from chainrule.tensor import Tensor

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]

Tensors = Tensor | Iterable[Tensor]


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of several tensors as if they were one vector.

    Args:
        tensors: a tensor or several.
        norm_type: the order p of the norm, ``inf`` for the largest absolute value.
        error_if_nonfinite: whether to refuse a norm that is NaN or infinite.
        foreach: without effect: there is one implementation.

    Raises:
        RuntimeError: with ``error_if_nonfinite``, if the norm is NaN or infinite.

    >>> import chainrule as cr
    >>> get_total_norm([cr.tensor([3.0]), cr.tensor([[4.0]])])
    tensor(5.)
    """
    order = float(norm_type)
    arrays = [t._array for t in _listed(tensors)]
    if not arrays:
        return attach(np.zeros((), np.float32), None)
    total = clipping.total_norm(arrays, order)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite "
            "norm anyway, set `error_if_nonfinite=False`"
        )
    return attach(total, None)


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale the gradients of parameters in place so that a norm that is known becomes smaller.

    Each is multiplied by ``max_norm`` / (``total_norm`` + 10⁻⁶), if that is below 1.

    Args:
        parameters: a tensor or several.
        max_norm: the largest norm.
        total_norm: the present norm, as `get_total_norm` returns it.
        foreach: without effect: there is one implementation.
    """
    arrays = [g._array for g in _gradients(parameters)]
    if clipping.scale_down(arrays, float(max_norm), total_norm._array):
        mutations.mark_all(arrays)


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients of parameters in place so that their norm is at most ``max_norm``.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks",
    2013.

    Args:
        parameters: a tensor or several; those without gradient are passed over.
        max_norm: the largest norm.
        norm_type: the order p of the norm, ``inf`` for the largest absolute value.
        error_if_nonfinite: whether to refuse a norm that is NaN or infinite.
        foreach: without effect: there is one implementation.

    Returns:
        The norm of all gradients, as one vector, before.

    Raises:
        RuntimeError: with ``error_if_nonfinite``, if the norm is NaN or infinite; nothing was
            changed then.

    >>> import chainrule as cr
    >>> w = cr.zeros(2, requires_grad=True)
    >>> w.grad = cr.tensor([3.0, 4.0])
    >>> clip_grad_norm_([w], max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    generated = isinstance(parameters, types.GeneratorType)
    parameters = _listed(parameters)
    if generated and not parameters:
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2
        )
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale gradients; the old name of `clip_grad_norm_`."""
    warnings.warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Bring every derivative between −``clip_value`` and ``clip_value``, in place.

    Args:
        parameters: a tensor or several; those without gradient are passed over.
        clip_value: the largest absolute value.
        foreach: without effect: there is one implementation.

    >>> import chainrule as cr
    >>> w = cr.zeros(2, requires_grad=True)
    >>> w.grad = cr.tensor([3.0, -0.5])
    >>> clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    arrays = [g._array for g in _gradients(parameters)]
    clipping.clip(arrays, float(clip_value))
    mutations.mark_all(arrays)


def _listed(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Any) -> list[Tensor]:
    return [p._grad for p in _listed(parameters) if p._grad is not None]
