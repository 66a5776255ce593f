"""How tensors print: PyTorch's layout, four digits, long ones abridged.

All numbers of a tensor share one format: integers with a point if all are whole, scientific if
they are far apart, else a fixed number of decimals. What is not printed has no say in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


@dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = _Options()
_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print.

    Args:
        precision: digits after the point.
        threshold: the number of elements above which a tensor is abridged.
        edgeitems: how many elements an abridged dimension shows at each end.
        linewidth: the characters in a line.
        profile: ``"default"``, ``"short"`` or ``"full"``: values for all of these.
        sci_mode: scientific notation always or never; None (also when left out) to let the
            numbers decide.

    >>> import chainrule as cr
    >>> cr.set_printoptions(precision=2)
    >>> cr.tensor([1.2345])
    tensor([1.23])
    >>> cr.set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    for name, value in (*_PROFILES.get(profile or "", {}).items(), *given.items()):
        if value is not None:
            setattr(_options, name, value)
    _options.sci_mode = sci_mode


# --- One format for all elements ------------------------------------------------------------------


def _abridged(length: int) -> bool:
    return length > 2 * _options.edgeitems


def _shown(array: Any) -> Any:
    """Return the elements that will be printed."""
    if array.size <= _options.threshold:
        return array
    edge = _options.edgeitems
    ends = [
        [*range(edge), *range(n - edge, n)] if _abridged(n) else list(range(n)) for n in array.shape
    ]
    return array[np.ix_(*ends)]


def _formatter(array: Any) -> tuple[Callable[[Any], str], int]:
    """Return how an element is written, and the width it is written to."""
    if array.dtype.kind != "f":
        width = max((len(str(v)) for v in array.reshape(-1).tolist()), default=0)
        return lambda v: str(v).rjust(width), width
    values = array.astype(np.float64).reshape(-1)
    values = values[np.isfinite(values) & (values != 0)]
    write, width = _plain_or_scientific(values)
    return lambda v: (write(v) if math.isfinite(v) else str(v)).rjust(width), width


def _plain_or_scientific(values: Any) -> tuple[Callable[[float], str], int]:
    """Return how finite numbers are written; ``values`` are those of them that are not 0."""
    whole = bool(np.all(values == np.ceil(values)))
    scientific = _options.sci_mode
    if scientific is None:
        sizes = np.abs(values)
        largest, smallest = (sizes.max(), sizes.min()) if sizes.size else (1.0, 1.0)
        scientific = bool(largest / smallest > 1000.0 or largest > 1e8)
        scientific = scientific or (not whole and bool(smallest < 1e-4))
    digits = _options.precision
    if scientific:
        write: Callable[[float], str] = lambda v: f"{v:.{digits}e}"  # noqa: E731
    elif whole:
        write = lambda v: f"{v:.0f}."  # noqa: E731
    else:
        write = lambda v: f"{v:.{digits}f}"  # noqa: E731
    return write, max((len(write(v)) for v in values.tolist()), default=1)


# --- Rows and blocks ------------------------------------------------------------------------------


def array_text(array: Any, indent: int) -> str:
    """Return the numbers of an array in brackets, later lines indented.

    Args:
        array: what to write.
        indent: the column at which the text will stand.
    """
    if array.size == 0:
        return "[]"
    write, width = _formatter(_shown(array))
    return _text(array, indent, write, width, array.size > _options.threshold)


def _text(array: Any, indent: int, write: Callable[[Any], str], width: int, abridge: bool) -> str:
    if array.ndim == 0:
        return write(array.item())
    edge = _options.edgeitems
    cut = abridge and _abridged(len(array))
    if array.ndim == 1:
        items = array.tolist()
        if cut:
            written = [write(v) for v in items[:edge]] + [" ..."]
            written += [write(v) for v in items[len(items) - edge :]]
        else:
            written = [write(v) for v in items]
        fit = max(1, (_options.linewidth - indent) // (width + 2))
        lines = [", ".join(written[k : k + fit]) for k in range(0, len(written), fit)]
        between = ",\n"
    else:
        rows = [*range(edge), None, *range(len(array) - edge, len(array))] if cut else None
        lines = [
            "..." if k is None else _text(array[k], indent + 1, write, width, abridge)
            for k in (range(len(array)) if rows is None else rows)
        ]
        between = "," + "\n" * (array.ndim - 1)
    return "[" + (between + " " * (indent + 1)).join(lines) + "]"


def tensor_text(tensor: Tensor, prefix: str = "tensor(") -> str:
    """Return what ``repr`` of a tensor shows."""
    array = tensor._array
    text = prefix + array_text(array, len(prefix))
    column = len(text) - text.rfind("\n") + 1
    for suffix in _suffixes(tensor):
        if column + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * len(prefix) + suffix
            column = len(prefix) + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def _suffixes(tensor: Tensor) -> list[str]:
    array = tensor._array
    default = dtypes.get_default_dtype()
    suffixes = []
    if array.size == 0 and array.ndim != 1:
        suffixes.append(f"size={array.shape}")
    if array.dtype != default and (array.size == 0 or array.dtype not in _UNMARKED):
        suffixes.append(f"dtype={array.dtype}")
    node = tensor.grad_fn
    if node is not None:
        suffixes.append(f"grad_fn=<{node.name}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


_UNMARKED = (dtypes.int64, dtypes.bool)
