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
