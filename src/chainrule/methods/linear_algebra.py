"""Products and decompositions as methods of tensors."""

from __future__ import annotations

from chainrule.methods.binding import in_place, on_demand
from chainrule.ops import linear_algebra


class LinearAlgebra:
    """Products and decompositions."""

    __slots__ = ()

    matmul = linear_algebra.matmul
    mm = linear_algebra.mm
    dot = linear_algebra.dot
    bmm = on_demand("vector_products", "bmm")
    mv = on_demand("vector_products", "mv")
    vdot = on_demand("vector_products", "vdot")
    inner = on_demand("vector_products", "inner")
    outer = on_demand("vector_products", "outer")
    ger = on_demand("vector_products", "ger")
    addmm = on_demand("vector_products", "addmm")
    addmm_ = in_place("addmm_", addmm)
    addmv = on_demand("vector_products", "addmv")
    addmv_ = in_place("addmv_", addmv)
    addr = on_demand("vector_products", "addr")
    addr_ = in_place("addr_", addr)
    addbmm = on_demand("vector_products", "addbmm")
    addbmm_ = in_place("addbmm_", addbmm)
    baddbmm = on_demand("vector_products", "baddbmm")
    baddbmm_ = in_place("baddbmm_", baddbmm)
    trace = on_demand("vector_products", "trace")
    cross = on_demand("vector_products", "cross")
    inverse = on_demand("solving", "inverse")
    cholesky_solve = on_demand("solving", "cholesky_solve")
    cholesky_inverse = on_demand("solving", "cholesky_inverse")
    det = on_demand("matrix_functions", "det")
    slogdet = on_demand("matrix_functions", "slogdet")
    logdet = on_demand("matrix_functions", "logdet")
    matrix_exp = on_demand("matrix_functions", "matrix_exp")
    matrix_power = on_demand("matrix_functions", "matrix_power")
    lu_solve = on_demand("factorizations", "lu_solve")
    cholesky = on_demand("legacy_linear_algebra", "cholesky")
    lu = on_demand("legacy_linear_algebra", "lu")
    pinverse = on_demand("legacy_linear_algebra", "pinverse")
    qr = on_demand("legacy_linear_algebra", "qr")
    svd = on_demand("legacy_linear_algebra", "svd")
    triangular_solve = on_demand("legacy_linear_algebra", "triangular_solve")
