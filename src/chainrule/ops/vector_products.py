"""Products of vectors and matrices by PyTorch's names, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.operation import Operation, define
from chainrule.ops import notation
from chainrule.ops.arithmetic import plus, times
from chainrule.ops.diagonals import diagonal, diagonal_of
from chainrule.ops.einsum import tensordot
from chainrule.ops.linear_algebra import (
    inner_product,
    matrix_product,
    matrix_times_vector,
    mm,
    outer_product,
    product,
)
from chainrule.ops.matrix_checks import floating
from chainrule.ops.reductions import total
from chainrule.ops.shape import broadcast_to, inserted, normal_dim, reshaped

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bmm",
    "chain_matmul",
    "cross",
    "ger",
    "inner",
    "mv",
    "outer",
    "trace",
    "vdot",
]

# --- The table ------------------------------------------------------------------------------------


def _cross(a: Any, b: Any, dim: int) -> Any:
    before = (slice(None),) * dim
    a0, a1, a2 = (a[(*before, k)] for k in range(3))
    b0, b1, b2 = (b[(*before, k)] for k in range(3))
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=dim)


cross_product: Operation = define(
    "cross",
    _cross,
    params=("dim",),
    a=lambda g, b, dim: cross_product(b, g, dim),
    b=lambda g, a, dim: cross_product(g, a, dim),
    notation=notation.along("cross"),
    doc="Cross product of vectors of three elements along a dimension.",
)

# --- Products -------------------------------------------------------------------------------------


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of two stacks of matrices; (b, n, k) and (b, k, m) give (b, n, m).

    >>> import chainrule as cr
    >>> cr.bmm(cr.ones(2, 1, 3), cr.ones(2, 3, 1)).flatten()
    tensor([3., 3.])
    """
    _stacks("bmm", input, mat2)
    return product(input, mat2)


