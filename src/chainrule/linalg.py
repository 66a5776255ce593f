"""Linear algebra by the names of PyTorch's ``torch.linalg``.

>>> import chainrule as cr
>>> x = cr.tensor([3.0, 4.0], requires_grad=True)
>>> cr.linalg.vector_norm(x).backward()
>>> x.grad
tensor([0.6000, 0.8000])
"""

from __future__ import annotations

from chainrule.ops.matrix_norms import vector_norm

__all__ = [
    "vector_norm",
]
