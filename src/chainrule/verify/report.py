"""The report of a check: rows, mistakes, and how they are shown."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from chainrule.verify.verdicts import RIGHT, Measure


@dataclass(frozen=True)
class Where:
    """The place of a mistake.

    Attributes:
        operation: the operation whose rule was got wrong.
        layer: the number of the layer (or its name), "" outside of any.
        file: the user's file.
        line: the line there that made the operation.
        code: that line's text.
    """

    operation: str
    layer: str
    file: str
    line: int
    code: str

    def __str__(self) -> str:
        parts = [self.operation]
        if self.layer:
            parts.append(f"layer {self.layer}")
        if self.file:
            parts.append(f"{_short_path(self.file)}:{self.line}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Mistake:
    """One root cause.

    Attributes:
        kind: its kind in the catalogue; "unknown" if nothing there fits.
        claim: the name of the first claimed gradient that shows it.
        where: the operation, the layer, the user's source line.
        message: what was done, in words.
        expected: the right formula.
        claimed: the formula that was evidently used.
        explains: the wrong claims that this mistake, put into the rules, reproduces.
        likelihood: how common a mistake it is, from 0 to 1.
        alternatives: other mistakes that give the same numbers, likeliest first.
    """

    kind: str
    claim: str
    where: Where
    message: str
    expected: str
    claimed: str
    explains: tuple[str, ...]
    likelihood: float
    alternatives: tuple[Mistake, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the mistake as plain data."""
        return {
            "kind": self.kind,
            "claim": self.claim,
            "where": {
                "operation": self.where.operation,
                "layer": self.where.layer,
                "file": self.where.file,
                "line": self.where.line,
                "code": self.where.code,
            },
            "message": self.message,
            "expected": self.expected,
            "claimed": self.claimed,
            "explains": list(self.explains),
            "likelihood": self.likelihood,
            "alternatives": [a.to_dict() for a in self.alternatives],
        }


@dataclass(frozen=True)
class Row:
    """One claim.

    Attributes:
        name: as it was claimed.
        verdict: exact, equal, close, wrong, wrong shape, not finite, missing.
        shape: the claimed shape, None if the claim is missing.
        expected_shape: the right one.
        measure: the errors.
        diagnosis: "" for a right claim; else the mistake made here, or whose consequence it is.
        role: right, root cause, consequence or unexplained.
    """

    name: str
    verdict: str
    shape: tuple[int, ...] | None
    expected_shape: tuple[int, ...]
    measure: Measure
    diagnosis: str
    role: str

    @property
    def ok(self) -> bool:
        """Whether the claim is right, if only to limited precision."""
        return self.verdict in RIGHT

    @property
    def max_abs_error(self) -> float | None:
        """The largest absolute error."""
        return self.measure.absolute

    @property
    def max_rel_error(self) -> float | None:
        """The largest error relative to the largest entry of the right gradient."""
        return self.measure.relative

    @property
    def ulps(self) -> float | None:
        """The largest error in units in the last place of the largest entry."""
        return self.measure.ulps

    @property
    def worst(self) -> tuple[int, ...] | None:
        """The index of the worst entry."""
        return self.measure.worst

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        m = self.measure
        return {
            "name": self.name,
            "verdict": self.verdict,
            "ok": self.ok,
            "shape": None if self.shape is None else list(self.shape),
            "expected_shape": list(self.expected_shape),
            "max_abs_error": m.absolute,
            "max_rel_error": m.relative,
            "ulps": m.ulps,
            "worst": None if m.worst is None else list(m.worst),
            "claimed": m.claimed,
            "expected": m.right,
            "diagnosis": self.diagnosis,
            "role": self.role,
        }


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        rows: one per claim, in the order of the backward pass.
        mistakes: the root causes, likeliest first; empty if all is right.
        loss: the loss's value.
        notes: what else there is to say: a claim right on some inputs only, a failed trial.
    """

    rows: list[Row]
    mistakes: list[Mistake]
    loss: float
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every claim is right, if only to limited precision (verdict ``close``)."""
        return all(row.ok for row in self.rows) and not any(
            m.kind != "precision" for m in self.mistakes
        )

    def text(self, width: int = 80) -> str:
        """Return the report as text."""
        from chainrule.verify.showing import as_text

        return as_text(self, width)

    def html(self) -> str:
        """Return the report as an HTML fragment that needs no style sheet."""
        from chainrule.verify.showing import as_html

        return as_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "ok": self.ok,
            "loss": self.loss,
            "rows": [row.to_dict() for row in self.rows],
            "mistakes": [m.to_dict() for m in self.mistakes],
            "notes": list(self.notes),
        }

    def json(self) -> str:
        """Return the report as JSON; numbers that JSON lacks become null."""
        return json.dumps(_finite(self.to_dict()), indent=2, ensure_ascii=False)

    def _repr_html_(self) -> str:
        return self.html()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()

    def __rich__(self) -> Any:
        from chainrule.verify.showing import as_rich

        return as_rich(self)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value


def _short_path(path: str) -> str:
    if path.startswith("<"):
        return path
    return path.replace("\\", "/").rsplit("/", 1)[-1]