def _stacks(name: str, batch1: Tensor, batch2: Tensor) -> None:
    a, b = batch1._array.shape, batch2._array.shape
    for k, shape in enumerate((a, b), 1):
        if len(shape) != 3:
            raise RuntimeError(
                f"batch{k} must be a 3D tensor: {name} takes stacks of matrices, got shape "
                f"{list(shape)}; matmul takes any number of dimensions"
            )
    if a[0] != b[0] or a[2] != b[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but "
            f"got: [{b[0]}, {b[1]}]. {name} multiplies (b, n, k) by (b, k, m)"
        )


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a matrix and a vector; shapes (n, m) and (m) give (n).

    >>> import chainrule as cr
    >>> cr.mv(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), cr.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    a, b = input._array.shape, vec._array.shape
    if len(a) != 2 or len(b) != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got 1, {len(a)}, {len(b)}: mv takes a matrix and "
            "a vector; matmul takes any"
        )
    if a[1] != b[0]:
        raise RuntimeError(
            f"size mismatch, got input ({a[0]}), mat ({a[0]}x{a[1]}), vec ({b[0]}): the vector "
            "must have as many elements as the matrix has columns"
        )
    return matrix_times_vector(input, vec)


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Return the inner product of two vectors of one size.

    >>> import chainrule as cr
    >>> cr.vdot(cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0]))
    tensor(11.)
    """
    a, b = input._array.shape, other._array.shape
    if len(a) != 1 or len(b) != 1:
        raise RuntimeError(
            f"1D tensors expected, but got {len(a)}D and {len(b)}D tensors: vdot takes vectors; "
            "(a * b).sum() works for any shape"
        )
    if a != b:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have the "
            f"same number of elements, but got {a[0]} and {b[0]} elements respectively"
        )
    return inner_product(input, other)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Return the sum of products over the last dimension of both; a 0-d operand multiplies.

    >>> import chainrule as cr
    >>> cr.inner(cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0]))
    tensor(11.)
    """
    a, b = input._array.shape, other._array.shape
    if not a or not b:
        return times(input, other)
    if a[-1] != b[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(a)} "
            f"and {list(b)}"
        )
    if len(a) == len(b) == 1:
        return inner_product(input, other)
    return tensordot(input, other, ([-1], [-1]))


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return all products of an element of a vector and one of another; (n) and (m) give (n, m).

    >>> import chainrule as cr
    >>> cr.outer(cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    for name, v in (("self", input), ("vec2", vec2)):
        if v._array.ndim != 1:
            raise RuntimeError(
                f"outer: Expected 1-D argument {name}, but got {v._array.ndim}-D; flatten() it"
            )
    return outer_product(input, vec2)


ger = outer


# --- Products added to something ------------------------------------------------------------------


def _added(input: Tensor, result: Tensor, beta: Any, alpha: Any) -> Tensor:
    """Return ``beta * input + alpha * result``; with ``beta`` 0 the input is not read."""
    kind = result._array.dtype.kind
    if kind != "f":
        # As in PyTorch, factors of integers are integers.
        convert = bool if kind == "b" else int
        beta, alpha = convert(beta), convert(alpha)
    # The product has the shape of the result.
    if input._array.shape != result._array.shape:
        input = broadcast_to(input, result._array.shape)
    if alpha != 1:
        result = times(result, alpha)
    if beta == 0:
        return result
    return plus(input if beta == 1 else times(input, beta), result)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return ``beta * input + alpha * (mat1 @ mat2)``; the input broadcasts to the product.

    With ``beta=0`` the input is not read: its NaN and infinities have no effect.

    >>> import chainrule as cr
    >>> cr.addmm(cr.ones(1), cr.ones(1, 2), cr.ones(2, 2), beta=10, alpha=3)
    tensor([[16., 16.]])
    """
    return _added(input, mm(mat1, mat2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return ``beta * input + alpha * (mat @ vec)``.

    >>> import chainrule as cr
    >>> cr.addmv(cr.ones(2), cr.ones(2, 3), cr.ones(3))
    tensor([4., 4.])
    """
    return _added(input, mv(mat, vec), beta, alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return ``beta * input + alpha * outer(vec1, vec2)``.

    >>> import chainrule as cr
    >>> cr.addr(cr.zeros(2, 2), cr.tensor([1.0, 2.0]), cr.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    result = outer(vec1, vec2)
    if result._array.dtype.kind != "f":
        for name, factor in (("beta", beta), ("alpha", alpha)):
            if isinstance(factor, float):
                raise RuntimeError(
                    f"For integral input tensors, argument {name} must not be a floating point "
                    "number; convert the operands with .float()"
                )
    return _added(input, result, beta, alpha)


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """Return ``beta * input + alpha * bmm(batch1, batch2)``.

    >>> import chainrule as cr
    >>> cr.baddbmm(cr.ones(1), cr.ones(2, 1, 3), cr.ones(2, 3, 1)).flatten()
    tensor([4., 4.])
    """
    _stacks("baddbmm", batch1, batch2)
    return _added(input, product(batch1, batch2), beta, alpha)


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """Return ``beta * input`` plus ``alpha`` times the sum of the products of two stacks.

    >>> import chainrule as cr
    >>> cr.addbmm(cr.zeros(1, 1), cr.ones(2, 1, 3), cr.ones(2, 3, 1))
    tensor([[6.]])
    """
    _stacks("addbmm", batch1, batch2)
    return _added(input, tensordot(batch1, batch2, ([0, 2], [0, 1])), beta, alpha)


# --- Chains, crosses and traces -------------------------------------------------------------------


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Return the product of a chain of matrices, in the order that multiplies the least.

    The first may be a vector (a row) and so may the last (a column).

    Source of the order: Cormen et al., "Introduction to Algorithms", matrix-chain multiplication.

    >>> import chainrule as cr
    >>> cr.linalg.multi_dot([cr.ones(2, 3), cr.ones(3, 4), cr.ones(4)])
    tensor([12., 12.])
    """
    chain = list(tensors)
    if len(chain) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(chain)}")
    row, column = chain[0]._array.ndim == 1, chain[-1]._array.ndim == 1
    if row:
        chain[0] = inserted(chain[0], (0,))
    if column:
        chain[-1] = inserted(chain[-1], (1,))
    for k, x in enumerate(chain):
        if x._array.ndim != 2:
            wanted = "1D or 2D" if k in (0, len(chain) - 1) else "2D"
            raise RuntimeError(f"multi_dot(): tensor {k} must be {wanted} but got {x._array.ndim}D")
    for k, (x, y) in enumerate(pairwise(chain)):
        if x._array.shape[1] != y._array.shape[0]:
            a, b = x._array.shape, y._array.shape
            raise RuntimeError(
                f"multi_dot(): tensors {k} and {k + 1} with shapes {list(a)} and {list(b)} cannot "
                "be multiplied"
            )
    result = _chained(chain)
    n, m = result._array.shape
    if row or column:
        return reshaped(result, (() if row else (n,)) + (() if column else (m,)))
    return result


def _chained(chain: list[Tensor]) -> Tensor:
    sizes = [chain[0]._array.shape[0], *(x._array.shape[1] for x in chain)]
    n = len(chain)
    cost = {(k, k): 0 for k in range(n)}
    split: dict[tuple[int, int], int] = {}
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def multiplied(i: int, j: int) -> Tensor:
        if i == j:
            return chain[i]
        k = split[i, j]
        return matrix_product(multiplied(i, k), multiplied(k + 1, j))

    return multiplied(0, n - 1)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """Return the product of matrices in the order that multiplies the least; see `multi_dot`.

    >>> import chainrule as cr
    >>> cr.chain_matmul(cr.ones(1, 2), cr.ones(2, 3), cr.ones(3, 1))
    tensor([[6.]])
    """
    for k, x in enumerate(matrices):
        if x._array.ndim != 2:
            raise RuntimeError(
                f"Tensor dimension is {x._array.ndim}, expected 2 instead: matrix {k} of "
                "chain_matmul"
            )
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix.

    >>> import chainrule as cr
    >>> cr.trace(cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if input._array.ndim != 2:
        raise RuntimeError(
            f"trace: expected a matrix, but got tensor with dim {input._array.ndim}; "
            "einsum('...ii', x) takes stacks of matrices"
        )
    return diagonal_of(input, 0, 0, 1).sum()


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Return the cross product along a dimension of size 3, the first such one if None.

    >>> import chainrule as cr
    >>> cr.cross(cr.tensor([1.0, 0.0, 0.0]), cr.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if dim is None:
        shape = input._array.shape
        if 3 not in shape:
            raise RuntimeError(
                f"no dimension of size 3 in input: cross multiplies vectors of three elements, got "
                f"shape {list(shape)}"
            )
        dim = shape.index(3)
    return crossed(input, other, dim=dim)


def crossed(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return the cross product of vectors of three elements along a dimension.

    >>> import chainrule as cr
    >>> cr.linalg.cross(cr.tensor([1.0, 0.0, 0.0]), cr.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    a, b = input._array.shape, other._array.shape
    if len(a) != len(b):
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions, got shapes "
            f"{list(a)} and {list(b)}"
        )
    d = normal_dim("linalg.cross", dim, len(a))
    if not a or a[d] != 3 or b[d] != 3:
        sizes = (a[d], b[d]) if a else (0, 0)
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and "
            f"{sizes[1]}"
        )
    return cross_product(input, other, d)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Return the inner products of vectors along a dimension; the others broadcast.

    >>> import chainrule as cr
    >>> cr.linalg.vecdot(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), cr.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    x, y = floating("vecdot", x), floating("vecdot", y)
    n = max(x._array.ndim, y._array.ndim)
    d = normal_dim("linalg.vecdot", dim, n)
    return total(times(x, y), (d,) if n else None, False)


def matrix_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return the diagonal of matrices, by default of the last two dimensions; a view.

    >>> import chainrule as cr
    >>> cr.linalg.diagonal(cr.ones(4, 2, 3)).shape
    chainrule.Size([4, 2])
    """
    return diagonal(A, offset, dim1, dim2)
