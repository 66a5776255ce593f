"""Tensors across the bridge, in the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule import dtypes
from chainrule.nn.parameter import Parameter
from chainrule.ops.creation import from_numpy, require_grad
from chainrule.tensor import Tensor

DTYPES: dict[Any, Any] = {getattr(torch, str(dtype)): dtype for dtype in dtypes.SUPPORTED}


def dtype_from_torch(dtype: Any) -> Any:
    """Return PyTorch's dtype as NumPy's."""
    if dtype not in DTYPES:
        known = ", ".join(sorted(map(str, DTYPES.values())))
        raise RuntimeError(
            f"from_torch: the dtype {dtype} is not available (there are {known}); convert the "
            "tensor first, for example with .float()"
        )
    return DTYPES[dtype]


def from_torch(tensor: Any) -> Tensor:
    """Return a tensor of PyTorch as one in the same memory; leaves and parameters stay such."""
    if tensor.device.type != "cpu" or tensor.layout != torch.strided:
        raise RuntimeError(
            f"from_torch: the tensor is on {tensor.device} with layout {tensor.layout}; chainrule "
            "has dense tensors on the CPU: call .cpu() and .to_dense() first"
        )
    dtype_from_torch(tensor.dtype)
    shared = from_numpy(tensor.detach().numpy())
    if isinstance(tensor, torch.nn.Parameter):
        return Parameter(shared, tensor.requires_grad)
    if tensor.requires_grad:
        require_grad(shared)
    return shared


def to_torch(tensor: Tensor) -> Any:
    """Return a tensor as one of PyTorch, in the same memory if its layout and flags allow it."""
    array = tensor._array
    if any(s < 0 for s in array.strides) or not array.flags.writeable:
        array = np.array(array)
    shared = torch.from_numpy(array)
    if isinstance(tensor, Parameter):
        return torch.nn.Parameter(shared, tensor.requires_grad)
    return shared.requires_grad_() if tensor.requires_grad else shared
