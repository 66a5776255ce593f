"""Linear algebra by the names of PyTorch's ``torch.linalg``.

>>> import chainrule as cr
>>> x = cr.tensor([3.0, 4.0], requires_grad=True)
>>> cr.linalg.vector_norm(x).backward()
>>> x.grad
tensor([0.6000, 0.8000])
"""

from __future__ import annotations

from chainrule.ops.linear_algebra import matmul
from chainrule.ops.matrix_norms import vector_norm
from chainrule.ops.vector_products import crossed as cross
from chainrule.ops.vector_products import multi_dot, vecdot

__all__ = [
    "cross",
    "matmul",
    "multi_dot",
    "vecdot",
    "vector_norm",
]
