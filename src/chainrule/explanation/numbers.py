"""Numbers for people: small arrays whole, large ones by shape, norm, range and a corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

CORNER = 3


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of an array is shown.

    Attributes:
        precision: digits after the point.
        max_entries: arrays with more entries are summarised.
    """

    precision: int = 4
    max_entries: int = 64

    def __post_init__(self) -> None:
        if self.precision < 0 or self.max_entries < 1:
            raise ValueError(
                "explain: precision must be at least 0 and max_entries at least 1, got "
                f"precision={self.precision}, max_entries={self.max_entries}"
            )

    def whole(self, array: Any) -> bool:
        """Tell whether an array is small enough to be shown whole."""
        return bool(np.size(array) <= self.max_entries and np.ndim(array) <= 3)


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as it is said: 4 × 3, or "scalar".

    >>> shape_text((4, 3)), shape_text(()), shape_text((5,))
    ('4 × 3', 'scalar', '5')
    """
    return " × ".join(map(str, shape)) if shape else "scalar"


def entries(array: Any, precision: int = 4) -> Any:
    """Return an array's entries as strings, all in one format.

    >>> entries([0.5, -0.25], 2).tolist()
    ['0.50', '-0.25']
    """
    array = np.asarray(array)
    if array.dtype.kind != "f":
        strings = [str(v) for v in array.ravel().tolist()]
    else:
        flat = array.astype(np.float64).ravel()
        finite = np.abs(flat[np.isfinite(flat)])
        largest = float(finite.max(initial=0.0))
        form = "e" if largest >= 1e5 or 0 < largest < 10.0 ** -max(precision - 1, 0) else "f"
        strings = [_number(v, precision, form) for v in flat.tolist()]
    return np.array(strings, dtype=object).reshape(array.shape)


def _number(value: float, precision: int, form: str) -> str:
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    written = f"{value:.{precision}{form}}"
    # A negative zero by rounding is still a zero.
    return written.removeprefix("-") if float(written) == 0 and value == 0 else written


def number(value: Any, precision: int = 4) -> str:
    """Return one number.

    >>> number(0.69331), number(2), number(1.5e-7)
    ('0.6933', '2', '1.5000e-07')
    """
    return str(entries(np.asarray(value), precision).item())


@dataclass(frozen=True, slots=True)
class Summary:
    """What is said of a large array: Euclidean norm, range, first rows and columns."""

    norm: float
    smallest: float
    largest: float
    mean: float
    corner: Any

    def text(self, precision: int) -> str:
        """Return the summary as a phrase."""
        low, high, norm = (
            number(np.float64(v), precision) for v in (self.smallest, self.largest, self.norm)
        )
        return f"‖·‖ = {norm}, from {low} to {high}"


def summarise(array: Any) -> Summary:
    """Return what is said of a large array; NaN counts as the norm and not in the range."""
    array = np.asarray(array)
    flat = array.astype(np.float64).ravel()
    known = flat[~np.isnan(flat)]
    nothing = float("nan")
    return Summary(
        float(np.linalg.norm(flat)),
        float(known.min()) if known.size else nothing,
        float(known.max()) if known.size else nothing,
        float(known.mean()) if known.size else nothing,
        corner_of(array),
    )


def corner_of(array: Any) -> Any:
    """Return the first rows and columns of an array, or of its first matrix."""
    array = np.asarray(array)
    if array.ndim > 2 and array.size == 0:
        return array.reshape(0)
    while array.ndim > 2:
        array = array[0]
    if array.ndim == 0:
        return array
    return array[:CORNER, :CORNER] if array.ndim == 2 else array[:CORNER]


def matrix_lines(array: Any, precision: int, more: tuple[bool, bool] = (False, False)) -> list[str]:
    """Return a scalar, vector or matrix as lines with brackets.

    Args:
        array: at most two dimensions.
        precision: digits after the point.
        more: rows follow that are not shown, columns follow.
    """
    strings = entries(array, precision)
    if strings.ndim == 0:
        return [str(strings.item())]
    rows = strings.reshape(1, -1) if strings.ndim == 1 else strings
    if rows.size == 0:
        return ["[ ]"]
    width = max(len(s) for s in rows.ravel())
    lines = ["  ".join(s.rjust(width) for s in row) + ("  …" if more[1] else "") for row in rows]
    if more[0]:
        lines.append("⋮".rjust(width).ljust(len(lines[0])))
    if len(lines) == 1:
        return [f"[ {lines[0]} ]"]
    last = len(lines) - 1
    left = ["⎡" if k == 0 else "⎣" if k == last else "⎢" for k in range(len(lines))]
    right = ["⎤" if k == 0 else "⎦" if k == last else "⎥" for k in range(len(lines))]
    return [f"{a} {line} {b}" for a, line, b in zip(left, lines, right, strict=True)]


def array_lines(array: Any, amount: Amount, width: int) -> list[str]:
    """Return an array as lines of at most ``width`` characters: whole, or summarised."""
    array = np.asarray(array)
    if array.size == 0:
        return ["[ ]"]
    if amount.whole(array):
        if array.ndim <= 2:
            lines = matrix_lines(array, amount.precision)
        else:
            lines = []
            for k, matrix in enumerate(array):
                block = matrix_lines(matrix, amount.precision)
                lines += [
                    f"[{k}]  {line}" if not j else f"     {line}" for j, line in enumerate(block)
                ]
        if all(len(line) <= width for line in lines):
            return lines
    summary = summarise(array)
    shape = array.shape[-2:]
    more = (len(shape) == 2 and shape[0] > CORNER, bool(shape) and shape[-1] > CORNER)
    said = summary.text(amount.precision)
    phrases = [said] if len(said) <= width else said.split(", ")
    return [*phrases, *matrix_lines(summary.corner, amount.precision, more)]
