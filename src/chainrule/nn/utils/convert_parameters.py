"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.ops.assembly import cat
from chainrule.tensor import Tensor

__all__ = [
    "parameters_to_vector",
    "vector_to_parameters",
]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all elements of all parameters as one vector, differentiable.

    >>> import chainrule as cr
    >>> parameters_to_vector([cr.ones(1, 2), cr.zeros(1)])
    tensor([1., 1., 0.])
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let parameters take their values from a vector, whose memory they share from then on.

    Args:
        vec: at least as many elements as the parameters have together.
        parameters: in the order in which `parameters_to_vector` got them.

    Raises:
        TypeError: if ``vec`` is not a tensor.
        RuntimeError: if the vector is too short.

    >>> import chainrule as cr
    >>> w = cr.zeros(1, 2)
    >>> vector_to_parameters(cr.tensor([1.0, 2.0]), [w])
    >>> w
    tensor([[1., 2.]])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(
            f"expected chainrule.Tensor, but got: {type(vec).__name__}; wrap it in cr.tensor(...)"
        )
    start = 0
    for parameter in parameters:
        part = vec[start : start + parameter.numel()]
        parameter.data = part.reshape(*parameter.shape).detach()
        start += parameter.numel()
