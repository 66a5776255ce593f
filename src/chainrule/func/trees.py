"""Tensors nested in tuples, lists and dictionaries: taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Rebuild = Callable[[Sequence[Any]], Any]


def parts_of(tree: Any) -> list[Any] | None:
    """Return the branches of a tuple, list or dictionary; None for a leaf."""
    if isinstance(tree, tuple | list):
        return list(tree)
    return list(tree.values()) if isinstance(tree, dict) else None


def like(tree: Any, parts: Sequence[Any]) -> Any:
    """Return a tuple, list or dictionary of the kind of ``tree`` with other branches."""
    if isinstance(tree, dict):
        return type(tree)(zip(tree, parts, strict=True))
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*parts)
    return list(parts) if isinstance(tree, list) else tuple(parts)


def leaves_of(tree: Any) -> list[Any]:
    """Return the leaves of a tree, from left to right.

    >>> leaves_of({"a": 1, "b": (2, [3])})
    [1, 2, 3]
    """
    parts = parts_of(tree)
    return [tree] if parts is None else [leaf for part in parts for leaf in leaves_of(part)]


def with_leaves(tree: Any, leaves: Sequence[Any]) -> Any:
    """Return a tree of the same form with other leaves.

    >>> with_leaves({"a": 1, "b": (2, [3])}, [4, 5, 6])
    {'a': 4, 'b': (5, [6])}
    """
    remaining = iter(leaves)

    def fill(branch: Any) -> Any:
        parts = parts_of(branch)
        return next(remaining) if parts is None else like(branch, [fill(p) for p in parts])

    return fill(tree)


def same_form(a: Any, b: Any) -> bool:
    """Tell whether two trees have the same form, whatever their leaves."""
    first, second = parts_of(a), parts_of(b)
    if first is None or second is None:
        return first is second
    if isinstance(a, dict) != isinstance(b, dict) or isinstance(a, list) != isinstance(b, list):
        return False
    if isinstance(a, dict) and list(a) != list(b):
        return False
    return len(first) == len(second) and all(
        same_form(p, q) for p, q in zip(first, second, strict=True)
    )


def outline(tree: Any) -> str:
    """Return the form of a tree, a star for each leaf.

    >>> outline((1, {"a": 2}))
    "(*, {'a': *})"
    """
    parts = parts_of(tree)
    if parts is None:
        return "*"
    inside = [outline(p) for p in parts]
    if isinstance(tree, dict):
        return f"{{{', '.join(f'{k!r}: {v}' for k, v in zip(tree, inside, strict=True))}}}"
    return f"[{', '.join(inside)}]" if isinstance(tree, list) else f"({', '.join(inside)})"


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """Return what a tree that may stop early says for each leaf of another; None if they differ.

    >>> spread((0, None), (1, {"a": 2, "b": 3}))
    [0, None, None]
    """
    parts, branches = parts_of(prefix), parts_of(tree)
    if parts is None:
        return [prefix] * len(leaves_of(tree))
    if (
        branches is None
        or len(parts) != len(branches)
        or isinstance(prefix, dict) != isinstance(tree, dict)
        or isinstance(prefix, list) != isinstance(tree, list)
        or (isinstance(prefix, dict) and list(prefix) != list(tree))
    ):
        return None
    found = []
    for part, branch in zip(parts, branches, strict=True):
        inside = spread(part, branch)
        if inside is None:
            return None
        found += inside
    return found
