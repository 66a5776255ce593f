"""Sums of products over named indices: Einstein's notation.

One primitive contracts operands whose indices are all distinct and all wanted; what else an
expression may ask for (diagonals, sums over an index of one operand, broadcasting) is prepared with
other operations. The gradient of a contraction is a contraction: the arriving gradient takes the
place of the operand, and its indices and the operand's change places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.dtypes import promote_types
from chainrule.operation import Operation, define
from chainrule.ops.diagonals import diagonal_of
from chainrule.ops.reductions import sum
from chainrule.ops.shape import normal_dim, permuted, squeezed
from chainrule.symbol import LEVELS, Notation, Style

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = ["einsum", "tensordot"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# --- The table ------------------------------------------------------------------------------------


def _arranged(x: Any, have: str, groups: Sequence[str], sizes: Mapping[str, int]) -> Any:
    """Return an operand with its indices in the order of the groups, each group as one."""
    order = "".join(groups)
    if order != have:
        x = x.transpose([have.index(i) for i in order])
    return x.reshape([math.prod(sizes[i] for i in group) for group in groups])


def _aligned(x: Any, have: str, out: str) -> Any:
    """Return an operand with its indices where ``out`` has them, 1 for those it lacks."""
    order = [have.index(i) for i in out if i in have]
    if order != sorted(order):
        x = x.transpose(order)
    return x[tuple(slice(None) if i in have else None for i in out)]


def _contract_two(a: Any, have_a: str, b: Any, have_b: str, out: str) -> Any:
    """Contract two operands to the indices ``out``, as one matrix product per common index."""
    summed = "".join(i for i in have_a if i in have_b and i not in out)
    if not summed:
        return _aligned(a, have_a, out) * _aligned(b, have_b, out)
    common = "".join(i for i in have_a if i in have_b and i in out)
    rows = "".join(i for i in have_a if i not in have_b)
    columns = "".join(i for i in have_b if i not in have_a)
    sizes = dict(zip(have_a, a.shape, strict=True)) | dict(zip(have_b, b.shape, strict=True))
    if common:
        left = _arranged(a, have_a, (common, rows, summed), sizes)
        right = _arranged(b, have_b, (common, summed, columns), sizes)
        y = np.matmul(left, right)
    else:
        left = _arranged(a, have_a, (rows, summed), sizes)
        y = np.dot(left, _arranged(b, have_b, (summed, columns), sizes))
    found = common + rows + columns
    y = y.reshape([sizes[i] for i in found])
    return y if found == out else y.transpose([found.index(i) for i in out])


@lru_cache(maxsize=512)
def _path(terms: tuple[str, ...], out: str, sizes: tuple[tuple[str, int], ...]) -> Any:
    """Return in which order to contract pairs: each time the one that costs the least.

    The steps are (first, second, indices of the result); results are appended to the operands.
    """
    size = dict(sizes)
    left = dict(enumerate(terms))
    steps: list[Any] = []
    while len(left) > 1:
        best: Any = None
        for p in left:
            for q in (q for q in left if q > p):
                others = {i for k, term in left.items() if k not in (p, q) for i in term}
                wanted = set(left[p] + left[q]) & (others | set(out))
                cost = math.prod(size[i] for i in set(left[p] + left[q]))
                growth = math.prod(size[i] for i in wanted)
                if best is None or (cost, growth) < best[0]:
                    best = (cost, growth), p, q, wanted
        _, p, q, wanted = best
        first, second = left.pop(p), left.pop(q)
        kept = "".join(dict.fromkeys(i for i in first + second if i in wanted))
        result = kept if left else out
        left[len(terms) + len(steps)] = result
        steps.append((p, first, q, second, result))
    return steps


def _contract(xs: tuple[Any, ...], equation: str) -> Any:
    left, out = equation.split("->")
    terms = tuple(left.split(","))
    dtype = xs[0].dtype
    if dtype == np.float16:
        # As PyTorch does, sums of halves are taken in single precision.
        return _contract(tuple(x.astype(np.float32) for x in xs), equation).astype(dtype)
    if len(terms) == 2:
        return _contract_two(xs[0], terms[0], xs[1], terms[1], out)
    sizes: dict[str, int] = {}
    for term, x in zip(terms, xs, strict=True):
        sizes.update(zip(term, x.shape, strict=True))
    operands = list(xs)
    for p, first, q, second, result in _path(terms, out, tuple(sizes.items())):
        operands.append(_contract_two(operands[p], first, operands[q], second, result))
    return operands[-1]


def _contract_gradient(g: Any, xs: tuple[Any, ...], equation: str, k: int) -> Any:
    left, out = equation.split("->")
    terms = left.split(",")
    others = terms[:k] + terms[k + 1 :]
    return contract((g, *xs[:k], *xs[k + 1 :]), f"{','.join((out, *others))}->{terms[k]}")


def _write_einsum(style: Style, o: Mapping[str, Any]) -> tuple[str, int]:
    *operands, equation = o.values()
    arrow = "→" if style.which == "text" else r" \to "
    inner = f"{equation.replace('->', arrow)}; {', '.join(f'{x}' for x in operands)}"
    return f"{style.function('einsum')}{style.parentheses(inner)}", LEVELS["atom"]


contract: Operation = define(
    "einsum",
    _contract,
    inputs=("*xs",),
    params=("equation",),
    xs=_contract_gradient,
    notation=Notation(custom=_write_einsum),
    doc="""Sum of products of operands, each index of which is in the result or in another operand.

    The gradient of an operand is again such a sum (Laue, Mitterreiter and Giesen, "A simple and
    efficient tensor calculus", 2020).
    """,
)


# --- Reading an expression ------------------------------------------------------------------------


def _sublists(args: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Turn operands followed by lists of indices into an equation."""
    lists = list(args[1::2])
    if len(args) % 2:
        lists.append(args[-1])
    used: set[int] = set()
    for i in (i for given in lists for i in given if i is not Ellipsis):
        if not isinstance(i, int) or not 0 <= i < len(LETTERS):
            raise RuntimeError(
                f"einsum(): subscripts in a list must be integers within the range [0, 52) or "
                f"Ellipsis, but got {i!r}"
            )
        used.add(i)
    # Letters in the order of the numbers, small ones if they suffice.
    letters = LETTERS[26:] if len(used) <= 26 else LETTERS
    named: dict[Any, str] = dict(zip(sorted(used), letters, strict=False))
    named[Ellipsis] = "..."
    terms = ["".join(named[i] for i in given) for given in lists]
    if len(args) % 2:
        return f"{','.join(terms[:-1])}->{terms[-1]}", tuple(args[:-1:2])
    return ",".join(terms), tuple(args[::2])


def _checked_term(term: str, what: str) -> str:
    """Return a list of subscripts without its ellipsis' position lost, or raise."""
    bare = term.replace("...", "", 1)
    for i in bare:
        if i not in LETTERS:
            advice = " ('...' must be three dots)" if i == "." else ""
            raise RuntimeError(
                f"einsum(): invalid subscript given at {what}: subscripts must be in [a-zA-Z], "
                f"but got {i!r} in {term!r}{advice}"
            )
    return term


def _named_dimensions(terms: Sequence[str], operands: Sequence[Any]) -> tuple[list[str], str]:
    """Return each operand's indices, one letter a dimension, and the letters of the ellipsis."""
    free = iter(i for i in reversed(LETTERS) if all(i not in term for term in terms))
    hidden: list[int] = []
    for k, (term, x) in enumerate(zip(terms, operands, strict=True)):
        named = len(term.replace("...", ""))
        n = x._array.ndim
        if named > n or (named < n and "..." not in term):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) does not match the "
                f"number of dimensions ({n}) for operand {k}"
                + ("" if "..." in term else " and no ellipsis was given")
            )
        hidden.append(n - named)
    ellipsis = "".join(next(free) for _ in range(max(hidden, default=0)))[::-1]
    return [
        term.replace("...", ellipsis[len(ellipsis) - h :])
        for term, h in zip(terms, hidden, strict=True)
    ], ellipsis


