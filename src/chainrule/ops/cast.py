"""Conversion between dtypes and copies: the identity, mathematically."""

from __future__ import annotations

import numpy as np

from chainrule.operation import Operation, define
from chainrule.symbol import Notation

__all__ = ["clone"]

_unmarked = Notation(custom=lambda style, operands: (operands["x"].written, operands["x"].level))

cast: Operation = define(
    "cast",
    lambda x, dtype, source: x.astype(dtype),
    params=("dtype", "source"),
    x=lambda g, source: cast(g, source, None),
    notation=_unmarked,
    doc="Convert to a dtype; the gradient is converted back.",
)
clone: Operation = define(
    "clone",
    np.array,
    x=lambda g: g,
    notation=_unmarked,
    doc="""Copy; the gradient passes through.

    >>> import chainrule as cr
    >>> cr.clone(cr.tensor([1.0]))
    tensor([1.])
    """,
)
ordered: Operation = define(
    "contiguous",
    lambda x: np.array(x, order="C"),
    x=lambda g: g,
    notation=_unmarked,
    doc="Copy into memory in which the elements lie in order; the gradient passes through.",
)
