"""Claims as users bring them: keyed by tensors or names, as arrays, lists or anybody's tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.replay import root_of
from chainrule.tensor import Tensor
from chainrule.verify.diagnosis.recording import Array, Recording

_PREFIXES = ("d", "grad_", "d_", "g_", "dL_d", "dL/d", "∂L/∂", "∇", "grad ")
_SUFFIXES = (".grad", "_grad", "_bar", "_g")


@dataclass(frozen=True)
class GivenClaim:
    """A claim as it was brought.

    Attributes:
        name: how the report calls it.
        node: what it is the gradient of.
        array: the claimed gradient, None if it is missing.
    """

    name: str
    node: Node
    array: Array | None


def given_claims(
    recording: Recording,
    claims: Mapping[Any, Any],
    known: Mapping[str, Tensor],
) -> list[GivenClaim]:
    """Return the claims with the nodes they are about, in the order of the backward pass.

    Args:
        recording: the loss's graph.
        claims: tensors or names to claimed gradients.
        known: tensors by name.

    Raises:
        KeyError: for a name that no tensor has.
        ValueError: for a tensor that the loss does not depend on, or claimed twice.
    """
    inside = set(recording.nodes)
    names = {tensor._node: name for name, tensor in reversed(list(known.items())) if tensor._node}
    found: dict[Node, GivenClaim] = {}
    for key, value in claims.items():
        if isinstance(key, Tensor):
            node = root_of(key)
            name = names.get(node) or f"tensor{list(key.shape)}"
        else:
            name = str(key)
            node = root_of(_by_name(name, known))
        if node not in inside:
            raise ValueError(
                f"check: the loss does not depend on {name!r} (shape {list(node.shape or ())}): it "
                "is no part of the recorded graph. Claim gradients of tensors that this loss was "
                "computed from"
            )
        if node in found:
            raise ValueError(
                f"check: {name!r} and {found[node].name!r} are the same tensor; claim it once"
            )
        found[node] = GivenClaim(name, node, as_array(name, value))
    return sorted(found.values(), key=lambda claim: _order(recording, claim.node))


def _order(recording: Recording, node: Node) -> tuple[int, int]:
    """Return a key for the order in which a backward pass completes gradients."""
    last = min((c.index for c, _ in recording.consumers[node]), default=recording.root.index + 1)
    return -last, 0 if node.primitive is None else 1


def _by_name(name: str, known: Mapping[str, Tensor]) -> Tensor:
    candidates = [name]
    candidates += [name.removeprefix(p) for p in _PREFIXES if name.startswith(p)]
    candidates += [name.removesuffix(s) for s in _SUFFIXES if name.endswith(s)]
    for candidate in candidates:
        if candidate in known:
            return known[candidate]
    import difflib

    near = difflib.get_close_matches(candidates[-1], known, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
    listed = ", ".join(list(known)[:12]) or "none"
    raise KeyError(
        f"check: no tensor is called {name!r} (nor that without a leading 'd'){hint} Known names: "
        f"{listed}. Pass names={{'{name}': tensor}}, or use the tensor itself as the key"
    )


def as_array(name: str, value: Any) -> Array | None:
    """Return a claimed gradient as an array, None if there is none.

    Raises:
        TypeError: for what holds no numbers.
    """
    if value is None:
        return None
    if isinstance(value, Tensor):
        return value._array
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"check: the claim {name!r} is no array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"check: the claim {name!r} has dtype {array.dtype}, expected real numbers; give an "
            "array, a list or a tensor"
        )
    return array


def flattened(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the arrays in nested dictionaries, lists and tuples, with names like ``W[0]``."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flattened(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and not all(isinstance(v, int | float) for v in value):
        for k, item in enumerate(value):
            yield from flattened(item, f"{prefix}[{k}]")
    else:
        yield prefix or "parameter", value


def variables(frame: Any) -> dict[str, Any]:
    """Return the tensors and arrays that a frame's variables hold, and those in their lists."""
    found: dict[str, Any] = {}
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            if name.startswith("__"):
                continue
            if isinstance(value, Tensor | np.ndarray):
                found.setdefault(name, value)
            elif isinstance(value, list | tuple | dict) and len(value) <= 1000:
                for inner, item in _one_level(name, value):
                    if isinstance(item, Tensor | np.ndarray):
                        found.setdefault(inner, item)
    return found


def _one_level(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (key if isinstance(key, str) else f"{name}[{key!r}]"), item
    else:
        for k, item in enumerate(value):
            yield f"{name}[{k}]", item