def _output(explicit: str | None, terms: Sequence[str], ellipsis: str) -> str:
    everything = "".join(terms)
    if explicit is None:
        once = sorted(i for i in set(everything) - set(ellipsis) if everything.count(i) == 1)
        return ellipsis + "".join(once)
    out = explicit.replace("...", ellipsis)
    for i in out:
        if out.count(i) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {i} appears more than once in the output"
            )
        if i not in everything:
            raise RuntimeError(
                f"einsum(): output subscript {i} does not appear in the equation for any input "
                "operand"
            )
    return out


def _sizes(terms: Sequence[str], operands: Sequence[Any]) -> dict[str, int]:
    """Return the size of every index, dimensions of size 1 broadcast."""
    sizes: dict[str, int] = {}
    for k, (term, x) in enumerate(zip(terms, operands, strict=True)):
        own: dict[str, int] = {}
        for i, n in zip(term, x._array.shape, strict=True):
            if own.setdefault(i, n) != n:
                raise RuntimeError(
                    f"einsum(): subscript {i} is repeated for operand {k} but the sizes don't "
                    f"match, {n} != {own[i]}"
                )
        for i, n in own.items():
            known = sizes.get(i, 1)
            if 1 not in (known, n) and known != n:
                raise RuntimeError(
                    f"einsum(): subscript {i} has size {n} for operand {k} which does not "
                    f"broadcast with previously seen size {known}"
                )
            sizes[i] = n if known == 1 else known
    return sizes


