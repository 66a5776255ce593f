"""Linear algebra by the names of PyTorch's ``torch.linalg``.

>>> import chainrule as cr
>>> A = cr.tensor([[2.0, 0.0], [1.0, 4.0]], requires_grad=True)
>>> cr.linalg.det(A).backward()
>>> A.grad
tensor([[ 4., -1.],
        [ 0.,  2.]])
"""

from __future__ import annotations

from chainrule.ops.decompositions import (
    cholesky,
    cholesky_ex,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    qr,
    svd,
    svdvals,
)
from chainrule.ops.factorizations import lu, lu_factor, lu_factor_ex
from chainrule.ops.factorizations import lu_solve_factored as lu_solve
from chainrule.ops.least_squares import lstsq, pinv
from chainrule.ops.linear_algebra import matmul
from chainrule.ops.matrix_checks import LinAlgError
from chainrule.ops.matrix_functions import det, matrix_exp, matrix_power, matrix_rank, slogdet
from chainrule.ops.matrix_functions import vandermonde as vander
from chainrule.ops.matrix_norms import cond, matrix_norm, norm, vector_norm
from chainrule.ops.solving import (
    inv,
    inv_ex,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from chainrule.ops.vector_products import crossed as cross
from chainrule.ops.vector_products import matrix_diagonal as diagonal
from chainrule.ops.vector_products import multi_dot, vecdot

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
