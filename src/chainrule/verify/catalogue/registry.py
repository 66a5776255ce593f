"""The register of kinds of mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.verify.diagnosis.hypothesis import Generator


@dataclass(frozen=True)
class Kind:
    """One kind of mistake.

    Attributes:
        name: what `Mistake.kind` says.
        summary: the mistake in a few words.
        right: the right formula, in an example.
        wrong: the formula as it is often written.
        generate: yields a hypothesis for every place where it could have been made.
    """

    name: str
    summary: str
    right: str
    wrong: str
    generate: Generator


KINDS: dict[str, Kind] = {}


def kind(name: str, *, summary: str, right: str, wrong: str) -> Callable[[Generator], Generator]:
    """Enter a generator of hypotheses into the catalogue under a kind's name."""

    def enter(generate: Generator) -> Generator:
        if name in KINDS:
            raise ValueError(f"the catalogue already has a kind {name!r}")
        KINDS[name] = Kind(name, summary, right, wrong, generate)
        return generate

    return enter