def _without_repetition(x: Tensor, term: str) -> tuple[Tensor, str]:
    """Take the diagonal of dimensions with the same index."""
    for i in dict.fromkeys(term):
        while term.count(i) > 1:
            first = term.index(i)
            second = term.index(i, first + 1)
            x = diagonal_of(x, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + i
    return x, term


def einsum(*args: Any) -> Tensor:
    """Return the sum of products of operands over the indices that the result does not have.

    Args:
        *args: an equation such as ``"bij,bjk->bik"`` followed by the operands (or one list of
            them), or operands each followed by its list of subscripts, as in NumPy. An index that
            an operand has twice takes its diagonal; ``...`` stands for dimensions that broadcast;
            without ``->`` the result has the indices that occur once, in alphabetical order.

    Three operands and more are contracted in pairs, each time the pair that takes the fewest
    multiplications.

    Raises:
        RuntimeError: for an equation that cannot be read or does not fit the operands.

    >>> import chainrule as cr
    >>> A = cr.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> cr.einsum("ij,j->i", A, cr.tensor([1.0, 10.0]))
    tensor([21., 43.])
    >>> cr.einsum("ii", A)
    tensor(5.)
    >>> cr.einsum(A, [0, 1], A, [1, 2], [0, 2])
    tensor([[ 7., 10.],
            [15., 22.]])
    """
    if args and isinstance(args[0], str):
        equation, operands = args[0], args[1:]
        if len(operands) == 1 and isinstance(operands[0], list | tuple):
            operands = tuple(operands[0])
    else:
        equation, operands = _sublists(args)
    if not operands:
        raise ValueError("einsum(): must specify the equation and at least one operand")
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = [_checked_term(term, f"operand {k}") for k, term in enumerate(left.split(","))]
    if len(terms) != len(operands):
        more = "fewer" if len(terms) > len(operands) else "more"
        raise RuntimeError(
            f"einsum(): {more} operands were provided than specified in the equation: "
            f"{len(operands)} for {equation!r}"
        )
    explicit = _checked_term(right, "the output") if arrow else None
    terms, ellipsis = _named_dimensions(terms, operands)
    return _evaluated(terms, _output(explicit, terms, ellipsis), operands)


def _evaluated(terms: list[str], out: str, operands: Sequence[Tensor]) -> Tensor:
    sizes = _sizes(terms, operands)
    prepared = []
    for k, (given, operand) in enumerate(zip(terms, operands, strict=True)):
        term, x = given, operand
        if len(set(term)) < len(term):
            x, term = _without_repetition(x, term)
        # A size of 1 that is broadcast is as good as no dimension.
        narrow = tuple(d for d, i in enumerate(term) if x._array.shape[d] != sizes[i])
        if narrow:
            x = squeezed(x, narrow)
            term = "".join(i for d, i in enumerate(term) if d not in narrow)
        terms[k] = term
        prepared.append(x)
    for k, term in enumerate(terms):
        elsewhere = out + "".join(terms[:k] + terms[k + 1 :])
        alone = tuple(d for d, i in enumerate(term) if i not in elsewhere)
        if alone:
            prepared[k] = sum(prepared[k], alone)
            terms[k] = "".join(i for i in term if i in elsewhere)
    if len(terms) == 1:
        order = tuple(terms[0].index(i) for i in out)
        return permuted(prepared[0], order)
    if any(x._array.dtype != prepared[0]._array.dtype for x in prepared):
        # Sums of integers are wider; a 0-d one must not become narrow again.
        wide = reduce(promote_types, (x._array.dtype for x in prepared))
        prepared = [x.to(wide) for x in prepared]
    return contract(tuple(prepared), f"{','.join(terms)}->{out}")


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Return the sum of products over dimensions of ``a`` paired with dimensions of ``b``.

    Args:
        a: any shape.
        b: any shape.
        dims: how many of the last dimensions of ``a`` to pair with the first of ``b``, or a list
            of dimensions of each.

    >>> import chainrule as cr
    >>> cr.tensordot(cr.ones(2, 3), cr.ones(3, 4), dims=1).shape
    chainrule.Size([2, 4])
    >>> cr.tensordot(cr.ones(2, 3), cr.ones(2, 3), dims=([0, 1], [0, 1]))
    tensor(6.)
    """
    n, m = a._array.ndim, b._array.ndim
    if hasattr(dims, "_array"):
        dims = dims._array.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(n, m):
            raise RuntimeError(
                f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims} for {n} and {m} "
                "dimensions"
            )
        pairs = [(n - dims + k, k) for k in range(dims)]
    else:
        first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
        if len(first) != len(second):
            raise RuntimeError(
                "both dimension lists should have same length: got "
                f"{first} and {second} for tensordot"
            )
        pairs = [
            (normal_dim("tensordot", p, n), normal_dim("tensordot", q, m))
            for p, q in zip(first, second, strict=True)
        ]
    names = LETTERS[26:] + LETTERS[:26]
    have_a, rest = list(names[:n]), iter(names[n:])
    paired = {q: have_a[p] for p, q in pairs}
    for k, (p, q) in enumerate(pairs):
        sizes = a._array.shape[p], b._array.shape[q]
        if sizes[0] != sizes[1] and 1 not in sizes:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {sizes[0]} in dim {p} "
                f"and second has size {sizes[1]} in dim {q} (pair {k} of tensordot)"
            )
    have_b = [paired.get(q) or next(rest) for q in range(m)]
    out = [i for i in (*have_a, *have_b) if i not in paired.values()]
    return _evaluated(["".join(have_a), "".join(have_b)], "".join(out), (a, b))
