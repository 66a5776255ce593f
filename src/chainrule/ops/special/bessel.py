"""Bessel functions of the orders 0 and 1.

Formulas: NIST Digital Library of Mathematical Functions, chapter 10.
"""

from __future__ import annotations

from typing import Any

from chainrule.operation import Operation, define
from chainrule.ops.arithmetic import sign
from chainrule.ops.comparison import where
from chainrule.ops.special.loading import from_scipy
from chainrule.symbol import Notation


def _written(letter: str, order: int) -> Notation:
    return Notation(f"{letter}{'₀₁'[order]}({{x}})", rf"{letter}_{{{{{order}}}}}\left({{x}}\right)")


i0: Operation = define(
    "i0",
    from_scipy("i0"),
    x=lambda g, x: g * i1(x),
    floating=True,
    notation=_written("I", 0),
    doc="""Modified Bessel function of the first kind, of order 0.

    >>> import chainrule as cr
    >>> cr.i0(cr.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """,
)
i0e: Operation = define(
    "i0e",
    from_scipy("i0e"),
    x=lambda g, x, y: g * (i1e(x) - sign(x) * y),
    floating=True,
    doc="""Scaled modified Bessel function, exp(−|x|) · I₀(x).

    >>> import chainrule as cr
    >>> cr.special.i0e(cr.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0399])
    """,
)


def _i1_gradient(g: Any, x: Any, y: Any) -> Any:
    # I₁(x) / x has the limit ½ at 0.
    return g * where(x == 0, 0.5, i0(x) - y / x)


i1: Operation = define(
    "i1",
    from_scipy("i1"),
    x=_i1_gradient,
    floating=True,
    notation=_written("I", 1),
    doc="""Modified Bessel function of the first kind, of order 1.

    >>> import chainrule as cr
    >>> cr.special.i1(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """,
)


def _i1e_gradient(g: Any, x: Any, y: Any) -> Any:
    return g * where(x == 0, 0.5, i0e(x) - y * (sign(x) + 1 / x))


i1e: Operation = define(
    "i1e",
    from_scipy("i1e"),
    x=_i1e_gradient,
    floating=True,
    doc="""Scaled modified Bessel function, exp(−|x|) · I₁(x).

    >>> import chainrule as cr
    >>> cr.special.i1e(cr.tensor([0.0, 100.0]))
    tensor([0.0000, 0.0397])
    """,
)
bessel_j0: Operation = define(
    "bessel_j0",
    from_scipy("j0"),
    x=lambda g, x: -g * bessel_j1(x),
    floating=True,
    notation=_written("J", 0),
    doc="""Bessel function of the first kind, of order 0.

    >>> import chainrule as cr
    >>> cr.special.bessel_j0(cr.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """,
)


def _j1_gradient(g: Any, x: Any, y: Any) -> Any:
    return g * where(x == 0, 0.5, bessel_j0(x) - y / x)


bessel_j1: Operation = define(
    "bessel_j1",
    from_scipy("j1"),
    x=_j1_gradient,
    floating=True,
    notation=_written("J", 1),
    doc="""Bessel function of the first kind, of order 1.

    >>> import chainrule as cr
    >>> cr.special.bessel_j1(cr.tensor([0.0, 1.0]))
    tensor([0.0000, 0.4401])
    """,
)
bessel_y0: Operation = define(
    "bessel_y0",
    from_scipy("y0"),
    x=lambda g, x: -g * bessel_y1(x),
    floating=True,
    notation=_written("Y", 0),
    doc="""Bessel function of the second kind, of order 0; NaN below 0.

    >>> import chainrule as cr
    >>> cr.special.bessel_y0(cr.tensor([1.0, 2.0]))
    tensor([0.0883, 0.5104])
    """,
)
bessel_y1: Operation = define(
    "bessel_y1",
    from_scipy("y1"),
    x=lambda g, x, y: g * (bessel_y0(x) - y / x),
    floating=True,
    notation=_written("Y", 1),
    doc="""Bessel function of the second kind, of order 1; NaN below 0.

    >>> import chainrule as cr
    >>> cr.special.bessel_y1(cr.tensor([1.0, 2.0]))
    tensor([-0.7812, -0.1070])
    """,
)
modified_bessel_k0: Operation = define(
    "modified_bessel_k0",
    from_scipy("k0"),
    x=lambda g, x: -g * modified_bessel_k1(x),
    floating=True,
    notation=_written("K", 0),
    doc="""Modified Bessel function of the second kind, of order 0; NaN below 0.

    >>> import chainrule as cr
    >>> cr.special.modified_bessel_k0(cr.tensor([1.0, 2.0]))
    tensor([0.4210, 0.1139])
    """,
)
modified_bessel_k1: Operation = define(
    "modified_bessel_k1",
    from_scipy("k1"),
    x=lambda g, x, y: -g * (modified_bessel_k0(x) + y / x),
    floating=True,
    notation=_written("K", 1),
    doc="""Modified Bessel function of the second kind, of order 1; NaN below 0.

    >>> import chainrule as cr
    >>> cr.special.modified_bessel_k1(cr.tensor([1.0, 2.0]))
    tensor([0.6019, 0.1399])
    """,
)
scaled_modified_bessel_k0: Operation = define(
    "scaled_modified_bessel_k0",
    from_scipy("k0e"),
    x=lambda g, x, y: g * (y - scaled_modified_bessel_k1(x)),
    floating=True,
    notation=Notation("k0e({x})", r"\operatorname{{k0e}}\left({x}\right)"),
    doc="""Scaled modified Bessel function, exp(x) · K₀(x).

    >>> import chainrule as cr
    >>> cr.special.scaled_modified_bessel_k0(cr.tensor([1.0, 100.0]))
    tensor([1.1445, 0.1252])
    """,
)
scaled_modified_bessel_k1: Operation = define(
    "scaled_modified_bessel_k1",
    from_scipy("k1e"),
    x=lambda g, x, y: g * (y - scaled_modified_bessel_k0(x) - y / x),
    floating=True,
    notation=Notation("k1e({x})", r"\operatorname{{k1e}}\left({x}\right)"),
    doc="""Scaled modified Bessel function, exp(x) · K₁(x).

    >>> import chainrule as cr
    >>> cr.special.scaled_modified_bessel_k1(cr.tensor([1.0, 100.0]))
    tensor([1.6362, 0.1258])
    """,
)
