"""How tensors print: PyTorch's layout, four digits, long ones abridged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import dtypes

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

_options = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print: digits, size from which they are abridged, line width.

    >>> import chainrule as cr
    >>> cr.set_printoptions(precision=2)
    >>> cr.tensor([1.2345])
    tensor([1.23])
    >>> cr.set_printoptions(precision=4)
    """
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    _options.update({k: v for k, v in given.items() if v is not None})
    _options["sci_mode"] = sci_mode


def _shown(array: Any) -> Any:
    """Return the elements that will be printed, to choose one format for all of them."""
    edge = _options["edgeitems"] or 0
    if array.size <= (_options["threshold"] or 0):
        return array.reshape(-1)
    index = [np.r_[0:edge, n - edge : n] if n > 2 * edge else np.arange(n) for n in array.shape]
    return array[np.ix_(*index)].reshape(-1)


def _float_formatter(array: Any) -> Any:
    precision: int = _options["precision"]  # type: ignore[assignment]
    values = _shown(array).astype(np.float64)
    finite = values[np.isfinite(values)]
    sizes = np.abs(finite[finite != 0])
    whole = bool(np.all(finite == np.round(finite))) if finite.size else True
    large = sizes.max() if sizes.size else 0.0
    small = sizes.min() if sizes.size else 1.0
    scientific = _options["sci_mode"]
    if scientific is None:
        scientific = large / small > 1000.0 or large > 1e8 or small < 1e-4
        if whole:
            scientific = large / small > 1000.0 and large > 1e8
    if scientific:
        plain = lambda v: f"{v:.{precision}e}"  # noqa: E731
    elif whole:
        plain = lambda v: f"{v:.0f}."  # noqa: E731
    else:
        plain = lambda v: f"{v:.{precision}f}"  # noqa: E731
    written = [plain(v) if np.isfinite(v) else str(v) for v in values]
    width = max(map(len, written), default=0)

    def formatter(value: Any) -> str:
        v = float(value)
        return (plain(v) if np.isfinite(v) else str(v)).rjust(width)

    return formatter


def array_text(array: Any, indent: int) -> str:
    """Return the numbers of an array, its rows aligned, each line indented."""
    if array.size == 0:
        return "[]"
    formatter: dict[str, Any] = {}
    if array.dtype.kind == "f":
        formatter["float_kind"] = _float_formatter(array)
    if array.ndim == 0:
        value = array.item()
        return formatter["float_kind"](value) if formatter else str(value)
    text = np.array2string(
        array,
        separator=", ",
        formatter=formatter or None,  # type: ignore[arg-type]
        threshold=_options["threshold"],
        edgeitems=_options["edgeitems"],
        max_line_width=(_options["linewidth"] or 80) - indent,
    )
    return text.replace("\n", "\n" + " " * indent)


def tensor_text(tensor: Tensor, prefix: str = "tensor(") -> str:
    """Return what ``repr`` of a tensor shows."""
    array = tensor._array
    parts = [array_text(array, len(prefix))]
    if array.size == 0 and array.shape != (0,):
        parts.append(f"size={array.shape}")
    usual = {dtypes.get_default_dtype(), dtypes.int64, dtypes.bool}
    if array.dtype not in usual or (array.size == 0 and array.dtype != dtypes.get_default_dtype()):
        parts.append(f"dtype={array.dtype}")
    node = tensor.grad_fn
    if node is not None:
        parts.append(f"grad_fn=<{node.name}>")
    elif tensor.requires_grad:
        parts.append("requires_grad=True")
    return f"{prefix}{', '.join(parts)})"
