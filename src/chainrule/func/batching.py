"""vmap: a function of one element as a function of a batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.func.trees import leaves_of, spread, with_leaves
from chainrule.generator import default_generator
from chainrule.graph import Node, reaching
from chainrule.modes import no_grad
from chainrule.ops.assembly import stack
from chainrule.ops.inplace import node_of
from chainrule.ops.pieces import select
from chainrule.primitive import attach
from chainrule.tensor import Tensor


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that applies another to every element of a batch.

    It runs the function once per element, on views, and stacks the results. So every function
    works, also one that branches on values, and gradients flow through; but it takes as long as a
    Python loop over the batch: an operation that takes batches itself is faster.

    Args:
        func: takes and returns tensors, in tuples, lists and dictionaries. Arguments by name are
            the same for all elements.
        in_dims: the dimension that counts the elements, per argument or for all; None for an
            argument that is the same for all elements.
        out_dims: where the results have that dimension, per result or for all; None for a result
            that is the same for all elements.
        randomness: whether random numbers may be drawn inside: ``"error"``, ``"different"`` ones
            for each element or the ``"same"``. Different ones come one element after the other, so
            they are not those that PyTorch draws for the batch. Only the default generator is
            watched.
        chunk_size: PyTorch's bound on elements computed together; here each is computed alone.

    Raises:
        ValueError: if ``in_dims`` or ``out_dims`` do not fit what they are for, or the batches
            differ in size.
        RuntimeError: for random numbers with ``randomness="error"``.

    >>> import chainrule as cr
    >>> cr.vmap(cr.dot)(cr.tensor([[1.0, 2.0], [3.0, 4.0]]), cr.ones(2, 2))
    tensor([3., 7.])
    >>> per_sample = cr.vmap(cr.func.grad(lambda w, x: (w * x) ** 2), in_dims=(None, 0))
    >>> per_sample(cr.tensor(2.0), cr.tensor([1.0, 3.0]))
    tensor([ 4., 36.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    @functools.wraps(func, updated=())
    def batched(*args: Any, **kwargs: Any) -> Any:
        leaves, dims = _batched_inputs(name, in_dims, args)
        size = next(t.shape[d] for t, d in zip(leaves, dims, strict=True) if d is not None)

        first: set[Node] = set()

        def call(pick: Callable[[Tensor, int], Tensor]) -> Any:
            picked = [x if d is None else pick(x, d) for x, d in zip(leaves, dims, strict=True)]
            if not first:
                batched = (x for x, d in zip(picked, dims, strict=True) if d is not None)
                first.update(node for node in map(node_of, batched) if node is not None)
            return func(*with_leaves(args, picked), **kwargs)

        before = default_generator.get_state()
        results = []
        for k in range(size):
            if randomness == "same" and k:
                default_generator.set_state(before)
            results.append(call(lambda x, d, k=k: select(x, d, k)))  # type: ignore[misc]
            if randomness == "error" and k == 0:
                _refuse_random_numbers(before)
        if results:
            return _joined(name, out_dims, results, len(results), first)
        with no_grad():
            example = call(lambda x, d: attach(_zeros_without(x, d), None))
        default_generator.set_state(before)
        return _joined(name, out_dims, [example], 0, first)

    return batched


def _zeros_without(x: Tensor, dim: int) -> Any:
    return np.zeros((*x.shape[:dim], *x.shape[dim + 1 :]), x.dtype)


def _refuse_random_numbers(before: Tensor) -> None:
    if not np.array_equal(default_generator.get_state()._array, before._array):
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the "
            "'same' or 'different' randomness flags on vmap or perform the randomness operation "
            "out of vmap"
        )


def _batched_inputs(
    name: str, in_dims: Any, args: tuple[Any, ...]
) -> tuple[list[Any], list[int | None]]:
    """Return the leaves of all arguments, and the batched dimension of each."""
    call = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
            "trying to vmap over a function with no inputs. The latter is unsupported."
        )
    given = spread(in_dims, args)
    if given is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`: there are "
            f"{len(args)} of them"
        )
    leaves = leaves_of(args)
    dims = [_normal_dim(call, x, d) for x, d in zip(leaves, given, strict=True)]
    sizes = [x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError(f"{call}: at least one input must be batched: all in_dims are None")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return leaves, dims


def _normal_dim(call: str, x: Any, dim: Any) -> int | None:
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer dimension "
            "or None."
        )
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot "
            "vmap over non-Tensor arguments, please use None as the respective in_dim"
        )
    n = x.ndim
    if not -n <= dim < n:
        raise ValueError(
            f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of "
            f"dimensionality {n} so expected in_dim to satisfy -{n} <= in_dim < {n}."
        )
    return dim % n


def _joined(name: str, out_dims: Any, results: list[Any], size: int, first: set[Node]) -> Any:
    """Return the results of all elements, stacked; ``first`` are the nodes of the first one."""
    for leaf in leaves_of(out_dims):
        if leaf is not None and not isinstance(leaf, int):
            raise ValueError(
                f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a "
                "python collection of ints representing where in the outputs the vmapped "
                "dimension should appear."
            )
    dims = spread(out_dims, results[0])
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            "the structure of `outputs`."
        )
    columns = zip(*(leaves_of(result) for result in results), strict=True)
    joined = [_one(name, list(c), d, size, first) for c, d in zip(columns, dims, strict=True)]
    return with_leaves(results[0], joined)


def _one(name: str, values: list[Any], dim: int | None, size: int, first: set[Node]) -> Any:
    if dim is None:
        if all(v is values[0] for v in values):
            return values[0]
        arrays = [getattr(v, "_array", v) for v in values]
        root = node_of(values[0]) if isinstance(values[0], Tensor) else None
        # Of equal results that depend on their elements, the first would have all the gradient.
        depends = root is not None and root in reaching([root], first)
        if not depends and all(np.array_equal(a, arrays[0], equal_nan=True) for a in arrays):
            return values[0]
        raise ValueError(
            f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None: the "
            "elements have results of their own"
        )
    for v in values:
        if not isinstance(v, Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(v)}. Did "
                "you mean to set out_dims= to None for output?"
            )
    if size:
        return stack(values, dim)
    return stack(values, dim).narrow(dim, 0, 0)
